//! The admission plugins that every cluster runs: what they fill into new objects, and what they refuse
//! with 403.
//!
//! `limits` is `LimitRanger`, `quota` is `ResourceQuota` (also its status), `storage` the plugins of claims,
//! volumes and default classes. Each looks at the store and changes nothing in it.

mod limits;
pub(crate) mod quota;
mod storage;

use serde_json::Value;

use crate::store::Store;

/// Fills in a new object, after its defaults and before it is checked.
pub(crate) fn complete(object: &mut Value, store: &Store) {
    limits::fill(object, store);
    storage::fill(object, store);
}

/// Says why an object may not be written, in the words that follow `is forbidden: `. `current` is what it
/// replaces.
pub(crate) fn check(object: &Value, current: Option<&Value>, store: &Store) -> Result<(), String> {
    limits::check(object, current, store)?;
    storage::check(object, current, store)?;
    quota::check(object, current, store)
}
