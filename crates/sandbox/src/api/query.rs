//! Query parameters, percent-decoded, with the meanings Kubernetes gives to flags and numbers.

use serde_json::{Map, Value};

use super::status::ApiError;

/// The query parameters of a request, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the part after `?`. Bytes that are not UTF-8 after decoding become the replacement character.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// Returns the first value of a parameter, `None` when absent or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }

    /// Returns every value of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns whether a flag is set: present and neither `false` nor `0`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .is_some_and(|(_, value)| !(value.eq_ignore_ascii_case("false") || value == "0"))
    }

    /// Returns a number, or the error that Go's conversion gives.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", Value::from(text)))
        })
    }

    /// Returns the parameters as a JSON object, for the request log. Repeated ones become a list.
    pub(crate) fn json(&self) -> Value {
        let mut map: Map<String, Value> = Map::new();
        for (name, value) in &self.0 {
            match map.get_mut(name) {
                None => {
                    map.insert(name.clone(), value.clone().into());
                }
                Some(Value::Array(list)) => list.push(value.clone().into()),
                Some(single) => *single = Value::Array(vec![single.take(), value.clone().into()]),
            }
        }
        Value::Object(map)
    }
}

/// Decodes percent-encoding; `+` is a space, as in forms.
fn decode(text: &str) -> String {
    percent_decode(&text.replace('+', " "))
}

/// Decodes percent-encoding of a path segment.
pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        plain.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("labelSelector=app%3Dweb%2Ctier+in+%28a%29&watch=1&limit=x&bad=%zz&watch=0");
        assert_eq!(query.get("labelSelector"), Some("app=web,tier in (a)"));
        assert!(query.flag("watch") && !query.flag("missing"));
        assert!(query.number("limit").is_err());
        assert_eq!(query.get("bad"), Some("%zz"));
        assert_eq!(query.json()["watch"], serde_json::json!(["1", "0"]));
    }
}
