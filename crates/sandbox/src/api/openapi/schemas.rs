//! What the fields of the built-in kinds mean: Kubernetes' own documents, one schema a line in `schemas.txt`, which
//! `crates/sandbox/types` makes from them and CI compares with it.
//!
//! A group version's document holds its kinds and everything that they are made of.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::schema::Resource;

const REFERENCE: &str = "#/components/schemas/";
const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Each schema's text by its name. It is parsed when somebody asks.
static SCHEMAS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| include_str!("schemas.txt").lines().filter_map(|line| line.split_once(' ')).collect());

/// Returns the schemas of a group version's kinds by their names.
pub(super) fn of(group: &str, version: &str) -> Map<String, Value> {
    let mark = format!(r#""x-kubernetes-group-version-kind":[{{"group":{},"kind":"#, Value::from(group));
    let version = format!(r#""version":{}}}"#, Value::from(version));
    let of_group = |text: &&str| text.rsplit_once(&mark).is_some_and(|(_, rest)| rest.contains(&version));
    let mut all = Map::new();
    let names: Vec<&str> = SCHEMAS.iter().filter(|(_, text)| of_group(text)).map(|(name, _)| *name).collect();
    for name in names {
        add(&mut all, name);
    }
    all
}

/// Adds a schema and what it refers to.
fn add(all: &mut Map<String, Value>, name: &str) {
    let mut open = vec![name];
    while let Some((name, text)) = open.pop().and_then(|name| SCHEMAS.get_key_value(name)) {
        if all.contains_key(*name) {
            continue;
        }
        all.insert((*name).to_owned(), serde_json::from_str(text).unwrap_or_default());
        open.extend(text.split(REFERENCE).skip(1).filter_map(|rest| rest.split('"').next()));
    }
}

/// Adds the schema of a custom resource: its definition's, with what every object has.
pub(super) fn add_custom(all: &mut Map<String, Value>, resource: &Resource, schema: Value) {
    let kind = resource.kind;
    add(all, OBJECT_META);
    let mut schema = if schema.is_object() { schema } else { json!({"type": "object"}) };
    // Its kinds share their words for what every object has with the built-in ones.
    let of_all = SCHEMAS.get("io.k8s.api.core.v1.Pod").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let properties = of_all.map(|pod| pod["properties"].clone()).unwrap_or_default();
    schema["properties"]["apiVersion"] = properties["apiVersion"].clone();
    schema["properties"]["kind"] = properties["kind"].clone();
    schema["properties"]["metadata"] = properties["metadata"].clone();
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": kind.group, "kind": kind.kind, "version": kind.version}]);
    let group: Vec<&str> = kind.group.rsplit('.').collect();
    all.insert(format!("{}.{}.{}", group.join("."), kind.version, kind.kind), schema);
}
