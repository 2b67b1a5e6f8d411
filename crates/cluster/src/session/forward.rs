//! Ports of this machine that lead into pods: a listener on the loopback address, and a session with the pod for
//! each connection it takes.
//!
//! A port has two channels, for data and for what goes wrong; each begins with the port's number. A side that has
//! said all it will say cannot tell the other: the protocol has no word for it.
//! Source: `handleWebSocketStreams` in k8s.io/cri-streaming.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use todo_agent_core::{Cause, ClusterError, ObjectRef};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Channels, Session, readable};
use crate::http::{ApiRequest, Failed, Http};

const DATA: u8 = 0;
const ERROR: u8 = 1;

/// How long the pod has to refuse a connection before it counts as taken: who listens says nothing by itself.
const REFUSAL: Duration = Duration::from_millis(500);
/// How long an answer may still take once the asking side has said all.
const LAST_WORDS: Duration = Duration::from_secs(30);
/// How many bytes are passed on at once.
const PIECE: usize = 16 * 1024;
/// How many connections may be open at once.
const MOST_CONNECTIONS: usize = 256;

/// The forwards that are open. Each ends when the last clone of its list is gone.
#[derive(Clone, Default)]
pub(crate) struct Forwards(Arc<Mutex<Vec<Open>>>);

struct Open {
    forward: Forward,
    closed: CancellationToken,
    _ends_it: DropGuard,
}

/// A port of this machine that leads into a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The address on this machine.
    pub local: SocketAddr,
    /// The pod.
    pub pod: ObjectRef,
    /// The port in the pod.
    pub port: u16,
}

impl Forwards {
    /// Begins to forward what the listener takes; `request` opens a session with the pod.
    pub(crate) fn begin(&self, listener: TcpListener, forward: Forward, http: Http, request: ApiRequest) {
        let (end, closed) = (CancellationToken::new(), CancellationToken::new());
        let finished = closed.clone();
        let stop = end.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = serve(listener, http, request) => {}
            }
            finished.cancel();
        });
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(Open { forward, closed, _ends_it: end.drop_guard() });
    }

    /// Returns the forwards that are open.
    pub(crate) fn open(&self) -> Vec<Forward> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|forward| !forward.closed.is_cancelled());
        open.iter().map(|open| open.forward.clone()).collect()
    }

    /// Waits until no forward is open any more.
    pub(crate) async fn all_closed(&self) {
        loop {
            let next = {
                let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                open.iter().map(|forward| forward.closed.clone()).find(|closed| !closed.is_cancelled())
            };
            match next {
                Some(closed) => closed.cancelled().await,
                None => return,
            }
        }
    }
}

/// Listens on the loopback address of this machine.
pub(crate) async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} of this machine is taken; name another, or 0 for a free one")
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {port} of this machine needs more rights; name one from 1024 on")
        }
        _ => format!("port {port} of this machine cannot be listened on: {error}"),
    })
}

/// Opens a session with the pod and sees whether somebody there listens.
pub(crate) async fn try_out(http: &Http, request: ApiRequest) -> Result<(), Failed> {
    let mut session = http.session(request).await?;
    let refused = tokio::time::timeout(REFUSAL, refusal(&mut session)).await;
    session.close().await;
    match refused {
        Err(_) | Ok(None) => Ok(()),
        Ok(Some(why)) => Err(Failed::refused(ClusterError::new(Cause::Invalid, why))),
    }
}

/// Waits for the pod's side to refuse; `None` where it speaks instead.
async fn refusal(session: &mut Session) -> Option<String> {
    let mut greetings = Greetings::default();
    loop {
        match session.receive().await {
            Ok(Some((channel, _))) if greetings.is_one(channel) => {}
            Ok(Some((_, data))) if data.is_empty() => {}
            Ok(Some((channel, data))) => return (channel == ERROR).then(|| worded(&data)),
            Ok(None) => return Some("the pod's side closed the connection at once".to_owned()),
            Err(error) => return Some(format!("the connection broke: {error}")),
        }
    }
}

/// Which channels have begun. The first message of each is the port's number and nothing that anybody said.
#[derive(Default)]
struct Greetings([bool; 2]);

