//! Truth tables in the manner of the upstream conformance tests: three namespaces (x, y, z) with three pods
//! (a, b, c) each; every policy is asked about connections between all nine.

use serde_json::json;

use super::*;

const PODS: [&str; 3] = ["a", "b", "c"];
const NAMESPACES: [&str; 3] = ["x", "y", "z"];

/// Returns which of the nine pods reach `x/a` on port 80, as `x/b y/a`.
fn reaching(policies: &[Value]) -> String {
    table(policies, ("x", "a"), 80, Direction::Ingress)
}

/// Returns which of the nine pods `x/a` reaches on port 80.
fn reached(policies: &[Value]) -> String {
    table(policies, ("x", "a"), 80, Direction::Egress)
}

fn table(policies: &[Value], fixed: (&str, &str), port: i64, direction: Direction) -> String {
    let ports = [("serve-80".to_owned(), "TCP".to_owned(), 80), ("serve-81".to_owned(), "TCP".to_owned(), 81)];
    let labels: Vec<Value> = PODS.iter().map(|pod| json!({"pod": pod})).collect();
    let spaces: Vec<Value> = NAMESPACES.iter().map(|name| json!({"ns": name})).collect();
    let pod = |namespace: usize, pod: usize| Endpoint::Pod {
        namespace: NAMESPACES[namespace],
        namespace_labels: &spaces[namespace],
        labels: &labels[pod],
        ip: format!("10.0.{namespace}.{pod}").parse().ok(),
        ports: &ports,
    };
    let fixed = pod(
        NAMESPACES.iter().position(|name| *name == fixed.0).unwrap(),
        PODS.iter().position(|name| *name == fixed.1).unwrap(),
    );
    let mut found = Vec::new();
    for (at, namespace) in NAMESPACES.iter().enumerate() {
        for (which, name) in PODS.iter().enumerate() {
            let other = pod(at, which);
            let (from, to) = if direction == Direction::Ingress { (&other, &fixed) } else { (&fixed, &other) };
            if verdict(policies, from, to, port, "TCP") == Verdict::Allowed {
                found.push(format!("{namespace}/{name}"));
            }
        }
    }
    found.join(" ")
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the specification in place")]
fn policy(spec: Value) -> Value {
    json!({"metadata": {"namespace": "x", "name": "p"}, "spec": spec})
}

const ALL: &str = "x/a x/b x/c y/a y/b y/c z/a z/b z/c";

#[test]
fn without_a_policy_everything_is_allowed() {
    assert_eq!(reaching(&[]), ALL);
}

#[test]
fn an_empty_pod_selector_denies_by_default() {
    assert_eq!(reaching(&[policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}))]), "");
    assert_eq!(reaching(&[policy(json!({"podSelector": {}}))]), "");
    assert_eq!(reached(&[policy(json!({"podSelector": {}, "policyTypes": ["Egress"]}))]), "");
    // It is about what comes in; what goes out stays free.
    assert_eq!(reached(&[policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}))]), "y/a y/b y/c z/a z/b z/c");
}

#[test]
fn an_empty_rule_allows_everything() {
    assert_eq!(reaching(&[policy(json!({"podSelector": {}, "ingress": [{}]}))]), ALL);
}

#[test]
fn a_policy_for_other_pods_or_namespaces_restricts_nothing() {
    assert_eq!(reaching(&[policy(json!({"podSelector": {"matchLabels": {"pod": "b"}}}))]), ALL);
    let elsewhere =
        json!({"metadata": {"namespace": "y", "name": "p"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}});
    assert_eq!(reaching(&[elsewhere]), ALL);
}

