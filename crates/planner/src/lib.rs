//! The offline planner: a pure function from a sentence to typed tool calls, a question, or "pass".
//!
//! It never does anything and never guesses: a change is planned only if every content word of an order was
//! understood. Map: `tokens` and `sentence` read, `segment` keeps which words were used, `lexicon` holds words
//! without a wish of their own, `namespace`, `target`, `number`, `count` and `time` read one thing each,
//! `intents` has a file for each tool, `hearing` puts a segment together, `veto` forbids, `follow_up` and
//! `answer` go on from before, `plan` decides, `assemble` makes the calls. `sentences/` says what must come of what.
#![warn(missing_docs)]

mod answer;
mod assemble;
mod command;
mod context;
mod count;
mod focus;
mod follow_up;
mod hearing;
mod intents;
mod lexicon;
mod namespace;
mod number;
mod plan;
mod planned;
mod segment;
mod sentence;
mod target;
mod time;
mod tokens;
mod veto;

pub use focus::{Focus, Spoken};
pub use plan::plan;
pub use planned::{Choice, Gap, Missing, Mode, Pass, PassReason, Planned, Question};
