//! What a person sees of a model's markdown, styles as tags, and what no text can do to a terminal.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn colored(width: usize) -> Look {
    Look { width, color: Color::On, glyphs: Glyphs::Unicode }
}

/// Returns everything that is shown of a text that comes in these pieces.
fn raw<'t>(mut markdown: Markdown, pieces: impl IntoIterator<Item = &'t str>) -> String {
    let mut shown: String = pieces.into_iter().map(|piece| markdown.push(piece)).collect();
    shown.push_str(&markdown.finish());
    shown
}

/// Returns what is shown with its styles as tags.
fn tagged(shown: &str) -> String {
    [("[1m", "<b>"), ("[2m", "<faint>"), ("[3m", "<i>"), ("[36m", "<code>"), ("[0m", "</>")]
        .iter()
        .fold(shown.to_owned(), |text, (code, tag)| text.replace(&format!("\u{1b}{code}"), tag))
}

fn shown(text: &str) -> String {
    tagged(&raw(Markdown::new(colored(60)), [text]))
}

/// Returns a text without styles, as one that is wrapped nowhere shows it.
fn bare(shown: &str) -> String {
    ["<b>", "<faint>", "<i>", "<code>", "</>"].iter().fold(tagged(shown), |text, tag| text.replace(tag, ""))
}

const ANSWER: &str = "\
# Why backend is *not* ready

