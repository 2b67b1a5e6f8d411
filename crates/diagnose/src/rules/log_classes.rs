//! From a line of a log to a cause (141–156): the host that is named becomes a Service and what stands behind
//! it, a setting becomes an environment variable, a refusal becomes a missing role.

use super::containers::{Part, parts};
use super::{access, policies};
use crate::claim::{Claim, Subject};
use crate::finding::{Confidence, Evidence, Place};
use crate::kind::{Kind, ObjectRef};
use crate::logs::{Class, Hint, triage};
use crate::reach::{Reach, behind, reach, similar};
use crate::remedy::Remedy;
use crate::shape::Service;
use crate::snapshot::Snapshot;

/// Returns a line of a log as evidence.
pub(super) fn line(part: &Part<'_>, line: usize, text: &str) -> Evidence {
    // The log may be another pod's.
    let read = part.log().map(|(log, _)| log.pod.as_str());
    let mut pods = part.subject.snapshot.logs_of_pods().filter(|(log, _)| Some(log.pod.as_str()) == read);
    let object = pods.next().map(|(_, pod)| Snapshot::reference(Kind::Pod, &pod.metadata));
    Evidence {
        object: object.unwrap_or_else(|| part.subject.object.clone()),
        place: Place::Log { container: part.name().to_owned(), line },
        value: text.trim().chars().take(300).collect(),
        at: None,
    }
}

/// Returns the first line with these words as evidence.
pub(super) fn find(part: &Part<'_>, words: &str) -> Option<Evidence> {
    let (_, text) = part.log()?;
    text.lines().enumerate().find(|(_, line)| line.contains(words)).map(|(at, found)| line(part, at + 1, found))
}

/// Returns the way back, where an older revision still serves.
pub(super) fn rollback(part: &Part<'_>) -> Vec<Remedy> {
    let workload = part.subject.workload();
    let own = part.subject.pod.metadata.controller().map(|owner| owner.uid.as_str());
    let sets = part.subject.snapshot.replica_sets_of(&workload.uid);
    let older = sets.into_iter().find(|set| Some(set.metadata.uid.as_str()) != own && set.status.ready_replicas > 0);
    let revision = |set: &crate::shape::Workload| {
        set.metadata.annotations.get("deployment.kubernetes.io/revision").and_then(|text| text.parse().ok())
    };
    older.map(|set| Remedy::Rollback { workload: workload.clone(), revision: revision(set) }).into_iter().collect()
}

/// Claims what the log of a container says of its end.
pub(super) fn claim(part: &Part<'_>) -> Option<Claim> {
    let (_, text) = part.log()?;
    let hint = triage(text)?;
    let evidence = line(part, hint.line, &hint.text);
    let claim = match hint.class {
        Class::Refused | Class::TimedOut | Class::UnknownHost => dependency(part, &hint),
        Class::Forbidden => access::claim(part, &hint)?,
        Class::Setting => setting(part, &hint),
        class => plain(part, class, &hint),
    };
    Some(claim.evidence([evidence]))
}

fn plain(part: &Part<'_>, class: Class, hint: &Hint) -> Claim {
    let name = hint.name.clone().unwrap_or_default();
    let (why, step): (String, &str) = match class {
        Class::Credentials => (
            "is refused by what it logs in to".into(),
            "compare the login in its Secret with the one that the server knows",
        ),
        Class::File => (format!("does not find the file {name}"), "mount what it expects there, or correct the path"),
        Class::Permission => (
            format!("may not use {name}"),
            "set fsGroup or runAsUser so that its user owns the file, or add the capability it needs",
        ),
        Class::ReadOnly => (
            format!("writes to {name}, which is read-only"),
            "mount an emptyDir where it writes, or allow a writable root file system",
        ),
        Class::Address => (
            "cannot listen on its port".into(),
            "let it listen on a free port from 1024 on, and let Service and probes use that",
        ),
        Class::Disk => ("has no space left on its disk".into(), "enlarge or empty the volume it writes to"),
        Class::Memory => ("runs out of memory by itself".into(), "raise its memory limit, and its heap with it"),
        Class::Certificate => {
            ("does not accept a certificate".into(), "renew the certificate, or give it the CA that signed it")
        }
        Class::Limits => (
            "has too many files open, or too many watches".into(),
            "raise the limit of open files or of inotify watches on the node",
        ),
        Class::Code => (
            format!("cannot load its code or configuration {name}"),
            "correct the image, or the ConfigMap that holds its configuration",
        ),
        Class::Database => (
            "does not find its tables, or cannot lock them".into(),
            "run its migrations, or end the one that holds the lock",
        ),
        _ => ("says why it ends".into(), "correct what it says"),
    };
    let text = format!("{} ends because it {}", part.called(), why.trim_end());
    part.claim(class as u16, text)
        .confidence(Confidence::Supported)
        .remedies(rollback(part))
        .remedy(Remedy::manual(step))
}

