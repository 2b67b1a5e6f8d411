//! How long a conversation the server takes, where it says so. Ollama cuts what is longer without a word, so that a small
//! context shows only in strange answers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    commands::checks::Check,
    model::{Client, Listed},
};

const PATIENCE: Duration = Duration::from_secs(5);
/// Fewer tokens than this are soon full: the tools and the rules take up to four thousand.
const SMALL: u64 = 16 * 1024;

/// Checks the size of the context.
pub(crate) async fn check(client: &Client, models: &[Listed]) -> Check {
    let wanted = &client.settings.model;
    let listed = models.iter().find(|model| model.name == *wanted).and_then(|model| model.context_tokens);
    let tokens = match client.settings.preset.name {
        "ollama" => ollama(client).await,
        "llamacpp" => llamacpp(client).await,
        _ => None,
    };
    judged(client.settings.preset.name, tokens.or(listed), client.settings.context_tokens)
}

fn judged(preset: &str, tokens: Option<u64>, configured: Option<usize>) -> Check {
    let Some(tokens) = tokens else {
        return match configured {
            Some(tokens) => Check::ok("context", format!("{tokens} tokens, as configured")),
            None => Check::ok("context", "the server does not say; context_tokens in [model] of config.toml sets it"),
        };
    };
    if tokens < SMALL {
        let how = match preset {
            "ollama" => "it cuts longer conversations silently: OLLAMA_CONTEXT_LENGTH=32768 ollama serve",
            "llamacpp" => "start it with a larger one: llama-server -c 32768",
            _ => "long conversations will be shortened early",
        };
        return Check::warn("context", format!("{tokens} tokens, which is small"), how);
    }
    if configured.is_some_and(|configured| configured as u64 > tokens) {
        let hint = "context_tokens in [model] of config.toml says more than that";
        return Check::warn("context", format!("{tokens} tokens"), hint);
    }
    Check::ok("context", format!("{tokens} tokens"))
}

/// Returns what the loaded model was given, else what its file says.
async fn ollama(client: &Client) -> Option<u64> {
    let wanted = &client.settings.model;
    let loaded = value(&client.get(outside(client, "api/ps"), PATIENCE).await.ok()?);
    let is_wanted = |model: &&Value| {
        let name = model["model"].as_str().or_else(|| model["name"].as_str()).unwrap_or_default();
        name == wanted || name.strip_suffix(":latest") == Some(wanted)
    };
    let given = loaded["models"].as_array()?.iter().find(is_wanted).and_then(|model| model["context_length"].as_u64());
    if given.is_some() {
        return given;
    }
    let shown = client.post(outside(client, "api/show"), &json!({ "model": wanted }), PATIENCE).await.ok()?;
    let shown = value(&shown);
    let parameters = shown["parameters"].as_str().unwrap_or_default();
    let set = parameters.lines().find_map(|line| line.trim().strip_prefix("num_ctx")?.trim().parse().ok());
    set.or(Some(OLLAMA_DEFAULT))
}

/// What Ollama gives a model where nothing is set. Source: its FAQ, "How can I specify the context window size?".
const OLLAMA_DEFAULT: u64 = 4096;

async fn llamacpp(client: &Client) -> Option<u64> {
    let props = value(&client.get(outside(client, "props"), PATIENCE).await.ok()?);
    props["default_generation_settings"]["n_ctx"].as_u64().or_else(|| props["n_ctx"].as_u64())
}

/// Returns an address beside the OpenAI-compatible interface.
fn outside(client: &Client, path: &str) -> reqwest::Url {
    let mut url = client.settings.base_url.clone();
    let root = url.path().trim_end_matches('/').trim_end_matches("/v1").to_owned();
    url.set_path(&format!("{root}/{path}"));
    url
}

fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::checks::CheckState;

    #[test]
    fn a_small_context_is_worth_a_warning() {
        for (preset, tokens, configured, state, found) in [
            ("ollama", Some(4096), None, CheckState::Warn, "4096 tokens, which is small"),
            ("ollama", Some(32768), None, CheckState::Ok, "32768 tokens"),
            ("vllm", Some(32768), Some(131_072), CheckState::Warn, "32768 tokens"),
            ("openai", None, Some(200_000), CheckState::Ok, "200000 tokens, as configured"),
        ] {
            let check = judged(preset, tokens, configured);
            assert_eq!((check.state, check.found.as_str()), (state, found), "{preset}");
        }
        assert!(judged("ollama", Some(4096), None).hints[0].contains("OLLAMA_CONTEXT_LENGTH"));
    }
}
