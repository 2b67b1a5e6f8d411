//! Whether everything a call says comes from the person's own sentence. Pure; where in doubt, it does not.
//!
//! Only such a call may pass without a look (`--yes`, mode `auto`, a grant) once text from outside is in the
//! conversation: an order that hides in a log has its values from the log.

use serde_json::Value;
use todo_agent_core::{Call, Names};
use todo_agent_planner::{Focus, Mode, Pass, PassReason, Planned, plan};

/// Returns whether the sentence orders this call in its own words: the planner reads the same call in it, or, where it does
/// not understand the whole, verb, target and each of the values stand in one plain clause. An order, not a question, a
/// negation or somebody else's words.
pub(crate) fn own_words(call: &Call, sentence: &str, pinned: &str) -> bool {
    match plan(sentence, &Focus::default(), &Names::default()) {
        Planned::Calls { calls, mode: Mode::Act } => calls.iter().any(|planned| is_same(planned, call, pinned)),
        Planned::Ask(_) | Planned::Pass(Pass { reason: PassReason::NotUnderstood, .. }) => clauses(sentence)
            .iter()
            .any(|clause| is_plain(clause) && names_verb(call, clause) && says(&call.args, None, clause, pinned)),
        Planned::Calls { .. } | Planned::Pass(_) => false,
    }
}

/// Returns whether two calls are the same, but for naming the namespace that is pinned anyway.
fn is_same(planned: &Call, call: &Call, pinned: &str) -> bool {
    let bare = |args: &Value| {
        let mut args = args.clone();
        if let Some(fields) = args.as_object_mut() {
            fields.retain(|key, value| !value.is_null() && (key != "namespace" || value != pinned));
        }
        args
    };
    planned.tool == call.tool && bare(&planned.args) == bare(&call.args)
}

/// Returns whether a clause has one verb and one number at most and no word that turns it around: which belongs to what
/// would be a guess.
fn is_plain(clause: &[String]) -> bool {
    if clause.iter().any(|word| TURNS.contains(&word.as_str())) {
        return false;
    }
    let numbers = clause.iter().filter(|word| word.parse::<f64>().is_ok()).count();
    let verbs = clause.iter().filter(|word| ALL_VERBS.contains(&word.as_str())).count();
    numbers <= 1 && verbs <= 1
}

/// The words that name a change.
const ALL_VERBS: [&str; 24] = [
    "scale",
    "scaling",
    "resize",
    "undo",
    "revert",
    "restart",
    "pause",
    "resume",
    "rollback",
    "delete",
    "remove",
    "destroy",
    "drain",
    "cordon",
    "uncordon",
    "set",
    "create",
    "patch",
    "apply",
    "autoscale",
    "label",
    "annotate",
    "expose",
    "give",
];

/// The words after which a number or a name means something else than the order's own.
const TURNS: [&str; 16] = [
    "by", "from", "instead", "because", "than", "like", "as", "of", "not", "except", "without", "per", "until",
    "since", "more", "fewer",
];

/// The words that begin another clause.
const CONJUNCTIONS: [&str; 8] = ["and", "then", "but", "or", "while", "also", "plus", "before"];

/// Returns the words of each clause.
fn clauses(sentence: &str) -> Vec<Vec<String>> {
    let mut clauses = vec![Vec::new()];
    for word in sentence.split_whitespace() {
        let plain = bare(word);
        if CONJUNCTIONS.contains(&plain.as_str()) {
            clauses.push(Vec::new());
            continue;
        }
        if let Some(clause) = clauses.last_mut().filter(|_| !plain.is_empty()) {
            clause.push(plain);
        }
        if word.ends_with([',', ';', ':', '.', '!', '?']) {
            clauses.push(Vec::new());
        }
    }
    clauses
}

/// Returns which of the namespaces the person named.
pub(crate) fn named(namespace: &str, sentences: &[&str]) -> bool {
    sentences.iter().any(|sentence| words(sentence).iter().any(|word| word == &namespace.to_lowercase()))
}

/// The words by which people order what a tool does. What a tool is not here for (`set`, `create`, `patch`) has values
/// whose place decides what they mean, a request or a limit, the least or the most: there only the planner's reading
/// of the sentence counts.
const VERBS: [(&str, &[&str]); 5] = [
    ("scale", &["scale", "scaling", "replica", "replicas", "resize"]),
    ("rollout_control", &[]),
    ("delete", &["delete", "remove"]),
    ("node_control", &[]),
    ("undo", &["undo", "revert"]),
];

fn names_verb(call: &Call, words: &[String]) -> bool {
    let verbs = VERBS.iter().find(|(tool, _)| *tool == call.tool).map(|(_, verbs)| *verbs);
    match (verbs, call.args.get("action").and_then(Value::as_str)) {
        // The action is the verb: restart, undo, pause, resume.
        (Some([]), Some(action)) => words.iter().any(|word| word == action),
        (Some(verbs), _) => verbs.iter().any(|verb| words.iter().any(|word| word == verb)),
        (None, _) => false,
    }
}

fn says(value: &Value, key: Option<&str>, words: &[String], pinned: &str) -> bool {
    let spoken = |text: &str| words.contains(&text.to_lowercase());
    match value {
        Value::Null => true,
        Value::Bool(_) => false,
        Value::Number(number) => spoken(&number.to_string()),
        // The verb was looked for before; the pinned namespace is the person's choice already.
        Value::String(_) if key == Some("action") => true,
        Value::String(text) if key == Some("namespace") && text == pinned => true,
        // Of `deployment/backend` the kind must be said, too.
        Value::String(text) => !text.is_empty() && text.split('/').all(spoken),
        Value::Array(items) => items.iter().all(|item| says(item, key, words, pinned)),
        Value::Object(fields) => fields.iter().all(|(key, field)| says(field, Some(key), words, pinned)),
    }
}

