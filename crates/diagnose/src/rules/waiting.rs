//! A container that waits because it cannot be made: a missing Secret or ConfigMap or key, a user that may not
//! be, a runtime that refuses, a hook that fails (20–28). The kubelet says why in `state.waiting.message`.

use super::containers::Part;
use crate::claim::Claim;
use crate::finding::{Confidence, Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::reach::similar;
use crate::remedy::Remedy;
use crate::shape::{Keyed, PodSpec};
use crate::snapshot::{Found, Snapshot};

pub(super) fn claim(part: &Part<'_>) -> Option<Claim> {
    let waiting = part.status.state.waiting.as_ref()?;
    let message = waiting.message.as_str();
    let evidence = [part.saw("state.waiting.reason", &waiting.reason), part.saw("state.waiting.message", message)];
    let claim = match waiting.reason.as_str() {
        "CreateContainerConfigError" => configuration(part, message)?,
        "CreateContainerError" => create(part, message),
        "RunContainerError" => super::endings::start_error(part, message),
        "PostStartHookError" => hook(part),
        _ => return None,
    };
    Some(claim.evidence(evidence))
}

fn configuration(part: &Part<'_>, message: &str) -> Option<Claim> {
    for (kind, rule, word) in [(Kind::Secret, 20, "secret \""), (Kind::ConfigMap, 21, "configmap \"")] {
        if let Some(name) = between(message, word, "\" not found") {
            return Some(missing_object(part, rule, kind, name));
        }
    }
    if let Some(rest) = message.split("couldn't find key ").nth(1) {
        return missing_key(part, rest);
    }
    if message.contains("runAsNonRoot") {
        return Some(run_as_root(part, message));
    }
    if message.contains("subPath") {
        let text = format!("{} cannot mount a subPath: {message}", part.called());
        let step = "make the subPath of the volume mount name what is in the volume, of the type that the mount needs";
        return Some(part.claim(24, text).remedy(Remedy::manual(step)));
    }
    let text = format!("{} cannot be configured: {message}", part.called());
    Some(part.claim(25, text).remedy(Remedy::manual("correct what the message names")))
}

fn missing_object(part: &Part<'_>, rule: u16, kind: Kind, name: &str) -> Claim {
    let subject = part.subject;
    let object = ObjectRef::named(kind, subject.namespace(), name);
    let text = format!("{kind} {name} does not exist in namespace {}", subject.namespace());
    missing(part.subject.snapshot, rule, &object, text, &subject.pod.spec, subject.workload())
        .severity(subject.severity())
        .affects(subject.blast())
}

/// A claim that a Secret or ConfigMap which pods need is not there.
pub(super) fn missing(
    snapshot: &Snapshot,
    rule: u16,
    object: &ObjectRef,
    text: String,
    spec: &PodSpec,
    workload: &ObjectRef,
) -> Claim {
    let ObjectRef { kind, namespace, name, .. } = object;
    let mut claim = Claim::new(rule, object.clone(), text).severity(Severity::Critical);
    if snapshot.find(*kind, namespace, name).is_missing() {
        claim = claim.evidence([Evidence::absent(object)]);
    }
    let all = keyed(snapshot, *kind);
    let here = all.iter().filter(|one| one.metadata.namespace == *namespace).map(|one| one.metadata.name.as_str());
    if let Some(near) = similar(name, here.filter(|name| *name != "kube-root-ca.crt")) {
        let (from, to) = (object.clone(), near.to_owned());
        claim = claim.remedy(Remedy::SetReference { workload: workload.clone(), from, to, key: None });
    }
    if let Some(other) = all.iter().find(|one| one.metadata.name == *name && one.metadata.namespace != *namespace) {
        let from = other.metadata.namespace.clone();
        claim = claim.remedy(Remedy::CopyFrom { object: object.clone(), namespace: from });
    }
    claim.remedy(Remedy::CreateKeyed { object: object.clone(), keys: wanted_keys(spec, *kind, name) })
}

fn keyed(snapshot: &Snapshot, kind: Kind) -> &[Keyed] {
    match kind {
        Kind::Secret => &snapshot.objects().secrets,
        _ => &snapshot.objects().config_maps,
    }
}

/// Returns the keys that the containers of a pod ask of an object.
fn wanted_keys(spec: &PodSpec, kind: Kind, name: &str) -> Vec<String> {
    let containers = spec.init_containers.iter().chain(&spec.containers);
    let refs = containers.flat_map(|container| &container.env).filter_map(|variable| match kind {
        Kind::Secret => variable.value_from.secret_key_ref.as_ref(),
        _ => variable.value_from.config_map_key_ref.as_ref(),
    });
    let mut keys: Vec<String> = refs.filter(|key| key.name == name).map(|key| key.key.clone()).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// `K in Secret ns/x`
fn missing_key(part: &Part<'_>, rest: &str) -> Option<Claim> {
    let (key, rest) = rest.split_once(" in ")?;
    let (kind, path) = rest.split_once(' ')?;
    let kind = if kind == "Secret" { Kind::Secret } else { Kind::ConfigMap };
    let (namespace, name) = path.trim().split_once('/')?;
    let subject = part.subject;
    let snapshot = subject.snapshot;
    let object = snapshot.named(kind, namespace, name);
    let keys = match snapshot.find(kind, namespace, name) {
        Found::Here(at) => keyed(snapshot, kind).get(at.at as usize).and_then(|one| one.keys.as_ref()),
        Found::Missing | Found::Unknown => None,
    };
    let mut text = format!("{kind} {name} has no key {key}");
    if let Some(keys) = keys {
        let listed: Vec<&str> = keys.iter().map(String::as_str).take(20).collect();
        let listed = if listed.is_empty() { "it has none".to_owned() } else { format!("it has {}", listed.join(", ")) };
        text = format!("{text}; {listed}");
    }
    let mut claim =
        Claim::new(22, object.clone(), text).detail(key).severity(subject.severity()).affects(subject.blast());
    if let Some(near) = keys.and_then(|keys| similar(key, keys.iter().map(String::as_str))) {
        claim = claim.remedy(Remedy::SetReference {
            workload: subject.workload().clone(),
            from: object.clone(),
            to: name.to_owned(),
            key: Some(near.to_owned()),
        });
    }
    Some(claim.remedy(Remedy::AddKey { object, key: key.to_owned() }))
}

fn run_as_root(part: &Part<'_>, message: &str) -> Claim {
    let named = message.contains("non-numeric user");
    let why = if named {
        "runAsNonRoot is set and its image names its user by a word, which the kubelet cannot check"
    } else {
        "runAsNonRoot is set and its image runs as root"
    };
    let step = if named {
        "set runAsUser to the number of the image's user"
    } else {
        "set runAsUser to a number other than 0, or build the image with a USER"
    };
    part.claim(23, format!("{} may not start: {why}", part.called())).remedy(Remedy::manual(step))
}

fn create(part: &Part<'_>, message: &str) -> Claim {
    let called = part.called();
    let (text, remedy) = if message.contains("no command specified") {
        let remedy = Remedy::SetCommand {
            workload: part.subject.workload().clone(),
            container: part.name().to_owned(),
            command: None,
        };
        (format!("{called} has no command, and its image has none either"), remedy)
    } else if message.contains("is reserved for") {
        let step =
            "an old container of the same name is left on the node: delete the pod, or restart the container runtime";
        (format!("{called} cannot be made: its name is still taken on the node"), Remedy::manual(step))
    } else if message.contains("not a directory") {
        let step = "mount a file on a file and a directory on a directory";
        (format!("{called} cannot be made: a mount and its target are of different types"), Remedy::manual(step))
    } else if message.contains("deadline exceeded") {
        let step = "the container runtime does not answer in time: look at the node's load and its runtime";
        (format!("{called} cannot be made in time"), Remedy::manual(step))
    } else {
        (format!("{called} cannot be made: {message}"), Remedy::manual("correct what the runtime's message names"))
    };
    part.claim(25, text).remedy(remedy)
}

fn hook(part: &Part<'_>) -> Claim {
    let text = format!("the postStart hook of {} fails, so the container is killed", part.called());
    part.claim(27, text)
        .confidence(Confidence::Proved)
        .remedy(Remedy::manual("correct the command of lifecycle.postStart; it must be quick and may run again"))
}

/// Returns what stands between two marks.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}
