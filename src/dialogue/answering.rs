//! One turn with a model: ask, show what it says as it says it, run what it calls, until it is done or its bounds are met.
//!
//! Nothing hangs and nothing is silent: an empty answer, a refusal, a cut, the same call again and again each end the
//! turn with a sentence that says so. The account of changes at the end is the program's own.

use std::io;

use futures::StreamExt;
use serde_json::Value;
use todo_agent_core::{Call, Event, Redacted, Redactor, Run, StreamingRedaction};
use tokio_util::sync::CancellationToken;

use super::{
    Dialogue,
    budget::Spent,
    calls,
    digest::Digest,
    failure::{TOO_LONG, interrupted, model_problem, problem},
    history, prompt,
};

use crate::{
    agent::Agent,
    exit::Exit,
    model::{Delta, Finish, ModelError, Reply, Request, Trouble, Usage},
    problem::Problem,
    session::Fact,
    turn::{Asked, Purpose, Turn},
    ui::{Answer, ModelCall, ModelMessage, Shown, Ui, UsageShown},
};

/// How many messages in a row may hold nothing but calls that cannot be run.
const MOST_BROKEN: usize = 3;
/// How many times in a row the same call may be made.
const MOST_REPEATED: usize = 3;
/// What a model is told that said nothing at all.
const NUDGE: &str = "(The program: your message was empty. Answer the person, or call a tool.)";

/// What a turn has come to so far.
#[expect(clippy::struct_excessive_bools, reason = "each notes that something has happened in this turn")]
struct Progress {
    spent: Spent,
    exit: Exit,
    ledger: Vec<String>,
    understood: Vec<String>,
    broken: usize,
    last: Option<(Vec<(String, String)>, usize)>,
    nudged: bool,
    shortened: bool,
    summarised: bool,
    cut: bool,
    /// Whether the server left out what an answer cost.
    estimated: bool,
}

/// How a message was taken up.
enum Next {
    GoOn,
    Done(Redacted<String>),
    GiveUp(Problem),
}

