//! The shapes by which a secret is recognised in text it was never registered from: values under
//! key-like names, URL passwords, JWTs, PEM keys, tokens with a vendor's prefix.
//!
//! Digests, uids, revisions and pod hashes have none of these shapes and must never be masked; the
//! corpus test below holds that at zero.

use std::{ops::Range, sync::LazyLock};

use regex::{Regex, RegexSet};

/// Names after which a secret value stands. What comes before them in a word does not matter.
macro_rules! key {
    () => {
        r"(?:password|passwd|passphrase|requirepass|masterauth|_pass|pwd|secret|token|credentials?|(?:api|access|account|auth|encryption|signing|private|secret)[_-]?key)"
    };
}

/// What may stand between such a name and its value: a closing quote, escaped where JSON holds JSON, and
/// the sign. Never a line break: what follows it belongs to the next name.
macro_rules! is {
    () => {
        r#"\\*["']?[ \t]*[=:][ \t]*"#
    };
}

/// A shape; the value is the group `v`, or all of the match where it has none.
struct Shape {
    regex: Regex,
    /// Whether what was found can be one, for what a regular expression cannot say.
    fits: fn(&str) -> bool,
}

/// All shapes, and the same as one set: most texts have none of them, which a set says in one pass.
struct Shapes {
    each: Vec<Shape>,
    any: RegexSet,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let each = each_shape();
    let any = RegexSet::new(each.iter().map(|shape| shape.regex.as_str())).unwrap_or_else(|_| RegexSet::empty());
    Shapes { each, any }
});

