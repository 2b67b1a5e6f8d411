//! A tool's specification as models get it: a JSON schema made from the `Args` type, kept small, since
//! every byte is sent with every request.
//!
//! The snapshot below shows every specification whole, so that a change of one is seen in review; what they cost together
//! is counted in `tests/model/tokens.rs`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value};

/// What a model is told about a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolSpec {
    /// The tool's name.
    pub name: &'static str,
    /// What it does: the first paragraph of the arguments' documentation.
    pub description: String,
    /// The arguments as a JSON schema.
    pub parameters: Value,
}

impl ToolSpec {
    /// Returns the specification for a schema made by [`schema`].
    pub(crate) fn new(name: &'static str, mut schema: Value) -> Self {
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let about = about.as_ref().and_then(Value::as_str).unwrap_or_default();
        let description = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        Self { name, description, parameters: schema }
    }
}

/// Returns the schema of an argument type without what models do not need.
pub(crate) fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    slim(&mut schema);
    schema
}

/// Takes out titles, number formats, minimums of zero, defaults of null and the null alternative of optional arguments:
/// an optional argument is one that is not required.
fn slim(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for noise in ["title", "format", "$schema"] {
        fields.remove(noise);
    }
    if fields.get("minimum").and_then(Value::as_f64) == Some(0.0) {
        fields.remove("minimum");
    }
    if fields.get("default") == Some(&Value::Null) {
        fields.remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            fields.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(variants)) = fields.get_mut("enum") {
        variants.retain(|variant| !variant.is_null());
    }
    if let Some(Value::Array(mut choices)) = fields.remove("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        match choices.as_slice() {
            [Value::Object(single)] => {
                let kept: Map<String, Value> = single.clone();
                for (key, value) in kept {
                    fields.entry(key).or_insert(value);
                }
            }
            _ => {
                fields.insert("anyOf".to_owned(), Value::Array(choices));
            }
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(slim);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(inner) {
            slim(inner);
        }
    }
    // Any property is what there is where nothing is said.
    if fields.get("additionalProperties") == Some(&Value::Bool(true)) {
        fields.remove("additionalProperties");
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::TOOLS;

    #[test]
    fn the_specifications_are_what_models_get() {
        let specs: Vec<String> = TOOLS.iter().map(|tool| serde_json::to_string(&tool.spec()).unwrap()).collect();
        assert_snapshot!(specs.join("\n"), @r#"
        {"name":"list","description":"List objects of a kind as a table with true totals.","parameters":{"additionalProperties":false,"properties":{"all_namespaces":{"type":"boolean"},"count_only":{"type":"boolean"},"kind":{"description":"any kubectl kind or alias: pods, deploy, nodes","type":"string"},"limit":{"type":"integer"},"name_contains":{"type":"string"},"namespace":{"type":"string"},"selector":{"description":"labels: app=backend","type":"string"},"sort":{"enum":["name","restarts","age"],"type":"string"},"status":{"description":"not_ready, failing, pending, running, crashing, completed, or a STATUS word","type":"string"}},"required":["kind"],"type":"object"}}
        {"name":"describe","description":"Describe one object: state, containers, conditions, events, missing references.","parameters":{"additionalProperties":false,"properties":{"kind":{"description":"any kubectl kind or alias; default a workload, else what has the name","type":"string"},"name":{"type":"string"},"namespace":{"type":"string"}},"required":["name"],"type":"object"}}
        {"name":"logs","description":"Read logs of all replicas of a workload, of a pod, or of a selector, merged by time, repeats folded.","parameters":{"additionalProperties":false,"properties":{"container":{"type":"string"},"grep":{"description":"regex","type":"string"},"namespace":{"type":"string"},"previous":{"description":"the run before the last restart","type":"boolean"},"since":{"description":"10m, 1h","type":"string"},"tail":{"description":"lines per container, default 200","type":"integer"},"target":{"description":"backend, pod/backend-1, or app=backend","type":"string"}},"required":["target"],"type":"object"}}
        {"name":"events","description":"List events folded by cause, warnings first.","parameters":{"additionalProperties":false,"properties":{"about":{"description":"only about this object and what it owns","type":"string"},"all_namespaces":{"type":"boolean"},"namespace":{"type":"string"},"since":{"description":"10m, 1h","type":"string"},"warnings_only":{"type":"boolean"}},"type":"object"}}
        {"name":"rollout","description":"Show a workload's rollout: status, why it is stuck, revisions and what changed between them.","parameters":{"additionalProperties":false,"properties":{"namespace":{"type":"string"},"workload":{"description":"backend, or deployment/backend","type":"string"}},"required":["workload"],"type":"object"}}
        {"name":"wait_for","description":"Wait until an object meets a condition; says after how long, or why not.","parameters":{"additionalProperties":false,"properties":{"condition":{"enum":["available","ready","rolled_out","deleted","exists"],"type":"string"},"kind":{"description":"default a workload","type":"string"},"name":{"type":"string"},"namespace":{"type":"string"},"seconds":{"description":"default 120","type":"integer"}},"required":["name","condition"],"type":"object"}}
        {"name":"diagnose","description":"Find what is wrong and why, with remedies. Without a target of the whole namespace.","parameters":{"additionalProperties":false,"properties":{"all_namespaces":{"type":"boolean"},"evidence":{"description":"with proof","type":"boolean"},"namespace":{"type":"string"},"target":{"description":"backend, service/web, node/n","type":"string"}},"type":"object"}}
        {"name":"health","description":"Show how nodes, workloads, storage and network are.","parameters":{"additionalProperties":false,"properties":{"all_namespaces":{"type":"boolean"},"namespace":{"type":"string"}},"type":"object"}}
        {"name":"changes","description":"List what changed lately, and the first trouble after it.","parameters":{"additionalProperties":false,"properties":{"namespace":{"type":"string"},"since":{"description":"1h, 2d; default 24h","type":"string"}},"type":"object"}}
        {"name":"explain","description":"Explain whether somebody may do something (verb), or what a field of a kind means (field).","parameters":{"additionalProperties":false,"properties":{"field":{"description":"spec.strategy; empty for the kind itself","type":"string"},"kind":{"type":"string"},"name":{"description":"one object","type":"string"},"namespace":{"type":"string"},"subject":{"description":"me, alice, group:dev, serviceaccount:ns/name","type":"string"},"subresource":{"description":"log, exec, scale","type":"string"},"verb":{"description":"get, list, create, patch, delete","type":"string"}},"required":["kind"],"type":"object"}}
        {"name":"scale","description":"Propose a number of replicas for a workload. Give one of replicas, delta, percent.","parameters":{"additionalProperties":false,"properties":{"delta":{"description":"change of the count: 2, -1","type":"integer"},"namespace":{"type":"string"},"percent":{"description":"of the present count: 200 doubles","type":"integer"},"replicas":{"description":"the new count","type":"integer"},"workload":{"description":"backend, or deployment/backend","type":"string"}},"required":["workload"],"type":"object"}}
        {"name":"rollout_control","description":"Propose to restart a workload, roll it back, or pause or resume its rollout.","parameters":{"additionalProperties":false,"properties":{"action":{"enum":["restart","undo","pause","resume"],"type":"string"},"namespace":{"type":"string"},"to_revision":{"description":"for undo; default the previous one","type":"integer"},"workload":{"description":"backend, or deployment/backend","type":"string"}},"required":["workload","action"],"type":"object"}}
        {"name":"set","description":"Propose other values for a workload's pods. Give at least one of image to labels; the rest stays.","parameters":{"additionalProperties":false,"properties":{"args":{"items":{"type":"string"},"type":"array"},"command":{"description":"replaces the entrypoint; [] is the image's own","items":{"type":"string"},"type":"array"},"container":{"description":"needed where there are several","type":"string"},"env":{"description":"{\"LEVEL\":\"debug\"}; null removes; {\"secret\":\"name\",\"key\":\"k\"} or {\"configmap\":…} refers","type":"object"},"image":{"description":"an image, or only its new tag","type":"string"},"labels":{"description":"of the pods; null removes","type":"object"},"limits":{"type":"object"},"namespace":{"type":"string"},"probes":{"additionalProperties":{"additionalProperties":false,"description":"path and port, or port alone, or command","properties":{"command":{"items":{"type":"string"},"type":"array"},"delay":{"type":"integer"},"failures":{"type":"integer"},"path":{"type":"string"},"period":{"type":"integer"},"port":{"type":"integer"},"timeout":{"type":"integer"}},"type":"object"},"description":"by readiness, liveness, startup; null removes","type":"object"},"requests":{"description":"{\"cpu\":\"500m\",\"memory\":\"1Gi\"}; null removes one","type":"object"},"workload":{"description":"backend, or deployment/backend","type":"string"}},"required":["workload"],"type":"object"}}
        {"name":"autoscale","description":"Propose an autoscaler for a workload, or change the one it has.","parameters":{"additionalProperties":false,"properties":{"cpu":{"description":"percent of the requests; default 80 where there is none","type":"integer"},"down_window":{"description":"seconds to wait before scaling down","type":"integer"},"max":{"type":"integer"},"memory":{"type":"integer"},"min":{"type":"integer"},"namespace":{"type":"string"},"workload":{"type":"string"}},"required":["workload"],"type":"object"}}
        {"name":"create","description":"Propose a new object with secure defaults. Which arguments apply depends on the kind.","parameters":{"additionalProperties":false,"properties":{"command":{"items":{"type":"string"},"type":"array"},"data":{"description":"of a configmap","type":"object"},"env":{"description":"as in set","type":"object"},"from":{"description":"the workloads a network_policy lets in","items":{"type":"string"},"type":"array"},"host":{"description":"of an ingress","type":"string"},"image":{"type":"string"},"kind":{"enum":["deployment","statefulset","job","cronjob","service","ingress","configmap","namespace","role","network_policy","pvc"],"type":"string"},"limits":{"type":"object"},"mount":{"description":"where storage is mounted","type":"string"},"name":{"type":"string"},"namespace":{"type":"string"},"port":{"type":"integer"},"prefix":{"description":"of an ingress; default /","type":"string"},"replicas":{"type":"integer"},"requests":{"description":"{\"cpu\":\"500m\",\"memory\":\"1Gi\"}","type":"object"},"resources":{"description":"of a role: pods, deployments","items":{"type":"string"},"type":"array"},"run_as_user":{"description":"default 1000; 0 is root","type":"integer"},"schedule":{"description":"of a cronjob: */5 * * * *","type":"string"},"service_type":{"enum":["cluster_ip","node_port","load_balancer"],"type":"string"},"storage":{"description":"of a statefulset or pvc: 1Gi","type":"string"},"storage_class":{"type":"string"},"subject":{"description":"who gets a role: user:alice, group:dev, serviceaccount:ci","type":"string"},"target":{"description":"the workload of a service or network_policy, the service of an ingress","type":"string"},"verbs":{"description":"of a role; default get, list, watch","items":{"type":"string"},"type":"array"}},"required":["kind"],"type":"object"}}
        {"name":"apply","description":"Propose to apply manifests. Give one of manifests and file.","parameters":{"additionalProperties":false,"properties":{"file":{"description":"below the working directory","type":"string"},"manifests":{"description":"YAML or JSON","type":"string"},"namespace":{"description":"for documents that name none","type":"string"}},"type":"object"}}
        {"name":"patch","description":"Propose a patch of any object. Give one of merge, strategic and json, or labels and annotations.","parameters":{"additionalProperties":false,"properties":{"annotations":{"type":"object"},"json":{"description":"RFC 6902","items":{"type":"object"},"type":"array"},"kind":{"type":"string"},"labels":{"description":"null removes one","type":"object"},"merge":{"type":"object"},"name":{"type":"string"},"namespace":{"type":"string"},"strategic":{"type":"object"}},"required":["kind","name"],"type":"object"}}
        {"name":"delete","description":"Propose to delete one object, by its exact name.","parameters":{"additionalProperties":false,"properties":{"kind":{"type":"string"},"name":{"type":"string"},"namespace":{"type":"string"},"propagation":{"description":"default background; orphan keeps what it owns","enum":["background","foreground","orphan"],"type":"string"}},"required":["kind","name"],"type":"object"}}
        {"name":"node_control","description":"Propose to cordon, uncordon or drain a node.","parameters":{"additionalProperties":false,"properties":{"action":{"enum":["cordon","uncordon","drain"],"type":"string"},"node":{"type":"string"}},"required":["node","action"],"type":"object"}}
        {"name":"import_env","description":"Propose a Secret and a ConfigMap from a .env file; values are never shown.","parameters":{"additionalProperties":false,"properties":{"file":{"description":"below the working directory","type":"string"},"name":{"description":"of both objects; default env","type":"string"},"namespace":{"type":"string"},"secret":{"description":"names that go into the Secret, `*` is all; default those that look secret","items":{"type":"string"},"type":"array"}},"required":["file"],"type":"object"}}
        {"name":"exec","description":"Propose to run one program in a container; no shell reads its words.","parameters":{"additionalProperties":false,"properties":{"command":{"description":"program and arguments","items":{"type":"string"},"type":"array"},"container":{"type":"string"},"namespace":{"type":"string"},"seconds":{"description":"default 60","type":"integer"},"target":{"description":"exact name of a pod or workload","type":"string"}},"required":["target","command"],"type":"object"}}
        {"name":"port_forward","description":"Propose to forward a port of this machine to a pod, until the session ends.","parameters":{"additionalProperties":false,"properties":{"local":{"description":"on this machine; default like port, 0 a free one","maximum":65535,"type":"integer"},"namespace":{"type":"string"},"port":{"description":"of the pod or service; default its only one","maximum":65535,"type":"integer"},"target":{"description":"backend, pod/backend-1, service/backend","type":"string"}},"required":["target"],"type":"object"}}
        {"name":"undo","description":"Propose to take back a change made through this program.","parameters":{"additionalProperties":false,"properties":{"change_id":{"description":"default the last change","type":"string"}},"type":"object"}}
        "#);
    }
}
