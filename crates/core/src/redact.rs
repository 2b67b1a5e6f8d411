//! The one place where secret values are taken out of everything that leaves the process.
//!
//! Two mechanisms: values the process holds (registered, masked exactly and in base64) and shapes that
//! are recognisable anywhere (`shapes`). Masks are numbered per session, so that the same value keeps
//! its number and none can be guessed. Only this module makes a [`Redacted`]:
//!
//! ```compile_fail,E0423
//! let shown = todo_agent_core::Redacted("a password".to_owned()); // the field is private
//! ```
//! ```compile_fail,E0277
//! fn read(text: &str) -> todo_agent_core::Redacted<String> {
//!     serde_json::from_str(text).unwrap() // not Deserialize
//! }
//! ```

mod forms;
mod open;
mod shapes;
mod streaming;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::{self, Write},
    ops::{Deref, Range},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

pub use streaming::StreamingRedaction;

/// Registered values shorter than this many bytes are not masked: a password `todo` would mask every
/// name in the cluster.
pub const SHORTEST_MASKED_VALUE: usize = 6;

/// Something that has passed through a [`Redactor`].
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Returns the redacted content.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<T: fmt::Debug> fmt::Debug for Redacted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Masks secret values. One lives for a whole session.
pub struct Redactor {
    key: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// HMAC of each masked value, and the number it has.
    numbers: HashMap<[u8; 32], usize>,
    /// Values the process holds, longest first, each with its mask.
    registered: Vec<(String, String)>,
    /// What the person gave in a sentence, by placeholder number − 1.
    given: Vec<String>,
}

impl State {
    /// Returns where a text holds values the process holds, ascending, and what is shown there instead. Those
    /// that overlap are one; a value that stands in a mask, such as the word "secret", leaves the mask alone.
    fn known<'t>(&'t self, text: &'t str) -> Vec<(Range<usize>, &'t str)> {
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        for (value, mask) in &self.registered {
            let places = text.match_indices(value.as_str());
            found.extend(places.map(|(start, value)| (start..start + value.len(), mask.as_str())));
        }
        found.extend(masks_in(text).into_iter().map(|range| (range.clone(), &text[range])));
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut known: Vec<(Range<usize>, &str)> = Vec::with_capacity(found.len());
        for (range, shown) in found {
            match known.last_mut() {
                Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
                _ => known.push((range, shown)),
            }
        }
        known
    }
}

impl Redactor {
    /// Returns a redactor that numbers its masks under a session key.
    pub fn new(session_key: [u8; 32]) -> Self {
        Self { key: session_key, state: Mutex::default() }
    }

