//! Which model is asked and how: flags win over the environment, the environment over `[model]` in `config.toml`.
//!
//! Nothing here is a secret: a key is named by where it is. A model is configured where any of them names a model, a
//! provider or a server; without one the program works with its offline planner alone.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{
    key::KeySource,
    preset::{self, CUSTOM, KeyHeader, Preset},
};
use crate::{cli::duration, problem::Problem, state::Environment};

/// The version of Azure's interface where none is named.
const AZURE_VERSION: &str = "2024-10-21";

/// The `[model]` table of `config.toml`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    provider: Option<String>,
    model: Option<String>,
    base_url: Option<String>,
    key: Option<KeySource>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    timeouts: TimeoutTable,
    tools: Option<ToolsForm>,
    context_tokens: Option<usize>,
    answer_tokens: Option<u32>,
    api_version: Option<String>,
    price: Option<Prices>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeoutTable {
    #[serde(default, deserialize_with = "read_duration")]
    connect: Option<Duration>,
    #[serde(default, deserialize_with = "read_duration")]
    first: Option<Duration>,
    #[serde(default, deserialize_with = "read_duration")]
    between: Option<Duration>,
    #[serde(default, deserialize_with = "read_duration")]
    whole: Option<Duration>,
}

fn read_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map(Some).map_err(|problem| D::Error::custom(format!("{problem}; {}", problem.hints.join("; "))))
}

/// How calls are asked for and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolsForm {
    /// As the interface defines it.
    #[default]
    Native,
    /// As a block of JSON in the text, for models that know no calls.
    Text,
}

/// What tokens cost, in any currency, per million.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Tokens of requests.
    pub input: f64,
    /// Those that the server had cached; as `input` where it is missing.
    pub cached: Option<f64>,
    /// Tokens of answers.
    pub output: f64,
}

/// How long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Duration,
    /// For the first byte of an answer; local servers load the model first.
    pub first: Duration,
    /// From one byte of an answer to the next.
    pub between: Duration,
    /// For a whole answer.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first: Duration::from_mins(2),
            between: Duration::from_mins(1),
            whole: Duration::from_mins(15),
        }
    }
}

/// What the command line says of the model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelFlags {
    /// `--provider`.
    pub provider: Option<String>,
    /// `--model`.
    pub model: Option<String>,
    /// `--base-url`.
    pub base_url: Option<String>,
    /// How calls are written, where the command line says so.
    pub tools: Option<ToolsForm>,
}

/// Which model is asked and how.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// What is known of the server.
    pub preset: &'static Preset,
    /// Where the interface is, without `/chat/completions`.
    pub base_url: Url,
    /// The model's name.
    pub model: String,
    /// Where the key is; none means the preset's environment variables.
    pub key: Option<KeySource>,
    /// Headers that are sent along; their values may be secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A file of certificate authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How calls are asked for and written.
    pub tools: ToolsForm,
    /// How many tokens the model takes; none means that nobody said so.
    pub context_tokens: Option<usize>,
    /// The most tokens of one answer; none leaves it to the server.
    pub answer_tokens: Option<u32>,
    /// What tokens cost.
    pub price: Option<Prices>,
}

impl ModelSettings {
    /// Returns the settings in force; `None` where no model is configured.
    ///
    /// # Errors
    /// Returns what is wrong or missing.
    pub fn resolve(
        table: Option<&ModelTable>,
        flags: &ModelFlags,
        environment: Environment<'_>,
    ) -> Result<Option<Self>, Problem> {
        let text = |name: &str| environment(name).and_then(|value| value.into_string().ok());
        let said = |flag: &Option<String>, variable: &str| flag.clone().or_else(|| text(variable));
        let provider = said(&flags.provider, "TODO_AGENT_PROVIDER");
        let model = said(&flags.model, "TODO_AGENT_MODEL");
        let base_url = said(&flags.base_url, "TODO_AGENT_BASE_URL");
        let empty = ModelTable::default();
        let whole = table.unwrap_or(&empty);
        // What the file says of one server, its key above all, is nothing to another one.
        let is_other = match (&provider, &whole.provider) {
            (Some(now), Some(filed)) => preset::find(now)? != preset::find(filed)?,
            (Some(_), None) => whole.base_url.is_some(),
            (None, _) => false,
        };
        let table = if is_other { &empty } else { whole };
        let provider = provider.or_else(|| table.provider.clone());
        let model = model.or_else(|| table.model.clone());
        let base_url = base_url.or_else(|| table.base_url.clone());
        if provider.is_none() && model.is_none() && base_url.is_none() {
            return Ok(None);
        }
        let preset = match &provider {
            Some(name) => preset::find(name)?,
            None if base_url.is_some() => &CUSTOM,
            None => preset::find("openai")?,
        };
        let model = model.or_else(|| preset.model.map(str::to_owned)).ok_or_else(|| no_model(preset))?;
        if model.trim().is_empty() || model.chars().any(char::is_control) {
            return Err(Problem::configuration(format!("{model:?} is no name of a model")));
        }
        let base_url = match base_url {
            Some(url) => url,
            None => known_place(preset, &text).ok_or_else(|| no_place(preset))?,
        };
        Ok(Some(Self {
            preset,
            base_url: address(&base_url, preset, &model, table.api_version.as_deref())?,
            model,
            key: table.key.clone(),
            headers: headers(&table.headers)?,
            ca_file: whole.ca_file.clone(),
            timeouts: timeouts(&whole.timeouts),
            tools: flags.tools.or(table.tools).unwrap_or_default(),
            context_tokens: table.context_tokens,
            answer_tokens: table.answer_tokens,
            price: table.price,
        }))
    }

