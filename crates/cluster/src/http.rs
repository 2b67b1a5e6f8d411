//! One request to the API server: sent with a purpose, bounded in time and size, its failure mapped once.
//!
//! Reads are retried within a short budget; writes are never sent twice from here. Warning headers are
//! collected, because deprecations and PodSecurity complaints belong in a preview.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, header};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::upgrade::Upgraded;
use kube::client::Body;
use serde_json::Value;
use todo_agent_core::{Cause, ClusterError};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use crate::failure;

/// Longest wait for an answer's first byte.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the very first answer of a server that has not answered yet.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_millis(4500);
/// How long a failing read is tried again, once the server has answered before.
const RETRY_BUDGET: Duration = Duration::from_secs(4);
/// The most bytes of one answer; a page of 500 whole objects stays well below.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A request that was sent, for `-v` and for benchmarks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its query.
    pub path: String,
    /// Why it was sent.
    pub purpose: &'static str,
    /// The HTTP status, or 0 where no answer came.
    pub status: u16,
}

/// A request before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) accept: &'static str,
    pub(crate) content: Option<(&'static str, Vec<u8>)>,
    pub(crate) purpose: &'static str,
    /// The change this request belongs to; becomes part of the user agent.
    pub(crate) change_id: Option<String>,
    /// The WebSocket protocols, by preference, that the connection is to go on in.
    pub(crate) protocols: Option<&'static str>,
}

/// The status of an answer after which the connection goes on in another protocol.
pub(crate) const SWITCHING: u16 = 101;

pub(crate) const JSON: &str = "application/json";
pub(crate) const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
pub(crate) const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl ApiRequest {
    pub(crate) fn get(path: impl Into<String>, purpose: &'static str) -> Self {
        Self {
            method: http::Method::GET,
            path: path.into(),
            query: Vec::new(),
            accept: JSON,
            content: None,
            purpose,
            change_id: None,
            protocols: None,
        }
    }

    pub(crate) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    fn changes_nothing(&self) -> bool {
        // A session begins with GET, too, and may do anything.
        if self.protocols.is_some() {
            return false;
        }
        let dry = self.query.iter().any(|(key, value)| *key == "dryRun" && value == "All");
        self.method == http::Method::GET || dry || self.path.ends_with("subjectaccessreviews")
    }

    fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (key, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(key);
            target.push('=');
            target.extend(percent_encoded(value));
        }
        target
    }
}

/// Returns a query value with everything but unreserved characters escaped (RFC 3986 §2.3).
fn percent_encoded(value: &str) -> impl Iterator<Item = char> {
    value.bytes().flat_map(|byte| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let escaped = format!("%{byte:02X}");
        if plain { vec![char::from(byte)] } else { escaped.chars().collect() }
    })
}

/// Returns whether a segment of a path means another place, once a server or a proxy has decoded it. No name
/// holds a slash or a percent sign, is empty, or is made of dots alone.
/// Source: k8s.io/apimachinery/pkg/api/validation/path, IsValidPathSegmentName.
fn leaves_its_place(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    segments.any(|segment| {
        matches!(segment, "" | "." | ".." | "%2E" | "%2E%2E") || segment.contains("%2F") || segment.contains("%25")
    })
}

/// Why a request has no answer that can be used.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: ClusterError,
    retry_after: Option<Duration>,
    /// The status of the answer; `None` where none came, or none that could be read to its end. A write may
    /// then have been done.
    pub(crate) status: Option<u16>,
}

impl Failed {
    fn without_answer(error: ClusterError) -> Self {
        Self { error, retry_after: None, status: None }
    }

    /// An answer that came as it should and says that it is not to be had.
    pub(crate) fn refused(error: ClusterError) -> Self {
        Self { error, retry_after: None, status: Some(SWITCHING) }
    }
}

/// An answer with a success status, read to its end.
struct Whole {
    status: u16,
    warnings: Vec<String>,
    bytes: Bytes,
}

/// An answer with a success status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

/// The connection to one API server.
#[derive(Clone)]
pub(crate) struct Http {
    client: kube::Client,
    server: String,
    records: Arc<Mutex<Vec<RequestRecord>>>,
    answered: Arc<AtomicBool>,
}

impl Http {
    pub(crate) fn new(client: kube::Client, server: String) -> Self {
        Self { client, server, records: Arc::default(), answered: Arc::default() }
    }

