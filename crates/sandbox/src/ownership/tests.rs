//! Who holds what after a sequence of applies and updates of a Deployment.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::schema::{as_written, root_type};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// An object and its managers.
struct Kept {
    object: Value,
    managers: Managers,
}

impl Kept {
    fn new() -> Self {
        Self { object: whole(json!({"apiVersion": "apps/v1", "kind": "Deployment"})), managers: Managers::default() }
    }

    fn try_apply(&self, name: &str, config: &Value, force: bool) -> Result<Applied, Refused> {
        let application = Application {
            shape: &root_type("Deployment"),
            config,
            api_version: "apps/v1",
            manager: Manager::apply(name, ""),
            force,
            ignored: FieldSet::of_fields(&[&["status"]]),
            now: NOW,
        };
        application.to(&self.object, &self.managers)
    }

    fn apply(&mut self, name: &str, config: &Value) {
        let applied = self.try_apply(name, config, false).unwrap();
        self.object = whole(applied.object);
        self.managers = applied.managers;
    }

    fn force(&mut self, name: &str, config: &Value) {
        let applied = self.try_apply(name, config, true).unwrap();
        self.object = whole(applied.object);
        self.managers = applied.managers;
    }

    fn update(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut after = self.object.clone();
        change(&mut after);
        let manager = Manager::update(name, "apps/v1", "");
        let ignored = FieldSet::of_fields(&[&["status"]]);
        self.managers.update(&root_type("Deployment"), &self.object, &after, &manager, &ignored, NOW);
        self.object = after;
    }

    fn conflict(&self, name: &str, config: &Value) -> String {
        match self.try_apply(name, config, false) {
            Err(Refused::Conflicts(conflicts)) => conflicts.message(),
            other => panic!("{other:?}"),
        }
    }

