//! Images that cannot be had (31–40). The registry's and the runtime's words decide: containerd and cri-dockerd
//! say the same thing differently, and either wraps what the registry said.

use super::containers::Part;
use crate::claim::Claim;
use crate::finding::{Evidence, Unknown};
use crate::kind::{Kind, ObjectRef};
use crate::remedy::Remedy;
use crate::snapshot::Snapshot;

const PULLS: &[&str] = &["ErrImagePull", "ImagePullBackOff"];
const OTHERS: &[&str] =
    &["ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"];

/// What a message says of a pull, the surest sign first.
const SIGNS: &[(u16, &[&str])] = &[
    (33, &["toomanyrequests", "429 too many", "pull rate limit"]),
    (40, &["no space left on device"]),
    (37, &["no match for platform in manifest", "no matching manifest for"]),
    (
        36,
        &[
            "x509:",
            "server gave http response to https client",
            "certificate signed by unknown",
            "tls: failed to verify",
        ],
    ),
    (34, &["no such host", "server misbehaving", "temporary failure in name resolution"]),
    (
        32,
        &[
            "pull access denied",
            "insufficient_scope",
            "401 unauthorized",
            "403 forbidden",
            "no basic auth credentials",
            "denied: requested access",
            "authorization failed",
            "unauthorized: ",
            "authentication required",
        ],
    ),
    (
        35,
        &[
            "i/o timeout",
            "connection refused",
            "tls handshake timeout",
            "proxyconnect",
            "connection reset",
            "deadline exceeded",
            "network is unreachable",
            "no route to host",
            ": eof",
        ],
    ),
    (31, &["not found", "manifest unknown", "name unknown", "repository does not exist"]),
];

pub(super) fn claim(part: &Part<'_>) -> Option<Claim> {
    let waiting = part.status.state.waiting.as_ref()?;
    let reason = waiting.reason.as_str();
    if !PULLS.contains(&reason) && !OTHERS.contains(&reason) {
        return None;
    }
    let mut evidence =
        vec![part.saw("state.waiting.reason", reason), part.saw("state.waiting.message", &waiting.message)];
    let mut message = waiting.message.clone();
    if PULLS.contains(&reason) && rule(&message).is_none() {
        // Before 1.31 the back-off hides the reason, and only the event has it.
        let events = part.subject.events("Failed");
        if let Some(event) = events.iter().rev().find(|event| rule(&event.message).is_some()) {
            message.clone_from(&event.message);
            evidence.push(crate::claim::seen(event));
        }
    }
    let (rule, why) = match reason {
        "ErrImageNeverPull" => (38, "is not on the node, and its pull policy is Never".to_owned()),
        "InvalidImageName" => (39, "is no valid image name".to_owned()),
        "ImageInspectError" => (39, "cannot be read on the node".to_owned()),
        "RegistryUnavailable" => (39, "cannot be pulled: the registry does not answer".to_owned()),
        "SignatureValidationFailed" => (39, "is refused: its signature does not hold".to_owned()),
        _ => {
            let rule = rule(&message).unwrap_or(31);
            (rule, why(rule, &message))
        }
    };
    let image = part.spec.map_or("", |spec| spec.image.as_str());
    let text = format!("image {image} of {} {why}", part.called());
    let claim = part.claim(rule, text).evidence(evidence);
    let claim = claim.evidence(part.spec.map(|_| image_evidence(part, image)));
    Some(remedies(part, rule, claim))
}

/// Pods of one ReplicaSet that run different images under the same tag (41).
pub(super) fn drift(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for set in snapshot.objects().replica_sets.iter().filter(|set| set.status.ready_replicas > 1) {
        let pods = snapshot.pods_of(&set.metadata.uid);
        for container in set.spec.template.spec.containers.iter().filter(|container| !container.image.contains('@')) {
            let mut seen: Option<(&str, Evidence)> = None;
            for pod in &pods {
                let statuses = &pod.status.container_statuses;
                let Some(at) = statuses.iter().position(|status| status.name == container.name) else { continue };
                // Only the digest of the repository is the same on every architecture and runtime.
                let Some((_, digest)) = statuses[at].image_id.rsplit_once('@') else { continue };
                let object = Snapshot::reference(Kind::Pod, &pod.metadata);
                let found =
                    Evidence::field(&object, format!("status.containerStatuses[{at}].imageID"), &statuses[at].image_id);
                match &seen {
                    None => seen = Some((digest, found)),
                    Some((first, _)) if *first == digest => {}
                    Some((_, first)) => {
                        let controllers = snapshot.controllers(&set.metadata);
                        let own = Snapshot::reference(Kind::ReplicaSet, &set.metadata);
                        let workload = controllers.last().unwrap_or(&own).clone();
                        let text = format!(
                            "pods of {} run different images under the same tag {}",
                            workload.short(),
                            container.image
                        );
                        let claim = Claim::new(41, workload.clone(), text).detail(&container.name);
                        let pin = Remedy::manual("name the image by its digest, or give every build a tag of its own");
                        claims.push(
                            claim.evidence([first.clone(), found]).remedy(pin).remedy(Remedy::Restart { workload }),
                        );
                        break;
                    }
                }
            }
        }
    }
}

