//! What a rule says: something is wrong with a subject. A claim knows what fails because of it (`affects`) and
//! whose trouble would explain it (`because`); `graph` folds claims by these two into findings.

use crate::finding::{Confidence, Evidence, Severity, Unknown};
use crate::kind::ObjectRef;
use crate::remedy::Remedy;
use crate::shape::Pod;
use crate::snapshot::Snapshot;
use crate::{Kind, shape};

/// One claim of one rule.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) rule: u16,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    /// What it is about: claims of the same rule, subject and detail are one.
    pub(crate) subject: ObjectRef,
    pub(crate) detail: String,
    /// The sentence, as a cause and as a consequence of another.
    pub(crate) text: String,
    pub(crate) affects: Vec<ObjectRef>,
    pub(crate) because: Vec<ObjectRef>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) remedies: Vec<Remedy>,
    pub(crate) unknowns: Vec<Unknown>,
    /// Whether it is told only where a cause explains it.
    pub(crate) alone: Alone,
}

/// What becomes of a claim that no other explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alone {
    /// It is a finding.
    Told,
    /// It is nothing: as a symptom it means something, by itself not.
    Dropped,
    /// It is a finding; where another claim explains it, that one says it already.
    Preventive,
}

impl Claim {
    pub(crate) fn new(rule: u16, subject: ObjectRef, text: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Warning,
            confidence: Confidence::Proved,
            affects: vec![subject.clone()],
            subject,
            detail: String::new(),
            text: text.into(),
            because: Vec::new(),
            evidence: Vec::new(),
            remedies: Vec::new(),
            unknowns: Vec::new(),
            alone: Alone::Told,
        }
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub(crate) fn affects(mut self, objects: impl IntoIterator<Item = ObjectRef>) -> Self {
        self.affects.extend(objects);
        self
    }

    pub(crate) fn because(mut self, objects: impl IntoIterator<Item = ObjectRef>) -> Self {
        self.because.extend(objects);
        self
    }

    pub(crate) fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    pub(crate) fn saw(mut self, object: &ObjectRef, path: impl Into<String>, value: impl std::fmt::Display) -> Self {
        self.evidence.push(Evidence::field(object, path, value));
        self
    }

    pub(crate) fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedies.push(remedy);
        self
    }

    pub(crate) fn remedies(mut self, remedies: impl IntoIterator<Item = Remedy>) -> Self {
        self.remedies.extend(remedies);
        self
    }

    pub(crate) fn unknowns(mut self, unknowns: impl IntoIterator<Item = Unknown>) -> Self {
        self.unknowns.extend(unknowns);
        self
    }

    pub(crate) fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknowns.push(unknown);
        self
    }

    pub(crate) fn only_as_symptom(mut self) -> Self {
        self.alone = Alone::Dropped;
        self
    }
}

/// A pod with what a rule needs to speak of it: its reference, what controls it, and where in the list of
/// statuses a container stands.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'s> {
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) pod: &'s Pod,
    pub(crate) object: ObjectRef,
    pub(crate) controllers: Vec<ObjectRef>,
    /// How many pods of the same controller were looked at before this one: what is dear is done for the first.
    pub(crate) nth: usize,
}

impl<'s> Subject<'s> {
    pub(crate) fn of(snapshot: &'s Snapshot, pod: &'s Pod) -> Self {
        let object = Snapshot::reference(Kind::Pod, &pod.metadata);
        Self { snapshot, pod, object, controllers: snapshot.controllers(&pod.metadata), nth: 0 }
    }

    /// Returns what a person would change: the topmost controller, or the pod itself.
    pub(crate) fn workload(&self) -> &ObjectRef {
        self.controllers.last().unwrap_or(&self.object)
    }

    /// Returns what runs the pods and may be rolled: not the CronJob above a Job.
    pub(crate) fn namespace(&self) -> &'s str {
        &self.pod.metadata.namespace
    }

    /// Returns the pod and everything that controls it.
    pub(crate) fn blast(&self) -> Vec<ObjectRef> {
        std::iter::once(self.object.clone()).chain(self.controllers.iter().cloned()).collect()
    }

    /// Starts a claim about the pod's workload.
    pub(crate) fn claim(&self, rule: u16, text: impl Into<String>) -> Claim {
        Claim::new(rule, self.workload().clone(), text).severity(self.severity()).affects(self.blast())
    }

    /// Returns critical where no pod of the workload serves.
    pub(crate) fn severity(&self) -> Severity {
        let workload = self.workload();
        if workload.kind == Kind::Pod || self.snapshot.serving(&workload.uid) == 0 {
            Severity::Critical
        } else {
            Severity::Warning
        }
    }

    /// Returns the events of the pod with this reason, newest last.
    pub(crate) fn events(&self, reason: &str) -> Vec<&'s shape::Event> {
        let events = self.snapshot.events_of(&self.object.uid);
        events.into_iter().filter(|event| event.reason == reason).collect()
    }
}

/// Returns an event's message as evidence.
pub(crate) fn seen(event: &shape::Event) -> Evidence {
    let object = Snapshot::reference(Kind::Event, &event.metadata);
    Evidence::field(&object, "message", &event.message).at(event.last_seen())
}
