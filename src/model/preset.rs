//! Servers that are known by name: where they are, which key they take, and where they differ.
//!
//! Sources: the published documentation of each (base URL of the OpenAI-compatible interface, environment variable of the
//! key). Whatever is not in this table is reached with a base URL.

use crate::problem::{Problem, nearest};

/// A server that is known by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, as flags and configuration have it.
    pub name: &'static str,
    /// Other names it is given.
    pub aliases: &'static [&'static str],
    /// Where it is, where there is one place.
    pub base_url: Option<&'static str>,
    /// Environment variables that say where it is, in order.
    pub base_variables: &'static [&'static str],
    /// Environment variables that hold its key, in order.
    pub key_variables: &'static [&'static str],
    /// Whether it answers without a key.
    pub key: KeyNeed,
    /// The model that is asked where none is named.
    pub model: Option<&'static str>,
    /// Where it differs from the published format.
    pub quirks: Quirks,
}

/// Whether a server answers without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// It never does.
    Needed,
    /// It often does.
    Optional,
}

/// Where a server differs from the published format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// How the key is sent.
    pub key_header: KeyHeader,
    /// The field that takes reasoning back, where it must or may be sent back.
    pub reasoning_field: Option<&'static str>,
    /// Whether several calls in one message must be asked for.
    pub parallel_calls: ParallelCalls,
    /// What bounds an answer.
    pub limit: LimitField,
    /// Which call ids it accepts.
    pub call_ids: CallIds,
}

/// How a key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`, and an `api-version` in the address.
    Azure,
}

/// Whether several calls in one message must be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParallelCalls {
    /// They are the default.
    Default,
    /// Only with `parallel_tool_calls: true`.
    Asked,
}

/// The name of the field that bounds an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitField {
    /// `max_completion_tokens`.
    CompletionTokens,
    /// `max_tokens`.
    Tokens,
}

/// Which call ids a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIds {
    /// Any.
    Any,
    /// Nine letters and digits.
    NineLetters,
}

const USUAL: Quirks = Quirks {
    key_header: KeyHeader::Bearer,
    reasoning_field: None,
    parallel_calls: ParallelCalls::Default,
    limit: LimitField::Tokens,
    call_ids: CallIds::Any,
};

const OPENAI: Quirks = Quirks { limit: LimitField::CompletionTokens, ..USUAL };

