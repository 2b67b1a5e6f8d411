//! The headers of SPDY streams: one compressed stream per connection, a block of it in each frame that has any.
//!
//! What comes in is bounded before it is unpacked and while it is. What goes out are empty blocks alone.

use flate2::{Decompress, FlushDecompress, Status};

use super::Broken;
use super::dictionary;

/// The most that one block may be, unpacked. Those of port-forward are of a hundred bytes.
const MOST: usize = 16 * 1024;
/// The most headers in one block.
const MOST_HEADERS: u32 = 100;
/// Set in the second byte of a zlib stream that begins with the sum of its dictionary.
const HAS_DICTIONARY: u8 = 0x20;
/// What ends a block: a stored block with nothing in it, so that the other end can unpack what it has.
const FLUSH: [u8; 5] = [0x00, 0x00, 0x00, 0xff, 0xff];

/// The headers of one stream, their names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Returns the value of a header, "" when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Reads the headers that the other end sends.
#[derive(Debug)]
pub(super) struct HeaderReader {
    inflate: Decompress,
    begun: bool,
}

impl Default for HeaderReader {
    fn default() -> Self {
        // The library sets no dictionary, so one is unpacked first: a stored block that holds it.
        let dictionary = dictionary::bytes();
        let length = u16::try_from(dictionary.len()).unwrap_or_default();
        let mut block = vec![0];
        block.extend(length.to_le_bytes());
        block.extend((!length).to_le_bytes());
        block.extend(&dictionary);
        let mut inflate = Decompress::new(false);
        // Nothing can be wrong with bytes that are always the same.
        let _known = inflate.decompress(&block, &mut vec![0; dictionary.len()], FlushDecompress::Sync);
        Self { inflate, begun: false }
    }
}

impl HeaderReader {
    /// Unpacks the next block.
    pub(super) fn read(&mut self, mut packed: &[u8]) -> Result<Headers, Broken> {
        if !self.begun {
            packed = beginning(packed)?;
            self.begun = true;
        }
        let mut block = vec![0; MOST];
        let (taken_before, given_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(packed, &mut block, FlushDecompress::Sync).map_err(|_| Broken)?;
        let progress = |now: u64, before: u64| usize::try_from(now - before).map_err(|_| Broken);
        let taken = progress(self.inflate.total_in(), taken_before)?;
        if taken < packed.len() || status == Status::StreamEnd {
            return Err(Broken);
        }
        block.truncate(progress(self.inflate.total_out(), given_before)?);
        parse(&block)
    }
}

/// Checks the head of a zlib stream and returns what follows it.
fn beginning(packed: &[u8]) -> Result<&[u8], Broken> {
    let [method, flags, rest @ ..] = packed else { return Err(Broken) };
    let is_zlib = method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0;
    if !is_zlib {
        return Err(Broken);
    }
    if flags & HAS_DICTIONARY == 0 {
        return Ok(rest);
    }
    let (sum, rest) = rest.split_first_chunk().ok_or(Broken)?;
    if u32::from_be_bytes(*sum) == dictionary::SUM { Ok(rest) } else { Err(Broken) }
}

fn parse(block: &[u8]) -> Result<Headers, Broken> {
    let mut rest = block;
    let count = number(&mut rest)?;
    if count > MOST_HEADERS {
        return Err(Broken);
    }
    let headers = (0..count).map(|_| Ok((text(&mut rest)?, text(&mut rest)?))).collect::<Result<_, Broken>>()?;
    if rest.is_empty() { Ok(Headers(headers)) } else { Err(Broken) }
}

fn number(rest: &mut &[u8]) -> Result<u32, Broken> {
    let (number, after) = rest.split_first_chunk().ok_or(Broken)?;
    *rest = after;
    Ok(u32::from_be_bytes(*number))
}

fn text(rest: &mut &[u8]) -> Result<String, Broken> {
    let length = usize::try_from(number(rest)?).map_err(|_| Broken)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = after;
    String::from_utf8(text.to_vec()).map_err(|_| Broken)
}

/// Returns the next block that says that there are no headers. It needs no compression: a block may be stored.
pub(super) fn none(place: Place) -> Vec<u8> {
    let head: &[u8] = match place {
        Place::First => &[0x78, 0x01],
        Place::Later => &[],
    };
    let stored = [0x00, 0x04, 0x00, 0xfb, 0xff, 0, 0, 0, 0];
    [head, &stored, &FLUSH].concat()
}

/// Where a block stands among those that one end has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    #[default]
    First,
    Later,
}

#[cfg(test)]
pub(crate) mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    /// Packs blocks of headers as a client does, but for the dictionary that it would save bytes with.
    pub(crate) struct HeaderWriter(Compress);

    impl Default for HeaderWriter {
        fn default() -> Self {
            Self(Compress::new(Compression::best(), true))
        }
    }

    impl HeaderWriter {
        pub(crate) fn write(&mut self, headers: &[(&str, &str)]) -> Vec<u8> {
            let mut block = u32::try_from(headers.len()).unwrap().to_be_bytes().to_vec();
            for text in headers.iter().flat_map(|(name, value)| [name, value]) {
                block.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                block.extend(text.as_bytes());
            }
            self.pack(&block)
        }

        fn pack(&mut self, block: &[u8]) -> Vec<u8> {
            let mut packed = Vec::with_capacity(block.len() + 1024);
            self.0.compress_vec(block, &mut packed, FlushCompress::Sync).unwrap();
            packed
        }
    }

    /// The first two blocks of kubectl 1.37 for port 80, as Go's zlib with the dictionary packs them.
    const OF_KUBECTL: [&str; 2] = [
        "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45a024cc6461c0c0c0c0590489c44c50e2663400000000ffff",
        "c2aa15540a2512d209000000ffff",
    ];

    fn bytes(hexadecimal: &str) -> Vec<u8> {
        (0..hexadecimal.len()).step_by(2).map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn headers_that_were_packed_with_the_dictionary_are_read() {
        let mut reader = HeaderReader::default();
        let [error, data] = OF_KUBECTL.map(|block| reader.read(&bytes(block)).unwrap());
        for (headers, kind) in [(error, "error"), (data, "data")] {
            assert_eq!((headers.get("streamtype"), headers.get("port"), headers.get("requestid")), (kind, "80", "0"));
            assert_eq!(headers.get("other"), "");
        }
    }

    #[test]
    fn empty_blocks_are_read_again() {
        let mut reader = HeaderReader::default();
        for place in [Place::First, Place::Later, Place::Later] {
            assert_eq!(reader.read(&none(place)), Ok(Headers::default()));
        }
    }

    #[test]
    fn what_is_no_block_is_an_error() {
        let packed = |block: &[u8]| HeaderWriter::default().pack(block);
        for (what, bytes) in [
            ("nothing", vec![]),
            ("another method", vec![0x79, 0x01, 0x00]),
            ("another dictionary", vec![0x78, 0xbb, 1, 2, 3, 4, 0x00]),
            ("no block", vec![0x78, 0x01, 0xff, 0xff]),
            ("a count alone", packed(&[0, 0, 0, 1])),
            ("a length beyond the end", packed(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])),
            ("too many headers", packed(&[0xff; 4])),
            ("more than was said", packed(&[0, 0, 0, 0, 0])),
            ("a block that unpacks to too much", packed(&vec![0; 2 * MOST])),
            ("a text that is none", packed(&[0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0, 0, 0, 0])),
        ] {
            assert_eq!(HeaderReader::default().read(&bytes), Err(Broken), "{what}");
        }
    }
}
