//! Label selectors and field selectors: parsing as the API server does, and matching JSON objects.
//!
//! `labels` reads `app=web,tier in (a, b)`, selector objects and plain maps; `fields` reads
//! `status.phase=Running`.

mod fields;
mod labels;

pub use fields::{FieldRequirement, FieldSelector};
pub use labels::{LabelSelector, Operator, Requirement};
use thiserror::Error;

/// Why a selector could not be read, in the API server's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SelectorError(String);
