//! Label selectors: equality and set-based, from text, from selector objects and from plain maps.
//!
//! Source: `k8s.io/apimachinery/pkg/labels`. The texts of errors follow it where people see them often.

use std::fmt;

use super::SelectorError;
use serde_json::Value;

/// What a requirement asks of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The label is present with one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The label is an integer above the value.
    GreaterThan,
    /// The label is an integer below the value.
    LessThan,
}

/// One condition on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What is asked of it.
    pub operator: Operator,
    /// The values compared with; empty for `Exists` and `DoesNotExist`.
    pub values: Vec<String>,
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let compared = || {
            let actual = label?.parse::<i64>().ok()?;
            let bound = self.values.first()?.parse::<i64>().ok()?;
            Some(actual.cmp(&bound))
        };
        match self.operator {
            Operator::In => label.is_some_and(|label| self.values.iter().any(|value| value == label)),
            Operator::NotIn => label.is_none_or(|label| self.values.iter().all(|value| value != label)),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => compared().is_some_and(std::cmp::Ordering::is_gt),
            Operator::LessThan => compared().is_some_and(std::cmp::Ordering::is_lt),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (self.operator, self.values.as_slice()) {
            (Operator::Exists, _) => write!(out, "{key}"),
            (Operator::DoesNotExist, _) => write!(out, "!{key}"),
            (Operator::In, [one]) => write!(out, "{key}={one}"),
            (Operator::NotIn, [one]) => write!(out, "{key}!={one}"),
            (Operator::In, many) => write!(out, "{key} in ({})", sorted(many)),
            (Operator::NotIn, many) => write!(out, "{key} notin ({})", sorted(many)),
            (Operator::GreaterThan, many) => write!(out, "{key}>{}", many.join(",")),
            (Operator::LessThan, many) => write!(out, "{key}<{}", many.join(",")),
        }
    }
}

/// A set has no order, so it is written in the order of its values.
fn sorted(values: &[String]) -> String {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.join(",")
}

/// A label selector: every requirement must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSelector {
    /// `None` selects nothing at all, as a missing selector of a workload does.
    requirements: Option<Vec<Requirement>>,
}

impl LabelSelector {
    /// Returns the selector that every object matches.
    pub fn everything() -> Self {
        Self { requirements: Some(Vec::new()) }
    }

    /// Returns the selector that no object matches.
    pub fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Reads the text form: `app=web,tier in (a, b),!legacy`. The empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Parser { tokens: tokens(text), at: 0 }.selector().map(|found| Self { requirements: Some(found) })
    }

    /// Reads a `metav1.LabelSelector` (`matchLabels`, `matchExpressions`). Null selects nothing, an empty
    /// object everything.
    pub fn from_object(selector: &Value) -> Result<Self, SelectorError> {
        if selector.is_null() {
            return Ok(Self::nothing());
        }
        let mut requirements = equalities(&selector["matchLabels"]);
        for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
            let text = expression["operator"].as_str().unwrap_or_default();
            let operator = match text {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                other => return Err(SelectorError(format!("\"{other}\" is not a valid label selector operator"))),
            };
            let values = expression["values"].as_array().into_iter().flatten();
            requirements.push(Requirement {
                key: expression["key"].as_str().unwrap_or_default().to_owned(),
                operator,
                values: values.filter_map(Value::as_str).map(str::to_owned).collect(),
            });
        }
        requirements.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(Self { requirements: Some(requirements) })
    }

    /// Reads a plain map of labels, as `Service.spec.selector` is. A null or empty map selects nothing.
    pub fn from_map(map: &Value) -> Self {
        let requirements = equalities(map);
        Self { requirements: (!requirements.is_empty()).then_some(requirements) }
    }

    /// Returns the requirements; none both for a selector of everything and for one of nothing.
    pub fn requirements(&self) -> &[Requirement] {
        self.requirements.as_deref().unwrap_or_default()
    }

    /// Returns whether every object matches.
    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// Returns whether a map of labels (an object's `metadata.labels`, possibly null) is selected.
    pub fn matches(&self, labels: &Value) -> bool {
        self.matches_by(|key| labels.get(key).and_then(Value::as_str))
    }

    /// Returns whether labels that are looked up by their key are selected.
    pub fn matches_by<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.as_ref().is_some_and(|all| all.iter().all(|one| one.matches(label(&one.key))))
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.requirements().iter().map(ToString::to_string).collect();
        out.write_str(&all.join(","))
    }
}

fn equalities(map: &Value) -> Vec<Requirement> {
    map.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::In,
            values: vec![value.as_str().unwrap_or_default().to_owned()],
        })
        .collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(&'static str),
}

