//! Answers what the engine asks for after the lists: the ends of logs, the events of an object, usage, and
//! objects of namespaces that a log points to.

use futures::{StreamExt, stream};
use todo_agent_core::{ClusterError, Reader, reader::LogQuery};
use todo_agent_diagnose::{self as diagnose, Builder, Kind, Need, Scope, Snapshot};

use super::{Reach, SIDE_BY_SIDE, ask::Ask, concerns_everything, gather};
use crate::read::log_text;

/// How many lines of a log are read, from its end.
const LINES: u32 = 500;
/// How much of them is kept.
const BYTES: u64 = 256 * 1024;
/// How many logs of one pod are read where only it is looked at.
const LOGS_OF_POD: usize = 2;

/// Returns what is still wanted, as far as the reach allows.
pub(super) fn open(snapshot: &Snapshot, reach: &Reach<'_>) -> Vec<Need> {
    let mut wanted = diagnose::needs(snapshot);
    if let Reach::Pod { live, .. } = reach {
        let uid = live["metadata"]["uid"].as_str().unwrap_or_default();
        let mut logs = 0;
        wanted.retain(|need| match need {
            Need::Logs { pod, .. } => {
                logs += usize::from(pod.uid == uid);
                pod.uid == uid && logs <= LOGS_OF_POD
            }
            // Its events were read, and those of others are not asked about.
            Need::Events { .. } | Need::Metrics { .. } => false,
            Need::Objects { .. } => true,
        });
    }
    wanted
}

/// Reads it.
pub(super) async fn answer(reader: &dyn Reader, builder: &mut Builder, wanted: Vec<Need>) -> Result<(), ClusterError> {
    let (mut logs, mut asks) = (Vec::new(), Vec::new());
    for need in wanted {
        match need {
            Need::Logs { pod, container, run } => logs.push((pod, container, run)),
            Need::Events { object } => asks.push(Ask::events_of(&object.namespace, &object.uid)),
            Need::Metrics { namespace } => asks.push(Ask::all(Kind::PodMetrics, Scope::Namespace(namespace))),
            Need::Objects { kind, namespace } => asks.push(Ask::all(kind, Scope::Namespace(namespace))),
        }
    }
    if !asks.is_empty() {
        gather(reader, builder, asks).await?;
    }
    let read = logs.into_iter().map(|(pod, container, run)| async move {
        let query = LogQuery {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: Some(container.clone()),
            previous: run == diagnose::Run::Previous,
            since: None,
            tail: Some(LINES),
            limit_bytes: Some(BYTES),
        };
        let text = reader.logs(&query).await.map(|log| log_text(&log.bytes));
        (pod.uid, container, run, text)
    });
    let mut read = stream::iter(read).buffer_unordered(SIDE_BY_SIDE);
    while let Some((pod, container, run, text)) = read.next().await {
        match text {
            Err(error) if concerns_everything(&error) => return Err(error),
            text => builder.log(&pod, &container, run, text.map_err(|error| error.message)),
        }
    }
    Ok(())
}
