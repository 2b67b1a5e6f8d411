//! Executes an approved change, phase by phase: compare with what was approved, record, send, record,
//! watch until it holds.
//!
//! Every effect is sent at most once per approval. What cannot be known is reported as unknown, never
//! guessed; a request in flight is never cut off.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{
    Cause, ClusterError, Outcome, Recipe, Redactor, Report, Run,
    journal::{Entry, Journal, JournalRecord},
    report::{EffectReport, Printed},
    text::{Lines, visible},
    view::StepView,
};

use crate::{
    digest::{content_hash, fingerprint, owned_content},
    gate::Approved,
    http::Failed,
    owners::last_writer,
    preview::{PlannedEffect, PlannedPhase, target_view},
    request::{Action, Earnest, Prepared},
    verify::{Settled, Written, settle},
};

mod sessions;

/// How often a write is tried when only bookkeeping of the object changed between reading and writing.
const CONFLICT_TRIES: usize = 3;

/// How long an eviction waits before it asks again (as kubectl does).
const TURN: Duration = Duration::from_secs(5);

/// Makes an approved change and proves it.
pub async fn execute(approved: Approved, journal: &mut dyn Journal, run: &Run) -> Report {
    let mut execution = Execution { journal, run, approved: &approved, effects: Vec::new(), remaining: Vec::new() };
    let mut stopped = run.clock.now() > approved.expires;
    if stopped {
        run.warn("the approval has expired; nothing was sent");
    }
    for phase in &approved.phases {
        if stopped {
            let steps = phase.effects.iter().map(|effect| step(&approved, effect).summary.clone());
            execution.remaining.extend(steps);
        } else {
            stopped = !execution.phase(phase).await;
        }
    }
    let Execution { mut effects, remaining, .. } = execution;
    effects.sort_by_key(|(n, _)| *n);
    let effects: Vec<EffectReport> = effects.into_iter().map(|(_, effect)| effect).collect();
    // What was not sent needs no way back.
    let touched = |recipe: &&Recipe| {
        let target = target_view(recipe.target());
        effects.iter().any(|effect| effect.outcome.touched_the_cluster() && effect.target == target)
    };
    let (ending, undo): (Vec<Recipe>, Vec<Recipe>) =
        approved.undo.iter().filter(touched).cloned().partition(|recipe| matches!(recipe, Recipe::EndOfSession { .. }));
    let lasts = (!ending.is_empty()).then(|| "until this session ends".to_owned());
    let undo = Recipe::describe_all(&undo);
    Report { change_id: approved.view.change_id.clone(), effects, remaining, undo, lasts }
}

struct Execution<'a> {
    journal: &'a mut dyn Journal,
    run: &'a Run,
    approved: &'a Approved,
    /// What came of each step that was reached, with its number.
    effects: Vec<(usize, EffectReport)>,
    remaining: Vec<String>,
}

/// What became of sending one effect.
enum Sent {
    /// Accepted; the object as the server now has it.
    Accepted(Value),
    /// Not accepted, or not known.
    Ended(Outcome),
    /// A session: it has shown by itself what came of it.
    Held { outcome: Outcome, printed: Option<Printed> },
}

