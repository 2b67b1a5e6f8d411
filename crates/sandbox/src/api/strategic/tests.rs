//! What strategic merge patches do to a Deployment, and what they are refused for.

use serde_json::{Value, json};

use super::*;
use crate::schema::root_type;

fn try_patch(mut object: Value, patch: &Value) -> Result<Value, StrategicError> {
    merge(&mut object, patch.as_object().unwrap(), &root_type("Deployment"))?;
    Ok(object)
}

fn patched(object: Value, patch: &Value) -> Value {
    try_patch(object, patch).unwrap()
}

fn refused(patch: &Value) -> String {
    try_patch(deployment(), patch).unwrap_err().to_string()
}

fn deployment() -> Value {
    json!({"spec": {"template": {"spec": {"containers": [
        {"name": "a", "image": "a:1", "args": ["x"], "env": [{"name": "X", "value": "1"}]},
        {"name": "b", "image": "b:1"}
    ]}}}})
}

fn template(spec: &Value) -> Value {
    json!({"spec": {"template": {"spec": spec}}})
}

fn names(object: &Value) -> Vec<&str> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    containers.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn containers_merge_by_name_and_their_arguments_are_replaced() {
    let change =
        json!({"containers": [{"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "Y", "value": "2"}]}]});
    let result = patched(deployment(), &template(&change));
    assert_eq!(
        result["spec"]["template"]["spec"]["containers"],
        json!([
            {"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]},
            {"name": "b", "image": "b:1"}
        ])
    );
}

#[test]
fn a_restart_annotation_is_merged_into_the_template() {
    let change =
        json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}});
    let result = patched(deployment(), &change);
    assert_eq!(result["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"], "now");
    assert_eq!(result["spec"]["template"]["spec"], deployment()["spec"]["template"]["spec"]);
}

#[test]
fn directives_delete_replace_and_order() {
    let change = json!({
        "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
        "containers": [{"name": "c", "image": "c:1"}, {"name": "b", "$patch": "delete"}]
    });
    assert_eq!(names(&patched(deployment(), &template(&change))), ["c", "a"]);
    let object = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let change = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    assert_eq!(patched(object, &change), json!({"spec": {"strategy": {"type": "Recreate"}}}));
    let object = json!({"metadata": {"finalizers": ["a", "b"]}});
    let change = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}});
    assert_eq!(patched(object, &change)["metadata"]["finalizers"], json!(["c", "b"]));
    let change = template(&json!({"containers": [{"$patch": "replace"}, {"name": "z"}]}));
    assert_eq!(names(&patched(deployment(), &change)), ["z"]);
    assert_eq!(patched(deployment(), &json!({"spec": {"$patch": "delete"}})), json!({"spec": {}}));
}

#[test]
fn an_order_alone_moves_what_is_there() {
    let change = template(&json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}));
    assert_eq!(names(&patched(deployment(), &change)), ["b", "a"]);
}

#[test]
fn something_new_has_no_nulls_and_no_directives() {
    let change = json!({"spec": {"strategy": {"type": null, "rollingUpdate": {"$patch": "delete"}}}});
    assert_eq!(patched(json!({"spec": {}}), &change), json!({"spec": {"strategy": {}}}));
}

#[test]
fn what_makes_no_sense_is_refused_in_the_words_of_the_library() {
    assert_eq!(
        refused(&template(&json!({"containers": [{"image": "x", "args": ["a", "b"]}]}))),
        "map: map[args:[a b] image:x] does not contain declared merge key: name"
    );
    assert_eq!(
        refused(&json!({"spec": {"$patch": "merge", "paused": true}})),
        "unknown patch type: merge in map: map[$patch:merge paused:true]"
    );
    assert_eq!(
        refused(&template(&json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]}))),
        "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n"
    );
    assert_eq!(
        refused(&template(&json!({"$setElementOrder/nothing": []}))),
        "unable to find api field in struct PodSpec for the json field \"nothing\""
    );
    assert_eq!(
        refused(&json!({"spec": {"$retainKeys": ["paused"], "replicas": 1}})),
        "invalid patch format of retainKeys"
    );
}
