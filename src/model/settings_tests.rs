//! Which model is meant, from flags, environment and file.

use std::ffi::OsString;

use super::*;

fn resolve(table: &str, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Option<ModelSettings>, Problem> {
    let table: Option<ModelTable> = (!table.is_empty()).then(|| toml::from_str(table).unwrap());
    let flag = |name: &str| flags.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let flags =
        ModelFlags { provider: flag("provider"), model: flag("model"), base_url: flag("base-url"), tools: None };
    let environment =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    ModelSettings::resolve(table.as_ref(), &flags, &environment)
}

fn meant(table: &str, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let settings = resolve(table, flags, variables).unwrap().unwrap();
    format!("{} {} {}", settings.preset.name, settings.model, settings.base_url)
}

fn refusal(table: &str, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let problem = resolve(table, flags, variables).unwrap_err();
    assert_eq!(problem.exit.code(), 2);
    [vec![problem.message], problem.hints].concat().join("\n")
}

const OLLAMA: &str = "provider = \"ollama\"\nmodel = \"qwen3\"\nbase_url = \"http://gpu:11434/v1\"\n\
                      key = { env = \"OLLAMA_KEY\" }\nprice = { input = 1, output = 2 }\n";

#[test]
fn without_a_word_there_is_no_model() {
    assert_eq!(resolve("", &[], &[]), Ok(None));
    assert_eq!(resolve("context_tokens = 8000", &[], &[("OPENAI_API_KEY", "x")]), Ok(None));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let local = "ollama qwen3 http://gpu:11434/v1";
    assert_eq!(meant(OLLAMA, &[], &[]), local);
    assert_eq!(meant(OLLAMA, &[], &[("TODO_AGENT_MODEL", "phi4")]), "ollama phi4 http://gpu:11434/v1");
    assert_eq!(
        meant(OLLAMA, &[("model", "gemma3")], &[("TODO_AGENT_MODEL", "phi4")]),
        "ollama gemma3 http://gpu:11434/v1"
    );
    assert_eq!(meant(OLLAMA, &[("base-url", "http://localhost:1/v1")], &[]), "ollama qwen3 http://localhost:1/v1");
    assert_eq!(meant(OLLAMA, &[("provider", "ollama")], &[]), local);
}

#[test]
fn what_the_file_says_of_one_server_is_not_told_to_another() {
    let settings = resolve(OLLAMA, &[("provider", "openai")], &[]).unwrap().unwrap();
    assert_eq!(settings.describe(), "gpt-5 at api.openai.com");
    assert_eq!((settings.key, settings.price), (None, None));
    let settings = resolve(OLLAMA, &[], &[("TODO_AGENT_PROVIDER", "gemini")]).unwrap().unwrap();
    assert_eq!((settings.key.is_none(), settings.preset.name), (true, "gemini"));
}

#[test]
fn where_a_server_is() {
    for (flags, variables, expected) in [
        (vec![("model", "gpt-5-mini")], vec![], "openai gpt-5-mini https://api.openai.com/v1"),
        (vec![("provider", "openai")], vec![("OPENAI_BASE_URL", "http://proxy/v1")], "openai gpt-5 http://proxy/v1"),
        (vec![("provider", "llamacpp")], vec![], "llamacpp default http://localhost:8080/v1"),
        (
            vec![("provider", "ollama"), ("model", "a")],
            vec![("OLLAMA_HOST", "0.0.0.0")],
            "ollama a http://127.0.0.1:11434/v1",
        ),
        (
            vec![("provider", "ollama"), ("model", "a")],
            vec![("OLLAMA_HOST", "https://gpu.example/")],
            "ollama a https://gpu.example/v1",
        ),
        (
            vec![("base-url", "https://x.example/v1/chat/completions"), ("model", "a")],
            vec![],
            "custom a https://x.example/v1",
        ),
        (
            vec![("provider", "azopenai"), ("model", "prod")],
            vec![("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/")],
            "azure prod https://r.openai.azure.com/openai/deployments/prod?api-version=2024-10-21",
        ),
        (
            vec![("provider", "azure"), ("model", "prod"), ("base-url", "https://r.openai.azure.com/openai/v1/")],
            vec![],
            "azure prod https://r.openai.azure.com/openai/v1",
        ),
    ] {
        assert_eq!(meant("", &flags, &variables), expected);
    }
}

#[test]
fn what_is_missing_or_wrong_says_what_would_be_right() {
    assert!(refusal("", &[("provider", "ollama")], &[]).contains("the provider ollama needs the name of a model"));
    assert!(refusal("", &[("provider", "azure"), ("model", "x")], &[]).contains("AZURE_OPENAI_ENDPOINT"));
    assert!(refusal("", &[("base-url", "http://x/v1")], &[]).contains("needs the name of a model"));
    assert!(refusal("", &[("provider", "bedrock")], &[]).contains("OpenAI-compatible gateway"));
    assert!(refusal("provider = \"olama\"", &[], &[]).contains("did you mean ollama?"));
    for url in ["localhost:11434", "ftp://x/v1", "/v1", ""] {
        let refusal = refusal("", &[("base-url", url), ("model", "x")], &[]);
        assert!(refusal.contains("https://example.com/v1"), "{url}: {refusal}");
    }
    let with_password = refusal("", &[("base-url", "http://ana:canary@x/v1"), ("model", "x")], &[]);
    assert!(with_password.contains("headers = ") && !with_password.contains("canary"), "{with_password}");
    assert!(refusal("", &[("model", "a\nb")], &[]).contains("is no name of a model"));
}

#[test]
fn everything_in_the_table() {
    let settings = resolve(
        r#"
        provider = "vllm"
        model = "Qwen/Qwen3-8B"
        headers = { x-team = "canary" }
        ca_file = "/etc/ssl/company.pem"
        timeouts = { connect = "1s", first = "5m", between = "30s", whole = "1h" }
        tools = "text"
        context_tokens = 32768
        answer_tokens = 2000
        price = { input = 1.25, cached = 0.125, output = 10 }
        "#,
        &[],
        &[],
    );
    let settings = settings.unwrap().unwrap();
    let seconds = |duration: Duration| duration.as_secs();
    let Timeouts { connect, first, between, whole } = settings.timeouts;
    assert_eq!([connect, first, between, whole].map(seconds), [1, 300, 30, 3600]);
    assert_eq!(settings.tools, ToolsForm::Text);
    assert_eq!((settings.context_tokens, settings.answer_tokens), (Some(32768), Some(2000)));
    assert_eq!(settings.price, Some(Prices { input: 1.25, cached: Some(0.125), output: 10.0 }));
    assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
}

#[test]
fn where_the_key_comes_from() {
    let environment = |name: &str| (name == "OPENAI_API_KEY").then(|| OsString::from("canary"));
    let settings = resolve("", &[("provider", "openai")], &[]).unwrap().unwrap();
    assert_eq!(settings.describe_key(&environment), "environment variable OPENAI_API_KEY");
    assert_eq!(settings.describe_key(&|_| None), "none (OPENAI_API_KEY is not set)");
    assert_eq!(settings.warnings(&environment), [""; 0]);
    let settings = resolve("", &[("provider", "openai"), ("base-url", "http://far.example/v1")], &[]);
    let warnings = settings.unwrap().unwrap().warnings(&environment);
    assert_eq!(warnings, ["the key goes to far.example without encryption"]);
    let settings = resolve("", &[("provider", "openai"), ("base-url", "http://[::1]:4000/v1")], &[]);
    assert_eq!(settings.unwrap().unwrap().warnings(&environment), [""; 0]);
}
