//! A text in pieces comes out as the whole would, wherever it is cut, and as soon as it may.

use proptest::prelude::*;

use super::*;

fn redactor() -> Redactor {
    let redactor = Redactor::new([3; 32]);
    for value in ["s3cr3t-value", "two words", "secret:1› foo", "abcabcabd", "first line of it\nsecond line of it"] {
        redactor.register(value);
    }
    redactor
}

/// Returns what is given out after each piece, and at the end.
fn streamed(pieces: &[&str]) -> Vec<String> {
    let redactor = redactor();
    let mut streaming = StreamingRedaction::default();
    let mut given: Vec<String> = pieces
        .iter()
        .map(|piece| streaming.push(&redactor, piece).map_or(String::new(), Redacted::into_inner))
        .collect();
    given.push(streaming.finish(&redactor).map_or(String::new(), Redacted::into_inner));
    given
}

/// What texts are made of: plain words, every shape in its notations, values the process holds, and the
/// beginnings of all of these.
const PARTS: &[&str] = &[
    "the",
    "pod",
    "backend-7d4b9c6f5d-x8z2k",
    "größe",
    "9",
    "x",
    "**bold**",
    "token",
    "secret",
    "name",
    "bearer",
    "basic",
    "password=hunter22",
    "password=",
    "DB_PASS: hunter22",
    "pass",
    "word: hunter22",
    "\"apiKey\": \"with space, comma; and }\"",
    "\"password\": \"never closed",
    "DB_PASSWORD='it is long'",
    "{\\\"password\\\":\\\"hunter,22\\\"}",
    "\"a\\\"b c\"",
    "Authorization: Bearer abcdefghijklmnop",
    "authorization: token abcd1234efgh",
    "using bearer AbCdEf123456 now",
    "postgres://todo:p@ss@db:5432/todo",
    "https://0123456789abcdef01234567@sentry.example/1",
    "redis://redis:6379/0",
    "://",
    "@",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "eyJhbGciOiJIUzI1NiJ9.",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz",
    "hf_abcdefghijklmnopqrstuvwxyz",
    "sk-proj-abcdefghijklmnopqrstuv",
    "sk-api-7d4b9c6f5d-x8z2k",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "password: |\n  hunter22 x",
    "- name: DB_PASSWORD\n  value: hunter22",
    "[\"redis-server\",\"--requirepass\",\n\"hunter22\"]",
    "login --token abcd1234",
    "--token",
    "s3cr3t-value",
    "s3cr3t-",
    "czNjcjN0LXZhbHVl",
    "two words",
    "two",
    "abcabcabd",
    "abcabc",
    "first line of it\nsecond line of it",
    "first line of it",
    "‹secret:1›",
    "‹secret:1› foo",
    "‹given:2›",
    "‹secret",
    "‹",
    "$(DB_PASSWORD)",
    "\u{202e}",
    "|",
    ":",
    "=",
    "\"",
    "'",
    "\\",
];

const BETWEEN: &[&str] = &["", " ", "\n", ", ", "  ", "\t", "\n\n", ": ", "="];

fn text() -> impl Strategy<Value = String> {
    let part = (prop::sample::select(PARTS), prop::sample::select(BETWEEN));
    prop::collection::vec(part, 1..12)
        .prop_map(|parts| parts.into_iter().flat_map(|(part, after)| [part, after]).collect())
}

/// Cuts a text into pieces of these many characters, again and again.
fn cut<'t>(text: &'t str, sizes: &[usize]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for &size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let end = rest.char_indices().nth(size).map_or(rest.len(), |(index, _)| index);
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_come_out_as_the_whole_would(text in text(), sizes in prop::collection::vec(1usize..12, 1..6)) {
        let given = streamed(&cut(&text, &sizes)).concat();
        prop_assert_eq!(&given, &*redactor().text(&text));
    }
}

#[test]
fn each_part_is_safe_cut_at_each_place() {
    for part in PARTS {
        for (index, _) in part.char_indices() {
            let text = format!("a {part} b");
            let (first, second) = text.split_at(index + 2);
            assert_eq!(streamed(&[first, second]).concat(), *redactor().text(&text), "{part:?} at {index}");
        }
    }
}

#[test]
fn a_plain_word_is_given_out_when_the_next_space_comes() {
    let given = streamed(&["The ", "ba", "ckend", " ", "is ", "ready.\n", "Next"]);
    assert_eq!(given, ["The", "", "", " backend", " is", " ready.", "", "\nNext"]);
}

#[test]
fn what_may_become_a_secret_waits_until_it_is_one_or_not() {
    let given =
        streamed(&["set password", "=", "hunter", "22", " on", " postgres://todo:", "hunter23", "@db/todo ", "x"]);
    assert_eq!(
        given,
        ["set", " ", "", "", "password=‹secret:6›", " on ", "", "postgres://todo:‹secret:7›@db/todo", "", " x"]
    );
}

#[test]
fn a_long_secret_costs_no_more_per_piece_than_a_short_one() {
    // What is kept grows; were it looked through again for each piece, this would take minutes.
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    let mut pieces = vec!["-----BEGIN RSA PRIVATE KEY-----\n"];
    pieces.extend(std::iter::repeat_n(line, 300));
    pieces.extend(["-----END RSA PRIVATE KEY-----", "\n", "done"]);
    let given = streamed(&pieces);
    assert_eq!(given.concat(), "‹secret:6›\ndone");
    assert_eq!(given[..=301].concat(), "");
}
