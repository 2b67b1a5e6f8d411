//! "run redis-cli ping in redis", "exec redis-0 -- ls /data": a command and the pod it is for.
//!
//! The command was taken out of the sentence before (`command`); here are the words around it.

use serde_json::json;

use super::{Arguments, Heard, Hearing, Intent, lacks_target};
use crate::{command, context::Context, planned::Missing, segment::Segment, target::Mention, tokens::TokenKind};

pub(crate) struct Exec;

const VERBS: &[&str] = &["run", "exec", "execute", "kubectl exec"];
/// Programs that do nothing without somebody who types.
const SHELLS: &[&str] = &["sh", "bash", "ash", "zsh"];

impl Intent for Exec {
    fn tool(&self) -> &'static str {
        "exec"
    }

    fn writes(&self) -> bool {
        true
    }

    fn is_done_inside(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["in", "on", "inside", "within", "of"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["run redis-cli ping in redis", "run \"ls -l /data\" in pod redis-0"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let spoken = segment.unused().find(|&at| segment.tokens()[at].kind == TokenKind::Command)?;
        segment.take_head(VERBS)?;
        let text = segment.tokens()[spoken].text.clone();
        segment.use_range(spoken, spoken + 1);
        // A terminal is not given; what asks for one is answered without.
        segment.take_all(&["-it", "-ti", "-i", "-t"]);
        let mut heard = Heard::default();
        if let Some(container) = take_container(segment) {
            heard.arguments.insert("container".to_owned(), container.into());
        }
        match command::words(&text) {
            Ok(words) if words.len() == 1 && SHELLS.contains(&words[0].as_str()) => {
                heard.problem = Some(format!(
                    "Nobody can type into {} from here. What should it run? For example: run \"{} -c 'ls /'\" in the pod.",
                    words[0], words[0]
                ));
            }
            Ok(words) => drop(heard.arguments.insert("command".to_owned(), json!(words))),
            Err(Some(character)) => {
                heard.problem = Some(format!(
                    "No shell reads the command, so \"{character}\" would mean nothing. To have one, name it: run \"sh -c '…'\" in the pod."
                ));
            }
            Err(None) => heard.problem = Some("A quotation mark of the command is not closed.".to_owned()),
        }
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        if !target.plural {
            arguments.insert("target".to_owned(), target.workload().into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "target")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "In which pod? Name it exactly, for example pod redis-0.".to_owned()
    }
}

/// Takes `-c NAME`, "container NAME of", "the NAME container of".
fn take_container(segment: &mut Segment) -> Option<String> {
    if let Some(name) = segment.take_flag(&["-c", "--container"]) {
        return Some(name);
    }
    let noun = segment.find(&["container"])?;
    let lead =
        |at: usize| at.checked_sub(1).filter(|&at| matches!(segment.word(at), Some("in" | "on" | "inside" | "within")));
    let followed = |at: usize| matches!(segment.word(at), Some("of" | "in" | "on"));
    // "in container app of redis"
    if let Some(name) = segment.free(noun.end).map(|token| token.text.clone())
        && followed(noun.end + 1)
    {
        let start = lead(noun.start).unwrap_or(noun.start);
        segment.use_range(start, noun.end + 2);
        return Some(name);
    }
    // "in the app container of redis"
    let at = noun.start.checked_sub(1)?;
    let name = segment.free(at)?.text.clone();
    let start = lead(at)?;
    let end = if followed(noun.end) { noun.end + 1 } else { return None };
    segment.use_range(start, end);
    Some(name)
}
