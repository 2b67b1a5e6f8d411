//! Custom resource definitions.

use serde_json::Value;

use super::{immutable, names, pods};
use crate::api::Cause;
use crate::object;

/// Checks the content of a definition.
pub(super) fn content(definition: &Value) -> Vec<Cause> {
    let spec = &definition["spec"];
    let mut causes = Vec::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
    if object::name(definition) != format!("{plural}.{group}") {
        let name = &definition["metadata"]["name"];
        causes.push(Cause::invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
    }
    if group.is_empty() {
        causes.push(Cause::required("spec.group", ""));
    } else if !names::is_dns_subdomain(&group) {
        causes.push(Cause::invalid("spec.group", &spec["group"], names::DNS_SUBDOMAIN));
    } else if !group.contains('.') {
        causes.push(Cause::invalid("spec.group", &spec["group"], "should be a domain with at least one dot"));
    }
    match spec["scope"].as_str() {
        None => causes.push(Cause::required("spec.scope", "")),
        Some(_) => pods::one_of(&spec["scope"], "spec.scope", &["Cluster", "Namespaced"], &mut causes),
    }
    for name in ["plural", "kind"] {
        if text(&spec["names"][name]).is_empty() {
            causes.push(Cause::required(format!("spec.names.{name}"), ""));
        }
    }
    let versions = spec["versions"].as_array().map_or(&[][..], Vec::as_slice);
    for (at, version) in versions.iter().enumerate() {
        if !version["schema"]["openAPIV3Schema"].is_object() {
            causes.push(Cause::required(format!("spec.versions[{at}].schema.openAPIV3Schema"), ""));
        }
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    causes
}

/// Checks what may not change.
pub(super) fn update(definition: &Value, current: &Value) -> Vec<Cause> {
    let (spec, before) = (&definition["spec"], &current["spec"]);
    let fixed = [
        (&spec["group"], &before["group"], "spec.group"),
        (&spec["scope"], &before["scope"], "spec.scope"),
        (&spec["names"]["plural"], &before["names"]["plural"], "spec.names.plural"),
        (&spec["names"]["kind"], &before["names"]["kind"], "spec.names.kind"),
    ];
    fixed.into_iter().filter_map(|(new, old, field)| immutable(new, old, field)).collect()
}
