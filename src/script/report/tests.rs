//! One script in every form, with hostile texts wherever a text can be.

use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::Redactor;

use super::*;
use crate::script::result::{Part, ScriptResult, Status, StepResult, Unmet};

/// Everything that means something in XML, in HTML or to a terminal.
const HOSTILE: &str = "</pre>]]><script>alert('1')</script> & \"x\" \u{1b}[2J\u{0}\u{fffe}\u{202e}\nnext\tline";

fn result() -> ScriptResult {
    let redactor = Redactor::new([1; 32]);
    let text = |text: &str| redactor.text(text);
    let step = |n, part, status, unmet, note: Option<&str>, showed: &str| StepResult {
        n,
        part,
        name: text(if n == 2 { HOSTILE } else { "scale up" }),
        status,
        exit: (status != Status::Skipped).then_some(1),
        seconds: 1.25,
        unmet,
        note: note.map(text),
        showed: text(showed),
    };
    let unmet = Unmet { expectation: text("text"), expected: text(HOSTILE), actual: text("the step did not show it") };
    ScriptResult {
        name: text(HOSTILE),
        file: PathBuf::from("tests/<smoke>.yaml"),
        place: vec![("context", HOSTILE.to_owned()), ("namespace", "todo".to_owned())],
        started: Timestamp::UNIX_EPOCH,
        seconds: 4.5,
        steps: vec![
            step(1, Part::Steps, Status::Passed, vec![], None, "3 of 3 replicas"),
            step(2, Part::Steps, Status::Failed, vec![unmet.clone(), unmet], None, HOSTILE),
            step(3, Part::Steps, Status::Skipped, vec![], Some("a step before it failed"), ""),
            step(1, Part::Always, Status::Passed, vec![], None, ""),
        ],
        error: Some(text(HOSTILE)),
        interrupted: false,
    }
}

#[test]
fn junit_is_xml_whatever_the_texts_hold() {
    let report = junit::report(&result());
    let document = roxmltree::Document::parse(&report).unwrap();
    let visible = "</pre>]]><script>alert('1')</script> & \"x\" \\u{1b}[2J\\u{0}\\u{fffe}\\u{202e}\nnext\tline";
    let suite = document.root_element().first_element_child().unwrap();
    assert_eq!(suite.attribute("name"), Some(visible));
    let shown = document.descendants().find(|node| node.has_tag_name("system-out") && node.text() == Some(visible));
    assert!(shown.is_some(), "{report}");
    // The numbers are those of the cases.
    let cases = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count().to_string();
    for (attribute, element) in
        [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped"), ("errors", "error")]
    {
        for level in [document.root_element(), suite] {
            assert_eq!(level.attribute(attribute), Some(cases(element).as_str()), "{attribute}");
        }
    }
    assert_snapshot!(report, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="todo-agent" tests="5" failures="1" errors="1" skipped="1" time="4.500">
      <testsuite name="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" timestamp="1970-01-01T00:00:00" tests="5" failures="1" errors="1" skipped="1" time="4.500">
        <properties>
          <property name="context" value="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line"/>
          <property name="namespace" value="todo"/>
        </properties>
        <testcase classname="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" name="the script itself" file="tests/&lt;smoke&gt;.yaml" time="0">
          <error type="script" message="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line"/>
        </testcase>
        <testcase classname="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" name="scale up" file="tests/&lt;smoke&gt;.yaml" time="1.250">
          <system-out>3 of 3 replicas</system-out>
        </testcase>
        <testcase classname="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" name="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" file="tests/&lt;smoke&gt;.yaml" time="1.250">
          <failure type="expectation" message="text: expected &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line, but the step did not show it">text: expected &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line, but the step did not show it
    text: expected &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line, but the step did not show it</failure>
          <system-out>&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line</system-out>
        </testcase>
        <testcase classname="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" name="scale up" file="tests/&lt;smoke&gt;.yaml" time="1.250">
          <skipped message="a step before it failed"/>
        </testcase>
        <testcase classname="&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}&#10;next&#9;line" name="always: scale up" file="tests/&lt;smoke&gt;.yaml" time="1.250">
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_page_runs_nothing_and_loads_nothing() {
    let page = html::report(&result());
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"), "{page}");
    let body = page.split_once("<body>").unwrap().1;
    assert_snapshot!(body, @r#"
    <h1>&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line</h1>
    <p class="failed">&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line failed: 2 passed, 1 failed, 1 skipped: &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line</p>
    <dl>
    <dt>script</dt><dd>tests/&lt;smoke&gt;.yaml</dd>
    <dt>context</dt><dd>&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line</dd>
    <dt>namespace</dt><dd>todo</dd>
    <dt>started</dt><dd>1970-01-01 00:00:00 UTC</dd>
    <dt>took</dt><dd>4.5 s</dd>
    </dl>
    <ol>
    <li><span class="passed">passed</span> scale up <span class="aside">1.2 s</span>
    <details><summary>what it showed</summary>
    <pre>3 of 3 replicas</pre></details>
    </li>
    <li><span class="failed">failed</span> &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line <span class="aside">1.2 s</span>
    <pre>text: expected &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line, but the step did not show it
    text: expected &lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line, but the step did not show it</pre>
    <details open><summary>what it showed</summary>
    <pre>&lt;/pre&gt;]]&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; \u{1b}[2J\u{0}\u{fffe}\u{202e}
    next	line</pre></details>
    </li>
    <li><span class="skipped">skipped</span> scale up <span class="aside">1.2 s</span>
    <p class="aside">a step before it failed</p>
    </li>
    <li><span class="passed">passed</span> always: scale up <span class="aside">1.2 s</span>
    </li>
    </ol>
    </body>
    </html>
    "#);
}

#[test]
fn json_has_everything() {
    let report: Value = serde_json::from_str(&json::report(&result())).unwrap();
    assert_eq!(report["steps"][1]["showed"], HOSTILE);
    assert_snapshot!(report["steps"][2], @r#"{"exit":null,"n":3,"name":"scale up","note":"a step before it failed","part":"steps","seconds":1.25,"showed":"","status":"skipped","unmet":[]}"#);
    assert_eq!((&report["verdict"], &report["v"]), (&Value::from("failed"), &Value::from(1)));
    assert_eq!(report["place"]["namespace"], "todo");
}
