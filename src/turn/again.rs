//! Plans that are made again: with other arguments, for what is left of them, or because they were kept. Pure.
//!
//! Only what was approved and not begun is proposed again; what was begun in part is never repeated whole.

use serde_json::Value;
use todo_agent_core::{Call, ChangeView, Report, view::FieldChange, view::StepView};

use crate::problem::Problem;

/// Returns the calls with one step's arguments replaced as the person wrote them. `origins` says for each step
/// which call it came from.
pub(super) fn edited(calls: &[Call], origins: &[usize], step: usize, args: &str) -> Result<Vec<Call>, Problem> {
    let index = step.checked_sub(1).and_then(|index| origins.get(index)).copied();
    let Some(call) = index.and_then(|index| calls.get(index)) else {
        return Err(Problem::usage(format!("the plan has no step {step}")));
    };
    let args = serde_json::from_str(args)
        .map_err(|error| Problem::usage(format!("the new arguments are not JSON: {error}")).hint(call.to_string()))?;
    let mut calls = calls.to_vec();
    if let Some(call) = index.and_then(|index| calls.get_mut(index)) {
        call.args = args;
    }
    Ok(calls)
}

/// What is left to do after a plan stopped because the cluster had moved.
#[derive(Debug, PartialEq)]
pub(super) enum Left {
    /// These calls, of which nothing was sent.
    Calls(Vec<Call>),
    /// Something of this call was sent and something was not; repeating it would do the first part twice.
    Half(Call),
}

/// Returns what is left. `origins` says for each approved step, in the order of the report, which call it came
/// from; calls of which no step was approved are not wanted any more.
pub(super) fn left_over(calls: &[Call], origins: &[usize], report: &Report) -> Left {
    let mut left = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let steps = origins.iter().enumerate().filter(|(_, origin)| **origin == index).map(|(step, _)| step);
        let sent: Vec<bool> = steps
            .map(|step| report.effects.get(step).is_some_and(|effect| effect.outcome.touched_the_cluster()))
            .collect();
        if sent.contains(&true) && sent.contains(&false) {
            return Left::Half(call.clone());
        }
        if sent.contains(&false) {
            left.push(call.clone());
        }
    }
    Left::Calls(left)
}

/// Says how a plan made anew differs from the one that was kept, if it does. The fields are compared, too: what
/// a call means depends on more than its object, such as which revision is the previous one.
pub(super) fn differs(planned: &ChangeView, now: &ChangeView) -> Option<String> {
    if planned.cluster.identity != now.cluster.identity {
        return Some("the plan was made for another cluster; nothing was sent".to_owned());
    }
    let same = |(index, (was, is)): (usize, (&StepView, &StepView))| {
        // What an earlier step leaves may hold the time it is done.
        let follows = planned.steps[..index].iter().any(|earlier| earlier.target == was.target);
        was.target == is.target && was.verb == is.verb && (was.fingerprint == is.fingerprint || follows)
    };
    let moved = planned.steps.len() != now.steps.len() || !planned.steps.iter().zip(&now.steps).enumerate().all(same);
    if moved {
        return Some("the cluster changed since the plan was made; nothing was sent, make a new plan".to_owned());
    }
    let other = planned
        .steps
        .iter()
        .zip(&now.steps)
        .any(|(planned, now)| now.risk > planned.risk || comparable(&planned.diff) != comparable(&now.diff));
    other.then(|| "the plan would do something else now than when it was made; nothing was sent".to_owned())
}

/// Returns fields without what differs from one making of a plan to the next: the time of a restart, and the
/// numbers of masks, which are a session's own.
fn comparable(diff: &[FieldChange]) -> Vec<(&str, Option<Value>, Option<Value>)> {
    diff.iter()
        .map(|change| {
            // A file does not tell null from absent.
            let side = |value: &Option<Value>| {
                value.as_ref().filter(|value| !value.is_null()).map(|value| timeless(value, &change.path))
            };
            (change.path.as_str(), side(&change.before), side(&change.after))
        })
        .collect()
}

fn timeless(value: &Value, key: &str) -> Value {
    match value {
        Value::String(_) if key.contains("kubectl.kubernetes.io/restartedAt") => Value::from("a time"),
        Value::String(text) => Value::from(without_numbers(text)),
        Value::Array(items) => items.iter().map(|item| timeless(item, "")).collect(),
        Value::Object(fields) => fields.iter().map(|(key, field)| (key.clone(), timeless(field, key))).collect(),
        other => other.clone(),
    }
}

