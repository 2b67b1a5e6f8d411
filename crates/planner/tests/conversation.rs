//! What one sentence leaves for the next, what names change, and what a question or a pass tells the person.

use serde_json::json;
use todo_agent_core::{Call, NameEntry, Names};
use todo_agent_planner::{Focus, Missing, Mode, Pass, PassReason, Planned, Question, plan};

fn calls(planned: Planned) -> Vec<Call> {
    match planned {
        Planned::Calls { calls, mode: Mode::Act } => calls,
        other => panic!("no calls: {other:?}"),
    }
}

fn passed(planned: Planned) -> Pass {
    match planned {
        Planned::Pass(pass) => pass,
        other => panic!("not passed: {other:?}"),
    }
}

fn asked(planned: Planned) -> Question {
    match planned {
        Planned::Ask(question) => question,
        other => panic!("not asked: {other:?}"),
    }
}

fn alone(sentence: &str) -> Planned {
    plan(sentence, &Focus::default(), &Names::default())
}

fn named(kind: &str, namespace: &str, name: &str) -> Names {
    let entry = NameEntry {
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
        labels: std::collections::BTreeMap::new(),
        owner: None,
    };
    Names { entries: vec![entry], namespaces: vec![namespace.to_owned()] }
}

#[test]
fn a_question_keeps_the_request_and_a_short_answer_completes_it() {
    let mut focus = Focus::default();
    let question = plan("scale down the backend in shop", &focus, &Names::default());
    focus.update(&question);
    let question = asked(question);
    assert_eq!(question.text, "How many replicas should backend have?");
    assert_eq!(question.gap.unwrap().missing, Missing::CountDown);

    let answer = |text| calls(plan(text, &focus, &Names::default()));
    let scaled = |key: &str, value: i64| {
        vec![Call::new("scale", json!({ "workload": "backend", "namespace": "shop", key: value }))]
    };
    assert_eq!(answer("2"), scaled("replicas", 2));
    assert_eq!(answer("by two"), scaled("delta", -2));
    assert_eq!(passed(plan("never mind", &focus, &Names::default())).reason, PassReason::Declined);
}

#[test]
fn what_a_new_object_lacks_is_asked_for_one_by_one() {
    let mut focus = Focus::default();
    let mut ask = |sentence: &str| {
        let planned = plan(sentence, &focus, &Names::default());
        focus.update(&planned);
        planned
    };
    let image = asked(ask("create a cronjob called cleanup"));
    assert_eq!(image.text, "Which image does cleanup run, for example registry.example.com/cleanup:1.0?");
    let often = asked(ask("busybox:1.36"));
    assert_eq!(often.text, "How often should it run, for example every 5 minutes?");
    let made = json!({"kind": "cronjob", "name": "cleanup", "image": "busybox:1.36", "schedule": "0 */2 * * *"});
    assert_eq!(calls(ask("every 2 hours")), [Call::new("create", made)]);
}

#[test]
fn a_volume_is_asked_for_by_name_and_size() {
    let mut focus = Focus::default();
    let question = plan("resize the volume to 2Gi", &focus, &Names::default());
    focus.update(&question);
    assert_eq!(asked(question).text, "Which volume claim is meant?");
    let grown =
        json!({"kind": "pvc", "name": "redis", "merge": {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}});
    assert_eq!(calls(plan("redis", &focus, &Names::default())), [Call::new("patch", grown)]);
    assert_eq!(
        asked(alone("resize the redis volume to 2GB")).text,
        "\"2GB\" is no size as Kubernetes writes one: to how much, for example 2Gi?"
    );
}

#[test]
fn a_question_is_closed_by_whatever_follows() {
    let mut focus = Focus::default();
    for sentence in ["scale backend", "list pods"] {
        let planned = plan(sentence, &focus, &Names::default());
        focus.update(&planned);
    }
    assert_eq!(focus.pending, None);
    assert!(matches!(plan("3", &focus, &Names::default()), Planned::Pass(_)));
}

