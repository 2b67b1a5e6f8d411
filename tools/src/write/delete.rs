//! `delete`: proposes to remove one object, named exactly.
//!
//! What goes with it, what is left without it and what holds it back is said before. It can be made again from what
//! it was, except for what is never kept: the values of a Secret and the data of a volume.

mod facts;
mod saved;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Change, Effect, Expectation, FullReader, ObjectRef, Op, Output, Phase, Propagation, Reader, Recipe, Remark,
    Run, ToolError,
};

use crate::{
    resolve::{self, Climb, Lookup, Order},
    tool::{Proposal, Write},
    value, words, workloads,
};

/// How long a deletion may take to be seen; pods have half a minute to end, a namespace has much to remove.
const DEADLINE: Duration = Duration::from_mins(3);

/// Propose to delete one object, by its exact name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteArgs {
    kind: String,
    name: String,
    namespace: Option<String>,
    /// default background; orphan keeps what it owns
    propagation: Option<PropagationArg>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PropagationArg {
    Background,
    Foreground,
    Orphan,
}

/// The tool.
pub(crate) struct Delete;

impl Write for Delete {
    const NAME: &'static str = "delete";
    type Args = DeleteArgs;

    fn example(&self) -> Value {
        json!({"kind": "pod", "name": "backend-1"})
    }

    async fn propose<'a>(
        &'a self,
        args: DeleteArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        words::check("name", args.name.trim())?;
        let resource = reader.kind(args.kind.trim()).await?;
        let namespace_of = resource.namespaced.then(|| namespace.to_owned());
        let object =
            ObjectRef { resource: resource.clone(), namespace: namespace_of, name: args.name.trim().to_owned() };
        let live = match reader.get(&object).await {
            Ok(live) => live,
            Err(error) if error.is(Cause::NotFound) => {
                let lookup = Lookup {
                    argument: "name",
                    word: &args.name,
                    namespace,
                    tiers: vec![vec![resource]],
                    order: Order::FirstMatch,
                    climb: Climb::Stay,
                };
                let near = resolve::find(reader, &lookup).await?;
                resolve::require_exact(&near, "deleting")?;
                // Made between the two requests.
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        if value::some_text(&live, "/metadata/deletionTimestamp").is_some() {
            return Ok(Proposal::Nothing(leaving(&object, &live, run)));
        }
        let propagation = match args.propagation {
            None | Some(PropagationArg::Background) => Propagation::Background,
            Some(PropagationArg::Foreground) => Propagation::Foreground,
            Some(PropagationArg::Orphan) => Propagation::Orphan,
        };
        Ok(Proposal::Changes(vec![change(Self::NAME, reader, object, &live, propagation, run).await?]))
    }
}

/// Returns the answer for an object that is being deleted already.
fn leaving(object: &ObjectRef, live: &Value, run: &Run) -> Output {
    let finalizers: Vec<String> = value::items(live, "/metadata/finalizers").iter().map(value::plain).collect();
    let waits = if finalizers.is_empty() {
        String::new()
    } else {
        format!("; it waits for finalizers, whose controllers must let go first: {}", finalizers.join(", "))
    };
    let why = format!("{} is being deleted already{waits}", object.short());
    let data = json!({"changed": false, "why": why, "object": object.short(), "namespace": object.namespace});
    Output::build(&run.redactor, &data).text(why).build()
}

/// Returns the change that deletes an object, with what a person must know about it.
pub(super) async fn change(
    tool: &'static str,
    reader: &dyn Reader,
    object: ObjectRef,
    live: &Value,
    propagation: Propagation,
    run: &Run,
) -> Result<Change, ToolError> {
    let mut remarks: Vec<Remark> =
        facts::of(reader, &object, live, propagation).await?.into_iter().map(Remark::Fact).collect();
    let undo = match saved::of(&object, live, run) {
        Ok(saved) => Some(Recipe::Recreate { target: object.clone(), object: saved }),
        Err(why) => {
            remarks.push(Remark::Fact(why));
            None
        }
    };
    let cascade = match propagation {
        Propagation::Background => "",
        Propagation::Foreground => " --cascade=foreground",
        Propagation::Orphan => " --cascade=orphan",
    };
    let without = match propagation {
        Propagation::Orphan => " and leave what it owns",
        Propagation::Background | Propagation::Foreground => "",
    };
    Ok(Change {
        tool,
        summary: format!("delete {}{without}", object.short()),
        equivalent: format!("kubectl delete {}{cascade}{}", object.short(), workloads::namespace_flag(&object)),
        phases: vec![Phase {
            effects: vec![Effect::Object { target: object.clone(), op: Op::Delete { propagation } }],
            settle: vec![Expectation::Absent { object }],
            deadline: DEADLINE,
        }],
        undo,
        undoes: None,
        remarks,
    })
}

#[cfg(test)]
mod tests;