impl Execution<'_> {
    /// Sends a phase's effects and waits for them. Returns whether the next phase may start.
    async fn phase(&mut self, phase: &PlannedPhase) -> bool {
        let mut written: Vec<(usize, Written)> = Vec::new();
        let mut good = true;
        for effect in &phase.effects {
            if self.run.cancel.is_cancelled() || !good {
                self.remaining.push(step(self.approved, effect).summary.clone());
                good = false;
                continue;
            }
            self.run.progress(&step(self.approved, effect).summary);
            match self.send(effect, self.run.deadline_within(phase.deadline)).await {
                Sent::Accepted(object) => {
                    written.push((effect.n, Written { target: effect.target.clone(), object }));
                }
                Sent::Ended(outcome) => {
                    good = false;
                    self.ended(effect.n, outcome, None);
                }
                Sent::Held { outcome, printed } => {
                    good &= outcome.is_done();
                    self.ended(effect.n, outcome, printed);
                }
            }
        }
        let objects: Vec<Written> = written.iter().map(|(_, written)| written.clone()).collect();
        let expectations: Vec<_> = phase
            .settle
            .iter()
            .filter(|expectation| objects.iter().any(|written| written.target == *expectation.object()))
            .cloned()
            .collect();
        let deadline = self.run.deadline_within(phase.deadline);
        let settled = settle(&self.approved.cluster, &expectations, &objects, deadline, self.run).await;
        for (n, written) in written {
            let results: Vec<&Settled> = expectations
                .iter()
                .zip(&settled)
                .filter(|(expectation, _)| *expectation.object() == written.target)
                .map(|(_, settled)| settled)
                .collect();
            let outcome = outcome_of(&results);
            good &= outcome.is_done();
            self.ended(n, outcome, None);
        }
        good
    }

    async fn send(&mut self, effect: &PlannedEffect, deadline: Timestamp) -> Sent {
        let cluster = self.approved.cluster.clone();
        let mut conflict = String::new();
        let mut tries = 0;
        while tries < CONFLICT_TRIES {
            tries += 1;
            let live = match cluster.read_live(&effect.target, "compare with what was approved").await {
                Ok(live) => live,
                Err(error) if error.is(Cause::NotFound) && effect.is_new() => Value::Null,
                Err(error) if error.is(Cause::NotFound) => {
                    return Sent::Ended(Outcome::Moved { why: format!("{} is gone", effect.target) });
                }
                Err(error) => return Sent::Ended(failed(&error)),
            };
            if let Some(why) = moved(effect, &live) {
                return Sent::Ended(Outcome::Moved { why });
            }
            // A Ctrl-C that came while reading: nothing has been sent yet.
            if self.run.cancel.is_cancelled() {
                return Sent::Ended(Outcome::Failed { why: "interrupted before anything was sent".to_owned() });
            }
            let version = live["metadata"]["resourceVersion"].as_str().unwrap_or_default();
            if version.is_empty() && !live.is_null() {
                // Without a precondition the server would write over anybody's work.
                let why = format!("the server does not say which version of {} it has", effect.target);
                return Sent::Ended(Outcome::Failed { why: format!("{why}; nothing was sent") });
            }
            let digest = effect.action.digest(&self.approved.key);
            let prepared = match &effect.action {
                Action::Write(prepared) => prepared,
                Action::Session(session) => return self.open(effect, session, digest, deadline).await,
            };
            if let Err(outcome) = self.about_to_send(effect, digest) {
                return Sent::Ended(outcome);
            }
            let id = self.approved.view.change_id.as_str();
            let request = prepared.request(&live, Earnest::Real, Some(id));
            match cluster.http.write(request).await {
                Ok(reply) => {
                    self.note(Entry::Answered { n: effect.n, status: reply.status });
                    return Sent::Accepted(prepared.object_after(&live, &reply.body));
                }
                // Its turn has not come: nothing was done, so it is asked for again.
                Err(Failed { error, status: Some(429), .. }) if prepared.is_eviction() => {
                    self.note(Entry::Answered { n: effect.n, status: 429 });
                    if self.run.clock.now() >= deadline {
                        return Sent::Ended(failed(&error));
                    }
                    self.run.progress(&error.message);
                    self.run.clock.sleep(TURN).await;
                    tries -= 1;
                }
                // An error status is an answer; whatever else went wrong, the request may have arrived.
                Err(Failed { error, status: Some(status), .. }) if !leaves_open(&error) => {
                    self.note(Entry::Answered { n: effect.n, status });
                    if !error.is(Cause::Conflict) {
                        return Sent::Ended(failed(&error));
                    }
                    conflict = error.message;
                }
                Err(Failed { error, .. }) => return self.examine(effect, prepared, &live, &error).await,
            }
        }
        Sent::Ended(Outcome::Failed { why: format!("others keep changing {}: {conflict}", effect.target) })
    }

    /// No answer came: looks at the object to see whether the request arrived.
    async fn examine(
        &mut self,
        effect: &PlannedEffect,
        prepared: &Prepared,
        before: &Value,
        error: &ClusterError,
    ) -> Sent {
        let live = match self.approved.cluster.read_live(&effect.target, "see whether the change arrived").await {
            Ok(live) => live,
            Err(second) if second.is(Cause::NotFound) => Value::Null,
            Err(second) => {
                return Sent::Ended(Outcome::Unknown {
                    why: format!("{}; and the object cannot be read: {}", error.message, second.message),
                });
            }
        };
        let expected = prepared.computed_after(before);
        let came_about = match &expected {
            // The server adds its defaults to what was sent.
            Some(made) if before.is_null() => holds(&live, made),
            Some(after) if after.is_null() => live.is_null(),
            Some(after) => content_hash(&owned_content(after)) == fingerprint(&live),
            None => false,
        };
        if came_about && fingerprint(before) != fingerprint(&live) {
            self.note(Entry::Examined { n: effect.n, finding: "no answer came, but the change is there".to_owned() });
            return Sent::Accepted(if live.is_null() { before.clone() } else { live });
        }
        let why = if live.is_null() && !before.is_null() {
            format!("{}; the object is gone, and it cannot be told by whom", error.message)
        } else if fingerprint(&live) == fingerprint(before) {
            format!("{}; the object is unchanged so far", error.message)
        } else {
            format!("{}; the object has changed, and it cannot be told by whom", error.message)
        };
        Sent::Ended(Outcome::Unknown { why })
    }

    fn ended(&mut self, n: usize, outcome: Outcome, printed: Option<Printed>) {
        let outcome = quotable(outcome, &self.run.redactor);
        // Without an answer the line `sending` stays alone, so that the next start looks again.
        if !matches!(outcome, Outcome::Unknown { .. }) {
            self.note(Entry::Settled { n, result: outcome.clone() });
        }
        if let Some(step) = self.approved.view.steps.iter().find(|step| step.n == n) {
            let report = EffectReport { summary: step.summary.clone(), target: step.target.clone(), outcome, printed };
            self.effects.push((n, report));
        }
    }

    /// Records that a request is about to be sent. Without the record it must not be.
    fn about_to_send(&mut self, effect: &PlannedEffect, digest: String) -> Result<(), Outcome> {
        self.record(Entry::Sending { n: effect.n, digest })
            .map_err(|error| Outcome::Failed { why: format!("{error}; nothing was sent") })
    }

    fn record(&mut self, entry: Entry) -> Result<(), todo_agent_core::journal::JournalError> {
        let change_id = self.approved.view.change_id.clone();
        self.journal.append(&JournalRecord { at: self.run.clock.now(), change_id, entry })
    }

    /// Records what has happened already; a failure to do so is said, because it cannot be taken back.
    fn note(&mut self, entry: Entry) {
        if let Err(error) = self.record(entry) {
            self.run.warn(error.to_string());
        }
    }
}

