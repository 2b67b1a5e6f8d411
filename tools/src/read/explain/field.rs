//! What a field means, in the cluster's own words: its OpenAPI document, walked along a path.
//!
//! Source: OpenAPI v3 as the API server publishes it; `x-kubernetes-group-version-kind` tells which schema is a kind's.

use serde_json::{Value, json};
use todo_agent_core::{Output, Reader, ResourceType, Run, ToolError};

pub(super) async fn explain(path: &str, kind: &str, reader: &dyn Reader, run: &Run) -> Result<Output, ToolError> {
    let resource = reader.kind(kind).await?;
    let schemas = reader.schemas(&resource).await?;
    let Some(root) = schema_of(&schemas, &resource) else {
        return Err(ToolError::state(format!("the cluster publishes no documentation of {}", resource.plural))
            .hint("a sandbox publishes none; a real cluster does"));
    };
    let steps: Vec<&str> = path.split('.').map(str::trim).filter(|step| !step.is_empty()).collect();
    let mut found = Place::of(root, &schemas);
    for (index, step) in steps.iter().enumerate() {
        let fields = fields(found.schema, &schemas);
        let Some((_, schema)) = fields.iter().find(|(name, _)| name == step) else {
            return Err(unknown(step, &steps[..index], &resource, &fields));
        };
        found = Place::of(schema, &schemas);
    }
    Ok(answer(&found, &steps, &resource, &schemas, run))
}

/// A schema and what is said of it where it is used, which may say more than itself.
struct Place<'a> {
    used: &'a Value,
    schema: &'a Value,
    description: &'a str,
}

impl<'a> Place<'a> {
    fn of(used: &'a Value, schemas: &'a Value) -> Self {
        let schema = resolved(used, schemas);
        let own = text(used, "description");
        Self { used, schema, description: if own.is_empty() { text(schema, "description") } else { own } }
    }
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema[name].as_str().unwrap_or_default()
}

/// Returns the schema of a kind.
fn schema_of<'a>(schemas: &'a Value, resource: &ResourceType) -> Option<&'a Value> {
    let is_it = |kind: &Value| {
        kind["group"] == resource.group.as_str()
            && kind["version"] == resource.version.as_str()
            && kind["kind"] == resource.kind.as_str()
    };
    let marked = |schema: &&Value| {
        schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|kinds| kinds.iter().any(is_it))
    };
    schemas.as_object()?.values().find(marked)
}

/// Returns the schema that a reference means, also one that stands in `allOf` to be given a default.
fn resolved<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
    let name = reference.and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| schemas.get(name)).unwrap_or(schema)
}

/// Returns the fields below a place: of the object, of the items of a list, of the values of a map.
fn fields<'a>(schema: &'a Value, schemas: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let inner = [&schema["items"], &schema["additionalProperties"]].into_iter().find(|inner| inner.is_object());
    let object = inner.map_or(schema, |inner| resolved(inner, schemas));
    let properties = object["properties"].as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.as_str(), schema)).collect()
}

/// Returns a type as kubectl writes it: `string`, `[]Container`, `map[string]string`.
fn type_of(used: &Value, schemas: &Value) -> String {
    let reference = used["$ref"].as_str().or_else(|| used["allOf"][0]["$ref"].as_str());
    if let Some(name) = reference.and_then(|reference| reference.rsplit(['/', '.']).next()) {
        // A quantity or a time is written as a string, whatever its schema is called.
        let schema = resolved(used, schemas);
        return if schema["properties"].is_object() { name.to_owned() } else { format!("{name} (string)") };
    }
    match used["type"].as_str() {
        Some("array") => format!("[]{}", type_of(&used["items"], schemas)),
        Some("object") if used["additionalProperties"].is_object() => {
            format!("map[string]{}", type_of(&used["additionalProperties"], schemas))
        }
        Some("object") => "object".to_owned(),
        Some(plain) => plain.to_owned(),
        None if used["oneOf"].is_array() || used["x-kubernetes-int-or-string"] == true => {
            "integer or string".to_owned()
        }
        None => "any".to_owned(),
    }
}

