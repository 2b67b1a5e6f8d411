//! What of a text may still become a secret shape when more text arrives.
//!
//! From each character the expressions of [`shapes`](super::shapes) are followed, all of them at once and
//! one byte at a time, as automata. A start whose automaton is dead can no longer change its mind; one that
//! is alive is open. So this follows the shapes by construction, with no list of its own beside them.

use std::sync::LazyLock;

use regex_automata::{
    Anchored, Input,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
};

use super::shapes;

/// One automaton per shape: in a common one, a shape that was found would end those listed after it.
static AUTOMATA: LazyLock<Vec<DFA>> = LazyLock::new(|| {
    // A cache that is full ends in an error, which is answered by holding back; states would lose their names
    // if it were cleared.
    let config = DFA::config().minimum_cache_clear_count(Some(0));
    // Without the word boundary in front a start is at most open for longer.
    shapes::expressions()
        .filter_map(|shape| DFA::builder().configure(config.clone()).build(&shape.replace(r"\b", "")).ok())
        .collect()
});

/// Follows the shapes through a text that grows.
pub(super) struct OpenShapes {
    caches: Vec<Cache>,
    /// Ascending by start. Of those in the same state only the earliest is kept: they have one future.
    starts: Vec<Start>,
}

/// A place where a shape may have begun.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    shape: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Known(LazyStateID),
    /// It cannot be followed further, and so stays open.
    Lost,
}

impl Default for OpenShapes {
    fn default() -> Self {
        Self { caches: AUTOMATA.iter().map(DFA::create_cache).collect(), starts: Vec::new() }
    }
}

impl OpenShapes {
    /// Follows the text from `from` to its end. What was read before must be unchanged, or forgotten.
    pub(super) fn read(&mut self, text: &str, from: usize) {
        for (index, byte) in text.bytes().enumerate().skip(from) {
            let mut known = std::mem::take(&mut self.starts);
            if text.is_char_boundary(index) {
                let input = Input::new(text).range(index..).anchored(Anchored::Yes);
                known.extend(self.caches.iter_mut().enumerate().map(|(shape, cache)| {
                    let state = AUTOMATA[shape].start_state_forward(cache, &input);
                    Start { at: index, shape, state: state.map_or(State::Lost, State::Known) }
                }));
            }
            for start in known {
                if let Some(start) = self.followed(start, byte)
                    && !self.starts.iter().any(|kept| kept.shape == start.shape && kept.state == start.state)
                {
                    self.starts.push(start);
                }
            }
        }
    }

    /// Returns where the earliest open shape begins.
    pub(super) fn earliest(&self) -> Option<usize> {
        self.starts.first().map(|start| start.at)
    }

    /// Counts from `bytes` later on, where no open shape is before that.
    pub(super) fn forget(&mut self, bytes: usize) {
        for start in &mut self.starts {
            start.at -= bytes;
        }
    }

    fn followed(&mut self, start: Start, byte: u8) -> Option<Start> {
        let State::Known(state) = start.state else { return Some(start) };
        match AUTOMATA[start.shape].next_state(&mut self.caches[start.shape], state, byte) {
            Ok(next) if next.is_dead() => None,
            Ok(next) if !next.is_quit() => Some(Start { state: State::Known(next), ..start }),
            _ => Some(Start { state: State::Lost, ..start }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_followed() {
        assert_eq!(AUTOMATA.len(), shapes::expressions().count());
    }

    #[test]
    fn open_is_what_more_text_could_turn_into_a_secret() {
        for (text, open) in [
            // The space may be the one before a line of a key.
            ("the pod is ready", " ready"),
            ("the pod is ready ", " "),
            ("the \"token", "token"),
            ("the token ", "token "),
            ("the token is", " is"),
            ("set password=", "password="),
            ("set password=hunter2", "password=hunter2"),
            ("set password=hunter22, ", " "),
            ("Authorization: Bearer ", "Authorization: Bearer "),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"),
            ("-----BEGIN CERTIFICATE-----\nMIIE x\n", "\n"),
            ("see postgres://todo:a", "postgres://todo:a"),
            ("password: |\n", "password: |\n"),
            ("- name: DB_PASSWORD\n", "name: DB_PASSWORD\n"),
        ] {
            let mut shapes = OpenShapes::default();
            shapes.read(text, 0);
            assert_eq!(shapes.earliest().map_or("", |at| &text[at..]), open, "{text:?}");
        }
    }
}