The pod **backend-7d4b9c6f5d-x8z2k** is in `CrashLoopBackOff`, since its *database* is missing; see [the docs](https://example.org/a_b) for more.

1. Look at the log:
   ```sh
   kubectl logs backend-7d4b9c6f5d-x8z2k --previous --timestamps   # **not** bold, __never__ wrapped
   ```
2. Then scale `db` **up to `1`**:
   - one replica is enough for a test of this kind, really
> quoted: it is a long line that goes on behind the end of the line

| pod | state |
|-----|-------|
| **a** | `b` |
";

#[test]
fn an_answer_with_everything() {
    assert_snapshot!(shown(ANSWER), @r"
    <b>Why</> <b>backend</> <b>is</> <i>not</> <b>ready</>

    The pod <b>backend-7d4b9c6f5d-x8z2k</> is in <code>CrashLoopBackOff</>,
    since its <i>database</> is missing; see the docs
    (https://example.org/a_b) for more.

    <faint>1. </>Look at the log:
    <faint>   ```sh</>
    <code>   kubectl logs backend-7d4b9c6f5d-x8z2k --previous --timestamps   # **not** bold, __never__ wrapped</>
    <faint>   ```</>
    <faint>2. </>Then scale <code>db</> <b>up</> <b>to</> <code>1</>:
    <faint>   </><faint>• </>one replica is enough for a test of this kind, really
    <faint>│ </>quoted: it is a long line that goes on behind the end of
    <faint>│ </>the line

    | pod | state |
    |-----|-------|
    | **a** | `b` |
    ");
}

#[test]
fn without_colour_the_marks_stay() {
    assert_snapshot!(raw(Markdown::new(Look::plain(60)), [ANSWER]), @r"
    # Why backend is *not* ready

    The pod **backend-7d4b9c6f5d-x8z2k** is in
    `CrashLoopBackOff`, since its *database* is missing; see the
    docs (https://example.org/a_b) for more.

    1. Look at the log:
       ```sh
       kubectl logs backend-7d4b9c6f5d-x8z2k --previous --timestamps   # **not** bold, __never__ wrapped
       ```
    2. Then scale `db` **up to `1`**:
       - one replica is enough for a test of this kind, really
    > quoted: it is a long line that goes on behind the end of
    > the line

    | pod | state |
    |-----|-------|
    | **a** | `b` |
    ");
}

#[test]
fn what_is_no_terminal_gets_the_source() {
    assert_eq!(raw(Markdown::source(), [ANSWER]), ANSWER);
    assert_eq!(raw(Markdown::source(), ["a\u{1b}[2J\r", "\nb\r", "c"]), "a\\u{1b}[2J\nb\\u{d}c\n");
    assert_eq!(raw(Markdown::source(), []), "");
}

#[test]
fn a_word_is_shown_once_it_is_complete() {
    let mut markdown = Markdown::new(colored(40));
    let steps: Vec<String> = ["The ", "ba", "ckend is", " **rea", "dy** ", "now", "\n"]
        .iter()
        .map(|piece| tagged(&markdown.push(piece)))
        .collect();
    assert_eq!(steps, ["The", "", " backend", " is", " <b>ready</>", "", " now\n"]);
    assert_eq!(markdown.finish(), "");
}

#[test]
fn code_is_shown_as_it_comes() {
    let mut markdown = Markdown::new(colored(20));
    let steps: Vec<String> = ["```sh\n", "kubectl get ", "pods -o wide --all-namespaces", "\n``", "`\nok"]
        .iter()
        .map(|piece| tagged(&markdown.push(piece)))
        .collect();
    assert_eq!(
        steps,
        [
            "<faint>```sh</>\n",
            "<code>kubectl get </>",
            "<code>pods -o wide --all-namespaces</>",
            "\n",
            "<faint>```</>\n"
        ]
    );
    assert_eq!(tagged(&markdown.finish()), "ok\n");
}

#[test]
fn what_only_looks_like_a_mark_is_shown_as_it_was_written() {
    for text in [
        "*.example.com and *.example.org",
        "*/5 * * * * is every five minutes",
        "2 * 3 * 4 and 2*3*4",
        "snake_case_name and __init__.py",
        "an **unclosed mark",
        "an `unclosed tick",
        "an [unclosed link",
        "[INFO] started [ok]",
        "a [link](without end",
        "#no heading",
        "-no item",
        "1.no item",
        "** spaced **",
        "a\\b and \\d+ and C:\\temp\\x",
        "****",
        "***",
        "---",
        "<b>no HTML</b> <script>alert(1)</script> &lt;",
    ] {
        assert_eq!(shown(text), format!("{text}\n"));
    }
}

#[test]
fn marks_within_marks() {
    for (text, expected) in [
        ("**bold *and* `code`**", "<b>bold</> <i>and</> <code>code</>"),
        ("***both***", "<b>both</>"),
        ("(**in brackets**), *then*.", "(<b>in</> <b>brackets</>), <i>then</>."),
        ("``a ` b`` and ` `x` `", "<code>a</> <code>`</> <code>b</> and ` <code>x</> `"),
        ("**a `**` b**", "<b>a</> <code>**</> <b>b</>"),
        ("[**bold** link](http://x/(y))", "<b>bold</> link (http://x/(y))"),
        ("[http://x](http://x) ![image](http://y)", "http://x !image (http://y)"),
        ("[see](javascript:alert(1))", "see (javascript:alert(1))"),
        ("\\*not\\* \\`code\\`", "*not* `code`"),
        ("### **Heading**\n", "<b>Heading</>"),
        ("> > - deep `x`", "<faint>│ </><faint>│ </><faint>• </>deep <code>x</>"),
    ] {
        assert_eq!(shown(text), format!("{expected}\n"), "{text}");
    }
}

#[test]
fn nothing_from_a_model_moves_a_cursor_or_hides_a_word() {
    let hostile = "a\u{1b}[2J\u{1b}]8;;http://evil\u{7}text\u{1b}]8;;\u{7} b\u{202e}c d\u{200b}e f\rg \u{9b}31m";
    assert_snapshot!(shown(hostile), @r"
    a\u{1b}[2J\u{1b}]8;;http://evil\u{7}text\u{1b}]8;;\u{7}
    b\u{202e}c d\u{200b}e f\u{d}g \u{9b}31m
    ");
    for wrapped in ["**{}**", "`{}`", "[{}]({})", "```\n{}\n```", "| {} |", "# {}", "> {}", "- {}"] {
        let text = wrapped.replace("{}", hostile);
        for markdown in [Markdown::new(colored(60)), Markdown::new(Look::plain(60)), Markdown::source()] {
            let shown = bare(&raw(markdown, [text.as_str()]));
            assert!(!shown.chars().any(|character| character != '\n' && text::is_hidden(character)), "{shown:?}");
        }
    }
}

#[test]
fn a_line_of_a_megabyte_passes_through() {
    for (unit, size) in [("word ", 1024 * 1024), ("x", 1024 * 1024), ("*a ", 65_536), ("**a_", 65_536)]
        .into_iter()
        .chain(["`", "[", "\\", "- ", "~", ">", "|", "1"].map(|unit| (unit, 16_384)))
    {
        let text = unit.repeat(size / unit.len());
        let mut markdown = Markdown::new(Look::plain(80));
        let mut letters = 0;
        for piece in text.as_bytes().chunks(4096) {
            let shown = markdown.push(std::str::from_utf8(piece).unwrap());
            letters += shown.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
            assert!(markdown.pending.len() < 1024, "{unit:?} keeps {} bytes", markdown.pending.len());
        }
        letters += markdown.finish().bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
        let expected = text.bytes().filter(|byte| *byte != b' ').count();
        assert_eq!(letters, expected, "{unit:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_not_matter_where_a_text_is_cut(
        parts in prop::collection::vec(prop::sample::select(&[
            "word", " ", "\n", "**", "*", "_", "`", "```", "```sh\n", "~~~", "[", "](", ")", "# ", "- ", "12. ", "> ", "|",
            "\\", "é", "\r", "\r\n", "  ", "\t", "a.b", "\u{1b}",
        ][..]), 1..30),
        sizes in prop::collection::vec(1usize..7, 1..5),
    ) {
        let text = parts.concat();
        let whole = raw(Markdown::new(colored(30)), [text.as_str()]);
        let characters: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        let mut at = 0;
        for size in sizes.iter().cycle() {
            if at >= characters.len() { break; }
            let end = (at + size).min(characters.len());
            pieces.push(characters[at..end].iter().collect::<String>());
            at = end;
        }
        let cut = raw(Markdown::new(colored(30)), pieces.iter().map(String::as_str));
        // A style may be written anew within a line of code, which is nothing a person sees.
        let joined = |shown: &str| ["</><code>", "</><faint>"].iter().fold(tagged(shown), |text, seam| text.replace(seam, ""));
        prop_assert_eq!(joined(&cut), joined(&whole));
    }

    #[test]
    fn no_text_is_swallowed(text in "[a-z*_`#>|~\\[\\]() \n-]{0,80}") {
        let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
        prop_assert_eq!(letters(&bare(&raw(Markdown::new(colored(30)), [text.as_str()]))), letters(&text));
        // Without colour not even a mark is.
        let characters = |text: &str| text.chars().filter(|sign| !sign.is_whitespace() && !"[]()".contains(*sign)).collect::<String>();
        prop_assert_eq!(characters(&raw(Markdown::new(Look::plain(500)), [text.as_str()])), characters(&text));
    }
}
