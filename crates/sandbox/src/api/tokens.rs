//! Tokens of service accounts: made by `create` of the subresource `token`, accepted until they expire or
//! their account is gone.
//!
//! Source: k8s.io/kubernetes/pkg/registry/core/serviceaccount/storage/token.go. They are opaque here, no
//! signed JWT: nothing but this server reads them. As there, a dry run's token opens what any other does: it is
//! made, not stored.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::rbac::User;

use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use crate::durations::after;
use crate::object::{self, time_text};
use crate::random;
use crate::simulation::State;
use crate::store::{Key, Store};

/// The seconds that a token is good for unless asked otherwise.
const DEFAULT_SECONDS: u64 = 3600;
/// The fewest and the most seconds that can be asked for.
const SECONDS: std::ops::RangeInclusive<u64> = 600..=1 << 32;
/// Who tokens are for unless asked otherwise.
const AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// A token that was given out.
#[derive(Debug, Clone)]
pub(crate) struct AccountToken {
    text: String,
    account: Key,
    account_uid: String,
    expires: Timestamp,
}

/// Answers `create` of a service account's `token`.
pub(crate) fn create(incoming: &Incoming, target: &Target, state: &mut State) -> Result<Reply, ApiError> {
    incoming.is_dry_run()?;
    let request = incoming.object()?;
    check_kind(&request)?;
    let account = existing(target, &state.store)?;
    let seconds = match &request["spec"]["expirationSeconds"] {
        Value::Null => DEFAULT_SECONDS,
        given => given.as_u64().unwrap_or(0),
    };
    let why = match seconds {
        _ if SECONDS.contains(&seconds) => None,
        0..600 => Some("may not specify a duration less than 10 minutes"),
        _ => Some("may not specify a duration larger than 2^32 seconds"),
    };
    if let Some(why) = why {
        let cause = Cause::invalid("spec.expirationSeconds", &request["spec"]["expirationSeconds"], why);
        return Err(ApiError::invalid_kind("TokenRequest", "authentication.k8s.io", "", &[cause]));
    }
    let expires = after(incoming.now, Duration::from_secs(seconds));
    let uid = state.store.next_uid();
    let text = format!("sandbox-{}", random::digest(&format!("{} {uid} {expires}", object::uid(&account))));
    let audiences = match &request["spec"]["audiences"] {
        Value::Array(some) if !some.is_empty() => request["spec"]["audiences"].clone(),
        _ => json!([AUDIENCE]),
    };
    let now = time_text(incoming.now);
    let made = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": target.name, "namespace": target.namespace, "uid": uid,
            "creationTimestamp": now,
            "managedFields": [{
                "manager": incoming.manager(), "operation": "Update", "apiVersion": "authentication.k8s.io/v1",
                "time": now, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:expirationSeconds": {}}},
                "subresource": "token",
            }],
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": null},
        "status": {"token": text, "expirationTimestamp": time_text(expires)},
    });
    let account_uid = object::uid(&account).to_owned();
    let account = Key::of(target.resource.kind, &target.namespace, &target.name);
    state.tokens.retain(|token| incoming.now < token.expires);
    state.tokens.push(AccountToken { text, account, account_uid, expires });
    Ok(Reply::json(made).code(201))
}

/// Refuses a body that says it is something else; one that says nothing is a request for a token.
fn check_kind(request: &Value) -> Result<(), ApiError> {
    let text = |field: &str, otherwise: &str| request[field].as_str().unwrap_or(otherwise).to_owned();
    let (version, kind) = (text("apiVersion", "authentication.k8s.io/v1"), text("kind", "TokenRequest"));
    if (version.as_str(), kind.as_str()) == ("authentication.k8s.io/v1", "TokenRequest") {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "{kind} in version \"{version}\" cannot be handled as a TokenRequest: converting ({version}.{kind}) to (authentication.TokenRequest): unknown conversion"
    )))
}

/// Returns the service account that a token speaks for, if it still does.
pub(crate) fn user(tokens: &[AccountToken], text: &str, store: &Store, now: Timestamp) -> Option<User> {
    let token = tokens.iter().find(|token| token.text == text && now < token.expires)?;
    let account = store.get(&token.account).filter(|account| object::uid(account) == token.account_uid)?;
    let (namespace, name) = (object::namespace(&account), object::name(&account));
    let groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    Some(User { name: format!("system:serviceaccount:{namespace}:{name}"), groups })
}