impl Agent {
    /// Lets the model answer a sentence.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub(crate) async fn converse(&mut self, sentence: &Redacted<String>, run: Run) -> io::Result<Exit> {
        let Some(mut dialogue) = self.parts.dialogue.take() else { return Ok(Exit::Usage) };
        self.answered = false;
        let redactor = self.redactor();
        dialogue.history.close(&redactor);
        let piped = match &self.parts.replay {
            Some(replay) => replay.piped().map(|text| redactor.text(&text)),
            None => history::piped(&self.parts.attached.take(&run.cancel).await, &redactor),
        };
        self.parts.ui.interruption(&run.cancel);
        if let Some(text) = piped {
            self.parts.ui.fact(&Fact::Piped { text: &text });
            dialogue.history.data(text);
        }
        dialogue.history.person(sentence.clone());
        let exit = self.answer_with(&mut dialogue, sentence, &run).await;
        dialogue.history.close(&redactor);
        self.parts.dialogue = Some(dialogue);
        exit
    }

    /// Shortens the conversation with the model to a summary, because the person wants it.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn compact(&mut self, cancel: CancellationToken) -> io::Result<Exit> {
        let redactor = self.redactor();
        let Some(mut dialogue) = self.parts.dialogue.take() else {
            return self.fail(&Problem::usage("there is no conversation with a model to shorten"));
        };
        self.parts.ui.fact(&Fact::Compact);
        let run = self.run(cancel);
        let before = dialogue.history.tokens();
        let progress = Event::Progress(redactor.text("the conversation is being summarised"));
        self.parts.ui.progress(&progress);
        let summary = self.summarise(&mut dialogue, &run).await;
        let after = dialogue.history.tokens();
        self.parts.dialogue = Some(dialogue);
        let exit = match summary {
            Ok(_) => {
                self.say(&format!("The conversation had about {before} tokens and has about {after} now."))?;
                Exit::Done
            }
            Err(problem) => self.fail(&problem)?,
        };
        Ok(self.ended(exit))
    }

    /// Replaces the conversation by the model's summary of it. Without one it stays as it was.
    async fn summarise(&mut self, dialogue: &mut Dialogue, run: &Run) -> Result<Usage, Problem> {
        let redactor = self.redactor();
        let summary = if let Some(replay) = &self.parts.replay {
            replay.model(run)
        } else {
            tokio::select! {
                biased;
                () = run.cancel.cancelled() => Err(interrupted()),
                summary = dialogue.summary(&redactor) => summary.map_err(problem),
            }
        };
        self.parts.ui.interruption(&run.cancel);
        let reply = match summary {
            Ok(reply) => reply,
            Err(problem) => return Err(self.model_failed(problem)),
        };
        self.parts.ui.fact(&Fact::Summary {
            text: &redactor.text(&reply.text),
            finish: reply.finish,
            usage: reply.usage,
        });
        dialogue.summarise(&reply, &redactor).map_err(problem)?;
        let usage = reply.usage.unwrap_or_default();
        dialogue.used += usage;
        dialogue.requests += 1;
        Ok(usage)
    }

    /// Records that the model gave no answer.
    fn model_failed(&mut self, problem: Problem) -> Problem {
        let failure = problem.shown(&self.parts.redactor);
        self.parts.ui.fact(&Fact::ModelFailed { code: problem.code, message: &failure.message, hints: &failure.hints });
        problem
    }

    async fn answer_with(
        &mut self,
        dialogue: &mut Dialogue,
        sentence: &Redacted<String>,
        run: &Run,
    ) -> io::Result<Exit> {
        let redactor = self.redactor();
        let mut progress = Progress {
            spent: Spent::nothing(run.clock.now()),
            exit: Exit::Done,
            ledger: Vec::new(),
            understood: Vec::new(),
            broken: 0,
            last: None,
            nudged: false,
            shortened: false,
            summarised: false,
            cut: false,
            estimated: false,
        };
        loop {
            let now = run.clock.now();
            self.parts.ui.fact(&Fact::Step { now });
            if let Some(problem) = progress.spent.exceeds(&dialogue.budgets, now) {
                return self.give_up(dialogue, progress, &problem);
            }
            if let Err(problem) = self.make_room(dialogue, &mut progress, run).await {
                return self.give_up(dialogue, progress, &problem);
            }
            let reply = match self.ask_model(dialogue, run).await? {
                Ok(reply) => reply,
                Err(problem) if problem.code == TOO_LONG && !progress.shortened => {
                    progress.shortened = true;
                    dialogue.history.drop_results(0, 2, &redactor);
                    continue;
                }
                Err(problem) => return self.give_up(dialogue, progress, &problem),
            };
            // A server that does not count must not make the bounds void.
            let usage = reply.usage.unwrap_or_else(|| dialogue.estimate(&reply));
            progress.estimated |= reply.usage.is_none();
            progress.spent.steps += 1;
            progress.spent.usage += usage;
            dialogue.used += usage;
            dialogue.requests += 1;
            register_secrets(&reply, &redactor);
            let ids = dialogue.history.said(&reply, &redactor);
            self.show(&Shown::Model(&message(&reply, &ids, &redactor)))?;
            let next = if reply.calls.is_empty() {
                progress.without_calls(&reply, dialogue, &redactor)
            } else {
                self.run_calls(dialogue, &mut progress, &reply, &ids, sentence, run).await?
            };
            match next {
                Next::GoOn => {}
                Next::Done(text) => return self.done(dialogue, progress, text),
                Next::GiveUp(problem) => return self.give_up(dialogue, progress, &problem),
            }
        }
    }

    /// Asks once and shows the words as they come.
    async fn ask_model(&mut self, dialogue: &Dialogue, run: &Run) -> io::Result<Result<Reply, Problem>> {
        let redactor = self.redactor();
        let system = prompt::system(self.scope(), run.clock.now(), &redactor);
        let tools = todo_agent_tools::specs().to_vec();
        let request = Request { messages: dialogue.history.messages(system), tools };
        let digest = Digest::of(&request);
        self.parts.ui.fact(&digest.fact());
        let end = match self.parts.replay.clone() {
            Some(replay) => replay.model(run),
            None => self.hear(dialogue, &request, run).await?,
        };
        self.parts.ui.interruption(&run.cancel);
        Ok(end.map_err(|problem| self.model_failed(problem)))
    }

    /// Shows what the model says until it has said all.
    async fn hear(&mut self, dialogue: &Dialogue, request: &Request, run: &Run) -> io::Result<Result<Reply, Problem>> {
        let redactor = self.redactor();
        let mut words = StreamingRedaction::default();
        let waiting = redactor.text(&format!("waiting for {}", dialogue.model.describe()));
        self.parts.ui.progress(&Event::Progress(waiting));
        let mut stream = dialogue.model.stream(request);
        let end = loop {
            let delta = tokio::select! {
                biased;
                () = run.cancel.cancelled() => break Err(interrupted()),
                delta = stream.next() => delta,
            };
            if let Err(error) = run.check() {
                break Err(error.into());
            }
            match delta {
                Some(Ok(Delta::Text(text))) => {
                    if let Some(settled) = words.push(&redactor, &text) {
                        self.show(&Shown::Words(&settled))?;
                    }
                }
                Some(Ok(Delta::Reasoning(_))) => {}
                Some(Ok(Delta::Calling(tool))) => {
                    let event = Event::Progress(redactor.text(&format!("preparing {tool}")));
                    self.parts.ui.progress(&event);
                }
                Some(Ok(Delta::Retrying { why, seconds })) => {
                    let event = Event::Progress(redactor.text(&format!("{why}; trying again in {seconds} s")));
                    self.parts.ui.progress(&event);
                }
                Some(Ok(Delta::End(reply))) => break Ok(reply),
                Some(Err(error)) => break Err(problem(error)),
                None => break Err(problem(ModelError::new(Trouble::Unreachable, "the model's answer broke off"))),
            }
        };
        if let Some(rest) = words.finish(&redactor) {
            self.show(&Shown::Words(&rest))?;
        }
        Ok(end)
    }

    /// Runs the calls of a message and gives the model their results.
    async fn run_calls(
        &mut self,
        dialogue: &mut Dialogue,
        progress: &mut Progress,
        reply: &Reply,
        ids: &[String],
        sentence: &Redacted<String>,
        run: &Run,
    ) -> io::Result<Next> {
        let redactor = self.redactor();
        if let Some(problem) = progress.repeated(reply) {
            return Ok(Next::GiveUp(problem));
        }
        let mut results: Vec<Option<String>> = vec![None; reply.calls.len()];
        let (mut runnable, mut places): (Vec<Call>, Vec<usize>) = (Vec::new(), Vec::new());
        for (index, call) in reply.calls.iter().enumerate() {
            if index >= calls::MOST_CALLS {
                results[index] = Some(format!("error: at most {} calls in one message are run", calls::MOST_CALLS));
                continue;
            }
            match calls::understood(call) {
                Ok(call) => {
                    runnable.push(call);
                    places.push(index);
                }
                Err(error) => results[index] = Some(error.to_model()),
            }
        }
        if runnable.is_empty() {
            progress.broken += 1;
        } else {
            progress.broken = 0;
            let sentences: Vec<&str> = dialogue.history.sentences().iter().map(|said| said.as_str()).collect();
            let asked = Asked::Model { sentence, sentences: &sentences, tainted: dialogue.history.is_tainted() };
            let purpose = if self.only_previews() { Purpose::Preview } else { Purpose::Act };
            let turned = Turn::new(self, run.clone(), asked, purpose).run(&runnable).await?;
            progress.understood.extend(runnable.iter().map(|call| call.shown(&redactor).into_inner()));
            dialogue.take_up_changes(&turned.ledger);
            progress.ledger.extend(turned.ledger);
            if runnable
                .iter()
                .any(|call| todo_agent_tools::find(&call.tool).is_ok_and(todo_agent_tools::Tool::is_write))
            {
                progress.exit = after(progress.exit, turned.exit);
            }
            for (place, result) in places.into_iter().zip(turned.results) {
                results[place] = Some(result);
            }
        }
        for ((id, call), result) in ids.iter().zip(&reply.calls).zip(results) {
            let text = redactor.text(&result.unwrap_or_default());
            let (id, tool) = (redactor.text(id), redactor.text(&call.name));
            self.show(&Shown::Heard { call_id: &id, tool: &tool, text: &text })?;
            dialogue.history.result(&id, &text, &redactor);
        }
        self.parts.ui.interruption(&run.cancel);
        if run.cancel.is_cancelled() {
            return Ok(Next::GiveUp(interrupted()));
        }
        if progress.broken >= MOST_BROKEN {
            return Ok(Next::GiveUp(model_problem(format!(
                "the model made {MOST_BROKEN} messages in a row of calls that cannot be run, so the turn ends here"
            ))));
        }
        Ok(Next::GoOn)
    }

    /// Shortens the conversation where it has grown too long.
    async fn make_room(&mut self, dialogue: &mut Dialogue, progress: &mut Progress, run: &Run) -> Result<(), Problem> {
        let redactor = self.redactor();
        // Once in a turn: what the turn itself brings cannot be summarised away.
        if !dialogue.is_full() || dialogue.drop_results(&redactor) || progress.summarised {
            return Ok(());
        }
        progress.summarised = true;
        let event = Event::Progress(redactor.text("the conversation is long; it is being summarised"));
        self.parts.ui.progress(&event);
        match self.summarise(dialogue, run).await {
            Ok(usage) => {
                progress.spent.steps += 1;
                progress.spent.usage += usage;
            }
            Err(problem) if run.cancel.is_cancelled() => return Err(problem),
            // The request itself will say what is wrong.
            Err(_) => dialogue.history.drop_results(0, 2, &redactor),
        }
        Ok(run.check()?)
    }

    fn done(&mut self, dialogue: &Dialogue, progress: Progress, text: Redacted<String>) -> io::Result<Exit> {
        self.answered = true;
        if progress.cut {
            let text = "the model's answer was cut at its greatest length; ask for less at once, or ask it to go on";
            let warning = Event::Warning(self.parts.redactor.text(text));
            self.parts.ui.progress(&warning);
        }
        self.show_usage(dialogue, &progress)?;
        let Progress { exit, ledger, understood, .. } = progress;
        self.show(&Shown::Answer(&Answer { text, understood, ledger }))?;
        Ok(exit)
    }

    /// Ends a turn that came to no answer; what was changed is said all the same.
    fn give_up(&mut self, dialogue: &Dialogue, progress: Progress, problem: &Problem) -> io::Result<Exit> {
        let failed = self.fail(problem)?;
        self.show_usage(dialogue, &progress)?;
        let Progress { exit, ledger, understood, .. } = progress;
        let text = self.parts.redactor.text("");
        self.show(&Shown::Answer(&Answer { text, understood, ledger }))?;
        Ok(exit.worse(failed))
    }

    fn show_usage(&mut self, dialogue: &Dialogue, progress: &Progress) -> io::Result<()> {
        let usage = progress.spent.usage;
        let cost = dialogue.prices.filter(|_| !progress.estimated).map(|prices| prices.of(usage));
        self.show(&Shown::Usage(&UsageShown {
            requests: progress.spent.steps,
            usage,
            estimated: progress.estimated,
            cost,
        }))
    }
}

