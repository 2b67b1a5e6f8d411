//! The ConfigMaps and Secrets that a pod needs: its environment, and what is missing in the kubelet's
//! words (`CreateContainerConfigError`, `FailedMount`).

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use crate::object;
use crate::store::{Key, Store};

/// Returns why a container's environment cannot be made, in the kubelet's words.
pub(crate) fn missing_environment(store: &Store, pod: &Value, container: &Value) -> Option<String> {
    let namespace = object::namespace(pod);
    for source in items(&container["envFrom"]) {
        for (field, plural) in [("configMapRef", "configmaps"), ("secretRef", "secrets")] {
            let reference = &source[field];
            if let Some(name) = reference["name"].as_str()
                && reference["optional"] != true
                && get(store, plural, namespace, name).is_none()
            {
                return Some(not_found(plural, name));
            }
        }
    }
    for variable in items(&container["env"]) {
        for (field, plural) in [("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")] {
            let reference = &variable["valueFrom"][field];
            let Some(name) = reference["name"].as_str().filter(|_| reference["optional"] != true) else { continue };
            let Some(object) = get(store, plural, namespace, name) else { return Some(not_found(plural, name)) };
            let key = reference["key"].as_str().unwrap_or_default();
            if object["data"].get(key).is_none() && object["binaryData"].get(key).is_none() {
                let kind = if plural == "secrets" { "Secret" } else { "ConfigMap" };
                return Some(format!("couldn't find key {key} in {kind} {namespace}/{name}"));
            }
        }
    }
    None
}

/// Returns why a pod's volumes cannot be mounted, in the kubelet's words.
pub(crate) fn missing_volume(store: &Store, pod: &Value) -> Option<String> {
    let namespace = object::namespace(pod);
    for volume in items(&pod["spec"]["volumes"]) {
        for (field, name_field, plural) in [("configMap", "name", "configmaps"), ("secret", "secretName", "secrets")] {
            let source = &volume[field];
            let Some(name) = source[name_field].as_str().filter(|_| source["optional"] != true) else { continue };
            let volume = volume["name"].as_str().unwrap_or_default();
            let Some(object) = get(store, plural, namespace, name) else {
                let reason = not_found(plural, name);
                return Some(format!("MountVolume.SetUp failed for volume \"{volume}\" : {reason}"));
            };
            let absent = items(&source["items"])
                .find(|item| item["key"].as_str().is_some_and(|key| object["data"].get(key).is_none()));
            if absent.is_some() {
                return Some(format!(
                    "MountVolume.SetUp failed for volume \"{volume}\" : references non-existent {} key: {}",
                    if plural == "secrets" { "secret" } else { "config" },
                    absent.and_then(|item| item["key"].as_str()).unwrap_or_default()
                ));
            }
        }
    }
    None
}

/// Returns a container's environment variables, those from ConfigMaps and Secrets included.
pub(crate) fn environment(store: &Store, pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let namespace = object::namespace(pod);
    let mut variables = BTreeMap::new();
    for source in items(&container["envFrom"]) {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        for (field, plural) in [("configMapRef", "configmaps"), ("secretRef", "secrets")] {
            let name = source[field]["name"].as_str().unwrap_or_default();
            let Some(object) = get(store, plural, namespace, name) else { continue };
            for key in object["data"].as_object().into_iter().flat_map(|data| data.keys()) {
                if let Some(value) = data_value(&object, plural, key) {
                    variables.insert(format!("{prefix}{key}"), value);
                }
            }
        }
    }
    for variable in items(&container["env"]) {
        let Some(name) = variable["name"].as_str() else { continue };
        let referred = || {
            [("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")].into_iter().find_map(|(field, plural)| {
                let reference = &variable["valueFrom"][field];
                let object = get(store, plural, namespace, reference["name"].as_str()?)?;
                data_value(&object, plural, reference["key"].as_str()?)
            })
        };
        if let Some(value) = variable["value"].as_str().map(str::to_owned).or_else(referred) {
            variables.insert(name.to_owned(), value);
        }
    }
    variables
}

fn data_value(object: &Value, plural: &str, key: &str) -> Option<String> {
    let text = object["data"][key].as_str()?;
    if plural == "configmaps" {
        return Some(text.to_owned());
    }
    let bytes = base64::prelude::BASE64_STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}

fn not_found(plural: &str, name: &str) -> String {
    format!("{} \"{name}\" not found", plural.trim_end_matches('s'))
}

fn get(store: &Store, plural: &str, namespace: &str, name: &str) -> Option<std::sync::Arc<Value>> {
    store.get(&Key { group: String::new(), plural: plural.into(), namespace: namespace.into(), name: name.into() })
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn store() -> Store {
        let mut store = Store::default();
        for object in [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"},
                "data": {"MODE": "test"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"},
                "data": {"TOKEN": "c2VjcmV0"}}),
        ] {
            store.create(object, Timestamp::UNIX_EPOCH).unwrap();
        }
        store
    }

    #[test]
    fn what_is_missing_is_named() {
        let pod = json!({"metadata": {"namespace": "shop"}});
        for (container, message) in [
            (json!({"envFrom": [{"configMapRef": {"name": "absent"}}]}), Some("configmap \"absent\" not found")),
            (json!({"envFrom": [{"secretRef": {"name": "absent"}}]}), Some("secret \"absent\" not found")),
            (json!({"envFrom": [{"secretRef": {"name": "absent", "optional": true}}]}), None),
            (
                json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "PASSWORD"}}}]}),
                Some("couldn't find key PASSWORD in Secret shop/keys"),
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "MODE"}}}]}),
                None,
            ),
        ] {
            assert_eq!(missing_environment(&store(), &pod, &container).as_deref(), message, "{container}");
        }
        let pod = json!({"metadata": {"namespace": "shop"},
            "spec": {"volumes": [{"name": "tls", "secret": {"secretName": "absent"}}]}});
        assert_eq!(
            missing_volume(&store(), &pod).unwrap(),
            "MountVolume.SetUp failed for volume \"tls\" : secret \"absent\" not found"
        );
    }

    #[test]
    fn the_environment_comes_from_everywhere() {
        let container = json!({
            "envFrom": [{"prefix": "APP_", "configMapRef": {"name": "settings"}}],
            "env": [{"name": "LEVEL", "value": "info"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "TOKEN"}}}],
        });
        let variables = environment(&store(), &json!({"metadata": {"namespace": "shop"}}), &container);
        let expected = [("APP_MODE", "test"), ("LEVEL", "info"), ("TOKEN", "secret")];
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}
