//! "delete the pod redis-0", "remove the configmap settings": one object, with its kind and its name.
//!
//! Without a kind it is asked for; several objects ("the backend pods") are never meant by one word.

use super::{Arguments, Heard, Hearing, Intent};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Delete;

const VERBS: &[&str] = &["delete", "destroy", "erase", "get rid of"];
/// Verbs that also take away replicas and variables: only with a kind.
const WITH_KIND: &[&str] = &["remove", "drop"];

impl Intent for Delete {
    fn tool(&self) -> &'static str {
        "delete"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &[]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["delete the pod redis-0", "delete deployment backend in namespace shop"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if segment.take_head(VERBS).is_some() {
            return Some(Heard::default());
        }
        let with_kind = segment.head().is_some_and(|head| {
            let kind = segment.longest_at(head, WITH_KIND).map(|verb| verb.end);
            kind.is_some_and(|at| {
                crate::lexicon::kinds::at(segment, at, crate::lexicon::kinds::Spelling::Exact).is_some()
            })
        });
        if with_kind {
            segment.take_head(WITH_KIND);
            return Some(Heard::default());
        }
        // "… and the service redis"
        let goes_on = hearing == Hearing::GoingOn
            && segment.head().is_some_and(|head| {
                crate::lexicon::kinds::at(segment, head, crate::lexicon::kinds::Spelling::Exact).is_some()
            });
        goes_on.then(Heard::default)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        if target.plural {
            return;
        }
        let (kind, name) = target.parts();
        if let Some(kind) = kind {
            arguments.insert("kind".to_owned(), kind.into());
            arguments.insert("name".to_owned(), name.into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        (!arguments.contains_key("kind") || !arguments.contains_key("name")).then_some(Missing::Target)
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "Which object should be deleted? Name its kind and its exact name, for example pod redis-0.".to_owned()
    }
}