impl Progress {
    /// Takes up a message without calls: an answer, or something that is none.
    fn without_calls(&mut self, reply: &Reply, dialogue: &mut Dialogue, redactor: &Redactor) -> Next {
        let said_nothing = reply.text.trim().is_empty();
        match reply.finish {
            Finish::Refused => {
                let why = if said_nothing { String::new() } else { format!(": {}", reply.text.trim()) };
                Next::GiveUp(model_problem(format!("the model refused to answer{why}")))
            }
            Finish::Length if said_nothing => Next::GiveUp(
                model_problem("the model's answer was cut before its first word")
                    .hint("its limit of answer tokens is too small, or it reasons too long"),
            ),
            Finish::Length => {
                self.cut = true;
                Next::Done(redactor.text(&reply.text))
            }
            Finish::Stop if !said_nothing => Next::Done(redactor.text(&reply.text)),
            Finish::Stop if self.nudged => Next::GiveUp(
                model_problem("the model gave an empty answer, twice")
                    .hint("ask again, or try another model with --model"),
            ),
            Finish::Stop => {
                self.nudged = true;
                dialogue.history.nudge(redactor.text(NUDGE));
                Next::GoOn
            }
        }
    }

    /// Returns why the turn ends, where the same calls are made again and again.
    fn repeated(&mut self, reply: &Reply) -> Option<Problem> {
        // Other spaces make no other call.
        let plain =
            |text: &str| serde_json::from_str(text).map_or_else(|_| text.to_owned(), |args: Value| args.to_string());
        let calls: Vec<(String, String)> =
            reply.calls.iter().map(|call| (call.name.clone(), plain(&call.arguments))).collect();
        let times = match self.last.take() {
            Some((last, times)) if last == calls => times + 1,
            _ => 1,
        };
        self.last = Some((calls, times));
        (times >= MOST_REPEATED).then(|| {
            let name = reply.calls.first().map(|call| call.name.as_str()).unwrap_or_default();
            model_problem(format!(
                "the model called {name} {times} times in a row in the same way, so the turn ends here"
            ))
        })
    }
}

