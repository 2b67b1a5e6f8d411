//! How fast an autoscaler may follow its metrics: what it remembers, the stabilisation of its proposals,
//! its bounds and its policies.
//!
//! Source: `normalizeDesiredReplicas` and its kin in `horizontal.go` (v1.37).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::autoscaler::set_condition;
use crate::durations::between;
use crate::simulation::State;
use crate::store::Key;

/// How long a higher proposal holds a lower one back
/// (`--horizontal-pod-autoscaler-downscale-stabilization`).
const STABILIZATION: u64 = 300;
/// The longest window and period that a policy may have.
const LONGEST: Duration = Duration::from_hours(1);

/// What autoscalers remember.
#[derive(Debug, Default)]
pub(crate) struct Autoscalers {
    memories: BTreeMap<Key, Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Proposals, before they were bounded.
    proposals: Vec<(Timestamp, i64)>,
    /// Changes of size.
    changes: Vec<(Timestamp, i64)>,
}

impl Autoscalers {
    /// Forgets an autoscaler that is gone.
    pub(super) fn forget(&mut self, key: &Key) {
        self.memories.remove(key);
    }

    /// Takes the first size that was seen for a proposal.
    pub(super) fn begin(&mut self, key: &Key, current: i64, now: Timestamp) {
        let memory = self.memories.entry(key.clone()).or_default();
        if memory.proposals.is_empty() {
            memory.proposals.push((now, current));
        }
    }

    /// Notes a change of size.
    pub(super) fn scaled(&mut self, key: &Key, change: i64, now: Timestamp) {
        self.memories.entry(key.clone()).or_default().changes.push((now, change));
    }
}

/// Returns the size that a proposal leads to now, and says in the status what held it back.
pub(super) fn bounded(
    state: &mut State,
    key: &Key,
    autoscaler: &Value,
    current: i64,
    proposed: i64,
    status: &mut Value,
) -> i64 {
    let (spec, now) = (&autoscaler["spec"], state.now);
    let memory = state.autoscalers.memories.entry(key.clone()).or_default();
    memory.proposals.retain(|(at, _)| between(*at, now) <= LONGEST);
    memory.changes.retain(|(at, _)| between(*at, now) <= LONGEST);
    let window = |direction: &str, otherwise: u64| {
        let seconds = spec["behavior"][direction]["stabilizationWindowSeconds"].as_u64();
        Duration::from_secs(seconds.unwrap_or(otherwise))
    };
    let recent = |window: Duration| memory.proposals.iter().filter(move |(at, _)| between(*at, now) < window);
    let low = recent(window("scaleUp", 0)).map(|(_, size)| *size).fold(proposed, i64::min);
    let high = recent(window("scaleDown", STABILIZATION)).map(|(_, size)| *size).fold(proposed, i64::max);
    let stabilized = if spec["behavior"].is_null() { high } else { current.max(low).min(high) };
    memory.proposals.push((now, proposed));
    let able = if stabilized == proposed {
        ("ReadyForNewScale", "recommended size matches current size")
    } else if proposed >= current && !spec["behavior"].is_null() {
        (
            "ScaleUpStabilized",
            "recent recommendations were lower than current one, applying the lowest recent recommendation",
        )
    } else {
        (
            "ScaleDownStabilized",
            "recent recommendations were higher than current one, applying the highest recent recommendation",
        )
    };
    set_condition(status, "AbleToScale", "True", able, now);
    let (wanted, limited) = limit(spec, &memory.changes, current, stabilized, now);
    let word = if wanted == stabilized { "False" } else { "True" };
    set_condition(status, "ScalingLimited", word, limited, now);
    wanted
}

/// Returns the allowed size, and what bounds it.
fn limit(
    spec: &Value,
    changes: &[(Timestamp, i64)],
    current: i64,
    wanted: i64,
    now: Timestamp,
) -> (i64, (&'static str, &'static str)) {
    let (least, most) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].as_i64().unwrap_or(1));
    let fast = match &spec["behavior"] {
        Value::Null => (current * 2).max(4),
        behavior => policies(&behavior["scaleUp"], changes, current, Direction::Up, now).max(current),
    };
    let slow = match &spec["behavior"] {
        Value::Null => least,
        behavior => policies(&behavior["scaleDown"], changes, current, Direction::Down, now).min(current),
    };
    let too_few = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
    let too_many = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
    if wanted > current {
        let (top, why) = if most > fast {
            (fast, ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"))
        } else {
            (most, too_many)
        };
        if wanted > top {
            return (top, why);
        }
    } else {
        let (bottom, why) = if least < slow {
            (slow, ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"))
        } else {
            (least, too_few)
        };
        if wanted < bottom {
            return (bottom, why);
        }
    }
    if wanted < least {
        return (least, too_few);
    }
    if wanted > most {
        return (most, too_many);
    }
    (wanted, ("DesiredWithinRange", "the desired count is within the acceptable range"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Returns the size that the policies of a direction allow.
fn policies(rules: &Value, changes: &[(Timestamp, i64)], current: i64, direction: Direction, now: Timestamp) -> i64 {
    let select = rules["selectPolicy"].as_str().unwrap_or("Max");
    if select == "Disabled" {
        return current;
    }
    let usual = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
    let list = rules["policies"].as_array().or(usual.as_array()).map_or(&[][..], Vec::as_slice);
    let sizes = list.iter().map(|policy| {
        let period = Duration::from_secs(policy["periodSeconds"].as_u64().unwrap_or(15));
        let recent = changes.iter().filter(|(at, _)| between(*at, now) < period).map(|(_, change)| *change);
        let before = current - recent.sum::<i64>();
        let value = policy["value"].as_i64().unwrap_or_default();
        match (policy["type"] == "Pods", direction) {
            (true, Direction::Up) => before + value,
            (true, Direction::Down) => before - value,
            (false, Direction::Up) => before + (before * value + 99) / 100,
            (false, Direction::Down) => before - before * value / 100,
        }
    });
    let farthest = (select == "Max") == (direction == Direction::Up);
    if farthest { sizes.max() } else { sizes.min() }.unwrap_or(current)
}
