//! Port-forward as kubectl has it: one SPDY connection, two streams for each connection to a port, one for its data
//! and one for what goes wrong.
//!
//! Pure: bytes in, bytes out. `upgrade` moves them, `forward` knows who listens. Source: `httpStreamHandler` in
//! k8s.io/cri-streaming, github.com/moby/spdystream.

use std::collections::{BTreeMap, HashMap};

use super::forward::Forwarding;
use super::spdy::{Broken, End, Frame, FrameReader, FrameWriter, Headers, Reset};

/// The most streams at once.
const MOST_STREAMS: usize = 1000;

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Error,
}

/// An open stream.
#[derive(Debug)]
struct Stream {
    kind: Kind,
    /// What ties the two streams of a connection together.
    request: String,
    port: u16,
    /// How many messages came before there was a connection.
    early: usize,
    /// Whether the client says more.
    end: End,
}

/// Whether the conversation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    GoesOn,
    IsOver,
}

/// The connection of one client.
#[derive(Debug)]
pub(super) struct Tunnel {
    forwarding: Forwarding,
    reader: FrameReader,
    writer: FrameWriter,
    streams: BTreeMap<u32, Stream>,
    /// The streams that still wait for their other half, by request.
    halves: HashMap<String, u32>,
    /// The streams for errors of the connections, by their streams for data.
    connections: BTreeMap<u32, u32>,
    /// The lowest number that the next stream may have.
    next: u32,
}

impl Tunnel {
    pub(super) fn new(forwarding: Forwarding) -> Self {
        Self {
            forwarding,
            reader: FrameReader::default(),
            writer: FrameWriter::default(),
            streams: BTreeMap::new(),
            halves: HashMap::new(),
            connections: BTreeMap::new(),
            next: 1,
        }
    }

    /// Takes up bytes of the client and returns what it is to be told.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> (Vec<u8>, Talk) {
        self.reader.push(bytes);
        let talk = loop {
            match self.reader.next() {
                Ok(Some(frame)) => {
                    if self.take(frame) == Talk::IsOver {
                        break Talk::IsOver;
                    }
                }
                Ok(None) => break Talk::GoesOn,
                // As the real one, it hangs up.
                Err(Broken) => break Talk::IsOver,
            }
        };
        (self.writer.take(), talk)
    }

    fn take(&mut self, frame: Frame) -> Talk {
        match frame {
            Frame::Open { stream, headers, end } => self.open(stream, &headers, end),
            Frame::Data { stream, length, end } => self.data(stream, length, end),
            Frame::Reset { stream } => self.given_up(stream),
            // The numbers of a client are odd; an even one would be an answer.
            Frame::Ping(number) if number % 2 == 1 => self.writer.ping(number),
            Frame::Ping(_) | Frame::Other => {}
            Frame::GoAway => return Talk::IsOver,
        }
        Talk::GoesOn
    }

    fn open(&mut self, number: u32, headers: &Headers, end: End) {
        if number < self.next || number >= 1 << 31 {
            self.writer.reset(number, Reset::ProtocolError);
            return;
        }
        self.next = number + 2;
        if self.streams.len() >= MOST_STREAMS {
            self.writer.reset(number, Reset::Refused);
            return;
        }
        let Some(stream) = stream(number, headers, end) else {
            self.writer.reset(number, Reset::Cancel);
            return;
        };
        self.writer.reply(number);
        let other = self.halves.get(&stream.request).and_then(|other| Some((*other, self.streams.get(other)?)));
        match other {
            None => drop(self.halves.insert(stream.request.clone(), number)),
            Some((other, known)) if known.kind == stream.kind => {
                if stream.kind == Kind::Error {
                    let text = format!(
                        "error processing stream for request {}: error stream already assigned",
                        stream.request
                    );
                    self.writer.data(other, text.as_bytes(), End::Open);
                }
            }
            Some((other, _)) => {
                self.halves.remove(&stream.request);
                let (data, error) = if stream.kind == Kind::Data { (number, other) } else { (other, number) };
                self.streams.insert(number, stream);
                self.connect(data, error);
                return;
            }
        }
        self.streams.insert(number, stream);
    }

    fn connect(&mut self, data: u32, error: u32) {
        let Some(stream) = self.streams.get(&data) else { return };
        let (port, early, end) = (stream.port, stream.early, stream.end);
        match self.forwarding.listener(port) {
            Ok(_) => {
                self.connections.insert(data, error);
                for _ in 0..early {
                    self.answer(data, port);
                }
                if end == End::Last {
                    self.close(data);
                }
            }
            Err(why) => {
                self.writer.data(error, why.as_bytes(), End::Open);
                for stream in [data, error] {
                    self.writer.reset(stream, Reset::Cancel);
                    self.streams.remove(&stream);
                }
            }
        }
    }

    fn data(&mut self, number: u32, length: usize, end: End) {
        let is_connected = self.connections.contains_key(&number);
        // A stream that is gone already may still be spoken to.
        let Some(stream) = self.streams.get_mut(&number) else { return };
        stream.end = end;
        let port = stream.port;
        if stream.kind == Kind::Error {
            return;
        }
        if !is_connected {
            stream.early += usize::from(length > 0);
            return;
        }
        if length > 0 {
            self.answer(number, port);
        }
        if end == End::Last {
            self.close(number);
        }
    }

    /// Lets whoever listens answer one message; when nobody does any more, the connection ends.
    fn answer(&mut self, data: u32, port: u16) {
        match self.forwarding.listener(port) {
            Ok(listener) => self.writer.data(data, listener.reply.as_bytes(), End::Open),
            Err(_) => self.close(data),
        }
    }

    /// Ends a connection from this side.
    fn close(&mut self, data: u32) {
        let Some(error) = self.connections.remove(&data) else { return };
        for stream in [data, error] {
            if self.streams.remove(&stream).is_some() {
                self.writer.data(stream, &[], End::Last);
            }
        }
    }

    fn given_up(&mut self, number: u32) {
        let Some(stream) = self.streams.remove(&number) else { return };
        if self.halves.get(&stream.request) == Some(&number) {
            self.halves.remove(&stream.request);
        }
        // Without its data a connection is over; what would have been told of it no longer matters.
        self.close(number);
    }
}

/// Returns the stream that headers ask for, `None` when they ask for nothing that there is.
fn stream(number: u32, headers: &Headers, end: End) -> Option<Stream> {
    let port = headers.get("port").parse::<u16>().ok().filter(|port| *port > 0)?;
    let kind = match headers.get("streamtype") {
        "data" => Kind::Data,
        "error" => Kind::Error,
        _ => return None,
    };
    // Old clients number no requests; their two streams follow each other, that for errors first.
    let request = match (headers.get("requestid"), kind) {
        ("", Kind::Error) => number.to_string(),
        ("", Kind::Data) => (i64::from(number) - 2).to_string(),
        (request, _) => request.to_owned(),
    };
    Some(Stream { kind, request, port, early: 0, end })
}
