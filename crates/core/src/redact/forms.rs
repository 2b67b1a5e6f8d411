//! The ways in which a value the process holds may be written elsewhere: as it is, in base64, within longer
//! base64, in a URL, in JSON, line by line. All of them get the value's mask.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};

/// The shortest piece of base64 that is taken for a value's; a shorter one may stand there by chance.
const SHORTEST_PIECE: usize = 8;
/// The shortest line of a value that is a secret by itself.
const SHORTEST_LINE: usize = 16;

/// Returns every form of the value, each once.
pub(super) fn of(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), STANDARD.encode(value), URL_SAFE.encode(value)];
    forms.push(STANDARD_NO_PAD.encode(value));
    forms.push(URL_SAFE_NO_PAD.encode(value));
    forms.extend((0..3).flat_map(|offset| within_base64(value, offset)));
    forms.push(percent_encoded(value));
    if let Ok(json) = serde_json::to_string(value) {
        forms.push(json.trim_matches('"').to_owned());
    }
    forms.extend(value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE).map(str::to_owned));
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Returns the characters that the value has within the base64 of something longer, with `offset` bytes
/// before it (modulo 3); those at its edges depend on its neighbours and are left out.
fn within_base64(value: &str, offset: usize) -> Vec<String> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    let (first, last) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    if last < first + SHORTEST_PIECE {
        return Vec::new();
    }
    [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].iter().map(|encoded| encoded[first..last].to_owned()).collect()
}

/// Returns the value with everything but unreserved characters escaped (RFC 3986 §2.3).
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_at_every_place_within_longer_base64() {
        let value = "s3cr3t-value!";
        let forms = of(value);
        for before in ["", "u", "us", "use", "user:", "todo-user:"] {
            for after in ["", "\n", "xyz"] {
                let encoded = STANDARD.encode(format!("{before}{value}{after}"));
                assert!(forms.iter().any(|form| encoded.contains(form.as_str())), "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn a_value_is_found_in_a_url_and_in_json() {
        let forms = of("p@ss\"w/rd");
        assert!(forms.contains(&"p%40ss%22w%2Frd".to_owned()));
        assert!(forms.contains(&"p@ss\\\"w/rd".to_owned()));
    }
}
