//! Whatever changes, and whichever way it is asked for: the same diff has the same risk.
//!
//! A Deployment is bent at random. Each result is then asked for as a merge patch, a JSON patch, a strategic merge patch
//! and by applying a manifest; the server's dry run must show the same diff each time, and the program the same risk.

use proptest::{prelude::*, test_runner::Config};
use serde_json::{Map, Value, json};
use todo_agent_core::{Effect, ObjectRef, Op, PatchStyle, Payload, Reader, Risk, view::FieldChange};
use todo_agent_kube_rules::kinds;

use crate::{risk::operations, support::Stage};

/// What can be bent.
const BENDS: &[fn(&mut Value, u8)] = &[
    |it, n| it["spec"]["replicas"] = json!(n % 6),
    |it, n| it["spec"]["paused"] = json!(n.is_multiple_of(2)),
    |it, n| it["spec"]["minReadySeconds"] = json!(n % 9),
    |it, n| it["metadata"]["labels"]["tier"] = json!(format!("t{}", n % 3)),
    |it, n| it["metadata"]["annotations"] = json!({"note": n.to_string()}),
    |it, _| it["metadata"]["finalizers"] = json!(["example.com/hold"]),
    |it, n| it["spec"]["template"]["metadata"]["labels"]["tier"] = json!(format!("t{}", n % 3)),
    |it, n| {
        it["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": n.to_string()});
    },
    |it, n| it["spec"]["template"]["metadata"]["annotations"] = json!({"mesh": n.to_string()}),
    |it, n| app(it)["image"] = json!(format!("web:{n}")),
    |it, n| app(it)["env"] = json!([{"name": "A", "value": n.to_string()}, {"name": "B", "value": "b"}]),
    |it, _| forget(app(it), "env"),
    |it, n| app(it)["resources"] = json!({"limits": {"memory": format!("{}Mi", 64 + u32::from(n))}}),
    |it, _| app(it)["args"] = json!(["--fast"]),
    |it, n| app(it)["ports"] = json!([{"containerPort": 8000 + u16::from(n), "protocol": "TCP"}]),
    |it, _| forget(app(it), "ports"),
    |it, _| app(it)["securityContext"] = json!({"privileged": true}),
    |it, n| app(it)["securityContext"] = json!({"runAsUser": 1000 + u16::from(n)}),
    |it, _| app(it)["volumeMounts"] = json!([{"name": "data", "mountPath": "/other"}]),
    |it, _| containers(it).as_array_mut().unwrap().truncate(1),
    |it, n| containers(it).as_array_mut().unwrap().push(json!({"name": format!("extra-{n}"), "image": "extra:1"})),
    |it, _| pod(it)["hostNetwork"] = json!(true),
    |it, _| pod(it)["serviceAccountName"] = json!("admin"),
    |it, _| pod(it)["nodeSelector"] = json!({"disk": "fast"}),
    |it, n| pod(it)["terminationGracePeriodSeconds"] = json!(n),
    |it, _| {
        pod(it)["volumes"] =
            json!([{"name": "data", "emptyDir": {}}, {"name": "host", "hostPath": {"path": "/etc", "type": ""}}]);
    },
    |it, _| pod(it)["tolerations"] = json!([{"key": "a", "operator": "Exists"}]),
];

/// Lists that a strategic merge patch merges by a key, and so must be told to replace.
const KEYED: &[&str] = &["containers", "env", "ports", "volumes", "volumeMounts"];

fn pod(object: &mut Value) -> &mut Value {
    &mut object["spec"]["template"]["spec"]
}

fn containers(object: &mut Value) -> &mut Value {
    &mut pod(object)["containers"]
}

fn app(object: &mut Value) -> &mut Value {
    &mut containers(object)[0]
}

fn forget(part: &mut Value, field: &str) {
    part.as_object_mut().unwrap().remove(field);
}

fn manifest() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "todo", "labels": {"app": "web"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {"name": "app", "image": "web:1", "env": [{"name": "A", "value": "1"}], "args": ["--slow"],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                    {"name": "side", "image": "side:1"}],
                "volumes": [{"name": "data", "emptyDir": {}}]}}}})
}

/// Returns the merge patch (RFC 7386) from one object to another; `keyed` says what stands before a keyed list.
fn merge_patch(before: &Value, after: &Value, keyed: Option<&Value>) -> Value {
    let (Value::Object(from), Value::Object(to)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to.iter().filter(|(key, value)| from.get(*key) != Some(value)) {
        let there = from.get(key).unwrap_or(&Value::Null);
        let mut part = merge_patch(there, value, keyed);
        if let (Some(items), Some(directive), true) = (part.as_array_mut(), keyed, KEYED.contains(&key.as_str())) {
            items.insert(0, directive.clone());
        }
        patch.insert(key.clone(), part);
    }
    Value::Object(patch)
}

/// Returns every way to make `after` of what is there.
fn ways(live: &Value, after: &Value, manifest: &Value) -> Vec<(&'static str, Op)> {
    let patch = |style, body| Op::Patch { style, body: Payload::new(body) };
    let replace = json!({"$patch": "replace"});
    vec![
        ("merge", patch(PatchStyle::Merge, merge_patch(live, after, None))),
        ("json", patch(PatchStyle::Json, operations(&merge_patch(live, after, None), live))),
        ("strategic", patch(PatchStyle::Strategic, merge_patch(live, after, Some(&replace)))),
        ("apply", Op::Apply { object: Payload::new(manifest.clone()) }),
    ]
}

async fn previewed(stage: &Stage, target: &ObjectRef, op: Op) -> (Vec<FieldChange>, Risk) {
    let mut change = stage.scale(3);
    change.phases[0].effects = vec![Effect::Object { target: target.clone(), op }];
    change.undo = None;
    let preview = stage.preview(change).await;
    let step = &preview.view().steps[0];
    (step.diff.clone(), step.risk)
}

#[test]
fn the_same_diff_has_the_same_risk() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let mut stage = Stage::new("todo");
    drop(entered);
    let target = ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "web");
    let live = runtime.block_on(async {
        let mut change = stage.scale(3);
        let op = Op::Apply { object: Payload::new(manifest()) };
        change.phases[0].effects = vec![Effect::Object { target: target.clone(), op }];
        change.phases[0].settle.clear();
        change.undo = None;
        let preview = stage.preview(change).await;
        assert!(stage.carry_out(preview).await.is_complete());
        stage.cluster.get(&target).await.unwrap()
    });
    let bends = prop::collection::vec((0..BENDS.len(), any::<u8>()), 1..5);
    let config = Config { failure_persistence: None, ..Config::default() };
    proptest!(config, |(bends in bends)| {
        let (mut after, mut manifest) = (live.clone(), manifest());
        for (which, n) in bends {
            BENDS[which](&mut after, n);
            BENDS[which](&mut manifest, n);
        }
        let seen: Vec<_> = ways(&live, &after, &manifest)
            .into_iter()
            .map(|(way, op)| (way, runtime.block_on(previewed(&stage, &target, op))))
            .collect();
        let (first, rest) = seen.split_first().unwrap();
        for other in rest {
            prop_assert_eq!(&first.1, &other.1, "{} and {}", first.0, other.0);
        }
    });
}
