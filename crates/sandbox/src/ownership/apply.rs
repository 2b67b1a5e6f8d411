//! Applying a configuration: what the object becomes, who holds what then, and what stands against it.
//!
//! Source: `merge/update.go` of structured-merge-diff and `managedfields/internal` of apimachinery
//! (`lastappliedmanager.go`, `lastappliedupdater.go`, `skipnonapplied.go`). Pure: the object is not stored here.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::compare::compare;
use super::conflict::Conflicts;
use super::managers::{Claim, Manager, Managers, without_identity};
use super::merge::{merge, remove};
use super::set::FieldSet;
use super::typed::{misfits, paths};
use crate::object::{metadata_mut, time_text};
use crate::schema::Shape;

/// The annotation in which client-side apply keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Why a configuration is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is none of this shape; the text says where.
    Misfit(String),
    /// Others hold what it would change.
    Conflicts(Conflicts),
}

/// A configuration, and who applies it how.
#[derive(Debug)]
pub(crate) struct Application<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) config: &'a Value,
    pub(crate) api_version: &'a str,
    pub(crate) manager: Manager,
    /// Whether fields are taken from those who hold them.
    pub(crate) force: bool,
    /// What the server resets, so that nobody can hold it.
    pub(crate) ignored: FieldSet,
    pub(crate) now: Timestamp,
}

/// What applying makes of an object.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The object, without `managedFields`.
    pub(crate) object: Value,
    pub(crate) managers: Managers,
}

impl Application<'_> {
    /// Applies the configuration to an object, whose managers are given.
    pub(crate) fn to(&self, live: &Value, managers: &Managers) -> Result<Applied, Refused> {
        let found = misfits(self.shape, self.config);
        if !found.is_empty() {
            return Err(Refused::Misfit(match found.as_slice() {
                [one] => one.clone(),
                many => {
                    format!("errors:\n{}", many.iter().map(|why| format!("  {why}")).collect::<Vec<_>>().join("\n"))
                }
            }));
        }
        let mut applied = match self.merged(live, managers, self.force) {
            Ok(applied) => applied,
            // What kubectl applied from the client is its own: it may go on from the server.
            Err(conflicts) if self.manager.name == "kubectl" => {
                match last_applied(live).and_then(|config| conflicts.clone().without(&self.unchanged(live, &config))) {
                    Some(left) => return Err(Refused::Conflicts(left)),
                    None if last_applied(live).is_none() => return Err(Refused::Conflicts(conflicts)),
                    None => self.merged(live, managers, true).map_err(Refused::Conflicts)?,
                }
            }
            Err(conflicts) => return Err(Refused::Conflicts(conflicts)),
        };
        if self.manager.name == "kubectl" && annotation(&applied.object).is_some_and(|text| !text.is_empty()) {
            renew_last_applied(&mut applied.object, self.config);
        }
        Ok(applied)
    }

    fn merged(&self, live: &Value, managers: &Managers, force: bool) -> Result<Applied, Conflicts> {
        let mut managers = managers.clone();
        let object = merge(self.shape, Some(live), Some(self.config)).unwrap_or_else(|| Value::Object(Map::new()));
        let last = managers.0.remove(&self.manager);
        let fields = paths(self.shape, self.config).without(&self.ignored);
        let time = last.as_ref().map_or(Value::Null, |claim| claim.time.clone());
        let claim = Claim { fields, api_version: self.api_version.to_owned(), time };
        managers.0.insert(self.manager.clone(), claim);
        let object = match &last {
            Some(last) if !last.fields.is_empty() => self.pruned(&object, &managers, &last.fields),
            _ => object,
        };

        let changes = compare(self.shape, live, &object).without(&self.ignored);
        let written = changes.written();
        let others = managers.0.iter().filter(|(manager, _)| **manager != self.manager);
        let conflicts: Vec<_> = others
            .map(|(manager, claim)| (manager.clone(), claim.fields.intersection(&written)))
            .filter(|(_, fields)| !fields.is_empty())
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(Conflicts(conflicts));
        }
        for (manager, claim) in &mut managers.0 {
            if *manager != self.manager {
                claim.fields = claim.fields.difference(&written).difference(&changes.removed);
            }
        }
        let is_changed = *live != object;
        if let Some(claim) = managers.0.get_mut(&self.manager) {
            claim.fields = without_identity(&claim.fields);
            // Who joins without changing anything gets no time, as there.
            if is_changed {
                claim.time = time_text(self.now).into();
            }
        }
        managers.drop_empty();
        managers.cap();
        Ok(Applied { object, managers })
    }

    /// Takes out what this manager applied last time and now no more, unless somebody else holds it.
    fn pruned(&self, merged: &Value, managers: &Managers, last: &FieldSet) -> Value {
        let named = |set: &FieldSet| set.with_named_fields(self.shape);
        let last = named(last);
        let pruned = remove(self.shape, merged, &last);
        let all = named(&paths(self.shape, merged));
        let held = managers.0.values().fold(FieldSet::default(), |held, claim| held.union(&claim.fields));
        let kept = named(&paths(self.shape, &pruned)).union(&named(&held));
        let pruned = remove(self.shape, merged, &all.difference(&kept));
        let left = named(&paths(self.shape, &pruned));
        remove(self.shape, merged, &all.difference(&left).intersection(&last))
    }

    /// Returns the fields of a configuration that are in the object as they are in it.
    fn unchanged(&self, live: &Value, config: &Value) -> FieldSet {
        let changes = compare(self.shape, config, live);
        let fields = paths(self.shape, config);
        fields.difference(&changes.modified).difference(&changes.added).difference(&changes.removed)
    }
}

fn annotation(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"][LAST_APPLIED].as_str()
}

fn last_applied(object: &Value) -> Option<Value> {
    let config: Value = serde_json::from_str(annotation(object)?).ok()?;
    (config["apiVersion"] == object["apiVersion"]).then_some(config)
}

/// Keeps the annotation of client-side apply true, for who goes on from the client.
fn renew_last_applied(object: &mut Value, config: &Value) {
    let mut config = config.clone();
    if let Some(annotations) = config["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    // As the Go encoder ends it.
    let text = format!("{config}\n");
    let annotations = metadata_mut(object).entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    crate::object::set(annotations, LAST_APPLIED, text);
}
