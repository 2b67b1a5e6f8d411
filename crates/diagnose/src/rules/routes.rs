//! Routes of the Gateway API (88): what their gateways say of them.

use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::Kind;
use crate::remedy::Remedy;
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for route in &snapshot.objects().http_routes {
        let object = Snapshot::reference(Kind::HTTPRoute, &route.metadata);
        for (at, parent) in route.status.parents.iter().enumerate() {
            for (which, condition) in parent.conditions.iter().enumerate() {
                let asked = matches!(condition.r#type.as_str(), "Accepted" | "Programmed" | "ResolvedRefs");
                if !asked || condition.status != "False" {
                    continue;
                }
                let step = match condition.reason.as_str() {
                    "RefNotPermitted" => "create a ReferenceGrant in the namespace of the backend",
                    "BackendNotFound" => "create the backend Service, or correct backendRefs",
                    "NoMatchingParent" => "correct parentRefs: name, section and port of the listener",
                    "NotAllowedByListeners" => "let the listener's allowedRoutes take routes of this namespace",
                    _ => "correct what the gateway's message names",
                };
                let gateway = &parent.parent_ref.name;
                let text = format!("gateway {gateway} does not take {}: {}", object.short(), condition.message);
                claims.push(
                    Claim::new(88, object.clone(), text)
                        .detail(format!("{gateway}/{}", condition.r#type))
                        .severity(Severity::Critical)
                        .saw(&object, format!("status.parents[{at}].conditions[{which}].reason"), &condition.reason)
                        .remedy(Remedy::manual(step)),
                );
            }
        }
    }
}
