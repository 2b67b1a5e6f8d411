//! The cells of ingresses, their classes and network policies.

use jiff::Timestamp;
use serde_json::Value;

use super::age::since;
use super::workloads::selector_text;
use super::{list, name, text};

/// Hosts that are shown before "more".
const SHOWN: usize = 3;

fn born(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

/// Returns the cells of an ingress.
pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let mut addresses: Vec<&str> = list(&object["status"]["loadBalancer"]["ingress"])
        .iter()
        .map(|it| it["ip"].as_str().unwrap_or_else(|| text(&it["hostname"])))
        .filter(|address| !address.is_empty())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    let ports = if list(&spec["tls"]).is_empty() { "80" } else { "80, 443" };
    vec![
        name(object),
        spec["ingressClassName"].as_str().unwrap_or("<none>").into(),
        hosts(list(&spec["rules"])).into(),
        addresses.join(",").into(),
        ports.into(),
        born(object, now),
    ]
}

fn hosts(rules: &[Value]) -> String {
    let named: Vec<&str> = rules.iter().map(|rule| text(&rule["host"])).filter(|host| !host.is_empty()).collect();
    let shown = named[..named.len().min(SHOWN)].join(",");
    match named.len() {
        0 => "*".to_owned(),
        // The printer counts rules here, not hosts.
        count if count > SHOWN || count == SHOWN && rules.len() > SHOWN => {
            format!("{shown} + {} more...", rules.len() - SHOWN)
        }
        _ => shown,
    }
}

/// Returns the cells of an ingress class.
pub(super) fn class(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_default = object["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true";
    let called = text(&object["metadata"]["name"]);
    let parameters = &object["spec"]["parameters"];
    let shown = match (parameters.is_object(), parameters["apiGroup"].as_str()) {
        (false, _) => "<none>".to_owned(),
        (true, Some(group)) => format!("{}.{group}/{}", text(&parameters["kind"]), text(&parameters["name"])),
        (true, None) => format!("{}/{}", text(&parameters["kind"]), text(&parameters["name"])),
    };
    vec![
        if is_default { format!("{called} (default)") } else { called.to_owned() }.into(),
        text(&object["spec"]["controller"]).into(),
        shown.into(),
        born(object, now),
    ]
}

/// Returns the cells of a network policy.
pub(super) fn policy(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), selector_text(&object["spec"]["podSelector"]).into(), born(object, now)]
}
