//! `rollout`: how far a workload's rollout is and why it is stuck; its revisions with what changed from
//! one to the next; and, while the newest is stuck, the first revision that is bad.
//!
//! It only looks; going back is for `rollout_control` to propose.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{ObjectRef, Output, Reader, Run, ToolError};

use crate::{
    durations, names, pods,
    progress::{self, Progress},
    revisions::{self, Revision},
    tool::Read,
    value, words, workloads,
    write::rollout_control,
};

/// Show a workload's rollout: status, why it is stuck, revisions and what changed between them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolloutArgs {
    /// backend, or deployment/backend
    workload: String,
    namespace: Option<String>,
}

/// The tool.
pub(crate) struct Rollout;

impl Read for Rollout {
    const NAME: &'static str = "rollout";
    type Args = RolloutArgs;

    fn example(&self) -> Value {
        json!({"workload": "backend"})
    }

    async fn read<'a>(&'a self, args: RolloutArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let found = rollout_control::find(reader, &args.workload, namespace).await?;
        let object = found.object;
        let live = reader.get(&object).await?;
        let progress = progress::of(&object, &live);
        let revisions = names::tolerate_refusal(revisions::of(reader, &object, &live).await)?;
        let current = revisions.iter().rev().find(|revision| revision.is_current).or(revisions.last());
        let mut why = Vec::new();
        if !progress.is_done() {
            let pods = names::tolerate_refusal(workloads::pods(reader, &object, &live).await)?;
            why = reasons(&live, &pods, current);
        }
        let bad = if progress.is_done() { None } else { first_bad(&object, &revisions, current) };
        let now = run.clock.now();
        let rows: Vec<Vec<String>> = revisions
            .iter()
            .enumerate()
            .map(|(index, revision)| row(revision, index.checked_sub(1).map(|before| &revisions[before]), now))
            .collect();
        let state = match &progress {
            Progress::Done(_) => "done",
            Progress::Waiting(_) => "waiting",
            Progress::Stuck(_) => "stuck",
        };
        let data = json!({
            "object": object.short(), "namespace": object.namespace, "state": state, "status": progress.text(),
            "why": why, "paused": workloads::is_paused(&live),
            "first_bad": bad.as_ref().map(|(number, _)| number),
            "revisions": revisions.iter().zip(&rows).map(|(revision, row)| json!({
                "revision": revision.number, "current": revision.is_current, "created": revision.created,
                "cause": revision.cause, "replicas": revision.replicas.map(|(all, _)| all),
                "ready": revision.replicas.map(|(_, ready)| ready), "changes": row.last(),
            })).collect::<Vec<_>>(),
        });
        let mut output = Output::build(&run.redactor, &data);
        for note in &found.notes {
            output = output.text(note);
        }
        output = output.text(format!("{} is {}", object.short(), sentence(&progress)));
        if !why.is_empty() {
            output = output.text(format!("why:\n{}", why.join("\n")));
        }
        if let Some((_, text)) = &bad {
            output = output.text(text);
        }
        output = if rows.is_empty() {
            output.text("no revisions are recorded")
        } else {
            output.table(&["REVISION", "AGE", "PODS", "CAUSE", "CHANGES"], rows)
        };
        Ok(output.build())
    }
}

fn sentence(progress: &Progress) -> String {
    match progress {
        Progress::Done(text) => text.clone(),
        Progress::Waiting(text) => format!("rolling out: {text}"),
        Progress::Stuck(text) => format!("stuck: {text}"),
    }
}

/// Returns why the newest revision is not available: what the controller says, then its pods.
fn reasons(live: &Value, found: &[Value], current: Option<&Revision>) -> Vec<String> {
    let failure = value::condition(live, "ReplicaFailure")
        .filter(|condition| value::text(condition, "/status") == "True")
        .map(|condition| value::text(condition, "/message").to_owned());
    let of_current = |pod: &&Value| {
        current.is_none_or(|revision| {
            let (key, hash) = &revision.pod_label;
            value::meta(pod, "labels", key).is_none_or(|label| label == hash)
        })
    };
    let troubled = found
        .iter()
        .filter(of_current)
        .filter_map(|pod| Some(format!("pod/{}: {}", value::name(pod), pods::trouble(pod)?)));
    failure.into_iter().chain(troubled).take(6).collect()
}

