//! Runs the steps of a checked script on one agent: one conversation, so that "undo that" means the step before.
//!
//! The first step that fails is the last, unless the script says otherwise; the steps of `always` are run in any
//! case. What a step may do is decided by the gate as for everything else.

use std::{
    io,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::json;
use todo_agent_core::{Call, Event, Redacted, Redactor, text};
use tokio_util::sync::CancellationToken;

use super::{
    capture::{Capture, Seen},
    check::{Action, AfterFailure, Expected, Script, Step},
    expect,
    result::{Part, ScriptResult, Status, StepResult, Unmet},
};
use crate::{
    agent::Agent,
    exit::Exit,
    options::Changes,
    ui::{Shown, Ui},
};

/// How many bytes of what a step showed are kept.
const SHOWED_BYTES: usize = 64 * 1024;

/// Called with what is known so far when somebody has stopped the script and the clean-up is about to begin.
pub(crate) type Interrupts<'a> = &'a mut (dyn FnMut(&ScriptResult) + Send);

/// Runs a script; every step has its result in the end.
pub(crate) async fn run(
    agent: &mut Agent,
    script: &Script,
    capture: &Capture,
    cancel: CancellationToken,
    interrupts: Interrupts<'_>,
) -> ScriptResult {
    let running = Running {
        redactor: agent.redactor(),
        default_timeout: agent.parts.timeout,
        changes: agent.parts.changes,
        previewed_a_change: false,
        begun: Instant::now(),
        result: begun(agent, script),
        agent,
        script,
        capture,
        cancel,
    };
    running.all(interrupts).await
}

/// Returns the result of a script of which nothing was run, and why.
pub(crate) fn not_run(script: &Script, redactor: &Redactor, why: &str) -> ScriptResult {
    let skipped = |part: Part, steps: &[Step]| -> Vec<StepResult> {
        steps
            .iter()
            .enumerate()
            .map(|(index, step)| skipped(redactor, part, index + 1, step, "it did not begin"))
            .collect()
    };
    let steps = [skipped(Part::Steps, &script.steps), skipped(Part::Always, &script.always)].concat();
    ScriptResult {
        name: redactor.text(&script.name),
        file: script.file.clone(),
        place: Vec::new(),
        started: Timestamp::now(),
        seconds: 0.0,
        steps,
        error: Some(redactor.text(why)),
        interrupted: false,
    }
}

fn begun(agent: &Agent, script: &Script) -> ScriptResult {
    let scope = agent.scope();
    let mut place = vec![
        ("context", scope.context.clone()),
        ("namespace", scope.namespace.clone()),
        ("server", scope.server.clone()),
    ];
    place.extend(agent.parts.ui.session_id().map(|id| ("session", id.to_owned())));
    ScriptResult {
        name: agent.redactor().text(&script.name),
        file: script.file.clone(),
        place,
        started: Timestamp::now(),
        seconds: 0.0,
        steps: Vec::new(),
        error: None,
        interrupted: false,
    }
}

fn skipped(redactor: &Redactor, part: Part, n: usize, step: &Step, why: &str) -> StepResult {
    StepResult {
        n,
        part,
        name: redactor.text(&step.name),
        status: Status::Skipped,
        exit: None,
        seconds: 0.0,
        unmet: Vec::new(),
        note: Some(redactor.text(why)),
        showed: redactor.text(""),
    }
}

/// How a step is judged.
struct Judged {
    status: Status,
    unmet: Vec<Unmet>,
    note: Option<Redacted<String>>,
}

/// A script on its way.
struct Running<'a> {
    agent: &'a mut Agent,
    script: &'a Script,
    capture: &'a Capture,
    cancel: CancellationToken,
    redactor: std::sync::Arc<Redactor>,
    default_timeout: Option<Duration>,
    changes: Changes,
    /// Whether a step would have changed something, had it not only been previewed.
    previewed_a_change: bool,
    begun: Instant,
    result: ScriptResult,
}

