//! The shipped worlds are what they say.

use std::sync::Arc;

use serde_json::{Value, json};
use todo_agent_core::clock::Clock as _;

use crate::conditions;
use crate::controllers::revisions;
use crate::object;
use crate::simulation::{Options, Sandbox};
use crate::world::World;

fn builtin(name: &str) -> Sandbox {
    Sandbox::start(World::builtin(name).unwrap(), Options::default()).unwrap()
}

#[test]
fn the_todo_world_is_healthy() {
    let sandbox = builtin("todo");
    assert_eq!(sandbox.now(), Options::default().now);
    for (name, replicas) in [("backend", 2), ("frontend", 2), ("mcp-server", 1)] {
        assert_eq!(sandbox.get("deployment", name)["status"]["availableReplicas"], replicas, "{name}");
    }
    assert_eq!(sandbox.get("statefulset", "redis")["status"]["readyReplicas"], 1);
    let pods = sandbox.list("pod");
    assert_eq!(pods.len(), 6);
    assert!(pods.iter().all(|pod| pod["status"]["containerStatuses"][0]["restartCount"] == 0));
    for service in ["backend", "frontend", "mcp-server", "redis"] {
        assert!(sandbox.get("endpoints", service)["subsets"][0]["addresses"].is_array(), "{service}");
    }
    let claim = sandbox.get("persistentvolumeclaim", "data-redis-0");
    assert_eq!((&claim["status"]["phase"], &claim["spec"]["storageClassName"]), (&json!("Bound"), &json!("standard")));
    for budget in ["backend", "frontend"] {
        assert_eq!(sandbox.get("poddisruptionbudget", budget)["status"]["disruptionsAllowed"], 1, "{budget}");
    }
    assert_eq!(sandbox.get("ingress", "todo-chatbot")["spec"]["rules"][0]["host"], "todo-app.local");
    assert_eq!(sandbox.list("networkpolicy").len(), 4);
    assert!(sandbox.list("hpa").is_empty(), "the world is scaled by hand");
    let warnings: Vec<Arc<Value>> =
        sandbox.list("event").into_iter().filter(|event| event["type"] == "Warning").collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
}

#[tokio::test]
async fn the_backend_of_the_todo_world_scales_while_a_client_waits() {
    let sandbox = builtin("todo");
    let clock = sandbox.clock();
    sandbox.edit("deployment", "backend", |it| it["spec"]["replicas"] = json!(3));
    for _ in 0..20 {
        clock.sleep(std::time::Duration::from_millis(500)).await;
        if sandbox.get("deployment", "backend")["status"]["availableReplicas"] == 3 {
            return;
        }
    }
    panic!("not available within ten simulated seconds: {:#}", sandbox.get("deployment", "backend")["status"]);
}

#[test]
fn the_todo_node_takes_six_backends() {
    let sandbox = builtin("todo");
    sandbox.edit("deployment", "backend", |it| it["spec"]["replicas"] = json!(6));
    sandbox.pass(20);
    assert_eq!(sandbox.get("deployment", "backend")["status"]["availableReplicas"], 6);
}

#[test]
fn the_same_world_is_the_same_every_time() {
    let names =
        || -> Vec<String> { builtin("todo").list("pod").iter().map(|pod| object::name(pod).to_owned()).collect() };
    assert_eq!(names(), names());
}

#[test]
fn the_stuck_world_recovers_by_going_back() {
    let sandbox = builtin("stuck");
    let backend = sandbox.get("deployment", "backend");
    assert_eq!(revisions::revision(&backend), 3);
    assert_eq!(
        (&backend["status"]["availableReplicas"], &backend["status"]["updatedReplicas"]),
        (&json!(2), &json!(1))
    );
    let reason = |pod: &Arc<Value>| {
        let state = &pod["status"]["containerStatuses"][0]["state"];
        state["waiting"]["reason"].as_str().or(state["terminated"]["reason"].as_str()).map(str::to_owned)
    };
    let mut reasons: Vec<String> = sandbox.list("pod").iter().filter_map(reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["CrashLoopBackOff", "ImagePullBackOff"]);
    let previous = sandbox
        .list("replicaset")
        .into_iter()
        .find(|set| object::name(set).starts_with("backend") && revisions::revision(set) == 2);
    let mut template = previous.unwrap()["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut().unwrap().remove(revisions::HASH);
    sandbox.edit("deployment", "backend", |it| it["spec"]["template"] = template);
    sandbox.pass(20);
    let status = sandbox.get("deployment", "backend")["status"].clone();
    assert_eq!(status["updatedReplicas"], 2);
    assert_eq!(conditions::find(&status, "Progressing").unwrap()["reason"], "NewReplicaSetAvailable");
}

#[test]
fn the_hpa_world_has_an_autoscaler_over_the_backend() {
    let sandbox = builtin("hpa");
    assert_eq!(sandbox.get("hpa", "backend")["spec"]["scaleTargetRef"]["name"], "backend");
    assert_eq!(sandbox.get("deployment", "backend")["status"]["availableReplicas"], 2);
}

#[test]
fn a_hundred_pods_are_no_problem() {
    let sandbox = builtin("empty");
    let text = crate::testing::deployment("api", 100, "").replace("- apiVersion", "manifests:\n- apiVersion");
    let world =
        World::from_yaml(&format!("nodes: [{{name: a, cpu: '64', images: ['*']}}]\nwarmUp: 1m\n{text}"), "many")
            .unwrap();
    let many = Sandbox::start(world, Options::default()).unwrap();
    assert_eq!(many.get("deployment", "api")["status"]["availableReplicas"], 100);
    assert!(sandbox.list("pod").is_empty());
}
