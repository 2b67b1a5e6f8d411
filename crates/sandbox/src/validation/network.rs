//! Ingresses, their classes, and network policies.

use std::net::IpAddr;

use serde_json::Value;

use super::{immutable, kind, names, pods};
use crate::api::Cause;

const CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const PORT_NAME: &str = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";

/// Checks the content of an object.
pub(super) fn content(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind(object) {
        "Ingress" => ingress(&object["spec"], &mut causes),
        "IngressClass" => class(&object["spec"], &mut causes),
        _ => policy(&object["spec"], &mut causes),
    }
    causes
}

/// Checks what may not change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    if kind(object) != "IngressClass" {
        return Vec::new();
    }
    let (new, old) = (&object["spec"]["controller"], &current["spec"]["controller"]);
    immutable(new, old, "spec.controller").into_iter().collect()
}

fn items(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

fn ingress(spec: &Value, causes: &mut Vec<Cause>) {
    let has_rules = spec["rules"].as_array().is_some_and(|rules| !rules.is_empty());
    if !has_rules && spec["defaultBackend"].is_null() {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &spec["rules"], why));
    }
    if spec["defaultBackend"].is_object() {
        backend(&spec["defaultBackend"], "spec.defaultBackend", causes);
    }
    for (at, rule) in items(&spec["rules"]) {
        let place = format!("spec.rules[{at}]");
        host(&rule["host"], &format!("{place}.host"), causes);
        if !rule["http"].is_object() {
            continue;
        }
        let paths = format!("{place}.http.paths");
        if rule["http"]["paths"].as_array().is_none_or(Vec::is_empty) {
            causes.push(Cause::required(paths.clone(), ""));
        }
        for (at, path) in items(&rule["http"]["paths"]) {
            self::path(path, &format!("{paths}[{at}]"), causes);
        }
    }
    for (at, tls) in items(&spec["tls"]) {
        for (index, host) in items(&tls["hosts"]) {
            domain(host, &format!("spec.tls[{at}].hosts[{index}]"), causes);
        }
    }
}

fn host(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
    if text.parse::<IpAddr>().is_ok() {
        causes.push(Cause::invalid(field, value, "must be a DNS name, not an IP address"));
    }
    domain(value, field, causes);
}

fn domain(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    let text = value.as_str().unwrap_or_default();
    if text.contains('*') {
        if !text.strip_prefix("*.").is_some_and(names::is_dns_subdomain) {
            let why = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
            causes.push(Cause::invalid(field, value, why));
        }
    } else if !names::is_dns_subdomain(text) {
        causes.push(Cause::invalid(field, value, names::DNS_SUBDOMAIN));
    }
}

fn path(path: &Value, place: &str, causes: &mut Vec<Cause>) {
    const SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
    const SUFFIXES: [&str; 2] = ["/..", "/."];
    let text = path["path"].as_str().unwrap_or_default();
    let value = Value::from(text);
    let field = format!("{place}.path");
    match path["pathType"].as_str() {
        None => causes.push(Cause::required(format!("{place}.pathType"), "pathType must be specified")),
        Some("Exact" | "Prefix") => {
            if !text.starts_with('/') {
                causes.push(Cause::invalid(field.clone(), &value, "must be an absolute path"));
            }
            if !text.is_empty() {
                for wrong in SEQUENCES.into_iter().filter(|wrong| text.contains(wrong)) {
                    causes.push(Cause::invalid(field.clone(), &value, &format!("must not contain '{wrong}'")));
                }
                for wrong in SUFFIXES.into_iter().filter(|wrong| text.ends_with(wrong)) {
                    causes.push(Cause::invalid(field.clone(), &value, &format!("cannot end with '{wrong}'")));
                }
            }
        }
        Some("ImplementationSpecific") => {
            if !text.is_empty() && !text.starts_with('/') {
                causes.push(Cause::invalid(field, &value, "must be an absolute path"));
            }
        }
        Some(_) => {
            let supported = ["Exact", "ImplementationSpecific", "Prefix"];
            causes.push(Cause::not_supported(format!("{place}.pathType"), &path["pathType"], &supported));
        }
    }
    backend(&path["backend"], &format!("{place}.backend"), causes);
}

fn backend(backend: &Value, place: &str, causes: &mut Vec<Cause>) {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    let empty = Value::from("");
    if resource.is_object() && service.is_object() {
        causes.push(Cause::invalid(place, &empty, "cannot set both resource and service backends"));
        return;
    }
    if resource.is_object() {
        return;
    }
    if !service.is_object() {
        causes.push(Cause::invalid(place, &empty, "resource or service backend is required"));
        return;
    }
    if service["name"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required(format!("{place}.service.name"), ""));
    }
    let (name, number) = (service["port"]["name"].as_str(), service["port"]["number"].as_i64().unwrap_or_default());
    match (name.filter(|name| !name.is_empty()), number) {
        (Some(_), number) if number != 0 => {
            causes.push(Cause::invalid(place, &empty, "cannot set both port name & port number"));
        }
        (None, 0) => causes.push(Cause::required(place, "port name or number is required")),
        (None, number) => causes.extend(pods::port_number(number, &format!("{place}.service.port.number"))),
        (Some(_), _) => {}
    }
}

