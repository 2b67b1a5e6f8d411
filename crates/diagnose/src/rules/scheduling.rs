//! Pods that no node takes (42–56). The scheduler's message says which reasons there are and how often; which
//! node is why, and by how much, is computed again from nodes and pods.

use jiff::SignedDuration;
use todo_agent_kube_rules::scheduling::{Message, Reason, parse};

use super::placement::{Fit, nodes};
use crate::claim::{Claim, Subject};
use crate::finding::{Evidence, Unknown};
use crate::kind::{Kind, ObjectRef};
use crate::reach::similar;
use crate::remedy::{Bound, Remedy};
use crate::shape::condition;

/// A pod that the scheduler has said nothing of yet may be new.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let conditions = &subject.pod.status.conditions;
    let at = conditions.iter().position(|condition| condition.r#type == "PodScheduled");
    let Some(scheduled) = condition(conditions, "PodScheduled") else {
        return ignored(subject).into_iter().collect();
    };
    let path = format!("status.conditions[{}].message", at.unwrap_or_default());
    let evidence = Evidence::field(&subject.object, path, &scheduled.message).at(scheduled.last_transition_time);
    let claim = match scheduled.reason.as_str() {
        "SchedulingGated" => Some(gated(subject)),
        "Unschedulable" => unschedulable(subject, &parse(&scheduled.message)),
        _ => None,
    };
    claim.map(|claim| claim.evidence([evidence])).into_iter().collect()
}

fn ignored(subject: &Subject<'_>) -> Option<Claim> {
    let name = subject.pod.spec.scheduler_name.as_str();
    let age = subject.snapshot.since(subject.pod.metadata.creation_timestamp)?;
    if name.is_empty() || name == "default-scheduler" || age < PATIENCE {
        return None;
    }
    let workload = subject.workload().short();
    Some(
        subject
            .claim(54, format!("no scheduler takes the pods of {workload}: they ask for the scheduler {name}, which does not answer"))
            .saw(&subject.object, "spec.schedulerName", name)
            .remedy(Remedy::manual(format!("correct schedulerName (default-scheduler), or start the scheduler {name}"))),
    )
}

fn gated(subject: &Subject<'_>) -> Claim {
    let gates: Vec<&str> = subject.pod.spec.scheduling_gates.iter().map(|gate| gate.name.as_str()).collect();
    let gates = gates.join(", ");
    let claim =
        subject.claim(53, format!("pods of {} are held by the scheduling gate {gates}", subject.workload().short()));
    claim.remedy(Remedy::manual(format!("see whether what removes the gate {gates} runs")))
}

/// The reasons in the order in which one is likelier to be what a person must change.
fn weight(reason: &Reason) -> u8 {
    match reason {
        Reason::ClaimMissing(_) | Reason::UnboundClaims | Reason::VolumeMissing => 0,
        Reason::Other(_) => 3,
        Reason::Taint(_) | Reason::Unschedulable => 2,
        _ => 1,
    }
}

fn unschedulable(subject: &Subject<'_>, message: &Message) -> Option<Claim> {
    let mut reasons: Vec<_> = message.reasons.iter().collect();
    reasons.sort_by_key(|counted| (weight(&counted.reason), std::cmp::Reverse(counted.nodes)));
    let first = reasons.first()?;
    let fits = if subject.nth < 1 { nodes(subject.snapshot, subject.pod) } else { Vec::new() };
    let who = format!("pods of {}", subject.workload().short());
    let mut claim = by_reason(subject, &first.reason, &fits, &who);
    if reasons.len() > 1 && weight(&first.reason) > 0 {
        let others: Vec<String> = reasons
            .iter()
            .skip(1)
            .map(|counted| format!("{} on {} nodes", words(&counted.reason), counted.nodes))
            .collect();
        claim.text = format!("{}; also: {}", claim.text, others.join(", "));
    }
    for fit in fits.iter().take(3) {
        claim = claim.evidence(fit.evidence());
    }
    if fits.is_empty() && subject.nth < 1 && !subject.snapshot.covers(Kind::Node, "") {
        claim = claim.unknown(Unknown::unread(Kind::Node, "which node lacks what"));
    } else if matches!(first.reason, Reason::Insufficient(_)) && !subject.snapshot.covers(Kind::Pod, "") {
        claim = claim.unknown(Unknown::unread(Kind::Pod, "what the pods of other namespaces leave free on the nodes"));
    }
    Some(claim)
}

