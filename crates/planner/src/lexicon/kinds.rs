//! Words for kinds: kubectl's aliases, the same in two words as people write them, and typing errors.
//!
//! Facts come from `kube_rules::kinds`. A typing error is taken for a kind only where the caller knows that a
//! kind is likely, and never when something in the cluster has that name.

use strsim::osa_distance;
use todo_agent_kube_rules::kinds::{self, KINDS, Kind};

use crate::segment::Segment;

/// What people write for a kind beyond kubectl's aliases, and the alias it stands for.
const HUMAN: &[(&str, &str)] = &[
    ("stateful set", "statefulset"),
    ("stateful sets", "statefulsets"),
    ("daemon set", "daemonset"),
    ("daemon sets", "daemonsets"),
    ("replica set", "replicaset"),
    ("replica sets", "replicasets"),
    ("config map", "configmap"),
    ("config maps", "configmaps"),
    ("cron job", "cronjob"),
    ("cron jobs", "cronjobs"),
    ("service account", "serviceaccount"),
    ("service accounts", "serviceaccounts"),
    ("network policy", "networkpolicy"),
    ("network policies", "networkpolicies"),
    ("persistent volume claim", "persistentvolumeclaim"),
    ("persistent volume claims", "persistentvolumeclaims"),
    ("volume claim", "persistentvolumeclaim"),
    ("volume claims", "persistentvolumeclaims"),
    ("persistent volume", "persistentvolume"),
    ("persistent volumes", "persistentvolumes"),
    ("storage class", "storageclass"),
    ("storage classes", "storageclasses"),
    ("role binding", "rolebinding"),
    ("role bindings", "rolebindings"),
    ("cluster role", "clusterrole"),
    ("cluster roles", "clusterroles"),
    ("cluster role binding", "clusterrolebinding"),
    ("cluster role bindings", "clusterrolebindings"),
    ("horizontal pod autoscaler", "hpa"),
    ("horizontal pod autoscalers", "horizontalpodautoscalers"),
    ("autoscaler", "hpa"),
    ("autoscalers", "horizontalpodautoscalers"),
    ("hpas", "horizontalpodautoscalers"),
    ("pvcs", "persistentvolumeclaims"),
    ("pvs", "persistentvolumes"),
    ("pdbs", "poddisruptionbudgets"),
    ("svcs", "services"),
    ("deploys", "deployments"),
    ("deps", "deployments"),
    ("cms", "configmaps"),
    ("crons", "cronjobs"),
    ("pod disruption budget", "pdb"),
    ("pod disruption budgets", "poddisruptionbudgets"),
    ("disruption budget", "pdb"),
    ("disruption budgets", "poddisruptionbudgets"),
    ("endpoint slice", "endpointslice"),
    ("endpoint slices", "endpointslices"),
    ("ingress class", "ingressclass"),
    ("ingress classes", "ingressclasses"),
    ("resource quota", "quota"),
    ("resource quotas", "resourcequotas"),
    ("quotas", "resourcequotas"),
    ("limit range", "limitrange"),
    ("limit ranges", "limitranges"),
    ("custom resource definition", "crd"),
    ("custom resource definitions", "customresourcedefinitions"),
    ("priority class", "priorityclass"),
    ("priority classes", "priorityclasses"),
    ("worker nodes", "nodes"),
    ("worker node", "node"),
    ("cluster nodes", "nodes"),
];

/// Aliases that are everyday words first.
const TOO_COMMON: &[&str] = &["no", "ev", "limits", "pc", "sc", "sa", "event", "events", "lease"];

/// A kind as it stands in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KindWord {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The index after its last word.
    pub(crate) end: usize,
    /// Whether several objects are meant.
    pub(crate) plural: bool,
    /// The word used in the sentence when it is one that kubectl knows too.
    pub(crate) alias: &'static str,
}

/// How forgiving a search for a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Only known words.
    Exact,
    /// Also words that are nearly one, at edit distance 1 (2 in long words).
    Forgiving,
}

/// Returns the kind that begins at `index`.
pub(crate) fn at(segment: &Segment, index: usize, spelling: Spelling) -> Option<KindWord> {
    let human = HUMAN
        .iter()
        .filter_map(|&(phrase, alias)| Some((segment.match_at(index, phrase)?, phrase, alias)))
        .max_by_key(|(end, ..)| *end);
    if let Some((end, phrase, alias)) = human {
        let kind = kinds::find(alias)?;
        return Some(KindWord {
            kind,
            end,
            plural: phrase.ends_with('s') && alias == kind.plural,
            alias: kind.singular,
        });
    }
    let word = segment.word(index)?;
    if let Some((kind, alias)) = known(word) {
        let plural = word == kind.plural && kind.plural != kind.singular;
        return Some(KindWord { kind, end: index + 1, plural, alias });
    }
    if spelling == Spelling::Exact {
        return None;
    }
    let (kind, plural) = nearly(word)?;
    Some(KindWord { kind, end: index + 1, plural, alias: kind.singular })
}

/// Returns the kind of an alias, and the alias in its singular form.
fn known(word: &str) -> Option<(&'static Kind, &'static str)> {
    if TOO_COMMON.contains(&word) {
        return None;
    }
    let kind = kinds::find(word)?;
    let alias = kind.short.iter().find(|short| **short == word).copied().unwrap_or(kind.singular);
    Some((kind, alias))
}

/// Returns the only kind whose name is nearly `word`, and whether the plural was meant.
pub(crate) fn nearly(word: &str) -> Option<(&'static Kind, bool)> {
    let length = word.chars().count();
    if length < 4 || !word.chars().all(|character| character.is_ascii_lowercase()) || super::common::is_common(word) {
        return None;
    }
    let bound = if length >= 8 { 2 } else { 1 };
    KINDS
        .iter()
        .filter(|kind| !TOO_COMMON.contains(&kind.singular))
        .flat_map(|kind| [(kind, kind.singular, false), (kind, kind.plural, true)])
        .filter(|(_, name, _)| name.len() >= 4 && name.starts_with(&word[..1]))
        .map(|(kind, name, plural)| (osa_distance(name, word), kind, plural))
        .filter(|(distance, ..)| (1..=bound).contains(distance))
        .min_by_key(|(distance, ..)| *distance)
        .map(|(_, kind, plural)| (kind, plural))
}

/// Returns whether `word` before a slash is a kind, as in `deployment/backend`.
pub(crate) fn is_alias(word: &str) -> bool {
    kinds::find(word).is_some()
}

/// Kinds that have pods, and Service, by which people often mean the workload behind it.
const WITH_PODS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Pod",
    "Service",
    "ReplicationController",
    "Job",
    "CronJob",
];

/// Returns whether the unused words name no kind, or only kinds that have pods.
pub(crate) fn only_with_pods(segment: &Segment) -> bool {
    segment
        .unused()
        .filter_map(|index| at(segment, index, Spelling::Exact))
        .all(|word| WITH_PODS.contains(&word.kind.kind))
}
