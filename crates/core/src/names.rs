//! The names that exist in a cluster, and the one place where a person's word becomes an object.
//!
//! Pure: `tools` fetches the names (metadata only), this module decides. Order of the rules: the exact
//! name; the labels `app.kubernetes.io/component`, `app.kubernetes.io/name`, `app`; a unique word-wise
//! part (`backend` finds `todo-chatbot-backend`). One match is used and shown, several are an error that
//! lists them, none is an error with the nearest names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One object's name as the resolver and the planner see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEntry {
    /// The kind, for example `Deployment`.
    pub kind: String,
    /// The namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// The object's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The controlling owner as (kind, name), where there is one.
    #[serde(default)]
    pub owner: Option<(String, String)>,
}

/// The names known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Every known object, in no particular order.
    pub entries: Vec<NameEntry>,
    /// Every known namespace.
    #[serde(default)]
    pub namespaces: Vec<String>,
}