fn setting(part: &Part<'_>, hint: &Hint) -> Claim {
    let name = hint.name.clone().unwrap_or_default();
    let names = part.spec.into_iter().flat_map(|spec| &spec.env).map(|variable| variable.name.as_str());
    let near = similar(&name, names.clone());
    let set = names.clone().any(|known| known == name);
    let mut text = format!("{} ends because {name} is missing", part.called());
    if set {
        text = format!("{} ends because of {name}, which is set, but not to what it needs", part.called());
    } else if let Some(near) = near {
        text = format!("{text}; {near} is set, did you mean that?");
    }
    let step = format!("set the environment variable {name} of {}", part.called());
    part.claim(Class::Setting as u16, text).confidence(Confidence::Supported).remedy(Remedy::manual(step))
}

fn dependency(part: &Part<'_>, hint: &Hint) -> Claim {
    let called = part.called();
    let snapshot = part.subject.snapshot;
    let namespace = part.subject.namespace();
    let host = hint.host.clone().unwrap_or_else(|| "another host".to_owned());
    let asked = hint.port.filter(|_| hint.class != Class::UnknownHost);
    let target = asked.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    let why = match hint.class {
        Class::Refused => "the connection is refused",
        Class::TimedOut => "there is no answer",
        _ => "the name does not resolve",
    };
    let claim = part
        .claim(hint.class as u16, format!("{called} cannot reach {target}: {why}"))
        .confidence(Confidence::Supported)
        .because(policies::on_way(part.subject.pod, snapshot, &host, hint));
    match hint.host.as_deref().map_or(Reach::Elsewhere, |host| reach(snapshot, namespace, host)) {
        Reach::Missing { service, near } => {
            let mut claim = claim.evidence([Evidence::absent(&service)]);
            let Claim { text, .. } = &mut claim;
            *text = format!("{called} cannot reach {target}: there is no Service {}", service.name);
            if service.namespace != namespace {
                text.push_str(" in namespace ");
                text.push_str(&service.namespace);
            }
            let step = match near {
                Some(near) => {
                    text.push_str("; did you mean ");
                    text.push_str(&near);
                    text.push('?');
                    format!("use the host {near} where {host} is configured")
                }
                None => format!("create the Service {}, or correct the host where it is configured", service.name),
            };
            claim.confidence(Confidence::Proved).because([service]).remedy(Remedy::manual(step))
        }
        Reach::Service(service) => with_service(claim, snapshot, service, asked),
        Reach::Pod(pod) => claim.because([Snapshot::reference(Kind::Pod, &pod.metadata)]),
        Reach::Elsewhere => claim.remedy(Remedy::manual(format!(
            "see whether {target} is right, and whether it can be reached from the cluster"
        ))),
    }
}