fn without_numbers(text: &str) -> String {
    let mut parts = text.split("‹secret:");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push_str("‹secret:");
        result.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_core::{
        Outcome, Risk,
        report::EffectReport,
        view::{ClusterView, ProofView, TargetView},
    };

    use super::*;

    fn calls(names: &[&str]) -> Vec<Call> {
        names.iter().map(|name| Call::new("scale", json!({"workload": name}))).collect()
    }

    fn target() -> TargetView {
        TargetView {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("todo".into()),
            name: "a".into(),
        }
    }

    fn report(outcomes: Vec<Outcome>, remaining: usize) -> Report {
        let effects = outcomes
            .into_iter()
            .map(|outcome| EffectReport { summary: String::new(), target: target(), outcome, printed: None })
            .collect();
        let remaining = vec![String::new(); remaining];
        Report { change_id: "c-1".into(), effects, remaining, undo: None, lasts: None }
    }

    fn done() -> Outcome {
        Outcome::Done { output: String::new() }
    }

    fn moved() -> Outcome {
        Outcome::Moved { why: String::new() }
    }

    #[test]
    fn what_was_not_chosen_does_not_come_back() {
        let all = calls(&["a", "b", "c"]);
        // Of three steps, 2 and 3 were chosen; the first of them was done, the other had moved.
        assert_eq!(left_over(&all, &[1, 2], &report(vec![done(), moved()], 0)), Left::Calls(calls(&["c"])));
        assert_eq!(left_over(&all, &[1], &report(vec![moved()], 0)), Left::Calls(calls(&["b"])));
        assert_eq!(left_over(&all, &[0, 1, 2], &report(vec![moved()], 2)), Left::Calls(all.clone()));
    }

    #[test]
    fn what_was_begun_is_not_repeated() {
        let both = calls(&["undo", "b"]);
        let report = report(vec![done(), moved()], 1);
        assert_eq!(left_over(&both, &[0, 0, 1], &report), Left::Half(both[0].clone()));
    }

    fn view(change: impl Fn(&mut StepView)) -> ChangeView {
        let mut step = StepView {
            n: 1,
            phase: 1,
            tool: "rollout_control".into(),
            summary: String::new(),
            verb: "patch".into(),
            target: target(),
            outside: false,
            diff: vec![FieldChange { path: "spec.x".into(), before: Some(json!("a:1")), after: Some(json!("a:2")) }],
            proof: ProofView::Served,
            remarks: vec![],
            warnings: vec![],
            risk: Risk::Medium,
            protected: None,
            digest: String::new(),
            fingerprint: "f".into(),
        };
        change(&mut step);
        ChangeView {
            change_id: "c-1".into(),
            cluster: ClusterView { context: "c".into(), server: "s".into(), identity: "i".into() },
            steps: vec![step],
            equivalent: vec![],
            undo: None,
            digest: String::new(),
        }
    }

    #[test]
    fn a_kept_plan_is_for_these_objects_in_this_state_with_these_fields() {
        let kept = view(|_| {});
        assert_eq!(differs(&kept, &kept), None);
        for other in [
            view(|step| step.fingerprint = "g".into()),
            view(|step| step.target.name = "b".into()),
            view(|step| step.verb = "delete".into()),
            view(|step| step.diff[0].after = Some(json!("a:3"))),
            view(|step| step.diff[0].path = "spec.y".into()),
            view(|step| step.risk = Risk::High),
        ] {
            assert!(differs(&kept, &other).is_some(), "{other:?}");
        }
    }

    #[test]
    fn the_time_of_a_restart_and_the_numbers_of_masks_do_not_count() {
        let with = |path: &'static str, after: Value| {
            view(move |step| {
                step.diff = vec![FieldChange { path: path.into(), before: None, after: Some(after.clone()) }];
            })
        };
        let annotations = "spec.template.metadata.annotations";
        let whole = |time| with(annotations, json!({"kubectl.kubernetes.io/restartedAt": time}));
        assert_eq!(differs(&whole("1"), &whole("2")), None);
        let one = |time| with("spec.template.metadata.annotations[\"kubectl.kubernetes.io/restartedAt\"]", json!(time));
        assert_eq!(differs(&one("1"), &one("2")), None);
        let masked = |number| with("spec.env", json!(format!("x‹secret:{number}›y")));
        assert_eq!(differs(&masked(1), &masked(22)), None);
        assert!(differs(&masked(1), &with("spec.env", json!("x‹secret:1›z"))).is_some());
    }
}
