//! What is sent for each kind of write, and what of it is covered by the digest and by its precondition.

use todo_agent_core::Payload;
use todo_agent_kube_rules::kinds;

use super::*;

fn target() -> ObjectRef {
    ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend")
}

fn prepared(op: &Op) -> Prepared {
    Prepared::new(&target(), op)
}

fn live() -> Value {
    json!({"metadata": {"uid": "u", "resourceVersion": "42"}})
}

fn sent(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.request(&live(), Earnest::Real, None).content.unwrap().1).unwrap()
}

#[test]
fn a_scale_goes_to_its_subresource_with_a_precondition() {
    let request = prepared(&Op::Scale { replicas: 3 }).request(&live(), Earnest::DryRun, Some("c-1"));
    assert_eq!(request.path, "/apis/apps/v1/namespaces/todo/deployments/backend/scale");
    assert!(request.query.contains(&("dryRun", "All".to_owned())));
    let body: Value = serde_json::from_slice(&request.content.unwrap().1).unwrap();
    assert_eq!(body, json!({"spec": {"replicas": 3}, "metadata": {"resourceVersion": "42"}}));
}

#[test]
fn the_digest_covers_target_and_content_but_not_the_precondition() {
    let key = DigestKey::new([3; 32]);
    let digest = |replicas| prepared(&Op::Scale { replicas }).digest(&key);
    assert_eq!(digest(3), digest(3));
    assert_ne!(digest(3), digest(4));
    let delete = |propagation| prepared(&Op::Delete { propagation }).digest(&key);
    assert_ne!(delete(Propagation::Orphan), delete(Propagation::Background));
}

#[test]
fn a_json_patch_carries_its_precondition_as_an_operation() {
    let body = Payload::new(json!([{"op": "replace", "path": "/spec/paused", "value": true}]));
    let sent = sent(&prepared(&Op::Patch { style: PatchStyle::Json, body }));
    assert_eq!(sent[1], json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "42"}));
}

#[test]
fn no_patch_goes_without_its_precondition() {
    for style in [PatchStyle::Merge, PatchStyle::Strategic] {
        for body in [json!({"metadata": "x"}), json!({"metadata": null}), json!("x"), json!(null), json!([])] {
            let sent = sent(&prepared(&Op::Patch { style, body: Payload::new(body.clone()) }));
            assert_eq!(sent["metadata"]["resourceVersion"], "42", "{style:?} {body}");
        }
    }
    for body in [json!({"metadata": "x"}), json!("x"), json!(null), json!([])] {
        let sent = sent(&prepared(&Op::Patch { style: PatchStyle::Json, body: Payload::new(body.clone()) }));
        assert_eq!(sent[0]["path"], "/metadata/resourceVersion", "{body}");
    }
}

#[test]
fn a_deletion_is_of_this_object_in_this_version() {
    let delete = prepared(&Op::Delete { propagation: Propagation::Foreground });
    assert_eq!(delete.request(&live(), Earnest::Real, None).method, http::Method::DELETE);
    assert_eq!(
        sent(&delete),
        json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
            "preconditions": {"uid": "u", "resourceVersion": "42"}})
    );
}

#[test]
fn a_deletion_is_tried_by_its_body_which_alone_counts() {
    let delete = prepared(&Op::Delete { propagation: Propagation::Background });
    let body = |earnest| -> Value {
        serde_json::from_slice(&delete.request(&live(), earnest, None).content.unwrap().1).unwrap()
    };
    assert_eq!(body(Earnest::DryRun)["dryRun"], json!(["All"]));
    assert!(body(Earnest::Real).get("dryRun").is_none());
}

#[test]
fn a_new_object_goes_to_its_collection() {
    let create = prepared(&Op::Create { object: Payload::new(json!({"kind": "Deployment"})) });
    let request = create.request(&Value::Null, Earnest::DryRun, None);
    assert_eq!(
        (request.method, request.path.as_str()),
        (http::Method::POST, "/apis/apps/v1/namespaces/todo/deployments")
    );
}

#[test]
fn the_values_of_a_secret_are_never_written_unseen() {
    let secret = ObjectRef::new(kinds::find("secret").unwrap(), "todo", "keys");
    let unseen = |style, body: Value| {
        let op = Op::Patch { style, body: Payload::new(body) };
        Prepared::new(&secret, &op).writes_unseen()
    };
    assert!(!unseen(PatchStyle::Merge, json!({"metadata": {"labels": {"a": "b"}}})));
    assert!(unseen(PatchStyle::Merge, json!({"metadata": {"labels": {}}, "data": {"a": "Yg=="}})));
    assert!(unseen(PatchStyle::Strategic, json!({"metadata": {"annotations": {}}})));
    assert!(unseen(PatchStyle::Json, json!([{"op": "add", "path": "/data/a", "value": "Yg=="}])));
    let delete = Op::Delete { propagation: Propagation::Background };
    assert!(!Prepared::new(&secret, &delete).writes_unseen());
}

#[test]
fn of_a_secret_that_is_made_or_applied_the_keys_are_seen_and_no_value() {
    let secret = ObjectRef::new(kinds::find("secret").unwrap(), "todo", "s");
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"A": "x"}});
    let seen = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    for op in [Op::Create { object: Payload::new(object.clone()) }, Op::Apply { object: Payload::new(object) }] {
        let prepared = Prepared::new(&secret, &op);
        assert!(!prepared.writes_unseen());
        let computed = prepared.computed_after(&Value::Null).unwrap();
        assert_eq!(computed, seen);
        assert_eq!(prepared.with_keys(computed, &Value::Null)["stringData"], json!({"A": "<set>"}));
        let again = prepared.with_keys(seen.clone(), &seen);
        assert_eq!(again["stringData"], json!({"A": "<set-anew>"}));
        assert_eq!(prepared.with_unknown_keys(Value::Null), Value::Null);
    }
}

#[test]
fn what_the_server_draws_by_lot_is_not_part_of_a_preview() {
    let answer = json!({"kind": "Service", "metadata": {"name": "a", "uid": "u", "creationTimestamp": "now"},
        "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80, "nodePort": 30000}]}});
    let shown = without_chance(answer.clone(), &json!({"spec": {"ports": [{"port": 80}]}}));
    let left = json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}});
    assert_eq!(shown, left);
    let asked = json!({"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]}});
    assert_eq!(without_chance(answer.clone(), &asked)["spec"], answer["spec"]);
}
