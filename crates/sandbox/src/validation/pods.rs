//! Pod specs, in pods and in templates.

use std::collections::HashSet;

use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use super::names::{DNS_LABEL, is_dns_label};
use crate::api::Cause;

const UPDATE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Checks a pod spec at `path`.
pub(super) fn spec(spec: &Value, path: &str) -> Vec<Cause> {
    spec_with(spec, path, &[])
}

/// Checks a pod spec that gets further volumes from somewhere else.
pub(super) fn spec_with(spec: &Value, path: &str, claimed: &[&str]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut volumes = volumes(spec, path, &mut causes);
    volumes.extend(claimed);
    let mut seen = HashSet::new();
    for list in ["initContainers", "containers"] {
        let field = format!("{path}.{list}");
        let containers = spec[list].as_array().map_or(&[][..], Vec::as_slice);
        if list == "containers" && containers.is_empty() {
            causes.push(Cause::required(field.clone(), ""));
        }
        for (at, container) in containers.iter().enumerate() {
            let place = format!("{field}[{at}]");
            let name = container["name"].as_str().unwrap_or_default();
            if !name.is_empty() && !seen.insert(name) {
                causes.push(Cause::duplicate(format!("{place}.name"), &name.into()));
            }
            self::container(container, &place, &volumes, &mut causes);
            if list == "initContainers" && container["restartPolicy"] != "Always" {
                causes.extend(lasting(container, &place));
            }
        }
    }
    one_of(&spec["restartPolicy"], &format!("{path}.restartPolicy"), &["Always", "OnFailure", "Never"], &mut causes);
    one_of(
        &spec["dnsPolicy"],
        &format!("{path}.dnsPolicy"),
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        &mut causes,
    );
    causes.extend(super::not_negative(
        &spec["terminationGracePeriodSeconds"],
        &format!("{path}.terminationGracePeriodSeconds"),
    ));
    causes
}

/// Returns a cause for each part that only a container has that keeps running.
fn lasting<'a>(container: &'a Value, place: &'a str) -> impl Iterator<Item = Cause> + 'a {
    let parts = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
    let why = "may not be set for init containers without restartPolicy=Always";
    parts
        .into_iter()
        .filter(|part| container.get(part).is_some())
        .map(move |part| Cause::forbidden(format!("{place}.{part}"), why))
}

/// Adds a cause when a present text is not one of the supported words.
pub(super) fn one_of(value: &Value, field: &str, supported: &[&str], causes: &mut Vec<Cause>) {
    if let Some(text) = value.as_str()
        && !supported.contains(&text)
    {
        causes.push(Cause::not_supported(field, value, supported));
    }
}

fn volumes<'a>(spec: &'a Value, path: &str, causes: &mut Vec<Cause>) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    for (at, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let field = format!("{path}.volumes[{at}].name");
        match volume["name"].as_str().unwrap_or_default() {
            "" => causes.push(Cause::required(field, "")),
            name if !is_dns_label(name) => causes.push(Cause::invalid(field, &name.into(), DNS_LABEL)),
            name if !names.insert(name) => causes.push(Cause::duplicate(field, &name.into())),
            _ => {}
        }
    }
    names
}

fn container(container: &Value, place: &str, volumes: &HashSet<&str>, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{place}.{name}");
    match container["name"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(field("name"), "")),
        name if !is_dns_label(name) => causes.push(Cause::invalid(field("name"), &name.into(), DNS_LABEL)),
        _ => {}
    }
    if container["image"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required(field("image"), ""));
    }
    one_of(&container["imagePullPolicy"], &field("imagePullPolicy"), &["Always", "IfNotPresent", "Never"], causes);
    for (at, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        let name = format!("{place}.ports[{at}].containerPort");
        match port["containerPort"].as_i64() {
            None => causes.push(Cause::required(name, "")),
            Some(number) => causes.extend(port_number(number, &name)),
        }
        one_of(&port["protocol"], &format!("{place}.ports[{at}].protocol"), &["SCTP", "TCP", "UDP"], causes);
    }
    for (at, entry) in container["env"].as_array().into_iter().flatten().enumerate() {
        let name = format!("{place}.env[{at}]");
        if entry["name"].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(format!("{name}.name"), ""));
        }
        if entry["value"].as_str().is_some_and(|text| !text.is_empty()) && entry["valueFrom"].is_object() {
            let why = "may not be specified when `value` is not empty";
            causes.push(Cause::invalid(format!("{name}.valueFrom"), &"".into(), why));
        }
    }
    let mut paths = HashSet::new();
    for (at, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        let name = format!("{place}.volumeMounts[{at}]");
        let volume = mount["name"].as_str().unwrap_or_default();
        if !volumes.contains(volume) {
            causes.push(Cause::not_found(format!("{name}.name"), &volume.into()));
        }
        match mount["mountPath"].as_str().unwrap_or_default() {
            "" => causes.push(Cause::required(format!("{name}.mountPath"), "")),
            path if !paths.insert(path) => {
                causes.push(Cause::invalid(format!("{name}.mountPath"), &path.into(), "must be unique"));
            }
            _ => {}
        }
    }
    resources(&container["resources"], &field("resources"), causes);
}

fn resources(resources: &Value, place: &str, causes: &mut Vec<Cause>) {
    let amount = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
    for list in ["limits", "requests"] {
        for (name, value) in resources[list].as_object().into_iter().flatten() {
            if amount(value).is_some_and(|amount| amount < Quantity::from_units(0)) {
                let field = format!("{place}.{list}[{name}]");
                causes.push(Cause::invalid(field, value, "must be greater than or equal to 0"));
            }
        }
    }
    for (name, requested) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        if let (Some(request), Some(most)) = (amount(requested), amount(limit))
            && request > most
        {
            let why = format!("must be less than or equal to {name} limit of {}", limit.as_str().unwrap_or_default());
            causes.push(Cause::invalid(format!("{place}.requests"), requested, &why));
        }
    }
}

/// Returns a cause when a number is no port.
pub(super) fn port_number(number: i64, field: &str) -> Option<Cause> {
    (!(1..=65535).contains(&number))
        .then(|| Cause::invalid(field, &number.into(), "must be between 1 and 65535, inclusive"))
}

/// Checks the replacement of a pod: next to nothing of its spec may change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    let mut before = current["spec"].clone();
    let mut after = object["spec"].clone();
    for spec in [&mut before, &mut after] {
        for list in ["initContainers", "containers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                crate::object::set(container, "image", "");
            }
        }
        if let Some(map) = spec.as_object_mut() {
            map.remove("activeDeadlineSeconds");
        }
    }
    let kept = before["tolerations"].as_array().into_iter().flatten();
    let added_only = kept.clone().all(|old| after["tolerations"].as_array().is_some_and(|new| new.contains(old)));
    if added_only {
        after["tolerations"] = before["tolerations"].clone();
    }
    if before == after { Vec::new() } else { vec![Cause::forbidden("spec", UPDATE)] }
}
