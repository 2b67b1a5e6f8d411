//! Kubernetes quantities (`250m`, `1.5Gi`, `2e3`): exact parsing, comparison, sums and the canonical
//! form that the API server writes. Values are whole numbers of nano-units, so no arithmetic rounds;
//! only a value finer than a nano-unit is rounded up, as the API server does.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

const NANO: i128 = 1_000_000_000;
/// The largest magnitude kept: 2^63 − 1 units, the API server's own cap.
const LIMIT: i128 = (i64::MAX as i128) * NANO;

/// The notation that a quantity was written in, kept for its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// `k`, `M`, `m` and no suffix.
    Decimal,
    /// `Ki`, `Mi`, `Gi`.
    Binary,
    /// `1e3`.
    Exponent,
}

/// An amount of a resource: cores for CPU, bytes for memory.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nano: i128,
    notation: Notation,
}

/// A text that is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
pub struct QuantityError;

impl Quantity {
    /// Zero in decimal notation.
    pub const ZERO: Self = Self { nano: 0, notation: Notation::Decimal };

    /// Returns a quantity of whole units (cores, bytes).
    pub fn from_units(units: i64) -> Self {
        Self { nano: i128::from(units) * NANO, notation: Notation::Decimal }
    }

    /// Returns a quantity of thousandths (millicores).
    pub fn from_milli(milli: i64) -> Self {
        Self { nano: i128::from(milli) * 1_000_000, notation: Notation::Decimal }
    }

    /// Returns the value in whole units, rounded up.
    pub fn units(&self) -> i64 {
        i64::try_from(ceiling(self.nano, NANO)).unwrap_or(i64::MAX)
    }

    /// Returns the value in thousandths, rounded up and saturating.
    pub fn milli(&self) -> i64 {
        i64::try_from(ceiling(self.nano, 1_000_000)).unwrap_or(i64::MAX)
    }

    /// Returns whether the value is exactly zero.
    pub fn is_zero(&self) -> bool {
        self.nano == 0
    }

    /// Returns the sum; the notation of `self` is kept unless `self` is zero.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let notation = if self.nano == 0 { other.notation } else { self.notation };
        Self { nano: (self.nano + other.nano).clamp(-LIMIT, LIMIT), notation }
    }

    /// Returns the difference, which may be negative.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let notation = if self.nano == 0 { other.notation } else { self.notation };
        Self { nano: (self.nano - other.nano).clamp(-LIMIT, LIMIT), notation }
    }

    /// Returns the quantity multiplied by a whole number, saturating.
    #[must_use]
    pub fn times(self, factor: i64) -> Self {
        let nano = self.nano.saturating_mul(i128::from(factor)).clamp(-LIMIT, LIMIT);
        Self { nano, notation: self.notation }
    }
}

/// Division rounded towards positive infinity.
fn ceiling(value: i128, divisor: i128) -> i128 {
    value.div_euclid(divisor) + i128::from(value.rem_euclid(divisor) != 0)
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(QuantityError);
        }
        let (notation, scale) = scale_of(suffix)?;
        let magnitude = scaled(whole, fraction, scale)?.min(LIMIT);
        Ok(Self { nano: if negative { -magnitude } else { magnitude }, notation })
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    /// A power of ten.
    Ten(i32),
    /// A power of 1024.
    Binary(u32),
}

fn scale_of(suffix: &str) -> Result<(Notation, Scale), QuantityError> {
    let decimal = |power| Ok((Notation::Decimal, Scale::Ten(power)));
    let binary = |power| Ok((Notation::Binary, Scale::Binary(power)));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let power = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError)?;
            let power: i32 = power.parse().map_err(|_| QuantityError)?;
            Ok((Notation::Exponent, Scale::Ten(power)))
        }
    }
}

