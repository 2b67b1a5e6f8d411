//! A watch on one object: the server tells of its changes, so that nothing has to be asked again and
//! again. Whoever may not watch polls instead; that is the caller's part.

use bytes::BytesMut;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use todo_agent_core::{ClusterError, ObjectRef};

use crate::{cluster::Cluster, http::ApiRequest};

/// How long the server keeps a watch open, in seconds.
const WATCH_SECONDS: u32 = 290;
/// The longest single event; beyond it the stream is given up.
const LONGEST_EVENT: usize = 16 * 1024 * 1024;

/// An open watch.
pub(crate) struct Watch {
    body: Body,
    buffer: BytesMut,
}

/// What a watch told.
#[derive(Debug)]
pub(crate) enum Told {
    /// The object as it is now.
    Object(Value),
    /// The object is gone.
    Deleted,
    /// The watch has ended; the caller reads and opens another.
    Ended,
}

impl Cluster {
    /// Opens a watch on one object from the version it was read at.
    pub(crate) async fn watch(&self, object: &ObjectRef, version: &str) -> Result<Watch, ClusterError> {
        let request = ApiRequest::get(object.resource.path(object.namespace.as_deref()), "watch the object")
            .query("watch", "true")
            .query("fieldSelector", format!("metadata.name={}", object.name))
            .query("resourceVersion", version)
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", WATCH_SECONDS.to_string());
        Ok(Watch { body: self.http.stream(request).await?, buffer: BytesMut::new() })
    }
}

impl Watch {
    /// Returns the next thing told. Safe to drop while it waits: nothing read is lost.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            while let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                let Ok(mut event) = serde_json::from_slice::<Value>(&line) else { return Told::Ended };
                match event["type"].as_str() {
                    Some("ADDED" | "MODIFIED") => return Told::Object(event["object"].take()),
                    Some("DELETED") => return Told::Deleted,
                    Some("BOOKMARK") => {}
                    // ERROR carries a Status, 410 most often: reading again is the answer to all of them.
                    _ => return Told::Ended,
                }
            }
            match self.body.frame().await {
                Some(Ok(frame)) if self.buffer.len() < LONGEST_EVENT => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                _ => return Told::Ended,
            }
        }
    }
}
