//! The managers of an object and what each holds: `metadata.managedFields`, read and written.
//!
//! Source: `managedfields/internal` of apimachinery: `managedfields.go`, `managedfieldsupdater.go`, `stripmeta.go`,
//! `capmanagers.go`. A write takes the fields that it changes from everybody else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare::compare;
use super::set::FieldSet;
use crate::object::{metadata_mut, time_text};
use crate::schema::Shape;

/// How a manager writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// Who writes: a name, and how and through what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    /// The API version of an update; a name that applies is one manager, whatever the version.
    pub(crate) api_version: String,
    /// The subresource, "" for none.
    pub(crate) subresource: String,
}

impl Manager {
    /// Returns who writes an object of this API version without applying it.
    pub(crate) fn update(name: &str, api_version: &str, subresource: &str) -> Self {
        let [name, api_version, subresource] = [name, api_version, subresource].map(str::to_owned);
        Self { name, operation: Operation::Update, api_version, subresource }
    }

    /// Returns who applies.
    pub(crate) fn apply(name: &str, subresource: &str) -> Self {
        let [name, subresource] = [name, subresource].map(str::to_owned);
        Self { name, operation: Operation::Apply, api_version: String::new(), subresource }
    }
}

/// What a manager holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    pub(super) fields: FieldSet,
    pub(super) api_version: String,
    /// When it last changed; null for a writer through `scale`.
    pub(super) time: Value,
}

/// The managers of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managers(pub(super) BTreeMap<Manager, Claim>);

/// The most managers that update, until the oldest are put together.
const UPDATERS: usize = 10;

/// The name under which the oldest updates are put together.
const OLDEST: &str = "ancient-changes";

impl Managers {
    /// Reads `managedFields`; `None` when an entry makes no sense.
    pub(crate) fn read(entries: &Value) -> Option<Self> {
        let mut managers = BTreeMap::new();
        for entry in entries.as_array().into_iter().flatten() {
            let text = |field: &str| entry[field].as_str().unwrap_or_default();
            let api_version = text("apiVersion");
            if api_version.is_empty() || text("fieldsType") != "FieldsV1" {
                return None;
            }
            let manager = match text("operation") {
                "Apply" => Manager::apply(text("manager"), text("subresource")),
                "Update" => Manager::update(text("manager"), api_version, text("subresource")),
                _ => return None,
            };
            let claim = Claim {
                fields: FieldSet::of_fields_v1(&entry["fieldsV1"]),
                api_version: api_version.to_owned(),
                time: entry["time"].clone(),
            };
            managers.insert(manager, claim);
        }
        Some(Self(managers))
    }

