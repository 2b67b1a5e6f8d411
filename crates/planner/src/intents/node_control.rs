//! "drain node worker-1", "cordon worker-2": one node and what happens to it.
//!
//! The verb says it all; what follows must be a node.

use super::{Arguments, Heard, Hearing, Intent, lacks_target};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct NodeControl;

const ACTIONS: &[(&str, &str)] = &[
    ("drain", "drain"),
    ("evacuate", "drain"),
    ("cordon", "cordon"),
    ("cordon off", "cordon"),
    ("uncordon", "uncordon"),
    ("un-cordon", "uncordon"),
];

impl Intent for NodeControl {
    fn tool(&self) -> &'static str {
        "node_control"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &[]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["drain node worker-1", "cordon worker-2"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        let found = segment.head().and_then(|first| {
            ACTIONS.iter().filter_map(|(verb, action)| Some((segment.match_at(first, verb)?, first, *action))).max()
        });
        if let Some(action) = take_state(segment) {
            heard.arguments.insert("action".to_owned(), action.into());
            return Some(heard);
        }
        let Some((end, first, action)) = found else {
            return (hearing == Hearing::GoingOn).then_some(heard);
        };
        segment.use_range(first, end);
        // A drain does these in any case, and its preview says so.
        segment.take_all(&["--ignore-daemonsets", "--ignore-daemonsets=true", "--delete-emptydir-data", "--force"]);
        heard.arguments.insert("action".to_owned(), action.into());
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        let (kind, name) = target.parts();
        if !target.plural && kind.is_none_or(|kind| matches!(kind, "node" | "no")) {
            arguments.insert("node".to_owned(), name.into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "node")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "Which node?".to_owned()
    }
}

/// Takes "make node worker-1 unschedulable".
fn take_state(segment: &mut Segment) -> Option<&'static str> {
    let make = segment.longest_at(segment.head()?, &["make", "mark", "set"])?;
    let (state, action) = [("unschedulable", "cordon"), ("schedulable", "uncordon")]
        .into_iter()
        .find_map(|(word, action)| Some((segment.find(&[word])?, action)))?;
    segment.use_range(make.start, make.end);
    let begin = state.start.checked_sub(1).filter(|&at| segment.word(at) == Some("as"));
    segment.use_range(begin.unwrap_or(state.start), state.end);
    Some(action)
}
