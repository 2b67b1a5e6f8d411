//! What a person sees before deciding, at two widths and with names made to deceive.

use insta::assert_snapshot;
use serde_json::json;
use todo_agent_core::{
    text,
    view::{ClusterView, TargetView},
};

use super::*;

fn step() -> StepView {
    StepView {
        n: 1,
        phase: 1,
        tool: "scale".into(),
        summary: "scale deployment/backend from 2 to 3 replicas".into(),
        verb: "scale".into(),
        target: TargetView {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("todo".into()),
            name: "backend".into(),
        },
        outside: false,
        diff: vec![FieldChange { path: "spec.replicas".into(), before: Some(json!(2)), after: Some(json!(3)) }],
        proof: ProofView::Served,
        remarks: vec![],
        warnings: vec![],
        risk: Risk::Low,
        protected: None,
        digest: "d".into(),
        fingerprint: "f".into(),
    }
}

fn view(steps: Vec<StepView>) -> ChangeView {
    ChangeView {
        change_id: "c-7k2m9q".into(),
        cluster: ClusterView {
            context: "minikube".into(),
            server: "https://192.168.49.2:8443".into(),
            identity: "uid".into(),
        },
        steps,
        equivalent: vec!["kubectl scale deployment/backend --replicas=3 -n todo".into()],
        undo: Some("scale deployment/backend back to 2".into()),
        digest: "d".into(),
    }
}

fn dangerous() -> ChangeView {
    let mut first = step();
    first.remarks = vec![
        Remark::KeptBy("HorizontalPodAutoscaler backend (2 to 5 replicas) will set the count again".into()),
        Remark::Fact("1 of 2 pods is not ready".into()),
    ];
    first.proof = ProofView::Computed;
    first.risk = Risk::Medium;
    let mut second = step();
    second.n = 2;
    second.phase = 2;
    second.summary = "change the settings of configmap/coredns".into();
    second.verb = "patch".into();
    second.target = TargetView {
        api_version: "v1".into(),
        kind: "ConfigMap".into(),
        namespace: Some("kube-system".into()),
        name: "coredns".into(),
    };
    second.outside = true;
    second.protected = Some("kube-system keeps the cluster itself running".into());
    second.warnings = vec!["metadata.finalizers: prefer a domain-qualified name".into()];
    second.diff = vec![FieldChange {
        path: "data.Corefile".into(),
        before: Some(json!(".:53 {\n  errors\n  health\n  forward . /etc/resolv.conf\n}\n")),
        after: Some(json!(".:53 {\n  errors\n  health\n  forward . 9.9.9.9\n}\n")),
    }];
    second.risk = Risk::High;
    let mut view = view(vec![first, second]);
    view.undo = None;
    view
}