fn each_shape() -> Vec<Shape> {
    let any: fn(&str) -> bool = |_| true;
    [
        // PEM private keys, also with the newlines escaped as in JSON or YAML.
        (
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
            any,
        ),
        // A line of a PEM body that was torn from its frame (RFC 7468: 64 characters), as line by line in a log.
        (r"(?m)(?:^|[\s|])(?P<v>[A-Za-z0-9+/]{64})\s*$", is_mixed),
        // JSON web tokens (RFC 7519): three base64url parts, the first two JSON objects.
        (r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*", any),
        // The password of a URL's userinfo (RFC 3986), also one that holds an unescaped @; a long user alone is a token.
        (r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@'\x22]*:(?P<v>[^\s/'\x22]+)@", any),
        (r"\b[A-Za-z][A-Za-z0-9+.-]*://(?P<v>[A-Za-z0-9_-]{20,})@", any),
        // Authorization headers; beside one, the words alone are prose more often than not.
        (
            r#"(?i)\bauthorization\\*["']?[ \t]*[=:][ \t]*\\*["']?(?:[a-z]+[ \t]+)?(?P<v>[A-Za-z0-9+/=._~-]{8,})"#,
            any,
        ),
        (r"(?i)\b(?:bearer|basic)[ \t]+(?P<v>[A-Za-z0-9+/=._~-]{12,})", is_mixed),
        // Vendor prefixes: GitHub, GitLab, AWS, Google, Slack, Hugging Face, npm, Stripe, Groq.
        (
            r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{20,})",
            any,
        ),
        // OpenAI, Anthropic, OpenRouter and who followed them; a pod may be called sk-api-7d4b9c6f5d-x8z2k.
        (r"\bsk-[A-Za-z0-9_-]{16,}", |found| {
            found.bytes().any(|byte| byte.is_ascii_uppercase())
                || found.split(['-', '_']).any(|part| part.len() >= 16)
        }),
        // A value under a key-like name: `"apiKey": "…"`, the same in JSON within JSON, `'…'`, `password=…`.
        (concat!("(?i)", key!(), is!(), r#""(?P<v>(?:[^"\\\n]|\\.)+)""#), any),
        (concat!("(?i)", key!(), is!(), r#"\\+"(?P<v>[^"\n]+?)\\+""#), any),
        (concat!("(?i)", key!(), is!(), r"'(?P<v>[^'\n]+)'"), any),
        (
            concat!(
                "(?i)",
                key!(),
                is!(),
                r#"(?P<v>(?:[^\s"'\\,;&}\])]|\\[^\s"'\\])(?:[^\s"'\\,;&}\])]|\\[^\s"'\\]){3,})"#
            ),
            any,
        ),
        // A YAML block under such a name.
        (concat!("(?i)", key!(), r#"["']?[ \t]*:[ \t]*[|>][+-]?[ \t]*\n[ \t]*(?P<v>[^\s][^\n]*)"#), any),
        // A variable's name beside its value, as in Kubernetes objects that are kept as text.
        (
            concat!(
                r#"(?i)\bname\\*["']?[ \t]*:[ \t]*\\*["']?[A-Za-z0-9_.-]*"#,
                key!(),
                r#"\\*["']?[ \t]*,?\s*\\*["']?value\\*["']?[ \t]*:[ \t]*\\*["']?(?P<v>[^"'\\\n]+)"#
            ),
            any,
        ),
        // An option and its value, also as two items of a list.
        (
            r#"(?i)--[a-z0-9-]*(?:password|passwd|passphrase|pass|token|api-?key|access-?key|secret-?key|secret)(?:\\*["'][ \t]*,\s*\\*["']|[ \t]+\\*["']?)(?P<v>[^\s"'\\-][^\s"'\\]{3,})"#,
            any,
        ),
    ]
    .into_iter()
    .filter_map(|(pattern, fits)| Regex::new(pattern).ok().map(|regex| Shape { regex, fits }))
    .collect()
}

/// Words that stand where a value would stand without being one.
const PLAIN: &[&str] = &[
    "true",
    "false",
    "null",
    "none",
    "nil",
    "empty",
    "error",
    "invalid",
    "illegal",
    "continue",
    "missing",
    "required",
    "expired",
    "undefined",
    "redacted",
    "<set>",
    "<set-anew>",
    "<unset>",
    "<none>",
    "<nil>",
];

/// A place where a shape fits.
pub(super) struct Found {
    /// All that the shape needs, such as the name before a value.
    pub(super) whole: Range<usize>,
    /// The secret in it; none where what stands there cannot be one.
    pub(super) secret: Option<Range<usize>>,
}

/// Returns the shapes' regular expressions.
pub(super) fn expressions() -> impl Iterator<Item = &'static str> {
    SHAPES.each.iter().map(|shape| shape.regex.as_str())
}

/// Returns the ranges of a text that look like secrets, ascending and without overlap.
pub(super) fn secret_ranges(text: &str) -> Vec<Range<usize>> {
    merged(found(text, 0).into_iter().filter_map(|found| found.secret).collect())
}

/// Returns where shapes fit that begin at `from` or later; what stands before is only looked back at.
pub(super) fn found(text: &str, from: usize) -> Vec<Found> {
    let Shapes { each, any } = &*SHAPES;
    // A set that could not be made knows none of them and decides nothing.
    if any.len() == each.len() && !any.is_match(text) {
        return Vec::new();
    }
    each.iter().flat_map(|shape| shape.found(text, from)).collect()
}

impl Shape {
    fn found<'t>(&'t self, text: &'t str, mut from: usize) -> impl Iterator<Item = Found> + 't {
        std::iter::from_fn(move || {
            let captures = self.regex.captures_at(text, from)?;
            let whole = captures.get(0)?;
            let value = captures.name("v").unwrap_or(whole);
            // No shape is empty.
            from = whole.end();
            let fits = is_maskable(value.as_str()) && (self.fits)(value.as_str());
            Some(Found { whole: whole.range(), secret: fits.then(|| value.range()) })
        })
    }
}

/// Returns ranges in order of their start with those that overlap made one.
pub(super) fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
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

/// Returns whether text has the look of encoded bytes, not of a word or of a hexadecimal digest.
fn is_mixed(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    let inner_capital = text.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    (inner_capital && has(u8::is_ascii_lowercase)) || (has(u8::is_ascii_digit) && !text.bytes().all(is_of_a_name))
}

/// Hexadecimal digits, and what Kubernetes names are made of.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// Returns whether a key or variable name says that its value is a secret. `secretName` and
/// `tokenExpirationSeconds` do not: they end in another noun.
pub(super) fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '.'], "_");
    ["password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "apikey", "access_key", "accesskey",
        "private_key", "privatekey", "secret_key", "secretkey", "credential", "credentials", "auth_key", "domain_key",
        "account_key", "accountkey", "encryption_key", "signing_key", "_pass", "requirepass", "masterauth"]
        .iter()
        .any(|word| key.ends_with(word))
        // A URL with a password in it is masked by its own shape; the rest of it is worth reading.
        && !key.ends_with("_url")
        || key == "pass"
}

/// Returns whether a value could be a secret at all, rather than a mask, a reference or a plain word.
pub(super) fn is_maskable(value: &str) -> bool {
    !value.is_empty()
        && !is_mask(value)
        && !is_reference(value)
        && !PLAIN.contains(&value.to_ascii_lowercase().as_str())
}

/// Returns whether a value is exactly a mask or a placeholder. One that only holds something like it, as
/// text from a cluster may, is none.
pub(super) fn is_mask(value: &str) -> bool {
    let inner = value.strip_prefix('‹').and_then(|rest| rest.strip_suffix('›'));
    let number = inner.and_then(|inner| inner.strip_prefix("secret:").or_else(|| inner.strip_prefix("given:")));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns whether a value is a variable's name: `$(DB_PASSWORD)`, `${DB_PASSWORD}`, the closing sign cut off
/// or not.
fn is_reference(value: &str) -> bool {
    let name = value.strip_prefix("$(").or_else(|| value.strip_prefix("${"));
    name.is_some_and(|name| {
        let name = name.strip_suffix([')', '}']).unwrap_or(name);
        name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<&str> {
        secret_ranges(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn the_set_holds_every_shape() {
        // Without one of them it would be asked for nothing, and every text would be searched for each.
        assert_eq!((SHAPES.any.len(), SHAPES.each.len()), (16, 16));
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
    fn a_value_is_masked_whole_whatever_notation_it_is_in() {
        for (text, expected) in [
            (r#"{"password": "with space, comma; and }"}"#, vec!["with space, comma; and }"]),
            (r#"{\"password\":\"hunter,22\",\"user\":\"todo\"}"#, vec!["hunter,22"]),
            (r#"{"password":"a\"b c"}"#, vec![r#"a\"b c"#]),
            ("DB_PASSWORD='it is long'", vec!["it is long"]),
            ("DB_PASS=hunter22", vec!["hunter22"]),
            ("password: |\n  hunter22 x\nuser: todo", vec!["hunter22 x"]),
            (r#"[{"name":"DB_PASSWORD","value":"hunter22"},{"name":"LOG","value":"info"}]"#, vec!["hunter22"]),
            (r#"[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter22\"}]"#, vec!["hunter22"]),
            ("- name: DB_PASSWORD\n  value: hunter22\n- name: LOG\n  value: info", vec!["hunter22"]),
            (r#"["redis-server","--requirepass","hunter22","--port","1"]"#, vec!["hunter22"]),
            ("postgres://todo:p@ss@db/todo", vec!["p@ss"]),
            ("https://0123456789abcdef01234567@sentry.example/1", vec!["0123456789abcdef01234567"]),
            ("password=ab‹cd", vec!["ab‹cd"]),
            ("authorization: token abcd1234efgh", vec!["abcd1234efgh"]),
            ("using bearer AbCdEf123456 now", vec!["AbCdEf123456"]),
        ] {
            assert_eq!(secrets(text), expected, "{text}");
        }
    }

    #[test]
    fn the_body_of_a_key_is_masked_line_by_line() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        assert_eq!(secrets(&format!("app | {line}")), [line]);
        assert_eq!(secrets("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"), Vec::<&str>::new());
        let block = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----";
        assert_eq!(secrets(block), [block]);
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
            "invalid continue token: continue key is not valid",
            "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 0",
            "couldn't find key API_KEY in Secret todo/todo-secret",
            "unable to decode Kind=Secret: error decoding from json",
            "DB_PASSWORD: <set>",
            "secret:\n  secretName: todo-secret",
            "basic configuration of bearer authentication",
            "pod/sk-api-server-7d4b9c6f5d-x8z2k Running",
            "pod/task-sk-worker-node-59679ddd97-mw94d",
            "password: $(DB_PASSWORD) ${DB_PASSWORD} password=‹secret:12› token=‹given:1›",
            "containerd://3f2a9c1e8b7d6f5a4c3b2a1908f7e6d5c4b3a2910f8e7d6c5b4a39281706f5e4",
            "docker-pullable://ghcr.io/todo/backend@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "registry:5000/todo/backend:1.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "http://registry:5000/v2/todo/manifests/1.2@latest",
            "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
            "3b18e512dba79e4c8300dd08aeb37f8e728b8dad3b18e512dba79e4c8300dd08",
            "resourceVersion: \"88211033\" generation: 4 uid: 5f3c1c1e-8a35-4c46-a3f5-5c8d4b5b1f0d",
            "default-token-x8z2k   kubernetes.io/service-account-token   3   5d",
            "bootstrap-token-abcdef created; service-account-token refreshed",
            "system:serviceaccount:todo:backend cannot get resource \"secrets\" in API group \"\"",
            "Mounts: /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x8z2k (ro)",
            "controller-revision-hash=db-6c8d9b7f5c,statefulset.kubernetes.io/pod-name=db-0",
            "etag W/\"1541-KGFrZTE\" integrity sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "Normal Pulled Successfully pulled image \"redis:7.2\" in 1.2s (1.2s including waiting). Image size: 45078123 bytes.",
        ] {
            assert_eq!(secrets(text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn keys_that_name_a_secret() {
        for key in
            ["password", "DB_PASSWORD", "apiKey", "OPENAI_API_KEY", "BETTER_AUTH_SECRET", "token", "DB_PASS", "pass"]
        {
            assert!(names_a_secret(key), "{key}");
        }
        for key in ["secretName", "key", "name", "DATABASE_URL", "tokenExpirationSeconds", "imagePullSecrets", "bypass"]
        {
            assert!(!names_a_secret(key), "{key}");
        }
    }
}
