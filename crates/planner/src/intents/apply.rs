//! "apply deploy/web.yaml", `apply -f web.yaml`: manifests from a file of the person's.
//!
//! Only a file that is called like one: "apply the changes" names nothing that could be sent.

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Apply;

const NOUNS: &[&str] = &["file", "manifest", "manifests", "manifest file", "manifests in", "manifests from", "yaml"];
const ENDINGS: &[&str] = &[".yaml", ".yml", ".json"];

impl Intent for Apply {
    fn tool(&self) -> &'static str {
        "apply"
    }

    fn writes(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["apply deploy/web.yaml"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let first = segment.head()?;
        let verb = segment.match_at(first, "apply")?;
        let mut heard = Heard::default();
        let file = if let Some(file) = segment.take_flag(&["-f", "--filename"]) {
            segment.use_range(first, verb);
            file
        } else {
            let at = segment.longest_at(verb, NOUNS).map_or(verb, |noun| noun.end);
            let file = segment.free(at)?.text.clone();
            segment.use_range(first, at + 1);
            file
        };
        let is_file = ENDINGS.iter().any(|ending| file.to_lowercase().ends_with(ending)) && !file.contains("://");
        heard.arguments.insert("file".to_owned(), file.into());
        is_file.then_some(heard)
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}
