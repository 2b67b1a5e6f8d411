//! The API server: HTTP requests in, Kubernetes answers out.
//!
//! Read `server` first: it is the service, and its `resource` names the file that answers each verb.
//! `incoming` is a request, `route` what its path names, `auth` who asks and whether they may, `status`
//! every refusal, `reply` an answer.

mod apply;
mod auth;
mod delete;
mod discovery;
mod escalation;
mod eviction;
mod exec;
mod form;
mod forward;
mod incoming;
mod list_options;
mod logs;
pub(crate) mod managed_fields;
mod metadata;
mod metrics;
mod openapi;
mod options;
mod patch;
mod query;
mod read;
mod reply;
mod request_log;
mod reviews;
mod route;
mod scale;
mod server;
mod spdy;
mod status;
mod strategic;
#[cfg(test)]
mod tests;
mod tokens;
mod tunnel;
mod upgrade;
mod watch;
mod write;

pub use auth::Anonymous;
pub use server::{ApiBody, ApiServer};
pub(crate) use status::Cause;
pub(crate) use tokens::AccountToken;
