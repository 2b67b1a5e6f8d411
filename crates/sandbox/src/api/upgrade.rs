//! Connections that go on as a WebSocket or as SPDY after the answer: the handshake, the numbered channels that
//! Kubernetes puts into a WebSocket, and the SPDY of port-forward, which may be put into one too.
//!
//! A request with no connection below it gets one in memory, with hyper on both ends, so that exec and
//! port-forward work in the same process too. Source: `wsstream` in k8s.io/streaming, RFC 6455.

use std::convert::Infallible;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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
use super::tunnel::{Talk, Tunnel};

/// The bytes of a connection in memory that one end may be ahead of the other.
const IN_MEMORY: usize = 64 * 1024;

/// The header that names what SPDY carries.
const STREAM_PROTOCOL: &str = "x-stream-protocol-version";
/// What it carries for port-forward.
const FORWARD: &str = "portforward.k8s.io";
/// The most that is read of SPDY at once.
const PIECE: usize = 16 * 1024;

/// How a session is put into the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Channels in a WebSocket, with a `Status` in the error channel.
    V4,
    /// As `V4`, and either side can close single channels.
    V5,
    /// The bytes of SPDY in the messages of a WebSocket.
    Tunnel,
    /// SPDY, as older clients have it.
    Spdy,
}

impl Protocol {
    /// Returns the name in `Sec-WebSocket-Protocol`, and for SPDY itself that in `X-Stream-Protocol-Version`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4.channel.k8s.io",
            Self::V5 => "v5.channel.k8s.io",
            Self::Tunnel => "SPDY/3.1+portforward.k8s.io",
            Self::Spdy => FORWARD,
        }
    }

    /// Returns what the connection is upgraded to.
    fn upgrade(self) -> &'static str {
        match self {
            Self::V4 | Self::V5 | Self::Tunnel => "websocket",
            Self::Spdy => "SPDY/3.1",
        }
    }

    /// Returns the header that names the protocol.
    fn header(self) -> HeaderName {
        match self {
            Self::V4 | Self::V5 | Self::Tunnel => SEC_WEBSOCKET_PROTOCOL,
            Self::Spdy => HeaderName::from_static(STREAM_PROTOCOL),
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
    /// What proves to the client of a WebSocket that its request was understood.
    proof: Option<HeaderValue>,
    protocol: Protocol,
    session: Session,
}

impl Switch {
    /// Answers the handshake; the session begins when the connection has been handed over.
    pub(crate) fn begin(self, upgrade: OnUpgrade) -> Response<ApiBody> {
        let Self { proof, protocol, session } = self;
        tokio::spawn(async move {
            // A client that goes away in the middle of its handshake concerns nobody else.
            let Ok(upgraded) = upgrade.await else { return };
            let connection = TokioIo::new(upgraded);
            match (session, protocol) {
                (Session::Forward(forwarding), Protocol::Spdy) => spdy(connection, Tunnel::new(forwarding)).await,
                (session, _) => {
                    let mut channels = Channels(WebSocketStream::from_raw_socket(connection, Role::Server, None).await);
                    match (session, protocol) {
                        (Session::Forward(forwarding), Protocol::Tunnel) => {
                            channels.tunnel(Tunnel::new(forwarding)).await;
                        }
                        (Session::Forward(forwarding), _) => forwarding.run(&mut channels).await,
                        (Session::Exec(execution), _) => execution.run(&mut channels, protocol).await,
                    }
                    channels.close().await;
                }
            }
        });
        let mut response = Response::new(Empty::new().boxed_unsync());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static(protocol.upgrade()));
        headers.insert(protocol.header(), HeaderValue::from_static(protocol.name()));
        if let Some(proof) = proof {
            headers.insert(SEC_WEBSOCKET_ACCEPT, proof);
        }
        response
    }
}

/// Returns whether a request asks to go on in another protocol.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
}

/// Returns the first protocol that the client asks for and `known` holds; what else there is in Kubernetes
/// (SPDY for commands, base64, the versions before) is not simulated.
pub(crate) fn negotiate(incoming: &Incoming, what: &str, known: &[Protocol]) -> Result<Protocol, ApiError> {
    let asked = incoming.header("upgrade");
    if asked.is_empty() {
        return Err(ApiError::bad_request("Upgrade request required"));
    }
    let is_offered =
        |protocol: &Protocol, name: &str| asked.eq_ignore_ascii_case(protocol.upgrade()) && protocol.name() == name;
    let offered = [SEC_WEBSOCKET_PROTOCOL.as_str(), STREAM_PROTOCOL].into_iter().flat_map(|header| {
        incoming.headers.get_all(header).iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','))
    });
    let mut chosen =
        offered.filter_map(|name| known.iter().copied().find(|protocol| is_offered(protocol, name.trim())));
    let names = || known.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(" or ");
    chosen.next().ok_or_else(|| ApiError::not_implemented(format!("{what} in another protocol than {}", names())))
}

/// Returns the kubelet's answer to who wants no more than JSON, as it was seen on a 1.37.1: its routes name nothing that
/// they produce. Source: go-restful, `Route.matchesAccept`.
pub(crate) fn not_acceptable(incoming: &Incoming) -> Option<Reply> {
    let accept = incoming.header("accept");
    let takes_all = accept.split(',').any(|part| part.split(';').next().is_some_and(|kind| kind.trim() == "*/*"));
    (!accept.is_empty() && !takes_all)
        .then(|| Reply::text("406: Not Acceptable\n\nAvailable representations: ").code(406))
}

/// Returns the answer that begins a session.
pub(crate) fn accept(incoming: &Incoming, protocol: Protocol, session: Session) -> Result<Reply, ApiError> {
    let proof = match protocol {
        Protocol::Spdy => None,
        Protocol::V4 | Protocol::V5 | Protocol::Tunnel => {
            let key = incoming.headers.get("sec-websocket-key");
            let key = key.ok_or_else(|| ApiError::bad_request("a WebSocket needs the header Sec-WebSocket-Key"))?;
            HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
        }
    };
    Ok(Reply::session(Switch { proof, protocol, session }))
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

/// Moves the bytes of a tunnel until one side ends it.
async fn spdy(mut connection: TokioIo<Upgraded>, mut tunnel: Tunnel) {
    let mut piece = BytesMut::with_capacity(PIECE);
    loop {
        match connection.read_buf(&mut piece).await {
            Ok(length) if length > 0 => {}
            _ => return,
        }
        let (answer, talk) = tunnel.receive(&piece.split());
        if connection.write_all(&answer).await.is_err() || talk == Talk::IsOver {
            // The client may have gone already.
            let _gone = connection.shutdown().await;
            return;
        }
        piece.reserve(PIECE);
    }
}

/// The channels of one session.
pub(crate) struct Channels(WebSocketStream<TokioIo<Upgraded>>);

impl Channels {
    /// Moves the bytes of a tunnel, which has no channels, until one side ends it.
    async fn tunnel(&mut self, mut tunnel: Tunnel) {
        while let Some(Ok(message)) = self.0.next().await {
            let (answer, talk) = match message {
                Message::Binary(data) => tunnel.receive(&data),
                Message::Text(_) | Message::Close(_) => return,
                _ => continue,
            };
            if !answer.is_empty() && self.0.send(Message::Binary(answer.into())).await.is_err() {
                return;
            }
            if talk == Talk::IsOver {
                return;
            }
        }
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
