//! placeholder
use super::style::Look;
pub struct Markdown;
impl Markdown {
    pub fn new(_look: Look) -> Self {
        Self
    }
    pub fn push(&mut self, piece: &str) -> String {
        piece.to_owned()
    }
    pub fn finish(&mut self) -> String {
        "\n".to_owned()
    }
}
