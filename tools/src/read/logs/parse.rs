//! One container's log as lines: the kubelet's timestamp taken off, bytes that are no text shown as
//! escapes, endless lines cut.
//!
//! Pure, and total: any bytes are a log.

use jiff::Timestamp;

/// The longest line that is kept, in bytes; more is cut in the middle.
const LONGEST_LINE: usize = 4096;

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was written, by the kubelet's clock.
    pub(super) time: Option<Timestamp>,
    /// Which source it came from, by number.
    pub(super) source: usize,
    /// What it says.
    pub(super) text: String,
}

/// A log's lines.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) lines: Vec<Line>,
    /// How many bytes were no text.
    pub(super) undecodable: usize,
}

/// Splits a log into lines.
pub(super) fn parse(bytes: &[u8], source: usize) -> Parsed {
    let mut parsed = Parsed::default();
    let mut last_time = None;
    for raw in bytes.split(|byte| *byte == b'\n').filter(|raw| !raw.is_empty()) {
        let (time, raw) = split_time(raw);
        // A line without a time of its own was written with the one before it.
        last_time = time.or(last_time);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let mut text = String::with_capacity(raw.len().min(LONGEST_LINE));
        for chunk in raw.utf8_chunks() {
            text.push_str(chunk.valid());
            parsed.undecodable += chunk.invalid().len();
            for byte in chunk.invalid() {
                text.push_str("\\x");
                text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('?'));
                text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('?'));
            }
        }
        parsed.undecodable += text.bytes().filter(|byte| *byte == 0).count();
        parsed.lines.push(Line { time: last_time, source, text: shortened(text) });
    }
    parsed
}

/// Returns a log as text, without the kubelet's timestamps.
pub(crate) fn log_text(bytes: &[u8]) -> String {
    let lines: Vec<String> = parse(bytes, 0).lines.into_iter().map(|line| line.text).collect();
    lines.join("\n")
}

fn split_time(raw: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let Some(space) = raw.iter().take(40).position(|byte| *byte == b' ') else {
        return match std::str::from_utf8(raw).ok().and_then(|text| text.parse().ok()) {
            Some(time) => (Some(time), &[]),
            None => (None, raw),
        };
    };
    match std::str::from_utf8(&raw[..space]).ok().and_then(|text| text.parse().ok()) {
        Some(time) => (Some(time), &raw[space + 1..]),
        None => (None, raw),
    }
}

fn shortened(text: String) -> String {
    if text.len() <= LONGEST_LINE {
        return text;
    }
    let (head, tail) =
        (text.floor_char_boundary(LONGEST_LINE / 2), text.ceil_char_boundary(text.len() - LONGEST_LINE / 2));
    format!("{} … {} bytes left out … {}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubelets_time_is_taken_off() {
        let parsed = parse(b"2026-03-01T12:00:00.5Z hello\r\n  at frame\n2026-03-01T12:00:01Z \n", 3);
        let texts: Vec<&str> = parsed.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["hello", "  at frame", ""]);
        assert_eq!(parsed.lines[1].time, parsed.lines[0].time);
        assert_eq!(parsed.lines[0].source, 3);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_escapes() {
        let parsed = parse(b"2026-03-01T12:00:00Z ok \xff\xfe\x00 done\n", 0);
        assert_eq!(parsed.lines[0].text, "ok \\xff\\xfe\u{0} done");
        assert_eq!(parsed.undecodable, 3);
    }

    #[test]
    fn an_endless_line_is_cut_in_the_middle() {
        let parsed = parse(format!("a{}z", "ü".repeat(10_000)).as_bytes(), 0);
        let text = &parsed.lines[0].text;
        assert!(text.len() < 4200 && text.starts_with('a') && text.ends_with('z') && text.contains("bytes left out"));
    }
}
