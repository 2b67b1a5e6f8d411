//! "why is backend crashing?", "what is wrong with the frontend", "diagnose shop": what is wrong, and why.
//!
//! A "why" alone is not enough: it must be about a state that a workload can be in. Why somebody did something, or
//! why something is slow, is nothing that the objects of a cluster tell.

use super::{Arguments, Heard, Hearing, Intent, Needs, reading};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Diagnose;

/// Orders to look for a cause; they stand first.
const ORDERS: &[&str] = &[
    "diagnose",
    "debug",
    "troubleshoot",
    "investigate",
    "run diagnosis of",
    "run diagnosis on",
    "run diagnosis",
    "run diagnostics",
    "run diagnostics on",
    "diagnosis of",
    "root cause of",
    "find root cause of",
    "find cause of",
    "find out cause of",
    "cause of",
    "analyze problems",
    "analyse problems",
    "analyze issues",
    "analyse issues",
    "analyze failures",
    "analyse failures",
];
/// Questions whether anything is wrong, wherever they stand.
const TROUBLE: &[&str] = &[
    "what is wrong",
    "what's wrong",
    "whats wrong",
    "what went wrong",
    "what is going wrong",
    "what goes wrong",
    "what could be wrong",
    "what might be wrong",
    "anything wrong",
    "something wrong",
    "is wrong",
    "what is broken",
    "what's broken",
    "what is matter",
    "what's matter",
    "what is problem",
    "what's problem",
    "what is issue",
    "what's issue",
    "what are problems",
    "what are issues",
    "what problems",
    "what issues",
    "any problems",
    "any problem",
    "any issues",
    "any issue",
    "any trouble",
    "find problems",
    "find problem",
    "find issues",
    "find issue",
    "find any problems",
    "find any issues",
    "find out what is wrong",
    "find out what's wrong",
    "check what is wrong",
    "check what's wrong",
    "tell me what is wrong",
    "see what is wrong",
    "check for problems",
    "check for issues",
    "check for any problems",
    "check for any issues",
    "look for problems",
    "look for issues",
    "problems with",
    "problem with",
    "issues with",
    "issue with",
];
/// The ways to ask why; they stand first, perhaps behind an asking word.
const WHY: &[&str] = &[
    "why",
    "check why",
    "find out why",
    "find why",
    "figure out why",
    "explain why",
    "explain me why",
    "explain to me why",
    "tell me why",
    "show me why",
    "see why",
    "know why",
    "i want to know why",
    "i need to know why",
    "do you know why",
    "understand why",
    "analyze why",
    "analyse why",
    "investigate why",
    "debug why",
    "diagnose why",
    "any idea why",
    "what is reason",
    "what's reason",
    "for what reason",
    "how come",
];
/// States that have a cause which a cluster tells.
const STATES: &[&str] = &[
    "crashing",
    "crashed",
    "crash",
    "crashes",
    "crash looping",
    "crash-looping",
    "crashlooping",
    "crashloopbackoff",
    "crash loop",
    "in crash loop",
    "in crashloop",
    "in crashloopbackoff",
    "failing",
    "failed",
    "fail",
    "fails",
    "failures",
    "pending",
    "stuck",
    "stuck in pending",
    "unschedulable",
    "unscheduled",
    "not scheduled",
    "not being scheduled",
    "not get scheduled",
    "restarting",
    "restart loop",
    "keep restarting",
    "keeps restarting",
    "not ready",
    "unready",
    "never ready",
    "not become ready",
    "not becoming ready",
    "get ready",
    "not running",
    "not run",
    "not start",
    "not starting",
    "not started",
    "not come up",
    "not coming up",
    "not up",
    "not available",
    "unavailable",
    "not reachable",
    "unreachable",
    "not healthy",
    "unhealthy",
    "down",
    "dead",
    "dying",
    "broken",
    "not work",
    "not working",
    "erroring",
    "in error",
    "in error state",
    "having problems",
    "having issues",
    "having trouble",
    "oomkilled",
    "oom killed",
    "oom-killed",
    "getting killed",
    "being killed",
    "killed",
    "evicted",
    "imagepullbackoff",
    "in imagepullbackoff",
    "errimagepull",
    "createcontainerconfigerror",
    "not pulling",
    "terminating",
    "stuck terminating",
    "stuck in terminating",
    "not bound",
    "unbound",
    "not rolled out",
    "not roll out",
    "not rolling out",
];
/// "isn't ready" is "not ready".
const NEGATED: &[&str] = &[
    "isn't", "aren't", "doesn't", "don't", "didn't", "won't", "can't", "cannot", "wasn't", "hasn't", "haven't", "not",
];
/// States that are told by what they are not.
const WANTED: &[&str] = &[
    "ready",
    "running",
    "run",
    "start",
    "starting",
    "started",
    "up",
    "come up",
    "coming up",
    "available",
    "reachable",
    "healthy",
    "work",
    "working",
    "scheduled",
    "being scheduled",
    "get scheduled",
    "be scheduled",
    "become ready",
    "becoming ready",
    "get ready",
    "bound",
    "respond",
    "responding",
    "pull its image",
    "pulling",
    "rolled out",
    "roll out",
    "rolling out",
];
/// What stands between and means nothing more.
const BETWEEN: &[&str] = &[
    "is",
    "are",
    "was",
    "were",
    "does",
    "do",
    "did",
    "has",
    "have",
    "been",
    "being",
    "be",
    "keep",
    "keeps",
    "kept",
    "keep on",
    "still",
    "always",
    "constantly",
    "all time",
    "so often",
    "again and again",
    "over and over",
    "every time",
    "right now",
    "now",
    "currently",
    "suddenly",
    "getting",
    "get",
    "gets",
    "state",
    "status",
    "going",
    "there",
    "that",
    "for",
    "behind",
    "with",
    "on",
    "my",
    "our",
    "some",
    "all",
    "any",
    "of",
    "in",
    "me",
    "it",
];
/// Kinds spoken of as a whole: the namespace is looked at.
const WHOLE: &[&str] = &[
    "pods",
    "containers",
    "deployments",
    "statefulsets",
    "daemonsets",
    "services",
    "jobs",
    "workloads",
    "nodes",
    "applications",
    "apps",
    "things",
    "everything",
    "anything",
    "something",
    "namespace",
    "problems",
    "issues",
    "failures",
    "errors",
    "ingresses",
    "pvcs",
    "volumes",
];
const CLUSTER: &[&str] = &["whole cluster", "entire cluster", "kubernetes cluster", "k8s cluster", "cluster"];