/// The servers that are known by name.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "openai",
        aliases: &[],
        base_url: Some("https://api.openai.com/v1"),
        base_variables: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        key_variables: &["OPENAI_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("gpt-5"),
        quirks: OPENAI,
    },
    Preset {
        name: "gemini",
        aliases: &["google"],
        base_url: Some("https://generativelanguage.googleapis.com/v1beta/openai"),
        base_variables: &[],
        key_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("gemini-2.5-flash"),
        quirks: USUAL,
    },
    Preset {
        name: "ollama",
        aliases: &[],
        base_url: Some("http://localhost:11434/v1"),
        base_variables: &["OLLAMA_HOST"],
        key_variables: &["OLLAMA_API_KEY"],
        key: KeyNeed::Optional,
        model: None,
        quirks: USUAL,
    },
    Preset {
        name: "llamacpp",
        aliases: &["llama.cpp", "llama-cpp", "llama-server"],
        base_url: Some("http://localhost:8080/v1"),
        base_variables: &["LLAMACPP_HOST"],
        key_variables: &["LLAMA_API_KEY"],
        key: KeyNeed::Optional,
        // The server has one model and takes any name for it.
        model: Some("default"),
        quirks: Quirks { reasoning_field: Some("reasoning_content"), parallel_calls: ParallelCalls::Asked, ..USUAL },
    },
    Preset {
        name: "vllm",
        aliases: &[],
        base_url: Some("http://localhost:8000/v1"),
        base_variables: &[],
        key_variables: &["VLLM_API_KEY"],
        key: KeyNeed::Optional,
        model: None,
        quirks: OPENAI,
    },
    Preset {
        name: "openrouter",
        aliases: &[],
        base_url: Some("https://openrouter.ai/api/v1"),
        base_variables: &[],
        key_variables: &["OPENROUTER_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("openrouter/auto"),
        quirks: Quirks { reasoning_field: Some("reasoning"), ..USUAL },
    },
    Preset {
        name: "groq",
        aliases: &[],
        base_url: Some("https://api.groq.com/openai/v1"),
        base_variables: &[],
        key_variables: &["GROQ_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("openai/gpt-oss-120b"),
        quirks: OPENAI,
    },
    Preset {
        name: "azure",
        aliases: &["azopenai", "azure-openai"],
        base_url: None,
        base_variables: &["AZURE_OPENAI_ENDPOINT"],
        key_variables: &["AZURE_OPENAI_API_KEY"],
        key: KeyNeed::Needed,
        model: None,
        quirks: Quirks { key_header: KeyHeader::Azure, ..OPENAI },
    },
    Preset {
        name: "deepseek",
        aliases: &[],
        base_url: Some("https://api.deepseek.com/v1"),
        base_variables: &[],
        key_variables: &["DEEPSEEK_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("deepseek-chat"),
        quirks: Quirks { reasoning_field: Some("reasoning_content"), ..USUAL },
    },
    Preset {
        name: "mistral",
        aliases: &[],
        base_url: Some("https://api.mistral.ai/v1"),
        base_variables: &[],
        key_variables: &["MISTRAL_API_KEY"],
        key: KeyNeed::Needed,
        model: Some("mistral-large-latest"),
        quirks: Quirks { call_ids: CallIds::NineLetters, ..USUAL },
    },
    CUSTOM,
];

/// Any server with a base URL.
pub const CUSTOM: Preset = Preset {
    name: "custom",
    aliases: &["openai-compatible"],
    base_url: None,
    base_variables: &[],
    key_variables: &[],
    key: KeyNeed::Optional,
    model: None,
    quirks: USUAL,
};

/// The environment variable that holds a key for whatever server is configured; it is looked at first.
pub const KEY_VARIABLE: &str = "TODO_AGENT_API_KEY";

/// Providers that speak another language, and the way to them that this program knows.
const OTHERS: &[(&str, &str)] = &[
    ("anthropic", "Claude is reached through an OpenAI-compatible endpoint: --provider openrouter, or --base-url URL"),
    ("claude", "Claude is reached through an OpenAI-compatible endpoint: --provider openrouter, or --base-url URL"),
    ("bedrock", "put an OpenAI-compatible gateway in front of Bedrock and name it with --base-url URL"),
    ("vertexai", "the same models are there with --provider gemini and a GEMINI_API_KEY"),
    ("vertex", "the same models are there with --provider gemini and a GEMINI_API_KEY"),
    ("cohere", "Cohere's OpenAI-compatible endpoint: --base-url https://api.cohere.ai/compatibility/v1"),
    ("grok", "xAI's OpenAI-compatible endpoint: --base-url https://api.x.ai/v1"),
    ("xai", "xAI's OpenAI-compatible endpoint: --base-url https://api.x.ai/v1"),
    ("huggingface", "Hugging Face's OpenAI-compatible endpoint: --base-url https://router.huggingface.co/v1"),
    ("sagemaker", "put an OpenAI-compatible gateway in front of it and name it with --base-url URL"),
    ("watsonx", "put an OpenAI-compatible gateway in front of it and name it with --base-url URL"),
];

/// Returns the preset of this name.
///
/// # Errors
/// Returns which names there are, or the compatible way to a provider that speaks another language.
pub fn find(name: &str) -> Result<&'static Preset, Problem> {
    let name = name.trim().to_ascii_lowercase();
    let known = PRESETS.iter().find(|preset| preset.name == name || preset.aliases.contains(&name.as_str()));
    if let Some(preset) = known {
        return Ok(preset);
    }
    if let Some((_, way)) = OTHERS.iter().find(|(other, _)| *other == name) {
        let message = format!("todo-agent speaks to OpenAI-compatible servers only, and {name} has no preset for one");
        return Err(Problem::configuration(message).hint(*way));
    }
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let problem = Problem::configuration(format!("there is no provider {name:?}"));
    Err(match nearest(&name, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem
            .hint(format!("the providers are {}", names.join(", ")))
            .hint("any OpenAI-compatible server works with --base-url URL"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_name_and_alias() {
        for (name, expected) in
            [("openai", "openai"), ("Google", "gemini"), ("llama.cpp", "llamacpp"), ("azopenai", "azure")]
        {
            assert_eq!(find(name).unwrap().name, expected);
        }
    }

    #[test]
    fn a_provider_that_speaks_another_language_names_the_way() {
        for (name, _) in OTHERS {
            let problem = find(name).unwrap_err();
            assert_eq!(problem.exit.code(), 2);
            assert!(problem.message.contains("OpenAI-compatible"), "{problem}");
            assert!(problem.hints[0].contains("--"), "{problem:?}");
        }
        assert_eq!(find("olama").unwrap_err().hints, ["did you mean ollama?"]);
        assert!(find("nobody").unwrap_err().hints[0].starts_with("the providers are openai, gemini, ollama"));
    }

    #[test]
    fn every_address_in_the_table_is_one() {
        for url in PRESETS.iter().filter_map(|preset| preset.base_url) {
            let url = reqwest::Url::parse(url).unwrap();
            let is_here = url.host_str() == Some("localhost");
            assert_eq!(url.scheme(), if is_here { "http" } else { "https" }, "{url}");
        }
    }
}
