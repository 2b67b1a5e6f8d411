//! From the bytes of an answer to its events: server-sent events, JSON lines, or one JSON body where a server does not
//! stream.
//!
//! Pure and bounded: bytes go in at any boundary, and the same events come out. What servers really send is read
//! patiently – `data:` without a space, comments that keep the connection alive, any line end, events without the empty
//! line between them. Bytes that are not UTF-8 become replacement characters.

use std::mem;

use super::{Failure, Trouble};

/// The most bytes of one event or line; a whole answer in one body is an event, too.
pub(crate) const MOST_EVENT_BYTES: usize = 4 * 1024 * 1024;
/// How much of a text that is no event is kept, to say what the server said instead.
const MOST_STRAY_BYTES: usize = 2 * 1024;

/// One event of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A piece of the answer, which should be JSON.
    Data(String),
    /// What an event of the kind `error` says.
    Error(String),
    /// The whole answer, from a server that does not stream.
    Body(String),
    /// `[DONE]`.
    Done,
}

/// Reads events from bytes.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return: a line feed after it ends the same line.
    after_return: bool,
    /// Whether a first line was read, which may begin with a byte order mark.
    begun: bool,
    /// The `data` of the event that is not complete yet.
    data: Option<String>,
    /// The kind of that event.
    kind: String,
    /// JSON over several lines.
    body: Option<String>,
    /// Lines that are neither events nor JSON.
    stray: String,
}

impl Events {
    /// Takes the next bytes and gives out the events that they complete.
    ///
    /// # Errors
    /// Returns the first error of `take`, or that a bound was passed.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Event) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut rest = bytes;
        while let Some((&first, _)) = rest.split_first() {
            if mem::take(&mut self.after_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + piece.len() > MOST_EVENT_BYTES {
                return Err(too_long());
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { return Ok(()) };
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.end_line(take)?;
        }
        Ok(())
    }

    /// Takes the end of the bytes.
    ///
    /// # Errors
    /// Returns the first error of `take`.
    pub(crate) fn finish(&mut self, take: &mut impl FnMut(Event) -> Result<(), Failure>) -> Result<(), Failure> {
        if !self.line.is_empty() {
            self.end_line(take)?;
        }
        if let Some(body) = self.body.take() {
            take(Event::Body(body))?;
        }
        self.dispatch(take)
    }

    /// Returns what the server said that is neither an event nor JSON.
    pub(crate) fn stray(&self) -> &str {
        self.stray.trim()
    }

    fn end_line(&mut self, take: &mut impl FnMut(Event) -> Result<(), Failure>) -> Result<(), Failure> {
        let bytes = mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let text = if mem::replace(&mut self.begun, true) { &*text } else { text.trim_start_matches('\u{feff}') };
        if let Some(body) = &mut self.body {
            if body.len() + text.len() + 1 > MOST_EVENT_BYTES {
                return Err(too_long());
            }
            body.push('\n');
            body.push_str(text);
            return Ok(());
        }
        if text.is_empty() {
            return self.dispatch(take);
        }
        if let Some(value) = field(text, "data") {
            return self.data(value, take);
        }
        // llama.cpp names its errors so.
        if let Some(error) = field(text, "error").filter(|error| error.starts_with('{')) {
            return take(Event::Error(error.to_owned()));
        }
        if let Some(value) = field(text, "event") {
            value.clone_into(&mut self.kind);
            return Ok(());
        }
        if text.trim_start().starts_with(['{', '[']) {
            self.dispatch(take)?;
            if text.trim() == "[DONE]" {
                return take(Event::Done);
            }
            if is_json(text) {
                return take(Event::Data(text.to_owned()));
            }
            self.body = Some(text.to_owned());
            return Ok(());
        }
        let is_event_line = text.starts_with(':') || field(text, "id").is_some() || field(text, "retry").is_some();
        if !is_event_line && self.stray.len() + text.len() < MOST_STRAY_BYTES {
            self.stray.push_str(text);
            self.stray.push('\n');
        }
        Ok(())
    }

    /// Takes one line of `data`. A line that is JSON by itself is an event at once, since some servers leave out the
    /// empty line that ends it.
    fn data(&mut self, value: &str, take: &mut impl FnMut(Event) -> Result<(), Failure>) -> Result<(), Failure> {
        match &mut self.data {
            None => {
                self.data = Some(value.to_owned());
                if value.trim() == "[DONE]" || is_json(value) { self.dispatch(take) } else { Ok(()) }
            }
            Some(data) if data.len() + value.len() + 1 > MOST_EVENT_BYTES => Err(too_long()),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
                Ok(())
            }
        }
    }

