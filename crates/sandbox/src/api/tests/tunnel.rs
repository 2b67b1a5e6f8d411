//! Port-forward as kubectl asks for it: SPDY in the messages of a WebSocket, and SPDY itself as older clients.

use futures::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::super::spdy::HeaderWriter;
use super::sessions::{self, POD, Session, running};
use super::*;

const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// Writes frames as a client does.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    headers: HeaderWriter,
}

impl Frames {
    fn control(mut self, kind: u16, content: &[u8]) -> Self {
        self.bytes.extend([0x80, 3]);
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        self.bytes.extend(content);
        self
    }

    fn open(mut self, stream: u32, headers: &[(&str, &str)]) -> Self {
        let packed = self.headers.write(headers);
        self.control(1, &[&stream.to_be_bytes()[..], &[0; 6], &packed].concat())
    }

    /// Opens the two streams of a connection to a port.
    fn connect(self, first: u32, port: &str, request: &str) -> Self {
        let headers = |kind| [("streamtype", kind), ("port", port), ("requestid", request)];
        self.open(first, &headers("error")).data(first, "", 1).open(first + 2, &headers("data"))
    }

    fn data(mut self, stream: u32, text: &str, flags: u8) -> Self {
        self.bytes.extend(stream.to_be_bytes());
        self.bytes.extend((u32::from(flags) << 24 | u32::try_from(text.len()).unwrap()).to_be_bytes());
        self.bytes.extend(text.as_bytes());
        self
    }

    fn reset(self, stream: u32) -> Self {
        self.control(3, &[stream.to_be_bytes(), 5_u32.to_be_bytes()].concat())
    }

