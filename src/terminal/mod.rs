//! The terminal: what a person sees and how a person answers.
//!
//! [`style`] knows the terminal, [`page`] lays text out without ever cutting it, [`markdown`] a model's words, [`preview`]
//! and [`report`] render what `core` describes, [`step`] what came of a script's step, [`progress`] is the one line on
//! stderr, [`ui`] puts them together.
//! [`approver`] asks on the controlling terminal, with [`answer`] for what an answer means and [`tty`] for
//! the device; [`repl`] is the interactive session: [`line_editor`], [`slash`] commands, [`completion`],
//! [`interrupt`]. Nothing in here decides anything.

pub mod answer;
pub mod approver;
pub mod completion;
pub mod interrupt;
pub mod keys;
pub mod line_editor;
pub mod markdown;
pub mod page;
pub mod preview;
pub mod progress;
pub mod repl;
pub mod report;
pub mod slash;
pub mod step;
pub mod style;
pub mod tty;
pub mod ui;
mod values;

pub use approver::TerminalApprover;
pub use preview::render_preview;
pub use progress::{ProgressLine, silent as silent_progress};
pub use repl::{Conversation, ReplSetup, ToolEffect, ToolLine};
pub use report::{render_ledger, render_report};
pub use style::{Glyphs, Look};
pub use ui::{Detail, TerminalUi};
