//! "what changed since yesterday?", "recent changes in shop": what was changed lately.

use super::{Arguments, Heard, Hearing, Intent, Needs, reading};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention, time};

pub(crate) struct Changes;

const CHANGED: &[&str] = &[
    "what changed",
    "what has changed",
    "what's changed",
    "what have changed",
    "what was changed",
    "what has been changed",
    "what is changed",
    "what did change",
    "what all changed",
    "what things changed",
    "what is different",
    "what is new",
    "what's new",
    "did anything change",
    "did something change",
    "has anything changed",
    "has something changed",
    "was anything changed",
    "anything changed",
    "recent changes",
    "latest changes",
    "last changes",
    "newest changes",
    "list changes",
    "list of changes",
    "show changes",
    "show me changes",
    "show recent changes",
    "what changes",
    "changes made",
    "changes",
];
/// Days as people name them, with a span that surely holds them.
const DAYS: &[(&str, &str)] = &[
    ("since yesterday", "48h"),
    ("yesterday", "48h"),
    ("today", "24h"),
    ("since this morning", "24h"),
    ("this morning", "24h"),
    ("last night", "24h"),
    ("overnight", "24h"),
    ("since last week", "336h"),
    ("this week", "168h"),
];
const RECENTLY: &[&str] = &["recently", "lately", "were made", "were there", "there were", "happened", "in cluster"];

impl Intent for Changes {
    fn tool(&self) -> &'static str {
        "changes"
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["what changed in the last hour?"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard { asked: true, ..Heard::default() };
        if hearing == Hearing::Fresh {
            let mut trial = segment.clone();
            if trial.take_head(CHANGED).is_none() {
                reading::take_head(&mut trial);
                trial.take_head(CHANGED)?;
            }
            *segment = trial;
        }
        let day = DAYS.iter().find_map(|(words, span)| segment.take(&[words]).map(|_| *span));
        if let Some(since) = day.map(str::to_owned).or_else(|| time::take_since(segment)) {
            heard.arguments.insert("since".to_owned(), since.into());
        }
        segment.take_all(RECENTLY);
        Some(heard)
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}
