//! The client of an OpenAI-compatible server: one connection pool, one key, one model.
//!
//! Sends a conversation and hands the answer's bytes to [`Asking`](super::asking::Asking), which retries and reads. The key
//! is looked up when the first request is made; redirects are not followed, since the key would go along.

use std::{
    error::Error,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::{StreamExt, stream, stream::BoxStream};
use reqwest::{
    Certificate, RequestBuilder, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, USER_AGENT},
};
use serde_json::Value;
use tokio::{sync::Mutex, time::timeout};

use super::{
    Again, Delta, Failure, Model, ModelError, ModelSettings, Request, Trouble,
    asking::Asking,
    connection::{authorities, connection},
    failure::{CHECK_ADDRESS, Complaint, described, shown},
    key::{self, Key, KeySource},
    preset::KeyHeader,
    request::{self, Shape},
    retry,
    settings::ToolsForm,
    text_protocol::TextProtocol,
};
use crate::{problem::Problem, state::environment};

/// The most bytes of an error's body that are read.
const MOST_ERROR_BYTES: usize = 64 * 1024;
/// The most bytes of a list of models that are read.
const MOST_LIST_BYTES: usize = 1024 * 1024;
/// How long a list of models may take, when it only makes an error better.
const LIST_PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the key.
#[derive(Clone)]
enum Known {
    /// It was not looked up yet.
    Nothing,
    /// The server is asked without one.
    NoKey,
    Key(Key),
}

/// A client of an OpenAI-compatible server.
pub struct Client {
    pub(crate) settings: ModelSettings,
    authorities: Vec<Certificate>,
    /// Made with the first request.
    http: OnceLock<reqwest::Client>,
    /// The key, once it was looked up.
    key: Mutex<Known>,
    shape: Mutex<Shape>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("model", &self.settings.describe()).finish_non_exhaustive()
    }
}

/// Returns the model of these settings.
///
/// # Errors
/// Returns why it cannot be asked; nothing is sent yet, and no key is looked up.
pub fn connect(settings: &ModelSettings) -> Result<Box<dyn Model>, Problem> {
    let client = Client::new(settings.clone())?;
    Ok(match settings.tools {
        ToolsForm::Native => Box::new(client),
        ToolsForm::Text => Box::new(TextProtocol::new(client)),
    })
}

impl Model for Client {
    fn describe(&self) -> String {
        self.settings.describe()
    }

    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        let next = |mut asking: Asking<'a>| async move { asking.next().await.map(|item| (item, asking)) };
        stream::unfold(Asking::new(self, request), next).boxed()
    }
}

impl Client {
    /// Returns a client that has not connected yet.
    ///
    /// # Errors
    /// Returns what is wrong with the certificates.
    pub fn new(settings: ModelSettings) -> Result<Self, Problem> {
        let authorities = authorities(&settings)?;
        let shape = Mutex::new(Shape::of(settings.preset.quirks));
        Ok(Self { settings, authorities, http: OnceLock::new(), key: Mutex::new(Known::Nothing), shape })
    }

