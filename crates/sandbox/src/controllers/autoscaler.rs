//! The HorizontalPodAutoscaler controller: every quarter of a minute it asks what its metrics propose and
//! resizes its target within its bounds.
//!
//! `autoscaler_metrics` makes the proposal, `autoscaler_pace` says how fast it may be followed.
//!
//! Source: `pkg/controller/podautoscaler/horizontal.go` of Kubernetes 1.37.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::kinds;

use super::autoscaler_metrics::{self as metrics, Failure};
use super::autoscaler_pace as pace;
use super::pods;
use crate::authors;
use crate::conditions;
use crate::events::{Occurrence, Source};
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Key, Part};
use crate::timers::Wake;

pub(super) const SOURCE: Source = Source::Controller("horizontal-pod-autoscaler");
/// How often an autoscaler looks (`--horizontal-pod-autoscaler-sync-period`).
const PERIOD: Duration = Duration::from_secs(15);
/// What can be resized.
const SCALABLE: [&str; 3] = ["deployments", "replicasets", "statefulsets"];

/// Lets one autoscaler look at its target.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(autoscaler) = state.store.get(key) else {
        state.autoscalers.forget(key);
        return;
    };
    state.wake_after(Wake::Autoscaler(key.clone()), PERIOD);
    let mut status = autoscaler["status"].clone();
    let occurrence = match target(state, &autoscaler) {
        Ok(target) => look(state, key, &autoscaler, &target, &mut status),
        Err(why) => {
            let message = format!("the HPA controller was unable to get the target's current scale: {why}");
            set_condition(&mut status, "AbleToScale", "False", ("FailedGetScale", &message), state.now);
            Some(Occurrence::warning("FailedGetScale", why))
        }
    };
    let now = state.now;
    state.store.edit(key, Part::Status, now, |autoscaler| autoscaler["status"] = status);
    if let Some(occurrence) = occurrence {
        state.record(&SOURCE, &autoscaler, &occurrence);
    }
}

/// Returns the object that an autoscaler resizes, or why it cannot.
fn target(state: &State, autoscaler: &Value) -> Result<Arc<Value>, String> {
    let reference = &autoscaler["spec"]["scaleTargetRef"];
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    let (version, name) = (text("apiVersion"), text("name"));
    let kind = kinds::by_type(version, text("kind")).ok_or_else(|| {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        format!("no matches for kind \"{}\" in group \"{group}\"", text("kind"))
    })?;
    if !SCALABLE.contains(&kind.plural) {
        return Err("the server could not find the requested resource".to_owned());
    }
    let found = state.store.get(&Key::of(kind, object::namespace(autoscaler), name));
    found.ok_or_else(|| format!("{}.{} \"{name}\" not found", kind.plural, kind.group))
}

/// Looks at the target and resizes it; returns what is told in the end.
fn look(state: &mut State, key: &Key, autoscaler: &Value, target: &Value, status: &mut Value) -> Option<Occurrence> {
    let (spec, now) = (&autoscaler["spec"], state.now);
    let able = ("SucceededGetScale", "the HPA controller was able to get the target's current scale");
    set_condition(status, "AbleToScale", "True", able, now);
    let current = pods::replicas(target);
    state.autoscalers.begin(key, current, now);
    let least = spec["minReplicas"].as_i64().unwrap_or(1);
    let most = spec["maxReplicas"].as_i64().unwrap_or(1);
    let mut found = Value::Null;
    let (wanted, reason) = if current == 0 {
        let disabled = ("ScalingDisabled", "scaling is disabled since the replica count of the target is zero");
        set_condition(status, "ScalingActive", "False", disabled, now);
        (0, String::new())
    } else if current > most {
        (most, "Current number of replicas above Spec.MaxReplicas".to_owned())
    } else if current < least {
        (least, "Current number of replicas below Spec.MinReplicas".to_owned())
    } else {
        let proposal = match metrics::propose(state, autoscaler, target, current) {
            Ok(proposal) => proposal,
            Err(failure) => return Some(fail(status, autoscaler, current, &failure, now)),
        };
        let text = format!("the HPA was able to successfully calculate a replica count from {}", proposal.metric);
        set_condition(status, "ScalingActive", "True", ("ValidMetricFound", &text), now);
        let reason = if proposal.replicas > current {
            format!("{} above target", proposal.metric)
        } else {
            "All metrics below target".to_owned()
        };
        found = json!(proposal.statuses);
        (pace::bounded(state, key, autoscaler, current, proposal.replicas, status), reason)
    };
    let mut occurrence = None;
    if wanted != current {
        let target_key = Key::of_object(target);
        state.store.edit(&target_key, Part::Spec, now, |target| {
            let before = target.clone();
            target["spec"]["replicas"] = json!(wanted);
            authors::sign_scale(target, &before, now);
        });
        let text = format!("the HPA controller was able to update the target scale to {wanted}");
        set_condition(status, "AbleToScale", "True", ("SucceededRescale", &text), now);
        let text = "the HPA controller did not scale the workload to zero";
        set_condition(status, "ScaledToZero", "False", ("NotScaledToZero", text), now);
        state.autoscalers.scaled(key, wanted - current, now);
        status["lastScaleTime"] = json!(time_text(now));
        occurrence = Some(Occurrence::normal("SuccessfulRescale", format!("New size: {wanted}; reason: {reason}")));
    }
    write(status, autoscaler, current, wanted, found);
    occurrence
}

/// Notes that no metric could be had.
fn fail(status: &mut Value, autoscaler: &Value, current: i64, failure: &Failure, now: Timestamp) -> Occurrence {
    let message = format!("the HPA was unable to compute the replica count: {}", failure.message);
    set_condition(status, "ScalingActive", "False", (failure.reason, &message), now);
    let desired = status["desiredReplicas"].as_i64().unwrap_or_default();
    write(status, autoscaler, current, desired, json!(failure.statuses));
    let text = format!(
        "invalid metrics ({} invalid out of {}), first error is: {}",
        failure.invalid,
        failure.statuses.len(),
        failure.message
    );
    Occurrence::warning("FailedComputeMetricsReplicas", text)
}

fn write(status: &mut Value, autoscaler: &Value, current: i64, desired: i64, found: Value) {
    status["desiredReplicas"] = json!(desired);
    status["currentMetrics"] = found;
    status["observedGeneration"] = autoscaler["metadata"]["generation"].clone();
    if let Some(status) = status.as_object_mut() {
        status.remove("currentReplicas");
        if current > 0 {
            status.insert("currentReplicas".into(), current.into());
        }
    }
}

/// Sets a condition where it is, unlike those of workloads.
pub(super) fn set_condition(status: &mut Value, kind: &str, word: &str, why: (&str, &str), now: Timestamp) {
    let since = conditions::find(status, kind)
        .filter(|found| found["status"] == word)
        .map_or_else(|| json!(time_text(now)), |found| found["lastTransitionTime"].clone());
    let condition =
        json!({"type": kind, "status": word, "lastTransitionTime": since, "reason": why.0, "message": why.1});
    let mut list = status["conditions"].as_array().cloned().unwrap_or_default();
    match list.iter_mut().find(|existing| existing["type"] == kind) {
        Some(existing) => *existing = condition,
        None => list.push(condition),
    }
    status["conditions"] = json!(list);
}
