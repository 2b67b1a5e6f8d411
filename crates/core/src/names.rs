//! The names that exist in a cluster, and the one place where a person's word becomes an object.
//!
//! Pure: `tools` fetches the names (metadata only), this module decides. Order of the rules: the exact
//! name; the labels `app.kubernetes.io/component`, `app.kubernetes.io/name`, `app`; a unique word-wise
//! part (`backend` finds `todo-chatbot-backend`). One match is used and shown, several are an error that
//! lists them, none is an error with the nearest names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One object's name as the resolver and the planner see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameEntry {
    /// The kind, for example `Deployment`.
    pub kind: String,
    /// The namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// The object's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The controlling owner as (kind, name), where there is one.
    #[serde(default)]
    pub owner: Option<(String, String)>,
}

/// The names known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Every known object, in no particular order.
    pub entries: Vec<NameEntry>,
    /// Every known namespace.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

impl Names {
    /// Returns those that share a word with a text, in the same order.
    #[must_use]
    pub fn bearing_on(&self, text: &str) -> Self {
        let text = text.to_lowercase();
        let said: Vec<&str> = words(&text).collect();
        let shares = |name: &str| words(&name.to_lowercase()).any(|word| said.contains(&word));
        let bears = |entry: &&NameEntry| shares(&entry.name) || entry.labels.values().any(|label| shares(label));
        Self {
            entries: self.entries.iter().filter(bears).cloned().collect(),
            namespaces: self.namespaces.iter().filter(|namespace| shares(namespace)).cloned().collect(),
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The person's word, unchanged.
    pub word: &'a str,
    /// The kinds it may mean; empty means any.
    pub kinds: &'a [&'a str],
    /// The namespace it is looked for in; `None` for cluster-scoped kinds.
    pub namespace: Option<&'a str>,
    /// How loosely the word may fit.
    pub fit: Fit,
}

/// How loosely a word may fit a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Exact name, else labels, else a unique part of the name.
    Loose,
    /// The exact name only; for destructive writes.
    Exact,
}

/// Why a word is not the name of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing fits.
    Unknown {
        /// The nearest names in the same namespace, best first.
        nearest: Vec<NameEntry>,
        /// Objects in other namespaces that the word fits.
        elsewhere: Vec<NameEntry>,
    },
    /// Several fit equally well.
    Ambiguous(Vec<NameEntry>),
    /// Something fits, but this write takes exact names only.
    NotExact(Vec<NameEntry>),
}

const COMPONENT_LABELS: [&str; 3] = ["app.kubernetes.io/component", "app.kubernetes.io/name", "app"];

/// Returns the one object that a word means.
///
/// # Errors
/// Returns what stands in the way, with candidates.
pub fn resolve<'n>(names: &'n Names, wanted: Wanted<'_>) -> Result<&'n NameEntry, NameError> {
    let of_kind = |entry: &&NameEntry| {
        wanted.kinds.is_empty() || wanted.kinds.iter().any(|kind| kind.eq_ignore_ascii_case(&entry.kind))
    };
    let here: Vec<&NameEntry> = names
        .entries
        .iter()
        .filter(of_kind)
        .filter(|entry| wanted.namespace.is_none() || entry.namespace.as_deref() == wanted.namespace)
        .collect();
    let exact: Vec<_> = here.iter().copied().filter(|entry| entry.name == wanted.word).collect();
    if !exact.is_empty() {
        return one(exact);
    }
    for rule in LOOSE_RULES {
        let found: Vec<_> = here.iter().copied().filter(|entry| rule(entry, wanted.word)).collect();
        match (found.is_empty(), wanted.fit) {
            (true, _) => {}
            (false, Fit::Loose) => return one(found),
            (false, Fit::Exact) => return Err(NameError::NotExact(found.into_iter().cloned().collect())),
        }
    }
    let elsewhere = names
        .entries
        .iter()
        .filter(of_kind)
        .filter(|entry| wanted.namespace.is_some() && entry.namespace.as_deref() != wanted.namespace)
        .filter(|entry| entry.name == wanted.word || LOOSE_RULES.iter().any(|rule| rule(entry, wanted.word)))
        .cloned()
        .collect();
    Err(NameError::Unknown { nearest: nearest(&here, wanted.word), elsewhere })
}

type Rule = fn(&NameEntry, &str) -> bool;

const LOOSE_RULES: [Rule; 5] = [
    // Names in a cluster are lower-case (RFC 1123), people's are not.
    |entry, word| entry.name == word.to_ascii_lowercase(),
    |entry, word| entry.labels.get(COMPONENT_LABELS[0]).is_some_and(|label| label == word),
    |entry, word| entry.labels.get(COMPONENT_LABELS[1]).is_some_and(|label| label == word),
    |entry, word| entry.labels.get(COMPONENT_LABELS[2]).is_some_and(|label| label == word),
    |entry, word| is_part(&entry.name, word),
];

