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
        let Some((end, first, action)) = found else {
            return (hearing == Hearing::GoingOn).then_some(heard);
        };
        segment.use_range(first, end);
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
