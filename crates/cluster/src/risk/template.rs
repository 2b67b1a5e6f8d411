//! What an object loses and what its pods gain, read from the whole object: the server leaves emptied lists
//! out and most ports have no name, so that a difference field by field does not tell.

use std::collections::BTreeSet;

use serde_json::Value;

const CONTAINERS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];

/// Returns whether containers, ports, volumes or mounts that were there are gone.
pub(super) fn loses(before: &Value, after: &Value) -> bool {
    !parts(before).is_subset(&parts(after))
}

/// Returns whether the pods may reach further than before: into their node, or with other rights.
pub(super) fn gains(before: &Value, after: &Value) -> bool {
    let mut had = reach(before);
    // Where there was nothing, pods of the account that all have are what is usual.
    if before.is_null() {
        had.insert("account default".to_owned());
    }
    !reach(after).is_subset(&had)
}

/// Returns the pod's spec inside a pod, a workload or a cron job.
fn pod_spec(object: &Value) -> Option<&Value> {
    if object["kind"] == "Pod" {
        return object.get("spec");
    }
    ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"].iter().find_map(|place| object.pointer(place))
}

fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value[field].as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn parts(object: &Value) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let port = |owner: &str, port: &Value, field: &str| {
        // Source: ContainerPort and ServicePort, protocol TCP where it is left out.
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        format!("port {owner} {} {protocol}", port[field])
    };
    if object["kind"] == "Service" {
        parts.extend(items(&object["spec"], "ports").map(|one| port("", one, "port")));
    }
    let Some(pod) = pod_spec(object) else { return parts };
    parts.extend(items(pod, "volumes").map(|volume| format!("volume {}", text(volume, "name"))));
    for list in CONTAINERS {
        for container in items(pod, list) {
            let owner = format!("{list} {}", text(container, "name"));
            parts.extend(items(container, "ports").map(|one| port(&owner, one, "containerPort")));
            for mounts in ["volumeMounts", "volumeDevices"] {
                let path = |mount: &Value| format!("mount {owner} {} {}", mount["mountPath"], mount["devicePath"]);
                parts.extend(items(container, mounts).map(path));
            }
            parts.insert(owner);
        }
    }
    parts
}

fn reach(object: &Value) -> BTreeSet<String> {
    let mut reach = BTreeSet::new();
    let Some(pod) = pod_spec(object) else { return reach };
    for field in ["hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken"] {
        if pod[field] == true {
            reach.insert(field.to_owned());
        }
    }
    // Another account has other rights; none given is the one called default.
    let account = pod["serviceAccountName"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
    reach.insert(format!("account {account}"));
    reach.extend(
        items(pod, "volumes")
            .filter(|volume| volume["hostPath"].is_object())
            .map(|volume| format!("hostPath {}", volume["hostPath"]["path"])),
    );
    rights("the pod", &pod["securityContext"], &mut reach);
    for list in CONTAINERS {
        for container in items(pod, list) {
            let owner = format!("{list} {}", text(container, "name"));
            rights(&owner, &container["securityContext"], &mut reach);
            let open = items(container, "ports").filter(|port| port["hostPort"].as_i64().unwrap_or(0) != 0);
            reach.extend(open.map(|port| format!("{owner} hostPort {}", port["hostPort"])));
        }
    }
    reach
}

fn rights(owner: &str, context: &Value, reach: &mut BTreeSet<String>) {
    for field in ["privileged", "allowPrivilegeEscalation"] {
        if context[field] == true {
            reach.insert(format!("{owner} {field}"));
        }
    }
    if context["windowsOptions"]["hostProcess"] == true {
        reach.insert(format!("{owner} hostProcess"));
    }
    if context["runAsUser"] == 0 {
        reach.insert(format!("{owner} root"));
    }
    if context["procMount"] == "Unmasked" {
        reach.insert(format!("{owner} procMount"));
    }
    for profile in ["seccompProfile", "appArmorProfile"] {
        if context[profile]["type"] == "Unconfined" {
            reach.insert(format!("{owner} {profile}"));
        }
    }
    let added = items(&context["capabilities"], "add");
    reach.extend(added.map(|capability| format!("{owner} capability {capability}")));
}
