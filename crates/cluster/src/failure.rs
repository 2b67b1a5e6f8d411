//! The one place where failures of the transport and `Status` answers become [`ClusterError`]s with
//! hints. Nothing of the client library's own wording is shown.

use std::{error::Error, time::Duration};

use serde_json::Value;
use todo_agent_core::{
    Cause, ClusterError,
    text::{Lines, visible},
};

use crate::refusal;

/// What an API server says below a group that it does not serve.
/// Source: k8s.io/apiserver/pkg/server/mux, which leaves it to net/http.
const NO_SUCH_PATH: &[u8] = b"404 page not found";

/// Maps an answer with an error status.
pub(crate) fn from_status(status: u16, body: &[u8], path: &str, server: &str) -> ClusterError {
    if status == 404 && path.starts_with("/apis/") && body.trim_ascii() == NO_SUCH_PATH {
        return ClusterError::new(Cause::NotFound, format!("{server} serves no {path}"));
    }
    let Ok(reply) = serde_json::from_slice::<Value>(body) else {
        return unreadable(status, body, server);
    };
    if reply["kind"] != "Status" {
        return unreadable(status, body, server);
    }
    // The server spreads the conflicts of an apply over lines.
    let message = reply["message"].as_str().unwrap_or("no reason given").replace('\n', " ");
    let message = visible(&message, Lines::Escape);
    let reason = reply["reason"].as_str().unwrap_or_default();
    match status {
        401 => {
            ClusterError::new(Cause::Unauthorized, format!("{server} does not accept these credentials ({message})"))
                .hint("the token or certificate may have expired; log in again or check the user of this context")
        }
        403 if refusal::is_of_the_object(&message) => with_advice(ClusterError::new(Cause::Invalid, message)),
        403 => forbidden(&message),
        404 => ClusterError::new(Cause::NotFound, message),
        409 => with_advice(ClusterError::new(Cause::Conflict, message)),
        410 => ClusterError::new(Cause::Expired, message),
        429 => ClusterError::new(Cause::Unavailable, format!("the cluster asks to slow down: {message}")),
        400..=499 => {
            let mut error = ClusterError::new(Cause::Invalid, message);
            for cause in reply["details"]["causes"].as_array().into_iter().flatten() {
                if let (Some(field), Some(text)) = (cause["field"].as_str(), cause["message"].as_str()) {
                    error.hints.push(visible(&format!("{field}: {text}"), Lines::Escape));
                }
            }
            with_advice(error)
        }
        500 if refusal::is_of_the_wrong_type(&message) => with_advice(ClusterError::new(Cause::Invalid, message)),
        501 => ClusterError::new(Cause::Invalid, message),
        _ => with_advice(ClusterError::new(
            Cause::Unavailable,
            format!("{server} failed with {status} {reason}: {message}"),
        )),
    }
}

/// Maps an answer to the wish for a session. The kubelet, whose words are passed on, does not answer in `Status`es.
pub(crate) fn from_session(status: u16, body: &[u8], path: &str, server: &str) -> ClusterError {
    if serde_json::from_slice::<Value>(body).is_ok() {
        return from_status(status, body, path, server);
    }
    let said = String::from_utf8_lossy(&body[..body.len().min(500)]);
    let said = visible(said.trim(), Lines::Escape);
    let said = if said.is_empty() { "no reason given".to_owned() } else { said };
    match status {
        200..=399 => ClusterError::new(Cause::NotKubernetes, format!("{server} opened no session ({status})"))
            .hint("a proxy between here and the cluster may not let WebSockets through"),
        404 => ClusterError::new(Cause::NotFound, said),
        _ => ClusterError::new(Cause::Invalid, format!("the node refused: {said}")),
    }
}

fn with_advice(mut error: ClusterError) -> ClusterError {
    error.hints.extend(refusal::advice(&error.message));
    error
}

