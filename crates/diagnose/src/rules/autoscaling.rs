//! Autoscalers (103–105): no metrics, a missing request, a missing target, or as many replicas as are allowed
//! and still too few. A healthy one also says for a while that it has no metrics yet, and being at its least is
//! normal.

use jiff::SignedDuration;

use super::waiting::between;
use crate::claim::Claim;
use crate::finding::{Confidence, Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::reach::similar;
use crate::remedy::{Bound, Remedy};
use crate::shape::{Autoscaler, condition};
use crate::snapshot::Snapshot;

/// So long a healthy autoscaler may be without metrics.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for scaler in &snapshot.objects().autoscalers {
        let object = Snapshot::reference(Kind::HorizontalPodAutoscaler, &scaler.metadata);
        claims.extend(claim(snapshot, scaler, &object));
    }
}

fn claim(snapshot: &Snapshot, scaler: &Autoscaler, object: &ObjectRef) -> Option<Claim> {
    let conditions = &scaler.status.conditions;
    let target = &scaler.spec.scale_target_ref;
    let target = Kind::of(&target.kind).map(|kind| snapshot.named(kind, &object.namespace, &target.name));
    let path = |kind: &str, field: &str| {
        let at = conditions.iter().position(|one| one.r#type == kind).unwrap_or_default();
        format!("status.conditions[{at}].{field}")
    };
    if let Some(able) =
        condition(conditions, "AbleToScale").filter(|able| able.status == "False" && able.reason == "FailedGetScale")
    {
        return Some(no_target(snapshot, object, target).saw(object, path("AbleToScale", "message"), &able.message));
    }
    if let Some(active) = condition(conditions, "ScalingActive")
        .filter(|active| active.status == "False" && active.reason.starts_with("FailedGet"))
    {
        let since = snapshot.since(active.last_transition_time).unwrap_or_default();
        let claim = inactive(snapshot, object, target, &active.message, since)?;
        return Some(claim.saw(object, path("ScalingActive", "message"), &active.message));
    }
    let limited = condition(conditions, "ScalingLimited")
        .filter(|limited| limited.status == "True" && limited.reason == "TooManyReplicas")?;
    let (measured, wanted) = over(scaler)?;
    let max = scaler.spec.max_replicas;
    let text = format!(
        "{} is at its most ({max} replicas) and still at {measured} % of a target of {wanted} %",
        object.short()
    );
    let claim = Claim::new(105, object.clone(), text).saw(object, path("ScalingLimited", "reason"), &limited.reason);
    Some(
        claim
            .saw(object, "spec.maxReplicas", max)
            .remedy(Remedy::SetMaxReplicas { autoscaler: object.clone(), max: None }),
    )
}

/// Returns the utilization that is measured and the one that is wanted, where it is more.
fn over(scaler: &Autoscaler) -> Option<(i64, i64)> {
    scaler.spec.metrics.iter().find_map(|metric| {
        let resource = metric.resource.as_ref()?;
        let wanted = resource.target["averageUtilization"].as_i64()?;
        let current = scaler.status.current_metrics.iter().filter_map(|current| current.resource.as_ref());
        let measured = current
            .filter(|current| current.name == resource.name)
            .find_map(|current| current.current["averageUtilization"].as_i64())?;
        (measured > wanted).then_some((measured, wanted))
    })
}

fn no_target(snapshot: &Snapshot, object: &ObjectRef, target: Option<ObjectRef>) -> Claim {
    let name = target.as_ref().map_or_else(|| "its target".to_owned(), ObjectRef::short);
    let mut claim = Claim::new(105, object.clone(), format!("{} scales {name}, which does not exist", object.short()));
    let Some(target) = target else { return claim };
    if snapshot.find(target.kind, &target.namespace, &target.name).is_missing() {
        claim = claim.evidence([Evidence::absent(&target)]);
    }
    let deployments = snapshot.objects().deployments.iter().filter(|one| one.metadata.namespace == object.namespace);
    let near = similar(&target.name, deployments.map(|one| one.metadata.name.as_str()));
    claim.remedy(Remedy::manual(match near {
        Some(near) => format!("let scaleTargetRef name {near}"),
        None => format!("create {name}, or delete the autoscaler"),
    }))
}

fn inactive(
    snapshot: &Snapshot,
    object: &ObjectRef,
    target: Option<ObjectRef>,
    message: &str,
    since: SignedDuration,
) -> Option<Claim> {
    if let Some(rest) = message.split("missing request for ").nth(1) {
        let resource = rest.split(' ').next().unwrap_or("cpu");
        let container = between(message, "in container ", " of Pod").unwrap_or_default();
        let workload = target.clone().unwrap_or_else(|| object.clone());
        let text = format!(
            "{} cannot compute: container {container} of {} has no {resource} request",
            object.short(),
            workload.short()
        );
        return Some(Claim::new(104, object.clone(), text).remedy(Remedy::SetResource {
            workload,
            container: container.to_owned(),
            limit: Bound::Request,
            resource: resource.to_owned(),
            amount: None,
        }));
    }
    let no_api =
        message.contains("could not find the requested resource") || message.contains("unable to handle the request");
    if no_api {
        let service = snapshot.named(Kind::APIService, "", "v1beta1.metrics.k8s.io");
        let mut claim =
            Claim::new(103, service.clone(), "the cluster has no resource metrics, so autoscalers cannot compute")
                .affects([object.clone()]);
        if snapshot.find(Kind::APIService, "", &service.name).is_missing() {
            claim = claim.evidence([Evidence::absent(&service)]);
        }
        return Some(claim.remedy(Remedy::manual("install metrics-server (minikube addons enable metrics-server)")));
    }
    if since < PATIENCE {
        return None;
    }
    let text = format!("{} gets no metrics of its pods", object.short());
    let claim = Claim::new(103, object.clone(), text).confidence(Confidence::Supported).severity(Severity::Warning);
    Some(
        claim
            .because(target)
            .remedy(Remedy::manual("see whether metrics-server runs and reaches the kubelets (kubelet TLS)")),
    )
}
