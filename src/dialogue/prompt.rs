//! The system prompt: rules first, since servers cache what stays the same, then where the conversation stands.

use jiff::{Timestamp, tz::TimeZone};
use todo_agent_core::{
    Redacted, Redactor,
    reader::Scope,
    text::{self, Lines},
};

const SYSTEM: &str = include_str!("../../prompts/system.md");
/// What asks for a summary.
pub(super) const COMPACT: &str = include_str!("../../prompts/compact.md");

/// Returns the system's message.
pub(super) fn system(scope: &Scope, now: Timestamp, redactor: &Redactor) -> Redacted<String> {
    let shown = |text: &str| text::visible(text, Lines::Escape);
    let date = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    let filled = SYSTEM
        .replace("{context}", &shown(&scope.context))
        .replace("{namespace}", &shown(&scope.namespace))
        .replace("{server}", &shown(&scope.server))
        .replace("{date}", &date);
    redactor.text(filled.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_stands_at_the_end() {
        let scope = |namespace: &str| Scope {
            context: "minikube".into(),
            namespace: namespace.into(),
            server: "https://10.0.0.1".into(),
        };
        let redactor = Redactor::new([1; 32]);
        let (one, other) = (
            system(&scope("a"), Timestamp::UNIX_EPOCH, &redactor),
            system(&scope("b"), Timestamp::UNIX_EPOCH, &redactor),
        );
        let same = one.bytes().zip(other.bytes()).take_while(|(left, right)| left == right).count();
        assert!(same > one.len() * 8 / 10 && one.ends_with("Today is 1970-01-01."), "{same} of {}", one.len());
        assert!(!one.contains('{'));
    }
}