    /// Returns the requests sent since the last call.
    pub(crate) fn take_records(&self) -> Vec<RequestRecord> {
        std::mem::take(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends a read, again within the budget where the server is busy or away. Dry runs and access reviews
    /// are reads: they change nothing, so that they too may be sent twice.
    pub(crate) async fn read(&self, request: ApiRequest) -> Result<Reply, ClusterError> {
        self.read_into(request, |whole| self.parsed(whole)).await
    }

    /// Sends a read like [`Http::read`] and returns its answer as it came, whether or not it is JSON.
    pub(crate) async fn read_bytes(&self, request: ApiRequest) -> Result<Bytes, ClusterError> {
        self.read_into(request, |whole| Ok(whole.bytes)).await
    }

    async fn read_into<T>(
        &self,
        request: ApiRequest,
        made: impl Fn(Whole) -> Result<T, ClusterError>,
    ) -> Result<T, ClusterError> {
        if !request.changes_nothing() {
            let message = format!("{} {} is no read; nothing was sent", request.method, request.path);
            return Err(ClusterError::new(Cause::Invalid, message));
        }
        let start = Instant::now();
        let mut pause = Duration::from_millis(200);
        loop {
            let whole = self.once(&request).await;
            let Failed { error, retry_after, .. } =
                match whole.and_then(|whole| made(whole).map_err(Failed::without_answer)) {
                    Ok(made) => return Ok(made),
                    Err(failed) => failed,
                };
            let transient = matches!(error.cause, Cause::Unreachable | Cause::Unavailable);
            let wait = retry_after.unwrap_or(pause);
            let known = self.answered.load(Ordering::Relaxed);
            if !transient || !known || start.elapsed() + wait > RETRY_BUDGET {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    /// Sends a write, exactly once.
    pub(crate) async fn write(&self, request: ApiRequest) -> Result<Reply, Failed> {
        let whole = self.once(&request).await?;
        self.parsed(whole).map_err(Failed::without_answer)
    }

    /// Opens a stream (a watch, a log) and returns its body.
    pub(crate) async fn stream(&self, request: ApiRequest) -> Result<Body, ClusterError> {
        let response = self.send(&request).await?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let (status, _, body) = collect(response, &self.server).await?;
        Err(failure::from_status(status, &body, &request.path, &self.server))
    }

    /// Asks once for the connection to go on as a WebSocket, and returns it.
    pub(crate) async fn upgrade(&self, request: ApiRequest) -> Result<Upgraded, Failed> {
        let response = self.send(&request).await.map_err(Failed::without_answer)?;
        if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            let (status, _, bytes) = collect(response, &self.server).await.map_err(Failed::without_answer)?;
            let error = failure::from_session(status, &bytes, &request.path, &self.server);
            return Err(Failed { error, retry_after: None, status: Some(status) });
        }
        hyper::upgrade::on(response).await.map_err(|error| {
            let message = format!("the connection to {} could not be turned into a session: {error}", self.server);
            Failed::without_answer(ClusterError::new(Cause::Unreachable, message))
        })
    }

    async fn once(&self, request: &ApiRequest) -> Result<Whole, Failed> {
        let response = self.send(request).await.map_err(Failed::without_answer)?;
        let retry_after = retry_after(response.headers());
        let (status, warnings, bytes) = collect(response, &self.server).await.map_err(Failed::without_answer)?;
        if !(200..300).contains(&status) {
            let error = failure::from_status(status, &bytes, &request.path, &self.server);
            return Err(Failed { error, retry_after, status: Some(status) });
        }
        Ok(Whole { status, warnings, bytes })
    }

    fn parsed(&self, whole: Whole) -> Result<Reply, ClusterError> {
        let Whole { status, warnings, bytes } = whole;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|error| failure::not_json(&bytes, &error, &self.server))?
        };
        Ok(Reply { status, warnings, body })
    }

    async fn send(&self, request: &ApiRequest) -> Result<Response<Body>, ClusterError> {
        let target = request.target();
        if leaves_its_place(&request.path) {
            return Err(ClusterError::new(Cause::NotFound, format!("no object has a name as in {}", request.path)));
        }
        let agent = match &request.change_id {
            Some(id) => format!("todo-agent/{} (change {id})", env!("CARGO_PKG_VERSION")),
            None => format!("todo-agent/{}", env!("CARGO_PKG_VERSION")),
        };
        let mut builder = Request::builder()
            .method(request.method.clone())
            .uri(&target)
            .header(header::ACCEPT, request.accept)
            .header(header::USER_AGENT, agent);
        if let Some(protocols) = request.protocols {
            builder = builder
                .header(header::CONNECTION, "Upgrade")
                .header(header::UPGRADE, "websocket")
                .header(header::SEC_WEBSOCKET_VERSION, "13")
                .header(header::SEC_WEBSOCKET_KEY, generate_key())
                .header(header::SEC_WEBSOCKET_PROTOCOL, protocols);
        }
        let body = match &request.content {
            Some((content_type, bytes)) => {
                builder = builder.header(header::CONTENT_TYPE, *content_type);
                Body::from(bytes.clone())
            }
            None => Body::empty(),
        };
        let request_http = builder.body(body).map_err(|error| {
            ClusterError::new(Cause::Invalid, format!("the request for {target} cannot be built: {error}"))
        })?;
        let limit = if self.answered.load(Ordering::Relaxed) { ANSWER_TIMEOUT } else { FIRST_ANSWER_TIMEOUT };
        let result = tokio::time::timeout(limit, self.client.send(request_http)).await;
        let result = match result {
            Ok(Ok(response)) => {
                self.answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Ok(Err(error)) => Err(failure::from_transport(&error, &self.server)),
            Err(_) => Err(failure::too_slow(limit, &self.server)),
        };
        let status = result.as_ref().map_or(0, |response| response.status().as_u16());
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(RequestRecord {
            method: method_name(&request.method),
            path: target,
            purpose: request.purpose,
            status,
        });
        result
    }
}

fn method_name(method: &http::Method) -> &'static str {
    match *method {
        http::Method::POST => "POST",
        http::Method::PUT => "PUT",
        http::Method::PATCH => "PATCH",
        http::Method::DELETE => "DELETE",
        _ => "GET",
    }
}

/// Returns the next piece of an answer that is on its way. A server that falls silent in the middle is not waited
/// for without end.
pub(crate) async fn next_frame(body: &mut Body, server: &str) -> Result<Option<Frame<Bytes>>, ClusterError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, body.frame()).await {
        Ok(frame) => frame.transpose().map_err(|error| failure::from_transport(&error, server)),
        Err(_) => Err(failure::too_slow(ANSWER_TIMEOUT, server)),
    }
}

