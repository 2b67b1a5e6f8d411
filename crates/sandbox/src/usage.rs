//! What simulated containers use: the world's rules, evaluated at a moment, and what the metrics API and
//! the autoscaler see of it.
//!
//! An amount is a quantity or an expression: `35m`, `0.2 * rps / replicas`. Names are those of the world's
//! `load`, `replicas` (running pods of the same controller) and `seconds` (since the pod's start).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use crate::conditions;
use crate::dispatch::controller_of;
use crate::durations::between;
use crate::object;
use crate::store::Store;
use crate::world::World;

/// How long a container runs before there are metrics of it (`--metric-resolution`).
pub(crate) const RESOLUTION: Duration = Duration::from_secs(15);
/// What a container uses that no rule is about.
const IDLE_CPU: &str = "1m";
const IDLE_MEMORY: &str = "8Mi";
/// What a node uses for itself.
pub(crate) const NODE_CPU: i64 = 150;
pub(crate) const NODE_MEMORY: i64 = 900 * 1024 * 1024;

/// What something uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Thousandths of a core.
    pub(crate) cpu: i64,
    /// Bytes.
    pub(crate) memory: i64,
}

/// Returns what each running container of a pod uses, empty while there are no metrics.
pub(crate) fn of_pod<'a>(world: &World, store: &Store, pod: &'a Value, now: Timestamp) -> Vec<(&'a str, Usage)> {
    let statuses = pod["status"]["containerStatuses"].as_array().map_or(&[][..], Vec::as_slice);
    let since = |name: &str| {
        let status = statuses.iter().find(|status| status["name"] == name)?;
        conditions::time_at(&status["state"]["running"], "startedAt")
    };
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers
        .filter_map(|container| {
            let name = container["name"].as_str()?;
            let ran = between(since(name)?, now);
            (ran >= RESOLUTION).then(|| (name, of_container(world, store, pod, container, ran)))
        })
        .collect()
}

fn of_container(world: &World, store: &Store, pod: &Value, container: &Value, ran: Duration) -> Usage {
    let mut names: BTreeMap<String, f64> = world.load.clone();
    names.insert("seconds".into(), ran.as_secs_f64());
    names.insert("replicas".into(), siblings(store, pod));
    let rule = world.usage.iter().find(|rule| rule.target.matches(pod, container));
    let amount = |text: Option<&String>, idle: &str| {
        let text = text.map_or(idle, String::as_str);
        // The world was checked when it was read.
        evaluate(text, &names).unwrap_or_default().max(0.0)
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and no container uses that much")]
    Usage {
        cpu: (amount(rule.and_then(|rule| rule.cpu.as_ref()), IDLE_CPU) * 1000.0).round() as i64,
        memory: amount(rule.and_then(|rule| rule.memory.as_ref()), IDLE_MEMORY).round() as i64,
    }
}

/// Counts the running pods of a pod's controller, itself included.
fn siblings(store: &Store, pod: &Value) -> f64 {
    let Some(uid) = controller_of(pod).map(|owner| owner["uid"].clone()) else { return 1.0 };
    let pods = store.list("", "pods", Some(object::namespace(pod)));
    let is_sibling = |other: &Value| controller_of(other).is_some_and(|owner| owner["uid"] == uid);
    let count = pods.iter().filter(|other| other["status"]["phase"] == "Running" && is_sibling(other)).count();
    u32::try_from(count.max(1)).map_or(1.0, f64::from)
}

/// Returns what is wrong with an amount.
pub(crate) fn check(text: &str, load: &BTreeMap<String, f64>) -> Result<(), String> {
    let mut names = load.clone();
    names.extend([("replicas".to_owned(), 1.0), ("seconds".to_owned(), 1.0)]);
    evaluate(text, &names).map(|_| ())
}

/// Evaluates an expression of quantities, names, `+ - * /` and parentheses.
fn evaluate(text: &str, names: &BTreeMap<String, f64>) -> Result<f64, String> {
    let mut parser = Parser { rest: text, names };
    let value = parser.sum()?;
    match parser.rest.trim() {
        "" => Ok(value),
        rest => Err(format!("`{rest}` is left over in `{text}`")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a BTreeMap<String, f64>,
}

impl Parser<'_> {
    fn take(&mut self, signs: &[char]) -> Option<char> {
        self.rest = self.rest.trim_start();
        let sign = self.rest.chars().next().filter(|at| signs.contains(at))?;
        self.rest = &self.rest[1..];
        Some(sign)
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(&['+', '-']) {
            let next = self.product()?;
            value += if sign == '+' { next } else { -next };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.factor()?;
        while let Some(sign) = self.take(&['*', '/']) {
            let next = self.factor()?;
            value = if sign == '*' { value * next } else { value / next };
        }
        Ok(value)
    }

    fn factor(&mut self) -> Result<f64, String> {
        if self.take(&['(']).is_some() {
            let value = self.sum()?;
            return self.take(&[')']).map(|_| value).ok_or_else(|| "a parenthesis is not closed".to_owned());
        }
        let end = self.rest.find(|at: char| !at.is_ascii_alphanumeric() && !"._".contains(at));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if word.starts_with(|at: char| at.is_ascii_digit() || at == '.') {
            let amount: Quantity = word.parse().map_err(|_| format!("`{word}` is not a quantity"))?;
            #[expect(clippy::cast_precision_loss, reason = "an amount that is used is far below 2^52")]
            return Ok(amount.milli() as f64 / 1000.0);
        }
        self.names.get(word).copied().ok_or_else(|| {
            let known: Vec<&str> = self.names.keys().map(String::as_str).collect();
            format!("`{word}` is not known; `load` may declare it, and there are {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_quantities_or_sums_of_them() {
        let names = BTreeMap::from([("rps".to_owned(), 100.0), ("replicas".to_owned(), 4.0)]);
        for (text, expected) in
            [("35m", 0.035), ("90Mi", 94_371_840.0), ("0.2 * rps / replicas", 5.0), ("10m + 2 * (rps - 50)", 100.01)]
        {
            let value = evaluate(text, &names).unwrap();
            assert!((value - expected).abs() < 1e-6, "{text}: {value}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let load = BTreeMap::new();
        for (text, message) in [
            ("1GB", "`1GB` is not a quantity"),
            ("2 * users", "`users` is not known"),
            ("(1", "a parenthesis is not closed"),
            ("1 2", "`2` is left over in `1 2`"),
        ] {
            assert!(check(text, &load).unwrap_err().contains(message), "{text}");
        }
    }
}