    /// Registers a value the process holds, so that it is masked wherever it would leave, also in
    /// base64, in a URL or in JSON.
    pub fn register(&self, value: &str) {
        let value = value.trim();
        if value.len() < SHORTEST_MASKED_VALUE {
            return;
        }
        let mask = self.mask(value);
        let mut state = self.lock();
        for form in forms::of(value) {
            if !state.registered.iter().any(|(known, _)| *known == form) {
                state.registered.push((form, mask.clone()));
            }
        }
        state.registered.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// Registers every value of a Secret: those of `data`, decoded, and those of `stringData`.
    pub fn register_secret(&self, secret: &Value) {
        let values = |field: &str| secret[field].as_object().into_iter().flatten().filter_map(|(_, it)| it.as_str());
        for encoded in values("data") {
            let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            self.register(decoded.as_deref().unwrap_or(encoded));
        }
        values("stringData").for_each(|value| self.register(value));
    }

    /// Returns the text with every registered value and every secret shape masked.
    pub fn text(&self, text: &str) -> Redacted<String> {
        Redacted(self.masked(text).into_owned())
    }

    /// Returns the JSON value with every string in it redacted; a string under a key that names a secret
    /// is masked whole.
    pub fn value(&self, value: &Value) -> Redacted<Value> {
        self.owned(value.clone())
    }

    /// Returns data redacted through its JSON form.
    pub fn data(&self, data: &impl Serialize) -> Redacted<Value> {
        self.owned(serde_json::to_value(data).unwrap_or_else(|error| Value::String(error.to_string())))
    }

    fn owned(&self, mut value: Value) -> Redacted<Value> {
        self.mask_in(&mut value, None);
        Redacted(value)
    }

    /// Takes the secret-shaped words out of a person's sentence. Each becomes a placeholder `‹given:N›`
    /// that [`Redactor::resolve_given`] turns back while a tool's arguments are read.
    pub fn take_given(&self, sentence: &str) -> Redacted<String> {
        let mut taken = sentence.to_owned();
        for range in shapes::secret_ranges(sentence).into_iter().rev() {
            let value = sentence[range.clone()].to_owned();
            self.register(&value);
            let mut state = self.lock();
            let number = state.given.iter().position(|known| *known == value).unwrap_or_else(|| {
                state.given.push(value);
                state.given.len() - 1
            }) + 1;
            taken.replace_range(range, &format!("‹given:{number}›"));
        }
        Redacted(taken)
    }

    /// Puts the given values back into a tool's arguments.
    ///
    /// # Errors
    /// Returns the path of the first argument that holds a mask (`‹secret:N›`, never written back) or a
    /// placeholder this process does not know.
    pub fn resolve_given(&self, arguments: &mut Value) -> Result<(), String> {
        self.resolve_at(arguments, &mut String::new())
    }

    fn resolve_at(&self, value: &mut Value, path: &mut String) -> Result<(), String> {
        match value {
            Value::String(text) => {
                *text = self.resolved(text, path)?;
                Ok(())
            }
            Value::Array(items) => items.iter_mut().enumerate().try_for_each(|(index, item)| {
                let length = path.len();
                let _ = write!(path, "[{index}]");
                let result = self.resolve_at(item, path);
                path.truncate(length);
                result
            }),
            Value::Object(fields) => fields.iter_mut().try_for_each(|(key, item)| {
                let length = path.len();
                path.push('.');
                path.push_str(key);
                // A name is shown and compared everywhere, so that a value has no place in one.
                if key.contains(MASK) || key.contains(PLACEHOLDER) {
                    return Err(format!("the name {} holds a masked value, which cannot be written", named(path)));
                }
                let result = self.resolve_at(item, path);
                path.truncate(length);
                result
            }),
            _ => Ok(()),
        }
    }

    /// Returns the text with its placeholders filled in. One pass: what a value holds is never read again.
    fn resolved(&self, text: &str, path: &str) -> Result<String, String> {
        if text.contains(MASK) {
            return Err(format!("{} holds a masked value, which cannot be written back", named(path)));
        }
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(PLACEHOLDER) {
            let end = rest[start..].find('›').map(|end| start + end);
            let number = end.and_then(|end| rest[start + PLACEHOLDER.len()..end].parse::<usize>().ok());
            let given = number.and_then(|number| self.lock().given.get(number.wrapping_sub(1)).cloned());
            let (Some(end), Some(given)) = (end, given) else {
                return Err(format!("{} holds a value that must be given again", named(path)));
            };
            resolved.push_str(&rest[..start]);
            resolved.push_str(&given);
            rest = &rest[end + '›'.len_utf8()..];
        }
        resolved.push_str(rest);
        Ok(resolved)
    }

    /// Masks the values the process holds.
    fn known_masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let state = self.lock();
        let known = state.known(text);
        if known.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut reached = 0;
        for (range, shown) in known {
            masked.push_str(&text[reached..range.start]);
            masked.push_str(shown);
            reached = range.end;
        }
        masked.push_str(&text[reached..]);
        Cow::Owned(masked)
    }