/// Splits the text form; two-character operators first.
fn tokens(text: &str) -> Vec<Token> {
    const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            found.push(Token::Symbol(symbol));
            rest = &rest[symbol.len()..];
        } else {
            let special = |at: char| at.is_whitespace() || "=!(),><".contains(at);
            let end = rest.find(special).unwrap_or(rest.len()).max(first.len_utf8());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    found
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn selector(mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        if self.tokens.is_empty() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next() {
                None => return Ok(requirements),
                Some(Token::Symbol(",")) if self.at < self.tokens.len() => {}
                other => return Err(unexpected(other.as_ref(), "',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.take("!") {
            let key = self.key()?;
            return Ok(Requirement { key, operator: Operator::DoesNotExist, values: Vec::new() });
        }
        let key = self.key()?;
        let operator = match self.peek() {
            None | Some(Token::Symbol(",")) => {
                return Ok(Requirement { key, operator: Operator::Exists, values: Vec::new() });
            }
            Some(Token::Symbol("=" | "==")) => Operator::In,
            Some(Token::Symbol("!=")) => Operator::NotIn,
            Some(Token::Symbol(">")) => Operator::GreaterThan,
            Some(Token::Symbol("<")) => Operator::LessThan,
            Some(Token::Word(word)) if word == "in" || word == "notin" => {
                let operator = if word == "in" { Operator::In } else { Operator::NotIn };
                self.at += 1;
                return Ok(Requirement { key, operator, values: self.set()? });
            }
            other => return Err(unexpected(other, "in, notin, =, ==, !=, gt, lt")),
        };
        self.at += 1;
        let value = match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                word
            }
            None | Some(Token::Symbol(",")) => String::new(),
            other => return Err(unexpected(other, "identifier")),
        };
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
            return Err(SelectorError(format!(
                "values[0][{key}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            )));
        }
        check_value(&key, &value)?;
        Ok(Requirement { key, operator, values: vec![value] })
    }

    fn set(&mut self) -> Result<Vec<String>, SelectorError> {
        if !self.take("(") {
            // Without the comma that all other messages have.
            let SelectorError(message) = unexpected(self.peek(), "'('");
            return Err(SelectorError(message.replace("', expected", "' expected")));
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => values.push(word),
                Some(Token::Symbol(",")) => {}
                Some(Token::Symbol(")")) if !values.is_empty() => return Ok(values),
                other => return Err(unexpected(other.as_ref(), "',', ')' or identifier")),
            }
        }
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        match self.next() {
            Some(Token::Word(word)) => {
                check_key(&word)?;
                Ok(word)
            }
            other => Err(unexpected(other.as_ref(), "!, identifier, or 'end of string'")),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let found = self.tokens.get(self.at).cloned();
        self.at += 1;
        found
    }

    fn take(&mut self, symbol: &'static str) -> bool {
        let there = self.peek() == Some(&Token::Symbol(symbol));
        self.at += usize::from(there);
        there
    }
}

fn unexpected(found: Option<&Token>, expected: &str) -> SelectorError {
    let found = match found {
        None => "",
        Some(Token::Word(word)) => word.as_str(),
        Some(Token::Symbol(symbol)) => symbol,
    };
    SelectorError(format!("unable to parse requirement: found '{found}', expected: {expected}"))
}

fn check_key(key: &str) -> Result<(), SelectorError> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(|prefix| {
        !prefix.is_empty()
            && prefix.chars().all(|at| at.is_ascii_lowercase() || at.is_ascii_digit() || at == '.' || at == '-')
    });
    if prefix_ok && !name.is_empty() && is_name(name) {
        return Ok(());
    }
    Err(SelectorError(format!(
        "unable to parse requirement: <nil>: Invalid value: \"{key}\": name part must consist of alphanumeric characters, \
         '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
         '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    )))
}

fn check_value(key: &str, value: &str) -> Result<(), SelectorError> {
    if value.is_empty() || is_name(value) {
        return Ok(());
    }
    Err(SelectorError(format!(
        "values[0][{key}]: Invalid value: \"{value}\": a valid label must be an empty string or consist of alphanumeric \
         characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
         'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )))
}

/// Returns whether `text` is a qualified name's last part: at most 63 of `[-A-Za-z0-9_.]`, alphanumeric at
/// both ends.
fn is_name(text: &str) -> bool {
    let edge = |at: Option<char>| at.is_some_and(|at| at.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|at| at.is_ascii_alphanumeric() || "-_.".contains(at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_match_as_kubectl_users_expect() {
        let labels = json!({"app": "web", "tier": "front", "build": "12"});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (api, web)", true),
            ("app notin (web)", false),
            ("missing notin (web)", true),
            ("missing!=x", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("build>11,build<13", true),
            ("tier>1", false),
            ("missing=", false),
        ] {
            assert_eq!(LabelSelector::parse(text).unwrap().matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn broken_label_selectors_are_refused() {
        for text in ["=", "a in", "a in (", "a in ()", "a,", ",a", "a=b c", "a=@", "!", "-a=b", "build>x", "é=b"] {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn selectors_print_as_they_are_written() {
        for text in ["app=web,!old,tier in (a,b),x", "app!=web"] {
            assert_eq!(LabelSelector::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_missing_selector_object_selects_nothing_and_an_empty_one_everything() {
        assert!(!LabelSelector::from_object(&Value::Null).unwrap().matches(&Value::Null));
        assert!(LabelSelector::from_object(&json!({})).unwrap().matches(&Value::Null));
        assert!(!LabelSelector::from_map(&json!({})).matches(&json!({"app": "web"})));
        let selector =
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "old", "operator": "DoesNotExist"}]});
        assert!(LabelSelector::from_object(&selector).unwrap().matches(&json!({"app": "web"})));
        assert!(LabelSelector::from_object(&json!({"matchExpressions": [{"key": "a", "operator": "Is"}]})).is_err());
    }
}
