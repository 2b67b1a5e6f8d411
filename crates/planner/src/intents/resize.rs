//! "resize the redis volume to 2Gi": more room for a claim on storage.
//!
//! It is a call of the tool `patch`. Which claim belongs to what was named, the tool finds or asks.

use serde_json::json;
use todo_agent_kube_rules::quantities::Quantity;

use super::{Arguments, Heard, Hearing, Intent, values::amount};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Resize;

const VERBS: &[&str] = &["resize", "expand", "grow", "extend", "enlarge", "increase", "raise", "bump"];
const VOLUMES: &[&str] = &[
    "persistent volume claim",
    "volume claim",
    "persistent volume",
    "persistentvolumeclaim",
    "pvc",
    "volume size",
    "volume",
    "disk size",
    "disk",
    "persistent storage",
    "storage size",
    "storage",
];
/// Kinds by whose name their claim may be meant.
const OWNERS: &[&str] = &["pvc", "persistentvolumeclaim", "statefulset", "sts"];

impl Intent for Resize {
    fn tool(&self) -> &'static str {
        "patch"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["of", "for", "from"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["resize the redis volume to 2Gi"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let verb = segment.longest_at(segment.head()?, VERBS)?;
        let volume = segment.find(VOLUMES)?;
        let mut heard = Heard::default();
        match amount(segment, "storage") {
            Some((text, start, end)) if segment.word(start.wrapping_sub(1)) == Some("to") => {
                let plain = text.ends_with(|character: char| character.is_ascii_digit());
                if plain || text.parse::<Quantity>().is_err() {
                    let why = format!("\"{text}\" is no size as Kubernetes writes one: to how much, for example 2Gi?");
                    heard.problem = Some(why);
                }
                let fields = json!({"spec": {"resources": {"requests": {"storage": text}}}});
                segment.use_range(start - 1, end);
                heard.arguments.insert("merge".to_owned(), fields);
            }
            _ => heard.problem = Some("To what size, for example 2Gi?".to_owned()),
        }
        segment.use_range(verb.start, verb.end);
        segment.use_range(volume.start, volume.end);
        heard.arguments.insert("kind".to_owned(), "pvc".into());
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        let (kind, name) = target.parts();
        if !target.plural && kind.is_none_or(|kind| OWNERS.contains(&kind)) {
            arguments.insert("name".to_owned(), name.into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        super::lacks_target(arguments, "name")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "Which volume claim is meant?".to_owned()
    }
}