#[test]
fn a_small_change_at_eighty_columns() {
    assert_snapshot!(render_preview(&view(vec![step()]), 80), @"
    Change c-7k2m9q
      context    minikube (https://192.168.49.2:8443)
      namespace  todo

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    ");
}

#[test]
fn a_small_change_at_forty_columns() {
    assert_snapshot!(render_preview(&view(vec![step()]), 40), @r"
    Change c-7k2m9q
      context    minikube
                 (https://192.168.49.2:8443)
      namespace  todo

    1. scale deployment/backend from 2 to 3
       replicas
       action     scale Deployment backend
                  in namespace todo
                  (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry
                  run)

    undo       scale deployment/backend back
               to 2
    same as    kubectl scale \
                 deployment/backend \
                 --replicas=3 -n todo
    ");
}

#[test]
fn a_dangerous_change_at_eighty_columns() {
    assert_snapshot!(render_preview(&dangerous(), 80), @"
    Change c-7k2m9q
      context    minikube (https://192.168.49.2:8443)
      namespace  todo, kube-system
      risk       high (the highest of all steps)

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       medium
       proof      not confirmed by the server: worked out here
       kept by    HorizontalPodAutoscaler backend (2 to 5 replicas) will set the
                  count again
       note       1 of 2 pods is not ready

    when the steps above have settled (phase 2):
    2. change the settings of configmap/coredns
       action     patch ConfigMap coredns in namespace kube-system (v1)
       change     data.Corefile:
           .:53 {
             errors
             health
         -   forward . /etc/resolv.conf
         +   forward . 9.9.9.9
           }
       risk       high
       proof      checked by the server (dry run)
       protected  kube-system keeps the cluster itself running
       outside    this is outside the namespace you work in: kube-system
       warning    from the server: metadata.finalizers: prefer a domain-qualified
                  name

    undo       not possible: this change cannot be taken back
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    ");
}

#[test]
fn a_dangerous_change_at_forty_columns() {
    assert_snapshot!(render_preview(&dangerous(), 40), @r"
    Change c-7k2m9q
      context    minikube
                 (https://192.168.49.2:8443)
      namespace  todo, kube-system
      risk       high (the highest of all
                 steps)

    1. scale deployment/backend from 2 to 3
       replicas
       action     scale Deployment backend
                  in namespace todo
                  (apps/v1)
       change     spec.replicas: 2 → 3
       risk       medium
       proof      not confirmed by the
                  server: worked out here
       kept by    HorizontalPodAutoscaler
                  backend (2 to 5 replicas)
                  will set the count again
       note       1 of 2 pods is not ready

    when the steps above have settled (phase
    2):
    2. change the settings of
       configmap/coredns
       action     patch ConfigMap coredns in
                  namespace kube-system (v1)
       change     data.Corefile:
           .:53 {
             errors
             health
         -   forward . /etc/resolv.conf
         +   forward . 9.9.9.9
           }
       risk       high
       proof      checked by the server (dry
                  run)
       protected  kube-system keeps the
                  cluster itself running
       outside    this is outside the
                  namespace you work in:
                  kube-system
       warning    from the server:
                  metadata.finalizers:
                  prefer a domain-qualified
                  name

    undo       not possible: this change
               cannot be taken back
    same as    kubectl scale \
                 deployment/backend \
                 --replicas=3 -n todo
    ");
}

#[test]
fn hostile_names_are_shown_for_what_they_are() {
    let mut step = step();
    step.summary = "scale deployment/b\u{0430}ckend\u{1b}[2K\r1. harmless\nrisk low".into();
    step.target.name = "b\u{0430}ckend\u{202e}dnekcab".into();
    step.target.namespace = Some("to\u{200b}do".into());
    step.diff[0].after = Some(json!("ex\u{0430}mple.com/web\u{1b}[8m:1"));
    assert_snapshot!(render_preview(&view(vec![step]), 80), @r#"
    Change c-7k2m9q
      context    minikube (https://192.168.49.2:8443)
      namespace  to\u{200b}do

    1. scale deployment/bаckend\u{1b}[2K\u{d}1. harmless\u{a}risk low
       action     scale Deployment bаckend\u{202e}dnekcab in namespace to\u{200b}do
                  (apps/v1)
       change     spec.replicas: 2 → "exаmple.com/web\u001b[8m:1"
       risk       low
       proof      checked by the server (dry run)
       look-alike the name holds characters that can pass for others: а (U+0430),
                  \u{202e} (U+202E)
       look-alike the namespace holds characters that can pass for others: \u{200b}
                  (U+200B)
       look-alike spec.replicas holds characters that can pass for others: а
                  (U+0430)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    "#);
}

#[test]
fn nothing_is_ever_cut() {
    let mut long = dangerous();
    long.steps[0].target.name = format!("{}-end", "n".repeat(249));
    long.steps[0].warnings = vec!["w ".repeat(400) + "last-word"];
    long.steps[1].diff[0].after = Some(json!(format!("{}tail-of-the-value", "v".repeat(5000))));
    for width in [20, 40, 80, 200] {
        let shown = render_preview(&long, width);
        let squeezed: String = shown.split_whitespace().collect();
        assert!(squeezed.contains(&format!("{}-end", "n".repeat(249))), "{shown}");
        assert!(squeezed.contains("last-word") && squeezed.contains("tail-of-the-value"), "{shown}");
        assert_eq!(squeezed.matches('v').count() - 5000, render_count(&long, width), "{shown}");
        if width >= 40 {
            assert!(shown.lines().all(|line| text::width(line) <= width), "{shown}");
        }
    }
}

/// The letters `v` of the same preview without the long value.
fn render_count(view: &ChangeView, width: usize) -> usize {
    let mut without = view.clone();
    without.steps[1].diff[0].after = Some(json!("\ntail-of-the-value"));
    render_preview(&without, width).matches('v').count()
}