/// Returns how a turn stands after another plan. What was forbidden or not approved is not made good by a later one.
fn after(before: Exit, plan: Exit) -> Exit {
    match before {
        Exit::Forbidden | Exit::NotApproved => before.worse(plan),
        _ => plan,
    }
}

/// Registers what is secret in the calls of a reply, before it is recorded.
fn register_secrets(reply: &Reply, redactor: &Redactor) {
    for call in &reply.calls {
        if let Ok(args) = serde_json::from_str::<Value>(&call.arguments) {
            todo_agent_tools::register_secrets([(call.name.as_str(), &args)], redactor);
        }
    }
}

/// Returns a reply as it is recorded.
fn message(reply: &Reply, ids: &[String], redactor: &Redactor) -> ModelMessage {
    let call = |(call, id): (&crate::model::ReplyCall, &String)| ModelCall {
        id: redactor.text(id).into_inner(),
        tool: redactor.text(&call.name),
        args: match serde_json::from_str::<Value>(&call.arguments) {
            Ok(args) => redactor.value(&args),
            Err(_) => redactor.value(&Value::String(call.arguments.clone())),
        },
    };
    ModelMessage {
        text: redactor.text(&reply.text),
        reasoning: redactor.text(&reply.reasoning),
        calls: reply.calls.iter().zip(ids).map(call).collect(),
        finish: reply.finish,
        usage: reply.usage,
    }
}

#[cfg(test)]
#[path = "answering_tests.rs"]
mod tests;
