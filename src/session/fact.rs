//! What a replay needs beside what was shown: the terms of a conversation, and everything that came into it from outside.
//!
//! Facts are recorded as events `fact`, are never shown, and hold what was redacted before.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use todo_agent_cluster::policy::Rules;
use todo_agent_core::{ChangeView, Redacted, approval::Answer};

use crate::{
    dialogue::{Budgets, PlannerUse},
    model::{Finish, Prices, Usage},
    options::Changes,
};

/// The event of every fact.
pub(crate) const EVENT: &str = "fact";

/// Something that a turn rests on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fact<'a> {
    /// Under which terms the conversation goes on.
    Terms(&'a Terms),
    /// Whether the journal holds a change that could be taken back.
    Undoable { undoable: bool },
    /// The session that this one goes on from, as it was then.
    Resumed { session: &'a str, sha256: &'a str },
    /// The conversation with the model was forgotten.
    Forgotten,
    /// A person wrote out a call.
    ByHand { tool: &'a str, args: &'a Redacted<Value> },
    /// The remedies of a diagnosis were to be carried out.
    Remedies { calls: &'a Redacted<Value> },
    /// A plan was asked for.
    Plan { calls: &'a Redacted<Value> },
    /// A kept plan was to be carried out.
    Approve { calls: &'a Redacted<Value>, view: &'a ChangeView },
    /// The person wanted the conversation shortened.
    Compact,
    /// What was piped in beside a sentence, as much as the model got of it.
    Piped { text: &'a Redacted<String> },
    /// The names in the cluster, as far as they bear on the sentence.
    Names { names: &'a Redacted<Value> },
    /// A tool proposed so many effects.
    Proposed { effects: usize },
    /// A person was asked.
    Asked {
        reason: &'a Redacted<String>,
        type_names: &'a [String],
        grant_offered: bool,
        /// The change as a plain terminal of 80 columns shows it.
        shown: &'a Redacted<String>,
    },
    /// What they answered.
    Said { answer: &'a Answer },
    /// The model was about to be asked; bounds are judged by this time.
    Step { now: Timestamp },
    /// The model was asked: the SHA-256 of each part of the request.
    Request { system: &'a str, tools: &'a str, conversation: &'a str, messages: usize },
    /// The model gave no answer.
    ModelFailed { code: &'a str, message: &'a Redacted<String>, hints: &'a [Redacted<String>] },
    /// The model's summary of the conversation.
    Summary { text: &'a Redacted<String>, finish: Finish, usage: Option<Usage> },
    /// The person interrupted the turn.
    Interrupted,
    /// A turn was over.
    Ended { exit: u8 },
}

impl Fact<'_> {
    /// Returns whether a session that is not written yet begins with it.
    pub(super) fn begins(&self) -> bool {
        matches!(self, Self::ByHand { .. } | Self::Remedies { .. } | Self::Plan { .. } | Self::Approve { .. })
    }

    /// Returns whether it holds for what comes later, so that it is kept until a session begins.
    pub(super) fn lasts(&self) -> bool {
        matches!(self, Self::Terms(_) | Self::Undoable { .. } | Self::Resumed { .. })
    }

    /// Returns the fields of its event.
    pub(crate) fn fields(&self) -> Value {
        let tagged = serde_json::to_value(self).unwrap_or_default();
        let (name, fields) = match tagged {
            Value::Object(one) => one.into_iter().next().unwrap_or_default(),
            other => (other.as_str().unwrap_or_default().to_owned(), Value::Null),
        };
        let mut event = json!({ "fact": name });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        event
    }
}

/// Under which terms a conversation goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// What may be done without asking.
    pub(crate) rules: Rules,
    /// Whether changes are made.
    pub(crate) changes: Changes,
    /// How long a turn may take.
    pub(crate) timeout: Option<Duration>,
    /// The model, where there is one.
    pub(crate) model: Option<ModelTerms>,
}

/// Under which terms a model answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelTerms {
    /// Which model it is, and where.
    pub(crate) name: String,
    /// Whether the planner answers what it understands.
    pub(crate) planner: PlannerUse,
    /// The bounds of a turn.
    pub(crate) budgets: Budgets,
    /// How many tokens a request may have.
    pub(crate) context_tokens: usize,
    /// What tokens cost.
    pub(crate) prices: Option<Prices>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_one_event_with_its_fields_beside_its_name() {
        assert_eq!(Fact::Ended { exit: 3 }.fields(), json!({"fact": "ended", "exit": 3}));
        assert_eq!(Fact::Interrupted.fields(), json!({"fact": "interrupted"}));
        let terms = Terms { rules: Rules::default(), changes: Changes::Made, timeout: None, model: None };
        let fields = Fact::Terms(&terms).fields();
        assert_eq!((&fields["fact"], &fields["rules"]["mode"]), (&json!("terms"), &json!("confirm")));
        assert_eq!(serde_json::from_value::<Terms>(fields).unwrap(), terms);
    }
}
