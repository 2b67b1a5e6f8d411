//! Requests that were sent and never answered, because the program was killed or the connection cut.
//!
//! On connecting their objects are looked at and what is found is said and recorded. They are never sent
//! again: the person decides what to do about them.

use todo_agent_cluster::Cluster;
use todo_agent_core::{
    ClusterError, Event, ObjectRef, Reader,
    journal::{Entry, JournalRecord, PastChange, StepRecord},
};

use crate::{agent::Parts, ui::Ui};

/// Looks at every object whose change has an unknown outcome.
pub(crate) async fn examine(parts: &mut Parts) {
    for change in parts.history.unfinished() {
        for &n in &change.unanswered {
            let Some(step) = change.steps.get(n.wrapping_sub(1)) else { continue };
            let finding = match present_state(&parts.cluster, step).await {
                Ok(finding) => finding,
                // Not read is not examined: the next start looks again.
                Err(error) => {
                    say(parts, &change, step, &format!("and its present state cannot be read: {}", error.message));
                    continue;
                }
            };
            say(parts, &change, step, &finding);
            let entry = Entry::Examined { n, finding };
            let record = JournalRecord { at: parts.clock.now(), change_id: change.change_id.clone(), entry };
            if let Err(error) = parts.journal.append(&record) {
                warn(parts, &error.to_string());
            }
        }
    }
}

fn say(parts: &mut Parts, change: &PastChange, step: &StepRecord, finding: &str) {
    let when = change.at.strftime("%Y-%m-%d %H:%M UTC");
    warn(parts, &format!("{} ({when}) got no answer to \"{}\": {finding}", change.change_id, step.summary));
}

fn warn(parts: &mut Parts, text: &str) {
    let event = Event::Warning(parts.redactor.text(text));
    parts.ui.progress(&event);
}

async fn present_state(cluster: &Cluster, step: &StepRecord) -> Result<String, ClusterError> {
    let target = &step.target;
    let resource = cluster.kind(&target.kind).await?;
    let object = ObjectRef { resource, namespace: target.namespace.clone(), name: target.name.clone() };
    let live = match cluster.get(&object).await {
        Ok(live) => live,
        Err(error) if error.is(todo_agent_core::Cause::NotFound) => return Ok(format!("{} is gone", target.short())),
        Err(error) => return Err(error),
    };
    if step.uid.is_some() && live["metadata"]["uid"].as_str() != step.uid.as_deref() {
        return Ok(format!("{} was made anew since", target.short()));
    }
    match step.verb.as_str() {
        "exec" => return Ok(format!("{} is there; what the command did, it does not tell", target.short())),
        "forward" => return Ok("it ended with the program".to_owned()),
        _ => {}
    }
    let state = match live["spec"]["replicas"].as_i64() {
        Some(replicas) => {
            let available = live["status"]["availableReplicas"].as_i64().unwrap_or(0);
            format!("asks for {replicas} replicas, {available} are available")
        }
        None => format!("is at generation {}", live["metadata"]["generation"]),
    };
    Ok(format!("{} {state}", target.short()))
}
