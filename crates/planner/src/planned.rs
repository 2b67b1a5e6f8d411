//! What comes of a sentence: calls, a question, or "pass".
//!
//! Data only. A plan never carries out anything and never claims that something was done; a `Pass` always
//! says why, what was understood and which words were not, so that the program can say so too.

use serde::{Deserialize, Serialize};
use todo_agent_core::Call;

/// What the planner made of one sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned {
    /// Every content word was understood: these calls, in the order they were asked for.
    Calls {
        /// Reads and writes in order.
        calls: Vec<Call>,
        /// How far the writes among them may go.
        mode: Mode,
    },
    /// The request is clear but for one thing, which only the person can say.
    Ask(Question),
    /// Not for the planner: the model's turn, or an honest "not understood".
    Pass(Pass),
}

/// How far the writes of a plan may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// An order: preview, then approval, then the change.
    #[default]
    Act,
    /// "What if …" and "dry run": the preview is the answer, nobody is asked and nothing is changed.
    PreviewOnly,
}

/// A question to the person. It is kept in the focus, so that a short answer completes the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The question as shown, one sentence.
    pub text: String,
    /// The answers offered; empty where the answer is open (a number, a name).
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// The unfinished calls and what they lack; `None` where only the choices can answer.
    #[serde(default)]
    pub gap: Option<Gap>,
}

/// One offered answer and what it stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The words that name it, for example `backend`.
    pub label: String,
    /// The calls that this answer asks for.
    pub calls: Vec<Call>,
}

/// A request with one argument missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// All calls of the request, the unfinished one among them.
    pub calls: Vec<Call>,
    /// The index of the unfinished call in `calls`.
    pub index: usize,
    /// What it lacks.
    pub missing: Missing,
    /// How far the request may go once it is complete.
    #[serde(default)]
    pub mode: Mode,
}

/// The argument that a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The object that is meant.
    Target,
    /// The number of replicas, or by how much it should change.
    Count,
    /// The same after "scale up": "by two" means two more.
    CountUp,
    /// The same after "scale down": "by two" means two fewer.
    CountDown,
    /// The image that is to run.
    Image,
    /// How often something is to run.
    Schedule,
}

/// Why there is no plan, for the person to read and for the model to go on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// What was understood, each as a short phrase (`scale`, `backend`, `replicas 3`).
    pub understood: Vec<String>,
    /// The words, as written, that no rule could use.
    pub unused: Vec<String>,
    /// Why nothing is done.
    pub reason: PassReason,
    /// Sentences that would be understood, nearest first.
    pub examples: Vec<String>,
}

/// Why the planner passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassReason {
    /// There was nothing in the sentence, or only a greeting.
    Empty,
    /// Longer than the planner reads (4 KiB or 256 words).
    TooLong,
    /// Control, zero-width or direction-changing characters are in the sentence.
    ControlCharacters,
    /// Some content words were not understood.
    NotUnderstood,
    /// A change was named, but negated ("don't restart …").
    Negated,
    /// A change was named under a condition or as a possibility ("if", "when", "maybe").
    Conditional,
    /// A change was named in a question ("should I restart …?").
    Questioned,
    /// A change was named as somebody else's words ("he said …").
    Reported,
    /// A change was named inside quotation marks.
    Quoted,
    /// A change was asked for at another time ("tomorrow", "at 5pm"); the planner knows only now.
    Postponed,
    /// A change was limited or spread in a way that one call cannot hold ("all except", "respectively").
    Exception,
    /// "Undo" was said and no change is known that it could mean.
    NothingToUndo,
    /// The person answered a question with no.
    Declined,
}

impl PassReason {
    /// Returns one sentence for the person, without a final period.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Empty => "there is no request in this sentence",
            Self::TooLong => "the sentence is longer than 4 KiB or 256 words",
            Self::ControlCharacters => "the sentence contains invisible or control characters",
            Self::NotUnderstood => "not every word was understood",
            Self::Negated => "this says not to make the change, so nothing is done",
            Self::Conditional => "a change under a condition is not made; say it as an order when it should happen",
            Self::Questioned => "this asks about a change, so nothing is done; say it as an order to do it",
            Self::Reported => "this reports what somebody said, so nothing is done; say it as an order to do it",
            Self::Quoted => "an order in quotation marks is not carried out",
            Self::Postponed => "a change can only be made now, not planned for another time",
            Self::Exception => {
                "\"only\", \"except\", \"or\" and \"respectively\" are not understood; name each workload"
            }
            Self::NothingToUndo => "there is no change that \"undo\" could mean; name its id to undo an older one",
            Self::Declined => "nothing is done",
        }
    }
}
