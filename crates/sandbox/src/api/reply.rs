//! An answer before it becomes HTTP.

use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

use super::upgrade::Switch;

/// What an answer carries.
pub(crate) enum Content {
    Json(Value),
    Text(Bytes),
    /// JSON lines or log bytes, until the stream ends.
    Stream(BoxStream<'static, Bytes>),
    /// A conversation over the upgraded connection.
    Session(Switch),
}

/// Whether the request changed the cluster, so that its components must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    Unchanged,
    Written,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) content: Content,
    /// Texts for `Warning` headers.
    pub(crate) warnings: Vec<String>,
    pub(crate) trace: Trace,
}

impl Reply {
    /// 200 with a JSON body.
    pub(crate) fn json(value: Value) -> Self {
        Self {
            code: 200,
            content_type: "application/json",
            content: Content::Json(value),
            warnings: Vec::new(),
            trace: Trace::Unchanged,
        }
    }

    /// 200 with a text.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            content: Content::Text(text.into()),
            ..Self::json(Value::Null)
        }
    }

    /// 200 with a body that goes on.
    pub(crate) fn stream(content_type: &'static str, chunks: BoxStream<'static, Bytes>) -> Self {
        Self { content_type, content: Content::Stream(chunks), ..Self::json(Value::Null) }
    }

    /// 101, and what is said after it.
    pub(crate) fn session(switch: Switch) -> Self {
        Self { code: 101, content: Content::Session(switch), ..Self::json(Value::Null) }
    }

    /// The same answer, for a request that has written.
    pub(crate) fn written(mut self) -> Self {
        self.trace = Trace::Written;
        self
    }

    /// The same answer with another code.
    pub(crate) fn code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// The same answer with warnings.
    pub(crate) fn warning(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }
}