    fn http(&self) -> Result<&reqwest::Client, Failure> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = connection(&self.settings, &self.authorities)?;
        Ok(self.http.get_or_init(|| made))
    }

    /// Sends a conversation and returns the answer once it begins.
    ///
    /// # Errors
    /// Returns why there is none.
    pub(super) async fn open(&self, request: &Request) -> Result<Response, Refused> {
        // Each field that is refused is left out at once; there are only a few.
        for _ in 0..4 {
            let shape = *self.shape.lock().await;
            let Self { settings, .. } = self;
            let body = request::body(request, &settings.model, settings.answer_tokens, settings.preset.quirks, shape);
            let response = self.send(&body).await?;
            if response.status().is_success() {
                return Ok(response);
            }
            let refused = self.refusal(response).await;
            let is_about_a_field = matches!(refused.status, Some(400 | 422));
            if !(is_about_a_field && self.shape.lock().await.learn(&refused)) {
                return Err(self.judged(refused).await);
            }
        }
        Err(Failure::lasting(Trouble::Refused, "the server refuses every form of the request").into())
    }

    async fn send(&self, body: &Value) -> Result<Response, Failure> {
        let url = self.url("chat/completions");
        let request = self.http()?.post(url).headers(self.headers().await?).header(CONTENT_TYPE, "application/json");
        let sent = request.body(body.to_string()).send();
        match timeout(self.settings.timeouts.first, sent).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(_) => Err(self.too_slow()),
        }
    }

    /// Asks for something beside the conversation.
    ///
    /// # Errors
    /// Returns why there is no answer; a status that is no success is one, too.
    pub(crate) async fn get(&self, url: Url, patience: Duration) -> Result<Vec<u8>, Failure> {
        let request = self.http()?.get(url).headers(self.headers().await?);
        self.body_of(request, patience).await
    }

    /// Asks for something that takes a JSON body.
    ///
    /// # Errors
    /// Returns why there is no answer; a status that is no success is one, too.
    pub(crate) async fn post(&self, url: Url, body: &Value, patience: Duration) -> Result<Vec<u8>, Failure> {
        let request = self.http()?.post(url).headers(self.headers().await?);
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        self.body_of(request, patience).await
    }

    async fn body_of(&self, request: RequestBuilder, patience: Duration) -> Result<Vec<u8>, Failure> {
        let work = async {
            let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
            let status = response.status().as_u16();
            let body = read(&mut response, MOST_LIST_BYTES).await;
            if (200..300).contains(&status) { Ok(body) } else { Err(self.cleaned(complaint(status, &body).failure())) }
        };
        timeout(patience, work).await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Returns the models that the server has.
    ///
    /// # Errors
    /// Returns why there is no list.
    pub(crate) async fn models(&self, patience: Duration) -> Result<Vec<Listed>, Failure> {
        let body = self.get(self.url("models"), patience).await?;
        let list: Value = serde_json::from_slice(&body).unwrap_or_default();
        let entries = list["data"].as_array().or_else(|| list["models"].as_array()).or_else(|| list.as_array());
        let Some(entries) = entries else {
            let message = format!("the server's list of models is {}", described(&String::from_utf8_lossy(&body)));
            return Err(Failure::lasting(Trouble::Nonsense, message).hint(CHECK_ADDRESS));
        };
        Ok(entries.iter().filter_map(Listed::read).collect())
    }

    /// Returns an address below the base URL.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.settings.base_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }

    async fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("text/event-stream, application/json"));
        if let Some(key) = self.key().await? {
            let (name, scheme) = match self.settings.preset.quirks.key_header {
                KeyHeader::Bearer => (AUTHORIZATION, "Bearer "),
                KeyHeader::Azure => (reqwest::header::HeaderName::from_static("api-key"), ""),
            };
            headers.extend(key.header(scheme).map(|value| (name, value)));
        }
        // What a person configured wins.
        for (name, value) in &self.settings.headers {
            headers.insert(name.clone(), value.clone());
        }
        headers.remove(USER_AGENT);
        Ok(headers)
    }

    /// Returns the key, looked up once.
    pub(super) async fn key(&self) -> Result<Option<Key>, Failure> {
        let mut known = self.key.lock().await;
        match &*known {
            Known::Nothing => {}
            Known::NoKey => return Ok(None),
            Known::Key(key) => return Ok(Some(key.clone())),
        }
        let key = match &self.settings.key {
            Some(source) => Some(source.look_up(&environment).await?),
            None => key::from_variables(self.settings.preset, &environment)?,
        };
        *known = key.clone().map_or(Known::NoKey, Known::Key);
        Ok(key)
    }

    /// Forgets a key that a program gave out and that may have expired; returns whether there will be another.
    pub(super) async fn forget_key(&self) -> bool {
        let may_expire = matches!(self.settings.key, Some(KeySource::Command(_)));
        if may_expire {
            *self.key.lock().await = Known::Nothing;
        }
        may_expire
    }

    /// Reads what a server says that gave no answer.
    async fn refusal(&self, mut response: Response) -> Complaint {
        let status = response.status();
        let after = retry::asked(response.headers(), std::time::SystemTime::now());
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(shown);
        let body = timeout(self.settings.timeouts.between, read(&mut response, MOST_ERROR_BYTES)).await;
        let mut complaint = complaint(status.as_u16(), &body.unwrap_or_default());
        complaint.after = after.or(complaint.after);
        if let (true, Some(location)) = (status.is_redirection(), location) {
            let location = location.split('?').next().unwrap_or_default();
            complaint.message = format!("it redirects to {location}");
        }
        complaint
    }

    /// Returns what a refusal means, with what may help.
    async fn judged(&self, complaint: Complaint) -> Refused {
        if complaint.is_content_filter() {
            return Refused::Filtered(self.without_key(complaint.message));
        }
        let is_redirect = complaint.status.is_some_and(|status| (300..400).contains(&status));
        let mut failure = complaint.failure();
        match failure.error.trouble {
            Trouble::Key => failure = failure.hint(self.key_hint()),
            Trouble::Unknown => failure = self.with_nearest_model(failure).await,
            _ if is_redirect => failure = failure.hint("name the address it redirects to with --base-url"),
            _ => {}
        }
        Refused::Failed(self.cleaned(failure))
    }

    fn key_hint(&self) -> String {
        format!("the key comes from: {}", self.settings.describe_key(&environment))
    }

    async fn with_nearest_model(&self, failure: Failure) -> Failure {
        let Ok(models) = self.models(LIST_PATIENCE).await else { return failure.hint(CHECK_ADDRESS) };
        let wanted = &self.settings.model;
        if models.iter().any(|model| model.name == *wanted) {
            return failure.hint(CHECK_ADDRESS);
        }
        failure.hint(instead_of(wanted, &models))
    }

    /// Returns a failure without the key, which servers echo in their errors.
    pub(super) fn cleaned(&self, mut failure: Failure) -> Failure {
        failure.error.message = self.without_key(failure.error.message);
        failure.error.hints = failure.error.hints.into_iter().map(|hint| self.without_key(hint)).collect();
        failure
    }

    fn without_key(&self, text: String) -> String {
        let secret = self.settings.headers.iter().filter_map(|(_, value)| value.to_str().ok());
        let text = secret.filter(|value| value.len() >= 8).fold(text, |text, value| text.replace(value, "‹header›"));
        // Nobody holds the lock for longer than it takes to copy the key, except while the key is looked up, when no server
        // can have seen it.
        match self.key.try_lock().as_deref() {
            Ok(Known::Key(key)) => key.hidden_in(&text),
            _ => text,
        }
    }

    /// Returns the failure of a connection.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let place = self.settings.place();
        let why = chain(error);
        let certificate = why.to_ascii_lowercase().contains("certificate");
        let failure = if error.is_timeout() {
            Failure::passing(Trouble::Timeout, format!("{place} did not take the connection in time"))
        } else if error.is_builder() {
            Failure::lasting(Trouble::Configuration, format!("the request to {place} cannot be made: {why}"))
        } else if certificate {
            Failure::lasting(Trouble::Unreachable, format!("{place} has no certificate that is trusted here: {why}"))
                .hint("name the authority's file with ca_file in [model] of config.toml")
        } else {
            Failure::passing(Trouble::Unreachable, format!("{place} cannot be reached: {why}"))
        };
        let failure = match (self.settings.preset.name, error.is_connect() && !certificate) {
            ("ollama", true) => failure.hint("is it running? ollama serve starts it"),
            ("llamacpp", true) => failure.hint("is it running? llama-server --jinja -m MODEL starts it"),
            ("vllm", true) => failure.hint("is it running? vllm serve MODEL starts it"),
            (_, true) => failure.hint(
                "is the address right, and does a proxy stand in the way? HTTPS_PROXY and NO_PROXY are respected",
            ),
            (_, false) => failure,
        };
        self.cleaned(failure)
    }

    /// Returns the failure of a server that says nothing.
    pub(super) fn too_slow(&self) -> Failure {
        let seconds = self.settings.timeouts.first.as_secs();
        let message = format!("{} gave no answer within {seconds} s", self.settings.place());
        Failure { again: Again::No, ..Failure::passing(Trouble::Timeout, message) }
            .hint("a local server may be loading the model; timeouts.first in [model] of config.toml waits longer")
    }
}

