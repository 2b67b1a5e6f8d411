//! The controllers of custom resource definitions: names are accepted, resources established; what a
//! definition defined goes with it.
//!
//! Source: `k8s.io/apiextensions-apiserver/pkg/controller` (v1.37).

use serde_json::{Value, json};

use crate::conditions::{self, Condition};
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};

/// Establishes one definition.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let now = state.now;
    state.store.edit(key, Part::Status, now, |definition| {
        let mut status = definition["status"].clone();
        status["acceptedNames"] = definition["spec"]["names"].clone();
        for (kind, reason, message) in [
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ] {
            if conditions::find(&status, kind).is_none() {
                let condition = Condition { kind, status: "True", reason, message };
                conditions::set(&mut status, &condition, &[], now);
            }
        }
        definition["status"] = status;
    });
}

/// Deletes the objects of a definition that is gone.
pub(crate) fn clean_up(state: &mut State, definition: &Value) {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let now = state.now;
    for object in state.store.list(&text(&spec["group"]), &text(&spec["names"]["plural"]), None) {
        // One that is gone already needs no deletion.
        let _deleted = state.store.delete(&Key::of_object(&object), &Deletion::default(), now);
    }
}

/// Fills in a new definition.
pub(crate) fn complete(definition: &mut Value) {
    let spec = crate::object::map_at(definition, "spec");
    crate::object::default(spec, "conversion", json!({"strategy": "None"}));
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        crate::object::default(names, "singular", kind.to_lowercase());
        crate::object::default(names, "listKind", format!("{kind}List"));
    }
}

/// Returns the status of a new definition.
pub(crate) fn initial_status(definition: &Value) -> Value {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<&Value> = versions.filter(|it| it["storage"] == true).map(|it| &it["name"]).collect();
    json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored})
}
