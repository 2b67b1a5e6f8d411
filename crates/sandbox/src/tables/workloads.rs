//! The cells of what makes pods: deployments, replica sets, stateful sets, and what scales them.

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::selectors::LabelSelector;

use super::age::since;
use super::{list, name, number, or, shortened, text};

pub(super) fn born(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

/// Returns the names and the images of a template's containers.
pub(super) fn containers(template: &Value) -> [Value; 2] {
    let containers = list(&template["spec"]["containers"]);
    ["name", "image"].map(|field| {
        let all: Vec<&str> = containers.iter().map(|container| text(&container[field])).collect();
        all.join(",").into()
    })
}

fn selector(workload: &Value) -> Option<String> {
    LabelSelector::from_object(&workload["spec"]["selector"]).ok().map(|selector| selector.to_string())
}

/// Returns a label selector as text, `<none>` when it selects everything.
pub(super) fn selector_text(selector: &Value) -> String {
    if selector.is_null() {
        return "<none>".to_owned();
    }
    let text = LabelSelector::from_object(selector).map_or("<error>".to_owned(), |selector| selector.to_string());
    or(&text, "<none>").to_owned()
}

/// Returns the cells of a deployment.
pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let [names, images] = containers(&object["spec"]["template"]);
    vec![
        name(object),
        format!("{}/{}", number(&status["readyReplicas"]), number(&object["spec"]["replicas"])).into(),
        number(&status["updatedReplicas"]).into(),
        number(&status["availableReplicas"]).into(),
        born(object, now),
        names,
        images,
        selector(object).unwrap_or_else(|| "<invalid>".to_owned()).into(),
    ]
}

/// Returns the cells of a replica set.
pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let [names, images] = containers(&object["spec"]["template"]);
    let selector = selector(object).unwrap_or_else(|| "<error>".to_owned());
    vec![
        name(object),
        number(&object["spec"]["replicas"]).into(),
        number(&status["replicas"]).into(),
        number(&status["readyReplicas"]).into(),
        born(object, now),
        names,
        images,
        or(&selector, "<none>").into(),
    ]
}

/// Returns the cells of a stateful set.
pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(&object["status"]["readyReplicas"]);
    let [names, images] = containers(&object["spec"]["template"]);
    vec![
        name(object),
        format!("{ready}/{}", number(&object["spec"]["replicas"])).into(),
        born(object, now),
        names,
        images,
    ]
}

/// Returns the cells of a stateful set's revision.
pub(super) fn controller_revision(object: &Value, now: Timestamp) -> Vec<Value> {
    let owner = list(&object["metadata"]["ownerReferences"]).iter().find(|owner| owner["controller"] == true);
    let controller = owner.map_or("<none>".to_owned(), |owner| {
        let kind = text(&owner["kind"]).to_lowercase();
        let called = text(&owner["name"]);
        match text(&owner["apiVersion"]).split_once('/') {
            Some((group, _)) => format!("{kind}.{group}/{called}"),
            None => format!("{kind}/{called}"),
        }
    });
    let revision = number(&object["revision"]);
    vec![name(object), controller.into(), revision.into(), born(object, now)]
}

/// Returns the cells of a Scale.
pub(super) fn scale(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        number(&object["spec"]["replicas"]).into(),
        number(&object["status"]["replicas"]).into(),
        born(object, now),
    ]
}

/// Returns the cells of a horizontal pod autoscaler.
pub(super) fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let target = &spec["scaleTargetRef"];
    vec![
        name(object),
        format!("{}/{}", text(&target["kind"]), text(&target["name"])).into(),
        metrics(list(&spec["metrics"]), list(&status["currentMetrics"])).into(),
        spec["minReplicas"].as_i64().map_or("<unset>".to_owned(), |least| least.to_string()).into(),
        number(&spec["maxReplicas"]).into(),
        number(&status["currentReplicas"]).into(),
        born(object, now),
    ]
}

fn metrics(wanted: &[Value], found: &[Value]) -> String {
    if wanted.is_empty() {
        return "<none>".to_owned();
    }
    let all: Vec<String> = wanted.iter().enumerate().map(|(at, wanted)| metric(wanted, found.get(at))).collect();
    shortened(&all, 2, ", ")
}

fn metric(wanted: &Value, found: Option<&Value>) -> String {
    let source = match text(&wanted["type"]) {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let target = &wanted[source]["target"];
    let current = |field: &str| {
        found.and_then(|found| found[source]["current"][field].as_str()).unwrap_or("<unknown>").to_owned()
    };
    if let "resource" | "containerResource" = source {
        let name = text(&wanted[source]["name"]);
        if let Some(average) = target["averageValue"].as_str() {
            return format!("{name}: {}/{average}", current("averageValue"));
        }
        let percent = |value: &Value| value.as_i64().map(|percent| format!("{percent}%"));
        let current = found.and_then(|found| percent(&found[source]["current"]["averageUtilization"]));
        let target = percent(&target["averageUtilization"]);
        return format!(
            "{name}: {}/{}",
            current.as_deref().unwrap_or("<unknown>"),
            target.as_deref().unwrap_or("<auto>")
        );
    }
    match target["averageValue"].as_str() {
        Some(average) if source == "pods" => format!("{}/{average}", current("averageValue")),
        Some(average) => format!("{}/{average} (avg)", current("averageValue")),
        None => format!("{}/{}", current("value"), or(text(&target["value"]), "0")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_are_what_is_and_what_is_wanted() {
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}});
        let pods = json!({"type": "Pods", "pods": {"target": {"averageValue": "10"}}});
        let other = json!({"type": "External", "external": {"target": {"value": "3"}}});
        assert_eq!(metrics(&[], &[]), "<none>");
        assert_eq!(metrics(std::slice::from_ref(&cpu), &[]), "cpu: <unknown>/80%");
        let current = json!({"resource": {"current": {"averageUtilization": 7}}});
        assert_eq!(metrics(&[cpu, pods, other], &[current]), "cpu: 7%/80%, <unknown>/10 + 1 more...");
    }

    #[test]
    fn a_revision_names_its_controller() {
        let object = json!({"revision": 2, "metadata": {"name": "r", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": true}
        ]}});
        let cells = controller_revision(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells, [json!("r"), json!("statefulset.apps/db"), json!(2), json!("<unknown>")]);
    }
}
