//! What must hold for every sentence: no panic, no change behind a word that forbids it, bounded work.

use proptest::prelude::*;
use todo_agent_core::Names;
use todo_agent_planner::{Focus, Mode, PassReason, Planned, plan};

const WRITES: &[&str] = &[
    "scale",
    "rollout_control",
    "set",
    "autoscale",
    "create",
    "patch",
    "delete",
    "node_control",
    "undo",
    "import_env",
    "apply",
];

/// Orders that are carried out as they stand.
const ORDERS: &[&str] = &[
    "scale backend to 3",
    "scale backend to 3 and frontend to 2",
    "add two replicas to frontend",
    "double the backend",
    "remove one replica from backend",
    "restart the backend",
    "restart backend and frontend",
    "roll back backend to revision 2",
    "pause the rollout of backend",
    "resume frontend",
    "restart backend then scale frontend to 4",
    "scale the redis statefulset in the shop namespace to 3",
    "undo the last change",
    "set the backend image to v1.1.0",
    "give the backend 1Gi memory",
    "set LOG_LEVEL to debug on backend",
    "delete the pod redis-0",
    "create a service to expose the frontend",
    "create a Redis statefulset with persistent storage",
    "autoscale frontend 2 to 5 at 70% cpu",
    "label the deployment backend with tier=api",
    "drain node worker-1",
    "resize the redis volume to 2Gi",
    "apply deploy/web.yaml",
    "turn .env into a secret and a configmap",
    "give user alice read access to pods in todo",
];

/// Words that forbid a change wherever they stand.
const MARKERS: &[&str] = &[
    "not",
    "don't",
    "dont",
    "never",
    "if",
    "unless",
    "when",
    "maybe",
    "how",
    "why",
    "what",
    "should",
    "would",
    "might",
    "said",
    "says",
    "tomorrow",
    "later",
    "tonight",
    "except",
    "only",
    "but",
    "or",
    "respectively",
    "until",
    "after",
    "before",
    "without",
    "everything",
    "nobody",
    "imagine",
    "suppose",
    "whether",
    "he",
    "they",
    "does",
    "did",
    "was",
    "?",
    "5pm",
    "instead",
    "cannot",
    "can't",
    "won't",
    "rather",
];

fn focus() -> Focus {
    let mut focus = Focus::default();
    focus.update(&plan("scale backend to 2", &Focus::default(), &Names::default()));
    focus.changed();
    focus
}

fn is_change(planned: &Planned) -> bool {
    matches!(planned, Planned::Calls { calls, mode: Mode::Act }
        if calls.iter().any(|call| WRITES.contains(&call.tool.as_str())))
}

#[test]
fn every_order_is_an_order() {
    for order in ORDERS {
        assert!(is_change(&plan(order, &focus(), &Names::default())), "{order}");
    }
}

#[test]
fn a_marker_anywhere_in_an_order_forbids_it() {
    for order in ORDERS {
        let words: Vec<&str> = order.split(' ').collect();
        for marker in MARKERS {
            for at in 0..=words.len() {
                let mut marked = words.clone();
                marked.insert(at, marker);
                let sentence = marked.join(" ");
                // "read only access" limits nothing: it is how "read access" is called too.
                if sentence.contains(" read only access ") {
                    continue;
                }
                let planned = plan(&sentence, &focus(), &Names::default());
                assert!(!is_change(&planned), "{sentence}: {planned:?}");
            }
        }
    }
}

#[test]
fn a_megabyte_is_refused_unread() {
    let planned = plan(&"scale backend to 3 ".repeat(60_000), &Focus::default(), &Names::default());
    assert!(matches!(planned, Planned::Pass(pass) if pass.reason == PassReason::TooLong));
}

#[test]
fn the_longest_sentences_read_are_answered() {
    for word in ["a,", "scale ", "pods ", "and ", "in ", "3 ", "\"", "x-y ", "not ", "all namespaces "] {
        let _ = plan(&word.repeat(4096 / word.len()), &focus(), &Names::default());
        let _ = plan(&word.repeat(250), &focus(), &Names::default());
        let _ = plan(&format!("scale backend to 3, {}", word.repeat(120)), &focus(), &Names::default());
    }
}

/// Sentences made of the words that the planner knows, in any order.
fn word_salad() -> impl Strategy<Value = String> {
    let words: Vec<&'static str> = ORDERS.iter().chain(MARKERS).flat_map(|text| text.split(' ')).collect();
    let more = [
        "pods",
        "logs",
        "of",
        "in",
        "namespace",
        "shop",
        "-n",
        "all",
        "last",
        "10m",
        "show",
        "me",
        "it",
        "too",
        ",",
        "'",
        "\"",
        "half",
        "by",
        "50%",
    ];
    let all: Vec<&'static str> = words.into_iter().chain(more).collect();
    proptest::collection::vec(proptest::sample::select(all), 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = plan(&text, &focus(), &Names::default());
    }

    #[test]
    fn no_words_panic_and_forbidding_words_forbid(sentence in word_salad()) {
        let mut focus = focus();
        let planned = plan(&sentence, &focus, &Names::default());
        let forbidden = sentence.split(' ').any(|word| MARKERS.contains(&word));
        // A read after the change may use such a word ("restart backend and wait until it is ready").
        let later_read = sentence.contains(" and ") || sentence.contains(" then ") || sentence.contains(',');
        prop_assert!(!(is_change(&planned) && forbidden && !later_read), "{}: {:?}", sentence, planned);
        focus.update(&planned);
        let _ = plan(&sentence, &focus, &Names::default());
    }

    #[test]
    fn a_name_is_passed_on_as_it_was_typed(name in "[a-z][a-z0-9]{2,9}-[a-z0-9]{1,8}") {
        let planned = plan(&format!("scale {name} to 3"), &Focus::default(), &Names::default());
        let Planned::Calls { calls, .. } = planned else { return Err(TestCaseError::fail(format!("{planned:?}"))) };
        prop_assert_eq!(&calls[0].args["workload"], &serde_json::Value::from(name));
    }
}
