//! What the engine found in a snapshot, as an answer: the most important first, each cause with what follows from
//! it and what would help; on request with what proves it. What could not be checked is part of the answer.
//!
//! Pure: a snapshot that was read now and one from a file are told alike.

use std::collections::BTreeMap;

use serde::Serialize;
use todo_agent_core::{Output, Redactor, text::count};
use todo_agent_diagnose::{About, Confidence, Kind, ObjectRef, Remedy, Trouble, Unknown, about, findings, unchecked};
pub use todo_agent_diagnose::{FileError, Finding, Severity, Snapshot};

/// The most evidences shown of one finding or consequence.
const EVIDENCES: usize = 4;
/// The most consequences of one finding that are shown in words.
const CONSEQUENCES: usize = 6;

/// Whether what proves a finding is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Causes, what follows and what helps.
    Brief,
    /// With what was seen, and every rule that would have to be granted.
    Evidence,
}

/// What was found in a snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// What was looked at, in words: `namespace todo`, `deployment/backend in namespace todo`.
    pub subject: String,
    /// The findings, the most important first.
    pub findings: Vec<Finding>,
    /// What could not be checked.
    pub unchecked: Vec<Unknown>,
    /// How many objects were looked at, by kind.
    pub looked_at: BTreeMap<&'static str, usize>,
    /// The same as `unchecked`, in one line per reason.
    #[serde(skip)]
    brief: Vec<String>,
    /// The namespace that need not be named.
    #[serde(skip)]
    namespace: Option<String>,
}

impl Diagnosis {
    /// Diagnoses a snapshot.
    pub fn of(snapshot: &Snapshot, what: About<'_>) -> Self {
        let (subject, namespace) = match what {
            About::Everything => ("all namespaces".to_owned(), None),
            About::Namespace(namespace) => (format!("namespace {namespace}"), Some(namespace.to_owned())),
            About::Object(object) if object.namespace.is_empty() => (object.short(), None),
            About::Object(object) => {
                (format!("{} in namespace {}", object.short(), object.namespace), Some(object.namespace.clone()))
            }
        };
        let counted = Kind::ALL.iter().map(|kind| (kind.plural(), snapshot.objects().count(*kind)));
        Self {
            subject,
            findings: about(snapshot, findings(snapshot), what),
            unchecked: unchecked(snapshot),
            looked_at: counted.filter(|(_, number)| *number > 0).collect(),
            brief: brief(snapshot),
            namespace,
        }
    }

    /// Returns the highest severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Returns the answer.
    pub fn output(&self, redactor: &Redactor, detail: Detail, notes: &[String]) -> Output {
        let mut output = Output::build(redactor, self);
        for note in notes {
            output = output.text(note);
        }
        output = output.text(self.headline());
        for finding in &self.findings {
            output = output.outline(self.lines(finding, detail));
        }
        let unchecked = self.unchecked_lines(detail);
        if !unchecked.is_empty() {
            output = output.outline(unchecked);
        }
        output.build()
    }

    /// Returns how many findings of which severity there are, in words.
    pub(crate) fn headline(&self) -> String {
        if self.findings.is_empty() {
            let seen = [Kind::Pod, Kind::Deployment, Kind::Service, Kind::Node].into_iter().filter_map(|kind| {
                let number = *self.looked_at.get(kind.plural())?;
                Some(count(number, &kind.name().to_lowercase()))
            });
            let seen = seen.collect::<Vec<_>>().join(", ");
            return match (self.unchecked.is_empty(), seen.is_empty()) {
                (true, true) => format!("nothing is wrong in {}: there is nothing", self.subject),
                (true, false) => format!("nothing is wrong in {} ({seen} looked at)", self.subject),
                (false, true) => format!("nothing in {} could be looked at", self.subject),
                (false, false) => {
                    format!(
                        "nothing wrong was found in {} ({seen} looked at), as far as it could be checked",
                        self.subject
                    )
                }
            };
        }
        let of = |severity: Severity| {
            let number = self.findings.iter().filter(|finding| finding.severity == severity).count();
            (number > 0).then(|| format!("{number} {}", word(severity)))
        };
        let parts: Vec<String> =
            [Severity::Critical, Severity::Warning, Severity::Info].into_iter().filter_map(of).collect();
        let found = count(self.findings.len(), "finding");
        match parts.as_slice() {
            [_] => format!("{}: {found}, {}", self.subject, self.worst().map_or("", word)),
            several => format!("{}: {found} ({})", self.subject, several.join(", ")),
        }
    }