/// Returns `whole.fraction × scale` in nano-units, rounded up and capped at [`LIMIT`].
fn scaled(whole: &str, fraction: &str, scale: Scale) -> Result<i128, QuantityError> {
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > 30 {
        return Ok(LIMIT);
    }
    // Digits beyond this can only decide whether to round up.
    let (fraction, rest) = fraction.split_at(fraction.len().min(24));
    let digits = format!("{whole}{fraction}");
    let mut value: i128 = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| QuantityError)? };
    let mut power = 9 - i32::try_from(fraction.len()).map_err(|_| QuantityError)?;
    match scale {
        Scale::Ten(ten) => power = power.saturating_add(ten),
        Scale::Binary(exponent) => match value.checked_mul(1024_i128.pow(exponent)) {
            Some(product) => value = product,
            None => return Ok(LIMIT),
        },
    }
    if value == 0 {
        return Ok(i128::from(!rest.is_empty()));
    }
    if power >= 0 {
        let factor = 10_i128.checked_pow(power.unsigned_abs());
        return Ok(factor.and_then(|factor| value.checked_mul(factor)).map_or(LIMIT, |value| value.min(LIMIT)));
    }
    match 10_i128.checked_pow(power.unsigned_abs()) {
        Some(divisor) => {
            let up = i128::from(value % divisor != 0 || !rest.is_empty());
            Ok(value / divisor + up)
        }
        None => Ok(1),
    }
}

impl fmt::Display for Quantity {
    /// Writes the canonical form: the largest suffix that leaves a whole number.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return formatter.write_str("0");
        }
        let small = self.nano.abs() < 1024 * NANO;
        if self.notation == Notation::Binary && !small {
            let mut value = ceiling(self.nano, NANO);
            let mut suffix = 0;
            while suffix < 6 && value % 1024 == 0 {
                value /= 1024;
                suffix += 1;
            }
            return write!(formatter, "{value}{}", ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][suffix]);
        }
        let mut value = self.nano;
        let mut step = 0;
        while step < 9 && value % 1000 == 0 {
            value /= 1000;
            step += 1;
        }
        match self.notation {
            Notation::Exponent if step != 3 => {
                let power = 3 * i32::try_from(step).unwrap_or_default() - 9;
                write!(formatter, "{value}e{power}")
            }
            _ => write!(formatter, "{value}{}", ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][step]),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn equal_amounts_compare_equal_in_any_notation() {
        for (left, right) in
            [("1", "1000m"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1e3", "1k"), ("128974848", "123Mi"), ("1E", "1e18")]
        {
            assert_eq!(parse(left), parse(right), "{left} {right}");
        }
        assert!(parse("1G") < parse("1Gi"));
        assert!(parse("100m") < parse("0.11"));
        assert!(parse("-1") < parse("0"));
    }

    #[test]
    fn the_canonical_form_is_the_api_servers() {
        for (text, canonical) in [
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.25", "250m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1000", "1k"),
            ("1000000000", "1G"),
            ("1500000", "1500k"),
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("0", "0"),
            ("0Gi", "0"),
            ("+5", "5"),
            ("-500m", "-500m"),
            (".5", "500m"),
            ("0.0000000001", "1n"),
        ] {
            assert_eq!(parse(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_quantity_is_refused() {
        for text in ["", "m", "1 Gi", "1gi", "1.2.3", "--1", "1KB", "e3", "1e", "one"] {
            assert_eq!(text.parse::<Quantity>(), Err(QuantityError), "{text}");
        }
    }

    #[test]
    fn huge_values_are_capped_instead_of_overflowing() {
        let cap = parse("9223372036854775807");
        for text in ["1e400", "99999999999999999999999999999999999999999", "100Ei"] {
            assert_eq!(parse(text), cap, "{text}");
        }
        assert_eq!(cap.plus(cap), cap);
        assert_eq!(parse("1e-400"), parse("1n"));
    }

    #[test]
    fn sums_are_exact_and_readings_round_up() {
        let sum = parse("100m").plus(parse("0.2")).plus(parse("1"));
        assert_eq!((sum.to_string().as_str(), sum.milli(), sum.units()), ("1300m", 1300, 2));
        assert_eq!(parse("1Gi").minus(parse("256Mi")).to_string(), "768Mi");
        assert_eq!(parse("250m").times(6).to_string(), "1500m");
    }
}
