//! Connections that go on as a WebSocket after the answer: the handshake, and the numbered channels that
//! Kubernetes puts into one.
//!
//! A request with no connection below it gets one in memory, with hyper on both ends, so that exec and
//! port-forward work in the same process too. Source: `wsstream` in k8s.io/streaming, RFC 6455.

use std::convert::Infallible;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::exec::Execution;
use super::forward::Forwarding;
use super::incoming::Incoming;
use super::reply::Reply;
use super::server::{ApiBody, ApiServer};
use super::status::ApiError;

/// The bytes of a connection in memory that one end may be ahead of the other.
const IN_MEMORY: usize = 64 * 1024;

/// How channels are put into a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// With a `Status` in the error channel.
    V4,
    /// As `V4`, and either side can close single channels.
    V5,
}

impl Protocol {
    /// Returns the name in `Sec-WebSocket-Protocol`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4.channel.k8s.io",
            Self::V5 => "v5.channel.k8s.io",
        }
    }
}

/// What is said over the upgraded connection.
#[derive(Debug)]
pub(crate) enum Session {
    Exec(Execution),
    Forward(Forwarding),
}

/// An accepted handshake.
#[derive(Debug)]
pub(crate) struct Switch {
    key: HeaderValue,
    protocol: Protocol,
    session: Session,
}

impl Switch {
    /// Answers the handshake; the session begins when the connection has been handed over.
    pub(crate) fn begin(self, upgrade: OnUpgrade) -> Response<ApiBody> {
        let Self { key, protocol, session } = self;
        tokio::spawn(async move {
            // A client that goes away in the middle of its handshake concerns nobody else.
            let Ok(upgraded) = upgrade.await else { return };
            let mut channels = Channels::over(upgraded).await;
            match session {
                Session::Exec(execution) => execution.run(&mut channels, protocol).await,
                Session::Forward(forwarding) => forwarding.run(&mut channels).await,
            }
            channels.close().await;
        });
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol.name()));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// Returns whether a request asks to go on in another protocol.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

/// Returns the first protocol that the client asks for and `known` holds; what else there is in Kubernetes
/// (SPDY, base64, the versions before) is not simulated.
pub(crate) fn negotiate(incoming: &Incoming, what: &str, known: &[Protocol]) -> Result<Protocol, ApiError> {
    let asked = incoming.header("upgrade");
    if asked.is_empty() {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    let offered = incoming.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let chosen = offered
        .flat_map(|list| list.split(','))
        .find_map(|name| known.iter().copied().find(|protocol| protocol.name() == name.trim()));
    let names = || known.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(" or ");
    match chosen {
        Some(protocol) if asked.eq_ignore_ascii_case("websocket") => Ok(protocol),
        _ => Err(ApiError::not_implemented(format!("{what} in another protocol than {} over WebSocket", names()))),
    }
}

/// Returns the answer that begins a session.
pub(crate) fn accept(incoming: &Incoming, protocol: Protocol, session: Session) -> Result<Reply, ApiError> {
    let key = incoming.headers.get("sec-websocket-key").cloned();
    let key = key.ok_or_else(|| ApiError::bad_request("a WebSocket needs the header Sec-WebSocket-Key"))?;
    Ok(Reply::session(Switch { key, protocol, session }))
}

/// Answers a request that has no connection, over one in memory.
pub(crate) async fn in_process(server: ApiServer, parts: Parts) -> Response<ApiBody> {
    let (near, far) = tokio::io::duplex(IN_MEMORY);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (mut parts, _) = request.into_parts();
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let response = server.answer(server.incoming(parts), Ok(Bytes::new()), upgrade);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
    tokio::spawn(async move {
        let _ended = serving.with_upgrades().await;
    });
    let failed = |error: &hyper::Error| {
        let error = ApiError::bad_request(format!("the connection cannot be upgraded: {error}"));
        let mut response = Response::new(Full::new(Bytes::from(error.body().to_string())).boxed_unsync());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    };
    let (mut sender, connection) = match hyper::client::conn::http1::handshake(TokioIo::new(near)).await {
        Ok(connected) => connected,
        Err(error) => return failed(&error),
    };
    tokio::spawn(async move {
        let _ended = connection.with_upgrades().await;
    });
    match sender.send_request(Request::from_parts(parts, Empty::<Bytes>::new())).await {
        Ok(response) => response.map(|body| {
            // Both ends are here: the body cannot break off, and if it does it is over.
            http_body_util::StreamBody::new(
                body.into_data_stream()
                    .filter_map(|piece| async { piece.ok() })
                    .map(|piece| Ok(http_body::Frame::data(piece))),
            )
            .boxed_unsync()
        }),
        Err(error) => failed(&error),
    }
}

/// The channels of one session.
pub(crate) struct Channels(WebSocketStream<TokioIo<Upgraded>>);

impl Channels {
    async fn over(upgraded: Upgraded) -> Self {
        Self(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await)
    }

    /// Sends bytes in a channel; to a client that has gone nothing is sent.
    pub(crate) async fn send(&mut self, channel: u8, data: &[u8]) {
        let mut frame = BytesMut::with_capacity(data.len() + 1);
        frame.put_u8(channel);
        frame.put_slice(data);
        let _gone = self.0.send(Message::Binary(frame.freeze())).await;
    }

    /// Returns the next message and its channel, `None` once the client has closed.
    pub(crate) async fn receive(&mut self) -> Option<(u8, Bytes)> {
        loop {
            let mut data = match self.0.next().await?.ok()? {
                Message::Binary(data) => data,
                Message::Text(text) => text.into(),
                Message::Close(_) => return None,
                _ => continue,
            };
            if !data.is_empty() {
                let channel = data.split_to(1)[0];
                return Some((channel, data));
            }
        }
    }

    /// Ends the session as Go's server does, and lets the client get all that was sent. kubectl takes an end
    /// without the code for a failure.
    async fn close(&mut self) {
        let normal = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        let _gone = self.0.close(Some(normal)).await;
        while let Some(Ok(_)) = self.0.next().await {}
    }
}
