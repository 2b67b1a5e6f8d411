//! What a write tool proposes: effects in phases, what must hold afterwards, and how to take it back.
//!
//! A [`Change`] is only a proposal. It holds the real payloads, which is why it cannot be serialised and
//! prints masked; what people, models and files see of it is a [`crate::view::ChangeView`], made by
//! the preview. Only the gate in `crates/cluster` can turn it into something that may be executed.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{object::ObjectRef, text::count};

/// A proposed change of a cluster.
#[derive(Debug)]
#[must_use = "a change does nothing until it is previewed, approved and executed"]
pub struct Change {
    /// The tool that proposes it.
    pub tool: &'static str,
    /// What will happen, in a few words: `scale deployment/backend from 2 to 3 replicas`.
    pub summary: String,
    /// The kubectl or helm command that would do the same.
    pub equivalent: String,
    /// What is done, in order. A phase starts when the one before it has settled.
    pub phases: Vec<Phase>,
    /// How to take it back; `None` where that is impossible, which the preview says.
    pub undo: Option<Recipe>,
    /// The id of the change that this one takes back, where it is an undo; the journal keeps it.
    pub undoes: Option<String>,
    /// Remarks the tool has for the preview, such as an autoscaler that will fight the change.
    pub remarks: Vec<Remark>,
}

/// Effects that are sent together and then settled together.
#[derive(Debug)]
pub struct Phase {
    /// What is sent.
    pub effects: Vec<Effect>,
    /// What must hold before the phase counts as done.
    pub settle: Vec<Expectation>,
    /// How long settling may take.
    pub deadline: Duration,
}

/// One thing that is done. More kinds (host programs, load) join this enum with the tools that need them.
#[derive(Debug)]
pub enum Effect {
    /// A write of one API object.
    Object {
        /// Which object.
        target: ObjectRef,
        /// What is done to it.
        op: Op,
    },
    /// A command in a container, run to its end.
    Exec {
        /// The pod.
        target: ObjectRef,
        /// The container.
        container: String,
        /// The program and its arguments; no shell reads them.
        command: Vec<String>,
    },
    /// A port of this machine that leads to one of a pod, as long as this program runs.
    Forward {
        /// The pod.
        target: ObjectRef,
        /// The port on the loopback address of this machine; 0 takes a free one.
        local: u16,
        /// The port in the pod.
        port: u16,
    },
}

/// A write of one API object.
#[derive(Debug)]
pub enum Op {
    /// Sets the replica count through the scale subresource.
    Scale {
        /// The new count.
        replicas: u32,
    },
    /// Patches the object, with the live resource version as precondition.
    Patch {
        /// The kind of patch.
        style: PatchStyle,
        /// The patch.
        body: Payload,
    },
    /// Brings the object to what a manifest says, by server-side apply; what others own is never taken from them.
    Apply {
        /// The manifest.
        object: Payload,
    },
    /// Makes the object; fails where one of its name is there already.
    Create {
        /// The whole object.
        object: Payload,
    },
    /// Removes the object, with its uid and live resource version as precondition.
    Delete {
        /// What becomes of the objects it owns.
        propagation: Propagation,
    },
    /// Asks a pod to leave its node, as far as its disruption budgets let it.
    Evict,
}

/// What becomes of the objects that a deleted object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They are deleted after it.
    #[default]
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay, without an owner.
    Orphan,
}

impl Propagation {
    /// Returns the word of the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// The patch types of the API that keep Update ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchStyle {
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// Kubernetes' strategic merge.
    Strategic,
}

/// The content of a write. Prints as a mask and cannot be serialised, because it may hold secret values.
///
/// ```compile_fail,E0277
/// # use todo_agent_core::Payload;
/// fn leak(payload: &Payload) -> String {
///     serde_json::to_string(payload).unwrap() // not Serialize
/// }
/// ```
/// ```compile_fail,E0277
/// # use todo_agent_core::Change;
/// fn leak(change: &Change) -> String {
///     serde_json::to_string(change).unwrap() // not Serialize
/// }
/// ```
pub struct Payload(Value);

impl Payload {
    /// Wraps a payload.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// Returns the payload for sending and for digests.
    pub fn reveal(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("‹payload›")
    }
}