fn image_evidence(part: &Part<'_>, image: &str) -> Evidence {
    let (list, field) = if part.init {
        (&part.subject.pod.spec.init_containers, "initContainers")
    } else {
        (&part.subject.pod.spec.containers, "containers")
    };
    let at = list.iter().position(|container| container.name == part.name()).unwrap_or_default();
    Evidence::field(&part.subject.object, format!("spec.{field}[{at}].image"), image)
}

fn rule(message: &str) -> Option<u16> {
    let lower = message.to_ascii_lowercase();
    SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign))).map(|(rule, _)| *rule)
}

fn why(rule: u16, message: &str) -> String {
    let known = match rule {
        31 if rule_is_sure(message) => "does not exist: the registry does not know it",
        32 => "may not be pulled: the registry refuses",
        33 => "cannot be pulled now: the registry limits how often",
        34 => "cannot be pulled: the node cannot resolve the registry's name",
        35 => "cannot be pulled: the node does not reach the registry",
        36 => "cannot be pulled: the registry's certificate is not accepted",
        37 => "has no variant for the node's architecture",
        40 => "cannot be unpacked: the node's disk is full",
        _ => "cannot be pulled",
    };
    known.to_owned()
}

fn rule_is_sure(message: &str) -> bool {
    rule(message) == Some(31)
}

fn remedies(part: &Part<'_>, rule: u16, claim: Claim) -> Claim {
    let subject = part.subject;
    let workload = subject.workload().clone();
    let set = |image: Option<String>| Remedy::SetImage {
        workload: workload.clone(),
        container: part.name().to_owned(),
        image,
    };
    match rule {
        31 | 39 => match previous(part) {
            Some((image, revision)) => {
                claim.remedy(set(Some(image))).remedy(Remedy::Rollback { workload: workload.clone(), revision })
            }
            None => claim.remedy(set(None)),
        },
        32 => pull_secrets(part, claim),
        33 => claim.remedy(Remedy::manual("log in to the registry with an imagePullSecret, or use a mirror")),
        34 => claim.remedy(set(None)).remedy(Remedy::manual("if the registry's name is right, mend the node's DNS")),
        35 => claim.remedy(Remedy::manual("let the node reach the registry: firewall, proxy, or the registry itself")),
        36 => claim.remedy(Remedy::manual(
            "let the node's container runtime trust the registry's CA, or mark it insecure there",
        )),
        37 => claim.remedy(Remedy::manual(
            "build the image for the node's architecture, or select nodes by kubernetes.io/arch",
        )),
        38 => claim
            .remedy(Remedy::manual(
                "load the image onto the node (minikube image load), or set imagePullPolicy to IfNotPresent",
            ))
            .remedy(set(None)),
        _ => claim.remedy(Remedy::manual("free space on the node: remove images, or give it a larger disk")),
    }
}

/// Returns the image that the container had in the revision before, where it was another.
fn previous(part: &Part<'_>) -> Option<(String, Option<i64>)> {
    let subject = part.subject;
    let workload = subject.workload();
    if workload.kind != Kind::Deployment {
        return None;
    }
    let current = part.spec?.image.as_str();
    let revision = |set: &&crate::shape::Workload| {
        set.metadata.annotations.get("deployment.kubernetes.io/revision").and_then(|text| text.parse::<i64>().ok())
    };
    let mut sets = subject.snapshot.replica_sets_of(&workload.uid);
    sets.sort_by_key(|set| std::cmp::Reverse(revision(set)));
    sets.into_iter().find_map(|set| {
        let image = &set.spec.template.spec.container(part.name())?.image;
        (image != current).then(|| (image.clone(), revision(&set)))
    })
}

fn pull_secrets(part: &Part<'_>, mut claim: Claim) -> Claim {
    let subject = part.subject;
    let snapshot = subject.snapshot;
    let namespace = subject.namespace();
    let secrets = &subject.pod.spec.image_pull_secrets;
    if secrets.is_empty() {
        claim = claim.saw(&subject.object, "spec.imagePullSecrets", "none");
        return claim.remedy(Remedy::manual(
            "create a Secret of type kubernetes.io/dockerconfigjson for the registry and name it in imagePullSecrets",
        ));
    }
    for (at, secret) in secrets.iter().enumerate() {
        let object = ObjectRef::named(Kind::Secret, namespace, &secret.name);
        claim = claim.saw(&subject.object, format!("spec.imagePullSecrets[{at}].name"), &secret.name);
        match snapshot.find(Kind::Secret, namespace, &secret.name) {
            found if found.is_missing() => {
                claim = claim
                    .evidence([Evidence::absent(&object)])
                    .remedy(Remedy::CreateKeyed { object, keys: vec![".dockerconfigjson".to_owned()] });
            }
            found => match found.here().and_then(|at| snapshot.objects().secrets.get(at.at as usize)) {
                None => claim = claim.unknown(Unknown::unread(Kind::Secret, "whether the imagePullSecrets exist")),
                Some(found) => {
                    let object = Snapshot::reference(Kind::Secret, &found.metadata);
                    if let Some(kind) = &found.r#type {
                        claim = claim.saw(&object, "type", kind);
                    }
                    claim = claim.remedy(Remedy::manual(format!(
                        "check that Secret {} is for this registry and that its login may pull this image",
                        secret.name
                    )));
                }
            },
        }
    }
    claim
}
