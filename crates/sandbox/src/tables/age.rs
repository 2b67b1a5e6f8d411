//! How long ago something was, in the two or three digits that people read.
//!
//! Source: `HumanDuration` of `k8s.io/apimachinery/pkg/util/duration`.

use jiff::Timestamp;
use serde_json::Value;

/// Returns the time since a timestamp of the API, `<unknown>` where there is none.
pub(super) fn since(timestamp: &Value, now: Timestamp) -> String {
    match timestamp.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(then) => human(now.duration_since(then).as_secs()),
        None => "<unknown>".to_owned(),
    }
}

/// Returns the time from one timestamp of the API to another.
pub(super) fn span(from: &Value, to: &str) -> String {
    match (from.as_str().and_then(|text| text.parse::<Timestamp>().ok()), to.parse::<Timestamp>()) {
        (Some(from), Ok(to)) => human(to.duration_since(from).as_secs()),
        _ => String::new(),
    }
}

fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    let two = |large: i64, unit: &str, small: i64, rest: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{rest}"),
    };
    match () {
        // A second of disagreement between clocks is nothing.
        () if seconds < -1 => "<invalid>".to_owned(),
        () if seconds < 0 => "0s".to_owned(),
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, "h", minutes % 60, "m"),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 24 * 8 => two(days, "d", hours % 24, "h"),
        () if days < 365 * 2 => format!("{days}d"),
        () if days < 365 * 8 => two(days / 365, "y", days % 365, "d"),
        () => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ages_have_two_or_three_digits() {
        const DAY: i64 = 24 * 3600;
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * 3600 - 1, "179m"),
            (3 * 3600, "3h"),
            (7 * 3600 + 61, "7h1m"),
            (8 * 3600, "8h"),
            (2 * DAY, "2d"),
            (3 * DAY + 3600, "3d1h"),
            (9 * DAY + 3600, "9d"),
            (800 * DAY, "2y70d"),
            (365 * 9 * DAY, "9y"),
        ] {
            assert_eq!(human(seconds), text);
        }
    }

    #[test]
    fn what_has_no_time_has_no_age() {
        let now = "2026-01-01T00:00:30.5Z".parse().unwrap();
        assert_eq!(since(&json!("2026-01-01T00:00:00Z"), now), "30s");
        assert_eq!(since(&json!("2026-01-01T00:00:00.700000Z"), now), "29s");
        assert_eq!(since(&Value::Null, now), "<unknown>");
    }
}
