//! What network policies allow: one connection, from one endpoint to a port of another, against all policies
//! of the cluster. A direction is restricted once any policy selects the endpoint for it; then some rule of one
//! of these must allow the connection. Both directions must allow it. Whether anything enforces policies is the
//! network plugin's business, not decided here.
//!
//! Source: `networking.k8s.io/v1` API documentation and the upstream conformance truth tables.

use std::net::IpAddr;

use serde_json::Value;

use crate::selectors::LabelSelector;

/// One side of a connection.
#[derive(Debug, Clone)]
pub enum Endpoint<'a> {
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: &'a str,
        /// The labels of its namespace, as a JSON object.
        namespace_labels: &'a Value,
        /// Its labels, as a JSON object.
        labels: &'a Value,
        /// Its address, where it is known.
        ip: Option<IpAddr>,
        /// Its named ports: name, protocol and number.
        ports: &'a [(String, String, i64)],
    },
    /// Something outside the cluster.
    Outside(IpAddr),
}

/// Which way a policy looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What comes in to the destination.
    Ingress,
    /// What goes out of the source.
    Egress,
}

/// What the policies say of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is allowed.
    Allowed,
    /// No rule of these policies (namespace and name), which restrict this direction, allows it.
    Denied(Direction, Vec<(String, String)>),
}

/// Decides one connection to a port number by a protocol (`TCP`, `UDP`, `SCTP`).
pub fn verdict(policies: &[Value], from: &Endpoint<'_>, to: &Endpoint<'_>, port: i64, protocol: &str) -> Verdict {
    for (direction, selected, peer) in [(Direction::Egress, from, to), (Direction::Ingress, to, from)] {
        let restricting: Vec<&Value> =
            policies.iter().filter(|policy| restricts(policy, direction, selected)).collect();
        let allowed = restricting.iter().any(|policy| {
            let (rules, peers) = match direction {
                Direction::Ingress => ("ingress", "from"),
                Direction::Egress => ("egress", "to"),
            };
            let namespace = policy["metadata"]["namespace"].as_str().unwrap_or_default();
            items(&policy["spec"][rules]).any(|rule| {
                allows_port(&rule["ports"], to, port, protocol) && allows_peer(&rule[peers], namespace, peer)
            })
        });
        if !restricting.is_empty() && !allowed {
            let text = |policy: &Value, field: &str| policy["metadata"][field].as_str().unwrap_or_default().to_owned();
            let names = restricting.iter().map(|policy| (text(policy, "namespace"), text(policy, "name")));
            return Verdict::Denied(direction, names.collect());
        }
    }
    Verdict::Allowed
}

/// Returns whether a policy selects the endpoint for a direction. Without `policyTypes` a policy is about
/// what comes in, and about what goes out only where it has such rules.
pub fn restricts(policy: &Value, direction: Direction, endpoint: &Endpoint<'_>) -> bool {
    let Endpoint::Pod { namespace, labels, .. } = endpoint else { return false };
    let spec = &policy["spec"];
    let types: Vec<&str> = items(&spec["policyTypes"]).filter_map(Value::as_str).collect();
    let about = match direction {
        Direction::Ingress => types.is_empty() || types.contains(&"Ingress"),
        Direction::Egress => types.contains(&"Egress") || (types.is_empty() && items(&spec["egress"]).next().is_some()),
    };
    about && policy["metadata"]["namespace"] == *namespace && selects(&spec["podSelector"], labels)
}

/// A missing pod selector of a policy is an empty one: it selects every pod.
fn selects(selector: &Value, labels: &Value) -> bool {
    match selector {
        Value::Null => true,
        selector => LabelSelector::from_object(selector).is_ok_and(|selector| selector.matches(labels)),
    }
}

fn allows_port(ports: &Value, to: &Endpoint<'_>, port: i64, protocol: &str) -> bool {
    let mut listed = items(ports).peekable();
    listed.peek().is_none()
        || listed.any(|allowed| {
            let same = allowed["protocol"].as_str().unwrap_or("TCP") == protocol;
            same && match &allowed["port"] {
                Value::Null => true,
                Value::Number(first) => {
                    let first = first.as_i64().unwrap_or_default();
                    (first..=allowed["endPort"].as_i64().unwrap_or(first)).contains(&port)
                }
                Value::String(name) => match to {
                    Endpoint::Pod { ports, .. } => {
                        let is = |(known, by, number): &(String, String, i64)| {
                            known == name && by == protocol && *number == port
                        };
                        ports.iter().any(is)
                    }
                    Endpoint::Outside(_) => false,
                },
                _ => false,
            }
        })
}

fn allows_peer(peers: &Value, policy_namespace: &str, peer: &Endpoint<'_>) -> bool {
    let mut listed = items(peers).peekable();
    listed.peek().is_none() || listed.any(|allowed| is_peer(allowed, policy_namespace, peer))
}

fn is_peer(allowed: &Value, policy_namespace: &str, peer: &Endpoint<'_>) -> bool {
    if allowed["ipBlock"].is_object() {
        let ip = match peer {
            Endpoint::Pod { ip, .. } => *ip,
            Endpoint::Outside(ip) => Some(*ip),
        };
        return ip.is_some_and(|ip| in_block(&allowed["ipBlock"], ip));
    }
    let Endpoint::Pod { namespace, namespace_labels, labels, .. } = peer else { return false };
    let in_namespace = match &allowed["namespaceSelector"] {
        Value::Null => policy_namespace == *namespace,
        selector => selects(selector, namespace_labels),
    };
    in_namespace && selects(&allowed["podSelector"], labels)
}

fn in_block(block: &Value, ip: IpAddr) -> bool {
    let inside = |cidr: &Value| cidr.as_str().is_some_and(|cidr| contains(cidr, ip));
    inside(&block["cidr"]) && !items(&block["except"]).any(inside)
}

/// Returns whether an address is within a CIDR; a broken CIDR contains nothing.
fn contains(cidr: &str, ip: IpAddr) -> bool {
    let Some((base, length)) = cidr.split_once('/') else { return false };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let same = |left: u128, right: u128, bits: u32| {
        length <= bits && (length == 0 || (left ^ right) >> (bits - length).min(127) == 0)
    };
    match (base, ip) {
        (IpAddr::V4(base), IpAddr::V4(ip)) => same(u128::from(u32::from(base)), u128::from(u32::from(ip)), 32),
        (IpAddr::V6(base), IpAddr::V6(ip)) => same(u128::from(base), u128::from(ip), 128),
        _ => false,
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests;
