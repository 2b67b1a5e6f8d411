//! A workload that may not do what it does (124): from the words of the API server in its log to the smallest
//! rule that would allow it.

use super::containers::Part;
use super::waiting::between;
use crate::claim::Claim;
use crate::finding::Confidence;
use crate::logs::Hint;
use crate::remedy::Remedy;

/// `User "system:serviceaccount:ns:sa" cannot VERB resource "R" in API group "G" in the namespace "N"`
pub(super) fn claim(part: &Part<'_>, hint: &Hint) -> Option<Claim> {
    let text = &hint.text;
    let user = between(text, "User \"", "\"").or_else(|| between(text, "user \"", "\""))?;
    let verb = between(text, "cannot ", " ")?;
    let resource = between(text, "resource \"", "\"")?;
    let group = between(text, "API group \"", "\"").unwrap_or_default();
    let namespace = between(text, "namespace \"", "\"").unwrap_or_default();
    let account = user.strip_prefix("system:serviceaccount:").unwrap_or(user).replace(':', "/");
    let place = if namespace.is_empty() { "in the cluster".to_owned() } else { format!("in namespace {namespace}") };
    let claim = part
        .claim(
            124,
            format!(
                "{} may not {verb} {resource} {place}: its account {account} has no such permission",
                part.called()
            ),
        )
        .confidence(Confidence::Proved);
    Some(claim.remedy(Remedy::Grant {
        account,
        namespace: namespace.to_owned(),
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
    }))
}
