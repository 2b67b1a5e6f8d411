//! The cells of services and of what stands behind them.

use jiff::Timestamp;
use serde_json::Value;

use super::age::since;
use super::cluster::labels;
use super::{list, name, number, or, shortened, text};

/// Addresses that are shown before "more".
const SHOWN: usize = 3;

/// Returns the cells of a service.
pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let ports: Vec<String> = list(&spec["ports"])
        .iter()
        .map(|port| match number(&port["nodePort"]) {
            0 => format!("{}/{}", number(&port["port"]), text(&port["protocol"])),
            node => format!("{}:{node}/{}", number(&port["port"]), text(&port["protocol"])),
        })
        .collect();
    vec![
        name(object),
        text(&spec["type"]).into(),
        or(text(&spec["clusterIPs"][0]), "<none>").into(),
        external(object).into(),
        or(&ports.join(","), "<none>").into(),
        since(&object["metadata"]["creationTimestamp"], now).into(),
        labels(&spec["selector"]).into(),
    ]
}

/// Returns where a service is reached from outside the cluster.
fn external(service: &Value) -> String {
    let spec = &service["spec"];
    let addresses = list(&spec["externalIPs"]).iter().map(|address| text(address).to_owned());
    match text(&spec["type"]) {
        "ClusterIP" | "NodePort" => or(&addresses.collect::<Vec<_>>().join(","), "<none>").to_owned(),
        "LoadBalancer" => {
            let mut balancers: Vec<String> = list(&service["status"]["loadBalancer"]["ingress"])
                .iter()
                .map(|it| or(text(&it["ip"]), text(&it["hostname"])).to_owned())
                .filter(|address| !address.is_empty())
                .collect();
            balancers.sort();
            balancers.dedup();
            balancers.extend(addresses);
            or(&balancers.join(","), "<pending>").to_owned()
        }
        "ExternalName" => text(&spec["externalName"]).to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// Returns the cells of Endpoints.
pub(super) fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let subsets = list(&object["subsets"]);
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = list(&subset["addresses"]).iter().map(|address| text(&address["ip"]));
        match list(&subset["ports"]) {
            [] => all.extend(addresses.map(str::to_owned)),
            ports => {
                for port in ports {
                    all.extend(addresses.clone().map(|address| joined(address, number(&port["port"]))));
                }
            }
        }
    }
    let shown = if subsets.is_empty() { "<none>".to_owned() } else { shortened(&all, SHOWN, ",") };
    vec![name(object), shown.into(), since(&object["metadata"]["creationTimestamp"], now).into()]
}

fn joined(address: &str, port: i64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// Returns the cells of an endpoint slice.
pub(super) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let port = |port: &Value| match (port["port"].as_i64(), port["name"].as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "*".to_owned(),
    };
    let ports: Vec<String> = list(&object["ports"]).iter().map(port).collect();
    let addresses: Vec<String> = list(&object["endpoints"])
        .iter()
        .flat_map(|endpoint| list(&endpoint["addresses"]))
        .map(|address| text(address).to_owned())
        .collect();
    let shown = |all: &[String]| or(&shortened(all, SHOWN, ","), "<unset>").to_owned();
    vec![
        name(object),
        text(&object["addressType"]).into(),
        shown(&ports).into(),
        shown(&addresses).into(),
        since(&object["metadata"]["creationTimestamp"], now).into(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_paired_with_ports_and_cut() {
        let object = json!({"subsets": [
            {"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}, {"port": 443}]}
        ]});
        let cells = endpoints(&object, Timestamp::UNIX_EPOCH);
        assert_eq!(cells[1], "10.0.0.1:80,[fd00::1]:80,10.0.0.1:443 + 1 more...");
        assert_eq!(endpoints(&json!({}), Timestamp::UNIX_EPOCH)[1], "<none>");
    }

    #[test]
    fn a_service_is_reached_by_its_type() {
        let of = |spec: Value| external(&json!({"spec": spec}));
        assert_eq!(of(json!({"type": "NodePort", "externalIPs": ["1.2.3.4"]})), "1.2.3.4");
        assert_eq!(of(json!({"type": "LoadBalancer"})), "<pending>");
        assert_eq!(of(json!({"type": "ExternalName", "externalName": "db.example"})), "db.example");
    }
}
