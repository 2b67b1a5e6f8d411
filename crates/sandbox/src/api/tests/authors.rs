//! What the components of the cluster claim in `managedFields`, beside clients.

use super::*;

const PODS: &str = "/api/v1/namespaces/todo/pods";
const WEB: &str = "/apis/apps/v1/namespaces/todo/deployments/web";
const APPLY: &str = "application/apply-patch+yaml";

fn broken() -> Client {
    let world = crate::World::builtin("todo-broken").unwrap();
    let sandbox = Sandbox::start(world, crate::Options::default()).unwrap();
    Client { server: ApiServer::new(sandbox.clone()), sandbox, headers: Vec::new() }
}

/// Returns who has an entry, each with what it holds at the top of spec and status.
fn entries(object: &Value) -> Vec<String> {
    let entry = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("fieldsType"), "FieldsV1", "{entry}");
        let parts = ["f:spec", "f:status"].into_iter().filter_map(|part| entry["fieldsV1"][part].as_object());
        let fields: Vec<&str> = parts.flatten().map(|(field, _)| field.strip_prefix("f:").unwrap_or(field)).collect();
        format!("{} {}: {}", text("manager"), text("subresource"), fields.join(" "))
    };
    object["metadata"]["managedFields"].as_array().unwrap().iter().map(entry).collect()
}

/// Returns the pod of a workload and its path.
async fn pod_of(client: &Client, app: &str) -> (Value, String) {
    let list = client.get(&format!("{PODS}?labelSelector=app={app}")).await;
    let pod = list.body["items"][0].clone();
    let path = format!("{PODS}/{}", pod["metadata"]["name"].as_str().unwrap());
    (pod, path)
}

#[tokio::test]
async fn a_pod_is_its_controllers_and_its_status_its_kubelets() {
    let client = broken();
    let (listed, path) = pod_of(&client, "backend").await;
    let pod = client.get(&path).await.body;
    insta::assert_snapshot!(entries(&pod).join("\n"), @r"
    kube-controller-manager : automountServiceAccountToken containers dnsPolicy enableServiceLinks restartPolicy schedulerName securityContext terminationGracePeriodSeconds
    kubelet status: conditions containerStatuses hostIP hostIPs observedGeneration phase podIP podIPs resources startTime
    ");
    assert_eq!(pod["metadata"]["managedFields"], listed["metadata"]["managedFields"]);
    let (table, metadata) = (
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    );
    let table = client.with("accept", table).get(&path).await.body;
    assert_eq!(table["rows"][0]["object"]["metadata"]["managedFields"], pod["metadata"]["managedFields"]);
    let metadata = client.with("accept", metadata).get(&path).await.body;
    assert_eq!(metadata["metadata"]["managedFields"], pod["metadata"]["managedFields"]);
}

#[tokio::test]
async fn the_scheduler_claims_why_a_pod_fits_nowhere() {
    let (pod, _) = pod_of(&broken(), "search").await;
    assert_eq!(entries(&pod)[1], "kube-scheduler status: conditions");
}

#[tokio::test]
async fn a_client_takes_what_it_changes_and_the_kubelet_goes_on() {
    let client = broken();
    let (before, path) = pod_of(&client, "frontend").await;
    let image = json!({"spec": {"containers": [{"name": "frontend", "image": "todo-chatbot-frontend:v1"}]}});
    let strategic = client.with("user-agent", "kubectl/v1.37.1");
    let patched = strategic.patch("application/strategic-merge-patch+json", &path, &image).await.body;
    let holds = |object: &Value, manager: &str| {
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        let fields = &entries.iter().find(|it| it["manager"] == manager).unwrap()["fieldsV1"];
        fields["f:spec"]["f:containers"]["k:{\"name\":\"frontend\"}"].get("f:image").is_some()
    };
    assert!(holds(&before, "kube-controller-manager"));
    assert!(holds(&patched, "kubectl") && !holds(&patched, "kube-controller-manager"));
    client.sandbox.pass(330);
    let running = client.get(&path).await.body;
    assert_eq!(running["status"]["phase"], "Running");
    assert!(holds(&running, "kubectl") && !holds(&running, "kube-controller-manager"));
    let kubelets = |object: &Value| entries(object).into_iter().find(|it| it.starts_with("kubelet")).unwrap();
    assert!(!kubelets(&patched).contains("phase") && kubelets(&running).contains("phase"), "{}", kubelets(&running));
}

#[tokio::test]
async fn a_write_that_changes_nothing_leaves_all_as_it_is() {
    let client = broken();
    let (_, path) = pod_of(&client, "web").await;
    let before = client.get(&path).await.body;
    let label = json!({"metadata": {"labels": {"app": "web"}}});
    assert_eq!(client.merge(&path, &label).await.body, before);
    assert_eq!(client.put(&path, &before).await.body, before);
}

#[tokio::test]
async fn who_applies_a_size_is_told_of_the_autoscaler() {
    let client = broken();
    let autoscaler = json!({
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                 "minReplicas": 2, "maxReplicas": 3}
    });
    let made = client.post("/apis/autoscaling/v2/namespaces/todo/horizontalpodautoscalers", &autoscaler).await;
    assert_eq!(made.code, 201, "{}", made.text);
    client.sandbox.pass(60);
    let web = client.get(WEB).await.body;
    assert_eq!(web["spec"]["replicas"], 2);
    let size = web["metadata"]["managedFields"].as_array().unwrap().iter().find(|it| it["subresource"] == "scale");
    assert_eq!(
        *size.unwrap(),
        json!({"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1",
               "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}, "subresource": "scale"})
    );
    let applied =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}});
    let refused = client.patch(APPLY, &format!("{WEB}?fieldManager=me"), &applied).await;
    insta::assert_snapshot!(refused.refusal().1, @r#"Apply failed with 1 conflict: conflict with "kube-controller-manager" with subresource "scale" using apps/v1: .spec.replicas"#);
    let forced = client.patch(APPLY, &format!("{WEB}?fieldManager=me&force=true"), &applied).await.body;
    assert_eq!(forced["spec"]["replicas"], 5);
}