/// A model in a server's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) name: String,
    /// How many tokens it takes, where the server says so.
    pub(crate) context_tokens: Option<u64>,
}

impl Listed {
    fn read(entry: &Value) -> Option<Self> {
        let name = entry["id"].as_str().or_else(|| entry["name"].as_str())?;
        // Gemini's list has its names in a folder that its other addresses leave out.
        let name = shown(name.strip_prefix("models/").unwrap_or(name));
        let sizes = ["max_model_len", "context_length", "context_window", "max_context_length"];
        let context_tokens = sizes.iter().find_map(|size| entry[*size].as_u64());
        Some(Self { name, context_tokens })
    }
}

/// Why there is no answer to read.
pub(super) enum Refused {
    /// Something failed.
    Failed(Failure),
    /// The server's filter refused the content, which is an answer of a kind.
    Filtered(String),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Returns what may be asked instead of a model that is not there.
pub(crate) fn instead_of(wanted: &str, models: &[Listed]) -> String {
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    match names.iter().min_by_key(|name| strsim::osa_distance(name, wanted)) {
        Some(_) if names.len() <= 8 => format!("the server has: {}", names.join(", ")),
        Some(name) => format!("the server has no model {wanted:?}; the nearest name is {name:?}"),
        None => "the server has no model at all".to_owned(),
    }
}

fn complaint(status: u16, body: &[u8]) -> Complaint {
    let text = String::from_utf8_lossy(body);
    let read =
        serde_json::from_str(&text).ok().map(|value| Complaint::read(&value).unwrap_or_else(|| Complaint::of(&value)));
    let mut complaint = read.unwrap_or_else(|| {
        let message =
            if text.trim().is_empty() { String::new() } else { format!("it answered with {}", described(&text)) };
        Complaint { message, ..Complaint::default() }
    });
    complaint.status = Some(status);
    complaint
}

/// Reads at most so many bytes of a body; what cannot be read is left out.
async fn read(response: &mut Response, most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        let room = most - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == most {
            break;
        }
    }
    body
}

/// Returns an error with its causes, without the address: it may hold a secret.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    // The last ones say what happened, the first ones only where in the client.
    causes.dedup();
    match causes.last() {
        Some(last) => shown(last),
        None => shown(&error.to_string().replace(error.url().map_or("\u{0}", Url::as_str), "the address")),
    }
}

/// A client can be shared.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Arc<Client>>();
};
