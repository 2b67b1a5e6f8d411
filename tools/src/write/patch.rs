//! `patch`: proposes a merge, strategic or JSON patch of any object, or other labels and annotations.
//!
//! The broadest of the write tools: whatever has a tool of its own is better asked there, where it is checked. The
//! server tries the patch first, so that what it refuses is never approved.

mod check;

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use todo_agent_core::{
    Change, Effect, Expectation, FieldBack, FullReader, ObjectRef, Op, PatchStyle, Payload, Phase, Recipe, Remark, Run,
    ToolError, text::count,
};

use super::set::{label, quoted};
use crate::{
    resolve::{self, Climb, Lookup, Order},
    tool::{Proposal, Write},
    value, words, workloads,
};

/// How long a patch may take to be seen, a rollout apart.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a rollout may take where the object does not say.
const ROLLOUT_SECONDS: u64 = 600;

/// Propose a patch of any object. Give one of merge, strategic and json, or labels and annotations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PatchArgs {
    kind: String,
    name: String,
    namespace: Option<String>,
    #[schemars(with = "Option<Map<String, Value>>")]
    merge: Option<Value>,
    #[schemars(with = "Option<Map<String, Value>>")]
    strategic: Option<Value>,
    /// RFC 6902
    #[schemars(with = "Option<Vec<Map<String, Value>>>")]
    json: Option<Value>,
    /// null removes one
    #[schemars(with = "Option<Map<String, Value>>")]
    labels: Option<BTreeMap<String, Value>>,
    #[schemars(with = "Option<Map<String, Value>>")]
    annotations: Option<BTreeMap<String, Value>>,
}

/// The tool.
pub(crate) struct Patch;

impl Write for Patch {
    const NAME: &'static str = "patch";
    type Args = PatchArgs;

    fn example(&self) -> Value {
        json!({"kind": "service", "name": "backend", "labels": {"tier": "api"}})
    }

    async fn propose<'a>(
        &'a self,
        args: PatchArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let (style, body) = args.body()?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let resource = reader.kind(args.kind.trim()).await?;
        let lookup = Lookup {
            argument: "name",
            word: &args.name,
            namespace,
            tiers: vec![vec![resource]],
            order: Order::FirstMatch,
            climb: Climb::Stay,
        };
        let resolved = resolve::find(reader, &lookup).await?;
        let object = resolved.object.clone();
        let body = check::against(&object, style, body)?;
        let live = reader.get(&object).await?;
        let pointers = check::pointers(style, &body);
        let mut change = change(Self::NAME, &object, &live, style, body, &pointers);
        change.summary = args.summary(&change.summary, &object);
        change.equivalent = args.command(&object).unwrap_or(change.equivalent);
        change.remarks.extend(resolved.notes.into_iter().map(Remark::Fact));
        Ok(Proposal::Changes(vec![change]))
    }
}

impl PatchArgs {
    /// Returns the patch that is asked for.
    fn body(&self) -> Result<(PatchStyle, Value), ToolError> {
        let metadata = self.metadata()?;
        let given = [
            (PatchStyle::Merge, &self.merge),
            (PatchStyle::Strategic, &self.strategic),
            (PatchStyle::Json, &self.json),
        ];
        let mut given = given.into_iter().filter_map(|(style, body)| Some((style, body.clone()?)));
        match (given.next(), given.next(), metadata) {
            (None, _, None) => {
                Err(ToolError::arguments("patch needs one of merge, strategic, json, labels or annotations"))
            }
            (None, _, Some(metadata)) => Ok((PatchStyle::Merge, metadata)),
            (Some(patch), None, None) => Ok(patch),
            (Some(_), Some(_), _) => Err(ToolError::arguments("patch takes only one of merge, strategic and json")),
            (Some(_), None, Some(_)) => {
                Err(ToolError::arguments("labels and annotations are a patch of their own; give them alone"))
            }
        }
    }