fn one(found: Vec<&NameEntry>) -> Result<&NameEntry, NameError> {
    match found.as_slice() {
        [single] => Ok(single),
        _ => Err(NameError::Ambiguous(found.into_iter().cloned().collect())),
    }
}

/// Returns whether `word` is a run of whole words of `name`: `backend` or `chatbot-backend` in
/// `todo-chatbot-backend`, but not `end`.
fn is_part(name: &str, word: &str) -> bool {
    if word.is_empty() || word == name {
        return false;
    }
    let parts: Vec<&str> = name.split(['-', '.']).collect();
    let wanted: Vec<&str> = word.split(['-', '.']).collect();
    parts.windows(wanted.len()).any(|window| window == wanted)
}

fn nearest(here: &[&NameEntry], word: &str) -> Vec<NameEntry> {
    let mut ranked: Vec<(usize, &NameEntry)> = here
        .iter()
        .filter_map(|entry| {
            let distance = entry
                .name
                .split(['-', '.'])
                .chain([entry.name.as_str()])
                .map(|part| strsim::osa_distance(part, word))
                .min()?;
            (distance <= (word.chars().count() / 3).clamp(1, 3)).then_some((distance, *entry))
        })
        .collect();
    ranked.sort_by_key(|(distance, entry)| (*distance, &entry.name));
    ranked.into_iter().take(3).map(|(_, entry)| entry.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, namespace: &str, name: &str, labels: &[(&str, &str)]) -> NameEntry {
        NameEntry {
            kind: kind.into(),
            namespace: Some(namespace.into()),
            name: name.into(),
            labels: labels.iter().map(|&(key, value)| (key.into(), value.into())).collect(),
            owner: None,
        }
    }

    fn names() -> Names {
        Names {
            entries: vec![
                entry("Deployment", "todo", "todo-chatbot-backend", &[("app", "api")]),
                entry("Deployment", "todo", "todo-chatbot-frontend", &[]),
                entry("StatefulSet", "todo", "redis", &[]),
                entry("Deployment", "todo", "redis", &[]),
                entry("Deployment", "shop", "cart", &[]),
            ],
            namespaces: vec![],
        }
    }

    fn find(word: &str, fit: Fit) -> Result<String, NameError> {
        let wanted = Wanted { word, kinds: &["Deployment", "StatefulSet"], namespace: Some("todo"), fit };
        resolve(&names(), wanted).map(|entry| format!("{}/{}", entry.kind, entry.name))
    }

    #[test]
    fn a_word_is_an_exact_name_a_label_or_a_part_of_a_name() {
        assert_eq!(find("todo-chatbot-backend", Fit::Loose).unwrap(), "Deployment/todo-chatbot-backend");
        assert_eq!(find("api", Fit::Loose).unwrap(), "Deployment/todo-chatbot-backend");
        assert_eq!(find("frontend", Fit::Loose).unwrap(), "Deployment/todo-chatbot-frontend");
    }

    #[test]
    fn a_shouted_name_is_still_that_name() {
        assert_eq!(find("TODO-chatbot-Backend", Fit::Loose).unwrap(), "Deployment/todo-chatbot-backend");
    }

    #[test]
    fn names_that_share_a_word_with_a_text_bear_on_it() {
        let bearing =
            |text: &str| names().bearing_on(text).entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>();
        assert_eq!(bearing("is the Backend up?"), ["todo-chatbot-backend"]);
        assert_eq!(bearing("restart api"), ["todo-chatbot-backend"]);
        assert!(bearing("end of the day").is_empty());
    }

    #[test]
    fn several_matches_are_listed_never_chosen_from() {
        let Err(NameError::Ambiguous(found)) = find("redis", Fit::Loose) else { panic!("must be ambiguous") };
        assert_eq!(found.len(), 2);
        assert!(matches!(find("chatbot", Fit::Loose), Err(NameError::Ambiguous(_))));
    }

    #[test]
    fn a_typo_in_a_name_is_offered_not_taken() {
        let Err(NameError::Unknown { nearest, .. }) = find("backnd", Fit::Loose) else { panic!("must be unknown") };
        assert_eq!(nearest[0].name, "todo-chatbot-backend");
    }

    #[test]
    fn a_name_in_another_namespace_is_named() {
        let Err(NameError::Unknown { elsewhere, .. }) = find("cart", Fit::Loose) else { panic!("must be unknown") };
        assert_eq!(elsewhere[0].namespace.as_deref(), Some("shop"));
    }

    #[test]
    fn destructive_writes_take_exact_names_only() {
        assert!(matches!(find("frontend", Fit::Exact), Err(NameError::NotExact(_))));
        assert!(matches!(find("end", Fit::Loose), Err(NameError::Unknown { .. })));
    }
}
