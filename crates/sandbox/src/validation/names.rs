//! Names, labels and annotations.

use serde_json::Value;
use todo_agent_kube_rules::kinds;

use super::kind;
use crate::api::Cause;
use crate::object;

pub(super) const DNS_SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
pub(super) const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
pub(super) const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// All annotations of an object together may have 256 KiB.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Checks the metadata of a new object.
pub(super) fn metadata(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object::name(object);
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(object_name(kind(object), name));
    }
    let namespaced = kinds::by_type(object["apiVersion"].as_str().unwrap_or_default(), kind(object))
        .is_none_or(|kind| kind.namespaced);
    let namespace = object::namespace(object);
    if namespaced && !namespace.is_empty() && !is_dns_label(namespace) {
        causes.push(Cause::invalid("metadata.namespace", &namespace.into(), DNS_LABEL));
    }
    causes.extend(labels_and_annotations(&object["metadata"], "metadata"));
    causes
}

/// Checks labels and annotations of a metadata object at `path`.
pub(super) fn labels_and_annotations(metadata: &Value, path: &str) -> Vec<Cause> {
    let mut causes = labels(&metadata["labels"], &format!("{path}.labels"));
    let field = format!("{path}.annotations");
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        if !is_qualified(&key.to_lowercase()) {
            causes.push(Cause::invalid(field.clone(), &key.as_str().into(), QUALIFIED_NAME));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        causes.push(Cause::too_long(field, ANNOTATIONS_LIMIT));
    }
    causes
}

/// Checks a map of labels.
pub(super) fn labels(labels: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        if key.matches('/').count() > 1 {
            let name = QUALIFIED_NAME.trim_start_matches("name part");
            let why = format!(
                "a valid label key{name} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            );
            causes.push(Cause::invalid(field, &key.as_str().into(), &why));
        } else if !is_qualified(key) {
            causes.push(Cause::invalid(field, &key.as_str().into(), QUALIFIED_NAME));
        }
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(Cause::invalid(field, value, "must be no more than 63 bytes"));
        }
        if !text.is_empty() && !is_label_text(text) {
            causes.push(Cause::invalid(field, value, LABEL_VALUE));
        }
    }
    causes
}

fn object_name(kind: &str, name: &str) -> Vec<Cause> {
    const FIELD: &str = "metadata.name";
    let value = Value::from(name);
    let (limit, fits, words) = match kind {
        "Namespace" | "Service" => (63, is_dns_label(name), DNS_LABEL),
        // RBAC names are path segments: anything that fits between two slashes.
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            let wrong = match name {
                "." => Some("may not be '.'"),
                ".." => Some("may not be '..'"),
                _ if name.contains('/') => Some("may not contain '/'"),
                _ if name.contains('%') => Some("may not contain '%'"),
                _ => None,
            };
            return wrong.map(|why| Cause::invalid(FIELD, &value, why)).into_iter().collect();
        }
        _ => (253, is_dns_subdomain(name), DNS_SUBDOMAIN),
    };
    let mut causes = Vec::new();
    if name.len() > limit {
        causes.push(Cause::invalid(FIELD, &value, &format!("must be no more than {limit} bytes")));
    }
    if kind == "Namespace" && name.contains('.') {
        causes.push(Cause::invalid(FIELD, &value, "must not contain dots"));
    } else if !fits {
        causes.push(Cause::invalid(FIELD, &value, words));
    }
    causes
}

/// Returns whether a text is an RFC 1123 label, whatever its length.
pub(super) fn is_dns_label(text: &str) -> bool {
    let inner = |at: char| at.is_ascii_lowercase() || at.is_ascii_digit() || at == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Returns whether a text is a DNS name of RFC 1123 labels.
pub(super) fn is_dns_subdomain(text: &str) -> bool {
    text.split('.').all(is_dns_label)
}

fn is_label_text(text: &str) -> bool {
    let edge = |at: Option<char>| at.is_some_and(|at| at.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|at| at.is_ascii_alphanumeric() || "-_.".contains(at))
}

/// Returns whether a text is a name with an optional domain before it.
pub(super) fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        None => key.len() <= 63 && is_label_text(key),
        Some((prefix, name)) => {
            prefix.len() <= 253 && is_dns_subdomain(prefix) && name.len() <= 63 && is_label_text(name)
        }
    }
}