fn with_service(claim: Claim, snapshot: &Snapshot, service: &Service, port: Option<i64>) -> Claim {
    let object = Snapshot::reference(Kind::Service, &service.metadata);
    let mut claim = claim.because([object.clone()]);
    let ports: Vec<i64> = service.spec.ports.iter().map(|port| port.port).collect();
    let headless = service.spec.cluster_ip == "None";
    if let Some(asked) = port.filter(|asked| !headless && !ports.contains(asked)) {
        let listed: Vec<String> = ports.iter().map(ToString::to_string).collect();
        claim.text =
            format!("{}: service {} has no port {asked}, it has {}", claim.text, object.name, listed.join(", "));
        claim = claim
            .confidence(Confidence::Proved)
            .evidence(
                service
                    .spec
                    .ports
                    .iter()
                    .enumerate()
                    .map(|(at, port)| Evidence::field(&object, format!("spec.ports[{at}].port"), port.port)),
            )
            .remedy(Remedy::manual(format!("use one of its ports where {asked} is configured")));
    } else if behind(snapshot, service).pods.iter().any(|pod| crate::reach::is_ready(pod)) {
        claim = claim.remedy(Remedy::manual(format!(
            "see whether what stands behind service {} listens on its target port",
            object.name
        )));
    }
    claim
}

/// An init container that runs and runs: it waits for something (30).
pub(super) fn waiting_init(subject: &Subject<'_>) -> Vec<Claim> {
    let Some(part) = parts(subject).into_iter().find(|part| part.init) else { return Vec::new() };
    let Some(running) = part.status.state.running.as_ref() else { return Vec::new() };
    if part.spec.is_some_and(crate::shape::Container::is_sidecar) {
        return Vec::new();
    }
    let since = subject.snapshot.since(running.started_at).unwrap_or_default();
    let host = part.spec.and_then(|spec| awaited(&spec.command, &spec.args));
    let reached = host.as_deref().map(|host| reach(subject.snapshot, subject.namespace(), host));
    let called = part.called();
    let claim =
        |text: String| part.claim(30, text).evidence([part.saw("state.running.startedAt", since_text(running))]);
    let minutes = since.as_mins();
    match (reached, host) {
        (Some(Reach::Missing { service, near }), Some(host)) if minutes >= 1 => {
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            vec![
                claim(format!("{called} waits for {host}, and there is no Service {}{near}", service.name))
                    .evidence([Evidence::absent(&service)])
                    .because([service])
                    .remedy(Remedy::manual(format!(
                        "create the Service {host}, or correct the host in the init container"
                    ))),
            ]
        }
        (Some(Reach::Service(service)), Some(host)) if minutes >= 1 => {
            let object = Snapshot::reference(Kind::Service, &service.metadata);
            let found = claim(format!("{called} waits for service {host}")).because([object]);
            let stuck = minutes >= 10;
            vec![if stuck { found } else { found.only_as_symptom() }]
        }
        _ if minutes >= 10 => vec![
            claim(format!("{called} has been running for {minutes} minutes, and nothing after it starts"))
                .confidence(Confidence::Guessed)
                .remedy(Remedy::manual("see in its log what it waits for")),
        ],
        _ => Vec::new(),
    }
}

fn since_text(running: &crate::shape::Running) -> String {
    running.started_at.map(|at| at.to_string()).unwrap_or_default()
}

/// Returns the host that a waiting loop asks: the word after the program that asks, options left out.
fn awaited(command: &[String], args: &[String]) -> Option<String> {
    const PROGRAMS: &[&str] = &[
        "nc",
        "ncat",
        "nslookup",
        "ping",
        "wget",
        "curl",
        "pg_isready",
        "redis-cli",
        "mysqladmin",
        "host",
        "wait-for-it.sh",
        "wait-for-it",
        "wait-for",
    ];
    let text = command.iter().chain(args).map(String::as_str).collect::<Vec<_>>().join(" ");
    let mut words =
        text.split(|at: char| at.is_whitespace() || "\"'();|&".contains(at)).filter(|word| !word.is_empty());
    words.find(|word| PROGRAMS.contains(&word.rsplit('/').next().unwrap_or(word)))?;
    let host = words.find(|word| !word.starts_with('-') && word.contains(|at: char| at.is_ascii_alphabetic()))?;
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let host = host.split(['/', ':']).next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

/// Returns the reference of a Service that answers for the names of the cluster.
pub(super) fn dns() -> ObjectRef {
    ObjectRef::named(Kind::Service, "kube-system", "kube-dns")
}
