//! A page for people. It needs nothing else, runs nothing and loads nothing, and says so to the browser.

use std::fmt::Write as _;

use super::{escaped, escaped_line};
use crate::script::{
    result::{Part, ScriptResult, Status, StepResult, Unmet},
    steps::summary,
};

const HEAD: &str = include_str!("head.html");

/// Returns the report.
pub(super) fn report(result: &ScriptResult) -> String {
    let mut page = HEAD.replace("{title}", &escaped_line(&result.name));
    let _ = writeln!(page, "<h1>{}</h1>", escaped(&result.name));
    let _ = writeln!(page, "<p class=\"{}\">{}</p>", result.verdict(), escaped(&summary(result)));
    page.push_str("<dl>\n");
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
    };
    fact("script", &result.file.display().to_string());
    for (key, value) in &result.place {
        fact(key, value);
    }
    fact("started", &result.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    fact("took", &format!("{:.1} s", result.seconds));
    page.push_str("</dl>\n<ol>\n");
    for step in &result.steps {
        item(&mut page, step);
    }
    page.push_str("</ol>\n</body>\n</html>\n");
    page
}

fn item(page: &mut String, step: &StepResult) {
    let word = match step.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Skipped => "skipped",
    };
    let part = if step.part == Part::Always { "always: " } else { "" };
    let _ = write!(page, "<li><span class=\"{word}\">{word}</span> {part}{} ", escaped(&step.name));
    let _ = writeln!(page, "<span class=\"aside\">{:.1} s</span>", step.seconds);
    if let Some(note) = &step.note {
        let _ = writeln!(page, "<p class=\"aside\">{}</p>", escaped(note));
    }
    if !step.unmet.is_empty() {
        let lines: Vec<String> = step.unmet.iter().map(Unmet::line).collect();
        let _ = writeln!(page, "<pre>{}</pre>", escaped(&lines.join("\n")));
    }
    if !step.showed.is_empty() {
        let open = if step.status == Status::Failed { " open" } else { "" };
        let _ = writeln!(page, "<details{open}><summary>what it showed</summary>");
        let _ = writeln!(page, "<pre>{}</pre></details>", escaped(&step.showed));
    }
    page.push_str("</li>\n");
}
