//! `todo-agent diagnose` and `todo-agent health`: what is wrong and why, without a sentence and without a model.
//!
//! On a cluster it is a call of the tool, recorded like any. With a file (`--from`, `--save`) or as a JUnit report it
//! stands apart: nothing but the snapshot is read, and nothing of it is kept but what was asked for.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use todo_agent_core::{Call, Output, Redactor, Run, journal::NoHistory, text::count};
use todo_agent_tools::{
    DumpFile, Looked,
    diagnosis::{self, Detail, FileError, Finding, Severity, Snapshot},
    from_dump, look, remedy,
};
use tokio_util::sync::CancellationToken;

use crate::{agent::Agent, exit::Exit, options::Options, problem::Problem, start, state::write_atomically};

/// How often is looked whether what was mended is gone.
const LOOKS: usize = 8;
/// How long to wait between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// What is diagnosed, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnosing {
    /// The object; none means the namespace.
    pub target: Option<String>,
    /// How far it looks.
    pub reach: Reach,
    /// The snapshot, or what kubectl wrote, that is diagnosed in place of a cluster.
    pub from: Option<PathBuf>,
    /// Where the snapshot is written.
    pub save: Option<PathBuf>,
    /// The severity from which on findings are a failure.
    pub fail_on: Option<Severity>,
    /// Whether it is a failure that something could not be checked.
    pub gaps: Gaps,
    /// How the findings are written.
    pub form: Form,
    /// What becomes of the remedies.
    pub remedies: Remedies,
}

/// What becomes of the remedies that todo-agent can carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remedies {
    /// They are told.
    #[default]
    Told,
    /// They are proposed as one plan, and what is gone afterwards is told (`--fix`).
    Proposed,
}

/// How far a diagnosis looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// The namespace.
    #[default]
    Namespace,
    /// All namespaces.
    Everywhere,
}

/// What it means that something could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaps {
    /// It is said.
    #[default]
    Told,
    /// The end is "incomplete" (`--strict`).
    Incomplete,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For a person, or as JSON.
    #[default]
    Usual,
    /// As JUnit XML.
    Junit,
}

impl Diagnosing {
    /// Returns whether it is no call of a tool.
    pub fn stands_apart(&self) -> bool {
        self.from.is_some() || self.save.is_some() || self.form == Form::Junit
    }

    fn args(&self, detail: Detail) -> Value {
        let mut args = json!({});
        if let Some(target) = &self.target {
            args["target"] = json!(target);
        }
        if self.reach == Reach::Everywhere {
            args["all_namespaces"] = json!(true);
        }
        if detail == Detail::Evidence {
            args["evidence"] = json!(true);
        }
        args
    }

    /// Returns how the program ends: findings at or above the level that matters outweigh gaps.
    fn exit(&self, worst: Option<Severity>, has_gaps: bool) -> Exit {
        if self.fail_on.is_some_and(|level| worst >= Some(level)) {
            return Exit::NotAchieved;
        }
        if self.gaps == Gaps::Incomplete && has_gaps { Exit::Incomplete } else { Exit::Done }
    }
}

fn detail(options: &Options) -> Detail {
    if options.verbosity > 0 { Detail::Evidence } else { Detail::Brief }
}

/// Diagnoses on the agent's cluster.
///
/// # Errors
/// Returns an error only when nobody reads the output any more.
pub(crate) async fn run(
    agent: &mut Agent,
    wish: &Diagnosing,
    options: &Options,
    cancel: CancellationToken,
) -> io::Result<Exit> {
    let call = Call::new("diagnose", wish.args(detail(options)));
    let (exit, output) = agent.answered_call(call, cancel.clone()).await?;
    let Some(output) = output else { return Ok(exit) };
    let found = Found::of(&output);
    if wish.remedies == Remedies::Proposed && !found.findings.is_empty() {
        return Box::pin(fix(agent, wish, &found, cancel)).await;
    }
    Ok(exit.worse(wish.exit(found.worst(), found.has_gaps)))
}

