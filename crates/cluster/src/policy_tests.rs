//! The policy as a table: mode, `--yes`, risk and circumstances against the verdict.

use todo_agent_core::view::{ClusterView, FieldChange, ProofView, TargetView};

use super::*;

fn step(risk: Risk) -> StepView {
    StepView {
        n: 1,
        phase: 1,
        tool: "scale".into(),
        summary: "scale".into(),
        verb: "scale".into(),
        target: TargetView {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("todo".into()),
            name: "backend".into(),
        },
        outside: false,
        diff: vec![],
        proof: ProofView::Served,
        remarks: vec![],
        warnings: vec![],
        risk,
        protected: None,
        digest: String::new(),
        fingerprint: String::new(),
    }
}

fn view(steps: Vec<StepView>) -> ChangeView {
    ChangeView {
        change_id: "c-1".into(),
        cluster: ClusterView { context: "c".into(), server: "s".into(), identity: "i".into() },
        steps,
        equivalent: vec![],
        undo: None,
        digest: String::new(),
    }
}

fn short(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow(_) => "allow",
        Verdict::Ask(_) => "ask",
        Verdict::AskByName(..) => "name",
        Verdict::Suggest => "suggest",
        Verdict::Forbid(_) => "forbid",
    }
}

fn verdict(rules: &Rules, risk: Risk) -> &'static str {
    short(&decide(&view(vec![step(risk)]), &Origin::person(), rules, &[]))
}

#[test]
fn mode_and_yes_by_risk() {
    let rules = |mode, yes| Rules { mode, yes, ..Rules::default() };
    for (mode, yes, low, medium, high) in [
        (Mode::ReadOnly, Yes::High, "forbid", "forbid", "forbid"),
        (Mode::Suggest, Yes::High, "suggest", "suggest", "suggest"),
        (Mode::Confirm, Yes::No, "ask", "ask", "ask"),
        (Mode::Confirm, Yes::Medium, "allow", "allow", "ask"),
        (Mode::Confirm, Yes::High, "allow", "allow", "allow"),
        (Mode::Auto, Yes::No, "ask", "ask", "ask"),
    ] {
        let rules = rules(mode, yes);
        let seen = [Risk::Low, Risk::Medium, Risk::High].map(|risk| verdict(&rules, risk));
        assert_eq!(seen, [low, medium, high], "{mode:?} {yes:?}");
    }
}

#[test]
fn auto_acts_only_where_it_is_listed_and_never_at_high_risk() {
    let rules = Rules { mode: Mode::Auto, auto: vec![("scale".into(), "todo".into())], ..Rules::default() };
    assert_eq!([Risk::Low, Risk::Medium, Risk::High].map(|risk| verdict(&rules, risk)), ["allow", "allow", "ask"]);
    let elsewhere = Rules { auto: vec![("scale".into(), "shop".into())], ..rules };
    assert_eq!(verdict(&elsewhere, Risk::Low), "ask");
}

#[test]
fn protected_objects_are_asked_by_name_whatever_yes_says() {
    let protected = StepView { protected: Some("why".into()), ..step(Risk::Low) };
    let rules = Rules { yes: Yes::High, ..Rules::default() };
    let verdict = decide(&view(vec![step(Risk::Low), protected]), &Origin::person(), &rules, &[]);
    assert_eq!(verdict, Verdict::AskByName("why".into(), vec!["backend".into()]));
}

#[test]
fn a_policy_file_tightens_and_never_loosens() {
    let rule = |verdict| Rule { tool: Some("scale".into()), kind: None, namespace: Some("todo".into()), verdict };
    let forbids = Rules { yes: Yes::High, rules: vec![rule(RuleVerdict::Forbid)], ..Rules::default() };
    assert_eq!(verdict(&forbids, Risk::Low), "forbid");
    let asks = Rules { yes: Yes::High, rules: vec![rule(RuleVerdict::Ask)], ..Rules::default() };
    assert_eq!(verdict(&asks, Risk::Low), "ask");
    let unattended = Rules { unattended: true, ..forbids };
    assert_eq!(verdict(&unattended, Risk::Low), "forbid");
}

