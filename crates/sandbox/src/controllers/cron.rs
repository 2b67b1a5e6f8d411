//! Cron schedules: five fields or a word, read as Kubernetes reads them, and the next time they name.
//!
//! Source: `github.com/robfig/cron/v3`, the parser of the cron job controller.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A schedule: the minutes, hours, days, months and weekdays that it names, as bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Five fields.
    Fields(Fields),
    /// `@every 90s`: whole seconds.
    Every(i64),
}

/// The five fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of month or the weekday was a star: then both must fit, else one of them.
    starred: bool,
}

/// What to do with a time that is looked at.
enum Step {
    Fits,
    /// Go on here; nothing where time ends.
    Skip(Option<DateTime>),
}

/// The range of a field, and the words that stand for numbers.
struct Range {
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const MINUTES: Range = Range { least: 0, most: 59, words: &[] };
const HOURS: Range = Range { least: 0, most: 23, words: &[] };
const DAYS: Range = Range { least: 1, most: 31, words: &[] };
const MONTHS: Range = Range {
    least: 1,
    most: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Range = Range { least: 0, most: 6, words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

/// How far ahead a time is looked for before the schedule is taken to name none.
const HORIZON_YEARS: i16 = 5;

impl Schedule {
    /// Reads a schedule, or says what is wrong with it in the parser's words.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(word) = text.strip_prefix('@') {
            return described(text, word);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
        };
        let starred = |field: &str| field.split(',').any(|part| part.starts_with('*') || part.starts_with('?'));
        Ok(Self::Fields(Fields {
            minutes: field(minutes, &MINUTES)?,
            hours: field(hours, &HOURS)?,
            days: field(days, &DAYS)?,
            months: field(months, &MONTHS)?,
            weekdays: field(weekdays, &WEEKDAYS)?,
            starred: starred(days) || starred(weekdays),
        }))
    }

    /// Returns the first time after `after` that the schedule names, in a time zone.
    pub(crate) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let fields = match self {
            Self::Every(seconds) => return after.checked_add(seconds.seconds()).ok(),
            Self::Fields(fields) => fields,
        };
        let start = zone.to_datetime(after);
        let mut at = start.date().at(start.hour(), start.minute(), 0, 0).checked_add(1.minute()).ok()?;
        let last = start.year().saturating_add(HORIZON_YEARS);
        while at.year() <= last {
            at = match fields.step(at) {
                Step::Fits => {
                    let found = zone.to_timestamp(at).ok()?;
                    // An hour that a clock change repeats must not be found again.
                    if found > after {
                        return Some(found);
                    }
                    at.checked_add(1.minute()).ok()?
                }
                Step::Skip(unit) => unit?,
            };
        }
        None
    }
}

impl Fields {
    /// Returns whether a time fits, else the start of the next unit that might.
    fn step(&self, at: DateTime) -> Step {
        let named = |bits: u64, number: i8| bits & (1 << number) != 0;
        let midnight = || at.date().at(0, 0, 0, 0);
        if !named(self.months, at.month()) {
            return Step::Skip(midnight().with().day(1).build().ok().and_then(|at| at.checked_add(1.month()).ok()));
        }
        let day = named(self.days, at.day());
        let weekday = named(self.weekdays, at.weekday().to_sunday_zero_offset());
        let fits = if self.starred { day && weekday } else { day || weekday };
        if !fits {
            return Step::Skip(midnight().checked_add(1.day()).ok());
        }
        if !named(self.hours, at.hour()) {
            return Step::Skip(at.date().at(at.hour(), 0, 0, 0).checked_add(1.hour()).ok());
        }
        if !named(self.minutes, at.minute()) {
            return Step::Skip(at.checked_add(1.minute()).ok());
        }
        Step::Fits
    }
}

fn described(text: &str, word: &str) -> Result<Schedule, String> {
    let fields = match word {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        _ => {
            let every = word.strip_prefix("every ").ok_or_else(|| format!("unrecognized descriptor: {text}"))?;
            let duration = crate::durations::parse(every).map_err(|_| format!("failed to parse duration {text}"))?;
            return Ok(Schedule::Every(i64::try_from(duration.as_secs().max(1)).unwrap_or(i64::MAX)));
        }
    };
    Schedule::parse(fields)
}

fn field(text: &str, range: &Range) -> Result<u64, String> {
    text.split(',').filter(|part| !part.is_empty()).try_fold(0, |bits, part| Ok(bits | part_bits(part, range)?))
}

fn part_bits(text: &str, range: &Range) -> Result<u64, String> {
    let (bounds, step) = match text.split('/').collect::<Vec<_>>().as_slice() {
        [bounds] => (*bounds, None),
        [bounds, step] => (*bounds, Some(number(step, &[])?)),
        _ => return Err(format!("too many slashes: {text}")),
    };
    let (first, mut last) = match bounds.split('-').collect::<Vec<_>>().as_slice() {
        ["*" | "?"] => (range.least, range.most),
        [only] => {
            let only = number(only, range.words)?;
            (only, only)
        }
        [first, last] => (number(first, range.words)?, number(last, range.words)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    // `5/15` goes on to the end.
    if step.is_some() && !bounds.contains('-') {
        last = range.most;
    }
    let step = step.unwrap_or(1);
    if first < range.least {
        return Err(format!("beginning of range ({first}) below minimum ({}): {text}", range.least));
    }
    if last > range.most {
        return Err(format!("end of range ({last}) above maximum ({}): {text}", range.most));
    }
    if first > last {
        return Err(format!("beginning of range ({first}) beyond end of range ({last}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok((first..=last).step_by(step as usize).fold(0, |bits, number| bits | 1 << number))
}

fn number(text: &str, words: &[&str]) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = words.iter().position(|word| *word == lower) {
        let first = u32::from(words.len() == 12);
        return Ok(u32::try_from(at).unwrap_or_default() + first);
    }
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => Ok(u32::try_from(number).unwrap_or(u32::MAX)),
        Err(_) => {
            let quoted = serde_json::Value::from(text);
            Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {quoted}: invalid syntax"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str) -> String {
        let schedule = Schedule::parse(schedule).unwrap();
        schedule.next(after.parse().unwrap(), &TimeZone::UTC).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_the_first_that_every_field_names() {
        for (schedule, expected) in [
            ("* * * * *", "2026-01-01T00:06:00Z"),
            ("*/15 * * * *", "2026-01-01T00:15:00Z"),
            ("0 3 * * *", "2026-01-01T03:00:00Z"),
            ("30 4 1,15 * *", "2026-01-01T04:30:00Z"),
            ("0 0 * * MON", "2026-01-05T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
            ("0 12 13 * 5", "2026-01-02T12:00:00Z"),
            ("@hourly", "2026-01-01T01:00:00Z"),
            ("@every 90s", "2026-01-01T00:07:00Z"),
        ] {
            assert_eq!(next(schedule, "2026-01-01T00:05:30Z"), expected, "{schedule}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_in_the_parsers_words() {
        for (schedule, expected) in [
            ("every day", "expected exactly 5 fields, found 2: [every day]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("@often", "unrecognized descriptor: @often"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(Schedule::parse(schedule).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_schedule_that_names_no_day_has_no_next_time() {
        let never = Schedule::parse("0 0 30 2 *").unwrap();
        assert_eq!(never.next("2026-01-01T00:00:00Z".parse().unwrap(), &TimeZone::UTC), None);
    }
}
