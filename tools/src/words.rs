//! The words people use for objects: split into kind and name, and refused before any request where no
//! Kubernetes name could look like that.
//! What passes here is still only a word; `resolve` finds out whether anything has that name.

use todo_agent_core::{
    ToolError,
    text::{self, Lines},
};

/// The longest name an object can have (DNS subdomain).
/// Source: RFC 1123, `validation.DNS1123SubdomainMaxLength`.
const LONGEST_NAME: usize = 253;

/// A word as given: `backend` or `deployment/backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// The kind word before the slash.
    pub(crate) kind: Option<&'a str>,
    /// The name.
    pub(crate) name: &'a str,
}

/// Splits and checks a word. `argument` names it in the complaint.
pub(crate) fn parse<'a>(argument: &str, word: &'a str) -> Result<Word<'a>, ToolError> {
    let word = word.trim();
    let (kind, name) = word.split_once('/').map_or((None, word), |(kind, name)| (Some(kind), name));
    if let Some(kind) = kind {
        check(argument, kind)?;
    }
    check(argument, name)?;
    Ok(Word { kind, name })
}

/// Returns the namespace to use: the given one, checked, else the pinned one.
pub(crate) fn namespace<'a>(given: Option<&'a str>, pinned: &'a str) -> Result<&'a str, ToolError> {
    match given.map(str::trim) {
        None | Some("") => Ok(pinned),
        Some(given) => check("namespace", given).map(|()| given),
    }
}

/// Refuses what cannot be a name: a leading `-` (an option in disguise), path parts, control and hidden
/// characters, characters that mean something in a URL.
pub(crate) fn check(argument: &str, name: &str) -> Result<(), ToolError> {
    let refuse = |why: &str| Err(ToolError::arguments(format!("{argument} \"{}\" {why}", shown(name))));
    if name.is_empty() {
        return Err(ToolError::arguments(format!("{argument} is empty")));
    }
    if name.len() > LONGEST_NAME {
        return refuse(&format!("is {} characters long; a name has at most {LONGEST_NAME}", name.len()));
    }
    if name.starts_with('-') {
        return refuse("starts with \"-\"; no Kubernetes name does");
    }
    if name.contains('/') || name == "." || name.contains("..") || name.contains('\\') {
        return refuse("contains a path; give a name, or kind/name");
    }
    match name.chars().find(|character| !is_allowed(*character)) {
        Some(' ') => refuse("contains a space; give one name"),
        Some(character) => {
            let shown: String = character.escape_default().collect();
            refuse(&format!("contains the character '{shown}', which no Kubernetes name has"))
        }
        None => Ok(()),
    }
}

/// Returns a word from outside as it may stand in a message: short, and with nothing hidden in it.
pub(crate) fn shown(word: &str) -> String {
    text::visible(&text::middle_out(word, 300), Lines::Escape)
}

/// Letters, digits, `-`, `.`, and what RBAC names such as `system:node` hold besides.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ':' | '_')
}

/// Returns the article that fits a word: `a pod`, `an ingress`.
pub(crate) fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_name_or_a_kind_and_a_name() {
        assert_eq!(parse("workload", "backend").unwrap(), Word { kind: None, name: "backend" });
        assert_eq!(parse("workload", " deploy/backend ").unwrap(), Word { kind: Some("deploy"), name: "backend" });
    }

    #[test]
    fn what_no_name_can_be_is_refused() {
        for (word, complaint) in [
            ("", "workload is empty"),
            ("--all", "workload \"--all\" starts with \"-\"; no Kubernetes name does"),
            ("deploy/../secrets", "workload \"../secrets\" contains a path; give a name, or kind/name"),
            ("a/b/c", "workload \"b/c\" contains a path; give a name, or kind/name"),
            ("back end", "workload \"back end\" contains a space; give one name"),
            (
                "back\u{202e}end",
                "workload \"back\\u{202e}end\" contains the character '\\u{202e}', which no Kubernetes name has",
            ),
            ("a\u{1b}[2J", "workload \"a\\u{1b}[2J\" contains the character '\\u{1b}', which no Kubernetes name has"),
            ("a?watch=1", "workload \"a?watch=1\" contains the character '?', which no Kubernetes name has"),
        ] {
            assert_eq!(parse("workload", word).unwrap_err().to_string(), complaint);
        }
        assert!(parse("workload", &"a".repeat(300)).unwrap_err().to_string().contains("300 characters long"));
    }

    #[test]
    fn a_missing_namespace_is_the_pinned_one() {
        assert_eq!(namespace(None, "todo").unwrap(), "todo");
        assert_eq!(namespace(Some("shop"), "todo").unwrap(), "shop");
        assert!(namespace(Some("../kube-system"), "todo").is_err());
    }
}
