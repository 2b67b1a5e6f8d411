//! Reads a snapshot for the diagnosis engine: one paged list per kind, some at a time, each object projected as
//! soon as it comes; then, in at most two rounds, what the engine asks for besides.
//!
//! Never a request per object. Secrets and ConfigMaps come as metadata. What may not be read is no error but
//! stands in the snapshot, so that the findings can say what could not be checked.

mod ask;
pub(crate) mod dump;
mod needs;
mod reach;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{Cause, ClusterError, Reader, Run, reader::Sink};
use todo_agent_diagnose::{Builder, Kind, Snapshot, Trouble};

use ask::{Ask, Coverage};
pub(crate) use reach::Reach;

/// How many lists or logs are read side by side.
const SIDE_BY_SIDE: usize = 8;
/// How often the engine may ask for more.
const ROUNDS: usize = 2;

/// Reads a snapshot of what is in reach.
///
/// # Errors
/// Returns an error where the cluster cannot be asked at all, or the turn ends.
pub(crate) async fn read(reader: &dyn Reader, run: &Run, reach: &Reach<'_>) -> Result<Snapshot, ClusterError> {
    let mut snapshot = lists(reader, run, reach).await?;
    let more = reach.asks_after(&snapshot);
    if !more.is_empty() {
        let mut builder = Builder::extend(snapshot);
        gather(reader, &mut builder, more).await?;
        snapshot = builder.build();
    }
    for _ in 0..ROUNDS {
        run.check()?;
        let wanted = needs::open(&snapshot, reach);
        if wanted.is_empty() {
            break;
        }
        run.progress("reading logs");
        let mut builder = Builder::extend(snapshot);
        needs::answer(reader, &mut builder, wanted).await?;
        snapshot = builder.build();
    }
    Ok(snapshot)
}

/// Reads a snapshot of the lists alone: what there is and was written, and not what a diagnosis asks for besides.
///
/// # Errors
/// Returns an error where the cluster cannot be asked at all, or the turn ends.
pub(crate) async fn lists(reader: &dyn Reader, run: &Run, reach: &Reach<'_>) -> Result<Snapshot, ClusterError> {
    run.check()?;
    run.progress("reading the state of the cluster");
    let mut builder = Builder::new(run.clock.now());
    if let Reach::Pod { live, .. } = reach {
        builder.add(Kind::Pod, live);
    }
    gather(reader, &mut builder, reach.asks()).await?;
    Ok(builder.build())
}

/// Reads lists into a builder, a bounded number side by side.
async fn gather(reader: &dyn Reader, builder: &mut Builder, asks: Vec<Ask>) -> Result<(), ClusterError> {
    let now = builder.now();
    let lists = asks.into_iter().map(|ask| async move {
        let taken = fetch(reader, now, &ask).await;
        (ask, taken)
    });
    let mut lists = stream::iter(lists).buffer_unordered(SIDE_BY_SIDE);
    let (mut answered, mut silent) = (false, None);
    while let Some((ask, taken)) = lists.next().await {
        match taken {
            Ok(taken) => {
                answered = true;
                builder.absorb(taken);
                if ask.coverage == Coverage::Whole {
                    builder.covers(ask.kind, ask.scope);
                }
            }
            Err(error) if concerns_everything(&error) => return Err(error),
            Err(error) => {
                answered |= error.is(Cause::Forbidden) || error.is(Cause::NotFound);
                note(builder, ask, &error);
                silent.get_or_insert(error);
            }
        }
    }
    // Where not one kind could be asked for, it is the cluster that does not answer.
    match silent {
        Some(error) if !answered => Err(error),
        _ => Ok(()),
    }
}

/// Returns whether an error is about the connection or the turn, not about one kind.
fn concerns_everything(error: &ClusterError) -> bool {
    matches!(error.cause, Cause::Unauthorized | Cause::Configuration | Cause::NotKubernetes | Cause::Cancelled)
}

/// Remembers why a kind was not read.
fn note(builder: &mut Builder, ask: Ask, error: &ClusterError) {
    let trouble = match error.cause {
        Cause::Forbidden => Trouble::Forbidden,
        // Of a kind that is not served there is no object.
        Cause::NotFound if !matches!(ask.kind, Kind::PodMetrics | Kind::NodeMetrics) => {
            builder.covers(ask.kind, ask.scope);
            return;
        }
        Cause::NotFound => Trouble::NotServed,
        Cause::TimedOut | Cause::Unreachable => Trouble::TimedOut,
        _ => Trouble::Failed,
    };
    builder.unread(ask.kind, ask.scope, trouble, &error.message);
}

/// Reads what one ask is for.
async fn fetch(reader: &dyn Reader, now: Timestamp, ask: &Ask) -> Result<Builder, ClusterError> {
    let mut all = Builder::new(now);
    for query in ask.queries() {
        let mut taken = Taken { kind: ask.kind, now, builder: Builder::new(now) };
        reader.list_into(&query, &mut taken).await?;
        all.absorb(taken.builder);
    }
    Ok(all)
}

/// Projects the objects of one list as they come.
struct Taken {
    kind: Kind,
    now: Timestamp,
    builder: Builder,
}

impl Sink for Taken {
    fn begin_again(&mut self) {
        self.builder = Builder::new(self.now);
    }

    fn take(&mut self, object: Value) {
        self.builder.add(self.kind, &object);
    }
}

#[cfg(test)]
mod tests;
