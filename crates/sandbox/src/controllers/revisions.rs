//! What ties the ReplicaSets of a Deployment to its history: template hashes, revision numbers and the
//! annotations that carry them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::pods;
use crate::authors;
use crate::object;
use crate::random::name_hash;
use crate::simulation::State;
use crate::store::{Key, Part};

/// The annotation with the revision number, on Deployments and ReplicaSets.
pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation with the numbers that a ReplicaSet had before.
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// The annotation with the Deployment's size at the time.
pub(crate) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// The annotation with the Deployment's size plus surge.
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// The label that separates the pods of one template from those of others.
pub(crate) const HASH: &str = "pod-template-hash";
/// Annotations of a Deployment that its ReplicaSets do not inherit.
const NOT_INHERITED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
];

/// Returns the ReplicaSets that a Deployment controls, oldest first.
pub(crate) fn replica_sets(state: &State, deployment: &Value) -> Vec<Arc<Value>> {
    let mut sets = pods::controlled(&state.store, deployment, "replicasets");
    sets.sort_by_cached_key(|set| (object::metadata_text(set, "creationTimestamp").to_owned(), revision(set)));
    sets
}

/// Returns the revision number of an object, 0 when it has none.
pub(crate) fn revision(object: &Value) -> u64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Returns the ReplicaSet with the Deployment's present template.
pub(crate) fn newest<'a>(deployment: &Value, sets: &'a [Arc<Value>]) -> Option<&'a Arc<Value>> {
    sets.iter().find(|set| same_template(&set["spec"]["template"], &deployment["spec"]["template"]))
}

/// Compares two templates but for the hash among their labels (`EqualIgnoreHash`).
fn same_template(left: &Value, right: &Value) -> bool {
    let (left_metadata, right_metadata) = (&left["metadata"], &right["metadata"]);
    same_but("metadata", left, right)
        && same_but("labels", left_metadata, right_metadata)
        && same_but(HASH, &left_metadata["labels"], &right_metadata["labels"])
}

/// Compares two maps but for one field; what is no map has no fields.
fn same_but(ignored: &str, left: &Value, right: &Value) -> bool {
    let (mut left, mut right) = (fields(left, ignored), fields(right, ignored));
    loop {
        match (left.next(), right.next()) {
            (Some((name, one)), Some((other, two))) if name == other && same(one, two) => {}
            (one, two) => return one.is_none() && two.is_none(),
        }
    }
}

/// Returns the fields of a map that say something. Absent, null and empty labels and annotations are the same;
/// `creationTimestamp: null` is written by some clients.
fn fields<'a>(map: &'a Value, ignored: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let says_nothing = |field: &str, value: &Value| {
        let is_empty = || value.as_object().is_some_and(|map| map.values().all(Value::is_null));
        value.is_null() || (["labels", "annotations"].contains(&field) && is_empty())
    };
    let all = map.as_object().into_iter().flatten();
    all.filter(move |(field, value)| *field != ignored && !says_nothing(field, value))
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(_), Value::Object(_)) => same_but("", left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        _ => left == right,
    }
}

/// Returns the hash that the pods of a Deployment's present template carry.
pub(crate) fn template_hash(deployment: &Value) -> String {
    name_hash(&deployment["spec"]["template"].to_string())
}

/// Returns a new ReplicaSet for the Deployment's present template, of size 0.
pub(crate) fn new_replica_set(deployment: &Value, sets: &[Arc<Value>]) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let mut hash = template_hash(deployment);
    let mut collisions = 0;
    while sets.iter().any(|set| set["spec"]["selector"]["matchLabels"][HASH] == hash.as_str()) {
        collisions += 1;
        hash = name_hash(&format!("{template}{collisions}"));
    }
    nested(&mut template, "labels").insert(HASH.into(), hash.clone().into());
    let mut selector = deployment["spec"]["selector"].clone();
    object::map_at(&mut selector, "matchLabels").insert(HASH.into(), hash.clone().into());
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "namespace": object::namespace(deployment),
            "labels": template["metadata"]["labels"],
            "annotations": inherited(deployment),
            "ownerReferences": [pods::controller_reference(deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    });
    if let Some(seconds) = deployment["spec"]["minReadySeconds"].as_u64() {
        set["spec"]["minReadySeconds"] = json!(seconds);
    }
    set
}