#[test]
fn a_grant_covers_one_operation_on_one_object_up_to_medium() {
    let grant = Grant {
        verb: "scale".into(),
        kind: "Deployment".into(),
        namespace: Some("todo".into()),
        name: "backend".into(),
        fields: vec!["spec.replicas".into()],
        risk: Risk::High,
    };
    let with = |step: StepView| {
        short(&decide(&view(vec![step]), &Origin::person(), &Rules::default(), std::slice::from_ref(&grant)))
    };
    assert_eq!(with(step(Risk::Medium)), "allow");
    assert_eq!(with(step(Risk::High)), "ask");
    let mut other = step(Risk::Low);
    other.target.name = "frontend".into();
    assert_eq!(with(other), "ask");
    assert_eq!(with(StepView { verb: "delete".into(), ..step(Risk::Low) }), "ask");
}

#[test]
fn a_grant_for_a_restart_is_none_for_other_images() {
    let changing = |path: &str| StepView {
        verb: "patch".into(),
        diff: vec![FieldChange { path: path.into(), before: None, after: None }],
        ..step(Risk::Medium)
    };
    let grant = Grant {
        verb: "patch".into(),
        kind: "Deployment".into(),
        namespace: Some("todo".into()),
        name: "backend".into(),
        fields: vec!["spec.template.metadata.annotations".into()],
        risk: Risk::Medium,
    };
    let with =
        |step| short(&decide(&view(vec![step]), &Origin::person(), &Rules::default(), std::slice::from_ref(&grant)));
    assert_eq!(with(changing("spec.template.metadata.annotations[\"kubectl.kubernetes.io/restartedAt\"]")), "allow");
    assert_eq!(with(changing("spec.template.spec.containers[app].image")), "ask");
    assert_eq!(with(changing("spec.template.metadata.annotationsX")), "ask");
}

#[test]
fn a_new_object_is_looked_at_each_time() {
    let made = StepView {
        verb: "create".into(),
        diff: vec![FieldChange { path: String::new(), before: None, after: Some(serde_json::json!({"data": {}})) }],
        ..step(Risk::Medium)
    };
    let grant = Grant {
        verb: "create".into(),
        kind: "Deployment".into(),
        namespace: Some("todo".into()),
        name: "backend".into(),
        fields: vec![String::new()],
        risk: Risk::Medium,
    };
    assert_eq!(short(&decide(&view(vec![made]), &Origin::person(), &Rules::default(), &[grant])), "ask");
}

#[test]
fn a_rule_for_a_namespace_holds_for_the_namespace_itself() {
    let mut itself = step(Risk::High);
    (itself.target.kind, itself.target.namespace, itself.target.name) = ("Namespace".into(), None, "prod".into());
    let rule = Rule { tool: None, kind: None, namespace: Some("Prod".into()), verdict: RuleVerdict::Forbid };
    let rules = Rules { yes: Yes::High, rules: vec![rule], ..Rules::default() };
    assert_eq!(short(&decide(&view(vec![itself]), &Origin::person(), &rules, &[])), "forbid");
}

#[test]
fn untrusted_text_takes_the_automatic_yes_away() {
    let rules = Rules { yes: Yes::High, ..Rules::default() };
    let model = Origin { by: By::Model, tainted: true, own_words: vec![false], named_namespaces: vec![] };
    let decide = |origin: &Origin| short(&decide(&view(vec![step(Risk::Low)]), origin, &rules, &[]));
    assert_eq!(decide(&model), "ask");
    assert_eq!(decide(&Origin { own_words: vec![true], ..model.clone() }), "allow");
    assert_eq!(decide(&Origin { by: By::Remedy, ..model.clone() }), "allow");
    assert_eq!(decide(&Origin { tainted: false, ..model }), "allow");
}

#[test]
fn another_namespace_must_be_named_by_the_person() {
    let rules = Rules { yes: Yes::High, ..Rules::default() };
    let mut outside = step(Risk::Low);
    outside.outside = true;
    outside.target.namespace = Some("shop".into());
    let view = view(vec![outside]);
    assert_eq!(short(&decide(&view, &Origin::person(), &rules, &[])), "forbid");
    let named = Origin { named_namespaces: vec!["shop".into()], ..Origin::person() };
    assert_eq!(short(&decide(&view, &named, &rules, &[])), "allow");
}

#[test]
fn a_change_of_which_nothing_is_known_is_never_allowed() {
    let rules = Rules { yes: Yes::High, ..Rules::default() };
    assert_eq!(short(&decide(&view(vec![]), &Origin::person(), &rules, &[])), "ask");
}

#[test]
fn the_strictest_step_decides() {
    let rules = Rules { yes: Yes::Medium, ..Rules::default() };
    let verdict = decide(&view(vec![step(Risk::Low), step(Risk::High)]), &Origin::person(), &rules, &[]);
    assert_eq!(short(&verdict), "ask");
}
