use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, workload};

fn objects() -> Vec<Value> {
    let mut frontend = workload("Deployment", "todo", "frontend", 2);
    frontend["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "500m"}});
    vec![
        frontend,
        workload("Deployment", "todo", "backend", 2),
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "keeper", "namespace": "todo"},
            "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"},
                "minReplicas": 2, "maxReplicas": 4, "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 80}}}]}}),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(objects())).proposed("autoscale", args).await
}

#[tokio::test]
async fn a_workload_gets_an_autoscaler() {
    assert_snapshot!(propose(json!({"workload": "frontend", "min": 2, "max": 5, "cpu": 70})).await, @r#"
    autoscale deployment/frontend from 2 to 5 replicas at 70% cpu
    kubectl autoscale deployment/frontend --min=2 --max=5 --cpu=70% -n todo
    Fact("the cluster serves no metrics, so it cannot scale until a metrics server runs")
    undo: delete horizontalpodautoscaler/frontend
    "#);
    assert_snapshot!(propose(json!({"workload": "frontend", "min": 2})).await, @"error: deployment/frontend has no autoscaler yet, so max is needed");
}

#[tokio::test]
async fn the_autoscaler_that_is_there_is_changed() {
    assert_snapshot!(propose(json!({"workload": "backend", "max": 6})).await, @r#"
    autoscale deployment/backend from 2 to 6 replicas
    kubectl patch horizontalpodautoscaler/keeper --type=merge -p '{"spec":{"maxReplicas":6,"minReplicas":2}}' -n todo
    Fact("container app has no cpu request, of which a percentage is; set one or it cannot scale")
    Fact("the cluster serves no metrics, so it cannot scale until a metrics server runs")
    undo: set horizontalpodautoscaler/keeper back
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "min": 2, "max": 4})).await, @"nothing: horizontalpodautoscaler/keeper already keeps it so; nothing to change");
    assert_snapshot!(propose(json!({"workload": "backend", "min": 5})).await, @"error: horizontalpodautoscaler/keeper would go from 5 to 4; min cannot be more");
}

#[tokio::test]
async fn what_cannot_be_bounds_is_refused() {
    assert_snapshot!(propose(json!({"workload": "frontend", "min": 5, "max": 2})).await, @"error: min is 5 and max is 2; min cannot be more");
    assert_snapshot!(propose(json!({"workload": "frontend", "min": 0, "max": 2})).await, @"error: min must be a whole number from 1 to 1000, got 0");
    assert_snapshot!(propose(json!({"workload": "frontend", "max": 2, "cpu": "high"})).await, @r#"error: cpu must be a whole number from 1 to 1000, got "high""#);
}
