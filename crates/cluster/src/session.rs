//! Sessions with a pod over an upgraded connection: numbered channels in one WebSocket, as `kubectl exec` and
//! `kubectl port-forward` use them.
//!
//! Source: `wsstream` and `remotecommand` in k8s.io/streaming, RFC 6455.

pub(crate) mod exec;
pub(crate) mod forward;
pub(crate) mod request;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use todo_agent_core::text::{Lines, visible};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::http::{ApiRequest, Failed, Http};

/// The largest message that is taken; servers send pieces of some ten kilobytes.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The channels of one session.
pub(crate) struct Channels<S>(WebSocketStream<S>);

/// A session with a pod of the cluster.
pub(crate) type Session = Channels<TokioIo<hyper::upgrade::Upgraded>>;

impl Http {
    /// Opens a session. Nothing is sent twice: whether a command was begun cannot be asked.
    pub(crate) async fn session(&self, request: ApiRequest) -> Result<Session, Failed> {
        let upgraded = self.upgrade(request).await?;
        Ok(Channels::of(TokioIo::new(upgraded)).await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Channels<S> {
    async fn of(stream: S) -> Self {
        let bounds =
            WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
        Self(WebSocketStream::from_raw_socket(stream, Role::Client, Some(bounds)).await)
    }

    /// Returns the next message with its channel; `None` once the server has closed.
    pub(crate) async fn receive(&mut self) -> Result<Option<(u8, Bytes)>, String> {
        loop {
            let mut data = match self.0.next().await {
                None | Some(Ok(Message::Close(_))) => return Ok(None),
                Some(Ok(Message::Binary(data))) => data,
                Some(Ok(Message::Text(text))) => text.into(),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(error.to_string()),
            };
            if !data.is_empty() {
                let channel = data.split_to(1)[0];
                return Ok(Some((channel, data)));
            }
        }
    }

    /// Sends bytes in a channel.
    pub(crate) async fn send(&mut self, channel: u8, data: &[u8]) -> Result<(), String> {
        let mut message = BytesMut::with_capacity(data.len() + 1);
        message.put_u8(channel);
        message.put_slice(data);
        self.0.send(Message::Binary(message.freeze())).await.map_err(|error| error.to_string())
    }

    /// Says that the session is over; whether the server still hears it does not matter.
    pub(crate) async fn close(&mut self) {
        let _gone = self.0.close(None).await;
    }
}

/// Returns bytes as text: control characters and what is no text become escapes, lines stay.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&visible(chunk.valid(), Lines::Keep));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The server's end of a session in memory.
    pub(crate) struct Server(pub(crate) WebSocketStream<tokio::io::DuplexStream>);

    impl Server {
        pub(crate) async fn say(&mut self, channel: u8, data: &[u8]) {
            self.0.send(Message::Binary([&[channel], data].concat().into())).await.unwrap();
        }
    }

    /// Returns both ends of a session.
    pub(crate) async fn session() -> (Channels<tokio::io::DuplexStream>, Server) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let server = WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        (Channels::of(near).await, Server(server))
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(readable(b"a\xffb\n\x1b[2J\xc3\xa4"), "a\\xffb\n\\u{1b}[2J\u{e4}");
    }
}
