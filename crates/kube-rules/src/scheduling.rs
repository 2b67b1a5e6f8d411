//! The scheduler's message, read back: `0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated
//! taint(s). preemption: …` becomes pairs of a count and a reason. Wording drifts between minor versions, so
//! reasons are recognised by what does not change; an unknown one is kept as text.
//!
//! Source: `FitError` and the plugins' `ErrReason`s of Kubernetes 1.24 to 1.37.

/// Why a node does not take a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Too little of a resource is free.
    Insufficient(String),
    /// The node runs as many pods as it may.
    TooManyPods,
    /// A taint is not tolerated; older versions name it.
    Taint(Option<String>),
    /// Node selector or node affinity do not match.
    NodeAffinity,
    /// Required anti-affinity of the pod, or of one that runs, keeps it away.
    AntiAffinity,
    /// Required pod affinity finds no pod.
    PodAffinity,
    /// Pods would be spread too unevenly.
    TopologySpread,
    /// The nodes lack the label that pods are to be spread by.
    TopologyLabel,
    /// A host port is taken.
    HostPort,
    /// The node is cordoned.
    Unschedulable,
    /// The node is not the one that is asked for.
    NodeName,
    /// A claim is not bound, and its class binds at once.
    UnboundClaims,
    /// A claim does not exist.
    ClaimMissing(String),
    /// A claim is bound to a volume that does not exist.
    VolumeMissing,
    /// A volume can be used only on other nodes.
    VolumeAffinity,
    /// No volume can be bound.
    NoVolume,
    /// The node holds as many volumes as it may.
    VolumeCount,
    /// A storage system has too little space.
    NoStorage,
    /// A claim of devices cannot be met.
    Devices,
    /// There is no node at all.
    NoNodes,
    /// Anything else, in the scheduler's words.
    Other(String),
}

/// One reason with how many nodes it is true of; 0 where the message does not count nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// How many nodes.
    pub nodes: usize,
    /// Why.
    pub reason: Reason,
}

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// How many nodes there are.
    pub nodes: usize,
    /// Why none takes the pod, in the message's order.
    pub reasons: Vec<Counted>,
}

/// Reads a message. What comes after `preemption:` says nothing of the cause and is left out.
pub fn parse(message: &str) -> Message {
    let body = message.split("preemption:").next().unwrap_or_default().trim();
    if body.contains("no nodes available") {
        return Message { nodes: 0, reasons: vec![Counted { nodes: 0, reason: Reason::NoNodes }] };
    }
    let (head, rest) = body.split_once("nodes are available:").unwrap_or(("", body));
    let nodes = head.trim().strip_prefix("0/").and_then(|count| count.parse().ok()).unwrap_or_default();
    let reasons = parts(rest).into_iter().map(counted).collect();
    Message { nodes, reasons }
}

/// Splits at commas that begin a new count, since reasons hold commas of their own.
fn parts(text: &str) -> Vec<&str> {
    let text = text.trim().trim_end_matches('.');
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(", ") {
        let counts = text[at + 2..].split(' ').next().is_some_and(|word| word.parse::<usize>().is_ok());
        if counts {
            found.push(&text[start..at]);
            start = at + 2;
        }
    }
    found.push(&text[start..]);
    found.retain(|part| !part.trim().is_empty());
    found
}

fn counted(part: &str) -> Counted {
    let part = part.trim();
    let (first, rest) = part.split_once(' ').unwrap_or((part, ""));
    match first.parse() {
        Ok(nodes) => Counted { nodes, reason: reason(rest) },
        Err(_) => Counted { nodes: 0, reason: reason(part) },
    }
}

