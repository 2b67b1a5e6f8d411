//! The cells of everything that is neither a workload nor a network: configuration, the cluster itself,
//! its events, and who may do what.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::age::since;
use super::{list, name, number, or, text};

fn born(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

fn count(map: &Value) -> usize {
    map.as_object().map_or(0, Map::len)
}

/// Returns labels as `a=b,c=d`.
pub(super) fn labels(map: &Value) -> String {
    let pairs: Vec<String> =
        map.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    or(&pairs.join(","), "<none>").to_owned()
}

/// Returns the cells of a ConfigMap.
pub(super) fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), (count(&object["data"]) + count(&object["binaryData"])).into(), born(object, now)]
}

/// Returns the cells of a Secret.
pub(super) fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), text(&object["type"]).into(), count(&object["data"]).into(), born(object, now)]
}

/// Returns the cells of a service account.
pub(super) fn service_account(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), born(object, now)]
}

/// Returns the cells of a namespace.
pub(super) fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), text(&object["status"]["phase"]).into(), born(object, now)]
}

/// Returns the cells of a lease.
pub(super) fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), text(&object["spec"]["holderIdentity"]).into(), born(object, now)]
}

/// Returns the cells of a role binding or a cluster role binding.
pub(super) fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = &object["roleRef"];
    let subjects = |kind: &str| {
        let of_kind = list(&object["subjects"]).iter().filter(|subject| subject["kind"] == kind);
        let names: Vec<String> = of_kind
            .map(|subject| match kind {
                "ServiceAccount" => format!("{}/{}", text(&subject["namespace"]), text(&subject["name"])),
                _ => text(&subject["name"]).to_owned(),
            })
            .collect();
        Value::from(names.join(", "))
    };
    vec![
        name(object),
        format!("{}/{}", text(&role["kind"]), text(&role["name"])).into(),
        born(object, now),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

/// Returns the cells of a node.
pub(super) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let (status, info) = (&object["status"], &object["status"]["nodeInfo"]);
    let ready = list(&status["conditions"]).iter().find(|it| it["type"] == "Ready");
    let mut state = match ready {
        Some(ready) if ready["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if object["spec"]["unschedulable"] == true {
        state.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = list(&status["addresses"]).iter().find(|it| it["type"] == kind);
        Value::from(found.map_or("<none>", |it| text(&it["address"])))
    };
    let known = |field: &str| or(text(&info[field]), "<unknown>").to_owned();
    let mut kernel = known("kernelVersion");
    if let Some(architecture) = info["architecture"].as_str().filter(|it| !it.is_empty()) {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        name(object),
        state.into(),
        or(&roles(object), "<none>").into(),
        born(object, now),
        text(&info["kubeletVersion"]).into(),
        address("InternalIP"),
        address("ExternalIP"),
        known("osImage").into(),
        kernel.into(),
        known("containerRuntimeVersion").into(),
    ]
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object();
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None => (key == "kubernetes.io/role").then(|| text(value)),
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    roles.join(",")
}

/// Returns the cells of an event, in its old or its new form.
pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let series = &object["series"];
    let present = |field: &str| Some(&object[field]).filter(|time| time.is_string());
    let first = present("firstTimestamp").unwrap_or(&object["eventTime"]);
    let last = match present("lastTimestamp") {
        _ if series.is_object() => &series["lastObservedTime"],
        Some(last) => last,
        None => first,
    };
    let count = match number(&object["count"]) {
        _ if series.is_object() => number(&series["count"]),
        // An event of the new form that happened once counts nothing.
        0 => 1,
        count => count,
    };
    let about = &object["involvedObject"];
    let target = match (text(&about["kind"]).to_lowercase(), text(&about["name"])) {
        (kind, "") => kind,
        (kind, name) => format!("{kind}/{name}"),
    };
    let component = or(text(&object["source"]["component"]), text(&object["reportingComponent"]));
    let source = match or(text(&object["source"]["host"]), text(&object["reportingInstance"])) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    };
    vec![
        since(last, now).into(),
        text(&object["type"]).into(),
        text(&object["reason"]).into(),
        target.into(),
        text(&about["fieldPath"]).into(),
        source.into(),
        text(&object["message"]).trim().into(),
        since(first, now).into(),
        count.into(),
        name(object),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-01-01T00:05:00Z".parse().unwrap()
    }

    #[test]
    fn an_event_of_either_form_tells_when() {
        let old = json!({
            "firstTimestamp": "2026-01-01T00:01:00Z", "lastTimestamp": "2026-01-01T00:04:30Z", "count": 4,
            "involvedObject": {"kind": "Pod", "name": "a"}, "source": {"component": "kubelet", "host": "n"}
        });
        let cells = event(&old, now());
        assert_eq!(
            [&cells[0], &cells[3], &cells[5], &cells[7], &cells[8]],
            ["30s", "pod/a", "kubelet, n", "4m", "4"]
                .map(|text| { if text == "4" { json!(4) } else { json!(text) } })
                .each_ref()
        );
        let new = json!({
            "eventTime": "2026-01-01T00:04:00.000001Z", "firstTimestamp": null, "reportingComponent": "s",
            "involvedObject": {"kind": "Pod"}
        });
        let cells = event(&new, now());
        assert_eq!(
            (&cells[0], &cells[3], &cells[5], &cells[8]),
            (&json!("59s"), &json!("pod"), &json!("s"), &json!(1))
        );
    }

    #[test]
    fn a_node_says_whether_it_takes_pods() {
        let object = json!({
            "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "db"}},
            "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}
        });
        let cells = node(&object, now());
        assert_eq!((&cells[1], &cells[2]), (&json!("NotReady,SchedulingDisabled"), &json!("db,worker")));
    }
}
