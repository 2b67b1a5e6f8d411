//! The vocabulary of todo-agent: what every other part means by a call, a change, a preview, a report.
//!
//! No I/O and no Kubernetes client in here. Start at [`change`] (what a write tool proposes), then
//! [`view`] (what a person sees of it) and [`report`] (what came of it).
#![warn(missing_docs)]

pub mod approval;
pub mod call;
pub mod change;
pub mod clock;
pub mod error;
pub mod journal;
pub mod lasting;
pub mod names;
pub mod object;
pub mod output;
pub mod projection;
pub mod reader;
pub mod redact;
pub mod report;
pub mod run;
pub mod text;
pub mod view;

pub use call::Call;
pub use change::{Change, Effect, Expectation, FieldBack, Op, PatchStyle, Payload, Phase, Propagation, Recipe, Remark};
pub use clock::{Clock, SystemClock};
pub use error::{Cause, ClusterError, ToolError};
pub use names::{NameEntry, Names};
pub use object::{ObjectRef, ResourceType};
pub use output::Output;
pub use projection::Projection;
pub use reader::{FullReader, ListQuery, Reader, Within};
pub use redact::{Redacted, Redactor, StreamingRedaction};
pub use report::{Outcome, Report};
pub use run::{Event, Run};
pub use view::{ChangeView, Risk};