/// What must hold before a phase is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// The workload has exactly this many replicas and all are available.
    Replicas {
        /// The workload.
        object: ObjectRef,
        /// The count.
        replicas: u32,
    },
    /// The workload's newest revision has replaced every other and all its replicas are available.
    RolledOut {
        /// The workload.
        object: ObjectRef,
    },
    /// A field has this value.
    Field {
        /// The object.
        object: ObjectRef,
        /// The field as a JSON pointer (RFC 6901).
        pointer: String,
        /// The value; `null` means the field is absent.
        value: Value,
    },
    /// Fields are still as the write left them.
    Kept {
        /// The object.
        object: ObjectRef,
        /// The fields as JSON pointers (RFC 6901).
        pointers: Vec<String>,
    },
    /// A condition of the object's status is `True`.
    Condition {
        /// The object.
        object: ObjectRef,
        /// The condition's type.
        condition: String,
    },
    /// The object is there, and usable where its kind tells.
    Exists {
        /// The object.
        object: ObjectRef,
    },
    /// The object is gone.
    Absent {
        /// The object.
        object: ObjectRef,
    },
}

impl Expectation {
    /// Returns the object that is watched.
    pub fn object(&self) -> &ObjectRef {
        match self {
            Self::Replicas { object, .. }
            | Self::RolledOut { object }
            | Self::Field { object, .. }
            | Self::Kept { object, .. }
            | Self::Condition { object, .. }
            | Self::Exists { object }
            | Self::Absent { object } => object,
        }
    }
}

/// How a change is taken back: typed, free of secret values, and checked against the state the change
/// left, so that somebody else's later work is never undone silently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Recipe {
    /// Sets the replica count back.
    Scale {
        /// The workload.
        target: ObjectRef,
        /// The count before the change.
        before: u32,
        /// The count the change set.
        after: u32,
    },
    /// Goes back to the pod template the workload had.
    Revision {
        /// The workload.
        target: ObjectRef,
        /// The revision before the change; its ReplicaSet or ControllerRevision still holds the template.
        before: i64,
        /// The pod template the change left, as a digest of its canonical JSON.
        after: String,
    },
    /// Pauses or resumes a rollout again.
    Paused {
        /// The Deployment.
        target: ObjectRef,
        /// Whether it was paused before.
        before: bool,
    },
    /// Sets fields back.
    Fields {
        /// The object.
        target: ObjectRef,
        /// The fields. A tool leaves them empty: only the preview knows what the server makes of a patch.
        fields: Vec<FieldBack>,
    },
    /// Makes a deleted object again.
    Recreate {
        /// The object.
        target: ObjectRef,
        /// What it was, without what the server gave it.
        object: Value,
    },
    /// Deletes an object that was made.
    Remove {
        /// The object.
        target: ObjectRef,
    },
    /// Nothing needs to be done: it ends with the session that made it.
    EndOfSession {
        /// The object.
        target: ObjectRef,
    },
}

/// One field to be set back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldBack {
    /// The field as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The value before the change; `None` where the field was absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value the change left; `None` where it took the field away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Recipe {
    /// Returns the object the recipe acts on.
    pub fn target(&self) -> &ObjectRef {
        match self {
            Self::Scale { target, .. }
            | Self::Revision { target, .. }
            | Self::Paused { target, .. }
            | Self::Fields { target, .. }
            | Self::Recreate { target, .. }
            | Self::Remove { target }
            | Self::EndOfSession { target } => target,
        }
    }

    /// Returns what undoing all of these means; `None` where there is nothing to undo with.
    pub fn describe_all(recipes: &[Self]) -> Option<String> {
        let texts: Vec<String> = recipes.iter().map(Self::describe).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    /// Returns what undoing means, in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Scale { target, before, .. } => format!("scale {} back to {before}", target.short()),
            Self::Revision { target, before, .. } => format!("roll {} back to revision {before}", target.short()),
            Self::Paused { target, before: true } => format!("pause {} again", target.short()),
            Self::Paused { target, before: false } => format!("resume {} again", target.short()),
            Self::Fields { target, fields } if fields.is_empty() => format!("set {} back", target.short()),
            Self::Fields { target, fields } => {
                format!("set {} of {} back", count(fields.len(), "field"), target.short())
            }
            Self::Recreate { target, .. } => format!("make {} again from what it was", target.short()),
            Self::Remove { target } => format!("delete {}", target.short()),
            Self::EndOfSession { .. } => "it ends with this session".to_owned(),
        }
    }
}

/// Something a person must know before deciding, found while proposing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Remark {
    /// A plain fact, such as what a single replica means for a restart.
    Fact(String),
    /// Who keeps the object and will act against the change: an autoscaler, Helm, Argo CD, an owner.
    KeptBy(String),
}