fn inherited(deployment: &Value) -> Map<String, Value> {
    let annotations = deployment["metadata"]["annotations"].as_object();
    let kept = annotations.into_iter().flatten().filter(|(key, _)| !NOT_INHERITED.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Returns the map at `metadata.<field>`, made if missing.
fn nested<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    object::map_at(&mut object["metadata"], field)
}

/// Sets the annotations of a size on a ReplicaSet.
pub(crate) fn annotate_size(set: &mut Value, desired: i64, maximum: i64) {
    let annotations = nested(set, "annotations");
    annotations.insert(DESIRED.into(), desired.to_string().into());
    annotations.insert(MAXIMUM.into(), maximum.to_string().into());
}

/// Returns whether [`annotate_revision`] would leave a ReplicaSet as it is.
pub(crate) fn is_annotated(set: &Value, deployment: &Value, number: u64) -> bool {
    let annotations = &set["metadata"]["annotations"];
    annotations[REVISION].as_str().is_some_and(|text| text.parse().is_ok_and(|before: u64| before >= number))
        && inherited(deployment).iter().all(|(name, value)| annotations[name] == *value)
}

/// Gives a ReplicaSet the Deployment's annotations and the newest revision number; a number it had before
/// goes to its history.
pub(crate) fn annotate_revision(set: &mut Value, deployment: &Value, number: u64) {
    let before = set["metadata"]["annotations"][REVISION].as_str().map(str::to_owned);
    let newer = before.as_ref().and_then(|text| text.parse::<u64>().ok()).is_none_or(|before| before < number);
    let annotations = nested(set, "annotations");
    annotations.extend(inherited(deployment));
    if !newer {
        return;
    }
    annotations.insert(REVISION.into(), number.to_string().into());
    if let Some(before) = before.filter(|before| before != "0") {
        let history = annotations.get(REVISION_HISTORY).and_then(Value::as_str).map_or(before.clone(), |history| {
            if history.is_empty() { before.clone() } else { format!("{history},{before}") }
        });
        annotations.insert(REVISION_HISTORY.into(), history.into());
    }
}

/// Writes the revision number of the newest ReplicaSet on the Deployment.
pub(crate) fn mark_deployment(state: &mut State, key: &Key, number: u64) {
    let number = number.to_string();
    if state.store.get(key).is_some_and(|it| it["metadata"]["annotations"][REVISION] == number.as_str()) {
        return;
    }
    let now = state.now;
    state.store.edit(key, Part::Metadata, now, |deployment| {
        let before = deployment.clone();
        nested(deployment, "annotations").insert(REVISION.into(), number.into());
        // The real controller writes it together with the status.
        authors::sign_status(deployment, &before, key, now);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(image: &str) -> Value {
        json!({"metadata": {"name": "api", "namespace": "shop", "uid": "1",
            "annotations": {"kubernetes.io/change-cause": "test", REVISION: "4"}},
            "spec": {"selector": {"matchLabels": {"app": "api"}},
                "template": {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"image": image}]}}}})
    }

    #[test]
    fn a_template_finds_its_replica_set_again() {
        let (one, two) = (Arc::new(new_replica_set(&deployment("v1"), &[])), new_replica_set(&deployment("v2"), &[]));
        assert_ne!(object::name(&one), object::name(&two));
        assert_eq!(one["metadata"]["annotations"], json!({"kubernetes.io/change-cause": "test"}));
        let sets = [one, Arc::new(two)];
        assert_eq!(newest(&deployment("v1"), &sets).map(|set| object::name(set)), Some(object::name(&sets[0])));
        assert!(newest(&deployment("v3"), &sets).is_none());
    }

    #[test]
    fn templates_are_the_same_whatever_says_nothing() {
        let template = json!({"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"image": "v1"}]}});
        let same = json!({"metadata": {"labels": {"app": "api", HASH: "1"}, "annotations": {}, "creationTimestamp": null},
                          "spec": {"containers": [{"image": "v1", "env": null}], "priority": null}});
        assert!(same_template(&template, &same));
        for (path, other) in [
            ("/metadata/labels/app", json!("web")),
            ("/metadata/annotations", json!({"a": "b"})),
            ("/spec/containers", json!([])),
            ("/spec/priority", json!(1)),
        ] {
            let mut changed = same.clone();
            *changed.pointer_mut(path).unwrap() = other;
            assert!(!same_template(&template, &changed) && !same_template(&changed, &template), "{path}");
        }
    }

    #[test]
    fn a_number_used_again_goes_to_the_history() {
        let deployment = deployment("v1");
        let mut set = new_replica_set(&deployment, &[]);
        for number in [1, 3, 5] {
            annotate_revision(&mut set, &deployment, number);
        }
        assert_eq!(revision(&set), 5);
        assert_eq!(set["metadata"]["annotations"][REVISION_HISTORY], "1,3");
    }
}
