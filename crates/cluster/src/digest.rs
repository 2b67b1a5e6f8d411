//! Digests of what will be sent, under a key that never leaves the person's machine, and fingerprints of
//! what is there.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key of all digests, kept in the state directory. It keeps digests in sessions and journals from
/// being a way to guess secret payloads.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// Wraps a key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Returns the HMAC-SHA256 of some bytes, hexadecimal.
    pub fn digest(&self, parts: &[&[u8]]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        for part in parts {
            // Lengths in between keep ("ab", "c") apart from ("a", "bc").
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        hex(&mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DigestKey")
    }
}

/// Returns bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Returns the SHA-256 of a value's canonical JSON (sorted keys, no spaces), hexadecimal.
pub(crate) fn content_hash(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string().as_bytes()))
}

/// Annotations that controllers write by themselves. A change of these must not ask a person again.
const CONTROLLER_ANNOTATIONS: &[&str] = &[
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
];

/// Returns the object as its owners wrote it: without status and without what the server and controllers
/// keep up to date.
pub(crate) fn owned_content(object: &Value) -> Value {
    let mut content = object.clone();
    if content.is_null() {
        return content;
    }
    if let Some(fields) = content.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = content["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "generation", "selfLink"] {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| !CONTROLLER_ANNOTATIONS.contains(&key.as_str()));
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    content
}

/// Returns the hash by which an approval recognises the object it was given for. Of a Secret only metadata is
/// known, so that its version has to speak for its values; it has no status that would change by itself.
pub(crate) fn fingerprint(object: &Value) -> String {
    if object["kind"] == "Secret" {
        return content_hash(&object["metadata"]);
    }
    content_hash(&owned_content(object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_and_bookkeeping_do_not_change_a_fingerprint() {
        let before = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "5"}, "spec": {"replicas": 2},
            "status": {"readyReplicas": 2}});
        let crashed = json!({"metadata": {"name": "a", "uid": "1", "resourceVersion": "9", "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "3"}}, "spec": {"replicas": 2}, "status": {}});
        assert_eq!(fingerprint(&before), fingerprint(&crashed));
    }

    #[test]
    fn spec_labels_and_uid_do() {
        let base = json!({"metadata": {"name": "a", "uid": "1"}, "spec": {"replicas": 2}});
        for (pointer, value) in
            [("/spec/replicas", json!(3)), ("/metadata/uid", json!("2")), ("/metadata/name", json!("b"))]
        {
            let mut other = base.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert_ne!(fingerprint(&base), fingerprint(&other), "{pointer}");
        }
    }

    #[test]
    fn digests_depend_on_the_key_and_on_the_parts() {
        let key = DigestKey::new([1; 32]);
        assert_ne!(key.digest(&[b"ab", b"c"]), key.digest(&[b"a", b"bc"]));
        assert_ne!(key.digest(&[b"a"]), DigestKey::new([2; 32]).digest(&[b"a"]));
    }
}
