//! An autoscaler is proposed with its bounds, what it measures, and what would keep it from working.

use insta::assert_snapshot;

use crate::support::{TestEnvironment, world};

#[test]
fn a_sentence_becomes_an_autoscaler() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "autoscale frontend 2 to 5 at 70% cpu", "--dry-run"]), @r"
    exit 0
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. autoscale deployment/frontend from 2 to 5 replicas at 70% cpu
       action     create HorizontalPodAutoscaler frontend in namespace todo (autoscaling/v2)
       object     as the server would keep it:
         + apiVersion: autoscaling/v2
         + kind: HorizontalPodAutoscaler
         + metadata:
         +   labels:
         +     app.kubernetes.io/managed-by: todo-agent
         +   name: frontend
         +   namespace: todo
         + spec:
         +   maxReplicas: 5
         +   metrics:
         +   - resource:
         +       name: cpu
         +       target:
         +         averageUtilization: 70
         +         type: Utilization
         +     type: Resource
         +   minReplicas: 2
         +   scaleTargetRef:
         +     apiVersion: apps/v1
         +     kind: Deployment
         +     name: frontend
       risk       medium
       proof      checked by the server (dry run)

    undo       delete horizontalpodautoscaler/frontend
    same as    kubectl autoscale deployment/frontend --min=2 --max=5 --cpu=70% -n todo
    dry run. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}

#[test]
fn the_autoscaler_that_is_there_is_changed() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=hpa", "autoscale backend 2 to 9", "--dry-run"]).exits(0);
    output.says("spec.maxReplicas").says("→ 9").enough();
}

#[test]
fn without_bounds_it_is_asked() {
    let environment = TestEnvironment::new();
    environment
        .run(["--sandbox", "enable autoscaling for backend"])
        .exits(2)
        .says("Between how many replicas")
        .enough();
    environment.run([world("shop").as_str(), "autoscale nothing"]).exits(2).enough();
}
