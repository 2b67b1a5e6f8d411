//! Services, Ingresses, routes and network policies.

use serde_json::{Value, json};

use super::world::*;

#[test]
pub(super) fn services() {
    let ok = (vec![running(), service(json!({}))], "");
    check(76, &(vec![running(), service(json!({"spec": {"selector": {"app": "webb"}}}))], ""), &ok);
    check(77, &with(crash(1, "Error"), vec![service(json!({}))]), &ok);
    check(78, &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": 3000}]}}))], ""), &ok);
    check(
        79,
        &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": "web"}]}}))], ""),
        &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}))], ""),
    );
    check(80, &(vec![service(json!({"spec": {"selector": null}}))], ""), &ok);
    check(
        80,
        &(vec![service(json!({"spec": {"type": "ExternalName", "externalName": "none.shop.svc.cluster.local"}}))], ""),
        &(vec![service(json!({"spec": {"type": "ExternalName", "externalName": "db.example.com"}}))], ""),
    );
    let balancer = |ip: Value| {
        (
            vec![
                running(),
                service(json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": ip}}})),
            ],
            "",
        )
    };
    check(81, &balancer(json!([])), &balancer(json!([{"ip": "192.0.2.1"}])));
    let dns = json!({"metadata": {"name": "kube-dns", "namespace": "kube-system"}});
    let mut coredns = running();
    merge(&mut coredns, json!({"metadata": {"namespace": "kube-system"}}));
    check(91, &(vec![service(dns.clone())], ""), &(vec![service(dns), coredns], ""));
}

#[test]
pub(super) fn ingresses_and_routes() {
    let class = |name: &str, default: &str| {
        object(
            "IngressClass",
            name,
            json!({"metadata": {"namespace": "", "annotations": {"ingressclass.kubernetes.io/is-default-class": default}}, "spec": {"controller": "k8s.io/ingress-nginx"}}),
        )
    };
    let ingress = |name: &str, class: Value, port: i64| {
        object(
            "Ingress",
            name,
            json!({"spec": {"ingressClassName": class, "tls": [{"secretName": "tls"}], "rules": [{"host": "a.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": port}}}}]}}]}}),
        )
    };
    let tls = object("Secret", "tls", json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}));
    let mut controller = running();
    merge(
        &mut controller,
        json!({"metadata": {"name": "c", "uid": "u-c", "labels": {"app": "c"}}, "spec": {"containers": [{"name": "c", "image": "ingress-nginx/controller"}]}}),
    );
    let base = || vec![running(), service(json!({})), tls.clone(), controller.clone(), class("nginx", "false")];
    let ok = (vec![ingress("a", json!("nginx"), 80)].into_iter().chain(base()).collect::<Vec<_>>(), "");
    assert_eq!(told(&ok), [], "a whole way is no finding");
    check(83, &(vec![ingress("a", json!("none"), 80)].into_iter().chain(base()).collect(), ""), &ok);
    check(83, &(vec![ingress("a", Value::Null, 80)].into_iter().chain(base()).collect(), ""), &ok);
    check(
        83,
        &(vec![class("x", "true"), class("y", "true")], ""),
        &(vec![class("x", "true"), class("y", "false")], ""),
    );
    check(
        84,
        &(
            vec![ingress("a", json!("nginx"), 80), running(), service(json!({})), tls.clone(), class("nginx", "false")],
            "",
        ),
        &ok,
    );
    check(85, &(vec![ingress("a", json!("nginx"), 8081)].into_iter().chain(base()).collect(), ""), &ok);
    check(
        86,
        &(
            vec![
                ingress("a", json!("nginx"), 80),
                running(),
                service(json!({})),
                controller.clone(),
                class("nginx", "false"),
            ],
            "",
        ),
        &ok,
    );
    check(
        87,
        &(
            vec![ingress("a", json!("nginx"), 80), ingress("b", json!("nginx"), 80)]
                .into_iter()
                .chain(base())
                .collect(),
            "",
        ),
        &ok,
    );
    let route = |status: &str| {
        (
            vec![object(
                "HTTPRoute",
                "r",
                json!({"status": {"parents": [{"parentRef": {"name": "gw"}, "conditions": [{"type": "ResolvedRefs", "status": status, "reason": "BackendNotFound", "message": "backend not found"}]}]}}),
            )],
            "",
        )
    };
    check(88, &route("False"), &route("True"));
}

#[test]
pub(super) fn policies_are_blamed_only_where_a_pod_got_no_answer() {
    let mut database = running();
    merge(
        &mut database,
        json!({"metadata": {"name": "db-1", "uid": "u-db-1", "labels": {"app": "db"}}, "status": {"podIP": "10.0.0.2"}}),
    );
    let db = service(
        json!({"metadata": {"name": "db", "uid": "u-svc-db"}, "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432, "targetPort": 8080}]}}),
    );
    let deny = object(
        "NetworkPolicy",
        "deny",
        json!({"spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]}}),
    );
    let blocked = with(logged("dial tcp db:5432: i/o timeout\n"), vec![database.clone(), db.clone(), deny.clone()]);
    check(89, &blocked, &with(logged("dial tcp db:5432: i/o timeout\n"), vec![database.clone(), db.clone()]));
    check(89, &blocked, &(vec![running(), database, db, deny], ""));
    let mut coredns = running();
    merge(
        &mut coredns,
        json!({"metadata": {"name": "coredns", "uid": "u-dns", "namespace": "kube-system", "labels": {"app": "dns"}}}),
    );
    let dns = service(
        json!({"metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {"selector": {"app": "dns"}}}),
    );
    let egress = object("NetworkPolicy", "deny", json!({"spec": {"podSelector": {}, "policyTypes": ["Egress"]}}));
    let silent = || logged("getaddrinfo EAI_AGAIN api.example.com\n");
    check(90, &with(silent(), vec![coredns.clone(), dns.clone(), egress]), &with(silent(), vec![coredns, dns]));
}
