//! When a request is sent again, and after how long.
//!
//! A few times, not for long, and never once something of an answer was given out. A server that says when to come back is
//! obeyed within the same bounds.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Again;

/// How many times a request is sent in all.
const MOST_TRIES: u32 = 4;
/// How long is waited in all.
const MOST_WAITING: Duration = Duration::from_mins(1);
/// The first wait; each one after it is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The tries of one request.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failed: u32,
    waited: Duration,
}

impl Tries {
    /// Takes a failed try and returns how long to wait before the next; `None` where there is none.
    /// `chance` is a random number between 0 and 1.
    pub(crate) fn next(&mut self, again: Again, chance: f64) -> Option<Duration> {
        self.failed += 1;
        if self.failed >= MOST_TRIES {
            return None;
        }
        let wait = match again {
            Again::No => return None,
            Again::After(asked) => asked,
            // Half of it is chance, so that many clients do not come back at once.
            Again::Later => (FIRST_WAIT * 2_u32.pow(self.failed - 1)).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0),
        };
        let waited = self.waited.saturating_add(wait);
        if waited > MOST_WAITING {
            return None;
        }
        self.waited = waited;
        Some(wait)
    }
}

/// Returns how long the headers of an answer ask to wait.
pub(crate) fn asked(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = after.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(after).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Returns a random number between 0 and 1.
pub(crate) fn chance() -> f64 {
    let mut byte = [0];
    // Without random bytes the waits are merely regular.
    let _ = getrandom::fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(again: Again, chance: f64) -> Vec<u128> {
        let mut tries = Tries::default();
        std::iter::from_fn(|| tries.next(again, chance)).map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(waits(Again::Later, 1.0), [500, 1000, 2000]);
        assert_eq!(waits(Again::Later, 0.0), [250, 500, 1000]);
        assert_eq!(waits(Again::No, 1.0), [] as [u128; 0]);
        assert_eq!(waits(Again::After(Duration::from_secs(20)), 1.0), [20_000, 20_000, 20_000]);
        assert_eq!(waits(Again::After(Duration::from_secs(40)), 1.0), [40_000]);
        assert_eq!(waits(Again::After(Duration::from_secs(61)), 1.0), [] as [u128; 0]);
        assert_eq!(waits(Again::After(Duration::MAX / 2), 1.0), [] as [u128; 0]);
    }

    #[test]
    fn what_servers_ask_for_is_understood() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
        for (name, value, expected) in [
            ("retry-after", "7", Some(7000)),
            ("retry-after", "0.25", Some(250)),
            ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT", Some(30_000)),
            ("retry-after", "Wed, 21 Oct 2026 07:00:00 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("retry-after", "-5", None),
            ("retry-after", "1e300", None),
            ("retry-after-ms", "40", Some(40)),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(asked(&headers, now).map(|wait| wait.as_millis()), expected, "{name}: {value}");
        }
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }
}
