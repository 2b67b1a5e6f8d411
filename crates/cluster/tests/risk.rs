//! Risk follows from what changes, not from the way it is asked for.

use serde_json::{Value, json};
use todo_agent_core::{Effect, ObjectRef, Op, PatchStyle, Payload, Risk};
use todo_agent_kube_rules::kinds;

use crate::support::Stage;

/// Every way there is to set a replica count.
fn ways(replicas: u32) -> Vec<Op> {
    let merge: Value = json!({"spec": {"replicas": replicas}});
    let operations = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
    vec![
        Op::Scale { replicas },
        Op::Patch { style: PatchStyle::Merge, body: Payload::new(merge.clone()) },
        Op::Patch { style: PatchStyle::Strategic, body: Payload::new(merge) },
        Op::Patch { style: PatchStyle::Json, body: Payload::new(operations) },
    ]
}

#[tokio::test]
async fn the_same_change_has_the_same_risk_whatever_way_it_takes() {
    let stage = Stage::new("todo");
    for (replicas, expected) in [(0, Risk::High), (1, Risk::Medium), (3, Risk::Low), (9, Risk::Low)] {
        let mut diffs = Vec::new();
        for op in ways(replicas) {
            let mut change = stage.scale(replicas);
            change.phases[0].effects = vec![Effect::Object { target: stage.backend(), op }];
            let preview = stage.preview(change).await;
            let step = &preview.view().steps[0];
            assert_eq!(step.risk, expected, "{replicas} by {}", step.verb);
            diffs.push(step.diff.clone());
        }
        assert!(diffs.windows(2).all(|pair| pair[0] == pair[1]), "{diffs:?}");
    }
}

/// Changes of a Deployment, each as the fields that it sets, with the harm they can do.
fn changes() -> Vec<(Value, Risk)> {
    let template = |pod: Value| json!({"spec": {"template": {"spec": pod}}});
    vec![
        (json!({"spec": {"paused": true}}), Risk::Low),
        (json!({"metadata": {"labels": {"tier": "api"}}}), Risk::Low),
        (json!({"spec": {"minReadySeconds": 5}}), Risk::Medium),
        (json!({"spec": {"template": {"metadata": {"annotations": {"mesh": "on"}}}}}), Risk::Medium),
        (json!({"spec": {"template": {"metadata": {"labels": {"tier": "api"}}}}}), Risk::High),
        (template(json!({"priority": null, "terminationGracePeriodSeconds": 5})), Risk::Medium),
        (template(json!({"hostNetwork": true})), Risk::High),
        (template(json!({"serviceAccountName": "admin"})), Risk::High),
        (json!({"metadata": {"finalizers": ["example.com/hold"]}}), Risk::High),
    ]
}

/// Returns the operations of a JSON patch for a merge patch.
pub(crate) fn operations(fields: &Value, live: &Value) -> Value {
    fn walk(path: &str, fields: &Value, live: Option<&Value>, all: &mut Vec<Value>) {
        match (fields, live) {
            (Value::Object(map), Some(Value::Object(there))) => {
                for (key, value) in map {
                    walk(&format!("{path}/{}", key.replace('/', "~1")), value, there.get(key), all);
                }
            }
            (Value::Null, None) => {}
            (Value::Null, Some(_)) => all.push(json!({"op": "remove", "path": path})),
            (value, _) => all.push(json!({"op": "add", "path": path, "value": value})),
        }
    }
    let mut all = Vec::new();
    walk("", fields, Some(live), &mut all);
    Value::Array(all)
}

/// Returns the same fields as a manifest; one that takes fields away there is not.
fn applied(fields: &Value) -> Option<Op> {
    let mut object = fields.clone();
    object["apiVersion"] = json!("apps/v1");
    object["kind"] = json!("Deployment");
    object["metadata"]["name"] = json!("backend");
    object["metadata"]["namespace"] = json!("todo");
    let takes_away = object.to_string().contains("null");
    (!takes_away).then(|| Op::Apply { object: Payload::new(object) })
}

#[tokio::test]
async fn the_same_fields_have_the_same_risk_whatever_patch_sets_them() {
    let stage = Stage::new("todo");
    let live = stage.live().await;
    for (fields, expected) in changes() {
        let mut seen = Vec::new();
        let patch = |style, body| Op::Patch { style, body: Payload::new(body) };
        let mut ways = vec![
            patch(PatchStyle::Merge, fields.clone()),
            patch(PatchStyle::Strategic, fields.clone()),
            patch(PatchStyle::Json, operations(&fields, &live)),
        ];
        ways.extend(applied(&fields));
        for op in ways {
            let mut change = stage.scale(3);
            change.phases[0].effects = vec![Effect::Object { target: stage.backend(), op }];
            let preview = stage.preview(change).await;
            let step = &preview.view().steps[0];
            assert_eq!(step.risk, expected, "{fields} by {}", step.verb);
            seen.push(step.diff.clone());
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
    }
}

#[tokio::test]
async fn what_is_new_has_the_same_risk_made_or_applied() {
    let stage = Stage::new("todo");
    let pod = |more: Value| {
        let mut container = json!({"name": "a", "image": "web:1"});
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}})
    };
    for (object, expected) in [
        (json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}), Risk::Medium),
        (pod(json!({})), Risk::Medium),
        (pod(json!({"securityContext": {"privileged": true}})), Risk::High),
        (json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": []}), Risk::High),
    ] {
        let kind = kinds::find(object["kind"].as_str().unwrap()).unwrap();
        let target = ObjectRef::new(kind, "todo", "fresh");
        let mut object = object.clone();
        object["metadata"] = json!({"name": "fresh", "namespace": "todo"});
        let create = Op::Create { object: Payload::new(object.clone()) };
        for op in [create, Op::Apply { object: Payload::new(object.clone()) }] {
            let mut change = stage.scale(3);
            change.phases[0].effects = vec![Effect::Object { target: target.clone(), op }];
            let preview = stage.preview(change).await;
            let step = &preview.view().steps[0];
            assert_eq!(step.risk, expected, "{} by {}", kind.kind, step.verb);
        }
    }
}
