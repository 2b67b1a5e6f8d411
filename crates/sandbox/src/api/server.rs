//! The service: one HTTP request in, one answer out. It never fails and never panics; whatever goes wrong
//! is a `Status`.
//!
//! The state's lock is held while a request is answered and never across an await. Components see a write
//! after its answer is fixed.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue, WARNING};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};
use hyper::upgrade::OnUpgrade;
use todo_agent_kube_rules::kinds::KINDS;
use tower::Service;

use super::auth::{self, Anonymous};
use super::incoming::{BODY_LIMIT, Incoming};
use super::reply::{Content, Reply, Trace};
use super::request_log::RequestLog;
use super::route::{Route, Target, Verb, route};
use super::status::ApiError;
use super::{
    delete, discovery, eviction, exec, forward, logs, metrics, openapi, patch, read, reviews, scale, tokens, upgrade,
    watch, write,
};
use crate::schema;
use crate::simulation::{Sandbox, State};

/// The body of an answer; a watch's goes on until the watch ends.
pub type ApiBody = UnsyncBoxBody<Bytes, Infallible>;

/// The API server of a [`Sandbox`] as a [`tower::Service`]. Clones serve the same sandbox.
#[derive(Clone)]
pub struct ApiServer {
    sandbox: Sandbox,
    anonymous: Anonymous,
    log: Option<Arc<RequestLog>>,
}

impl ApiServer {
    /// Returns a server for use in the same process: a request without credentials is the administrator's.
    pub fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, anonymous: Anonymous::Administrator, log: None }
    }

    /// Returns the server with another rule for requests without credentials.
    #[must_use]
    pub fn anonymous(mut self, anonymous: Anonymous) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// Returns the server with a request log: one JSON line per request is appended to the file.
    ///
    /// # Errors
    /// When the file cannot be opened for appending.
    pub fn log_to(mut self, path: &Path) -> io::Result<Self> {
        self.log = Some(Arc::new(RequestLog::open(path)?));
        Ok(self)
    }

    /// Returns the request whose head this is.
    pub(super) fn incoming(&self, parts: Parts) -> Incoming {
        Incoming::new(parts.method, &parts.uri, parts.headers, Bytes::new(), self.sandbox.now())
    }

    /// Answers one request whose body has arrived, or could not.
    pub(super) fn answer(
        &self,
        mut incoming: Incoming,
        body: Result<Bytes, ApiError>,
        upgrade: Option<OnUpgrade>,
    ) -> Response<ApiBody> {
        let mut verb = "";
        let result = body.and_then(|body| {
            incoming.body = body;
            let known = {
                let state = self.sandbox.state();
                auth::authenticate(&incoming, &state, self.anonymous)
            };
            incoming.user = known?;
            self.dispatch(&incoming, &mut verb)
        });
        let head = incoming.method == Method::HEAD;
        let (response, trace) = match result {
            Ok(reply) => {
                let trace = reply.trace;
                (into_response(reply, head, upgrade), trace)
            }
            Err(error) => {
                let reply = match error.page() {
                    Some(text) => Reply::text(Bytes::from(text.to_owned())),
                    None => Reply::json(error.body()),
                };
                (into_response(reply.code(error.code), head, None), Trace::Unchanged)
            }
        };
        if trace == Trace::Written {
            self.sandbox.after_write();
        }
        if let Some(log) = &self.log {
            let verb = if verb.is_empty() { incoming.method.as_str().to_ascii_lowercase() } else { verb.to_owned() };
            log.write(&incoming, &verb, response.status().as_u16());
        }
        response
    }

    fn dispatch(&self, incoming: &Incoming, verb: &mut &'static str) -> Result<Reply, ApiError> {
        let routed = route(&incoming.path, &self.sandbox.state().store);
        let route = match routed {
            Ok(route) => route,
            Err(unknown) => {
                // Who may not ask for a path does not learn whether it is there.
                auth::authorize_path(&incoming.user, &incoming.path, &self.sandbox.state().store)?;
                let group = incoming.path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next());
                // Groups of Kubernetes that are not simulated keep their Status: only the kind is missing.
                let is_served = match group {
                    Some(group) => group == schema::METRICS_GROUP || KINDS.iter().any(|it| it.group == group),
                    None => incoming.path.starts_with("/api/v1/"),
                };
                return Err(if is_served { unknown } else { ApiError::no_such_page() });
            }
        };
        if let Route::Resource(target) = &route {
            let asked = target.verb(&incoming.method, &incoming.query)?;
            *verb = asked.word();
            return self.resource(incoming, target, asked);
        }
        if let Route::Review(review) = route {
            *verb = Verb::Create.word();
            return reviews::review(incoming, review, &self.sandbox.state().store);
        }
        if !matches!(incoming.method, Method::GET | Method::HEAD) {
            return Err(ApiError::method_not_allowed());
        }
        auth::authorize_path(&incoming.user, &incoming.path, &self.sandbox.state().store)?;
        match route {
            Route::Version => Ok(discovery::version()),
            Route::Health => Ok(Reply::text("ok")),
            Route::CoreVersions => Ok(discovery::core_versions(incoming, &self.sandbox.state().store)),
            Route::Groups => Ok(discovery::group_list(incoming, &self.sandbox.state().store)),
            Route::Group(group) => discovery::group(&group, &self.sandbox.state().store),
            Route::Resources { group, version } => discovery::resources(&group, &version, &self.sandbox.state().store),
            Route::OpenApi => openapi::document(&incoming.path, &self.sandbox.state().store),
            Route::Review(_) | Route::Resource(_) => Err(ApiError::no_such_path()),
        }
    }

    fn resource(&self, incoming: &Incoming, target: &Target, verb: Verb) -> Result<Reply, ApiError> {
        let state = self.sandbox.state();
        let pinned = match verb {
            Verb::List | Verb::Watch | Verb::DeleteCollection => pinned_name(incoming),
            _ => None,
        };
        auth::authorize(&incoming.user, target, verb, pinned.as_deref(), &state.store)?;
        if target.resource.missing.contains(&target.subresource.as_str()) {
            return Err(missing(target));
        }
        let deprecated = target.resource.is("", "endpoints");
        let reply = self.act(incoming, target, verb, state);
        if !deprecated {
            return reply;
        }
        reply.map(|reply| {
            reply
                .warning(vec!["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".to_owned()])
        })
    }

    fn act(
        &self,
        incoming: &Incoming,
        target: &Target,
        verb: Verb,
        mut state: MutexGuard<'_, State>,
    ) -> Result<Reply, ApiError> {
        if target.resource.kind.group == schema::METRICS_GROUP {
            return metrics::answer(incoming, target, verb, &state);
        }
        match (target.subresource.as_str(), verb) {
            ("log", _) => {
                drop(state);
                logs::logs(incoming, target, &self.sandbox)
            }
            ("exec", Verb::Get | Verb::Create) => exec::exec(incoming, target, &state),
            ("portforward", Verb::Get | Verb::Create) => {
                drop(state);
                forward::forward(incoming, target, &self.sandbox)
            }
            ("scale", _) => scale::scale(incoming, target, &mut state.store),
            ("token", Verb::Create) => tokens::create(incoming, target, &mut state),
            ("eviction", Verb::Create) => eviction::create(incoming, target, &mut state.store),
            ("exec" | "portforward" | "eviction" | "token", _) => Err(ApiError::method_not_allowed()),
            ("", Verb::Watch) => {
                drop(state);
                watch::watch(incoming, target, &self.sandbox)
            }
            ("", Verb::List) => read::list(incoming, target, &state.store),
            ("", Verb::Create) => write::create(incoming, target, &mut state.store),
            ("", Verb::Delete) => delete::delete(incoming, target, &mut state.store),
            ("", Verb::DeleteCollection) if target.resource.verbs().contains(&"deletecollection") => {
                delete::delete_collection(incoming, target, &mut state.store)
            }
            (_, Verb::Get) => read::get(incoming, target, &state.store),
            (_, Verb::Update) => write::update(incoming, target, &mut state.store),
            (_, Verb::Patch) => patch::patch(incoming, target, &mut state.store),
            _ => Err(ApiError::method_not_allowed()),
        }
    }
}

