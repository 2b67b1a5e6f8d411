//! The world `todo-broken`: what each fault looks like after three minutes, and that the obvious cure ends
//! it, whatever becomes of the others.
//!
//! The snapshots are what a person who asks sees, without what chance gives.

use std::sync::Arc;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::object;
use crate::simulation::{Options, Sandbox};
use crate::world::World;

/// Starts the world with the objects of one name, and with what all of them share.
fn broken(name: &str) -> Sandbox {
    broken_of(&[name])
}

fn broken_of(names: &[&str]) -> Sandbox {
    let mut world = World::builtin("todo-broken").unwrap();
    let shared = ["todo-config", "standard", "nginx", "best-effort"];
    let is_meant = |name: &str| names.contains(&name) || shared.contains(&name);
    world.manifests.retain(|it| it["metadata"]["name"].as_str().is_some_and(is_meant));
    Sandbox::start(world, Options::default()).unwrap()
}

/// Returns the pods of a workload.
fn pods(sandbox: &Sandbox, app: &str) -> Vec<Arc<Value>> {
    let mut pods = sandbox.list("pod");
    pods.retain(|pod| pod["metadata"]["labels"]["app"] == app);
    pods
}

/// Returns what a state of a container says.
fn state(state: &Value) -> String {
    let Some((name, told)) = state.as_object().and_then(|it| it.iter().next()) else { return "none".to_owned() };
    let part = |field: &str| told[field].as_str().map(|text| format!(" {text}")).unwrap_or_default();
    let code = told["exitCode"].as_i64().map(|code| format!(" {code}")).unwrap_or_default();
    format!("{name}{}{code}{}", part("reason"), part("message"))
}

/// Returns what the pods of a workload and the warnings about it and them say, each once, without names and counts
/// that chance gives.
fn told(sandbox: &Sandbox, app: &str) -> String {
    let pods = pods(sandbox, app);
    let mut lines = Vec::new();
    for pod in &pods {
        let unscheduled = pod["status"]["conditions"].as_array().into_iter().flatten();
        for condition in unscheduled.filter(|it| it["type"] == "PodScheduled" && it["status"] == "False") {
            lines.push(format!("{}: {}", condition["reason"], condition["message"]));
        }
        for list in ["initContainerStatuses", "containerStatuses"] {
            for status in pod["status"][list].as_array().into_iter().flatten() {
                let ready = if status["ready"] == true { "ready" } else { "not ready" };
                let (now, last) = (state(&status["state"]), state(&status["lastState"]));
                lines.push(format!("{} is {ready}: {now}; before: {last}", status["name"].as_str().unwrap()));
            }
        }
    }
    let ours = |event: &Arc<Value>| {
        let name = event["involvedObject"]["name"].as_str().unwrap();
        event["type"] == "Warning" && (name == app || name.starts_with(&format!("{app}-")))
    };
    let mut events: Vec<String> = sandbox
        .list("event")
        .iter()
        .filter(|event| ours(event))
        .map(|event| format!("{} {}", event["reason"].as_str().unwrap(), event["message"].as_str().unwrap()))
        .collect();
    events.sort();
    lines.extend(events);
    let mut lines: Vec<String> = lines
        .into_iter()
        .map(|line| {
            pods.iter().fold(line, |line, pod| {
                let address = pod["status"]["podIP"].as_str().unwrap_or("no address");
                let line = line.replace(object::name(pod), "POD").replace(object::uid(pod), "UID");
                line.replace(address, "ADDRESS")
            })
        })
        .collect();
    lines.dedup();
    lines.join("\n")
}

/// Returns why a Deployment does not go on, after its deadline.
fn progress(sandbox: &Sandbox, name: &str) -> Value {
    let status = sandbox.get("deployment", name)["status"].clone();
    crate::conditions::find(&status, "Progressing").unwrap()["reason"].clone()
}

/// Changes the only container of a Deployment.
fn mend(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut Value)) {
    sandbox.edit("deployment", name, |it| change(&mut it["spec"]["template"]["spec"]["containers"][0]));
}

fn create(sandbox: &Sandbox, object: Value) {
    sandbox.state().admit(object).unwrap();
    sandbox.after_write();
}

/// Asserts that a workload gets ready within five minutes, the longest back-off.
#[track_caller]
fn gets_ready(sandbox: &Sandbox, kind: &str, name: &str) {
    sandbox.pass(330);
    let object = sandbox.get(kind, name);
    assert_eq!(object["status"]["readyReplicas"], object["spec"]["replicas"], "{:#}", object["status"]);
}

