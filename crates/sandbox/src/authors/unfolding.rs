//! Unfolding many objects one after the other. Pods of one template differ in their names and addresses: what was
//! found for one is taken for the others, or a list of thousands would take seconds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{is_folded, unfolded, unfolded_entry};
use crate::object::metadata_mut;

/// How many findings are kept.
const MOST: usize = 1000;

/// What was found for the objects so far.
#[derive(Debug, Default)]
pub(crate) struct Unfolding {
    /// `fieldsV1` by all that it follows from.
    known: HashMap<u64, Value>,
}

impl Unfolding {
    /// Returns an object as clients see it.
    pub(crate) fn of<'a>(&mut self, object: &'a Value) -> Cow<'a, Value> {
        let entries = object["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
        if object["kind"] != "Pod" || entries.is_empty() || !entries.iter().all(is_folded) {
            return unfolded(object);
        }
        let mut entries: Vec<Value> = entries.iter().map(|entry| self.entry(entry, object)).collect();
        entries.sort_by(|one, other| {
            let order = |entry: &Value| ["time", "manager"].map(|field| entry[field].to_string());
            order(one).cmp(&order(other))
        });
        let mut shown = object.clone();
        metadata_mut(&mut shown).insert("managedFields".into(), entries.into());
        Cow::Owned(shown)
    }

    fn entry(&mut self, entry: &Value, pod: &Value) -> Value {
        let is_status = entry.get("subresource").is_some();
        let source = if is_status { of_status(entry, pod) } else { of_creation(pod) };
        if self.known.len() > MOST {
            self.known.clear();
        }
        let found = self.known.entry(source).or_insert_with(|| {
            let mut pod = pod.clone();
            if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("podIPs");
            }
            unfolded_entry(entry, &pod).into_fields()
        });
        let mut whole = entry.clone();
        whole["fieldsType"] = "FieldsV1".into();
        whole["fieldsV1"] = found.clone();
        let addresses = pod["status"]["podIPs"].as_array().filter(|list| is_status && !list.is_empty());
        if let Some(addresses) = addresses.filter(|_| entry["manager"] == super::KUBELET) {
            let mut held = json!({".": {}});
            for address in addresses {
                held[format!("k:{{\"ip\":{}}}", address["ip"])] = json!({".": {}, "f:ip": {}});
            }
            whole["fieldsV1"]["f:status"]["f:podIPs"] = held;
        }
        whole
    }
}

/// Sums up what the fields follow from that a pod was made with.
fn of_creation(pod: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (field, value) in pod["spec"].as_object().into_iter().flatten().filter(|(field, _)| *field != "nodeName") {
        (field, value).hash(&mut hasher);
    }
    for field in ["annotations", "finalizers", "labels", "ownerReferences"] {
        pod["metadata"][field].hash(&mut hasher);
    }
    pod["metadata"]["generateName"].is_string().hash(&mut hasher);
    hasher.finish()
}

/// Sums up what the fields follow from that somebody reports of a pod, but for its addresses.
fn of_status(entry: &Value, pod: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry["manager"].hash(&mut hasher);
    pod["metadata"]["managedFields"].as_array().map_or(0, Vec::len).hash(&mut hasher);
    for (field, value) in pod["status"].as_object().into_iter().flatten() {
        field.hash(&mut hasher);
        match field.as_str() {
            "phase" | "qosClass" | "resources" => value.hash(&mut hasher),
            "conditions" => {
                for condition in value.as_array().into_iter().flatten() {
                    condition["type"].hash(&mut hasher);
                    condition.as_object().into_iter().flatten().for_each(|(field, _)| field.hash(&mut hasher));
                }
            }
            _ => {}
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::{Options, Sandbox};
    use crate::world::World;

    #[test]
    fn many_are_unfolded_as_each_alone() {
        for world in ["todo", "todo-broken", "stuck"] {
            let sandbox = Sandbox::start(World::builtin(world).unwrap(), Options::default()).unwrap();
            let mut unfolding = Unfolding::default();
            for pod in sandbox.list("pod") {
                assert!(pod["metadata"]["managedFields"][0].get("fieldsV1").is_none(), "{pod:#}");
                assert_eq!(unfolding.of(&pod), unfolded(&pod), "{world}");
            }
        }
    }

    #[test]
    fn pods_of_one_template_are_found_once() {
        let world = "{namespace: shop, warmUp: 1m, nodes: [{name: one}], manifests: [{apiVersion: apps/v1, \
                     kind: Deployment, metadata: {name: web}, spec: {replicas: 9, selector: {matchLabels: {app: web}}, \
                     template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'redis:7'}]}}}}]}";
        let sandbox = Sandbox::start(World::from_yaml(world, "test").unwrap(), Options::default()).unwrap();
        let mut unfolding = Unfolding::default();
        let pods = sandbox.list("pod");
        for pod in &pods {
            unfolding.of(pod);
        }
        assert_eq!((pods.len(), unfolding.known.len()), (9, 2));
    }
}