#[test]
fn it_with_two_candidates_offers_both() {
    let mut focus = Focus::default();
    focus.update(&plan("describe backend and frontend", &focus, &Names::default()));
    let question = plan("restart it", &focus, &Names::default());
    focus.update(&question);
    let labels: Vec<String> = asked(question).choices.into_iter().map(|choice| choice.label).collect();
    assert_eq!(labels, ["backend", "frontend"]);
    let restart = vec![Call::new("rollout_control", json!({ "workload": "frontend", "action": "restart" }))];
    assert_eq!(calls(plan("frontend", &focus, &Names::default())), restart);
    assert_eq!(calls(plan("the second one", &focus, &Names::default())), restart);
}

#[test]
fn undo_needs_a_change_or_an_id() {
    let mut focus = Focus::default();
    assert_eq!(passed(plan("undo", &focus, &Names::default())).reason, PassReason::NothingToUndo);
    focus.changed();
    assert_eq!(calls(plan("undo", &focus, &Names::default())), [Call::new("undo", json!({}))]);
    focus.nothing_to_undo();
    assert_eq!(
        calls(plan("undo change c-7f3a", &focus, &Names::default())),
        [Call::new("undo", json!({ "change_id": "c-7f3a" }))]
    );
}

#[test]
fn a_common_word_is_a_name_where_something_has_it() {
    assert!(passed(alone("restart status")).unused.contains(&"status".to_owned()));
    let known = plan("restart status", &Focus::default(), &named("Deployment", "shop", "status"));
    assert_eq!(calls(known), [Call::new("rollout_control", json!({ "workload": "status", "action": "restart" }))]);
}

#[test]
fn a_known_name_is_never_taken_for_a_typing_error() {
    assert_eq!(calls(alone("show podz")), [Call::new("list", json!({ "kind": "pods" }))]);
    let known = plan("show podz", &Focus::default(), &named("Deployment", "shop", "podz"));
    assert_eq!(calls(known), [Call::new("describe", json!({ "name": "podz" }))]);
}

#[test]
fn a_known_namespace_is_a_place_after_any_preposition() {
    let known = plan("show pods from shop", &Focus::default(), &named("Deployment", "shop", "backend"));
    assert_eq!(calls(known), [Call::new("list", json!({ "kind": "pods", "namespace": "shop" }))]);
}

#[test]
fn look_alike_letters_are_passed_on_as_they_are() {
    let planned = calls(alone("scale b\u{430}ckend to 3"));
    assert_eq!(planned[0].args["workload"], json!("b\u{430}ckend"));
    assert_eq!(passed(alone("scale back\u{200b}end to 3")).reason, PassReason::ControlCharacters);
}

#[test]
fn a_number_that_is_no_count_is_named_in_the_question() {
    for number in ["-1", "3.5", "1e9", "three and a half"] {
        let question = asked(alone(&format!("scale backend to {number}")));
        let expected = format!("\"{number}\" is not a count of replicas: which whole number from 0 up is meant?");
        assert_eq!(question.text, expected);
    }
}

#[test]
fn a_pass_says_what_was_understood_and_what_was_not() {
    let pass = passed(alone("restart backend gracefully"));
    assert_eq!(pass.reason, PassReason::NotUnderstood);
    assert_eq!(pass.understood, ["restart backend"]);
    assert_eq!(pass.unused, ["gracefully"]);
    assert_eq!(pass.examples[0], "restart backend");
}

#[test]
fn every_veto_gives_its_reason() {
    for (sentence, reason) in [
        ("", PassReason::Empty),
        ("don't restart backend", PassReason::Negated),
        ("restart backend if it hangs", PassReason::Conditional),
        ("should I restart backend?", PassReason::Questioned),
        ("he said restart backend", PassReason::Reported),
        ("restart \"backend and frontend\"", PassReason::Quoted),
        ("restart backend tomorrow", PassReason::Postponed),
        ("restart only backend", PassReason::Exception),
    ] {
        assert_eq!(passed(alone(sentence)).reason, reason, "{sentence}");
    }
}

#[test]
fn focus_and_plans_survive_a_session_file() {
    let mut focus = Focus::default();
    focus.update(&alone("scale backend"));
    let text = serde_json::to_string(&focus).unwrap();
    assert_eq!(serde_json::from_str::<Focus>(&text).unwrap(), focus);
}
