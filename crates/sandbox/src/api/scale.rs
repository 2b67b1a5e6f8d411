//! `scale`: the replica count of a workload as an `autoscaling/v1` Scale.

use http::Method;
use serde_json::{Value, json};

use super::incoming::Incoming;
use super::metadata::object_as;
use super::patch;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use super::write::{self, Ownership};
use crate::object::{self, metadata_mut};
use crate::schema;
use crate::store::Store;

/// Answers every verb on `scale`.
pub(crate) fn scale(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let current = existing(target, store)?;
    let before = scale_of(&current);
    let mut ownership = Ownership::Taken;
    let mut wanted = match incoming.method.as_str() {
        "GET" | "HEAD" => return Ok(Reply::json(object_as(&before, incoming.form()?)?)),
        "PUT" => incoming.object()?,
        "PATCH" if incoming.is_apply() => {
            let (applied, managers) = super::apply::scale(incoming, target, &current, &before)?;
            ownership = Ownership::Settled(managers);
            applied
        }
        "PATCH" => {
            patch::check(incoming)?;
            patch::apply(incoming, &before)?
        }
        _ => return Err(ApiError::method_not_allowed()),
    };
    schema::decode("Scale", &mut wanted).map_err(|error| {
        if incoming.method == Method::PATCH {
            return patch::invalid(&wanted.to_string(), &error.to_string());
        }
        ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {error}"))
    })?;
    let found = object::name(&wanted);
    if found != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({found}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(ApiError::invalid_kind("Scale", "autoscaling", &target.name, &[cause]));
    }
    let mut object = Value::clone(&current);
    object["spec"]["replicas"] = replicas.into();
    let claimed = object::metadata_text(&wanted, "resourceVersion").to_owned();
    if claimed.is_empty() {
        metadata_mut(&mut object).remove("resourceVersion");
    } else {
        metadata_mut(&mut object).insert("resourceVersion".into(), claimed.into());
    }
    write::replace(incoming, target, object, store, Vec::new(), ownership, |stored, form| {
        object_as(&scale_of(stored), form)
    })
}

fn scale_of(workload: &Value) -> Value {
    let metadata = &workload["metadata"];
    let mut own = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = metadata.get(field) {
            own[field] = value.clone();
        }
    }
    let selector = todo_agent_kube_rules::selectors::LabelSelector::from_object(&workload["spec"]["selector"]);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": own,
        // Zero is not written (`omitempty`).
        "spec": workload["spec"]["replicas"].as_i64().filter(|count| *count != 0).map_or_else(|| json!({}), |count| json!({"replicas": count})),
        "status": {
            "replicas": workload["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": selector.map(|selector| selector.to_string()).unwrap_or_default()
        }
    })
}
