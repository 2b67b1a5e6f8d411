//! What Tab offers: commands, words that start sentences, kinds, and the names that live in the cluster.
//!
//! The choice is a pure function of the line and a [`Vocabulary`]. The vocabulary is filled in the
//! background and shared; waiting for it never holds up typing for longer than `PATIENCE`.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use todo_agent_core::{Names, text};
use todo_agent_kube_rules::kinds::KINDS;

use super::slash::COMMANDS;

/// The longest that Tab waits for names.
const PATIENCE: Duration = Duration::from_millis(300);

/// Words that sentences start with.
const VERBS: [&str; 19] = [
    "autoscale",
    "create",
    "delete",
    "describe",
    "drain",
    "events",
    "list",
    "logs",
    "pause",
    "restart",
    "resume",
    "rollback",
    "rollout",
    "scale",
    "set",
    "show",
    "status",
    "undo",
    "wait",
];

/// The words that can be completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// The namespace in use; its names come first.
    pub namespace: String,
    /// The contexts.
    pub contexts: Vec<String>,
    /// The objects and namespaces in the cluster.
    pub names: Names,
}

/// A vocabulary that one thread fills and another reads.
#[derive(Debug, Clone, Default)]
pub struct SharedVocabulary {
    shared: Arc<(Mutex<Filling>, Condvar)>,
}

#[derive(Debug, Default)]
struct Filling {
    vocabulary: Vocabulary,
    state: Freshness,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    #[default]
    Settled,
    /// Names are on their way.
    Awaited,
}

impl SharedVocabulary {
    /// Says that names are on their way.
    pub fn await_names(&self) {
        self.lock().state = Freshness::Awaited;
    }

    /// Puts in a new vocabulary.
    pub fn set(&self, vocabulary: Vocabulary) {
        *self.lock() = Filling { vocabulary, state: Freshness::Settled };
        self.shared.1.notify_all();
    }

    /// Changes the vocabulary at hand and leaves the names as they are.
    pub fn update(&self, change: impl FnOnce(&mut Vocabulary)) {
        change(&mut self.lock().vocabulary);
    }

    /// Says that no names will come for now.
    pub fn settle(&self) {
        self.lock().state = Freshness::Settled;
        self.shared.1.notify_all();
    }

    /// Returns the candidates for the word before the cursor, and where the word starts. Waits a moment
    /// where names are on their way and none are known yet.
    pub fn complete(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let awaited =
            |filling: &mut Filling| filling.state == Freshness::Awaited && filling.vocabulary.names.entries.is_empty();
        let guard = self.lock();
        let (guard, _) =
            self.shared.1.wait_timeout_while(guard, PATIENCE, awaited).unwrap_or_else(PoisonError::into_inner);
        complete(line, cursor, &guard.vocabulary)
    }

