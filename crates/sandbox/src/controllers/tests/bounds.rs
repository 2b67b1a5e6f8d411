//! What bounds workloads: budgets, quotas, autoscalers, cordoned nodes.

use serde_json::json;

use crate::simulation::Sandbox;
use crate::testing::{deployment, start};

fn web(replicas: u32, rest: &str) -> Sandbox {
    let web = deployment("web", replicas, "")
        .replace("image: web:v1", "image: web:v1\n          resources: {requests: {cpu: 100m, memory: 64Mi}}");
    start(&format!("warmUp: 60s\nmanifests:\n{web}{rest}"))
}

#[test]
fn a_budget_counts_what_it_may_lose() {
    let sandbox = web(
        3,
        "- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {maxUnavailable: 34%, selector: {matchLabels: {app: web}}}}\n",
    );
    let status = sandbox.get("poddisruptionbudget", "web")["status"].clone();
    assert_eq!(
        ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed"]
            .map(|field| status[field].as_i64().unwrap()),
        [3, 3, 1, 2]
    );
    assert_eq!(status["conditions"][0]["reason"], "SufficientPods");
}

#[test]
fn a_quota_stops_a_deployment_which_says_so() {
    let sandbox = web(
        3,
        "- {apiVersion: v1, kind: ResourceQuota, metadata: {name: most}, spec: {hard: {pods: '2', requests.cpu: '1'}}}\n",
    );
    assert_eq!(sandbox.list("pod").len(), 2);
    let used = sandbox.get("resourcequota", "most")["status"]["used"].clone();
    assert_eq!(used, json!({"pods": "2", "requests.cpu": "200m"}));
    let deployment = sandbox.get("deployment", "web");
    let conditions = deployment["status"]["conditions"].as_array().unwrap();
    let failure = conditions.iter().find(|it| it["type"] == "ReplicaFailure").unwrap();
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .ends_with("exceeded quota: most, requested: pods=1, used: pods=2, limited: pods=2")
    );
    sandbox.edit("resourcequota", "most", |quota| quota["spec"]["hard"]["pods"] = json!("5"));
    sandbox.pass(60);
    assert_eq!(sandbox.get("deployment", "web")["status"]["availableReplicas"], 3);
}

fn scaled(cpu: &str, extra: &str) -> Sandbox {
    let scaler = format!(
        "- {{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: web}}, spec: {{minReplicas: 1, maxReplicas: 8, {extra} \
         scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, metrics: [{{type: Resource, resource: {{name: cpu, \
         target: {{type: Utilization, averageUtilization: 50}}}}}}]}}}}\nload: {{rps: 100}}\nusage: [{{match: {{selector: app=web}}, cpu: {cpu}, memory: 40Mi}}]\n"
    );
    web(2, &scaler)
}

#[test]
fn an_autoscaler_follows_the_load_until_it_is_spread() {
    // 0.2 cores in all; 50 % of 100m per pod: four pods.
    let sandbox = scaled("0.002 * rps / replicas", "");
    sandbox.pass(300);
    assert_eq!(sandbox.get("deployment", "web")["spec"]["replicas"], 4);
    let told = sandbox.events("HorizontalPodAutoscaler");
    let reason = "reason: cpu resource utilization (percentage of request) above target";
    assert!(told.iter().any(|it| it.starts_with("SuccessfulRescale") && it.ends_with(reason)), "{told:?}");
}

#[test]
fn an_autoscaler_waits_before_it_shrinks() {
    let sandbox = scaled("1m", "");
    assert_eq!(sandbox.get("deployment", "web")["spec"]["replicas"], 2);
    let conditions = sandbox.get("horizontalpodautoscaler", "web")["status"]["conditions"].clone();
    assert_eq!(conditions[0]["reason"], "ScaleDownStabilized");
    sandbox.pass(400);
    assert_eq!(sandbox.get("deployment", "web")["spec"]["replicas"], 1);
    let hasty = scaled("1m", "behavior: {scaleDown: {stabilizationWindowSeconds: 0}},");
    assert_eq!(hasty.get("deployment", "web")["spec"]["replicas"], 1);
}

#[test]
fn a_cordoned_node_is_tainted_and_takes_no_pods() {
    let sandbox = web(1, "");
    sandbox.edit("node", "minikube", |node| node["spec"]["unschedulable"] = json!(true));
    sandbox.edit("deployment", "web", |deployment| deployment["spec"]["replicas"] = json!(2));
    sandbox.pass(10);
    let taints = sandbox.get("node", "minikube")["spec"]["taints"].clone();
    assert_eq!(
        (&taints[0]["key"], &taints[0]["effect"]),
        (&json!("node.kubernetes.io/unschedulable"), &json!("NoSchedule"))
    );
    let told = sandbox.events("Pod");
    assert!(told.iter().any(|it| it.contains("1 node(s) were unschedulable")), "{told:?}");
    sandbox.edit("node", "minikube", |node| node["spec"]["unschedulable"] = json!(false));
    sandbox.pass(30);
    assert_eq!(sandbox.get("node", "minikube")["spec"].get("taints"), None);
    assert_eq!(sandbox.get("deployment", "web")["status"]["availableReplicas"], 2);
}
