//! JUnit XML. Attributes and elements are those that GitLab and the test reporters of GitHub actions read:
//! <https://docs.gitlab.com/ci/testing/unit_test_reports/>, <https://github.com/testmoapp/junitxml>.

use std::fmt::Write as _;

use super::{escaped, escaped_line};
use crate::script::result::{Part, ScriptResult, Status, StepResult, Unmet};

/// Returns the report.
pub(super) fn report(result: &ScriptResult) -> String {
    let name = escaped_line(&result.name);
    let errors = usize::from(result.error.is_some());
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{errors}\" skipped=\"{}\" time=\"{:.3}\"",
        result.steps.len() + errors,
        result.count(Status::Failed),
        result.count(Status::Skipped),
        result.seconds,
    );
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"todo-agent\" {counts}>");
    let started = result.started.strftime("%Y-%m-%dT%H:%M:%S");
    let _ = writeln!(xml, "  <testsuite name=\"{name}\" timestamp=\"{started}\" {counts}>");
    xml.push_str("    <properties>\n");
    for (key, value) in &result.place {
        let _ = writeln!(xml, "      <property name=\"{key}\" value=\"{}\"/>", escaped_line(value));
    }
    xml.push_str("    </properties>\n");
    let file = escaped_line(&result.file.display().to_string());
    if let Some(error) = &result.error {
        let _ =
            writeln!(xml, "    <testcase classname=\"{name}\" name=\"the script itself\" file=\"{file}\" time=\"0\">");
        let _ = writeln!(xml, "      <error type=\"script\" message=\"{}\"/>", escaped_line(error));
        xml.push_str("    </testcase>\n");
    }
    for step in &result.steps {
        case(&mut xml, &name, &file, step);
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, class: &str, file: &str, step: &StepResult) {
    let part = if step.part == Part::Always { "always: " } else { "" };
    let name = escaped_line(&format!("{part}{}", *step.name));
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\" time=\"{:.3}\">",
        step.seconds
    );
    match step.status {
        Status::Passed => {}
        Status::Skipped => {
            let why = escaped_line(step.note.as_ref().map_or("", |note| note.as_str()));
            let _ = writeln!(xml, "      <skipped message=\"{why}\"/>");
        }
        Status::Failed => {
            let lines: Vec<String> = step.unmet.iter().map(Unmet::line).collect();
            let first = escaped_line(lines.first().map_or("", String::as_str));
            let all = escaped(&lines.join("\n"));
            let _ = writeln!(xml, "      <failure type=\"expectation\" message=\"{first}\">{all}</failure>");
        }
    }
    if !step.showed.is_empty() {
        let _ = writeln!(xml, "      <system-out>{}</system-out>", escaped(&step.showed));
    }
    xml.push_str("    </testcase>\n");
}
