//! What could not be checked (126): for each kind that could not be read, what is not known for that, and the
//! smallest permission that would allow it.

use crate::finding::Unknown;
use crate::snapshot::{Scope, Snapshot, Trouble};

/// Returns what of the snapshot's rules could not be checked, in a stable order.
pub fn unchecked(snapshot: &Snapshot) -> Vec<Unknown> {
    let told = snapshot.unread().iter().map(|unread| {
        let place = match &unread.scope {
            Scope::Cluster => "in the cluster".to_owned(),
            Scope::Namespace(namespace) => format!("in namespace {namespace}"),
        };
        let kind = unread.kind;
        let (what, grant) = match unread.trouble {
            Trouble::Forbidden => (format!("{} {place} may not be listed", kind.plural()), Some(kind.rule_to_list())),
            Trouble::NotServed => (format!("the cluster does not serve {}", kind.plural()), None),
            Trouble::TimedOut => (format!("{} {place}: no answer in time", kind.plural()), None),
            Trouble::Malformed | Trouble::Failed => (format!("{} {place}: {}", kind.plural(), unread.message), None),
        };
        Unknown { what, grant }
    });
    let mut told: Vec<Unknown> = told.collect();
    told.sort();
    told.dedup();
    told
}
