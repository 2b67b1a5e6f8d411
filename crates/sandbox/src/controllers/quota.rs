//! The quota controller: keeps the status of quotas true.

use serde_json::{Value, json};

use crate::admission::quota;
use crate::simulation::State;
use crate::store::{Key, Part};

/// Counts what one quota bounds.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(object) = state.store.get(key) else { return };
    let used = quota::used(&object, &state.store);
    let used: serde_json::Map<String, Value> =
        used.into_iter().map(|(name, amount)| (name, amount.to_string().into())).collect();
    let status = json!({"hard": object["spec"]["hard"], "used": used});
    let now = state.now;
    state.store.edit(key, Part::Status, now, |quota| quota["status"] = status);
}
