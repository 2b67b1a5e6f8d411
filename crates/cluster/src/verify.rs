//! Proof that a change holds: each expectation is watched until it is met, until it is certain that it
//! will not be, or until time is up.
//!
//! Verification is tied to the write it follows: a generation that was observed, content that is still
//! as written. What others did meanwhile is named, not counted as success.

mod condition;
mod trouble;

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{Cause, Expectation, ObjectRef, Run};

use crate::{
    cluster::Cluster,
    watch::{Told, Watch},
};
use condition::{Progress, progress};
use trouble::TroubleWatch;

/// How often the state is looked at when no watch tells of it.
const POLL: Duration = Duration::from_secs(1);

/// What came of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It holds; the text says what was seen.
    Met(String),
    /// It does not hold; the text says why.
    NotMet(String),
}

/// An object as a write left it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) target: ObjectRef,
    pub(crate) object: Value,
}

/// Waits for every expectation; results come in the same order.
pub(crate) async fn settle(
    cluster: &Cluster,
    expectations: &[Expectation],
    written: &[Written],
    deadline: Timestamp,
    run: &Run,
) -> Vec<Settled> {
    join_all(expectations.iter().map(|expectation| {
        let object = written.iter().find(|written| written.target == *expectation.object());
        let object = object.map(|written| &written.object);
        Settling { cluster, expectation, written: object, deadline, run, last: String::new() }.settle()
    }))
    .await
}

struct Settling<'a> {
    cluster: &'a Cluster,
    expectation: &'a Expectation,
    written: Option<&'a Value>,
    deadline: Timestamp,
    run: &'a Run,
    last: String,
}

impl Settling<'_> {
    async fn settle(mut self) -> Settled {
        let target = self.expectation.object().clone();
        let mut trouble = TroubleWatch::new(self.cluster, self.run);
        let mut watch: Option<Watch> = None;
        let mut may_watch = true;
        let mut live = None;
        loop {
            if live.is_none() {
                match self.cluster.read_live(&target, "see whether it holds").await {
                    Ok(object) => live = Some(object),
                    Err(error) if error.is(Cause::NotFound) => return self.gone(),
                    // The server may be restarting; the deadline decides, not one failed read.
                    Err(error) => self.last = error.message,
                }
            }
            if let Some(object) = &live {
                if self.is_another(object) {
                    return match self.expectation {
                        Expectation::Absent { .. } => {
                            Settled::Met("deleted; there is a new one of this name".to_owned())
                        }
                        _ => Settled::NotMet(format!("{target} was deleted and made anew meanwhile")),
                    };
                }
                match progress(self.expectation, object, self.written) {
                    Progress::Met(text) => return Settled::Met(text),
                    Progress::Failed(why) => return Settled::NotMet(why),
                    Progress::Stuck(why) => {
                        return Settled::NotMet(self.with_trouble(why, &mut trouble, object).await);
                    }
                    Progress::Waiting(text) => {
                        self.run.progress(&text);
                        self.last = text;
                    }
                }
                if !matches!(self.expectation, Expectation::Absent { .. })
                    && let Some(reason) = trouble.look(object).await
                {
                    return Settled::NotMet(format!("{}; {reason}", self.last));
                }
                if watch.is_none() && may_watch {
                    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                    match self.cluster.watch(&target, version).await {
                        Ok(opened) => watch = Some(opened),
                        Err(error) => may_watch = !error.is(Cause::Forbidden),
                    }
                }
            }
            if self.run.clock.now() >= self.deadline {
                return self.out_of_time(live, &target, &mut trouble).await;
            }
            match self.wait(&mut watch).await {
                Waited::Changed(object) => live = Some(object),
                Waited::Deleted => return self.gone(),
                Waited::Unchanged if watch.is_some() => {}
                Waited::Unchanged => live = None,
                Waited::Cancelled => return Settled::NotMet(format!("interrupted; {}", self.now(&target).await)),
            }
        }
    }

    async fn wait(&self, watch: &mut Option<Watch>) -> Waited {
        let told = async {
            match watch {
                Some(watch) => watch.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.run.cancel.cancelled() => Waited::Cancelled,
            told = told => match told {
                Told::Object(object) => Waited::Changed(object),
                Told::Deleted => Waited::Deleted,
                Told::Ended => {
                    *watch = None;
                    // A server that ends every watch at once must not be asked in a tight loop.
                    self.run.clock.sleep(POLL).await;
                    Waited::Unchanged
                }
            },
            () = self.run.clock.sleep(POLL) => Waited::Unchanged,
        }
    }

    fn gone(&self) -> Settled {
        if matches!(self.expectation, Expectation::Absent { .. }) {
            return Settled::Met("deleted".to_owned());
        }
        Settled::NotMet(format!("{} was deleted meanwhile", self.expectation.object()))
    }

    /// Returns whether the object is not the one that was written, though it has its name.
    fn is_another(&self, object: &Value) -> bool {
        let uid = self.written.and_then(|written| written["metadata"]["uid"].as_str());
        uid.is_some() && object["metadata"]["uid"].as_str() != uid
    }

    async fn with_trouble(&self, why: String, trouble: &mut TroubleWatch<'_>, object: &Value) -> String {
        match trouble.reason(object).await {
            Some(reason) => format!("{why}; {reason}"),
            None => why,
        }
    }

    /// Says what is there now. A watch may have died without a word, so that the last look is a new one.
    async fn out_of_time(mut self, seen: Option<Value>, target: &ObjectRef, trouble: &mut TroubleWatch<'_>) -> Settled {
        let live = match self.cluster.read_live(target, "see whether it holds").await {
            Err(error) if error.is(Cause::NotFound) => return self.gone(),
            Ok(live) => Some(live),
            Err(_) => seen,
        };
        if let Some(object) = live.as_ref().filter(|object| !self.is_another(object)) {
            match progress(self.expectation, object, self.written) {
                Progress::Met(text) => return Settled::Met(text),
                Progress::Waiting(text) | Progress::Stuck(text) | Progress::Failed(text) => self.last = text,
            }
        }
        let seen = if self.last.is_empty() { "nothing was seen".to_owned() } else { self.last.clone() };
        let reason = match &live {
            Some(object) => trouble.reason(object).await,
            None => None,
        };
        let reason = reason.map(|reason| format!("; {reason}")).unwrap_or_default();
        Settled::NotMet(format!("not within the time allowed: {seen}{reason}"))
    }

    /// Reads the state once more, so that an interrupted turn ends with the truth.
    async fn now(&self, target: &ObjectRef) -> String {
        match self.cluster.read_live(target, "see whether it holds").await {
            Ok(object) => match progress(self.expectation, &object, self.written) {
                Progress::Met(text) | Progress::Waiting(text) | Progress::Stuck(text) | Progress::Failed(text) => {
                    format!("now: {text}")
                }
            },
            Err(error) if error.is(Cause::NotFound) => "now: it is not there".to_owned(),
            Err(error) => format!("the present state cannot be read: {}", error.message),
        }
    }
}

enum Waited {
    Changed(Value),
    Deleted,
    Unchanged,
    Cancelled,
}
