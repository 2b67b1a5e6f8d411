//! Bytes from a terminal as keys: characters, the few control keys a question needs, and pastes.
//!
//! Source: ECMA-48 control sequences; bracketed paste as in xterm (`ESC [ 200 ~` … `ESC [ 201 ~`).

/// A key, or a character of a paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character that was typed.
    Typed(char),
    /// A character inside a bracketed paste.
    Pasted(char),
    /// Enter.
    Enter,
    /// Backspace.
    Back,
    /// Ctrl-U or Ctrl-W: start the line again.
    Clear,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    End,
    /// A key without a meaning here, such as an arrow.
    Other,
}

/// Reads keys out of bytes that may be cut anywhere.
#[derive(Debug, Default)]
pub struct Keys {
    pending: Vec<u8>,
    pasting: bool,
}

impl Keys {
    /// Returns the keys complete so far; the rest is kept for the next bytes.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        if bytes == [0x03] {
            // Alone in its read it was pressed, even where the end of a paste never came.
            *self = Self::default();
            return vec![Key::Interrupt];
        }
        self.pending.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut at = 0;
        while let Some((key, length)) = self.next(at) {
            keys.extend(key);
            at += length;
        }
        self.pending.drain(..at);
        keys
    }

    /// Returns the key at a position, if it has one, and how many bytes it takes; `None` where bytes are missing.
    fn next(&mut self, at: usize) -> Option<(Option<Key>, usize)> {
        let bytes = &self.pending[at..];
        let first = *bytes.first()?;
        match first {
            0x1b => self.escape(at),
            _ if self.pasting => {
                let (character, length) = character(bytes)?;
                Some((Some(Key::Pasted(character)), length))
            }
            b'\r' | b'\n' => Some((Some(Key::Enter), 1)),
            0x03 => Some((Some(Key::Interrupt), 1)),
            0x04 => Some((Some(Key::End), 1)),
            0x08 | 0x7f => Some((Some(Key::Back), 1)),
            0x15 | 0x17 => Some((Some(Key::Clear), 1)),
            0x00..=0x1f => Some((Some(Key::Other), 1)),
            _ => {
                let (character, length) = character(bytes)?;
                Some((Some(Key::Typed(character)), length))
            }
        }
    }

    fn escape(&mut self, at: usize) -> Option<(Option<Key>, usize)> {
        let bytes = &self.pending[at..];
        let other = (!self.pasting).then_some(Key::Other);
        match bytes.get(1)? {
            b'[' => {
                let end = bytes.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte))? + 2;
                match &bytes[2..=end] {
                    b"200~" => {
                        self.pasting = true;
                        Some((None, end + 1))
                    }
                    b"201~" => {
                        self.pasting = false;
                        Some((None, end + 1))
                    }
                    _ => Some((other, end + 1)),
                }
            }
            b'O' => bytes.get(2).map(|_| (other, 3)),
            // Alt with a key, or Escape before one: the key behind it is read for itself.
            _ => Some((other, 1)),
        }
    }
}

/// Returns the UTF-8 character at the start; bytes that are none become U+FFFD, one by one.
fn character(bytes: &[u8]) -> Option<(char, usize)> {
    let length = match bytes.first()? {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((char::REPLACEMENT_CHARACTER, 1)),
    };
    let whole = bytes.get(..length)?;
    let read = std::str::from_utf8(whole).ok().and_then(|text| text.chars().next());
    Some(read.map_or((char::REPLACEMENT_CHARACTER, 1), |character| (character, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_any_cut() {
        let bytes = "yä\u{1b}[A\u{1b}[200~p\r\u{1b}[201~\r".as_bytes();
        let whole = Keys::default().read(bytes);
        assert_eq!(
            whole,
            [Key::Typed('y'), Key::Typed('ä'), Key::Other, Key::Pasted('p'), Key::Pasted('\r'), Key::Enter]
        );
        let mut keys = Keys::default();
        let cut: Vec<Key> = bytes.iter().flat_map(|&byte| keys.read(&[byte])).collect();
        assert_eq!(cut, whole);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(Keys::default().read(&[0xff, b'y']), [Key::Typed(char::REPLACEMENT_CHARACTER), Key::Typed('y')]);
    }

    #[test]
    fn ctrl_c_works_also_in_a_paste_without_end() {
        let mut keys = Keys::default();
        assert_eq!(keys.read(b"\x1b[200~p"), [Key::Pasted('p')]);
        assert_eq!(keys.read(b"\x03"), [Key::Interrupt]);
        assert_eq!(keys.read(b"y"), [Key::Typed('y')]);
    }

    #[test]
    fn control_characters_inside_a_paste_are_part_of_it() {
        assert_eq!(Keys::default().read(b"\x1b[200~\x03\x04"), [Key::Pasted('\u{3}'), Key::Pasted('\u{4}')]);
    }
}