#[test]
fn peers_are_pods_of_the_policys_namespace_unless_a_namespace_is_selected() {
    let from = |peer: Value| policy(json!({"podSelector": {}, "ingress": [{"from": [peer]}]}));
    assert_eq!(reaching(&[from(json!({"podSelector": {"matchLabels": {"pod": "b"}}}))]), "x/b");
    assert_eq!(reaching(&[from(json!({"namespaceSelector": {"matchLabels": {"ns": "y"}}}))]), "y/a y/b y/c");
    assert_eq!(reaching(&[from(json!({"namespaceSelector": {}}))]), ALL);
    let both = json!({"namespaceSelector": {"matchLabels": {"ns": "y"}}, "podSelector": {"matchLabels": {"pod": "b"}}});
    assert_eq!(reaching(&[from(both)]), "y/b");
    let either = policy(json!({"podSelector": {}, "ingress": [{"from": [
        {"namespaceSelector": {"matchLabels": {"ns": "y"}}}, {"podSelector": {"matchLabels": {"pod": "b"}}}]}]}));
    assert_eq!(reaching(&[either]), "x/b y/a y/b y/c");
}

#[test]
fn expressions_count() {
    let not_x =
        json!({"namespaceSelector": {"matchExpressions": [{"key": "ns", "operator": "NotIn", "values": ["x"]}]}});
    let policy =
        policy(json!({"podSelector": {"matchExpressions": [{"key": "pod", "operator": "In", "values": ["a"]}]},
        "ingress": [{"from": [not_x]}]}));
    assert_eq!(reaching(&[policy]), "y/a y/b y/c z/a z/b z/c");
}

#[test]
fn ports_are_numbers_names_and_ranges() {
    let port = |port: Value| policy(json!({"podSelector": {}, "ingress": [{"ports": [port]}]}));
    assert_eq!(reaching(&[port(json!({"port": 80}))]), ALL);
    assert_eq!(reaching(&[port(json!({"port": 81}))]), "");
    assert_eq!(reaching(&[port(json!({"port": "serve-80"}))]), ALL);
    assert_eq!(reaching(&[port(json!({"port": "serve-81"}))]), "");
    assert_eq!(reaching(&[port(json!({"port": 79, "endPort": 82}))]), ALL);
    assert_eq!(reaching(&[port(json!({"port": 80, "protocol": "UDP"}))]), "");
    assert_eq!(reaching(&[port(json!({"protocol": "TCP"}))]), ALL);
}

#[test]
fn blocks_of_addresses_have_exceptions() {
    let from = |block: Value| policy(json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": block}]}]}));
    assert_eq!(reaching(&[from(json!({"cidr": "10.0.1.0/24"}))]), "y/a y/b y/c");
    assert_eq!(reaching(&[from(json!({"cidr": "10.0.1.0/24", "except": ["10.0.1.1/32"]}))]), "y/a y/c");
    assert_eq!(reaching(&[from(json!({"cidr": "0.0.0.0/0"}))]), ALL);
    assert_eq!(reaching(&[from(json!({"cidr": "nonsense"}))]), "");
    assert!(contains("fd00::/8", "fd12::1".parse().unwrap()) && !contains("fd00::/8", "10.0.0.1".parse().unwrap()));
    assert!(contains("::/0", "fd12::1".parse().unwrap()));
}

#[test]
fn policies_add_up_and_both_directions_must_allow() {
    let to_b = policy(json!({"podSelector": {}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"pod": "b"}}}]}]}));
    let to_y = policy(json!({"podSelector": {}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"ns": "y"}}}]}]}));
    assert_eq!(reached(&[to_b.clone(), to_y]), "x/b y/a y/b y/c");
    let deny = policy(json!({"podSelector": {}, "policyTypes": ["Ingress"]}));
    assert_eq!(reached(&[to_b, deny]), "");
}

#[test]
fn a_denial_names_the_policies_and_the_direction() {
    let deny = policy(json!({"podSelector": {}, "policyTypes": ["Egress"]}));
    let labels = json!({});
    let pod = Endpoint::Pod { namespace: "x", namespace_labels: &labels, labels: &labels, ip: None, ports: &[] };
    let outside = Endpoint::Outside("192.0.2.1".parse().unwrap());
    assert_eq!(
        verdict(&[deny], &pod, &outside, 443, "TCP"),
        Verdict::Denied(Direction::Egress, vec![("x".into(), "p".into())])
    );
}
