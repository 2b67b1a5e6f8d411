//! Reviews: "who am I", "may I", "what may I", "may they". Answered from the stored RBAC objects, never stored.

use serde_json::{Value, json};
use todo_agent_kube_rules::rbac::{Decision, Request, User};

use super::auth::{self, Stored};
use super::incoming::Incoming;
use super::managed_fields;
use super::reply::Reply;
use super::route::Review;
use super::status::{ApiError, Cause};
use crate::object::{self, time_text};
use crate::store::Store;

const GROUP: &str = "authorization.k8s.io";

/// Answers a review.
pub(crate) fn review(incoming: &Incoming, review: Review, store: &Store) -> Result<Reply, ApiError> {
    if incoming.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let (group, resource, kind) = review.names();
    let mut object = incoming.object()?;
    if !object.is_object() || object["kind"].as_str().is_some_and(|found| found != kind) {
        return Err(ApiError::bad_request(format!("the body of this request must be a {kind}")));
    }
    let status = match review {
        Review::SelfSubject => {
            // The real server answers with an object of its own, whatever was sent.
            let user = json!({"username": incoming.user.name, "groups": incoming.user.groups});
            let metadata = json!({"creationTimestamp": time_text(incoming.now)});
            return Ok(Reply::json(json!({
                "kind": kind, "apiVersion": format!("{group}/v1"), "metadata": metadata, "status": {"userInfo": user}
            }))
            .code(201));
        }
        Review::SelfSubjectAccess => access(&incoming.user, &object["spec"], store)?,
        Review::SubjectAccess => {
            let request =
                Request::Resource { verb: "create", group: GROUP, resource, subresource: "", namespace: "", name: "" };
            if !auth::decide(&incoming.user, &request, store).is_allowed() {
                return Err(ApiError::forbidden_text(format!(
                    "{resource}.{GROUP} is forbidden: User \"{}\" cannot create resource \"{resource}\" in API group \"{GROUP}\" at the cluster scope",
                    incoming.user.name
                )));
            }
            access(&subject(&object["spec"])?, &object["spec"], store)?
        }
        Review::SelfSubjectRules => rules(&incoming.user, &object["spec"], store)?,
    };
    object::set(&mut object, "apiVersion", format!("{group}/v1"));
    object::set(&mut object, "kind", kind);
    object::set(&mut object, "status", status);
    managed_fields::record_creation(&mut object, &Value::Null, &incoming.manager(), incoming.now);
    Ok(Reply::json(object).code(201))
}

fn subject(spec: &Value) -> Result<User, ApiError> {
    let name = spec["user"].as_str().unwrap_or_default().to_owned();
    let groups: Vec<String> =
        spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if name.is_empty() && groups.is_empty() {
        let why = "at least one of user or group must be specified";
        let cause = Cause::invalid("spec.user", &"".into(), why);
        return Err(ApiError::invalid_kind("SubjectAccessReview", GROUP, "", &[cause]));
    }
    Ok(User { name, groups })
}

fn access(user: &User, spec: &Value, store: &Store) -> Result<Value, ApiError> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    if resource.is_object() == path.is_object() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let cause = Cause::invalid("spec", resource, why);
        return Err(ApiError::invalid_kind("", GROUP, "", &[cause]));
    }
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let decision = if resource.is_object() {
        let [verb, group, plural, subresource, namespace, name] =
            ["verb", "group", "resource", "subresource", "namespace", "name"].map(|field| text(resource, field));
        let request = Request::Resource {
            verb: &verb,
            group: &group,
            resource: &plural,
            subresource: &subresource,
            namespace: &namespace,
            name: &name,
        };
        auth::decide(user, &request, store)
    } else {
        let (verb, path) = (text(path, "verb"), text(path, "path"));
        auth::decide(user, &Request::Path { verb: &verb, path: &path }, store)
    };
    Ok(match decision {
        Decision::Allowed { by } if by.is_empty() => json!({"allowed": true}),
        Decision::Allowed { by } => json!({"allowed": true, "reason": by}),
        Decision::Denied => json!({"allowed": false}),
    })
}

fn rules(user: &User, spec: &Value, store: &Store) -> Result<Value, ApiError> {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    if namespace.is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let stored = Stored::of(store);
    let policy = stored.policy();
    let (mut resource_rules, mut path_rules) = (Vec::new(), Vec::new());
    for rule in policy.rules_for(user, namespace) {
        let list = if rule["nonResourceURLs"].is_array() { &mut path_rules } else { &mut resource_rules };
        list.push(rule.clone());
    }
    Ok(json!({"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": false}))
}
