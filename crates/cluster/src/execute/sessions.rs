//! The effects that are no single request: a command in a container, a port that leads into a pod.
//!
//! As with every effect nothing is sent without a record, and at most once. How a command ended, only the session
//! itself tells; a forward is shown by a connection that the pod takes.

use std::time::Duration;

use jiff::Timestamp;
use todo_agent_core::{Cause, Outcome, Redactor, journal::Entry, report::Printed};

use super::{Execution, Sent, failed, leaves_open};
use crate::{
    http::{Failed, SWITCHING},
    preview::PlannedEffect,
    session::{
        exec::{self, End, Ran},
        forward::{self, Forward},
        readable,
        request::{Aim, SessionRequest},
    },
};

impl Execution<'_> {
    /// Opens a session whose pod is as it was approved.
    pub(super) async fn open(
        &mut self,
        effect: &PlannedEffect,
        session: &SessionRequest,
        digest: String,
        deadline: Timestamp,
    ) -> Sent {
        match session.aim {
            Aim::Exec { .. } => self.exec(effect, session, digest, deadline).await,
            Aim::Forward { local, port } => {
                let outcome = self.forward(effect, session, digest, local, port).await;
                Sent::Held { outcome, printed: None }
            }
        }
    }

    async fn exec(
        &mut self,
        effect: &PlannedEffect,
        session: &SessionRequest,
        digest: String,
        deadline: Timestamp,
    ) -> Sent {
        if let Err(outcome) = self.about_to_send(effect, digest) {
            return Sent::Ended(outcome);
        }
        let request = session.request(&self.approved.view.change_id);
        let mut channels = match self.approved.cluster.http.session(request).await {
            Ok(channels) => channels,
            Err(error) => return Sent::Ended(self.not_opened(effect, &error)),
        };
        self.note(Entry::Answered { n: effect.n, status: SWITCHING });
        let limit = Duration::try_from(deadline.duration_since(self.run.clock.now())).unwrap_or_default();
        let ran = exec::follow(&mut channels, limit, &self.run.cancel).await;
        let printed = printed(&ran, &self.run.redactor);
        let outcome = match ran.end {
            End::Exited(0) => Outcome::Done { output: "exit status 0".to_owned() },
            End::Exited(code) => Outcome::NotVerified { why: format!("exit status {code}") },
            End::NotBegun(why) => Outcome::Failed { why: worded(&why) },
            End::Unknown(why) => Outcome::Unknown { why },
        };
        let began = !matches!(outcome, Outcome::Failed { .. });
        Sent::Held { outcome, printed: began.then_some(printed) }
    }

    async fn forward(
        &mut self,
        effect: &PlannedEffect,
        session: &SessionRequest,
        digest: String,
        local: u16,
        port: u16,
    ) -> Outcome {
        let listener = match forward::listen(local).await {
            Ok(listener) => listener,
            Err(why) => return Outcome::Failed { why: format!("{why}; nothing was sent") },
        };
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => return Outcome::Failed { why: format!("{error}; nothing was sent") },
        };
        if let Err(outcome) = self.about_to_send(effect, digest) {
            return outcome;
        }
        let http = self.approved.cluster.http.clone();
        let request = session.request(&self.approved.view.change_id);
        if let Err(error) = forward::try_out(&http, request.clone()).await {
            return self.not_opened(effect, &error);
        }
        self.note(Entry::Answered { n: effect.n, status: SWITCHING });
        let open = Forward { local: address, pod: effect.target.clone(), port };
        self.approved.cluster.forwards.begin(listener, open, http, request);
        Outcome::Done {
            output: format!("{address} leads to port {port} of {}, which takes connections", effect.target),
        }
    }

    /// Says why there is no session. Where no answer came, a command may have been begun all the same.
    fn not_opened(&mut self, effect: &PlannedEffect, why: &Failed) -> Outcome {
        if let Some(status) = why.status {
            self.note(Entry::Answered { n: effect.n, status });
        }
        if why.status.is_none() && leaves_open(&why.error) {
            return Outcome::Unknown { why: format!("{}; whether it was begun is not known", why.error.message) };
        }
        if why.error.is(Cause::NotFound) {
            return Outcome::Moved { why: format!("{} is gone", effect.target) };
        }
        failed(&why.error)
    }
}

/// Returns what a command printed, with what is secret in it masked: a command can print whatever its container knows.
fn printed(ran: &Ran, redactor: &Redactor) -> Printed {
    let text = |bytes: &[u8]| redactor.text(&readable(bytes)).into_inner();
    Printed { stdout: text(&ran.stdout), stderr: text(&ran.stderr), cut: ran.cut }
}

/// Returns why a command was not begun: the runtime's last words, which name the program and what is wrong with it.
/// Source: containerd and runc, `unable to start container process`.
fn worded(why: &str) -> String {
    let cause = why.split_once("unable to start container process: ").map_or(why, |(_, cause)| cause);
    let cause = cause.strip_suffix(": unknown").unwrap_or(cause);
    if cause.contains("executable file not found") || cause.contains("no such file or directory") {
        return format!("the container has no such program ({cause})");
    }
    cause.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_the_runtime_are_said() {
        let runtime = "Internal error occurred: error executing command in container: failed to exec in container: failed \
            to start exec \"6f\": OCI runtime exec failed: exec failed: unable to start container process: exec: \
            \"psql\": executable file not found in $PATH: unknown";
        assert_eq!(
            worded(runtime),
            "the container has no such program (exec: \"psql\": executable file not found in $PATH)"
        );
        assert_eq!(worded("container not found (\"app\")"), "container not found (\"app\")");
    }
}