impl Intent for Diagnose {
    fn tool(&self) -> &'static str {
        "diagnose"
    }

    fn looks_everywhere(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::TargetIfAny
    }

    fn examples(&self) -> &'static [&'static str] {
        &["why is backend crashing?", "what is wrong?", "diagnose backend"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard { asked: true, ..Heard::default() };
        if hearing == Hearing::GoingOn {
            return Some(heard);
        }
        let why = segment.take_head(WHY).is_some() || {
            let mut trial = segment.clone();
            let found = reading::take_head(&mut trial) && trial.take_head(WHY).is_some();
            if found {
                *segment = trial;
            }
            found
        };
        let asked = if why {
            is_in_a_state(segment)
        } else if segment.take_head(ORDERS).is_some() {
            // "debug why …" was heard above; "diagnose the failing pods" names the state, too.
            is_in_a_state(segment);
            true
        } else {
            segment.take(TROUBLE).is_some()
        };
        if !asked {
            return None;
        }
        if segment.take(CLUSTER).is_some() {
            heard.arguments.insert("all_namespaces".to_owned(), true.into());
        }
        segment.take_all(WHOLE);
        let details = ["with evidence", "with proof", "with proofs", "in detail", "in details", "with details"];
        if segment.take(&details).is_some() {
            heard.arguments.insert("evidence".to_owned(), true.into());
        }
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        let is_service = matches!(target.kind, Some("service" | "svc")) && target.kind_first;
        let word = if is_service { format!("service/{}", target.word) } else { target.workload() };
        arguments.insert("target".to_owned(), word.into());
        arguments.remove("all_namespaces");
    }

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }

    fn overlay(&self, base: &mut Arguments, new: Arguments) {
        if new.contains_key("target") {
            base.remove("all_namespaces");
        }
        base.extend(new);
    }
}

/// Takes the state that a "why" is about, with the words around it.
fn is_in_a_state(segment: &mut Segment) -> bool {
    let found = segment.take(STATES).is_some() || {
        let mut trial = segment.clone();
        let found = trial.take(NEGATED).is_some() && trial.take(WANTED).is_some();
        if found {
            *segment = trial;
        }
        found
    };
    if found {
        // "crashing and restarting", "is not ready and failing" are one state.
        segment.take_all(STATES);
        segment.take_all(BETWEEN_NEGATED);
        take_between(segment);
    }
    found
}

const BETWEEN_NEGATED: &[&str] = &["isn't", "aren't", "not"];

/// Uses up what stands between, but not a pronoun that is what is asked about.
fn take_between(segment: &mut Segment) {
    let without_pronouns: Vec<&'static str> =
        BETWEEN.iter().copied().filter(|word| !matches!(*word, "it" | "that")).collect();
    segment.take_all(&without_pronouns);
}