    /// Returns which model this is, for a person: `gpt-5 at api.openai.com`.
    pub fn describe(&self) -> String {
        format!("{} at {}", self.model, self.place())
    }

    /// Returns the server's host and port.
    pub(crate) fn place(&self) -> String {
        let port = self.base_url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.base_url.host_str().unwrap_or_default())
    }

    /// Returns whether the server is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        let host = self.base_url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns where the key comes from, for a person; `None` where none is sent.
    pub fn key_source(&self, environment: Environment<'_>) -> Option<String> {
        if let Some(source) = &self.key {
            return Some(source.describe());
        }
        let mut names = std::iter::once(preset::KEY_VARIABLE).chain(self.preset.key_variables.iter().copied());
        names.find(|name| environment(name).is_some()).map(|name| format!("environment variable {name}"))
    }

    /// Returns where the key comes from, or would.
    pub fn describe_key(&self, environment: Environment<'_>) -> String {
        self.key_source(environment).unwrap_or_else(|| {
            format!("none ({} is not set)", self.preset.key_variables.first().unwrap_or(&preset::KEY_VARIABLE))
        })
    }

    /// Returns what is worth a warning before the model is asked.
    pub fn warnings(&self, environment: Environment<'_>) -> Vec<String> {
        let file = self.key.as_ref().and_then(|source| source.warning(environment));
        let open = (self.base_url.scheme() == "http" && !self.is_here() && self.key_source(environment).is_some())
            .then(|| format!("the key goes to {} without encryption", self.base_url.host_str().unwrap_or_default()));
        file.into_iter().chain(open).collect()
    }
}

fn no_model(preset: &Preset) -> Problem {
    let problem = Problem::configuration(format!("the provider {} needs the name of a model", preset.name))
        .hint("give one with --model NAME, TODO_AGENT_MODEL, or model = \"NAME\" in [model] of config.toml");
    match preset.name {
        "ollama" => problem.hint("ollama list shows those that are there"),
        "azure" => problem.hint("for Azure it is the name of the deployment"),
        _ => problem,
    }
}

fn no_place(preset: &Preset) -> Problem {
    let problem = Problem::configuration(format!("the provider {} needs an address", preset.name))
        .hint("give one with --base-url URL, TODO_AGENT_BASE_URL, or base_url = \"URL\" in [model] of config.toml");
    match preset.name {
        "azure" => problem.hint("for Azure it is https://NAME.openai.azure.com, also from AZURE_OPENAI_ENDPOINT"),
        _ => problem,
    }
}

/// Returns where a preset's server is, from its environment variables or its table.
fn known_place(preset: &Preset, text: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let Some((name, said)) = preset.base_variables.iter().find_map(|name| Some((*name, text(name)?))) else {
        return preset.base_url.map(str::to_owned);
    };
    if !name.ends_with("_HOST") {
        return Some(said);
    }
    // As those programs read it: a host, perhaps with scheme and port, and no path.
    let said = said.trim_end_matches('/').replace("0.0.0.0", "127.0.0.1");
    let said = if said.contains("://") { said } else { format!("http://{said}") };
    let mut url = Url::parse(&said).ok()?;
    if url.port().is_none() && name == "OLLAMA_HOST" && url.scheme() == "http" {
        url.set_port(Some(11434)).ok()?;
    }
    if url.path() == "/" {
        url.set_path("/v1");
    }
    Some(url.to_string())
}

/// Returns a base URL that is one, with what Azure wants in it.
fn address(text: &str, preset: &Preset, model: &str, version: Option<&str>) -> Result<Url, Problem> {
    let wrong = |why: &str| {
        Problem::configuration(format!("the base URL {text:?} {why}")).hint("write it like https://example.com/v1")
    };
    let mut url = Url::parse(text.trim()).map_err(|error| wrong(&format!("is none: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("does not begin with http:// or https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::configuration(
            "the base URL holds a user name or password, which would be shown in places",
        )
        .hint("send it as a header: headers = { … } in [model] of config.toml"));
    }
    let path = url.path().trim_end_matches('/').trim_end_matches("/chat/completions").to_owned();
    url.set_path(&path);
    url.set_fragment(None);
    if preset.quirks.key_header == KeyHeader::Azure {
        if path.is_empty() {
            url.set_path(&format!("/openai/deployments/{model}"));
        }
        // Azure's newer address, …/openai/v1, has no version.
        if !path.ends_with("/v1") && url.query().is_none() {
            url.query_pairs_mut().append_pair("api-version", version.unwrap_or(AZURE_VERSION));
        }
    }
    Ok(url)
}

fn headers(table: &BTreeMap<String, String>) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    let read = |(name, value): (&String, &String)| {
        let name: HeaderName =
            name.parse().map_err(|_| Problem::configuration(format!("{name:?} is no header name")))?;
        let wrong = |_| Problem::configuration(format!("the value of the header {name} cannot be sent"));
        let mut value: HeaderValue = value.parse().map_err(wrong)?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    table.iter().map(read).collect()
}

fn timeouts(table: &TimeoutTable) -> Timeouts {
    let usual = Timeouts::default();
    Timeouts {
        connect: table.connect.unwrap_or(usual.connect),
        first: table.first.unwrap_or(usual.first),
        between: table.between.unwrap_or(usual.between),
        whole: table.whole.unwrap_or(usual.whole),
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