async fn collect(response: Response<Body>, server: &str) -> Result<(u16, Vec<String>, Bytes), ClusterError> {
    let status = response.status().as_u16();
    let warnings = warnings(response.headers());
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    while let Some(frame) = next_frame(&mut body, server).await? {
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > LARGEST_ANSWER {
                return Err(ClusterError::new(Cause::NotKubernetes, format!("{server} sent an answer of over 64 MiB")));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok((status, warnings, bytes.freeze()))
}

/// Returns the texts of the Warning headers (RFC 9111 §5.5, code 299): `299 - "text"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::WARNING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|value| match (value.find('"'), value.rfind('"')) {
            (Some(start), Some(end)) if end > start => value[start + 1..end].replace("\\\"", "\""),
            _ => value.to_owned(),
        })
        .collect()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped() {
        let request = ApiRequest::get("/api/v1/pods", "test").query("labelSelector", "app=backend,tier in (a,b)");
        assert_eq!(request.target(), "/api/v1/pods?labelSelector=app%3Dbackend%2Ctier%20in%20%28a%2Cb%29");
    }

    #[test]
    fn a_name_from_a_cluster_cannot_lead_to_another_place() {
        for path in [
            "/api/v1/namespaces/todo/configmaps/..%2Fsecrets%2Fs",
            "/api/v1/namespaces/todo/configmaps/../secrets/s",
            "/api/v1/namespaces/todo/configmaps/%2E%2E",
            "/api/v1/namespaces/todo/configmaps/",
            "/api/v1/namespaces/todo/pods/a%252Fb",
        ] {
            assert!(leaves_its_place(path), "{path}");
        }
        for path in
            ["/apis", "/api/v1/namespaces/kube-system", "/apis/rbac.authorization.k8s.io/v1/clusterroles/a:b%20c"]
        {
            assert!(!leaves_its_place(path), "{path}");
        }
    }

    #[test]
    fn a_write_is_never_sent_as_a_read() {
        let mut request = ApiRequest::get("/apis/apps/v1/namespaces/todo/deployments/backend", "test");
        assert!(request.changes_nothing());
        request.method = http::Method::PATCH;
        assert!(!request.changes_nothing());
        assert!(request.query("dryRun", "All").changes_nothing());
    }

    #[test]
    fn warning_headers_are_read() {
        let mut headers = HeaderMap::new();
        headers.append(header::WARNING, "299 - \"would violate PodSecurity \\\"restricted\\\"\"".parse().unwrap());
        assert_eq!(warnings(&headers), ["would violate PodSecurity \"restricted\""]);
    }
}
