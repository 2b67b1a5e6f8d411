//! What people get wrong, and what the server says.

use serde_json::{Value, json};

use super::*;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                         "spec": {"restartPolicy": "Always", "containers": [{"name": "web", "image": "web:1"}]}}
        }
    })
}

fn created(object: &Value) -> Vec<String> {
    on_create(object).into_iter().map(|cause| format!("{}: {}", cause.field, cause.text)).collect()
}

fn updated(object: &Value, current: &Value) -> Vec<String> {
    on_update(object, current).into_iter().map(|cause| format!("{}: {}", cause.field, cause.text)).collect()
}

fn changed(path: &str, value: Value) -> Value {
    let mut object = deployment();
    *object.pointer_mut(path).unwrap() = value;
    object
}

#[test]
fn a_good_deployment_passes() {
    assert!(created(&deployment()).is_empty());
}

#[test]
fn mistakes_in_a_deployment_are_named() {
    let cases = [
        ("/spec/replicas", json!(-1), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ("/spec/template/spec/containers", json!([]), "spec.template.spec.containers: Required value"),
        ("/spec/template/spec/containers/0/image", json!(""), "spec.template.spec.containers[0].image: Required value"),
        (
            "/spec/template/metadata/labels",
            json!({"app": "api"}),
            "spec.template.metadata.labels: Invalid value: {\"app\":\"api\"}: `selector` does not match template `labels`",
        ),
        (
            "/spec/template/spec/restartPolicy",
            json!("Never"),
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        ("/spec/selector", json!({}), "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
    ];
    for (path, value, expected) in cases {
        assert_eq!(created(&changed(path, value)), [expected]);
    }
    assert!(
        created(&changed("/metadata/name", json!("Web_1")))[0]
            .starts_with("metadata.name: Invalid value: \"Web_1\": a lowercase RFC 1123 subdomain must consist of")
    );
    assert_eq!(
        created(&changed("/metadata/name", json!(""))),
        ["metadata.name: Required value: name or generateName is required"]
    );
}

#[test]
fn selectors_are_immutable() {
    let mut object = changed("/spec/selector/matchLabels", json!({"app": "api"}));
    object["spec"]["template"]["metadata"]["labels"] = json!({"app": "api"});
    assert_eq!(
        updated(&object, &deployment()),
        ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"api\"}}: field is immutable"]
    );
}

#[test]
fn a_stateful_set_may_change_its_template_but_not_its_service() {
    let mut current = deployment();
    current["kind"] = "StatefulSet".into();
    current["spec"]["serviceName"] = "web".into();
    let mut object = current.clone();
    object["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    assert!(updated(&object, &current).is_empty());
    object["spec"]["serviceName"] = "other".into();
    assert!(updated(&object, &current)[0].starts_with("spec: Forbidden: updates to statefulset spec for fields other"));
}

#[test]
fn of_a_running_pod_only_the_image_may_change() {
    let current = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "a", "image": "a:1"}], "tolerations": [{"key": "x"}]}
    });
    let mut object = current.clone();
    object["spec"]["containers"][0]["image"] = "a:2".into();
    object["spec"]["tolerations"] = json!([{"key": "x"}, {"key": "y"}]);
    assert!(updated(&object, &current).is_empty());
    object["spec"]["containers"][0]["command"] = json!(["sh"]);
    assert!(updated(&object, &current)[0].starts_with("spec: Forbidden: pod updates may not change fields other than"));
}

#[test]
fn requests_may_not_exceed_limits_and_mounts_need_volumes() {
    let object = changed(
        "/spec/template/spec/containers/0",
        json!({"name": "a", "image": "a", "volumeMounts": [{"name": "x", "mountPath": "/x"}],
               "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
    );
    assert_eq!(
        created(&object),
        [
            "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"x\"",
            "spec.template.spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"
        ]
    );
}

#[test]
fn configuration_keys_and_immutability() {
    let current = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}, "immutable": true});
    let mut object = current.clone();
    object["data"]["a b"] = "2".into();
    let causes = updated(&object, &current);
    assert_eq!(causes[0], "data: Forbidden: field is immutable when `immutable` is set");
    assert!(causes[1].starts_with("data[a b]: Invalid value: \"a b\": a valid config key must consist of"));
}

#[test]
fn services_need_ports_and_keep_their_address() {
    let service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-"}, "spec": {"type": "ClusterIP"}});
    let causes = created(&service);
    assert!(
        causes[0].starts_with("metadata.name: Invalid value: \"web-\": a lowercase RFC 1123 label must consist of")
    );
    assert_eq!(causes[1], "spec.ports: Required value");
}