fn words(reason: &Reason) -> String {
    match reason {
        Reason::Insufficient(resource) => format!("too little {resource}"),
        Reason::TooManyPods => "too many pods".into(),
        Reason::Taint(_) => "a taint".into(),
        Reason::NodeAffinity => "node selector or affinity".into(),
        Reason::AntiAffinity => "anti-affinity".into(),
        Reason::PodAffinity => "pod affinity".into(),
        Reason::TopologySpread | Reason::TopologyLabel => "topology spread".into(),
        Reason::HostPort => "a taken host port".into(),
        Reason::Unschedulable => "cordoned".into(),
        Reason::Other(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn by_reason(subject: &Subject<'_>, reason: &Reason, fits: &[Fit<'_>], who: &str) -> Claim {
    let manual = |rule: u16, text: String, step: &str| subject.claim(rule, text).remedy(Remedy::manual(step));
    match reason {
        Reason::Insufficient(resource) => insufficient(subject, resource, fits, who),
        Reason::TooManyPods => manual(
            43,
            format!("{who} find no node: each runs as many pods as it may"),
            "add a node, or raise maxPods of the kubelet",
        ),
        Reason::Taint(told) => taint(subject, told.as_deref(), fits, who),
        Reason::NodeAffinity => affinity(subject, fits, who),
        Reason::NodeName => manual(45, format!("{who} ask for a node by a name that there is not"), "correct nodeName"),
        Reason::AntiAffinity => {
            let step = "run fewer replicas than nodes, add a node, or make the anti-affinity preferred; that takes effect when the running pods are replaced";
            manual(46, format!("{who} may not run beside each other, and no node is free of them"), step)
        }
        Reason::PodAffinity => manual(
            47,
            format!("{who} must run beside pods that do not run anywhere"),
            "start the pods that podAffinity names, or correct its selector",
        ),
        Reason::TopologyLabel => manual(
            48,
            format!("{who} are to be spread by a label that no node has"),
            "correct topologyKey, or label the nodes",
        ),
        Reason::TopologySpread => manual(
            48,
            format!("{who} would be spread too unevenly on any node that is free"),
            "set whenUnsatisfiable to ScheduleAnyway, or free the other nodes",
        ),
        Reason::HostPort => manual(
            49,
            format!("{who} want a port of the node that is taken on each"),
            "remove hostPort and use a Service",
        ),
        Reason::Unschedulable => cordoned(subject, fits, who),
        Reason::UnboundClaims => {
            let claims = claim_refs(subject);
            manual(
                51,
                format!("{who} wait for a volume claim that is not bound"),
                "bind the claim; see what it waits for",
            )
            .because(claims)
        }
        Reason::ClaimMissing(name) => {
            let object = ObjectRef::named(Kind::PersistentVolumeClaim, subject.namespace(), name);
            let missing = subject.snapshot.find(Kind::PersistentVolumeClaim, subject.namespace(), name).is_missing();
            let claim = Claim::new(51, object.clone(), format!("the volume claim {name} of {who} does not exist"));
            let claim = claim.severity(subject.severity()).affects(subject.blast());
            let claim = if missing { claim.evidence([Evidence::absent(&object)]) } else { claim };
            let names =
                subject.snapshot.objects().claims.iter().filter(|one| one.metadata.namespace == subject.namespace());
            match similar(name, names.map(|one| one.metadata.name.as_str())) {
                Some(near) => claim.remedy(Remedy::SetReference {
                    workload: subject.workload().clone(),
                    from: object,
                    to: near.to_owned(),
                    key: None,
                }),
                None => claim.remedy(Remedy::manual(format!("create the claim {name}, or correct claimName"))),
            }
        }
        Reason::VolumeMissing => manual(
            51,
            format!("{who} use a claim that is bound to a volume which does not exist"),
            "recreate the claim",
        )
        .because(claim_refs(subject)),
        Reason::VolumeAffinity => manual(
            52,
            format!("{who} use a volume that can only be used on other nodes"),
            "let the pod run where its volume is, or use a class that binds WaitForFirstConsumer",
        )
        .because(claim_refs(subject)),
        Reason::NoVolume | Reason::VolumeCount | Reason::NoStorage => manual(
            52,
            format!("{who} find no node on which their volumes can be used"),
            "see the claims and the storage of the nodes",
        )
        .because(claim_refs(subject)),
        Reason::Devices => manual(
            56,
            format!("{who} ask for devices that no node can give"),
            "see whether the device driver runs and the claim asks for what there is",
        ),
        Reason::NoNodes => manual(55, format!("{who} find no node: the cluster has none"), "add a node"),
        Reason::Other(text) => manual(55, format!("{who} find no node: {text}"), "correct what the scheduler names"),
    }
}

fn claim_refs(subject: &Subject<'_>) -> Vec<ObjectRef> {
    let volumes = subject.pod.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
    volumes.map(|claim| ObjectRef::named(Kind::PersistentVolumeClaim, subject.namespace(), &claim.claim_name)).collect()
}

fn insufficient(subject: &Subject<'_>, resource: &str, fits: &[Fit<'_>], who: &str) -> Claim {
    let device = resource.contains('/');
    // What is free is known only where the pods of all namespaces are.
    let all_pods = subject.snapshot.covers(Kind::Pod, "");
    let open = fits.iter().filter(|fit| all_pods && fit.node_reasons == 0);
    let best = open.max_by_key(|fit| fit.free(resource));
    let mut text = format!("{who} find no node with enough {resource}");
    let wanted = super::placement::requests(&subject.pod.spec).get(resource).copied();
    if let (Some(wanted), Some(best)) = (wanted, best) {
        let free = best.free(resource);
        text = format!(
            "{text}: they ask for {wanted}, the most that is free is {free} on node {}",
            best.node.metadata.name
        );
    }
    let claim = subject.claim(if device { 56 } else { 42 }, text);
    if device {
        return claim.remedy(Remedy::manual(format!("see whether a device plugin offers {resource} on any node")));
    }
    // The container that asks for most is the one to ask for less.
    let asks =
        |container: &&crate::shape::Container| super::placement::quantity(container.resources.requests.get(resource));
    let container = subject.pod.spec.containers.iter().max_by_key(asks);
    let fits_then = best.map(|best| best.free(resource)).filter(|free| free.milli() > 0);
    let lower = container.map(|container| {
        let rest = wanted.unwrap_or_default_quantity().minus(asks(&container));
        let amount = fits_then.map(|free| free.minus(rest)).filter(|amount| amount.milli() > 0);
        Remedy::SetResource {
            workload: subject.workload().clone(),
            container: container.name.clone(),
            limit: Bound::Request,
            resource: resource.to_owned(),
            amount: amount.map(|amount| amount.to_string()),
        }
    });
    claim.remedies(lower).remedy(Remedy::manual(format!("or add a node, or scale down what takes the {resource}")))
}

/// A missing request is none.
trait OrNone {
    fn unwrap_or_default_quantity(self) -> todo_agent_kube_rules::quantities::Quantity;
}

impl OrNone for Option<todo_agent_kube_rules::quantities::Quantity> {
    fn unwrap_or_default_quantity(self) -> todo_agent_kube_rules::quantities::Quantity {
        self.unwrap_or(todo_agent_kube_rules::quantities::Quantity::ZERO)
    }
}

fn taint(subject: &Subject<'_>, told: Option<&str>, fits: &[Fit<'_>], who: &str) -> Claim {
    let found = fits.iter().find_map(|fit| Some((fit, fit.taint?)));
    let name = match (found, told) {
        (Some((fit, taint)), _) => {
            format!("{}={}:{} of node {}", taint.key, taint.value, taint.effect, fit.node.metadata.name)
        }
        (None, Some(told)) => told.to_owned(),
        (None, None) => "of the nodes".to_owned(),
    };
    let claim = subject.claim(44, format!("{who} do not tolerate the taint {name}"));
    let nodes = fits.iter().filter(|fit| fit.taint.is_some()).map(Fit::reference);
    let claim = claim.because(nodes.collect::<Vec<_>>());
    match found {
        Some((_, taint)) if !taint.key.starts_with("node.kubernetes.io/") => claim.remedy(Remedy::Tolerate {
            workload: subject.workload().clone(),
            key: taint.key.clone(),
            value: taint.value.clone(),
            effect: taint.effect.clone(),
        }),
        _ => claim.remedy(Remedy::manual("mend the node, or remove the taint from it")),
    }
}