/// Returns the name that a field selector pins, which RBAC treats as the request's name.
fn pinned_name(incoming: &Incoming) -> Option<String> {
    let text = incoming.query.get("fieldSelector")?;
    let selector = todo_agent_kube_rules::selectors::FieldSelector::parse(text).ok()?;
    selector.pinned("metadata.name").map(str::to_owned)
}

fn missing(target: &Target) -> ApiError {
    let what = format!("{}/{}", target.resource.kind.plural, target.subresource);
    let why = match target.subresource.as_str() {
        "attach" => "simulated processes read nothing",
        "proxy" => "there is no server behind simulated pods",
        "finalize" => "namespaces finish by themselves once they are empty",
        _ => "no part of the sandbox uses it yet",
    };
    ApiError::not_implemented(format!("{what}: {why}"))
}

fn into_response(reply: Reply, head: bool, upgrade: Option<OnUpgrade>) -> Response<ApiBody> {
    let body: ApiBody = match reply.content {
        _ if head => Full::new(Bytes::new()).boxed_unsync(),
        Content::Json(value) => {
            let mut text = value.to_string();
            text.push('\n');
            Full::new(Bytes::from(text)).boxed_unsync()
        }
        Content::Session(switch) => {
            let Some(upgrade) = upgrade else {
                let error = ApiError::bad_request("Upgrade request required");
                return into_response(Reply::json(error.body()).code(error.code), false, None);
            };
            return switch.begin(upgrade);
        }
        Content::Text(text) => Full::new(text).boxed_unsync(),
        Content::Stream(chunks) => {
            StreamBody::new(chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)))).boxed_unsync()
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if reply.code != 204 {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    for warning in reply.warnings {
        let quoted = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
        // A text that fits no header (control characters) is not worth failing for.
        if let Ok(value) = HeaderValue::from_str(&quoted) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}

impl<B> Service<Request<B>> for ApiServer
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ApiBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let upgrade = parts.extensions.remove::<OnUpgrade>();
            let body = match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(collected) => Ok(collected.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => Err(ApiError::too_large(BODY_LIMIT)),
                Err(error) => Err(ApiError::bad_request(format!("cannot read the body: {error}"))),
            };
            if upgrade.is_none() && upgrade::is_wanted(&parts.headers) {
                return Ok(upgrade::in_process(server, parts).await);
            }
            Ok(server.answer(server.incoming(parts), body, upgrade))
        })
    }
}
