//! The only crate that talks to a cluster: it reads, previews, admits, executes and verifies.
//!
//! A change can only be made through four steps that cannot be skipped or forged, because each one's
//! input is the one before's output and has no public constructor:
//! [`preview()`](preview::preview) → [`Gate::admit`] → [`execute()`](execute::execute) → a report.
#![warn(missing_docs)]

mod cluster;
mod connect;
mod diff;
mod digest;
mod discovery;
pub mod execute;
mod failure;
pub mod gate;
mod http;
mod list;
mod merge;
mod owners;
pub mod policy;
pub mod preview;
mod reader;
mod refusal;
mod request;
mod reverse;
mod risk;
mod session;
mod transport;
mod verify;
mod watch;

pub use self::http::RequestRecord;
pub use cluster::Cluster;
pub use connect::{ConnectOptions, contexts, kubeconfig_files};
pub use digest::DigestKey;
pub use execute::execute;
pub use gate::{Approved, Consent, Gate, Refusal};
pub use preview::{Preview, preview};
pub use session::forward::Forward;
