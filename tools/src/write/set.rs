//! `set`: proposes other values in a workload's pod template: image, resources, environment, command, probes,
//! labels.
//!
//! The live template is changed here and the changed parts are sent as a JSON patch on the version that was read.
//! What the template's rules forbid (a label that the selector needs, a request above its limit) is said before.

pub(super) mod container;
mod edits;
mod probes;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use todo_agent_core::{FullReader, Output, PatchStyle, Remark, Run, ToolError};

use super::rollout_control::{self, Came, Target};
use crate::{
    amounts::Amounts,
    autoscalers,
    tool::{Proposal, Write},
    value, words, workloads,
};
use edits::Edits;
pub(super) use edits::{check_variable, quoted, reference};
use probes::ProbeArgs;
pub(super) use probes::port;

/// Propose other values for a workload's pods. Give at least one of image to labels; the rest stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetArgs {
    /// backend, or deployment/backend
    workload: String,
    namespace: Option<String>,
    /// needed where there are several
    container: Option<String>,
    /// an image, or only its new tag
    image: Option<String>,
    /// {"cpu":"500m","memory":"1Gi"}; null removes one
    #[schemars(with = "Option<Map<String, Value>>")]
    requests: Option<Amounts>,
    #[schemars(with = "Option<Map<String, Value>>")]
    limits: Option<Amounts>,
    /// {"LEVEL":"debug"}; null removes; {"secret":"name","key":"k"} or {"configmap":…} refers
    #[schemars(with = "Option<Map<String, Value>>")]
    env: Option<BTreeMap<String, Value>>,
    /// replaces the entrypoint; [] is the image's own
    command: Option<Vec<String>>,
    args: Option<Vec<String>>,
    /// by readiness, liveness, startup; null removes
    probes: Option<BTreeMap<String, Option<ProbeArgs>>>,
    /// of the pods; null removes
    #[schemars(with = "Option<Map<String, Value>>")]
    labels: Option<BTreeMap<String, Value>>,
}

/// The tool.
pub(crate) struct Set;

impl Write for Set {
    const NAME: &'static str = "set";
    type Args = SetArgs;

    fn example(&self) -> Value {
        json!({"workload": "backend", "image": "v1.1.0"})
    }

    async fn propose<'a>(
        &'a self,
        args: SetArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        if args.asks_for_nothing() {
            return Err(ToolError::arguments(
                "set needs one of image, requests, limits, env, command, args, probes or labels",
            ));
        }
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let resolved = rollout_control::find(reader, &args.workload, namespace).await?;
        let live = reader.get(&resolved.object).await?;
        let target = Target { tool: Self::NAME, object: resolved.object.clone(), live };
        let mut edits = Edits::of(&target.live, &target.object)?;
        args.edit(&mut edits, run)?;
        if edits.is_nothing() {
            let why = format!("{} already is as asked; nothing to change", target.object.short());
            let data = json!({"changed": false, "why": why, "object": target.object.short(),
                "namespace": target.object.namespace});
            return Ok(Proposal::Nothing(Output::build(&run.redactor, &data).text(why).build()));
        }
        let before = target.current_revision(reader).await?;
        let command = edits.command(&target.object);
        let mut change =
            target.change(edits.summary(&target.object), &command, PatchStyle::Json, Value::Array(edits.patch()));
        // Of several commands each has its namespace already.
        change.equivalent = command;
        change.remarks.extend(edits.notes.iter().cloned().map(Remark::Fact));
        change.undo = target.back_to(before, &edits.template, &mut change.remarks);
        if workloads::is_paused(&target.live) {
            change.phases.iter_mut().for_each(|phase| phase.settle.clear());
            let fact = "its rollout is paused: the new values are kept, and no pod changes until it is resumed";
            change.remarks.push(Remark::Fact(fact.to_owned()));
        } else {
            change.remarks.extend(target.interruption().map(Remark::Fact));
        }
        if args.requests.is_some() && !autoscalers::of(reader, &target.object).await?.is_empty() {
            let fact = "an autoscaler measures use against these requests, so that the replica count may follow";
            change.remarks.push(Remark::Fact(fact.to_owned()));
        }
        Ok(Came::To(Box::new(change)).into_proposal(&resolved, run))
    }
}

