//! Custom resources: what the definitions in the store make the API serve, and the form of their objects.
//!
//! The rest of the API names a resource by a reference that lives for ever. Each distinct version of a
//! definition is therefore kept once for the life of the process; whether a store serves it, only its
//! definitions say.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value};
use todo_agent_kube_rules::kinds::Kind;

use super::resources::{Resource, Subresource};
use super::{Unknown, resources};
use crate::api::Cause;
use crate::conditions;
use crate::store::Store;

/// The group of the definitions.
const GROUP: &str = "apiextensions.k8s.io";

static KNOWN: LazyLock<Mutex<HashMap<String, &'static Resource>>> = LazyLock::new(Mutex::default);

/// Returns the resources that the definitions of a store make the API serve.
pub(crate) fn served(store: &Store) -> Vec<&'static Resource> {
    let definitions = store.list(GROUP, "customresourcedefinitions", None);
    let established = definitions.iter().filter(|it| conditions::is_true(&it["status"], "Established"));
    established
        .flat_map(|definition| {
            versions(definition)
                .filter(|version| version["served"] == true)
                .map(move |version| interned(definition, version))
        })
        .collect()
}

/// Returns the resource that a definition in the store makes of this `apiVersion` and `kind`.
pub(crate) fn defined(store: &Store, api_version: &str, kind: &str) -> Option<&'static Resource> {
    let (group, name) = api_version.split_once('/')?;
    let definitions = store.list(GROUP, "customresourcedefinitions", None);
    let of_kind = |it: &&Arc<Value>| it["spec"]["group"] == group && it["spec"]["names"]["kind"] == kind;
    let definition = definitions.iter().find(of_kind)?;
    versions(definition).find(|version| version["name"] == name).map(|version| interned(definition, version))
}

fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["spec"]["versions"].as_array().into_iter().flatten()
}

/// Returns the kind that is known by this `apiVersion` and `kind`.
pub(crate) fn by_type(api_version: &str, kind: &str) -> Option<&'static Resource> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.values().find(|it| it.kind.kind == kind && it.kind.api_version() == api_version).copied()
}

/// Returns the resource of one version of a definition, kept from now on.
fn interned(definition: &Value, version: &Value) -> &'static Resource {
    let spec = &definition["spec"];
    let (names, group) = (&spec["names"], &spec["group"]);
    let columns = &version["additionalPrinterColumns"];
    let identity =
        format!("{group} {} {names} {} {columns} {}", spec["scope"], version["name"], version["subresources"]);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(identity).or_insert_with(|| {
        let text = |value: &Value| -> &'static str { String::leak(value.as_str().unwrap_or_default().to_owned()) };
        let short: Vec<&'static str> = names["shortNames"].as_array().into_iter().flatten().map(text).collect();
        let kind = Kind {
            group: text(group),
            version: text(&version["name"]),
            kind: text(&names["kind"]),
            plural: text(&names["plural"]),
            singular: text(&names["singular"]),
            short: Vec::leak(short),
            namespaced: spec["scope"] == "Namespaced",
        };
        let has_status = version["subresources"]["status"].is_object();
        Box::leak(Box::new(Resource {
            kind: Box::leak(Box::new(kind)),
            subresources: if has_status { &[Subresource::Status] } else { &[] },
            field_labels: &[],
            missing: &[],
            columns: Some(Box::leak(Box::new(columns.clone()))),
        }))
    })
}

/// Returns the schema of a custom resource.
pub(crate) fn schema(store: &Store, resource: &Resource) -> Value {
    let definitions = store.list(GROUP, "customresourcedefinitions", None);
    let of_kind = |definition: &&Arc<Value>| {
        definition["spec"]["group"] == resource.kind.group
            && definition["spec"]["names"]["plural"] == resource.kind.plural
    };
    let definition = definitions.iter().find(of_kind);
    let version = definition.and_then(|it| versions(it).find(|version| version["name"] == resource.kind.version));
    version.map_or(Value::Null, |version| version["schema"]["openAPIV3Schema"].clone())
}

/// Drops what the schema does not have and fills in its defaults; returns what was dropped.
pub(crate) fn prune(object: &mut Value, schema: &Value) -> Vec<Unknown> {
    let mut unknown = Vec::new();
    let Some(fields) = object.as_object_mut() else { return unknown };
    // What every object has is no business of the schema.
    let own: Map<String, Value> =
        ["apiVersion", "kind", "metadata"].into_iter().filter_map(|name| fields.remove_entry(name)).collect();
    prune_at(object, schema, "", &mut unknown);
    if let Some(fields) = object.as_object_mut() {
        fields.extend(own);
    }
    unknown
}