    fn misfit(&self, config: &Value) -> String {
        match self.try_apply("a", config, false) {
            Err(Refused::Misfit(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    fn fields(&self, name: &str) -> Value {
        let mut object = json!({});
        self.managers.write(&mut object);
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .find(|entry| entry["manager"] == name)
            .map_or(Value::Null, |entry| entry["fieldsV1"].clone())
    }
}

fn whole(mut object: Value) -> Value {
    as_written("Deployment", &mut object);
    object
}

fn config(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
}

fn containers(list: &Value) -> Value {
    config(&json!({"template": {"spec": {"containers": list}}}))
}

#[test]
fn what_is_applied_is_held_with_the_items_of_lists_by_their_keys() {
    let mut kept = Kept::new();
    kept.apply(
        "a",
        &containers(&json!([{"name": "app", "image": "app:1", "ports": [{"containerPort": 80}], "args": ["x"]}])),
    );
    assert_eq!(
        kept.fields("a")["f:spec"]["f:template"]["f:spec"]["f:containers"],
        json!({"k:{\"name\":\"app\"}": {
            ".": {}, "f:args": {}, "f:image": {}, "f:name": {},
            "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}
        }})
    );
}

#[test]
fn a_field_that_is_applied_no_more_goes_unless_another_holds_it() {
    let mut kept = Kept::new();
    kept.apply("a", &config(&json!({"replicas": 2, "minReadySeconds": 5, "paused": true})));
    kept.apply("b", &config(&json!({"minReadySeconds": 5})));
    kept.apply("a", &config(&json!({"replicas": 2})));
    assert_eq!(kept.object["spec"]["minReadySeconds"], 5);
    assert!(kept.object["spec"].get("paused").is_none());
    assert_eq!(kept.fields("a"), json!({"f:spec": {"f:replicas": {}}}));
}

#[test]
fn an_item_that_is_applied_no_more_goes_with_everything_in_it() {
    let mut kept = Kept::new();
    kept.apply("a", &containers(&json!([{"name": "app", "image": "app:1"}, {"name": "side", "image": "side:1"}])));
    kept.apply("a", &containers(&json!([{"name": "app", "image": "app:2"}])));
    let left = kept.object["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["image"], "app:2");
}

#[test]
fn what_another_holds_is_in_the_way_until_it_is_forced() {
    let mut kept = Kept::new();
    kept.apply("a", &config(&json!({"replicas": 2})));
    kept.update("kubectl-edit", |object| object["spec"]["replicas"] = 5.into());
    let wanted = config(&json!({"replicas": 2}));
    assert_eq!(
        kept.conflict("a", &wanted),
        r#"Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas"#
    );
    kept.force("a", &wanted);
    assert_eq!((&kept.object["spec"]["replicas"], kept.fields("kubectl-edit")), (&json!(2), Value::Null));
}

#[test]
fn several_conflicts_are_listed_by_manager() {
    let mut kept = Kept::new();
    kept.apply("a", &config(&json!({"replicas": 2, "paused": true})));
    kept.apply("c", &containers(&json!([{"name": "app", "image": "app:1"}])));
    let wanted = json!({"replicas": 3, "paused": false, "template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}});
    assert_eq!(
        kept.conflict("b", &config(&wanted)),
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .spec.paused\n- .spec.replicas\nconflicts with \"c\":\n- .spec.template.spec.containers[name=\"app\"].image"
    );
}

#[test]
fn who_applies_the_same_shares_it() {
    let mut kept = Kept::new();
    kept.apply("a", &config(&json!({"replicas": 2})));
    kept.apply("b", &config(&json!({"replicas": 2})));
    assert_eq!(kept.fields("a"), kept.fields("b"));
    kept.apply("a", &config(&json!({})));
    assert_eq!(kept.object["spec"]["replicas"], 2, "b still holds it");
}

#[test]
fn a_selector_and_arguments_have_one_owner() {
    let mut kept = Kept::new();
    kept.apply("a", &config(&json!({"selector": {"matchLabels": {"app": "web"}}})));
    assert_eq!(kept.fields("a"), json!({"f:spec": {"f:selector": {}}}));
}

#[test]
fn what_is_no_configuration_of_the_kind_is_refused() {
    let kept = Kept::new();
    assert_eq!(kept.misfit(&config(&json!({"replica": 2}))), ".spec.replica: field not declared in schema");
    assert_eq!(
        kept.misfit(&config(&json!({"replicas": "two"}))),
        ".spec.replicas: expected numeric (int or float), got string"
    );
    assert_eq!(
        kept.misfit(&containers(&json!([{"name": "a"}, {"name": "a"}]))),
        r#".spec.template.spec.containers: duplicate entries for key [name="a"]"#
    );
}

#[test]
fn what_kubectl_applied_from_the_client_is_its_own() {
    let mut kept = Kept::new();
    let first = config(&json!({"replicas": 2}));
    kept.update("kubectl-client-side-apply", |object| {
        object["spec"]["replicas"] = 2.into();
        object["metadata"] = json!({"name": "web", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": first.to_string()}});
    });
    let wanted = config(&json!({"replicas": 3}));
    assert!(kept.conflict("helm", &wanted).contains("kubectl-client-side-apply"));
    kept.apply("kubectl", &wanted);
    assert_eq!(kept.object["spec"]["replicas"], 3);
    assert_eq!(
        kept.object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"],
        format!("{wanted}\n")
    );
}

#[test]
fn the_oldest_of_too_many_updates_are_put_together() {
    let mut kept = Kept::new();
    for number in 0..12 {
        kept.update(&format!("m{number:02}"), |object| {
            object["metadata"]["labels"][format!("l{number}")] = "x".into();
        });
    }
    assert_eq!(kept.fields("m11")["f:metadata"]["f:labels"], json!({"f:l11": {}}));
    let ancient = kept.fields("ancient-changes");
    assert!(ancient["f:metadata"]["f:labels"]["f:l2"].is_object(), "{ancient}");
}

#[test]
fn of_a_custom_object_maps_have_many_owners_lists_one_and_finalizers_theirs() {
    let config = json!({
        "apiVersion": "example.com/v1", "kind": "Backup",
        "metadata": {"name": "a", "finalizers": ["example.com/x"], "labels": {"l": "1"}},
        "spec": {"keep": {"days": 3}, "paths": ["/a"], "on": true}
    });
    let application = Application {
        shape: &root_type("Backup"),
        config: &config,
        api_version: "example.com/v1",
        manager: Manager::apply("a", ""),
        force: false,
        ignored: FieldSet::default(),
        now: NOW,
    };
    let live = json!({"apiVersion": "example.com/v1", "kind": "Backup"});
    let applied = application.to(&live, &Managers::default()).unwrap();
    assert_eq!(applied.object, config);
    let mut object = json!({});
    applied.managers.write(&mut object);
    assert_eq!(
        object["metadata"]["managedFields"][0]["fieldsV1"],
        json!({
            "f:metadata": {"f:finalizers": {"v:\"example.com/x\"": {}}, "f:labels": {"f:l": {}}},
            "f:spec": {".": {}, "f:keep": {".": {}, "f:days": {}}, "f:on": {}, "f:paths": {}}
        })
    );
}
