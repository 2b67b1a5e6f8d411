//! placeholder
use todo_agent_core::{Redacted, Redactor};
#[derive(Default)]
pub struct StreamingRedaction;
impl StreamingRedaction {
    pub fn push(&mut self, redactor: &Redactor, piece: &str) -> Option<Redacted<String>> {
        Some(redactor.text(piece))
    }
    pub fn finish(&mut self, _redactor: &Redactor) -> Option<Redacted<String>> {
        None
    }
}