/// What the tool answered.
struct Found {
    findings: Vec<Finding>,
    has_gaps: bool,
}

impl Found {
    fn of(output: &Output) -> Self {
        let data = output.for_json();
        let findings = data["findings"].as_array().into_iter().flatten();
        let findings = findings.filter_map(|finding| serde_json::from_value(finding.clone()).ok()).collect();
        Self { findings, has_gaps: data["unchecked"].as_array().is_some_and(|gaps| !gaps.is_empty()) }
    }

    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Proposes the remedies as one plan; once they are carried out, looks again and tells which findings are gone.
async fn fix(agent: &mut Agent, wish: &Diagnosing, before: &Found, cancel: CancellationToken) -> io::Result<Exit> {
    let (calls, without) = remedy::calls(&before.findings);
    if calls.is_empty() {
        agent.say("none of these remedies can be carried out as it stands: each needs a value or a person")?;
        return Ok(Exit::NotAchieved);
    }
    if without > 0 {
        let findings = count(without, "finding");
        agent.note(&format!("{findings} have no remedy that can be carried out as it stands; they stay as they are"));
    }
    let exit = agent.remedy(&calls, cancel.clone()).await?;
    if exit != Exit::Done || agent.only_previews() {
        return Ok(exit);
    }
    let mended = |finding: &&Finding| !remedy::calls(std::slice::from_ref(*finding)).0.is_empty();
    let mended: Vec<&Finding> = before.findings.iter().filter(mended).collect();
    await_end_of(agent, wish, &mended, cancel.clone()).await;
    let (exit, output) = agent.answered_call(Call::new("diagnose", wish.args(Detail::Brief)), cancel).await?;
    let Some(output) = output else { return Ok(exit) };
    let after = Found::of(&output);
    let stays = |finding: &&Finding| after.findings.iter().any(|other| other.id == finding.id);
    let (still, gone): (Vec<&Finding>, Vec<&Finding>) = mended.into_iter().partition(stays);
    for finding in gone {
        agent.say(&format!("gone: {}", finding.cause))?;
    }
    for finding in &still {
        agent.say(&format!("still there: {}", finding.cause))?;
    }
    if !still.is_empty() {
        agent.say("todo-agent undo takes the change back")?;
        return Ok(Exit::NotAchieved);
    }
    Ok(exit.worse(wish.exit(after.worst(), after.has_gaps)))
}

/// Waits until none of these findings is there any more, for a while: what was changed takes effect when a controller,
/// the scheduler or a kubelet comes to it. What is true in the end is told by the diagnosis that follows.
async fn await_end_of(agent: &mut Agent, wish: &Diagnosing, mended: &[&Finding], cancel: CancellationToken) {
    let run = agent.run(cancel);
    let cluster = agent.parts.cluster.clone();
    let waiting = async {
        for _ in 0..LOOKS {
            let Ok(looked) = look(wish.args(Detail::Brief), &cluster, &run).await else { return };
            let now = looked.diagnosis().findings;
            let is_there = |finding: &&Finding| now.iter().any(|other| other.id == finding.id);
            if !mended.iter().any(is_there) || run.sleep(BETWEEN_LOOKS).await.is_err() {
                return;
            }
        }
    };
    agent.watch(waiting).await;
}

/// What a diagnosis that stands apart came to.
pub(crate) struct Told {
    /// The answer.
    pub(crate) output: Output,
    /// The same as JUnit XML, where that is wanted.
    pub(crate) junit: Option<String>,
    /// How the program ends.
    pub(crate) exit: Exit,
}

/// Diagnoses a file, or a cluster of which the snapshot is kept.
///
/// # Errors
/// Returns why there is no snapshot, or why it cannot be kept.
pub(crate) async fn apart(wish: &Diagnosing, options: &Options, redactor: Redactor) -> Result<Told, Problem> {
    let redactor = Arc::new(redactor);
    let looked = match &wish.from {
        Some(path) => {
            let namespace = options.namespace.as_deref().filter(|_| wish.reach == Reach::Namespace);
            Looked::again(load(path)?, wish.target.as_deref(), namespace)?
        }
        None => look_at_cluster(wish, options, &redactor).await?,
    };
    let mut notes = Vec::new();
    if let Some(path) = &wish.save {
        save(&looked.snapshot, path, &redactor)?;
        notes.push(format!("the snapshot is kept in {}", path.display()));
    }
    let diagnosis = looked.diagnosis();
    let junit = (wish.form == Form::Junit).then(|| super::diagnose_junit::report(&diagnosis, &redactor));
    let exit = wish.exit(diagnosis.worst(), !diagnosis.unchecked.is_empty());
    Ok(Told { output: diagnosis.output(&redactor, detail(options), &notes), junit, exit })
}

async fn look_at_cluster(wish: &Diagnosing, options: &Options, redactor: &Arc<Redactor>) -> Result<Looked, Problem> {
    let connected = start::connect(options).await?;
    let (events, _) = tokio::sync::mpsc::unbounded_channel();
    let cancel = crate::program::cancel_on_interrupt();
    let deadline = options.timeout.and_then(|timeout| connected.clock.now().checked_add(timeout).ok());
    let run = Run {
        cancel: cancel.clone(),
        deadline,
        events,
        clock: connected.clock,
        redactor: Arc::clone(redactor),
        history: Arc::new(NoHistory),
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => {
            Err(todo_agent_core::ClusterError::new(todo_agent_core::Cause::Cancelled, "interrupted").into())
        }
        looked = look(wish.args(Detail::Brief), &connected.cluster, &run) => Ok(looked?),
    }
}

fn load(path: &Path) -> Result<Snapshot, Problem> {
    let shown = path.display();
    let unreadable = |error: io::Error| Problem::usage(format!("the snapshot {shown} cannot be read: {error}"));
    if path.is_dir() {
        let mut files = Vec::new();
        below(path, "", &mut files).map_err(unreadable)?;
        return Ok(from_dump(&files)?);
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    match Snapshot::from_json(&text) {
        Ok(snapshot) => Ok(snapshot),
        // What kubectl wrote says what it is; a snapshot says its version.
        Err(FileError::Parse(_)) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok(from_dump(&[DumpFile { path: name, text }])?)
        }
        Err(error) => Err(Problem::usage(format!("{shown}: {error}"))),
    }
}

/// Reads the files below a folder that can be of a dump; links are not followed.
fn below(folder: &Path, lead: &str, files: &mut Vec<DumpFile>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let path = format!("{lead}{}", entry.file_name().to_string_lossy());
        let is_wanted = path.ends_with("/logs.txt")
            || Path::new(&path).extension().is_some_and(|kind| kind == "json" || kind == "yaml" || kind == "yml");
        if kind.is_dir() {
            below(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && is_wanted {
            // A log may hold bytes that are no text.
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            files.push(DumpFile { path, text });
        }
    }
    Ok(())
}

fn save(snapshot: &Snapshot, path: &Path, redactor: &Redactor) -> Result<(), Problem> {
    let shown = path.display();
    let text = diagnosis::to_file(snapshot, redactor).map_err(|error| Problem::state(error.to_string()))?;
    write_atomically(path, text.as_bytes())
        .map_err(|error| Problem::state(format!("the snapshot cannot be written to {shown}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_that_matter_outweigh_gaps() {
        let strict = Diagnosing { fail_on: Some(Severity::Warning), gaps: Gaps::Incomplete, ..Diagnosing::default() };
        assert_eq!(strict.exit(Some(Severity::Critical), true), Exit::NotAchieved);
        assert_eq!(strict.exit(Some(Severity::Warning), false), Exit::NotAchieved);
        assert_eq!(strict.exit(Some(Severity::Info), true), Exit::Incomplete);
        assert_eq!(strict.exit(None, false), Exit::Done);
        assert_eq!(Diagnosing::default().exit(Some(Severity::Critical), true), Exit::Done);
    }
}