/// Returns the words of a sentence in lower case, without the punctuation around them.
fn words(sentence: &str) -> Vec<String> {
    sentence.split_whitespace().map(bare).collect()
}

fn bare(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own(tool: &str, args: Value, sentence: &str) -> bool {
        own_words(&Call::new(tool, args), sentence, "todo")
    }

    #[test]
    fn a_call_that_repeats_the_order_is_the_persons_own() {
        let scale = || json!({"workload": "backend", "replicas": 3});
        assert!(own("scale", scale(), "please scale the backend to 3 at once, thanks"));
        assert!(own("scale", scale(), "look around, then scale the backend to 3"));
        assert!(own("scale", json!({"workload": "backend", "replicas": 3, "namespace": "todo"}), "scale backend to 3"));
        assert!(own(
            "rollout_control",
            json!({"workload": "backend", "action": "restart"}),
            "look at the logs, then restart backend"
        ));
    }

    #[test]
    fn whatever_was_not_said_is_not() {
        for (args, sentence) in [
            (json!({"workload": "backend", "replicas": 30}), "scale backend to 3"),
            (json!({"workload": "redis", "replicas": 3}), "scale backend to 3"),
            (json!({"workload": "backend", "replicas": 3, "namespace": "shop"}), "scale backend to 3"),
            (json!({"workload": "backend", "replicas": 3}), "why does backend have 3 pods"),
            (json!({"workload": "backend", "replicas": 3}), "don't scale backend to 3"),
            (json!({"workload": "backend", "replicas": 3}), "should I scale backend to 3?"),
            (json!({"workload": "backend", "replicas": 3}), "scale the backend as the annotation says"),
            (json!({"workload": "x/y/backend", "replicas": 3}), "scale backend to 3"),
            (json!({"workload": "statefulset/backend", "replicas": 3}), "look around and scale backend to 3"),
            (json!({"workload": "backend", "replicas": 3}), "look at the pods and scale backend up by 3"),
            (json!({"workload": "frontend", "replicas": 3}), "look around and scale backend instead of frontend to 3"),
            (json!({"workload": "frontend", "replicas": 3}), "look: scale backend down because frontend needs 3"),
        ] {
            assert!(!own("scale", args.clone(), sentence), "{args} from {sentence}");
        }
        assert!(!own("rollout_control", json!({"workload": "backend", "action": "undo"}), "restart backend"));
        assert!(!own("undo", json!({}), "show the logs of backend"));
    }

    #[test]
    fn what_belongs_to_something_else_is_not_the_calls_own() {
        let mixed = "restart frontend and scale backend to 3, then scale redis to 5";
        assert!(own("scale", json!({"workload": "backend", "replicas": 3}), mixed));
        assert!(own("rollout_control", json!({"workload": "frontend", "action": "restart"}), mixed));
        assert!(!own("scale", json!({"workload": "backend", "replicas": 5}), mixed));
        assert!(!own("scale", json!({"workload": "frontend", "replicas": 3}), mixed));
        assert!(!own("rollout_control", json!({"workload": "backend", "action": "restart"}), mixed));
        // Where a clause leaves open what belongs to what, nothing does.
        assert!(!own("scale", json!({"workload": "backend", "replicas": 5}), "scale backend 3 frontend 5"));
    }

    #[test]
    fn a_deletion_and_a_drain_are_own_where_object_and_verb_are() {
        let delete = || json!({"kind": "pod", "name": "redis-0"});
        assert!(own("delete", delete(), "delete the pod redis-0"));
        assert!(own("delete", delete(), "look at the logs, then delete the pod redis-0"));
        assert!(!own("delete", delete(), "look at the pod redis-0, then delete the pod redis-1"));
        assert!(!own(
            "delete",
            json!({"kind": "deployment", "name": "redis-0"}),
            "look around, then delete the pod redis-0"
        ));
        assert!(!own(
            "delete",
            json!({"kind": "pod", "name": "redis-0", "propagation": "orphan"}),
            "please delete the pod redis-0"
        ));
        assert!(own(
            "node_control",
            json!({"node": "worker-1", "action": "drain"}),
            "look around, then drain worker-1"
        ));
        assert!(!own(
            "node_control",
            json!({"node": "worker-1", "action": "drain"}),
            "look around, then cordon worker-1"
        ));
    }

    #[test]
    fn values_with_a_place_are_own_where_the_planner_reads_them_so() {
        let memory = |field: &str| json!({"workload": "backend", field: {"memory": "1Gi"}});
        assert!(own("set", memory("limits"), "set the memory limit of backend to 1Gi"));
        assert!(!own("set", memory("requests"), "set the memory limit of backend to 1Gi"));
        assert!(!own("set", memory("limits"), "look around and set the memory of backend to what it needs, 1Gi"));
        let image = |image: &str| json!({"workload": "backend", "image": image});
        assert!(own("set", image("v1.1.0"), "set the backend image to v1.1.0"));
        assert!(!own("set", image("evil:1"), "set the backend image to v1.1.0"));
        assert!(!own("patch", json!({"kind": "pod", "name": "a", "merge": {}}), "patch the pod a"));
        assert!(own(
            "create",
            json!({"kind": "service", "target": "frontend"}),
            "create a service to expose the frontend"
        ));
    }

    #[test]
    fn a_namespace_counts_as_named_where_it_is_a_word() {
        assert!(named("shop", &["scale web in Shop to 2"]));
        assert!(!named("shop", &["scale web to 2", "workshop"]));
    }
}