impl SetArgs {
    fn asks_for_nothing(&self) -> bool {
        let filled = |map: &Option<BTreeMap<String, Value>>| map.as_ref().is_some_and(|map| !map.is_empty());
        let of_container = self.image.is_some() || self.command.is_some() || self.args.is_some();
        let probes = self.probes.as_ref().is_some_and(|probes| !probes.is_empty());
        let maps = [&self.requests, &self.limits, &self.env, &self.labels].into_iter().any(filled);
        !(of_container || probes || maps)
    }

    fn edit(&self, edits: &mut Edits, run: &Run) -> Result<(), ToolError> {
        if let Some(labels) = &self.labels {
            edits.labels(labels)?;
        }
        if self.needs_container() {
            edits.choose(self.container.as_deref())?;
            if let Some(image) = &self.image {
                edits.image(image)?;
            }
            edits.resources(self.requests.as_ref(), self.limits.as_ref())?;
            if let Some(env) = &self.env {
                edits.env(env, run)?;
            }
            if let Some(command) = &self.command {
                edits.words("command", command);
            }
            if let Some(arguments) = &self.args {
                edits.words("args", arguments);
            }
            for (which, probe) in self.probes.iter().flatten() {
                edits.probe(which, probe.as_ref())?;
            }
        } else if self.container.is_some() {
            return Err(ToolError::arguments("labels are of the pods; container goes with the other arguments"));
        }
        Ok(())
    }

    fn needs_container(&self) -> bool {
        let maps = [&self.requests, &self.limits, &self.env].into_iter().any(Option::is_some);
        maps || self.image.is_some() || self.command.is_some() || self.args.is_some() || self.probes.is_some()
    }
}

/// Returns what a map of a container or a template holds under `field`, made where it is missing.
fn inner<'v>(value: &'v mut Value, field: &str) -> Option<&'v mut Map<String, Value>> {
    if !value.is_object() {
        *value = json!({});
    }
    let slot = &mut value[field];
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut()
}

/// Takes a field away where it is empty: the server leaves such fields out.
fn drop_empty(value: &mut Value, field: &str) {
    let is_empty = match value.get(field) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Null) => true,
        _ => false,
    };
    if is_empty && let Some(fields) = value.as_object_mut() {
        fields.remove(field);
    }
}

/// Returns a label's value, checked.
/// Source: k8s.io/apimachinery/pkg/util/validation, IsValidLabelValue and IsQualifiedName.
pub(super) fn label(key: &str, given: &Value) -> Result<Option<String>, ToolError> {
    let plain = |text: &str, most: usize| {
        text.len() <= most
            && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
            && text.starts_with(|character: char| character.is_ascii_alphanumeric())
            && text.ends_with(|character: char| character.is_ascii_alphanumeric())
    };
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let shown = words::shown(key);
    if !plain(name, 63) || prefix.is_some_and(|prefix| !plain(prefix, 253)) {
        return Err(ToolError::arguments(format!("\"{shown}\" cannot be a label's name"))
            .hint("it is like tier or example.com/tier: letters, digits, - _ . and at most 63 of them"));
    }
    let text = match given {
        Value::Null => return Ok(None),
        Value::Object(_) | Value::Array(_) => {
            return Err(ToolError::arguments(format!("label {shown} must be a text, got {given}")));
        }
        other => value::plain(other),
    };
    if !text.is_empty() && !plain(&text, 63) {
        let text = words::shown(&text);
        return Err(ToolError::arguments(format!("label {shown} cannot be \"{text}\""))
            .hint("letters, digits, - _ . and at most 63 of them; an annotation may hold any text"));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