/// Returns the first revision that never got ready, where an earlier one still serves and proves itself.
fn first_bad(object: &ObjectRef, revisions: &[Revision], current: Option<&Revision>) -> Option<(i64, String)> {
    let current = current?;
    let good = revisions
        .iter()
        .rev()
        .find(|revision| revision.number < current.number && revision.replicas.is_some_and(|(_, ready)| ready > 0))?;
    let bad = revisions.iter().find(|revision| revision.number > good.number)?;
    let ready = good.replicas.map_or(0, |(_, ready)| ready);
    let (bad_number, good_number) = (bad.number, good.number);
    let text = format!(
        "revision {bad_number} is the first bad one; revision {good_number} still has {ready} ready. \
         To go back: roll {} back to revision {good_number}",
        object.short()
    );
    Some((bad.number, text))
}

fn row(revision: &Revision, before: Option<&Revision>, now: jiff::Timestamp) -> Vec<String> {
    let changes = match before {
        None => "first recorded".to_owned(),
        Some(before) => {
            let changes = revisions::changes(&before.template, &revision.template);
            if changes.is_empty() { "nothing".to_owned() } else { changes.join("; ") }
        }
    };
    let mark = if revision.is_current { " (current)" } else { "" };
    vec![
        format!("{}{mark}", revision.number),
        durations::age(revision.created, now),
        revision.replicas.map_or_else(|| "–".to_owned(), |(all, ready)| format!("{ready}/{all}")),
        revision.cause.clone().unwrap_or_else(|| "–".to_owned()),
        changes,
    ]
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::fake::{FakeReader, FakeRun, pod, replica_set, workload};

    use super::*;

    fn stuck() -> Vec<Value> {
        let mut deployment = workload("Deployment", "todo", "backend", 2);
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("3");
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("backend:3.0");
        deployment["status"]["updatedReplicas"] = json!(1);
        let mut broken = pod("todo", "backend-hash3-x", "backend", ("ReplicaSet", "backend-hash3"));
        broken["metadata"]["labels"]["pod-template-hash"] = json!("hash3");
        broken["status"] = json!({"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
            {"name": "app", "ready": false, "restartCount": 0, "state": {"waiting": {
                "reason": "ImagePullBackOff", "message": "Back-off pulling image \"backend:3.0\""}}}]});
        let mut newest = replica_set("backend", 3, "3.0", 1);
        newest["status"]["readyReplicas"] = json!(0);
        newest["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!("new release");
        vec![deployment, replica_set("backend", 1, "1.0", 0), replica_set("backend", 2, "2.0", 2), newest, broken]
    }

    #[tokio::test]
    async fn a_stuck_rollout_is_explained() {
        let turn = FakeRun::new(FakeReader::new(stuck()));
        assert_snapshot!(turn.person("rollout", json!({"workload": "backend"})).await, @r#"
        deployment/backend is rolling out: 1 of 2 new replicas have been updated

        why:
        pod/backend-hash3-x: ImagePullBackOff: container app: Back-off pulling image "backend:3.0"

        revision 3 is the first bad one; revision 2 still has 2 ready. To go back: roll deployment/backend back to revision 2

        REVISION     AGE   PODS  CAUSE        CHANGES
        1            120m  0/0   –            first recorded
        2            120m  2/2   –            app image backend:1.0 → backend:2.0
        3 (current)  120m  0/1   new release  app image backend:2.0 → backend:3.0
        "#);
        let output = turn.read("rollout", json!({"workload": "backend"})).await.unwrap();
        assert_eq!((&output.for_json()["state"], &output.for_json()["first_bad"]), (&json!("waiting"), &json!(3)));
    }

    #[tokio::test]
    async fn a_finished_rollout_needs_no_pods() {
        let objects = vec![workload("Deployment", "todo", "backend", 2), replica_set("backend", 1, "1.0", 2)];
        let turn = FakeRun::new(FakeReader::new(objects));
        assert_snapshot!(turn.person("rollout", json!({"workload": "backend"})).await, @r#"
        deployment/backend is rolled out: 2 of 2 replicas updated and available

        REVISION     AGE   PODS  CAUSE  CHANGES
        1 (current)  120m  2/2   –      first recorded
        "#);
        assert!(!turn.reader.requests().iter().any(|request| request.contains("/pods")));
    }

    #[tokio::test]
    async fn a_kind_the_cluster_does_not_serve_is_not_worth_a_word() {
        let turn = FakeRun::new(FakeReader::new(stuck()).without("DaemonSet"));
        assert!(!turn.person("rollout", json!({"workload": "backend"})).await.contains("daemonset"));
    }

    #[tokio::test]
    async fn an_unknown_workload_is_an_error() {
        let turn = FakeRun::new(FakeReader::new(stuck()));
        assert_snapshot!(turn.person("rollout", json!({"workload": "frontend"})).await, @r#"
        error: there is no deployment, statefulset or daemonset "frontend" in namespace todo
        hint: there is deployment/backend
        "#);
    }
}
