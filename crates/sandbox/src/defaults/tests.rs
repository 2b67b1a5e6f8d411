//! What the API server adds to what people write.

use serde_json::{Value, json};

use super::*;

fn applied(mut object: Value) -> Value {
    apply(&mut object);
    let once = object.clone();
    apply(&mut object);
    assert_eq!(object, once, "defaulting twice changes nothing");
    object
}

#[test]
fn a_deployment_gets_its_strategy_and_its_template_the_container_defaults() {
    let deployment = applied(json!({
        "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "registry.example:5000/a", "ports": [{"containerPort": 80}],
             "readinessProbe": {"httpGet": {"port": 80}}},
            {"name": "b", "image": "b:1.2"}
        ]}}}
    }));
    let spec = &deployment["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["revisionHistoryLimit"], 10);
    assert_eq!(spec["progressDeadlineSeconds"], 600);
    assert_eq!(
        spec["strategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
    );
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["containers"][0]["imagePullPolicy"], "Always");
    assert_eq!(pod["containers"][1]["imagePullPolicy"], "IfNotPresent");
    assert_eq!(pod["containers"][0]["ports"][0]["protocol"], "TCP");
    assert_eq!(
        pod["containers"][0]["readinessProbe"],
        json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
               "successThreshold": 1, "failureThreshold": 3})
    );
    assert_eq!(pod["terminationGracePeriodSeconds"], 30);
    assert!(pod.get("enableServiceLinks").is_none(), "that one is for pods alone");
    assert!(pod.get("tolerations").is_none());
}

#[test]
fn a_pod_also_gets_what_admission_adds() {
    let pod = applied(json!({
        "kind": "Pod",
        "spec": {"containers": [{"name": "a", "image": "a:1", "resources": {"limits": {"memory": "64Mi"}}}]}
    }));
    let spec = &pod["spec"];
    assert_eq!((&spec["serviceAccountName"], &spec["serviceAccount"]), (&json!("default"), &json!("default")));
    assert_eq!(spec["tolerations"].as_array().unwrap().len(), 2);
    assert_eq!(spec["containers"][0]["resources"]["requests"], json!({"memory": "64Mi"}));
    assert_eq!(spec["priority"], 0);
}

#[test]
fn quality_of_service_follows_requests_and_limits() {
    let class = |resources: Value| quality_of_service(&json!({"containers": [{"resources": resources}]}));
    assert_eq!(class(json!({})), "BestEffort");
    assert_eq!(class(json!({"requests": {"cpu": "0"}})), "BestEffort");
    assert_eq!(class(json!({"requests": {"cpu": "100m"}})), "Burstable");
    let both = json!({"cpu": "1", "memory": "1Gi"});
    assert_eq!(class(json!({"requests": both, "limits": {"cpu": "1000m", "memory": "1024Mi"}})), "Guaranteed");
}

#[test]
fn services_secrets_and_namespaces() {
    let service = applied(json!({"kind": "Service", "spec": {"ports": [{"port": 80}]}}));
    assert_eq!(service["spec"]["ports"], json!([{"port": 80, "protocol": "TCP", "targetPort": 80}]));
    assert_eq!(service["spec"]["type"], "ClusterIP");
    let secret = applied(json!({"kind": "Secret", "stringData": {"a": "b"}, "data": {"a": "eA==", "c": "eA=="}}));
    assert_eq!(secret, json!({"kind": "Secret", "type": "Opaque", "data": {"a": "Yg==", "c": "eA=="}}));
    let namespace = applied(json!({"kind": "Namespace", "metadata": {"name": "shop"}}));
    assert_eq!(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"], "shop");
    assert_eq!(namespace["spec"]["finalizers"], json!(["kubernetes"]));
}