    fn metadata(&self) -> Result<Option<Value>, ToolError> {
        let mut metadata = Map::new();
        if let Some(labels) = self.labels.as_ref().filter(|labels| !labels.is_empty()) {
            let checked = labels.iter().map(|(key, wanted)| Ok((key.clone(), json!(label(key, wanted)?))));
            metadata.insert("labels".to_owned(), Value::Object(checked.collect::<Result<_, ToolError>>()?));
        }
        if let Some(annotations) = self.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
            let text = |wanted: &Value| if wanted.is_null() { Value::Null } else { json!(value::plain(wanted)) };
            let checked = annotations.iter().map(|(key, wanted)| {
                // A name follows the rules of a label's, its value none.
                label(key, &Value::Null).map(|_| (key.clone(), text(wanted)))
            });
            metadata.insert("annotations".to_owned(), Value::Object(checked.collect::<Result<_, ToolError>>()?));
        }
        Ok((!metadata.is_empty()).then(|| json!({"metadata": metadata})))
    }

    /// Returns better words than those of a patch, where only labels or annotations change.
    fn summary(&self, of_patch: &str, object: &ObjectRef) -> String {
        let names = |map: &Option<BTreeMap<String, Value>>| {
            map.iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        let (labels, annotations) = (names(&self.labels), names(&self.annotations));
        let mut parts = Vec::new();
        for (noun, names) in [("label", labels), ("annotation", annotations)] {
            match names.as_slice() {
                [] => {}
                [one] => parts.push(format!("{noun} {one}")),
                several => parts.push(format!("{} ({})", count(several.len(), noun), several.join(", "))),
            }
        }
        if parts.is_empty() {
            of_patch.to_owned()
        } else {
            format!("set {} of {}", parts.join(" and "), object.short())
        }
    }

    fn command(&self, object: &ObjectRef) -> Option<String> {
        let words = |map: &BTreeMap<String, Value>| {
            let word = |(key, wanted): (&String, &Value)| {
                if wanted.is_null() { format!("{key}-") } else { quoted(&format!("{key}={}", value::plain(wanted))) }
            };
            map.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        let flag = workloads::namespace_flag(object);
        let of = |verb: &str, map: &Option<BTreeMap<String, Value>>| {
            let map = map.as_ref().filter(|map| !map.is_empty())?;
            Some(format!("kubectl {verb} {} {} --overwrite{flag}", object.short(), words(map)))
        };
        let commands: Vec<String> =
            [of("label", &self.labels), of("annotate", &self.annotations)].into_iter().flatten().collect();
        (!commands.is_empty()).then(|| commands.join(" && "))
    }
}

/// Returns the change that patches an object. Its way back is worked out with the preview.
pub(super) fn change(
    tool: &'static str,
    object: &ObjectRef,
    live: &Value,
    style: PatchStyle,
    body: Value,
    pointers: &[String],
) -> Change {
    let flag = workloads::namespace_flag(object);
    let kind = match style {
        PatchStyle::Merge => "merge",
        PatchStyle::Json => "json",
        PatchStyle::Strategic => "strategic",
    };
    let (settle, deadline) = expected(object, live, pointers);
    let grows = object.resource.kind == "PersistentVolumeClaim"
        && pointers.iter().any(|pointer| pointer.starts_with("/spec/resources"));
    let mut shown: Vec<String> = pointers.iter().take(3).map(|pointer| dotted(pointer)).collect();
    if pointers.len() > 3 {
        shown.push(format!("{} more", pointers.len() - 3));
    }
    Change {
        tool,
        summary: format!("patch {}: {}", object.short(), shown.join(", ")),
        equivalent: format!("kubectl patch {} --type={kind} -p {}{flag}", object.short(), quoted(&body.to_string())),
        phases: vec![Phase {
            effects: vec![Effect::Object { target: object.clone(), op: Op::Patch { style, body: Payload::new(body) } }],
            settle,
            deadline,
        }],
        undo: (!grows).then(|| Recipe::Fields { target: object.clone(), fields: Vec::new() }),
        undoes: None,
        remarks: grows
            .then(|| Remark::Fact("a claim can grow and never shrink again".to_owned()))
            .into_iter()
            .collect(),
    }
}

/// Returns the change that sets fields back.
pub(super) fn back(tool: &'static str, object: &ObjectRef, live: &Value, fields: &[FieldBack]) -> Change {
    let mut body = json!({});
    for field in fields {
        let names = field.pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
        let place = names.fold(&mut body, |at, name| &mut at[name]);
        *place = field.before.clone().unwrap_or_default();
    }
    let pointers: Vec<String> = fields.iter().map(|field| field.pointer.clone()).collect();
    let mut change = change(tool, object, live, PatchStyle::Merge, body, &pointers);
    change.summary = format!("set {} of {} back", count(fields.len(), "field"), object.short());
    change
}

/// Returns what shows that a patch holds: a rollout where pods follow from it, else the fields.
fn expected(object: &ObjectRef, live: &Value, pointers: &[String]) -> (Vec<Expectation>, Duration) {
    let object = object.clone();
    let rolls = workloads::ROLLING.contains(&object.resource.kind.as_str()) && !workloads::is_paused(live);
    if rolls && pointers.iter().any(|pointer| pointer.starts_with("/spec/template")) {
        let seconds =
            value::number(live, "/spec/progressDeadlineSeconds").and_then(|seconds| u64::try_from(seconds).ok());
        return (vec![Expectation::RolledOut { object }], Duration::from_secs(seconds.unwrap_or(ROLLOUT_SECONDS)));
    }
    (vec![Expectation::Kept { object, pointers: pointers.to_vec() }], DEADLINE)
}

fn dotted(pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests;
