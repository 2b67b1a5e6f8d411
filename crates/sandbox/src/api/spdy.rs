//! The frames of SPDY/3.1, as far as port-forward uses them: read out of bytes that come in any pieces, and written.
//!
//! Pure: no connection, no streams. What a client sends is bounded before it is kept, and what breaks the rules
//! ends the connection. Source: github.com/moby/spdystream, which both ends are in Kubernetes.

mod dictionary;
mod headers;

use bytes::{Buf as _, BytesMut};
use thiserror::Error;

pub(crate) use headers::Headers;
#[cfg(test)]
pub(crate) use headers::tests::HeaderWriter;
use headers::{HeaderReader, Place};

/// The bytes before the content of each frame.
const HEAD: usize = 8;
/// The longest content of a frame that is read whole.
const LONGEST: usize = 64 * 1024;
/// The version in each control frame.
const VERSION: u16 = 3;
const CONTROL: u32 = 0x8000_0000;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const SETTINGS: u16 = 4;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const WINDOW_UPDATE: u16 = 9;

/// The client does not speak SPDY/3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not SPDY/3.1")]
pub(crate) struct Broken;

/// Whether the sender of a frame says more in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Last,
}

impl End {
    fn of(flags: u8) -> Self {
        if flags & 1 == 1 { Self::Last } else { Self::Open }
    }
}

/// Why a stream is given up (`RstStreamStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    ProtocolError = 1,
    Refused = 3,
    Cancel = 5,
}

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// It opens a stream.
    Open { stream: u32, headers: Headers, end: End },
    /// It sends so many bytes, which nobody here looks at.
    Data { stream: u32, length: usize, end: End },
    /// It gives a stream up.
    Reset { stream: u32 },
    /// It wants to hear this number again.
    Ping(u32),
    /// It ends the connection.
    GoAway,
    /// It says what makes no difference here.
    Other,
}

/// Reads frames.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: BytesMut,
    headers: HeaderReader,
    /// What of a data frame is still to come, and what is then to be said about it.
    passing: Option<(usize, Frame)>,
}

impl FrameReader {
    /// Takes up bytes as they arrive.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next frame, `None` until the rest of it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Broken> {
        if let Some((missing, frame)) = self.passing.take() {
            return Ok(self.pass(missing, frame));
        }
        let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
        let [first, second] = [&head[..4], &head[4..]].map(big_endian);
        let (flags, length) = (head[4], usize::try_from(second & 0x00ff_ffff).map_err(|_| Broken)?);
        if first & CONTROL == 0 {
            self.buffer.advance(HEAD);
            let stream = numbered(first)?;
            return Ok(self.pass(length, Frame::Data { stream, length, end: End::of(flags) }));
        }
        if length > LONGEST {
            return Err(Broken);
        }
        if self.buffer.len() < HEAD + length {
            return Ok(None);
        }
        self.buffer.advance(HEAD);
        let content = self.buffer.split_to(length);
        self.control(u16::try_from(first & 0xffff).map_err(|_| Broken)?, flags, &content).map(Some)
    }

    /// Lets the content of a data frame pass, and returns the frame once all of it has.
    fn pass(&mut self, missing: usize, frame: Frame) -> Option<Frame> {
        let here = missing.min(self.buffer.len());
        self.buffer.advance(here);
        if here == missing {
            return Some(frame);
        }
        self.passing = Some((missing - here, frame));
        None
    }

    fn control(&mut self, kind: u16, flags: u8, content: &[u8]) -> Result<Frame, Broken> {
        let first = content.get(..4).map(big_endian).ok_or(Broken)?;
        match kind {
            SYN_STREAM => {
                // After the stream: the one that it belongs to, its priority and its slot.
                let headers = self.headers.read(content.get(10..).ok_or(Broken)?)?;
                Ok(Frame::Open { stream: numbered(first)?, headers, end: End::of(flags) })
            }
            SYN_REPLY | HEADERS => {
                // They say nothing here, but the next headers build on them.
                self.headers.read(&content[4..])?;
                Ok(Frame::Other)
            }
            RST_STREAM => Ok(Frame::Reset { stream: numbered(first)? }),
            PING => Ok(Frame::Ping(numbered(first)?)),
            GOAWAY => Ok(Frame::GoAway),
            SETTINGS | WINDOW_UPDATE => Ok(Frame::Other),
            _ => Err(Broken),
        }
    }
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Returns the number of a stream or of a ping, of which none is 0.
fn numbered(number: u32) -> Result<u32, Broken> {
    if number == 0 { Err(Broken) } else { Ok(number) }
}

/// Writes frames, one after the other into the same bytes.
#[derive(Debug, Default)]
pub(crate) struct FrameWriter {
    bytes: Vec<u8>,
    replies: Place,
}