    /// Masks a text; one with nothing to mask, as most are, is not copied.
    fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let masked = self.known_masked(text);
        let found = shapes::found(&masked, 0);
        if found.is_empty() {
            return masked;
        }
        Cow::Owned(self.shapes_masked(&masked, 0..masked.len(), &found).into_inner())
    }

    /// Returns a part of a text with the secrets that were found in it masked, numbered in reading order.
    fn shapes_masked(&self, text: &str, part: Range<usize>, found: &[shapes::Found]) -> Redacted<String> {
        let mut masked = String::with_capacity(part.len());
        let mut reached = part.start;
        for secret in shapes::merged(found.iter().filter_map(|found| found.secret.clone()).collect()) {
            masked.push_str(&text[reached..secret.start]);
            masked.push_str(&self.mask(&text[secret.clone()]));
            reached = secret.end;
        }
        masked.push_str(&text[reached..part.end]);
        Redacted(masked)
    }

    fn mask_in(&self, value: &mut Value, key: Option<&str>) {
        match value {
            Value::String(text) if key.is_some_and(shapes::names_a_secret) && shapes::is_maskable(text) => {
                *text = self.mask(text);
            }
            Value::String(text) => {
                if let Cow::Owned(masked) = self.masked(text) {
                    *text = masked;
                }
            }
            // A number of a few digits under such a name is a count or a time.
            Value::Number(number) if key.is_some_and(shapes::names_a_secret) && number.to_string().len() >= 6 => {
                *value = Value::String(self.mask(&number.to_string()));
            }
            Value::Array(items) => {
                // An option carries its name in the item before its value.
                let mut before: Option<String> = None;
                for item in items {
                    let option = item.as_str().and_then(|text| text.strip_prefix("--")).map(str::to_owned);
                    self.mask_in(item, before.as_deref().or(key));
                    before = option;
                }
            }
            Value::Object(fields) => {
                // An environment variable carries its name beside its value.
                let has_value = fields.contains_key("value");
                let variable = fields.get("name").and_then(Value::as_str).filter(|_| has_value).map(str::to_owned);
                let mut renamed = Vec::new();
                for (key, item) in fields.iter_mut() {
                    if let Cow::Owned(masked) = self.masked(key) {
                        renamed.push((key.clone(), masked));
                    }
                    let naming = if key == "value" { variable.as_deref().unwrap_or(key) } else { key };
                    self.mask_in(item, Some(naming));
                }
                for (key, masked) in renamed {
                    if let Some(item) = fields.remove(&key) {
                        fields.insert(masked, item);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn mask(&self, value: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return "‹secret›".to_owned();
        };
        mac.update(value.as_bytes());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let mut state = self.lock();
        let next = state.numbers.len() + 1;
        format!("‹secret:{}›", state.numbers.entry(tag).or_insert(next))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redactor")
    }
}

/// How a mask begins, and how a placeholder does.
const MASK: &str = "‹secret";
const PLACEHOLDER: &str = "‹given:";

/// Returns where a text holds masks and placeholders as this module writes them.
fn masks_in(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices('‹') {
        let Some(end) = text[start..].find('›').map(|end| start + end + '›'.len_utf8()) else { break };
        if shapes::is_mask(&text[start..end]) {
            found.push(start..end);
        }
    }
    found
}

fn named(path: &str) -> &str {
    let path = path.trim_start_matches('.');
    if path.is_empty() { "the argument" } else { path }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    #[test]
    fn a_registered_value_is_masked_also_in_base64() {
        let redactor = redactor();
        redactor.register("s3cr3t-value");
        let text = redactor.text("plain s3cr3t-value, encoded czNjcjN0LXZhbHVl");
        assert_eq!(*text, "plain ‹secret:1›, encoded ‹secret:1›");
    }

    #[test]
    fn the_same_value_keeps_its_number() {
        let redactor = redactor();
        let text = redactor.text("password=hunter22 token=abcdefgh password=hunter22");
        assert_eq!(*text, "password=‹secret:1› token=‹secret:2› password=‹secret:1›");
    }

    #[test]
    fn an_environment_variable_is_masked_by_its_name() {
        let value = json!({"env": [
            {"name": "DB_PASSWORD", "value": "hunter22"},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "todo-secret", "key": "API_KEY"}}},
        ]});
        assert_eq!(
            *redactor().value(&value),
            json!({"env": [
                {"name": "DB_PASSWORD", "value": "‹secret:1›"},
                {"name": "LOG_LEVEL", "value": "info"},
                {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "todo-secret", "key": "API_KEY"}}},
            ]})
        );
    }

    #[test]
    fn a_given_value_travels_as_a_placeholder_and_comes_back_in_arguments() {
        let redactor = redactor();
        let sentence = redactor.take_given("set DB_PASSWORD=hunter22 on backend");
        assert_eq!(*sentence, "set DB_PASSWORD=‹given:1› on backend");
        let mut arguments = json!({"env": {"DB_PASSWORD": "‹given:1›"}});
        redactor.resolve_given(&mut arguments).unwrap();
        assert_eq!(arguments, json!({"env": {"DB_PASSWORD": "hunter22"}}));
    }

    #[test]
    fn values_that_overlap_are_masked_whole() {
        let redactor = redactor();
        redactor.register("abcdefgh");
        redactor.register("efghijkl");
        assert_eq!(*redactor.text("x abcdefghijkl y"), "x ‹secret:1› y");
    }

    #[test]
    fn a_value_that_is_a_word_of_a_mask_leaves_masks_alone() {
        let redactor = redactor();
        redactor.register("secret");
        redactor.register("‹secret:");
        let once = redactor.text("password=hunter22").into_inner();
        assert_eq!(*redactor.text(&once), once);
    }

    #[test]
    fn text_that_only_looks_like_a_mask_is_masked_all_the_same() {
        let value = json!({"password": "hunter22‹secret:x›", "token": "$(x) and more", "pin_token": 12_345_678});
        let shown = redactor().value(&value).to_string();
        assert!(!shown.contains("hunter22") && !shown.contains("more") && !shown.contains("12345678"), "{shown}");
    }

    #[test]
    fn an_option_in_a_list_names_the_value_behind_it() {
        let value = json!({"args": ["--requirepass", "hunter22", "--port", "6379", "--token-ttl", "300000"]});
        assert_eq!(
            *redactor().value(&value),
            json!({"args": ["--requirepass", "‹secret:1›", "--port", "6379", "--token-ttl", "300000"]})
        );
    }

    #[test]
    fn what_a_value_holds_is_not_read_as_a_placeholder() {
        let redactor = redactor();
        let sentence = redactor.take_given("set A_TOKEN='‹given:1› or so'");
        assert_eq!(*sentence, "set A_TOKEN='‹given:1›'");
        let mut arguments = json!("‹given:1›");
        redactor.resolve_given(&mut arguments).unwrap();
        assert_eq!(arguments, json!("‹given:1› or so"));
    }

    #[test]
    fn a_mask_is_refused_in_names_too() {
        for arguments in [json!({"labels": {"‹secret:1›": "x"}}), json!({"‹given:1›": 1}), json!(["‹secret›"])]
        {
            assert!(redactor().resolve_given(&mut arguments.clone()).is_err(), "{arguments}");
        }
    }

    #[test]
    fn what_a_secret_holds_is_known_from_then_on() {
        let redactor = redactor();
        redactor.register_secret(&json!({"data": {"a": "cGVhY2hlcw=="}, "stringData": {"b": "bananas"}}));
        assert_eq!(*redactor.text("peaches, cGVhY2hlcw== and bananas"), "‹secret:1›, ‹secret:1› and ‹secret:2›");
    }

    #[test]
    fn a_mask_is_never_written_back() {
        let mut arguments = json!({"env": [{"value": "‹secret:1›"}]});
        let error = redactor().resolve_given(&mut arguments).unwrap_err();
        assert_eq!(error, "env[0].value holds a masked value, which cannot be written back");
    }
}
