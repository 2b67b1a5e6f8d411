//! The change that makes an object: shared by what creates new ones and by the undo of a deletion.
//!
//! An object is only made where none of its name is; the server's dry run shows it whole before anybody is asked.

use std::time::Duration;

use serde_json::Value;
use todo_agent_core::{Change, Effect, Expectation, ObjectRef, Op, Payload, Phase, Recipe};

use crate::{value, workloads};

/// How long a new object may take to be seen.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the pods of a new workload may take.
const ROLLOUT: Duration = Duration::from_mins(5);

/// Returns the change that makes one object.
pub(super) fn change(tool: &'static str, target: &ObjectRef, object: Value, summary: String) -> Change {
    let (noun, phase) = (target.resource.kind.to_lowercase(), phase(target, object));
    Change {
        tool,
        summary,
        equivalent: format!("kubectl create -f {}-{}.yaml{}", noun, target.name, workloads::namespace_flag(target)),
        phases: vec![phase],
        undo: Some(Recipe::Remove { target: target.clone() }),
        undoes: None,
        remarks: Vec::new(),
    }
}

/// Returns the phase that makes an object and waits until it is of use.
pub(super) fn phase(target: &ObjectRef, object: Value) -> Phase {
    let rolls = workloads::ROLLING.contains(&target.resource.kind.as_str()) && !value::is_true(&object, "/spec/paused");
    let (settle, deadline) = if rolls {
        (Expectation::RolledOut { object: target.clone() }, ROLLOUT)
    } else {
        (Expectation::Exists { object: target.clone() }, DEADLINE)
    };
    let op = Op::Create { object: Payload::new(object) };
    Phase { effects: vec![Effect::Object { target: target.clone(), op }], settle: vec![settle], deadline }
}
