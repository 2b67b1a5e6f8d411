//! "show the recent events in shop", "what happened to backend in the last hour".

use super::{Arguments, Heard, Hearing, Intent, Needs, reading};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention, time};

pub(crate) struct Events;

const NOUNS: &[&str] = &["events", "event", "ev"];
const WARNINGS: &[&str] = &["warning events", "warnings", "warning", "events of type warning", "type=warning"];
const HAPPENED: &[&str] = &[
    "what happened",
    "what has happened",
    "what is happening",
    "what's happening",
    "what was happening",
    "what is going on",
    "what's going on",
    "what went on",
    "what has been happening",
    "what's been happening",
    "anything happening",
    "anything happened",
    "what happens",
    "did anything happen",
    "did something happen",
    "has anything happened",
    "what all happened",
    "what did happen",
];
const RECENTLY: &[&str] =
    &["recently", "lately", "recent", "latest", "last", "new", "newest", "only", "kubernetes", "k8s", "cluster"];

impl Intent for Events {
    fn tool(&self) -> &'static str {
        "events"
    }

    fn looks_everywhere(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::TargetIfAny
    }

    fn examples(&self) -> &'static [&'static str] {
        &["show events", "warnings since 30m", "what happened to backend in the last hour"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        let happened = segment.take(HAPPENED).is_some();
        let warnings = segment.take(WARNINGS).is_some();
        let events = segment.take(NOUNS).is_some();
        if !(happened || warnings || events || hearing == Hearing::GoingOn) {
            return None;
        }
        if warnings {
            heard.arguments.insert("warnings_only".to_owned(), true.into());
        }
        if let Some(since) = time::take_since(segment) {
            heard.arguments.insert("since".to_owned(), since.into());
        }
        segment.take_all(RECENTLY);
        reading::take_head(segment);
        segment.take_all(&["happened", "are there for", "are there"]);
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("about".to_owned(), target.workload().into());
    }

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}