/// Names the permission that is missing, and how somebody with the right to do so would grant it.
fn forbidden(message: &str) -> ClusterError {
    let error = ClusterError::new(Cause::Forbidden, message);
    // The API server's words: User "x" cannot list resource "pods" in API group "" in the namespace "todo".
    let said = message.split_once("User \"").map_or("", |(_, said)| said);
    let quoted: Vec<&str> = said.split('"').step_by(2).collect();
    let verb = said.split(" cannot ").nth(1).and_then(|rest| rest.split(' ').next());
    let (Some(verb), [user, resource, rest @ ..]) = (verb, quoted.as_slice()) else {
        return error.hint("ask who runs the cluster for this permission");
    };
    let group = rest.first().copied().unwrap_or_default();
    // `deployments/scale` in group apps is `deployments.apps --subresource=scale` to kubectl.
    let (plural, subresource) = resource.split_once('/').map_or((*resource, None), |(plural, sub)| (plural, Some(sub)));
    let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    let (shown, asked) = match subresource {
        Some(sub) => (format!("{resource}/{sub}"), format!("{resource} --subresource={sub}")),
        None => (resource.clone(), resource),
    };
    let namespace = rest.get(1).filter(|_| message.contains("in the namespace"));
    let (scope, flag) = match namespace {
        Some(namespace) => (format!("in namespace {namespace}"), format!(" -n {namespace}")),
        None => ("for the whole cluster".to_owned(), String::new()),
    };
    error.hint(format!("missing permission: {verb} on {shown} {scope}, for {user}")).hint(format!(
        "whoever runs the cluster can check it with: kubectl auth can-i {verb} {asked}{flag} --as={user}"
    ))
}

fn unreadable(status: u16, body: &[u8], server: &str) -> ClusterError {
    let start = String::from_utf8_lossy(&body[..body.len().min(120)]);
    let start = visible(start.trim(), Lines::Escape);
    if status == 401 {
        return ClusterError::new(Cause::Unauthorized, format!("{server} does not accept these credentials"))
            .hint("the token or certificate may have expired; log in again or check the user of this context");
    }
    if status >= 500 || status == 429 {
        return ClusterError::new(Cause::Unavailable, format!("{server} answered {status} without a reason: {start}"));
    }
    ClusterError::new(
        Cause::NotKubernetes,
        format!("{server} answered {status} with something that is not the Kubernetes API: {start}"),
    )
    .hint("check the server of this context; a proxy or login page may stand in between")
}

/// Maps an answer with a success status whose body is not JSON.
pub(crate) fn not_json(body: &[u8], error: &serde_json::Error, server: &str) -> ClusterError {
    if error.is_eof() && body.first() == Some(&b'{') {
        return ClusterError::new(Cause::Unreachable, format!("{server} cut its answer off in the middle"));
    }
    unreadable(200, body, server)
}

/// The server did not answer in time.
pub(crate) fn too_slow(limit: Duration, server: &str) -> ClusterError {
    ClusterError::new(Cause::Unreachable, format!("{server} did not answer within {limit:.1?}"))
        .hint("is the cluster running, and is it reachable from here (VPN, firewall)? Minikube: minikube status")
}