fn reason(text: &str) -> Reason {
    let text = text.trim().trim_end_matches('.').trim_end_matches(". not found");
    if let Some(resource) = text.strip_prefix("Insufficient ") {
        return Reason::Insufficient(resource.trim().to_owned());
    }
    if let Some(name) = between(text, "persistentvolumeclaim \"", "\" not found") {
        return Reason::ClaimMissing(name.to_owned());
    }
    let known: [(&[&str], Reason); 20] = [
        (&["Too many pods"], Reason::TooManyPods),
        (&["unbound immediate PersistentVolumeClaims"], Reason::UnboundClaims),
        (&["bound to non-existent"], Reason::VolumeMissing),
        (&["existing pods anti-affinity"], Reason::AntiAffinity),
        (&["pod anti-affinity"], Reason::AntiAffinity),
        (&["match pod affinity rules"], Reason::PodAffinity),
        (&["topology spread constraints", "missing required label"], Reason::TopologyLabel),
        (&["topology spread constraints"], Reason::TopologySpread),
        (&["Pod's node affinity"], Reason::NodeAffinity),
        (&["node selector"], Reason::NodeAffinity),
        (&["have free ports"], Reason::HostPort),
        (&["were unschedulable"], Reason::Unschedulable),
        (&["requested node name"], Reason::NodeName),
        (&["volume node affinity conflict"], Reason::VolumeAffinity),
        (&["no available volume zone"], Reason::VolumeAffinity),
        (&["find available persistent volumes"], Reason::NoVolume),
        (&["max volume count"], Reason::VolumeCount),
        (&["enough free storage"], Reason::NoStorage),
        (&["cannot allocate all claims"], Reason::Devices),
        (&["resourceclaim"], Reason::Devices),
    ];
    if text.contains("untolerated taint") || text.contains("had taint") {
        return Reason::Taint(between(text, "{", "}").map(str::to_owned));
    }
    let found = known.into_iter().find(|(signs, _)| signs.iter().all(|sign| text.contains(sign)));
    found.map_or_else(|| Reason::Other(text.to_owned()), |(_, reason)| reason)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Reason)> {
        parse(text).reasons.into_iter().map(|counted| (counted.nodes, counted.reason)).collect()
    }

    #[test]
    fn reasons_come_with_their_counts_and_preemption_is_none() {
        let text = "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 2 node(s) had untolerated \
                    taint(s). preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
        assert_eq!(parse(text).nodes, 3);
        assert_eq!(
            read(text),
            [
                (1, Reason::Insufficient("cpu".into())),
                (1, Reason::Insufficient("memory".into())),
                (2, Reason::Taint(None)),
            ]
        );
    }

    #[test]
    fn every_minors_words_mean_the_same() {
        let said = |text: &str| read(&format!("0/1 nodes are available: {text}."))[0].1.clone();
        for (text, expected) in [
            ("1 node(s) had untolerated taint {gpu: true}", Reason::Taint(Some("gpu: true".into()))),
            ("1 node(s) had taint {gpu: true}, that the pod didn't tolerate", Reason::Taint(Some("gpu: true".into()))),
            ("1 node(s) didn't match Pod's node affinity/selector", Reason::NodeAffinity),
            ("1 node(s) didn't match Pod's node affinity", Reason::NodeAffinity),
            ("1 node(s) didn't match node selector", Reason::NodeAffinity),
            ("1 node(s) didn't match pod anti-affinity rules", Reason::AntiAffinity),
            ("1 node(s) didn't satisfy existing pods anti-affinity rules", Reason::AntiAffinity),
            ("1 node(s) didn't match pod affinity rules", Reason::PodAffinity),
            (
                "1 node(s) didn't match pod affinity/anti-affinity rules, 1 node(s) didn't match pod anti-affinity rules",
                Reason::Other("node(s) didn't match pod affinity/anti-affinity rules".into()),
            ),
            ("1 node(s) didn't match pod topology spread constraints (missing required label)", Reason::TopologyLabel),
            ("1 node(s) didn't match pod topology spread constraints", Reason::TopologySpread),
            ("pod has unbound immediate PersistentVolumeClaims. not found", Reason::UnboundClaims),
            ("persistentvolumeclaim \"data\" not found. not found", Reason::ClaimMissing("data".into())),
            ("1 Insufficient nvidia.com/gpu", Reason::Insufficient("nvidia.com/gpu".into())),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn no_nodes_and_nonsense_are_read_too() {
        assert_eq!(read("no nodes available to schedule pods"), [(0, Reason::NoNodes)]);
        assert_eq!(read(""), []);
        assert_eq!(read("0/"), [(0, Reason::Other("0/".into()))]);
    }
}