    fn dispatch(&mut self, take: &mut impl FnMut(Event) -> Result<(), Failure>) -> Result<(), Failure> {
        let kind = mem::take(&mut self.kind);
        let Some(data) = self.data.take() else { return Ok(()) };
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => take(Event::Done),
            _ if kind == "error" => take(Event::Error(data)),
            _ => take(Event::Data(data)),
        }
    }
}

fn field<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let value = line.strip_prefix(name)?.strip_prefix(':')?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn too_long() -> Failure {
    Failure::lasting(
        Trouble::Nonsense,
        format!("the server sent a piece of an answer of more than {} MiB", MOST_EVENT_BYTES / 1024 / 1024),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bytes: &[u8]) -> Vec<Event> {
        let (mut reader, mut events) = (Events::default(), Vec::new());
        let mut take = |event| {
            events.push(event);
            Ok(())
        };
        reader.push(bytes, &mut take).unwrap();
        reader.finish(&mut take).unwrap();
        events
    }

    fn data(text: &str) -> Event {
        Event::Data(text.to_owned())
    }

    #[test]
    fn events_as_the_standard_writes_them_and_as_servers_do() {
        for text in [
            "data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n",
            "data:{\"a\":1}\n\ndata:{\"b\":2}\n\ndata:[DONE]\n\n",
            "data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\ndata: [DONE]\r\n\r\n",
            "data: {\"a\":1}\r\rdata: {\"b\":2}\r\rdata: [DONE]\r\r",
            "data: {\"a\":1}\ndata: {\"b\":2}\ndata: [DONE]",
            "\u{feff}data: {\"a\":1}\n\n: keep-alive\n\nid: 7\nretry: 10\nevent: message\ndata: {\"b\":2}\n\ndata: [DONE] \n\n",
            "{\"a\":1}\n{\"b\":2}\n[DONE]\n",
        ] {
            assert_eq!(events(text.as_bytes()), [data("{\"a\":1}"), data("{\"b\":2}"), Event::Done], "{text:?}");
        }
    }

    #[test]
    fn an_event_over_several_lines_is_one() {
        assert_eq!(events(b"data: {\ndata: \"a\": 1}\n\n"), [data("{\n\"a\": 1}")]);
        assert_eq!(events(b"data: no json\n\n"), [data("no json")]);
        assert_eq!(events(b"data:\n\nevent: ping\n\n"), []);
    }

    #[test]
    fn an_error_event_is_told_from_others() {
        assert_eq!(
            events(b"event: error\ndata: {\"x\":1}\n\ndata: {\"y\":2}\n\n"),
            [Event::Error("{\"x\":1}".into()), data("{\"y\":2}")]
        );
        assert_eq!(events(b"error: {\"x\":1}\n\n"), [Event::Error("{\"x\":1}".into())]);
    }

    #[test]
    fn a_body_over_several_lines_comes_at_the_end() {
        let body = "{\n  \"choices\": []\n}";
        assert_eq!(events(body.as_bytes()), [Event::Body(body.to_owned())]);
        assert_eq!(events(b"{\"choices\": []}"), [data("{\"choices\": []}")]);
    }

    #[test]
    fn what_is_no_event_is_kept_to_be_shown() {
        let mut reader = Events::default();
        reader.push(b"<html>\n: comment\n<body>no\n", &mut |event| panic!("{event:?}")).unwrap();
        assert_eq!(reader.stray(), "<html>\n<body>no");
    }

    #[test]
    fn a_line_without_an_end_is_an_error_not_memory() {
        let mut reader = Events::default();
        let piece = vec![b'x'; 1024 * 1024];
        let error = (0..8).find_map(|_| reader.push(&piece, &mut |_| Ok(())).err()).unwrap();
        assert_eq!(error.error.message, "the server sent a piece of an answer of more than 4 MiB");
        let mut reader = Events::default();
        let lines = [b"data: ".as_slice(), &piece, b"\n"].concat();
        assert!((0..8).any(|_| reader.push(&lines, &mut |_| Ok(())).is_err()));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(events(b"data: {\"a\":\"\xff\xc3\"}\n\n"), [data("{\"a\":\"\u{fffd}\u{fffd}\"}")]);
    }
}