fn affinity(subject: &Subject<'_>, fits: &[Fit<'_>], who: &str) -> Claim {
    let wanted = &subject.pod.spec.node_selector;
    // The node that lacks least is the one to label.
    let lacking = |fit: &Fit<'_>| {
        let labels = &fit.node.metadata.labels;
        wanted
            .iter()
            .filter(|(key, value)| labels.get(*key) != Some(*value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Vec<_>>()
    };
    let best = fits
        .iter()
        .map(|fit| (lacking(fit), fit))
        .filter(|(lacks, _)| !lacks.is_empty())
        .min_by_key(|(lacks, _)| lacks.len());
    let Some((lacks, fit)) = best else {
        let claim = subject.claim(45, format!("{who} find no node that their node affinity allows"));
        return claim.remedy(Remedy::manual("correct nodeSelector or nodeAffinity, or label a node"));
    };
    let listed: Vec<String> = lacks.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let claim = subject.claim(45, format!("{who} ask for a node with {}, and no node has it", listed.join(",")));
    claim
        .evidence(
            lacks
                .iter()
                .map(|(key, value)| Evidence::field(&subject.object, format!("spec.nodeSelector[{key}]"), value)),
        )
        .remedies(lacks.iter().map(|(key, value)| Remedy::LabelNode {
            node: fit.reference(),
            key: key.clone(),
            value: value.clone(),
        }))
}

fn cordoned(subject: &Subject<'_>, fits: &[Fit<'_>], who: &str) -> Claim {
    let nodes: Vec<&Fit<'_>> = fits.iter().filter(|fit| fit.node.spec.unschedulable).collect();
    let names: Vec<&str> = nodes.iter().map(|fit| fit.node.metadata.name.as_str()).collect();
    let claim = subject.claim(50, format!("{who} find no node: {} is cordoned", names.join(", ")));
    let claim = claim.evidence(nodes.iter().map(|fit| Evidence::field(&fit.reference(), "spec.unschedulable", true)));
    claim.remedies(nodes.iter().map(|fit| Remedy::Uncordon { node: fit.reference() }))
}
