//! The shapes by which a secret is recognised in text it was never registered from: values under
//! key-like names, URL passwords, JWTs, PEM keys, tokens with a vendor's prefix.
//!
//! Digests, uids, revisions and pod hashes have none of these shapes and must never be masked; the
//! corpus test below holds that at zero.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// Each pattern masks its group `v`, or all of the match where it has none.
static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // PEM private keys, also with the newlines escaped as in JSON or YAML.
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
        // JSON web tokens (RFC 7519): three base64url parts, the first two JSON objects.
        r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
        // The password of a URL's userinfo (RFC 3986).
        r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'\x22]*:(?P<v>[^\s/@'\x22]+)@",
        // Authorization headers.
        r"(?i)\b(?:bearer|basic)\s+(?P<v>[A-Za-z0-9+/=._~-]{12,})",
        // Vendor prefixes: OpenAI, Anthropic, OpenRouter, GitHub, GitLab, AWS, Google, Slack, Hugging Face, npm, Stripe, Groq.
        r"\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{20,})",
        // A value under a key-like name: `password=…`, `"apiKey": "…"`, `--token …`.
        r#"(?i)(?:[A-Za-z0-9_.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|credentials?))["']?\s*[=:]\s*["']?(?P<v>[^\s"',;&}\])‹]{4,})"#,
        r"(?i)--(?:password|token|api-key|secret)\s+(?P<v>[^\s‹-][^\s‹]{3,})",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// Words that stand where a value would stand without being one.
const PLAIN: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "empty",
    "invalid",
    "missing",
    "required",
    "expired",
    "undefined",
    "redacted",
    "<set>",
    "<unset>",
];

/// Returns the ranges of a text that look like secrets, ascending and without overlap.
pub(super) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = PATTERNS
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text))
        .filter_map(|captures| {
            let whole = captures.get(0)?;
            let value = captures.name("v").unwrap_or(whole);
            is_maskable(value.as_str()).then(|| value.range())
        })
        .collect();
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match ranges.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => ranges.push(range),
        }
    }
    ranges
}

/// Returns whether a key or variable name says that its value is a secret. `secretName` and
/// `tokenExpirationSeconds` do not: they end in another noun.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '.'], "_");
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "apikey", "access_key", "accesskey",
        "private_key", "privatekey", "secret_key", "secretkey", "credential", "credentials", "auth_key", "domain_key"]
        .iter()
        .any(|word| key.ends_with(word))
        // A URL with a password in it is masked by its own shape; the rest of it is worth reading.
        && !key.ends_with("_url")
}

/// Returns whether a value could be a secret at all, rather than a mask, a reference or a plain word.
pub(super) fn is_maskable(value: &str) -> bool {
    !value.is_empty()
        && !value.contains('‹')
        && !value.starts_with("$(")
        && !value.starts_with("${")
        && !PLAIN.contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<&str> {
        secret_ranges(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn shapes_are_found() {
        for (text, expected) in [
            ("DATABASE_URL=postgres://todo:hunter2@db:5432/todo", vec!["hunter2"]),
            ("Authorization: Bearer abcdefghijklmnop", vec!["abcdefghijklmnop"]),
            ("OPENAI_API_KEY=sk-proj-abcdefghijklmnopqrstuv", vec!["sk-proj-abcdefghijklmnopqrstuv"]),
            (r#"{"password": "hunter22"}"#, vec!["hunter22"]),
            ("login --token abcd1234", vec!["abcd1234"]),
            ("key AKIAIOSFODNN7EXAMPLE used", vec!["AKIAIOSFODNN7EXAMPLE"]),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc end", vec!["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"]),
        ] {
            assert_eq!(secrets(text), expected, "{text}");
        }
    }

    #[test]
    fn a_pem_key_is_one_secret() {
        let text = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb";
        assert_eq!(secrets(text).len(), 1);
    }

    #[test]
    fn ordinary_cluster_text_has_no_false_mask() {
        for text in [
            "docker.io/library/redis@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "uid 5f3c1c1e-8a35-4c46-a3f5-5c8d4b5b1f0d revision 12",
            "backend-7d4b9c6f5d-x8z2k 1/1 Running 0 5m",
            "pod-template-hash=7d4b9c6f5d",
            "redis://redis:6379/0",
            "http://backend:8000/health",
            "secretName: todo-secret",
            "MountVolume.SetUp failed for volume \"config\" : secret \"todo-secret\" not found",
            "Error: secret \"todo-secret\" not found",
            "serviceAccountToken expirationSeconds: 3607",
            "automountServiceAccountToken: false",
            "kube-api-access-x8z2k",
            "back-off 10s restarting failed container=backend pod=backend-7d4b9c6f5d-x8z2k_todo(5f3c1c1e)",
            "couldn't find key API_KEY in Secret todo/todo-secret",
        ] {
            assert_eq!(secrets(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn keys_that_name_a_secret() {
        for key in ["password", "DB_PASSWORD", "apiKey", "OPENAI_API_KEY", "BETTER_AUTH_SECRET", "token"] {
            assert!(names_a_secret(key), "{key}");
        }
        for key in ["secretName", "key", "name", "DATABASE_URL", "tokenExpirationSeconds", "imagePullSecrets"] {
            assert!(!names_a_secret(key), "{key}");
        }
    }
}
