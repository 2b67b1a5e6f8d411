//! The options of a write: who it is recorded for, whether it is a dry run, what becomes of unknown fields.
//!
//! Source: `ValidateCreateOptions`, `ValidateUpdateOptions` and `ValidatePatchOptions` of
//! `apimachinery/pkg/apis/meta/v1/validation`.

use http::Method;
use serde_json::json;

use super::incoming::Incoming;
use super::status::{ApiError, Cause};
use crate::go;

/// The name of a manager has at most this many bytes.
const MANAGER_LIMIT: usize = 128;

/// What `fieldValidation` may be.
const VALIDATIONS: [&str; 4] = ["", "Ignore", "Strict", "Warn"];

impl Incoming {
    /// Returns whether the request applies a configuration.
    pub(crate) fn is_apply(&self) -> bool {
        self.method == Method::PATCH && self.content_type() == "application/apply-patch+yaml"
    }

    /// Returns whether the request must leave no trace.
    pub(crate) fn is_dry_run(&self) -> Result<bool, ApiError> {
        let causes: Vec<Cause> = self.wrong_dry_run().into_iter().collect();
        if causes.is_empty() { Ok(self.query.all("dryRun").next().is_some()) } else { Err(self.wrong_options(&causes)) }
    }

    /// Refuses a write whose options make no sense, with everything that is wrong with them.
    pub(crate) fn check_options(&self) -> Result<(), ApiError> {
        let manager = self.query.get("fieldManager").unwrap_or_default();
        let mut causes = Vec::new();
        if self.is_apply() {
            if manager.is_empty() {
                causes.push(Cause::required("fieldManager", "is required for apply patch"));
            }
        } else if self.method == Method::PATCH && self.query.all("force").next().is_some() {
            causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
        }
        if manager.len() > MANAGER_LIMIT {
            causes.push(Cause::too_long("fieldManager", MANAGER_LIMIT));
        }
        for (at, letter) in manager.char_indices().filter(|(_, letter)| letter.is_control()) {
            let why = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
            let text = format!("Invalid value: {}: {why}", go::quoted(manager));
            causes.push(Cause { text, ..Cause::invalid("fieldManager", &manager.into(), &why) });
        }
        causes.extend(self.wrong_dry_run());
        let validation = self.query.get("fieldValidation").unwrap_or_default();
        if !VALIDATIONS.contains(&validation) {
            causes.push(Cause::not_supported("fieldValidation", &validation.into(), &VALIDATIONS));
        }
        if causes.is_empty() { Ok(()) } else { Err(self.wrong_options(&causes)) }
    }

    fn wrong_dry_run(&self) -> Option<Cause> {
        let wrong = self.query.all("dryRun").find(|value| *value != "All")?;
        Some(Cause::not_supported("dryRun", &json!([wrong]), &["All"]))
    }

    fn wrong_options(&self, causes: &[Cause]) -> ApiError {
        let kind = match self.method {
            Method::POST => "CreateOptions",
            Method::PUT => "UpdateOptions",
            Method::PATCH => "PatchOptions",
            _ => "DeleteOptions",
        };
        ApiError::invalid_kind(kind, "meta.k8s.io", "", causes)
    }
}