fn prune_at(value: &mut Value, schema: &Value, path: &str, unknown: &mut Vec<Unknown>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if !fields.contains_key(name) && !property["default"].is_null() {
                    fields.insert(name.clone(), property["default"].clone());
                }
            }
            let open = schema["x-kubernetes-preserve-unknown-fields"] == true || schema["additionalProperties"] == true;
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                let property = &schema["properties"][&name];
                let inner = if property.is_object() { property } else { &schema["additionalProperties"] };
                if inner.is_object() {
                    if let Some(value) = fields.get_mut(&name) {
                        prune_at(value, inner, &join(&name), unknown);
                    }
                } else if !open {
                    fields.remove(&name);
                    unknown.push(Unknown(join(&name)));
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            for (at, item) in items.iter_mut().enumerate() {
                prune_at(item, &schema["items"], &format!("{path}[{at}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Returns what of an object is not as the schema has it: types, required fields, closed sets and bounds.
pub(crate) fn check(object: &Value, schema: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check_at(object, schema, "", &mut causes);
    causes
}

fn check_at(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let wanted = schema["type"].as_str().unwrap_or_default();
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let either = schema["x-kubernetes-int-or-string"] == true && ["integer", "string"].contains(&found);
    let fits = wanted.is_empty() || wanted == found || either || wanted == "number" && found == "integer";
    if found == "null" && schema["nullable"] == true {
        return;
    }
    if !fits {
        causes.push(Cause::wrong_type(path, wanted, found));
        return;
    }
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            causes.push(Cause::required(join(name), ""));
        }
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let words: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        causes.push(Cause::not_supported(path, value, &words));
    }
    for (bound, word) in [("minimum", "greater"), ("maximum", "less")] {
        let (Some(number), Some(limit)) = (value.as_f64(), schema[bound].as_f64()) else { continue };
        if (bound == "minimum" && number < limit) || (bound == "maximum" && number > limit) {
            let why = format!("{path} in body should be {word} than or equal to {}", schema[bound]);
            causes.push(Cause::invalid(path, value, &why));
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let property = &schema["properties"][name];
        let property = if property.is_object() { property } else { &schema["additionalProperties"] };
        if property.is_object() && !(path.is_empty() && name == "metadata") {
            check_at(inner, property, &join(name), causes);
        }
    }
    if schema["items"].is_object() {
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            check_at(item, &schema["items"], &format!("{path}[{at}]"), causes);
        }
    }
}

impl Resource {
    /// Returns whether a definition makes the API serve this.
    pub(crate) fn is_custom(&self) -> bool {
        self.columns.is_some()
    }
}

/// Returns the resource at this group, version and plural, built in or defined in the store.
pub(crate) fn find(store: &Store, group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    resources::resource(group, version, plural)
        .or_else(|| served(store).into_iter().find(|it| it.is(group, plural) && it.kind.version == version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "properties": {
            "spec": {"type": "object", "required": ["size"], "properties": {
                "size": {"type": "integer", "maximum": 9},
                "color": {"type": "string", "default": "red", "enum": ["red", "blue"]},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}}},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
    }

    #[test]
    fn what_the_schema_does_not_have_is_dropped_and_its_defaults_are_filled_in() {
        let mut object = json!({"kind": "Widget", "metadata": {"name": "a"}, "status": {"any": 1},
            "spec": {"size": 1, "shape": "round", "labels": {"a": "b"}, "parts": [{"name": "x", "more": 1}]}});
        let dropped: Vec<String> = prune(&mut object, &schema()).into_iter().map(|it| it.0).collect();
        assert_eq!(dropped, ["spec.parts[0].more", "spec.shape"]);
        assert_eq!(object["spec"], json!({"size": 1, "color": "red", "labels": {"a": "b"}, "parts": [{"name": "x"}]}));
        assert_eq!((&object["status"]["any"], &object["metadata"]["name"]), (&json!(1), &json!("a")));
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_field() {
        let object = json!({"metadata": 1, "spec": {"color": "green", "labels": {"a": 1}}});
        let fields: Vec<String> = check(&object, &schema()).into_iter().map(|cause| cause.field).collect();
        assert_eq!(fields, ["spec.size", "spec.color", "spec.labels.a"]);
        assert_eq!(check(&json!({"spec": {"size": 10}}), &schema())[0].field, "spec.size");
    }
}