    fn lines(&self, finding: &Finding, detail: Detail) -> Vec<(String, String)> {
        const INDENT: &str = "          ";
        let mut lines = vec![(format!("{:<10}", word(finding.severity)), self.cause(finding))];
        let mut add = |lead: &str, text: String| lines.push((format!("{INDENT}{lead:<6}"), text));
        if detail == Detail::Evidence {
            for evidence in finding.evidence.iter().take(EVIDENCES) {
                add("seen", evidence.to_string());
            }
        }
        for consequence in finding.consequences.iter().take(CONSEQUENCES) {
            add("so", consequence.text.clone());
            if detail == Detail::Evidence {
                for evidence in consequence.evidence.iter().take(EVIDENCES) {
                    add("seen", evidence.to_string());
                }
            }
        }
        if finding.consequences.len() > CONSEQUENCES {
            add("so", format!("{} more", finding.consequences.len() - CONSEQUENCES));
        }
        for remedy in &finding.remedies {
            add("fix", in_words(remedy));
        }
        for unknown in &finding.unknowns {
            let grant = unknown.grant.as_ref().filter(|_| detail == Detail::Evidence);
            let grant = grant.map(|grant| format!(" (grant {grant})")).unwrap_or_default();
            add("open", format!("not known: {}{grant}", unknown.what));
        }
        if detail == Detail::Evidence {
            add("id", finding.id.clone());
        }
        lines
    }

    /// Returns the cause, with its namespace where that is not the one asked about, and how sure it is.
    pub(crate) fn cause(&self, finding: &Finding) -> String {
        let namespace = finding.objects.first().map_or("", |object| object.namespace.as_str());
        let place = if namespace.is_empty() || self.namespace.as_deref() == Some(namespace) {
            String::new()
        } else {
            format!("[{namespace}] ")
        };
        let sure = match finding.confidence {
            Confidence::Proved => "",
            Confidence::Supported => "probably: ",
            Confidence::Guessed => "perhaps: ",
        };
        format!("{place}{sure}{}", finding.cause)
    }

    /// Returns what could not be checked, one line per reason.
    pub(crate) fn gaps(&self) -> Vec<(String, String)> {
        gap_lines(&self.brief)
    }

    fn unchecked_lines(&self, detail: Detail) -> Vec<(String, String)> {
        match detail {
            Detail::Brief => self.gaps(),
            Detail::Evidence => {
                let whole = |unknown: &Unknown| match &unknown.grant {
                    Some(grant) => format!("{}; grant {grant}", unknown.what),
                    None => unknown.what.clone(),
                };
                gap_lines(&self.unchecked.iter().map(whole).collect::<Vec<_>>())
            }
        }
    }
}

/// Returns what could not be read of a snapshot, one line per reason.
pub(crate) fn gaps(snapshot: &Snapshot) -> Vec<(String, String)> {
    gap_lines(&brief(snapshot))
}

fn gap_lines(reasons: &[String]) -> Vec<(String, String)> {
    let lead = |at: usize| if at == 0 { "could not check  " } else { "                 " }.to_owned();
    reasons.iter().enumerate().map(|(at, reason)| (lead(at), reason.clone())).collect()
}

/// Returns the file form of a snapshot without secrets: what is text in it is masked like everything that leaves.
///
/// # Errors
/// Never for a snapshot that was built.
pub fn to_file(snapshot: &Snapshot, redactor: &Redactor) -> Result<String, FileError> {
    let whole: serde_json::Value = serde_json::from_str(&snapshot.to_json()?)?;
    Ok(redactor.value(&whole).to_string())
}

/// Returns what could not be read, one line per reason: of what may not be listed the kinds are enough.
fn brief(snapshot: &Snapshot) -> Vec<String> {
    let mut forbidden: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for unread in snapshot.unread() {
        let plural = unread.kind.plural();
        match unread.trouble {
            Trouble::Forbidden => forbidden.push(plural),
            Trouble::NotServed => lines.push(format!("{plural} of {}: not served", unread.kind.group())),
            Trouble::TimedOut => lines.push(format!("{plural}: no answer in time")),
            Trouble::Malformed | Trouble::Failed => lines.push(format!("{plural}: {}", unread.message)),
        }
    }
    forbidden.dedup();
    if !forbidden.is_empty() {
        lines.insert(
            0,
            format!("{}: you may not list them (diagnose -v shows the rules to grant)", forbidden.join(", ")),
        );
    }
    lines
}

/// Returns a remedy in words, with the value that only a person knows.
fn in_words(remedy: &Remedy) -> String {
    match remedy.missing() {
        Some(value) => format!("{remedy} ({value} must come from you)"),
        None => remedy.to_string(),
    }
}

/// Returns the word for a severity.
pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Returns an object as the engine names it; `None` for a kind that it does not know.
pub(crate) fn reference(object: &todo_agent_core::ObjectRef) -> Option<ObjectRef> {
    let kind = Kind::of(&object.resource.kind)?;
    Some(ObjectRef::named(kind, object.namespace.as_deref().unwrap_or_default(), &object.name))
}
