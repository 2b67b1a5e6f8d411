//! Services, configuration, RBAC, autoscalers, events: the kinds without pods.

use serde_json::Value;

use super::{immutable, kind, names, pods};
use crate::api::Cause;

const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// ConfigMaps and Secrets hold at most 1 MiB.
const DATA_LIMIT: usize = 1024 * 1024;

/// Checks the content of an object.
pub(super) fn content(object: &Value) -> Vec<Cause> {
    match kind(object) {
        "Service" => service(&object["spec"]),
        "ConfigMap" => keys(object, &["data", "binaryData"]),
        "Secret" => keys(object, &["data"]),
        "HorizontalPodAutoscaler" => autoscaler(&object["spec"]),
        "Role" | "ClusterRole" => rules(object),
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "Event" => event(object),
        _ => Vec::new(),
    }
}

/// Checks what may not change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind(object) {
        "ConfigMap" | "Secret" => {
            if kind(object) == "Secret" {
                causes.extend(immutable(&object["type"], &current["type"], "type"));
            }
            if current["immutable"] == true {
                let why = "field is immutable when `immutable` is set";
                for field in ["immutable", "data", "binaryData"] {
                    if object[field] != current[field] {
                        causes.push(Cause::forbidden(field, why));
                    }
                }
            }
        }
        "Service" => {
            let (new, old) = (&object["spec"], &current["spec"]);
            let assigned = old["clusterIP"].as_str().is_some_and(|address| !address.is_empty() && address != "None");
            if assigned && new["type"] != "ExternalName" && new["clusterIP"] != old["clusterIP"] {
                causes.push(Cause::invalid("spec.clusterIPs[0]", &new["clusterIPs"], "may not change once set"));
            }
        }
        "RoleBinding" | "ClusterRoleBinding" if object["roleRef"] != current["roleRef"] => {
            let role = &object["roleRef"];
            // The real server prints the fields as Go names them.
            let value = serde_json::json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
            causes.push(Cause::invalid("roleRef", &value, "field is immutable"));
        }
        _ => {}
    }
    causes
}

fn service(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    pods::one_of(&spec["type"], "spec.type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], &mut causes);
    pods::one_of(&spec["sessionAffinity"], "spec.sessionAffinity", &["ClientIP", "None"], &mut causes);
    causes.extend(names::labels(&spec["selector"], "spec.selector"));
    let ports = spec["ports"].as_array().map_or(&[][..], Vec::as_slice);
    if spec["type"] == "ExternalName" {
        if spec["externalName"].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required("spec.externalName", ""));
        }
        return causes;
    }
    if ports.is_empty() && spec["clusterIP"] != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut seen: Vec<(&Value, &Value)> = Vec::new();
    let mut seen_names: Vec<&str> = Vec::new();
    for (at, port) in ports.iter().enumerate() {
        let field = |name: &str| format!("spec.ports[{at}].{name}");
        match port["name"].as_str().unwrap_or_default() {
            "" if ports.len() > 1 => causes.push(Cause::required(field("name"), "")),
            "" => {}
            name if !names::is_dns_label(name) => {
                causes.push(Cause::invalid(field("name"), &name.into(), names::DNS_LABEL));
            }
            name if seen_names.contains(&name) => causes.push(Cause::duplicate(field("name"), &name.into())),
            name => seen_names.push(name),
        }
        match port["port"].as_i64() {
            None => causes.push(Cause::required(field("port"), "")),
            Some(number) => causes.extend(pods::port_number(number, &field("port"))),
        }
        if let Some(number) = port["targetPort"].as_i64() {
            causes.extend(pods::port_number(number, &field("targetPort")));
        }
        pods::one_of(&port["protocol"], &field("protocol"), &["SCTP", "TCP", "UDP"], &mut causes);
        let pair = (&port["protocol"], &port["port"]);
        if seen.contains(&pair) {
            causes.push(Cause::duplicate(format!("spec.ports[{at}]"), port));
        }
        seen.push(pair);
    }
    causes
}

fn keys(object: &Value, fields: &[&str]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut size = 0;
    for field in fields {
        for (key, value) in object[*field].as_object().into_iter().flatten() {
            let allowed = |at: char| at.is_ascii_alphanumeric() || "-_.".contains(at);
            if key.is_empty() || !key.chars().all(allowed) {
                causes.push(Cause::invalid(format!("{field}[{key}]"), &key.as_str().into(), CONFIG_KEY));
            } else if key.len() > 253 {
                causes.push(Cause::invalid(
                    format!("{field}[{key}]"),
                    &key.as_str().into(),
                    "must be no more than 253 bytes",
                ));
            }
            size += value.as_str().map_or(0, str::len);
        }
    }
    if size > DATA_LIMIT {
        causes.push(Cause::too_long(fields[0], DATA_LIMIT));
    }
    causes
}

fn autoscaler(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (least, most) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].as_i64().unwrap_or(0));
    if least < 0 {
        causes.push(Cause::invalid("spec.minReplicas", &least.into(), "must be greater than or equal to 0"));
    }
    if most < least {
        causes.push(Cause::invalid("spec.maxReplicas", &most.into(), "must be greater than or equal to `minReplicas`"));
    }
    for name in ["kind", "name"] {
        if spec["scaleTargetRef"][name].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{name}"), ""));
        }
    }
    let target = &spec["scaleTargetRef"];
    if target["apiVersion"].as_str().unwrap_or_default().is_empty() && target["kind"] != "ReplicationController" {
        let why = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &"".into(), why));
    }
    if most == 0 {
        causes.push(Cause::required("spec.maxReplicas", ""));
    }
    super::autoscaling::metrics(spec, &mut causes);
    super::autoscaling::behavior(&spec["behavior"], &mut causes);
    causes
}

fn rules(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let empty = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    for (at, rule) in object["rules"].as_array().into_iter().flatten().enumerate() {
        let field = |name: &str| format!("rules[{at}].{name}");
        if empty(&rule["verbs"]) {
            causes.push(Cause::required(field("verbs"), ""));
        }
        if !empty(&rule["nonResourceURLs"]) {
            continue;
        }
        if empty(&rule["apiGroups"]) {
            causes.push(Cause::required(field("apiGroups"), "resource rules must supply at least one api group"));
        }
        if empty(&rule["resources"]) {
            causes.push(Cause::required(field("resources"), "resource rules must supply at least one resource"));
        }
    }
    causes
}

fn binding(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let role = &object["roleRef"];
    let supported: &[&str] = if kind(object) == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !role["kind"].as_str().is_some_and(|kind| supported.contains(&kind)) {
        let value = if role["kind"].is_string() { role["kind"].clone() } else { "".into() };
        causes.push(Cause::not_supported("roleRef.kind", &value, supported));
    }
    if role["name"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    }
    for (at, subject) in object["subjects"].as_array().into_iter().flatten().enumerate() {
        if subject["name"].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("subjects[{at}].name"), ""));
        }
        if !subject["kind"].as_str().is_some_and(|kind| ["ServiceAccount", "User", "Group"].contains(&kind)) {
            let value = if subject["kind"].is_string() { subject["kind"].clone() } else { "".into() };
            let field = format!("subjects[{at}].kind");
            causes.push(Cause::not_supported(field, &value, &["ServiceAccount", "User", "Group"]));
        }
    }
    causes
}

fn event(object: &Value) -> Vec<Cause> {
    let involved = object["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let namespace = crate::object::namespace(object);
    let matches = involved == namespace || (involved.is_empty() && namespace == "default");
    if matches {
        return Vec::new();
    }
    vec![Cause::invalid("involvedObject.namespace", &involved.into(), "does not match event.namespace")]
}