fn unknown(step: &str, before: &[&str], resource: &ResourceType, fields: &[(&str, &Value)]) -> ToolError {
    let place = std::iter::once(resource.kind.to_lowercase()).chain(before.iter().map(|&step| step.to_owned()));
    let place = place.collect::<Vec<_>>().join(".");
    let error = ToolError::arguments(format!("{place} has no field \"{}\"", crate::words::shown(step)));
    let near = fields.iter().map(|(name, _)| (strsim::osa_distance(name, step), *name)).min();
    match near {
        Some((distance, name)) if distance <= 2 || name.eq_ignore_ascii_case(step) => {
            error.hint(format!("did you mean {name}?"))
        }
        Some(_) => {
            error.hint(format!("it has {}", fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
        }
        None => error.hint(format!("{place} is a plain value")),
    }
}

fn answer(found: &Place<'_>, steps: &[&str], resource: &ResourceType, schemas: &Value, run: &Run) -> Output {
    let kind = resource.kind.to_lowercase();
    let path = std::iter::once(kind.as_str()).chain(steps.iter().copied()).collect::<Vec<_>>().join(".");
    let required: Vec<&str> =
        found.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows: Vec<Vec<String>> = fields(found.schema, schemas)
        .into_iter()
        .map(|(name, used)| {
            let mark = if required.contains(&name) { " (required)" } else { "" };
            vec![format!("{name}{mark}"), type_of(used, schemas), first_sentence(Place::of(used, schemas).description)]
        })
        .collect();
    let choices: Vec<String> = found.schema["enum"].as_array().into_iter().flatten().map(plain).collect();
    let data = json!({
        "path": path, "api_version": resource.api_version(), "description": found.description, "type": type_of(found.used, schemas),
        "choices": choices, "required": required,
        "fields": rows.iter().map(|row| json!({"name": row[0], "type": row[1], "about": row[2]})).collect::<Vec<_>>(),
    });
    let mut output = Output::build(&run.redactor, &data).text(format!(
        "{path} ({}, {})",
        type_of(found.used, schemas),
        resource.api_version()
    ));
    if !found.description.is_empty() {
        output = output.text(found.description);
    }
    if !choices.is_empty() {
        output = output.text(format!("one of: {}", choices.join(", ")));
    }
    if !rows.is_empty() {
        output = output.table(&["FIELD", "TYPE", "ABOUT"], rows);
    }
    output.build()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the first sentence of a text.
fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(". ").map_or(line.len(), |dot| dot + 1);
    line.get(..end).unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::fake::{FakeReader, FakeRun};

    /// A piece of the document of Kubernetes 1.37 for apps/v1.
    fn schemas() -> Value {
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let with_default =
            |name: &str, about: &str| json!({"allOf": [reference(name)], "default": {}, "description": about});
        json!({
            "io.k8s.api.apps.v1.Deployment": {
                "description": "Deployment enables declarative updates for Pods and ReplicaSets.",
                "type": "object",
                "properties": {
                    "kind": {"type": "string", "description": "Kind is a string value. More info elsewhere."},
                    "spec": with_default("io.k8s.api.apps.v1.DeploymentSpec", "Specification of the desired behavior of the Deployment."),
                },
                "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}],
            },
            "io.k8s.api.apps.v1.DeploymentSpec": {
                "description": "DeploymentSpec is the specification of the desired behavior of the Deployment.",
                "type": "object",
                "required": ["selector"],
                "properties": {
                    "replicas": {"type": "integer", "format": "int32", "description": "Number of desired pods. Defaults to 1."},
                    "selector": reference("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"),
                    "containers": {"type": "array", "items": with_default("io.k8s.api.core.v1.Container", "")},
                },
            },
            "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector": {
                "description": "A label selector is a label query over a set of resources.",
                "type": "object",
                "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}}},
            },
            "io.k8s.api.core.v1.Container": {
                "description": "A single application container.",
                "type": "object",
                "properties": {
                    "imagePullPolicy": {"type": "string", "description": "Image pull policy.", "enum": ["Always", "IfNotPresent", "Never"]},
                    "cpu": reference("io.k8s.apimachinery.pkg.api.resource.Quantity"),
                },
            },
            "io.k8s.apimachinery.pkg.api.resource.Quantity": {"description": "Quantity is a number.", "oneOf": [{"type": "string"}, {"type": "number"}]},
        })
    }

    async fn explained(field: &str) -> String {
        let turn = FakeRun::new(FakeReader::new(vec![]).documented(schemas()));
        turn.person("explain", json!({"kind": "deploy", "field": field})).await
    }

    #[tokio::test]
    async fn a_field_is_explained_in_the_clusters_words() {
        assert_snapshot!(explained("").await, @r"
        deployment (object, apps/v1)

        Deployment enables declarative updates for Pods and ReplicaSets.

        FIELD  TYPE            ABOUT
        kind   string          Kind is a string value.
        spec   DeploymentSpec  Specification of the desired behavior of the Deployment.
        ");
        assert_snapshot!(explained("spec").await, @r"
        deployment.spec (DeploymentSpec, apps/v1)

        Specification of the desired behavior of the Deployment.

        FIELD                TYPE           ABOUT
        containers           []Container
        replicas             integer        Number of desired pods.
        selector (required)  LabelSelector  A label selector is a label query over a set of resources.
        ");
        assert_snapshot!(explained("spec.replicas").await, @r"
        deployment.spec.replicas (integer, apps/v1)

        Number of desired pods. Defaults to 1.
        ");
        assert_snapshot!(explained("spec.containers.imagePullPolicy").await, @r"
        deployment.spec.containers.imagePullPolicy (string, apps/v1)

        Image pull policy.

        one of: Always, IfNotPresent, Never
        ");
        assert_snapshot!(explained("spec.selector.matchLabels").await, @"deployment.spec.selector.matchLabels (map[string]string, apps/v1)");
    }

    #[tokio::test]
    async fn an_unknown_field_is_not_guessed() {
        assert_snapshot!(explained("spec.replica").await, @r#"
        error: deployment.spec has no field "replica"
        hint: did you mean replicas?
        "#);
        assert_snapshot!(explained("spec.replicas.count").await, @r#"
        error: deployment.spec.replicas has no field "count"
        hint: deployment.spec.replicas is a plain value
        "#);
        assert_snapshot!(explained("status").await, @r#"
        error: deployment has no field "status"
        hint: it has kind, spec
        "#);
        let turn = FakeRun::new(FakeReader::new(vec![]));
        assert_snapshot!(turn.person("explain", json!({"kind": "pods", "field": "spec"})).await, @r"
        error: the cluster publishes no documentation of pods
        hint: a sandbox publishes none; a real cluster does
        ");
    }
}
