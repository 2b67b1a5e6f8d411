//! `pods/eviction`: a deletion that disruption budgets may refuse.
//!
//! Source: `pkg/registry/core/pod/storage/eviction.go` of Kubernetes 1.37.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete;
use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::ApiError;
use crate::conditions::{self, Condition};
use crate::controllers::disruption;
use crate::object::{self, time_text};
use crate::schema;
use crate::store::{Key, Part, Store};

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Answers `create` of an eviction.
pub(crate) fn create(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let mut eviction = incoming.object()?;
    schema::decode("Eviction", &mut eviction).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let pod = existing(target, store)?;
    if object::name(&eviction) != target.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = delete::options_of(&eviction["deleteOptions"], incoming)?;
    // Unlike a deletion, it is asked in its query too (`propagateDryRun`).
    options.dry_run |= incoming.is_dry_run()?;
    // Pods that serve nobody are no disruption.
    let serves = pod["status"]["phase"] == "Running" && !object::is_terminating(&pod);
    if serves && let Some(answer) = ask_budget(&pod, options.dry_run, store, incoming)? {
        return Ok(answer);
    }
    // Only now: a pod that is no longer as demanded has used up a disruption all the same.
    delete::check_preconditions(&pod, &options.deletion, target)?;
    let key = Key::of(target.resource.kind, &target.namespace, &target.name);
    if !options.dry_run {
        store.edit(&key, Part::Status, incoming.now, |pod| {
            let condition = Condition {
                kind: "DisruptionTarget",
                status: "True",
                reason: "EvictionByEvictionAPI",
                message: "Eviction API: evicting",
            };
            conditions::set(&mut pod["status"], &condition, &[("lastProbeTime", Value::Null)], incoming.now);
        });
        if let Some(version) = &mut options.deletion.resource_version {
            // The condition made a new version of the pod as it was demanded.
            let pod = existing(target, store)?;
            object::metadata_text(&pod, "resourceVersion").clone_into(version);
        }
    }
    delete::carry_out(&key, &options, store, incoming)
        .map_err(|error| ApiError::of_store(&error, target.resource, &target.name))?;
    let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    let reply = Reply::json(done).code(201);
    Ok(if options.dry_run { reply } else { reply.written() })
}

/// Takes the pod off its budget, or says why it must stay.
fn ask_budget(pod: &Value, dry_run: bool, store: &mut Store, incoming: &Incoming) -> Result<Option<Reply>, ApiError> {
    let mut budgets: Vec<Arc<Value>> = store.list("policy", "poddisruptionbudgets", Some(object::namespace(pod)));
    budgets.retain(|budget| disruption::covers(budget, pod));
    let budget = match budgets.as_slice() {
        [] => return Ok(None),
        [only] => only,
        _ => {
            let why =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            let body = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": why, "code": 500,
            });
            return Ok(Some(Reply::json(body).code(500)));
        }
    };
    let status = &budget["status"];
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    if !conditions::is_true(&pod["status"], "Ready") {
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        let enough = count("currentHealthy") >= count("desiredHealthy") && count("desiredHealthy") > 0;
        if always || enough {
            return Ok(None);
        }
    }
    check(budget)?;
    if !dry_run {
        store.edit(&Key::of_object(budget), Part::Status, incoming.now, |budget| {
            let status = &mut budget["status"];
            let left = status["disruptionsAllowed"].as_i64().unwrap_or_default() - 1;
            status["disruptionsAllowed"] = json!(left);
            if left == 0 {
                disruption::set_condition(status, "False", "InsufficientPods", "", incoming.now);
            }
            object::map_at(status, "disruptedPods").insert(object::name(pod).into(), time_text(incoming.now).into());
        });
    }
    Ok(None)
}

fn check(budget: &Value) -> Result<(), ApiError> {
    let (name, status) = (object::name(budget), &budget["status"]);
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    if count(&status["observedGeneration"]) < count(&budget["metadata"]["generation"]) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(ApiError::too_many_requests(REFUSED, 10, "DisruptionBudget", &why));
    }
    if count(&status["disruptionsAllowed"]) > 0 {
        return Ok(());
    }
    let (healthy, desired) = (count(&status["currentHealthy"]), count(&status["desiredHealthy"]));
    let condition = conditions::find(status, "DisruptionAllowed").filter(|it| it["status"] == "False");
    let told = |field: &str| condition.and_then(|it| it[field].as_str()).unwrap_or_default();
    let why = match told("message") {
        message if told("reason") == "SyncFailed" && !message.is_empty() => {
            format!(
                "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
            )
        }
        _ if healthy <= desired => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        }
        "" => format!("The disruption budget {name} does not allow evicting pods currently"),
        message => {
            let reason = told("reason");
            format!("The disruption budget {name} does not allow evicting pods currently ({reason}): {message}")
        }
    };
    Err(ApiError::too_many_requests(REFUSED, 0, "DisruptionBudget", &why))
}