impl Running<'_> {
    async fn all(mut self, interrupts: Interrupts<'_>) -> ScriptResult {
        let clock = std::sync::Arc::clone(&self.agent.parts.clock);
        let end = self.script.timeout.map(|timeout| clock.now().saturating_add(timeout).unwrap_or(Timestamp::MAX));
        let script = self.script;
        let mut stop = None;
        for (index, step) in script.steps.iter().enumerate() {
            let left = end.map(|end| Duration::try_from(end.duration_since(clock.now())).unwrap_or_default());
            if self.cancel.is_cancelled() {
                stop = Some("interrupted");
            } else if left.is_some_and(|left| left.is_zero()) && stop.is_none() {
                stop = Some("the time of the whole script ran out");
                self.result.error = Some(self.redactor.text("the time of the whole script ran out"));
            }
            if let Some(why) = stop {
                self.skip(Part::Steps, index + 1, step, why);
                continue;
            }
            let cancel = self.cancel.child_token();
            let status = self.step(Part::Steps, index + 1, step, left, cancel).await;
            if status == Status::Failed
                && script.after_failure == AfterFailure::Stop
                && self.changes != Changes::Previewed
            {
                stop = Some("a step before it failed");
            }
        }
        self.agent.parts.timeout = self.default_timeout;
        if self.cancel.is_cancelled() {
            self.result.interrupted = true;
            interrupts(&self.with_clean_up_to_come());
        }
        for (index, step) in script.always.iter().enumerate() {
            // The first Ctrl-C was for the steps; what cleans up after them can be stopped by one of its own.
            let stopped = self.cancel.is_cancelled();
            let cancel = if stopped { CancellationToken::new() } else { self.cancel.child_token() };
            self.step(Part::Always, index + 1, step, None, cancel).await;
        }
        self.result.interrupted |= self.cancel.is_cancelled();
        self.result.seconds = seconds_since(self.begun);
        self.result
    }

    /// Returns the result as it would be if the clean-up never came.
    fn with_clean_up_to_come(&self) -> ScriptResult {
        let mut result = self.result.clone();
        for (index, step) in self.script.always.iter().enumerate() {
            result.steps.push(skipped(&self.redactor, Part::Always, index + 1, step, "interrupted"));
        }
        result.seconds = seconds_since(self.begun);
        result
    }

    fn skip(&mut self, part: Part, n: usize, step: &Step, why: &str) {
        let result = skipped(&self.redactor, part, n, step, why);
        self.show(result);
    }

    /// Runs one step, shows how it ended and keeps that.
    async fn step(
        &mut self,
        part: Part,
        n: usize,
        step: &Step,
        left: Option<Duration>,
        cancel: CancellationToken,
    ) -> Status {
        let of = if part == Part::Steps { self.script.steps.len() } else { self.script.always.len() };
        let word = if part == Part::Steps { "step" } else { "clean-up" };
        let progress = format!("{word} {n} of {of}: {}", step.name);
        self.agent.parts.ui.progress(&Event::Progress(self.redactor.text(&progress)));
        self.agent.parts.timeout = [step.timeout.or(self.default_timeout), left].into_iter().flatten().min();
        let begun = Instant::now();
        let (exit, seen) = self.turn(&step.action, cancel.clone()).await;
        let judged = if self.changes == Changes::Previewed {
            self.judge_preview(step, &seen, exit)
        } else {
            let mut unmet = expect::compare(&step.expected, &seen, exit.code(), &self.redactor);
            unmet.extend(self.replicas(&step.expected, &cancel).await);
            Judged { status: if unmet.is_empty() { Status::Passed } else { Status::Failed }, unmet, note: None }
        };
        let Judged { status, unmet, note } = judged;
        let result = StepResult {
            n,
            part,
            name: self.redactor.text(&step.name),
            status,
            exit: Some(exit.code()),
            seconds: seconds_since(begun),
            unmet,
            note,
            showed: self.redactor.text(text::middle_out(&seen.screen, SHOWED_BYTES).trim_end()),
        };
        self.show(result);
        status
    }

    /// Judges a step that changed nothing because nothing is to be changed: what earlier steps would have made of
    /// the cluster is not there, so only whether the step could be previewed counts.
    fn judge_preview(&mut self, step: &Step, seen: &Seen, exit: Exit) -> Judged {
        let as_expected = exit.code() == step.expected.exit;
        let unmet = if as_expected { None } else { expect::exit(0, seen, exit.code(), &self.redactor) };
        let (status, note) = match &unmet {
            None => (Status::Passed, "only previewed"),
            Some(_) if self.previewed_a_change => {
                let why = seen.reason.clone().unwrap_or_else(|| format!("it exited with {}", exit.code()));
                let note = self.redactor.text(&format!("it may build on a change that was only previewed: {why}"));
                return Judged { status: Status::Skipped, unmet: Vec::new(), note: Some(note) };
            }
            Some(_) => (Status::Failed, "only previewed"),
        };
        self.previewed_a_change |= seen.previewed;
        Judged { status, unmet: unmet.into_iter().collect(), note: Some(self.redactor.text(note)) }
    }

    async fn turn(&mut self, action: &Action, cancel: CancellationToken) -> (Exit, Seen) {
        self.capture.begin();
        let ended = match action {
            Action::Say(sentence) => self.agent.sentence(sentence, cancel).await,
            Action::Call(call) => self.agent.call(call.clone(), cancel).await,
        };
        let seen = self.capture.end();
        (exit_of(ended), seen)
    }

    /// Looks up the workloads whose replicas are expected.
    async fn replicas(&mut self, expected: &Expected, cancel: &CancellationToken) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        for (workload, wanted) in &expected.replicas {
            if cancel.is_cancelled() {
                let what = format!("replicas {workload}");
                unmet.push(expect::unmet(&self.redactor, &what, &wanted.to_string(), "nobody looked: interrupted"));
                continue;
            }
            let look = Action::Call(Call::new("describe", json!({ "name": workload })));
            let (_, seen) = self.turn(&look, cancel.clone()).await;
            unmet.extend(expect::replicas(workload, *wanted, &seen, &self.redactor));
        }
        unmet
    }

    fn show(&mut self, result: StepResult) {
        // Nobody reading is noticed by the capture, and no reason to leave the cluster half tested.
        let _ = self.agent.show(&Shown::Step(&result));
        self.result.steps.push(result);
    }
}

/// Returns the seconds since then, in thousandths.
fn seconds_since(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

/// The capture keeps from a turn that nobody reads, so there is no other way to fail here.
fn exit_of(ended: io::Result<Exit>) -> Exit {
    ended.unwrap_or(Exit::NotAchieved)
}

/// Returns the sentence that says how a script ended.
pub(crate) fn summary(result: &ScriptResult) -> String {
    let counted = |status: Status, word: &str| match result.count(status) {
        0 => None,
        number => Some(format!("{number} {word}")),
    };
    let counts =
        [counted(Status::Passed, "passed"), counted(Status::Failed, "failed"), counted(Status::Skipped, "skipped")];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let error = result.error.as_ref().map(|error| format!(": {}", **error)).unwrap_or_default();
    format!("{} {}: {}{error}", *result.name, result.verdict(), counts.join(", "))
}
