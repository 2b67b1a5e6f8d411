//! Findings as JUnit XML, for pipelines: a failed test case per finding, a skipped one per thing that could not be
//! checked, one that passed where nothing is wrong.

use std::fmt::Write as _;

use todo_agent_core::Redactor;
use todo_agent_tools::diagnosis::Diagnosis;

use crate::script::report::{escaped, escaped_line};

/// Returns the report.
pub(crate) fn report(diagnosis: &Diagnosis, redactor: &Redactor) -> String {
    let line = |text: &str| escaped_line(&redactor.text(text));
    let class = line(&diagnosis.subject);
    let (failures, skipped) = (diagnosis.findings.len(), diagnosis.unchecked.len());
    let tests = (failures + skipped).max(1);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"");
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"todo-agent diagnose\" {counts}>");
    let _ = writeln!(xml, "  <testsuite name=\"{class}\" {counts}>");
    for finding in &diagnosis.findings {
        let evidence: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
        let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"{}\">", line(&finding.id));
        let text = escaped(&redactor.text(&evidence.join("\n")));
        let kind = serde_json::to_value(finding.severity).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default();
        let _ = writeln!(xml, "      <failure type=\"{kind}\" message=\"{}\">{text}</failure>", line(&finding.cause));
        xml.push_str("    </testcase>\n");
    }
    for unknown in &diagnosis.unchecked {
        let what = line(&unknown.what);
        let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"could not check: {what}\">");
        let _ = writeln!(xml, "      <skipped message=\"{}\"/>", line(unknown.grant.as_deref().unwrap_or_default()));
        xml.push_str("    </testcase>\n");
    }
    if failures + skipped == 0 {
        let _ = writeln!(xml, "    <testcase classname=\"{class}\" name=\"nothing is wrong\"/>");
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}
