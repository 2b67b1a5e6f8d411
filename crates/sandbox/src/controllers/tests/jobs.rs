//! Jobs and cron jobs: what they run, how often, and what is left of them.

use serde_json::{Value, json};

use crate::simulation::Sandbox;
use crate::testing::start;

fn job(command: &str, spec: &str, seconds: u64) -> Sandbox {
    let sandbox = start(&format!(
        "manifests:\n- {{apiVersion: batch/v1, kind: Job, metadata: {{name: work}}, spec: {{{spec} template: {{spec: \
         {{restartPolicy: Never, containers: [{{name: main, image: 'busybox:1', command: {command}}}]}}}}}}}}\n"
    ));
    sandbox.pass(seconds);
    sandbox
}

fn conditions(sandbox: &Sandbox) -> Vec<String> {
    let job = sandbox.get("job", "work");
    let all = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.iter().map(|it| format!("{} {}", it["type"].as_str().unwrap(), it["reason"].as_str().unwrap())).collect()
}

#[test]
fn a_job_runs_until_enough_pods_have_succeeded() {
    let sandbox = job("[sleep, '3']", "completions: 3, parallelism: 2,", 30);
    assert_eq!(conditions(&sandbox), ["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    let status = sandbox.get("job", "work")["status"].clone();
    assert_eq!((&status["succeeded"], &status["active"], &status["ready"]), (&json!(3), &Value::Null, &json!(0)));
    assert_eq!(sandbox.list("pod").len(), 3);
}

#[test]
fn a_job_tries_again_after_a_pause_and_gives_up_at_its_limit() {
    let sandbox = job("['false']", "backoffLimit: 2,", 8);
    assert_eq!(sandbox.list("pod").len(), 1, "the second pod waits 10 s");
    sandbox.pass(60);
    assert_eq!(conditions(&sandbox), ["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    assert_eq!(sandbox.get("job", "work")["status"]["failed"], 3);
}

#[test]
fn a_held_job_has_no_pods_and_goes_on_when_it_is_let_go() {
    let sandbox = job("[sleep, '60']", "", 10);
    sandbox.edit("job", "work", |job| job["spec"]["suspend"] = json!(true));
    sandbox.pass(60);
    assert_eq!(conditions(&sandbox), ["Suspended JobSuspended"]);
    assert_eq!((sandbox.list("pod").len(), sandbox.get("job", "work")["status"]["failed"].clone()), (0, Value::Null));
    sandbox.edit("job", "work", |job| job["spec"]["suspend"] = json!(false));
    sandbox.pass(90);
    assert_eq!(conditions(&sandbox).last().unwrap(), "Complete CompletionsReached");
}

#[test]
fn a_job_that_is_late_fails_and_one_that_is_over_goes() {
    let sandbox = job("[sleep, '600']", "activeDeadlineSeconds: 20, ttlSecondsAfterFinished: 60,", 60);
    assert_eq!(conditions(&sandbox).last().unwrap(), "Failed DeadlineExceeded");
    sandbox.pass(120);
    assert_eq!(sandbox.get("job", "work"), Value::Null);
    assert!(sandbox.list("pod").is_empty());
}

fn cron(policy: &str, command: &str) -> Sandbox {
    start(&format!(
        "manifests:\n- {{apiVersion: batch/v1, kind: CronJob, metadata: {{name: tick}}, spec: {{schedule: '* * * * *', \
         concurrencyPolicy: {policy}, successfulJobsHistoryLimit: 2, jobTemplate: {{spec: {{template: {{spec: \
         {{restartPolicy: Never, containers: [{{name: main, image: 'busybox:1', command: {command}}}]}}}}}}}}}}}}\n"
    ))
}

#[test]
fn a_cron_job_makes_a_job_each_minute_and_keeps_the_latest() {
    let sandbox = cron("Allow", "['true']");
    sandbox.pass(310);
    assert_eq!(sandbox.list("job").len(), 2);
    let status = sandbox.get("cronjob", "tick")["status"].clone();
    assert_eq!(status["active"], Value::Null);
    assert!(status["lastSuccessfulTime"].as_str() >= status["lastScheduleTime"].as_str(), "{status}");
}

#[test]
fn what_still_runs_is_waited_for_replaced_or_joined() {
    for (policy, jobs, event) in
        [("Forbid", 1, "JobAlreadyActive"), ("Replace", 1, "SuccessfulDelete"), ("Allow", 3, "SuccessfulCreate")]
    {
        let sandbox = cron(policy, "[sleep, '3600']");
        sandbox.pass(190);
        assert_eq!(sandbox.list("job").len(), jobs, "{policy}");
        let told = sandbox.events("CronJob");
        assert!(told.iter().any(|it| it.starts_with(event)), "{policy}: {told:?}");
    }
}

#[test]
fn a_suspended_cron_job_makes_none() {
    let sandbox = cron("Allow", "['true']");
    sandbox.edit("cronjob", "tick", |cron| cron["spec"]["suspend"] = json!(true));
    sandbox.pass(200);
    assert!(sandbox.list("job").is_empty());
}

#[test]
fn a_daemon_set_follows_the_nodes() {
    let sandbox = start(
        "nodes: [{name: a, images: ['*']}, {name: b, images: ['*'], taints: [{key: gpu, effect: NoSchedule}]}]\n\
         manifests:\n- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {app: agent}}, \
         template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: 'agent:v1'}]}}}}\n",
    );
    sandbox.pass(10);
    let nodes = |sandbox: &Sandbox| -> Vec<Value> {
        sandbox.list("pod").iter().map(|pod| pod["spec"]["nodeName"].clone()).collect()
    };
    assert_eq!(nodes(&sandbox), ["a"]);
    sandbox.edit("daemonset", "agent", |set| {
        set["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "gpu", "operator": "Exists"}]);
    });
    sandbox.pass(120);
    let mut both = nodes(&sandbox);
    both.sort_by_key(Value::to_string);
    assert_eq!(both, ["a", "b"]);
    let status = sandbox.get("daemonset", "agent")["status"].clone();
    assert_eq!((&status["updatedNumberScheduled"], &status["numberAvailable"]), (&json!(2), &json!(2)));
}
