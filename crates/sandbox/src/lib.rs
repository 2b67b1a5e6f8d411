//! The embedded Kubernetes: an API server, controllers and a simulated kubelet in one process.
//!
//! `store` holds the objects; `api` serves them over HTTP (`ApiServer`); `gc` collects what owners leave.
//! It answers as the real API server does, or with 501 and a reason.
#![warn(missing_docs)]

mod api;
mod defaults;
mod gc;
mod object;
mod schema;
mod store;
mod validation;
