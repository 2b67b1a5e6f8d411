//! Durations as people write them (`10m`, `1h30m`) and ages as kubectl prints them.
//!
//! Bounds are checked here, so that no caller can be handed a duration it cannot add to a time.

use std::time::Duration;

use jiff::Timestamp;
use todo_agent_core::ToolError;

/// The longest duration an argument may name: a year.
const LONGEST_SECONDS: u64 = 365 * 24 * 3600;

/// Reads a duration such as `90s`, `10m`, `1h30m`, `2d`. `argument` names it in the complaint.
pub(crate) fn parse(argument: &str, given: &str) -> Result<Duration, ToolError> {
    let refuse = || {
        ToolError::arguments(format!("{argument} must be a duration, got \"{given}\""))
            .hint("write it as 90s, 10m, 1h30m or 2d")
    };
    let mut rest = given.trim();
    let mut seconds: u64 = 0;
    if rest.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: u64 = rest[..digits].parse().map_err(|_| refuse())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            "w" => 7 * 24 * 3600,
            _ => return Err(refuse()),
        };
        rest = &rest[letters..];
        seconds = amount.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(refuse)?;
    }
    if seconds == 0 || seconds > LONGEST_SECONDS {
        return Err(ToolError::arguments(format!("{argument} must be between 1s and 365d, got \"{given}\"")));
    }
    Ok(Duration::from_secs(seconds))
}

/// Returns the time between an instant and now in kubectl's words: `5m10s`, `3h`, `12d`.
/// Source: `duration.HumanDuration` of k8s.io/apimachinery.
pub(crate) fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "<unknown>".to_owned(), |since| human(now.as_second() - since.as_second()))
}

/// Returns a number of seconds in kubectl's words.
pub(crate) fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let pair = |large: i64, large_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small}{small_unit}"),
    };
    match seconds {
        // A clock a little behind the cluster's is not worth a word.
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => pair(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (given, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), (" 5min ", 300)] {
            assert_eq!(parse("since", given).unwrap().as_secs(), seconds, "{given}");
        }
        for given in ["", "10", "m", "-5m", "ten minutes", "5x", "99999999999999999999d"] {
            assert!(parse("since", given).unwrap_err().to_string().contains("must be a duration"), "{given}");
        }
        assert!(parse("since", "400d").unwrap_err().to_string().contains("between 1s and 365d"));
    }

    #[test]
    fn ages_read_like_kubectls() {
        for (seconds, shown) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (305, "5m5s"),
            (3600, "60m"),
            (11_700, "3h15m"),
            (90_000, "25h"),
            (200_000, "2d7h"),
            (1_000_000, "11d"),
            (100_000_000, "3y62d"),
        ] {
            assert_eq!(human(seconds), shown);
        }
    }
}