    /// Returns whether nobody manages anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes `managedFields` into an object.
    pub(crate) fn write(&self, object: &mut Value) {
        let metadata = metadata_mut(object);
        if self.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".into(), self.entries());
        }
    }

    /// Returns what the only manager holds, as `FieldsV1`.
    pub(crate) fn into_fields(self) -> Value {
        self.0.into_values().next().map_or_else(|| json!({}), |claim| claim.fields.fields_v1())
    }

    fn entries(&self) -> Value {
        let mut managers: Vec<(&Manager, &Claim)> = self.0.iter().collect();
        managers.sort_by_key(|(manager, claim)| {
            let time = claim.time.as_str().unwrap_or_default();
            (manager.operation, time, &manager.name, &claim.api_version, &manager.subresource)
        });
        let entry = |(manager, claim): (&Manager, &Claim)| {
            let mut entry = json!({
                "manager": manager.name, "operation": format!("{:?}", manager.operation),
                "apiVersion": claim.api_version, "fieldsType": "FieldsV1", "fieldsV1": claim.fields.fields_v1()
            });
            if !claim.time.is_null() {
                entry["time"] = claim.time.clone();
            }
            if !manager.subresource.is_empty() {
                entry["subresource"] = manager.subresource.as_str().into();
            }
            entry
        };
        managers.into_iter().map(entry).collect::<Vec<_>>().into()
    }

    /// Records that `manager` made `after` of `before` otherwise than by applying. What is ignored is reset by
    /// the server and belongs to nobody.
    pub(crate) fn update(
        &mut self,
        shape: &Shape,
        before: &Value,
        after: &Value,
        manager: &Manager,
        ignored: &FieldSet,
        now: Timestamp,
    ) {
        let changes = compare(shape, before, after).without(ignored);
        let written = changes.written();
        self.0
            .values_mut()
            .for_each(|claim| claim.fields = claim.fields.difference(&written).difference(&changes.removed));
        let own = without_identity(&written);
        if !own.is_empty() {
            let time = if manager.subresource == "scale" { Value::Null } else { time_text(now).into() };
            let before = self.0.get(manager).map(|claim| claim.fields.clone()).unwrap_or_default();
            let claim = Claim { fields: own.union(&before), api_version: manager.api_version.clone(), time };
            self.0.insert(manager.clone(), claim);
        }
        self.drop_empty();
        self.cap();
    }

    /// Adds managers of another part of the object, at a time; what somebody holds already stays theirs.
    pub(crate) fn join(&mut self, others: Self, time: &Value) {
        let held = self.0.values().fold(FieldSet::default(), |held, claim| held.union(&claim.fields));
        for (manager, mut claim) in others.0 {
            claim.fields = claim.fields.difference(&held);
            claim.time = time.clone();
            self.0.insert(manager, claim);
        }
        self.drop_empty();
    }

    /// Returns who holds the replicas of a workload, as managers of its Scale.
    pub(crate) fn of_scale(&self, api_version: &str) -> Self {
        let replicas = replicas();
        let holders = self.0.iter().filter(|(_, claim)| !claim.fields.intersection(&replicas).is_empty());
        let claim = |claim: &Claim| Claim {
            fields: replicas.clone(),
            api_version: api_version.to_owned(),
            time: claim.time.clone(),
        };
        // An update is one of the Scale's version there, and another manager by that.
        let of_scale = |manager: &Manager| match manager.operation {
            Operation::Apply => manager.clone(),
            Operation::Update => Manager { api_version: api_version.to_owned(), ..manager.clone() },
        };
        Self(holders.map(|(manager, held)| (of_scale(manager), claim(held))).collect())
    }

    /// Returns the managers of a workload after its Scale was written (`ScaleHandler` of apimachinery).
    pub(crate) fn with_scale(&self, scale: &Self, api_version: &str) -> Self {
        let replicas = replicas();
        let mut managers = self.clone();
        for (manager, claim) in &mut managers.0 {
            if !scale.0.contains_key(manager) {
                claim.fields = claim.fields.difference(&replicas);
            }
        }
        for manager in scale.0.keys() {
            // Who comes to hold the replicas this way has no time.
            managers.0.entry(manager.clone()).or_insert_with(|| Claim {
                fields: replicas.clone(),
                api_version: api_version.to_owned(),
                time: Value::Null,
            });
        }
        managers.drop_empty();
        managers
    }

    /// Forgets who holds nothing.
    pub(super) fn drop_empty(&mut self) {
        self.0.retain(|_, claim| !claim.fields.is_empty());
    }

    /// Puts the oldest updates together when there are too many.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<(String, Manager)> = self
            .0
            .iter()
            .filter(|(manager, _)| manager.operation == Operation::Update)
            .map(|(manager, claim)| (claim.time.as_str().unwrap_or_default().to_owned(), manager.clone()))
            .collect();
        updaters.sort();
        let mut excess = updaters.len().saturating_sub(UPDATERS);
        let mut first: BTreeMap<String, Manager> = BTreeMap::new();
        for (_, manager) in updaters {
            if excess == 0 {
                break;
            }
            let version = manager.api_version.clone();
            let Some(earlier) = first.get(&version) else {
                first.insert(version, manager);
                continue;
            };
            let bucket = Manager::update(OLDEST, &version, "");
            if !self.0.contains_key(&bucket)
                && let Some(claim) = self.0.remove(earlier)
            {
                self.0.insert(bucket.clone(), claim);
            }
            let Some(claim) = self.0.remove(&manager) else { continue };
            if let Some(known) = self.0.get_mut(&bucket) {
                known.fields = known.fields.union(&claim.fields);
                known.time = claim.time;
            }
            excess -= 1;
        }
    }
}

fn replicas() -> FieldSet {
    FieldSet::of_fields(&[&["spec", "replicas"]])
}

/// Returns the paths without those that say which object it is; nobody manages them.
pub(super) fn without_identity(fields: &FieldSet) -> FieldSet {
    fields.difference(&FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ]))
}
