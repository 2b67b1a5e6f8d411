//! The API server: HTTP requests in, Kubernetes answers out.
//!
//! `server` is the service; `route` says what a path names; `read`, `watch`, `write`, `patch`, `delete`,
//! `scale`, `logs`, `reviews` and `discovery` answer; `status` holds every refusal.

mod query;
mod route;
mod status;

pub(crate) use status::{ApiError, Cause, CauseKind};
