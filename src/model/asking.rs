//! One request on its way: sent, read, sent again where that is right.
//!
//! Holds the whole state between two deltas, so that dropping it at any point ends the request and any wait. Nothing is
//! sent again once something of an answer was given out: a person has read it, and a call may have been announced.

use std::{collections::VecDeque, time::Duration};

use reqwest::Response;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Again, Delta, Failure, Finish, ModelError, Reply, Request, Trouble,
    client::{Client, Refused},
    retry::{Tries, chance},
    wire::Reading,
};

/// How long a server that has finished may take to say what it cost.
const AFTERWORD: Duration = Duration::from_secs(5);

/// A request on its way.
pub(super) struct Asking<'a> {
    client: &'a Client,
    request: &'a Request,
    state: State,
    tries: Tries,
    /// What was read and not given out yet.
    ready: VecDeque<Delta>,
    /// Whether words or a call were read.
    begun: bool,
    /// Whether a new key was asked for.
    renewed: bool,
    /// When a whole answer is too late.
    deadline: Instant,
}

enum State {
    Waiting(Duration),
    Sending,
    Reading {
        response: Box<Response>,
        reading: Box<Reading>,
        next: Instant,
    },
    /// After the last delta, this is the end.
    Failing(Box<ModelError>),
    Ended,
}

impl<'a> Asking<'a> {
    /// Returns a request that was not sent yet.
    pub(super) fn new(client: &'a Client, request: &'a Request) -> Self {
        let deadline = Instant::now() + client.settings.timeouts.whole;
        Self {
            client,
            request,
            state: State::Sending,
            tries: Tries::default(),
            ready: VecDeque::new(),
            begun: false,
            renewed: false,
            deadline,
        }
    }

    /// Returns the next delta or the error that ends it all.
    pub(super) async fn next(&mut self) -> Option<Result<Delta, ModelError>> {
        loop {
            if let Some(delta) = self.ready.pop_front() {
                return Some(Ok(delta));
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return None,
                State::Failing(error) => return Some(Err(*error)),
                State::Waiting(wait) => {
                    sleep(wait).await;
                    self.state = State::Sending;
                }
                State::Sending => self.send().await,
                State::Reading { response, reading, next } => self.read(response, reading, next).await,
            }
        }
    }

    async fn send(&mut self) {
        match self.client.open(self.request).await {
            Ok(response) => {
                let next = Instant::now() + self.client.settings.timeouts.first;
                self.state = State::Reading { response: Box::new(response), reading: Box::default(), next };
            }
            Err(Refused::Filtered(text)) => {
                let reply = Reply { text, finish: Finish::Refused, ..Reply::default() };
                self.ready.push_back(Delta::End(reply));
            }
            Err(Refused::Failed(failure)) => {
                let may_renew = failure.error.trouble == Trouble::Key && !self.renewed;
                if may_renew && self.client.forget_key().await {
                    self.renewed = true;
                    self.state = State::Sending;
                } else {
                    self.fail(failure);
                }
            }
        }
    }

    /// Reads the next piece of the answer.
    async fn read(&mut self, mut response: Box<Response>, mut reading: Box<Reading>, next: Instant) {
        let piece = match timeout_at(next.min(self.deadline), response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            // Some servers keep the connection open, others cut it, after everything was said.
            Ok(_) | Err(_) if reading.is_finished() => return self.end(*reading),
            Ok(Ok(None)) => return self.end(*reading),
            Ok(Err(error)) => {
                let why = if self.begun { "the model's answer broke off" } else { "the connection was cut" };
                let message = format!("{why}: {}", self.client.unreachable(&error).error.message);
                return self.fail(Failure::passing(Trouble::Unreachable, message));
            }
            Err(_) => return self.fail(self.silence()),
        };
        let (ready, begun) = (&mut self.ready, &mut self.begun);
        let taken = reading.push(&piece, &mut |delta| {
            *begun |= matters(&delta);
            ready.push_back(delta);
        });
        if let Err(failure) = taken {
            return self.fail(self.client.cleaned(failure));
        }
        if reading.is_done() {
            return self.end(*reading);
        }
        let between = self.client.settings.timeouts.between;
        let patience = if reading.is_finished() { AFTERWORD.min(between) } else { between };
        self.state = State::Reading { response, reading, next: Instant::now() + patience };
    }

    fn silence(&self) -> Failure {
        let timeouts = self.client.settings.timeouts;
        if Instant::now() >= self.deadline {
            let message = format!("the model did not finish its answer within {} s", timeouts.whole.as_secs());
            return Failure::lasting(Trouble::Timeout, message)
                .hint("timeouts.whole in [model] of config.toml waits longer");
        }
        if self.begun {
            let message =
                format!("the model fell silent for {} s in the middle of its answer", timeouts.between.as_secs());
            return Failure::lasting(Trouble::Timeout, message);
        }
        self.client.too_slow()
    }

    fn end(&mut self, reading: Reading) {
        let (ready, begun) = (&mut self.ready, &mut self.begun);
        let reply = reading.finish(&mut |delta| {
            *begun |= matters(&delta);
            ready.push_back(delta);
        });
        match reply {
            Ok(reply) => self.ready.push_back(Delta::End(reply)),
            Err(failure) => self.fail(self.client.cleaned(failure)),
        }
    }

    /// Sends again, or ends with the error.
    fn fail(&mut self, failure: Failure) {
        let Failure { error, again } = failure;
        let again = if self.begun { Again::No } else { again };
        match self.tries.next(again, chance()) {
            Some(wait) => {
                let seconds = wait.as_secs_f64().ceil();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a minute")]
                self.ready.push_back(Delta::Retrying { why: error.message, seconds: seconds as u64 });
                self.state = State::Waiting(wait);
            }
            None => self.state = State::Failing(Box::new(error)),
        }
    }
}

/// Returns whether a delta is something that cannot be taken back; nobody acts on reasoning.
fn matters(delta: &Delta) -> bool {
    match delta {
        Delta::Text(_) | Delta::Calling(_) | Delta::End(_) => true,
        Delta::Reasoning(_) | Delta::Retrying { .. } => false,
    }
}