impl FrameWriter {
    /// Returns what was written since the last time.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Accepts a stream.
    pub(crate) fn reply(&mut self, stream: u32) {
        let headers = headers::none(std::mem::replace(&mut self.replies, Place::Later));
        self.control(SYN_REPLY, &[&stream.to_be_bytes(), headers.as_slice()].concat());
    }

    /// Sends bytes in a stream.
    pub(crate) fn data(&mut self, stream: u32, data: &[u8], end: End) {
        let mut pieces = data.chunks(LONGEST).peekable();
        while let Some(piece) = pieces.next() {
            let is_last = end == End::Last && pieces.peek().is_none();
            self.data_frame(stream, u8::from(is_last), piece);
        }
        if data.is_empty() && end == End::Last {
            self.data_frame(stream, 1, &[]);
        }
    }

    /// Gives a stream up.
    pub(crate) fn reset(&mut self, stream: u32, why: Reset) {
        self.control(RST_STREAM, &[stream.to_be_bytes(), (why as u32).to_be_bytes()].concat());
    }

    /// Answers a ping.
    pub(crate) fn ping(&mut self, number: u32) {
        self.control(PING, &number.to_be_bytes());
    }

    fn data_frame(&mut self, stream: u32, flags: u8, data: &[u8]) {
        self.bytes.extend(stream.to_be_bytes());
        self.content(flags, data);
    }

    fn control(&mut self, kind: u16, content: &[u8]) {
        self.bytes.extend((0x8000 | VERSION).to_be_bytes());
        self.bytes.extend(kind.to_be_bytes());
        self.content(0, content);
    }

    fn content(&mut self, flags: u8, content: &[u8]) {
        // No content is longer than `LONGEST`, so its length has three bytes.
        let length = u32::try_from(content.len()).unwrap_or_default();
        self.bytes.extend((u32::from(flags) << 24 | length).to_be_bytes());
        self.bytes.extend(content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What a client sends in the beginning: a ping, a stream with its headers, data, the end of the stream.
    fn beginning() -> Vec<u8> {
        let mut writer = FrameWriter::default();
        writer.ping(1);
        let packed = HeaderWriter::default().write(&[("port", "80"), ("streamtype", "data")]);
        writer.control(SYN_STREAM, &[&1_u32.to_be_bytes()[..], &[0; 6], &packed].concat());
        writer.data(1, b"GET /", End::Open);
        writer.reset(1, Reset::Cancel);
        writer.take()
    }

    fn read(reader: &mut FrameReader, pieces: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Frame>, Broken> {
        let mut frames = Vec::new();
        for piece in pieces {
            reader.push(&piece);
            while let Some(frame) = reader.next()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_are_the_same_in_pieces_of_any_size() {
        let bytes = beginning();
        for size in 1..=bytes.len() {
            let pieces = bytes.chunks(size).map(<[u8]>::to_vec);
            let frames = read(&mut FrameReader::default(), pieces).unwrap();
            let [Frame::Ping(1), Frame::Open { stream: 1, headers, end: End::Open }, data, Frame::Reset { stream: 1 }] =
                frames.as_slice()
            else {
                panic!("{frames:?}");
            };
            assert_eq!((headers.get("port"), headers.get("streamtype")), ("80", "data"));
            assert_eq!(*data, Frame::Data { stream: 1, length: 5, end: End::Open });
        }
    }

    #[test]
    fn long_data_is_written_in_pieces_and_passes_without_being_kept() {
        let mut writer = FrameWriter::default();
        writer.data(1, &vec![7; 2 * LONGEST + 1], End::Last);
        let mut reader = FrameReader::default();
        let frames = read(&mut reader, writer.take().chunks(999).map(<[u8]>::to_vec)).unwrap();
        let lengths = [(LONGEST, End::Open), (LONGEST, End::Open), (1, End::Last)];
        assert_eq!(frames, lengths.map(|(length, end)| Frame::Data { stream: 1, length, end }));
        // 16 MB that somebody says are to come take no room.
        reader.push(&[0, 0, 0, 1, 0, 0xff, 0xff, 0xff]);
        for _ in 0..100 {
            reader.push(&[0; 999]);
            assert_eq!(reader.next(), Ok(None));
            assert!(reader.buffer.is_empty());
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_keep_more_than_a_frame() {
        let mut random = Random::new(7);
        let mut pick = |most: usize| usize::try_from(random.between(0, u64::try_from(most).unwrap())).unwrap();
        for _ in 0..3000 {
            let mut bytes = beginning();
            for _ in 0..=pick(4) {
                let at = pick(bytes.len() - 1);
                match pick(2) {
                    0 => bytes[at] = u8::try_from(pick(255)).unwrap(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.extend_from_within(at..),
                }
            }
            let size = 1 + pick(40);
            let mut reader = FrameReader::default();
            // Broken or not, it ends.
            let _read = read(&mut reader, bytes.chunks(size).map(<[u8]>::to_vec));
            assert!(reader.buffer.len() <= HEAD + LONGEST + size);
        }
    }
}