impl Greetings {
    /// Returns whether a message of this channel is its first. One of a channel that no port has is passed over like one.
    fn is_one(&mut self, channel: u8) -> bool {
        self.0.get_mut(usize::from(channel)).is_none_or(|greeted| !std::mem::replace(greeted, true))
    }
}

/// Returns the kubelet's words without the runtime's names for things nobody knows.
fn worded(data: &[u8]) -> String {
    let said = readable(data);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if said.contains("connection refused") {
        return "nobody listens on that port in the pod (connection refused)".to_owned();
    }
    said
}

/// Takes connections until the pod is gone.
async fn serve(listener: TcpListener, http: Http, request: ApiRequest) {
    let mut connections = JoinSet::new();
    loop {
        let taken = tokio::select! {
            taken = listener.accept(), if connections.len() < MOST_CONNECTIONS => taken,
            Some(ended) = connections.join_next() => {
                if matches!(ended, Ok(Ended::PodIsGone)) {
                    return;
                }
                continue;
            }
        };
        // An accept that fails concerns that connection only.
        let Ok((socket, _)) = taken else { continue };
        let (http, request) = (http.clone(), request.clone());
        connections.spawn(async move { connect(socket, &http, request).await });
    }
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Closed,
    PodIsGone,
}

async fn connect(socket: TcpStream, http: &Http, request: ApiRequest) -> Ended {
    // Whoever connected sees the connection close; there is no other way to tell them.
    match http.session(request).await {
        Ok(session) => {
            pass_on(socket, session).await;
            Ended::Closed
        }
        Err(failed) if failed.error.is(Cause::NotFound) => Ended::PodIsGone,
        Err(_) => Ended::Closed,
    }
}

/// Passes bytes both ways until one side is done.
async fn pass_on<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    mut session: Channels<S>,
) {
    let mut piece = vec![0; PIECE];
    let mut greetings = Greetings::default();
    let mut asking = true;
    let mut last_words = std::pin::pin!(tokio::time::sleep(LAST_WORDS));
    loop {
        tokio::select! {
            read = socket.read(&mut piece), if asking => match read {
                Ok(0) | Err(_) => {
                    asking = false;
                    last_words.as_mut().reset(tokio::time::Instant::now() + LAST_WORDS);
                }
                Ok(length) => {
                    if session.send(DATA, &piece[..length]).await.is_err() {
                        break;
                    }
                }
            },
            message = session.receive() => match message {
                Ok(Some((channel, _))) if greetings.is_one(channel) => {}
                Ok(Some((channel, data))) => {
                    if channel == ERROR || socket.write_all(&data).await.is_err() {
                        break;
                    }
                }
                Ok(None) | Err(_) => break,
            },
            () = &mut last_words, if !asking => break,
        }
    }
    let _gone = socket.shutdown().await;
    session.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::session;

    #[tokio::test]
    async fn bytes_go_both_ways() {
        let (channels, mut server) = session().await;
        let (mut near, far) = tokio::io::duplex(1024);
        let passing = tokio::spawn(pass_on(far, channels));
        server.say(DATA, &6379_u16.to_le_bytes()).await;
        server.say(ERROR, &6379_u16.to_le_bytes()).await;
        near.write_all(b"PING").await.unwrap();
        server.say(DATA, b"+PONG").await;
        let mut answer = [0; 5];
        near.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+PONG");
        drop(server);
        assert_eq!(near.read(&mut answer).await.unwrap(), 0, "closed with the pod's side");
        passing.await.unwrap();
    }

    #[test]
    fn a_refusal_is_said_in_plain_words() {
        let runtime = b"error forwarding port 1 to pod 6f, uid : failed to connect to localhost:1 inside namespace \
            \"6f\", IPv4: dial tcp4 127.0.0.1:1: connect: connection refused ";
        assert_eq!(worded(runtime), "nobody listens on that port in the pod (connection refused)");
        assert_eq!(worded(b"pod has\n no network"), "pod has no network");
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let held = listen(0).await.unwrap();
        let error = listen(held.local_addr().unwrap().port()).await.unwrap_err();
        assert!(error.ends_with("is taken; name another, or 0 for a free one"), "{error}");
    }
}
