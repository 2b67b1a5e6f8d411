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
        let verb = segment.head()?;
        let mut at = segment.longest_at(verb, VERBS)?.end;
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
        segment.use_range(verb, at);
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
    name.starts_with(".env.") || name.rsplit_once('.').is_some_and(|(_, end)| end == "env")
}