/// Maps a failure below HTTP.
pub(crate) fn from_transport(error: &(dyn Error + 'static), server: &str) -> ClusterError {
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        chain.push_str(": ");
        chain.push_str(&inner.to_string());
        source = inner.source();
    }
    let says =
        |words: &[&str]| words.iter().any(|word| chain.to_ascii_lowercase().contains(&word.to_ascii_lowercase()));
    let away = |what: &str| ClusterError::new(Cause::Unreachable, format!("{server} cannot be reached: {what}"));
    if says(&["certificate expired", "CertExpired", "Expired", "CertificateExpired"]) && says(&["certificate", "cert"])
    {
        return ClusterError::new(Cause::Configuration, format!("a TLS certificate for {server} has expired"))
            .hint("renew it, or fetch a new kubeconfig (Minikube: minikube update-context, then minikube start)");
    }
    if says(&["UnknownIssuer", "self-signed", "self signed", "UnknownCA"]) {
        return ClusterError::new(
            Cause::Configuration,
            format!("{server} shows a certificate this kubeconfig does not trust"),
        )
        .hint("the cluster may have been made anew; fetch its kubeconfig again");
    }
    if says(&["NotValidForName", "certificate not valid for name"]) {
        return ClusterError::new(Cause::Configuration, format!("the certificate of {server} is for another name"))
            .hint("check the server address of this context");
    }
    if says(&[
        "invalid peer certificate",
        "received fatal alert",
        "tls handshake",
        "InvalidContentType",
        "corrupt message",
    ]) {
        return ClusterError::new(Cause::Configuration, format!("no TLS connection to {server}: {}", last(&chain)))
            .hint("check the server address (http or https, port) and the certificates of this context");
    }
    if says(&["auth exec", "exec plugin", "AuthExec", "auth error", "unable to run auth"]) {
        return ClusterError::new(
            Cause::Configuration,
            format!("the login program of this context failed: {}", last(&chain)),
        )
        .hint("run it by hand to see why; its name is under users[].user.exec in the kubeconfig");
    }
    if says(&["connection refused"]) {
        return away("connection refused").hint("is the cluster running? Minikube: minikube status, minikube start");
    }
    if says(&["dns error", "failed to lookup", "name or service not known"]) {
        return away("its name cannot be resolved").hint("check the server address of this context and your network");
    }
    if says(&["timed out", "deadline has elapsed"]) {
        return away("no answer in time").hint("is it reachable from here (VPN, firewall)? Minikube: minikube status");
    }
    if says(&["unreachable"]) {
        return away("no route to it").hint("check your network or VPN");
    }
    away(last(&chain)).hint("try again; todo-agent doctor looks into the connection")
}

fn last(chain: &str) -> &str {
    chain.rsplit(": ").next().unwrap_or(chain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_403_names_the_missing_permission() {
        let body = json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message":
            "deployments.apps \"backend\" is forbidden: User \"viewer\" cannot patch resource \"deployments/scale\" in API group \"apps\" in the namespace \"todo\""});
        let error = from_status(403, body.to_string().as_bytes(), "/api/v1", "https://x");
        assert_eq!(error.cause, Cause::Forbidden);
        // The object's own name is quoted first and must not be taken for the user.
        assert_eq!(error.hints[0], "missing permission: patch on deployments.apps/scale in namespace todo, for viewer");
    }

    #[test]
    fn what_is_refused_for_what_it_is_names_no_permission() {
        let answer = |status: u16, message: &str| {
            let body = json!({"kind": "Status", "code": status, "message": message});
            from_status(status, body.to_string().as_bytes(), "/api/v1", "https://x")
        };
        let quota =
            answer(403, "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2");
        assert_eq!(quota.cause, Cause::Invalid);
        assert!(quota.hints[0].contains("quota q"), "{:?}", quota.hints);
        let other = answer(403, "pods is forbidden: something else");
        assert_eq!(
            (other.cause, other.hints[0].as_str()),
            (Cause::Forbidden, "ask who runs the cluster for this permission")
        );
        let down = answer(
            500,
            "Internal error occurred: failed calling webhook \"check.example.com\": Post \"https://x\": dial tcp: connection refused",
        );
        assert_eq!(down.cause, Cause::Unavailable);
        assert!(down.hints[0].contains("webhook check.example.com"), "{:?}", down.hints);
    }

    #[test]
    fn html_is_not_kubernetes() {
        let error = from_status(404, b"<html><title>Login</title>", "/api/v1", "https://x");
        assert_eq!(error.cause, Cause::NotKubernetes);
        assert!(error.message.contains("<html>"));
    }

    #[test]
    fn a_group_that_is_not_served_is_not_there() {
        let of = |path: &str| from_status(404, b"404 page not found\n", path, "https://x").cause;
        assert_eq!(of("/apis/example.com/v1/namespaces/todo/widgets/a"), Cause::NotFound);
        assert_eq!(of("/version"), Cause::NotKubernetes);
    }

    #[test]
    fn half_an_answer_is_a_cut_connection() {
        let body = b"{\"kind\":\"Dep";
        let error = serde_json::from_slice::<Value>(body).unwrap_err();
        assert_eq!(not_json(body, &error, "https://x").cause, Cause::Unreachable);
    }
}
