//! What `resourceVersionMatch` and `sendInitialEvents` ask of a list or a watch, and what the real server says to
//! combinations that make no sense.
//!
//! Source: `SetListOptionsDefaults` and `ValidateListOptions` of `k8s.io/apimachinery/pkg/apis/meta/internalversion`
//! (v1.37, where `WatchList` is on).

use super::query::Query;
use super::status::{ApiError, Cause};

const MATCH: &str = "resourceVersionMatch";
const INITIAL: &str = "sendInitialEvents";

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// With the present objects, whose end a bookmark tells to who wants bookmarks.
    Present,
    /// With the changes after the asked version; after the present one where none was asked for.
    Changes,
}

/// Returns where a watch begins.
pub(crate) fn of_watch(query: &Query) -> Result<Beginning, ApiError> {
    let initial = query.all(INITIAL).next().is_some();
    let wanted = query.get(MATCH);
    if !initial && wanted.is_none() {
        let from_now = matches!(query.get("resourceVersion"), None | Some("0"));
        return Ok(if from_now { Beginning::Present } else { Beginning::Changes });
    }
    let mut causes = Vec::new();
    if initial && wanted != Some("NotOlderThan") {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        causes.push(Cause::forbidden(MATCH, why));
    }
    if let Some(wanted) = wanted {
        if !initial {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
        if wanted != "NotOlderThan" {
            causes.push(Cause::not_supported(MATCH, &wanted.into(), &["NotOlderThan"]));
        }
        causes.extend(continued(query));
    }
    refuse(&causes)?;
    Ok(if query.flag(INITIAL) { Beginning::Present } else { Beginning::Changes })
}

/// Refuses a list whose options contradict each other.
pub(crate) fn check_list(query: &Query) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    let version = query.get("resourceVersion");
    if let Some(wanted) = query.get(MATCH) {
        if version.is_none() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(MATCH, why));
        }
        causes.extend(continued(query));
        match wanted {
            "Exact" if version == Some("0") => {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                causes.push(Cause::forbidden(MATCH, why));
            }
            "Exact" | "NotOlderThan" => {}
            _ => causes.push(Cause::not_supported(MATCH, &wanted.into(), &["Exact", "NotOlderThan", ""])),
        }
    }
    if query.all(INITIAL).next().is_some() {
        causes.push(Cause::forbidden(INITIAL, "sendInitialEvents is forbidden for list"));
    }
    refuse(&causes)
}

fn continued(query: &Query) -> Option<Cause> {
    let why = "resourceVersionMatch is forbidden when continue is provided";
    query.get("continue").map(|_| Cause::forbidden(MATCH, why))
}

fn refuse(causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid_kind("ListOptions", "meta.k8s.io", "", causes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(text: &str) -> Result<Beginning, ApiError> {
        of_watch(&Query::parse(text))
    }

    #[test]
    fn a_watch_begins_with_the_present_unless_it_names_a_version_or_declines() {
        assert_eq!(watch("watch=1").unwrap(), Beginning::Present);
        assert_eq!(watch("resourceVersion=0").unwrap(), Beginning::Present);
        assert_eq!(watch("resourceVersion=7").unwrap(), Beginning::Changes);
        let streaming = "resourceVersionMatch=NotOlderThan&resourceVersion=7";
        assert_eq!(watch(&format!("sendInitialEvents=true&{streaming}")).unwrap(), Beginning::Present);
        assert_eq!(watch(&format!("sendInitialEvents=&{streaming}")).unwrap(), Beginning::Present);
        assert_eq!(watch("sendInitialEvents=0&resourceVersionMatch=NotOlderThan").unwrap(), Beginning::Changes);
    }

    #[test]
    fn each_contradiction_is_told() {
        let told = |result: Result<(), ApiError>| -> Vec<String> {
            let body = result.unwrap_err().body();
            let causes = body["details"]["causes"].as_array().unwrap().iter();
            causes.map(|cause| cause["message"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(
            told(watch("resourceVersionMatch=Exact&continue=x").map(drop)),
            [
                "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                "Unsupported value: \"Exact\": supported values: \"NotOlderThan\"",
                "Forbidden: resourceVersionMatch is forbidden when continue is provided",
            ]
        );
        assert_eq!(
            told(check_list(&Query::parse("sendInitialEvents=false&resourceVersionMatch=Exact&resourceVersion=0"))),
            [
                "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                "Forbidden: sendInitialEvents is forbidden for list",
            ]
        );
    }
}
