//! The ControllerRevisions of a StatefulSet or a DaemonSet: one per template, numbered, kept for going back.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods;
use crate::object;
use crate::random::name_hash;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};

/// The label with a pod's revision.
pub(crate) const REVISION_LABEL: &str = "controller-revision-hash";

/// Returns the revisions of a StatefulSet by number.
fn owned(state: &State, set: &Value) -> Vec<Arc<Value>> {
    let mut revisions = pods::controlled(&state.store, set, "controllerrevisions");
    revisions.sort_by_key(|revision| number(revision));
    revisions
}

/// Returns the name of the revision of the present template, which becomes the newest one.
pub(crate) fn update_revision(state: &mut State, set: &Value) -> String {
    let revisions = owned(state, set);
    let data = data(set);
    let last = revisions.last().map_or(0, |revision| number(revision));
    let now = state.now;
    if let Some(same) = revisions.iter().find(|revision| revision["data"] == data) {
        if number(same) < last {
            state.store.edit(&Key::of_object(same), Part::Spec, now, |same| same["revision"] = json!(last + 1));
        }
        return object::name(same).to_owned();
    }
    let name = present_name(set);
    let is_daemon = set["kind"] == "DaemonSet";
    let (labels, hash_label) = if is_daemon {
        (&set["spec"]["template"]["metadata"]["labels"], REVISION_LABEL)
    } else {
        (&set["spec"]["selector"]["matchLabels"], "controller.kubernetes.io/hash")
    };
    let mut labels = if labels.is_object() { labels.clone() } else { json!({}) };
    labels[hash_label] = json!(name_hash(&data.to_string()));
    let mut revision = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": object::namespace(set),
            "labels": labels,
            "ownerReferences": [pods::controller_reference(set)],
        },
        "data": data,
        "revision": last + 1,
    });
    if is_daemon && set["metadata"]["annotations"].is_object() {
        revision["metadata"]["annotations"] = set["metadata"]["annotations"].clone();
    }
    // The name follows from the template, so a clash means that it is there.
    let _created = state.admit(revision);
    name
}

/// Returns the name of the revision of a StatefulSet's present template, which its pods carry.
pub(crate) fn present_name(set: &Value) -> String {
    format!("{}-{}", object::name(set), name_hash(&data(set).to_string()))
}

/// Returns the template that a revision holds.
pub(crate) fn template(state: &State, set: &Value, name: &str) -> Option<Value> {
    let key = Key {
        group: "apps".into(),
        plural: "controllerrevisions".into(),
        namespace: object::namespace(set).into(),
        name: name.into(),
    };
    let mut template = state.store.get(&key)?["data"]["spec"]["template"].clone();
    template.as_object_mut()?.remove("$patch");
    Some(template)
}

/// Deletes the oldest revisions that no pod uses beyond the history limit.
pub(crate) fn clean_up(state: &mut State, set: &Value, used: &[String]) {
    let limit = set["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10);
    let unused: Vec<Arc<Value>> =
        owned(state, set).into_iter().filter(|it| !used.iter().any(|name| name == object::name(it))).collect();
    let surplus = unused.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for revision in unused.into_iter().take(surplus) {
        let now = state.now;
        // One that is gone already needs no deletion.
        let _deleted = state.store.delete(&Key::of_object(&revision), &Deletion::default(), now);
    }
}

fn number(revision: &Value) -> i64 {
    revision["revision"].as_i64().unwrap_or_default()
}

fn data(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}
