//! Pods that are never made (57–61, 120, 121): a quota, a limit, a policy, a missing account, a webhook. The
//! API server's refusal stands in a condition of the workload or, for those without one, in an event.

use super::waiting::between;
use crate::claim::{Claim, seen};
use crate::finding::{Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::remedy::{Bound, Remedy};
use crate::shape::{Workload, condition};
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let objects = snapshot.objects();
    for set in &objects.replica_sets {
        if let Some(failure) =
            condition(&set.status.conditions, "ReplicaFailure").filter(|failure| failure.status == "True")
        {
            let object = Snapshot::reference(Kind::ReplicaSet, &set.metadata);
            let at = set.status.conditions.iter().position(|one| one.r#type == "ReplicaFailure").unwrap_or_default();
            let evidence = Evidence::field(&object, format!("status.conditions[{at}].message"), &failure.message);
            claims.extend(refused(snapshot, set, object, &failure.message, evidence.at(failure.last_transition_time)));
        }
    }
    // The other controllers have no condition for it: the newest event counts while pods lack.
    let others = [
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
        (Kind::Job, &objects.jobs),
    ];
    for (kind, list) in others {
        for workload in list.iter().filter(|workload| lacks_pods(kind, workload)) {
            let events = snapshot.events_of(&workload.metadata.uid);
            let Some(event) = events.iter().rev().find(|event| event.reason == "FailedCreate") else { continue };
            let object = Snapshot::reference(kind, &workload.metadata);
            claims.extend(refused(snapshot, workload, object, &event.message, seen(event)));
        }
    }
}

fn lacks_pods(kind: Kind, workload: &Workload) -> bool {
    let status = &workload.status;
    match kind {
        Kind::StatefulSet => status.replicas < workload.spec.replicas.unwrap_or(1),
        Kind::DaemonSet => status.number_ready < status.desired_number_scheduled,
        _ => !workload.spec.suspend && status.active.0 == 0 && status.succeeded == 0 && status.conditions.is_empty(),
    }
}

fn refused(
    snapshot: &Snapshot,
    made_by: &Workload,
    object: ObjectRef,
    message: &str,
    evidence: Evidence,
) -> Option<Claim> {
    let mut chain = vec![object.clone()];
    chain.extend(snapshot.controllers(&made_by.metadata));
    let workload = chain.last().cloned().unwrap_or(object);
    let serving = snapshot.serving(&workload.uid) > 0;
    let severity = if serving { Severity::Warning } else { Severity::Critical };
    let (rule, subject, text, remedies) = reason(snapshot, made_by, &workload, message)?;
    let mut claim =
        Claim::new(rule, subject, text).severity(severity).affects(chain).evidence([evidence]).remedies(remedies);
    if rule == 120
        && let Some(service) = between(message, "://", ".svc").and_then(|host| host.split_once('.'))
    {
        claim = claim.because([ObjectRef::named(Kind::Service, service.1, service.0)]);
    }
    Some(claim)
}

type Told = (u16, ObjectRef, String, Vec<Remedy>);

fn reason(snapshot: &Snapshot, made_by: &Workload, workload: &ObjectRef, message: &str) -> Option<Told> {
    let who = workload.short();
    let namespace = &workload.namespace;
    let manual = |step: &str| vec![Remedy::manual(step)];
    if let Some(rest) = message.split("exceeded quota: ").nth(1) {
        let name = rest.split(',').next().unwrap_or_default().trim();
        let numbers = rest.split_once(',').map_or("", |(_, numbers)| numbers.trim());
        let quota = snapshot.named(Kind::ResourceQuota, namespace, name);
        let text = format!("quota {name} allows no more pods of {who}: {numbers}");
        return Some((57, quota, text, manual("raise the quota, or ask for less: fewer replicas or smaller requests")));
    }
    if let Some(rest) = message.split("failed quota: ").nth(1) {
        let (name, needs) = rest.split_once(": must specify ").unwrap_or((rest, "resources"));
        let needs = needs.trim();
        let text = format!("pods of {who} are refused: quota {name} wants them to specify {needs}");
        let mut remedies = set_resources(made_by, workload, needs);
        remedies.push(Remedy::manual("or give the namespace a LimitRange with defaults"));
        return Some((58, workload.clone(), text, remedies));
    }
    if message.contains("usage per Container is") || message.contains("usage per Pod is") {
        let said = message.split("is forbidden: ").nth(1).unwrap_or(message);
        let text = format!("pods of {who} are refused by the namespace's LimitRange: {said}");
        return Some((59, workload.clone(), text, manual("change the resources of the containers, or the LimitRange")));
    }
    if message.contains("violates PodSecurity") {
        let level = between(message, "violates PodSecurity \"", "\"").unwrap_or_default();
        let broken = message.split("\": ").nth(1).unwrap_or_default();
        let text =
            format!("pods of {who} are refused: they do not meet the pod security level {level} of the namespace");
        return Some((
            60,
            workload.clone(),
            text,
            vec![Remedy::manual(format!("set the securityContext so that it holds: {broken}"))],
        ));
    }
    if let Some(name) = between(message, "serviceaccount \"", "\" not found") {
        let account = ObjectRef::named(Kind::ServiceAccount, namespace, name);
        let text = format!("service account {name} of {who} does not exist in namespace {namespace}");
        return Some((61, account.clone(), text, vec![Remedy::CreateServiceAccount { account }]));
    }
    if let Some(name) = between(message, "no PriorityClass with name ", " was found") {
        let text = format!("priority class {name} of {who} does not exist");
        return Some((
            61,
            ObjectRef::named(Kind::PriorityClass, "", name),
            text,
            manual("create the priority class, or correct priorityClassName"),
        ));
    }
    if let Some(name) = between(message, "RuntimeClass \"", "\" not found") {
        let text = format!("runtime class {name} of {who} does not exist");
        return Some((
            61,
            ObjectRef::named(Kind::RuntimeClass, "", name),
            text,
            manual("create the runtime class, or remove runtimeClassName"),
        ));
    }
    if let Some(name) = between(message, "failed calling webhook \"", "\"") {
        let why = message.rsplit(": ").next().unwrap_or_default();
        let text = format!("the admission webhook {name} does not answer, so no pod of {who} is made: {why}");
        let subject = webhook(snapshot, name).unwrap_or_else(|| workload.clone());
        return Some((
            120,
            subject,
            text,
            manual("bring back the webhook's service, or remove its configuration if it is gone for good"),
        ));
    }
    if message.contains("denied the request") || message.contains("denied request") {
        let said = message.split("is forbidden: ").nth(1).unwrap_or(message);
        let text = format!("pods of {who} are refused by an admission policy: {said}");
        return Some((121, workload.clone(), text, manual("change what the policy names, or the policy")));
    }
    None
}

fn webhook(snapshot: &Snapshot, name: &str) -> Option<ObjectRef> {
    let objects = snapshot.objects();
    let found = |kind: Kind, list: &[crate::shape::Webhooks]| {
        let configuration = list.iter().find(|one| one.webhooks.iter().any(|webhook| webhook.name == name))?;
        Some(Snapshot::reference(kind, &configuration.metadata))
    };
    found(Kind::ValidatingWebhookConfiguration, &objects.validating_webhooks)
        .or_else(|| found(Kind::MutatingWebhookConfiguration, &objects.mutating_webhooks))
}

/// `limits.cpu,requests.memory for: main`
fn set_resources(made_by: &Workload, workload: &ObjectRef, needs: &str) -> Vec<Remedy> {
    let (fields, containers) = needs.split_once(" for: ").unwrap_or((needs, ""));
    let fields = fields.split(',').filter_map(|field| field.trim().split_once('.'));
    let names: Vec<String> = match containers {
        "" => made_by.spec.template.spec.containers.iter().map(|container| container.name.clone()).collect(),
        listed => listed.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    let each = |(bound, resource): (&str, &str)| {
        let limit = if bound == "limits" { Bound::Limit } else { Bound::Request };
        let resource = resource.to_owned();
        names.clone().into_iter().map(move |container| Remedy::SetResource {
            workload: workload.clone(),
            container,
            limit,
            resource: resource.clone(),
            amount: None,
        })
    };
    fields.flat_map(each).collect()
}