#[test]
fn a_wrong_tag() {
    let sandbox = broken("frontend");
    assert_snapshot!(told(&sandbox, "frontend"), @r#"
    frontend is not ready: waiting ImagePullBackOff Back-off pulling image "todo-chatbot-frontend:v1.1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/todo-chatbot-frontend:v1.1": failed to resolve reference "docker.io/library/todo-chatbot-frontend:v1.1": docker.io/library/todo-chatbot-frontend:v1.1: not found; before: none
    Failed Error: ErrImagePull
    Failed Error: ImagePullBackOff
    Failed Failed to pull image "todo-chatbot-frontend:v1.1": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/todo-chatbot-frontend:v1.1": failed to resolve reference "docker.io/library/todo-chatbot-frontend:v1.1": docker.io/library/todo-chatbot-frontend:v1.1: not found
    "#);
    assert_eq!(progress(&sandbox, "frontend"), "ProgressDeadlineExceeded");
    mend(&sandbox, "frontend", |it| it["image"] = json!("todo-chatbot-frontend:v1"));
    gets_ready(&sandbox, "deployment", "frontend");
}

#[test]
fn a_crash_for_want_of_a_variable() {
    let sandbox = broken("backend");
    assert_snapshot!(told(&sandbox, "backend"), @r"
    backend is not ready: terminated Error 2; before: terminated Error 2
    BackOff Back-off restarting failed container backend in pod POD_todo(UID)
    ");
    mend(&sandbox, "backend", |it| it["env"] = json!([{"name": "DATABASE_URL", "value": "postgresql://db/todo"}]));
    gets_ready(&sandbox, "deployment", "backend");
}

#[test]
fn too_little_memory() {
    let sandbox = broken("reporter");
    assert_snapshot!(told(&sandbox, "reporter"), @r"
    reporter is not ready: terminated OOMKilled 137; before: terminated OOMKilled 137
    BackOff Back-off restarting failed container reporter in pod POD_todo(UID)
    ");
    mend(&sandbox, "reporter", |it| it["resources"]["limits"]["memory"] = json!("256Mi"));
    gets_ready(&sandbox, "deployment", "reporter");
}

#[test]
fn a_wrong_path_of_the_readiness_probe() {
    let sandbox = broken("mcp-server");
    assert_snapshot!(told(&sandbox, "mcp-server"), @r"
    mcp-server is not ready: running; before: none
    Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404
    ");
    mend(&sandbox, "mcp-server", |it| it["readinessProbe"]["httpGet"]["path"] = json!("/health"));
    gets_ready(&sandbox, "deployment", "mcp-server");
}

#[test]
fn a_missing_secret() {
    let sandbox = broken("mailer");
    assert_snapshot!(told(&sandbox, "mailer"), @r#"
    mailer is not ready: waiting CreateContainerConfigError secret "mail-credentials" not found; before: none
    Failed Error: secret "mail-credentials" not found
    "#);
    create(
        &sandbox,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mail-credentials", "namespace": "todo"}}),
    );
    gets_ready(&sandbox, "deployment", "mailer");
}

#[test]
fn a_missing_key() {
    let sandbox = broken("scheduler");
    assert_snapshot!(told(&sandbox, "scheduler"), @r"
    scheduler is not ready: waiting CreateContainerConfigError couldn't find key TIMEZONE in ConfigMap todo/todo-config; before: none
    Failed Error: couldn't find key TIMEZONE in ConfigMap todo/todo-config
    ");
    sandbox.edit("configmap", "todo-config", |it| it["data"]["TIMEZONE"] = json!("UTC"));
    gets_ready(&sandbox, "deployment", "scheduler");
}

#[test]
fn more_processors_than_any_node_has() {
    let sandbox = broken("search");
    assert_snapshot!(told(&sandbox, "search"), @r#"
    "Unschedulable": "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    FailedScheduling 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    "#);
    mend(&sandbox, "search", |it| it["resources"]["requests"]["cpu"] = json!("50m"));
    gets_ready(&sandbox, "deployment", "search");
}

#[test]
fn a_label_that_no_node_has() {
    let sandbox = broken("suggestions");
    assert_snapshot!(told(&sandbox, "suggestions"), @r#"
    "Unschedulable": "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    FailedScheduling 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.
    "#);
    sandbox.edit("deployment", "suggestions", |it| {
        it["spec"]["template"]["spec"].as_object_mut().unwrap().remove("nodeSelector");
    });
    gets_ready(&sandbox, "deployment", "suggestions");
}

#[test]
fn a_storage_class_that_is_not_there() {
    let sandbox = broken("redis");
    assert_snapshot!(told(&sandbox, "redis"), @r#"
    "Unschedulable": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    FailedScheduling 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found
    "#);
    assert_snapshot!(sandbox.events("PersistentVolumeClaim").join("\n"), @r#"ProvisioningFailed: storageclass.storage.k8s.io "fast-ssd" not found (x2)"#);
    let mut class = sandbox.list_everywhere("storageclass").remove(0).as_ref().clone();
    class["metadata"] = json!({"name": "fast-ssd"});
    create(&sandbox, class);
    gets_ready(&sandbox, "statefulset", "redis");
}

/// Returns how many addresses a Service leads to, and its ports.
fn leads_to(sandbox: &Sandbox, service: &str) -> String {
    let subset = &sandbox.get("endpoints", service)["subsets"][0];
    let count = subset["addresses"].as_array().map_or(0, Vec::len);
    format!("{count} addresses, ports {}", subset["ports"])
}

#[test]
fn a_service_that_selects_nothing() {
    let sandbox = broken("web");
    assert_eq!(sandbox.get("deployment", "web")["status"]["readyReplicas"], 1);
    assert_snapshot!(leads_to(&sandbox, "web"), @"0 addresses, ports null");
    sandbox.edit("service", "web", |it| it["spec"]["selector"] = json!({"app": "web"}));
    sandbox.pass(5);
    assert_snapshot!(leads_to(&sandbox, "web"), @r#"1 addresses, ports [{"name":"http","port":3000,"protocol":"TCP"}]"#);
}

/// Follows the only path of an Ingress as kubectl's `describe` does: to its Service, and to how many addresses.
fn path_leads_to(sandbox: &Sandbox, ingress: &str) -> String {
    let backend = sandbox.get("ingress", ingress)["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].clone();
    let name = backend["name"].as_str().unwrap();
    let services = sandbox.list("service");
    let Some(service) = services.iter().find(|service| object::name(service) == name) else {
        return format!("{name}:{} (<error: services \"{name}\" not found>)", backend["port"]["number"]);
    };
    let mut ports = service["spec"]["ports"].as_array().unwrap().iter();
    let port = if ports.any(|port| port["port"] == backend["port"]["number"]) { "a port" } else { "no such port" };
    format!("{name} with {port}, {}", leads_to(sandbox, name))
}

#[test]
fn a_path_to_a_service_that_is_not_there() {
    let sandbox = broken_of(&["todo-chatbot", "web"]);
    assert_snapshot!(path_leads_to(&sandbox, "todo-chatbot"), @r#"frontend-v2:3000 (<error: services "frontend-v2" not found>)"#);
    // The Ingress itself is in order, and nothing complains.
    assert!(sandbox.events("Ingress").is_empty());
    create(
        &sandbox,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "frontend-v2", "namespace": "todo"},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 3000, "targetPort": "http"}]}}),
    );
    sandbox.pass(5);
    assert_snapshot!(path_leads_to(&sandbox, "todo-chatbot"), @r#"frontend-v2 with a port, 1 addresses, ports [{"name":"http","port":3000,"protocol":"TCP"}]"#);
}

#[test]
fn a_path_that_leads_to_another_service() {
    let sandbox = broken_of(&["todo-chatbot", "web"]);
    sandbox.edit("ingress", "todo-chatbot", |it| {
        it["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("web");
    });
    // That one selects nothing: one fault behind the other.
    assert_snapshot!(path_leads_to(&sandbox, "todo-chatbot"), @"web with a port, 0 addresses, ports null");
    sandbox.edit("service", "web", |it| it["spec"]["selector"] = json!({"app": "web"}));
    sandbox.pass(5);
    assert_snapshot!(path_leads_to(&sandbox, "todo-chatbot"), @r#"web with a port, 1 addresses, ports [{"name":"http","port":3000,"protocol":"TCP"}]"#);
}

#[test]
fn a_port_that_the_container_does_not_name() {
    let sandbox = broken("notifier");
    assert_eq!(sandbox.get("deployment", "notifier")["status"]["readyReplicas"], 1);
    assert_snapshot!(leads_to(&sandbox, "notifier"), @"0 addresses, ports null");
    sandbox.edit("service", "notifier", |it| it["spec"]["ports"][0]["targetPort"] = json!("http"));
    sandbox.pass(5);
    assert_snapshot!(leads_to(&sandbox, "notifier"), @r#"1 addresses, ports [{"name":"http","port":8000,"protocol":"TCP"}]"#);
}

#[test]
fn a_quota_without_room() {
    let sandbox = broken("cleaner");
    let refusals: Vec<String> = told(&sandbox, "cleaner").lines().skip(1).map(str::to_owned).collect();
    assert!((3..=20).contains(&refusals.len()), "{refusals:#?}");
    for refusal in refusals {
        let (start, why) = refusal.split_once(" is forbidden: ").unwrap();
        assert!(start.starts_with("FailedCreate Error creating: pods \"cleaner-"), "{start}");
        assert_eq!(why, "exceeded quota: best-effort, requested: pods=1, used: pods=1, limited: pods=1");
    }
    sandbox.edit("resourcequota", "best-effort", |it| it["spec"]["hard"]["pods"] = json!("2"));
    gets_ready(&sandbox, "deployment", "cleaner");
}

#[test]
fn an_init_container_that_waits() {
    let sandbox = broken("importer");
    assert_snapshot!(told(&sandbox, "importer"), @r"
    wait-for-analytics is not ready: running; before: none
    importer is not ready: waiting PodInitializing; before: none
    ");
    create(
        &sandbox,
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "analytics", "namespace": "todo"},
            "spec": {"ports": [{"port": 80}]}}),
    );
    gets_ready(&sandbox, "deployment", "importer");
}

#[test]
fn a_liveness_probe_that_kills() {
    let sandbox = broken("reminder");
    assert_snapshot!(told(&sandbox, "reminder"), @r"
    reminder is not ready: terminated Error 137; before: terminated Error 137
    BackOff Back-off restarting failed container reminder in pod POD_todo(UID)
    Unhealthy Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory
    ");
    mend(&sandbox, "reminder", |it| it["livenessProbe"]["exec"]["command"] = json!(["true"]));
    gets_ready(&sandbox, "deployment", "reminder");
    let restarts = || pods(&sandbox, "reminder")[0]["status"]["containerStatuses"][0]["restartCount"].clone();
    assert_eq!(restarts(), 0);
}

#[test]
fn a_typing_error_in_a_command() {
    let sandbox = broken("exporter");
    assert_snapshot!(told(&sandbox, "exporter"), @r"
    exporter is not ready: terminated Error 127; before: terminated Error 127
    BackOff Back-off restarting failed container exporter in pod POD_todo(UID)
    ");
    mend(&sandbox, "exporter", |it| it["command"] = json!(["sh", "-c", "sleep 1000000"]));
    gets_ready(&sandbox, "deployment", "exporter");
}

#[test]
fn a_job_that_has_failed_too_often() {
    let sandbox = broken("seed-data");
    assert_snapshot!(told(&sandbox, "seed-data"), @r"
    seed-data is not ready: terminated Error 1; before: none
    BackoffLimitExceeded Job has reached the specified backoff limit
    ");
    let failed = |job: &Value| crate::conditions::find(&job["status"], "Failed").cloned();
    assert_eq!(failed(&sandbox.get("job", "seed-data")).unwrap()["reason"], "BackoffLimitExceeded");
    // A job's template cannot be changed: the cure is another one.
    let mut job = sandbox.get("job", "seed-data");
    let labels = json!({"app": "seed-data"});
    job["metadata"] = json!({"name": "seed-data-again", "namespace": "todo", "labels": labels});
    job["spec"]["template"]["metadata"] = json!({"labels": labels});
    job["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["sh", "-c", "echo done"]);
    job["spec"].as_object_mut().unwrap().remove("selector");
    job.as_object_mut().unwrap().remove("status");
    create(&sandbox, job);
    sandbox.pass(30);
    assert_eq!(sandbox.get("job", "seed-data-again")["status"]["succeeded"], 1);
}

#[test]
fn a_budget_that_lets_nothing_go() {
    let sandbox = broken("web");
    assert_eq!(sandbox.get("poddisruptionbudget", "web")["status"]["disruptionsAllowed"], 0);
    sandbox.edit("deployment", "web", |it| it["spec"]["replicas"] = json!(2));
    sandbox.pass(30);
    assert_eq!(sandbox.get("poddisruptionbudget", "web")["status"]["disruptionsAllowed"], 1);
}

#[test]
fn all_of_them_are_in_one_namespace() {
    let sandbox = Sandbox::start(World::builtin("todo-broken").unwrap(), Options::default()).unwrap();
    let unready = |kind: &str| -> Vec<String> {
        let mut objects = sandbox.list(kind);
        objects.retain(|it| it["status"]["readyReplicas"] != it["spec"]["replicas"]);
        objects.iter().map(|it| object::name(it).to_owned()).collect()
    };
    assert_snapshot!(unready("deployment").join(" "), @"backend cleaner exporter frontend importer mailer mcp-server reminder reporter scheduler search suggestions");
    assert_snapshot!(unready("statefulset").join(" "), @"redis");
}