fn class(spec: &Value, causes: &mut Vec<Cause>) {
    let controller = spec["controller"].as_str().unwrap_or_default();
    if controller.is_empty() {
        causes.push(Cause::required("spec.controller", ""));
    } else if !controller
        .split_once('/')
        .is_some_and(|(domain, path)| names::is_dns_subdomain(domain) && !path.is_empty())
    {
        let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        causes.push(Cause::invalid("spec.controller", &spec["controller"], why));
    }
    let parameters = &spec["parameters"];
    if !parameters.is_object() {
        return;
    }
    for field in ["kind", "name"] {
        if parameters[field].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("spec.parameters.{field}"), ""));
        }
    }
    let scopes = ["Cluster", "Namespace"];
    pods::one_of(&parameters["scope"], "spec.parameters.scope", &scopes, causes);
}

fn policy(spec: &Value, causes: &mut Vec<Cause>) {
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in items(&spec[direction]) {
            let place = format!("spec.{direction}[{at}]");
            for (index, port) in items(&rule["ports"]) {
                self::port(port, &format!("{place}.ports[{index}]"), causes);
            }
            for (index, peer) in items(&rule[peers]) {
                self::peer(peer, &format!("{place}.{peers}[{index}]"), causes);
            }
        }
    }
    for (at, _) in items(&spec["policyTypes"]) {
        let field = format!("spec.policyTypes[{at}]");
        pods::one_of(&spec["policyTypes"][at], &field, &["Ingress", "Egress"], causes);
    }
}

fn port(port: &Value, place: &str, causes: &mut Vec<Cause>) {
    pods::one_of(&port["protocol"], &format!("{place}.protocol"), &["TCP", "UDP", "SCTP"], causes);
    let end = &port["endPort"];
    let end_field = format!("{place}.endPort");
    match &port["port"] {
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            causes.extend(pods::port_number(number, &format!("{place}.port")));
            if let Some(last) = end.as_i64() {
                if last < number {
                    causes.push(Cause::invalid(end_field.clone(), end, "must be greater than or equal to `port`"));
                }
                causes.extend(pods::port_number(last, &end_field));
            }
        }
        Value::String(name) => {
            if !end.is_null() {
                causes.push(Cause::invalid(end_field, end, "may not be specified when `port` is non-numeric"));
            }
            if !names::is_dns_label(name) || name.len() > 15 {
                causes.push(Cause::invalid(format!("{place}.port"), &port["port"], PORT_NAME));
            }
        }
        _ if !end.is_null() => {
            causes.push(Cause::invalid(end_field, end, "may not be specified when `port` is not specified"));
        }
        _ => {}
    }
}

fn peer(peer: &Value, place: &str, causes: &mut Vec<Cause>) {
    let count = ["podSelector", "namespaceSelector", "ipBlock"].iter().filter(|it| peer[**it].is_object()).count();
    let block = &peer["ipBlock"];
    if block.is_object() {
        let field = format!("{place}.ipBlock.cidr");
        match block["cidr"].as_str().unwrap_or_default() {
            "" => causes.push(Cause::required(field, "")),
            text if range(text).is_none() => causes.push(Cause::invalid(field, &block["cidr"], CIDR)),
            text => except(block, text, place, causes),
        }
    }
    if count == 0 {
        causes.push(Cause::required(place, "must specify a peer"));
    } else if count > 1 && block.is_object() {
        causes.push(Cause::forbidden(place, "may not specify both ipBlock and another peer"));
    }
}

fn except(block: &Value, cidr: &str, place: &str, causes: &mut Vec<Cause>) {
    for (at, entry) in items(&block["except"]) {
        let field = format!("{place}.ipBlock.except[{at}]");
        match (range(cidr), range(entry.as_str().unwrap_or_default())) {
            (_, None) => causes.push(Cause::invalid(field, entry, CIDR)),
            (Some((outer, length)), Some((inner, inner_length))) => {
                let shift = 128 - length;
                let same = shift == 128 || outer >> shift == inner >> shift;
                if !same || length >= inner_length {
                    causes.push(Cause::invalid(field, entry, "must be a strict subset of `cidr`"));
                }
            }
            (None, _) => {}
        }
    }
}

/// Returns the address of a CIDR as the upper bits of a number, and the length of its prefix.
fn range(text: &str) -> Option<(u128, u32)> {
    let (address, length) = text.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) if length <= 32 => Some((u128::from(u32::from(address)) << 96, length)),
        IpAddr::V6(address) if length <= 128 => Some((u128::from(address), length)),
        _ => None,
    }
}
