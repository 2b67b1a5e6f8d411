//! Kinds that the cluster learns while it runs: defined, made, listed, explained, changed and deleted like any other.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[scenario!(objects_of_a_kind_of_ones_own_are_handled_like_any_other)];

/// A definition's name. The definition goes when this is dropped, however far the scenario came.
struct Definition<'a>(String, &'a Place);

impl Drop for Definition<'_> {
    fn drop(&mut self) {
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}", self.0);
        self.1.access.request("DELETE", &path, None);
    }
}

fn objects_of_a_kind_of_ones_own_are_handled_like_any_other(site: &Site) {
    let place = Place::new(site);
    // The definition is for the whole cluster: its name is this scenario's own.
    let group = format!("{}.example.com", place.namespace);
    let definition = Definition(format!("backups.{group}"), &place);
    let manifest = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": definition.0},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "backups", "singular": "backup", "kind": "Backup"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "properties": {"spec": {"type": "object", "properties": {
                    "keep": {"type": "integer", "minimum": 1, "description": "How many copies stay."}}}}}}}]},
    });
    let backup = |keep: u64| {
        let object = json!({"apiVersion": format!("{group}/v1"), "kind": "Backup", "metadata": {"name": "nightly"},
            "spec": {"keep": keep}});
        json!({"manifests": object.to_string()}).to_string()
    };
    let early = place.run(&["call", "apply", &backup(3), "--yes=high"]).exits(2);
    early.says("has no kind").never_says("✓").enough();

    let call = json!({"manifests": manifest.to_string()}).to_string();
    place.run(&["call", "apply", &call, "--yes=high"]).exits(0).says("customresourcedefinition").enough();
    let part = format!("apis/{group}/v1");
    await_that("the kind's documentation", || {
        place.access.request("GET", "/openapi/v3", None).1["paths"].get(&part).is_some()
    });
    place.run(&["call", "apply", &backup(3), "--yes=high"]).exits(0).enough();
    let kind = format!("backups.{group}");
    let call = |tool: &str, mut arguments: serde_json::Value| {
        arguments["kind"] = json!(kind);
        place.run(&["call", tool, &arguments.to_string(), "--yes=high"])
    };
    call("list", json!({})).exits(0).says("1 backup").says("nightly").enough();
    call("describe", json!({"name": "nightly"})).exits(0).says("keep: 3").enough();
    call("explain", json!({"field": "spec.keep"})).exits(0).says("How many copies stay.").enough();
    call("patch", json!({"name": "nightly", "merge": {"spec": {"keep": 0}}})).exits(1).says("spec.keep").enough();
    call("patch", json!({"name": "nightly", "merge": {"spec": {"keep": 5}}})).exits(0).says("3 → 5").enough();
    place.run(&["undo", "--yes=high"]).exits(0).says("5 → 3").enough();
    call("delete", json!({"name": "nightly"})).exits(0).says("deleted").enough();
    place.run(&["undo", "--yes=high"]).exits(0).enough();
    call("describe", json!({"name": "nightly"})).exits(0).says("keep: 3").enough();

    // All objects of the kind in the whole cluster go with it: no answer given beforehand covers that.
    let whole = json!({"kind": "crd", "name": definition.0}).to_string();
    let protected = place.run(&["call", "delete", &whole, "--yes=high"]).exits(3).says("protected");
    protected.says("every Backup in the cluster is deleted with it").says("Nothing was sent").enough();
    drop(definition);
    await_that("a kind that is gone", || {
        let output = place.run(&["call", "list", &json!({"kind": kind}).to_string()]);
        output.code == Some(1) && output.stderr.contains("has no kind")
    });
}