    fn lock(&self) -> MutexGuard<'_, Filling> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the candidates for the word before the cursor, and the byte at which the word starts.
pub fn complete(line: &str, cursor: usize, vocabulary: &Vocabulary) -> (usize, Vec<String>) {
    let before = line.get(..cursor).unwrap_or_default();
    let start = before
        .rfind(char::is_whitespace)
        .map_or(0, |space| space + before[space..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let earlier: Vec<&str> = before[..start].split_whitespace().collect();
    let found = match earlier.as_slice() {
        [] if word.starts_with('/') => starting(word, COMMANDS.iter().map(|(command, _, _)| *command)),
        ["/context"] => starting(word, vocabulary.contexts.iter().map(String::as_str)),
        ["/namespace"] => starting(word, vocabulary.names.namespaces.iter().map(String::as_str)),
        [command, ..] if command.starts_with('/') => Vec::new(),
        [.., "-n" | "--namespace" | "namespace" | "in"] => {
            let mut found = starting(word, vocabulary.names.namespaces.iter().map(String::as_str));
            if found.is_empty() {
                found = words(word, &earlier, vocabulary);
            }
            found
        }
        _ => words(word, &earlier, vocabulary),
    };
    (start, found)
}

fn words(word: &str, earlier: &[&str], vocabulary: &Vocabulary) -> Vec<String> {
    if let Some((kind, name)) = word.split_once('/') {
        return named(kind, name, vocabulary).into_iter().map(|name| format!("{kind}/{name}")).collect();
    }
    let mut found = Vec::new();
    if earlier.is_empty() {
        found.extend(starting(word, VERBS));
    }
    // Nothing typed yet: names would be a wall of text at the start of a sentence.
    if !(word.is_empty() && earlier.is_empty()) {
        let here = |namespace: &Option<String>| namespace.as_deref() == Some(vocabulary.namespace.as_str());
        let entries = &vocabulary.names.entries;
        let local = entries.iter().filter(|entry| here(&entry.namespace)).map(|entry| entry.name.as_str());
        let local = starting(word, local);
        let elsewhere = entries.iter().filter(|entry| !here(&entry.namespace)).map(|entry| entry.name.as_str());
        found.extend(if local.is_empty() && !word.is_empty() { starting(word, elsewhere) } else { local });
        if !word.is_empty() {
            found.extend(starting(word, KINDS.iter().map(|kind| kind.singular)));
            found.extend(starting(word, KINDS.iter().map(|kind| kind.plural)));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|candidate| seen.insert(candidate.clone()));
    found
}

fn named(kind: &str, prefix: &str, vocabulary: &Vocabulary) -> Vec<String> {
    let wanted = kind.to_lowercase();
    let Some(kind) = KINDS
        .iter()
        .find(|known| known.singular == wanted || known.plural == wanted || known.short.contains(&wanted.as_str()))
    else {
        return Vec::new();
    };
    let here = |namespace: Option<&str>| namespace.is_none_or(|namespace| namespace == vocabulary.namespace);
    let of_kind = vocabulary
        .names
        .entries
        .iter()
        .filter(|entry| entry.kind == kind.kind && here(entry.namespace.as_deref()))
        .map(|entry| entry.name.as_str());
    starting(prefix, of_kind)
}

/// Returns the candidates that begin with the word, sorted, each once. Names that hold anything a
/// terminal would not show are never offered.
fn starting<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = word.to_lowercase();
    let mut found: Vec<String> = candidates
        .into_iter()
        .filter(|candidate| candidate.to_lowercase().starts_with(&wanted))
        .filter(|candidate| !candidate.chars().any(|character| text::is_hidden(character) || character == ' '))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use todo_agent_core::NameEntry;

    use super::*;

    fn vocabulary() -> Vocabulary {
        let entry = |kind: &str, namespace: &str, name: &str| NameEntry {
            kind: kind.into(),
            namespace: Some(namespace.into()),
            name: name.into(),
            labels: std::collections::BTreeMap::default(),
            owner: None,
        };
        Vocabulary {
            namespace: "todo".into(),
            contexts: vec!["kind-dev".into(), "minikube".into()],
            names: Names {
                entries: vec![
                    entry("Deployment", "todo", "backend"),
                    entry("Service", "todo", "backend"),
                    entry("Service", "todo", "database"),
                    entry("Deployment", "shop", "cart"),
                    entry("Deployment", "todo", "back\u{1b}[2J"),
                ],
                namespaces: vec!["shop".into(), "todo".into()],
            },
        }
    }

    fn offered(line: &str) -> Vec<String> {
        complete(line, line.len(), &vocabulary()).1
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(offered("/cont"), ["/context"]);
        assert_eq!(offered("/context k"), ["kind-dev"]);
        assert_eq!(offered("/namespace "), ["shop", "todo"]);
        assert_eq!(offered("/help b"), Vec::<String>::new());
    }

    #[test]
    fn a_sentence_starts_with_a_verb_and_goes_on_with_names() {
        assert_eq!(offered("sca"), ["scale"]);
        assert_eq!(offered("scale ba"), ["backend"]);
        assert_eq!(complete("scale ba", 8, &vocabulary()).0, 6);
        assert_eq!(offered("list deplo"), ["deployment", "deployments"]);
        assert_eq!(offered("list pods in s"), ["shop"]);
        assert_eq!(offered("scale "), ["backend", "database"]);
    }

    #[test]
    fn a_kind_narrows_the_names() {
        assert_eq!(offered("describe svc/d"), ["svc/database"]);
        assert_eq!(offered("describe deployment/"), ["deployment/backend"]);
        assert_eq!(offered("describe nothing/"), Vec::<String>::new());
    }

    #[test]
    fn names_elsewhere_are_offered_where_none_fit_here() {
        assert_eq!(offered("scale ca"), ["cart"]);
    }

    #[test]
    fn the_cursor_may_stand_anywhere() {
        assert_eq!(complete("scale ba to 3", 8, &vocabulary()), (6, vec!["backend".into()]));
        assert_eq!(complete("größe ba", 10, &vocabulary()), (8, vec!["backend".into()]));
    }

    #[test]
    fn a_settled_vocabulary_is_not_waited_for() {
        let shared = SharedVocabulary::default();
        shared.await_names();
        shared.set(vocabulary());
        assert_eq!(shared.complete("scale ba", 8).1, ["backend"]);
    }
}