    fn go_away(self) -> Self {
        self.control(7, &[0; 8])
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// Tells frames of the server apart, one a line.
fn told(mut bytes: &[u8]) -> Vec<String> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let mut told = Vec::new();
    while !bytes.is_empty() {
        let (first, length) = (number(bytes), usize::try_from(number(&bytes[4..]) & 0x00ff_ffff).unwrap());
        let (last, content) = (bytes[4] & 1 == 1, &bytes[8..8 + length]);
        bytes = &bytes[8 + length..];
        told.push(match first {
            0x8003_0002 => format!("{} accepted", number(content)),
            0x8003_0003 => format!("{} given up: {}", number(content), number(&content[4..])),
            0x8003_0006 => format!("ping {}", number(content)),
            stream if last && content.is_empty() => format!("{stream} ends"),
            stream => format!("{stream} {:?}", String::from_utf8_lossy(content)),
        });
    }
    told
}

/// Says something and returns the answer.
async fn say(session: &mut Session, bytes: Vec<u8>) -> Vec<String> {
    session.0.send(Message::Binary(bytes.into())).await.unwrap();
    match session.0.next().await.unwrap().unwrap() {
        Message::Binary(data) => told(&data),
        other => panic!("no answer: {other:?}"),
    }
}

async fn opened(client: &Client) -> Session {
    let (session, protocol) = sessions::open(client, TUNNEL, &format!("{POD}/portforward")).await;
    assert_eq!(protocol, TUNNEL);
    session
}

#[tokio::test]
async fn connections_come_one_after_the_other_in_one_tunnel() {
    let mut session = opened(&running()).await;
    let mut frames = Frames::default().connect(1, "6379", "0").data(3, "PING\r\n", 0);
    assert_eq!(say(&mut session, frames.take()).await, ["1 accepted", "3 accepted", "3 \"+PONG\\r\\n\""]);
    let mut frames = frames.data(3, "PING\r\n", 0).data(3, "", 1);
    assert_eq!(say(&mut session, frames.take()).await, ["3 \"+PONG\\r\\n\"", "3 ends", "1 ends"]);
    let mut frames = frames.connect(5, "6379", "1").data(7, "PING\r\n", 1);
    let second = ["5 accepted", "7 accepted", "7 \"+PONG\\r\\n\"", "7 ends", "5 ends"];
    assert_eq!(say(&mut session, frames.take()).await, second);
    session.0.send(Message::Binary(frames.go_away().take().into())).await.unwrap();
    assert_eq!(session.next().await, None);
}

#[tokio::test]
async fn frames_come_in_any_pieces() {
    let mut session = opened(&running()).await;
    let bytes = Frames::default().connect(1, "6379", "0").data(3, "PING\r\n", 1).take();
    for byte in bytes {
        session.0.send(Message::Binary(vec![byte].into())).await.unwrap();
    }
    let mut all = Vec::new();
    while all.len() < 5 {
        let Message::Binary(data) = session.0.next().await.unwrap().unwrap() else { panic!("the tunnel has ended") };
        all.extend(told(&data));
    }
    assert_eq!(all, ["1 accepted", "3 accepted", "3 \"+PONG\\r\\n\"", "3 ends", "1 ends"]);
}

#[tokio::test]
async fn the_error_stream_tells_that_nobody_listens() {
    let mut session = opened(&running()).await;
    let said = say(&mut session, Frames::default().connect(1, "81", "0").take()).await;
    assert_eq!(
        [&said[0], &said[1], &said[3], &said[4]],
        ["1 accepted", "3 accepted", "3 given up: 5", "1 given up: 5"]
    );
    assert!(said[2].starts_with("1 \"error forwarding port 81 to pod "), "{said:?}");
    assert!(said[2].contains("dial tcp4 127.0.0.1:81: connect: connection refused"), "{said:?}");
}

#[tokio::test]
async fn a_pod_that_goes_takes_its_connections_along() {
    let client = running();
    let mut session = opened(&client).await;
    let mut frames = Frames::default().connect(1, "6379", "0");
    say(&mut session, frames.take()).await;
    client.delete(POD, &Value::Null).await;
    client.sandbox.pass(30);
    let mut frames = frames.data(3, "PING\r\n", 0);
    assert_eq!(say(&mut session, frames.take()).await, ["3 ends", "1 ends"]);
    let said = say(&mut session, frames.connect(5, "6379", "1").take()).await;
    assert!(said[2].ends_with("in store: not found\""), "{said:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_stream_by_stream() {
    let mut session = opened(&running()).await;
    let mut frames = Frames::default()
        .open(1, &[("streamtype", "data")])
        .open(3, &[("streamtype", "other"), ("port", "80")])
        .open(5, &[("streamtype", "data"), ("port", "0")])
        .open(5, &[("streamtype", "data"), ("port", "80")])
        .data(99, "to nobody", 0)
        .reset(99)
        .control(6, &7_u32.to_be_bytes())
        .control(4, &[0; 4]);
    let said = say(&mut session, frames.take()).await;
    assert_eq!(said, ["1 given up: 5", "3 given up: 5", "5 given up: 5", "5 given up: 1", "ping 7"]);
}

#[tokio::test]
async fn a_client_that_gives_its_data_up_ends_the_connection() {
    let mut session = opened(&running()).await;
    let mut frames = Frames::default().connect(1, "6379", "0").reset(3);
    assert_eq!(say(&mut session, frames.take()).await, ["1 accepted", "3 accepted", "1 ends"]);
    // The same again: nothing of it is left.
    let again = say(&mut session, frames.connect(5, "6379", "0").data(7, "PING\r\n", 0).take()).await;
    assert_eq!(again, ["5 accepted", "7 accepted", "7 \"+PONG\\r\\n\""]);
}

#[tokio::test]
async fn what_is_no_spdy_ends_the_tunnel() {
    for (what, frames) in [
        ("an unknown frame", Frames::default().control(77, &[0; 8])),
        ("a stream without a number", Frames::default().open(0, &[])),
        ("headers that are none", Frames::default().control(1, &[1; 40])),
        ("a frame of 16 MB", Frames { bytes: vec![0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff], ..Frames::default() }),
    ] {
        let mut session = opened(&running()).await;
        session.0.send(Message::Binary(frames.bytes.into())).await.unwrap();
        assert_eq!(session.next().await, None, "{what}");
    }
}

#[tokio::test]
async fn older_clients_speak_spdy_itself() {
    let client = running()
        .with("connection", "Upgrade")
        .with("upgrade", "SPDY/3.1")
        .with("x-stream-protocol-version", "portforward.k8s.io");
    let mut response = client.open("POST", &format!("{POD}/portforward"), "").await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "SPDY/3.1");
    assert_eq!(response.headers()["x-stream-protocol-version"], "portforward.k8s.io");
    let mut connection = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    let mut frames = Frames::default().connect(1, "6379", "0").data(3, "PING\r\n", 1).go_away();
    connection.write_all(&frames.take()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    assert_eq!(told(&answer), ["1 accepted", "3 accepted", "3 \"+PONG\\r\\n\"", "3 ends", "1 ends"]);
}
