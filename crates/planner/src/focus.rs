//! What a conversation is about: the words and calls that "it", "again" and "the frontend too" refer to.
//!
//! Plain data, kept by the program between sentences and cleared when the context changes. It never holds
//! anything but the person's own words and the calls made of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use todo_agent_core::Call;

use crate::planned::{Planned, Question};

/// A workload or other object as the person named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// The person's word, perhaps with a kind before it: `backend`, `deployment/backend`.
    pub word: String,
    /// The namespace that was named with it.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// The focus of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Focus {
    /// What the last sentence with a target was about, in order.
    #[serde(default)]
    pub targets: Vec<Spoken>,
    /// The calls of the last understood sentence.
    #[serde(default)]
    pub last: Vec<Call>,
    /// Whether a change is known that "undo" without an id can mean.
    #[serde(default)]
    pub can_undo: bool,
    /// The question that waits for an answer.
    #[serde(default)]
    pub pending: Option<Question>,
}

impl Focus {
    /// Takes up what was made of a sentence. A question that was open is closed, whatever the sentence was.
    pub fn update(&mut self, planned: &Planned) {
        self.pending = None;
        match planned {
            Planned::Calls { calls, .. } => {
                let targets = spoken(calls);
                if !targets.is_empty() {
                    self.targets = targets;
                }
                self.last.clone_from(calls);
            }
            Planned::Ask(question) => self.pending = Some(question.clone()),
            Planned::Pass(_) => {}
        }
    }

    /// Notes that a change was made that can be undone.
    pub fn changed(&mut self) {
        self.can_undo = true;
    }

    /// Notes that the last change was undone, or that none is known any more.
    pub fn nothing_to_undo(&mut self) {
        self.can_undo = false;
    }

    /// Forgets everything, as when another context is chosen.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Returns the targets of the last run of calls that have one.
pub(crate) fn spoken(calls: &[Call]) -> Vec<Spoken> {
    let mut targets: Vec<Spoken> = Vec::new();
    for call in calls {
        let Some(word) = word(&call.args) else { continue };
        let namespace = call.args.get("namespace").and_then(Value::as_str).map(str::to_owned);
        let target = Spoken { word, namespace };
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

fn word(args: &Value) -> Option<String> {
    let text = |key: &str| args.get(key).and_then(Value::as_str);
    if let Some(word) = text("workload").or_else(|| text("target")).or_else(|| text("about")) {
        return Some(word.to_owned());
    }
    let name = text("name")?;
    Some(match text("kind") {
        // "the backend pod" is how people speak of `backend`; a generated name holds a digit and means that pod.
        Some("pod") if name.bytes().any(|byte| byte.is_ascii_digit()) => format!("pod/{name}"),
        Some("pod" | "service") | None => name.to_owned(),
        Some(kind) => format!("{kind}/{name}"),
    })
}
