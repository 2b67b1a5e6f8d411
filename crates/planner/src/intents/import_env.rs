//! "turn .env into a secret and a configmap", "import .env.production as a secret named backend-env".
//!
//! The file's name must have `.env` in it: no other file is meant by these words.

use serde_json::json;

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct ImportEnv;

const VERBS: &[&str] = &["turn", "import", "convert", "load", "store", "put", "make"];
const INTO: &[&str] = &["into", "as", "in", "to"];
const BOTH: &[&str] = &["secret-and-configmap"];
const SECRET: &[&str] = &["secret", "secrets"];
const OPEN: &[&str] = &["configmap", "config map", "configmaps"];
const NAMED: &[&str] = &["named", "called", "with name"];

impl Intent for ImportEnv {
    fn tool(&self) -> &'static str {
        "import_env"
    }

    fn writes(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["turn .env into a secret and a configmap"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        if let Some(heard) = from_env_file(segment) {
            return Some(heard);
        }
        let first = segment.head()?;
        let mut at = segment.longest_at(first, VERBS)?.end;
        at = segment.match_at(at, "file").unwrap_or(at);
        let file = segment.free(at).map(|token| token.text.clone()).filter(|text| is_env_file(text))?;
        at += 1;
        at = segment.match_at(at, "file").unwrap_or(at);
        let mut heard = Heard::default();
        heard.arguments.insert("file".to_owned(), file.into());
        if let Some(into) = segment.longest_at(at, INTO) {
            let both = segment.longest_at(into.end, BOTH);
            let secret = segment.longest_at(into.end, SECRET);
            let open = segment.longest_at(into.end, OPEN);
            at = both.or(secret).or(open)?.end;
            if both.is_none() {
                let names = if secret.is_some() { json!(["*"]) } else { json!([]) };
                heard.arguments.insert("secret".to_owned(), names);
            }
        }
        if let Some(named) = segment.longest_at(at, NAMED) {
            let name = segment.free(named.end)?.text.clone();
            heard.arguments.insert("name".to_owned(), name.into());
            at = named.end + 1;
        }
        segment.use_range(first, at);
        Some(heard)
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}

/// `.env`, `deploy/.env.production`, `backend.env`.
fn is_env_file(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or_default().to_lowercase();
    name == ".env" || name.starts_with(".env.") || name.rsplit_once('.').is_some_and(|(_, ending)| ending == "env")
}

/// Takes "create a secret and a configmap from .env" and `create secret generic NAME --from-env-file=FILE`.
fn from_env_file(segment: &mut Segment) -> Option<Heard> {
    let first = segment.head()?;
    let verb = segment.longest_at(first, &["make", "create", "build", "generate"])?;
    let both = segment.longest_at(verb.end, BOTH);
    let secret = segment.longest_at(verb.end, &["secret generic", "generic secret", "secret"]);
    let noun = both.or(secret).or_else(|| segment.longest_at(verb.end, OPEN))?;
    let flag = segment.clone().take_flag(&["--from-env-file"]);
    let name_at = |at: usize| segment.longest_at(at, NAMED).map_or(at, |called| called.end);
    let (file, name, end) = if let Some(file) = flag {
        (file, segment.free(name_at(noun.end)).map(|token| token.text.clone()), name_at(noun.end) + 1)
    } else {
        let from = segment.longest_at(noun.end, &["from file", "from", "out of", "of"])?;
        let file = segment.free(from.end)?.text.clone();
        let end = segment.match_at(from.end + 1, "file").unwrap_or(from.end + 1);
        let name = segment
            .longest_at(end, NAMED)
            .and_then(|named| Some((segment.free(named.end)?.text.clone(), named.end + 1)));
        name.map_or((file.clone(), None, end), |(name, end)| (file, Some(name), end))
    };
    if !is_env_file(&file) {
        return None;
    }
    segment.take_flag(&["--from-env-file"]);
    segment.use_range(first, end.min(segment.len()));
    let mut heard = Heard::default();
    heard.arguments.insert("file".to_owned(), file.into());
    if both.is_none() {
        let names = if secret.is_some() { json!(["*"]) } else { json!([]) };
        heard.arguments.insert("secret".to_owned(), names);
    }
    heard.arguments.extend(name.map(|name| ("name".to_owned(), name.into())));
    Some(heard)
}