/// Returns whether `whole` has everything that `part` has.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}

/// Says how the object differs from the one that was approved, if it does.
fn moved(effect: &PlannedEffect, live: &Value) -> Option<String> {
    if effect.is_new() && !live.is_null() {
        return Some(format!("{} was made meanwhile", effect.target));
    }
    let uid = live["metadata"]["uid"].as_str();
    if effect.uid.as_deref() != uid {
        return Some(format!("{} was deleted and made anew since the preview", effect.target));
    }
    if fingerprint(live) == effect.fingerprint {
        return None;
    }
    let who = last_writer(live).map(|who| format!(" (last by {who})")).unwrap_or_default();
    Some(format!("{} was changed since the preview{who}", effect.target))
}

/// Returns the view of a planned effect: both are made together, numbered from 1.
fn step<'a>(approved: &'a Approved, effect: &PlannedEffect) -> &'a StepView {
    &approved.view.steps[effect.n - 1]
}

fn failed(error: &ClusterError) -> Outcome {
    let mut why = error.message.clone();
    for hint in &error.hints {
        why.push_str("; ");
        why.push_str(hint);
    }
    Outcome::Failed { why }
}

/// Returns whether the server, or what stands before it, failed rather than refused: the request may have been
/// carried out all the same.
fn leaves_open(error: &ClusterError) -> bool {
    matches!(error.cause, Cause::Unreachable | Cause::Unavailable | Cause::NotKubernetes | Cause::TimedOut)
}

/// Returns an outcome as it may be shown and kept: what it quotes comes from pods, webhooks and other writers.
fn quotable(outcome: Outcome, redactor: &Redactor) -> Outcome {
    let shown = |text: String| visible(&redactor.text(&text), Lines::Escape);
    match outcome {
        Outcome::Done { output } => Outcome::Done { output: shown(output) },
        Outcome::NotVerified { why } => Outcome::NotVerified { why: shown(why) },
        Outcome::Moved { why } => Outcome::Moved { why: shown(why) },
        Outcome::Failed { why } => Outcome::Failed { why: shown(why) },
        Outcome::Unknown { why } => Outcome::Unknown { why: shown(why) },
    }
}

fn outcome_of(results: &[&Settled]) -> Outcome {
    let texts = |pick: fn(&Settled) -> Option<&String>| {
        results.iter().filter_map(|settled| pick(settled)).cloned().collect::<Vec<_>>().join("; ")
    };
    let why = texts(|settled| match settled {
        Settled::NotMet(why) => Some(why),
        Settled::Met(_) => None,
    });
    if !why.is_empty() {
        return Outcome::NotVerified { why };
    }
    let output = texts(|settled| match settled {
        Settled::Met(output) => Some(output),
        Settled::NotMet(_) => None,
    });
    Outcome::Done { output: if output.is_empty() { "accepted by the server".to_owned() } else { output } }
}
