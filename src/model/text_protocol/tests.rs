//! What models write when they are asked for a block, and what is made of it.

use std::sync::Mutex;

use futures::StreamExt;
use insta::assert_snapshot;
use serde_json::json;

use super::{
    super::Finish,
    blocks::{Curtain, split},
    *,
};

fn calls(text: &str) -> Vec<String> {
    split(text).calls.into_iter().map(|(name, arguments)| format!("{name} {arguments}")).collect()
}

#[test]
fn a_call_is_found_however_it_is_written() {
    let expected = [r#"scale {"replicas":3,"workload":"backend"}"#];
    for text in [
        "I scale it.\n```json\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}\n```",
        "```\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}\n```\n",
        "```JSON\n{\"name\": \"scale\", \"arguments\": {\"workload\": \"backend\", \"replicas\": 3}}\n```",
        "```tool_call\n{\"tool\": \"scale\", \"parameters\": {\"workload\": \"backend\", \"replicas\": 3}}```",
        "```json {\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}```",
        "```json\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}",
        "Let me see.\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}",
        "{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}\nI have scaled it to 3 replicas.",
        "```json\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}\n```\nResult: done!",
        "<tool_call>\n{\"name\": \"scale\", \"arguments\": {\"workload\": \"backend\", \"replicas\": 3}}\n</tool_call>",
        "```json\n{\"tool\": \"scale\", \"workload\": \"backend\", \"replicas\": 3}\n```",
        "```json\n[{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 3}}]\n```",
        "```json\n{\"tool_calls\": [{\"function\": {\"name\": \"scale\", \"arguments\": {\"workload\": \"backend\", \"replicas\": 3}}}]}\n```",
        "```json\n{\"action\": \"scale\", \"action_input\": {\"workload\": \"backend\", \"replicas\": 3}}\n```",
        "```json\n{\"tool\": \"scale\", \"args\": \"{\\\"replicas\\\":3,\\\"workload\\\":\\\"backend\\\"}\"}\n```",
    ] {
        assert_eq!(calls(text), expected, "{text}");
    }
}

#[test]
fn several_calls_and_a_glued_object() {
    let one = r#"{"tool": "list", "args": {"kind": "pods"}}"#;
    let two = r#"{"tool": "events", "args": {}}"#;
    for text in [
        format!("```json\n[{one}, {two}]\n```"),
        format!("```json\n{one}\n```\nand\n```json\n{two}\n```"),
        format!("```json\n{one}{two}\n```"),
        format!("```json\n{one}\n{two}\n```"),
        format!("{one}\n{two}"),
    ] {
        assert_eq!(calls(&text), [r#"list {"kind":"pods"}"#, "events {}"], "{text}");
    }
}

#[test]
fn what_is_broken_goes_back_to_the_model() {
    assert_eq!(
        calls("```json\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": }}\n```"),
        [r#"scale {"tool": "scale", "args": {"workload": "backend", "replicas": }}"#]
    );
    assert_eq!(
        calls("```json\n{\"tool\": \"scale\", \"args\": {\"work"),
        [r#"scale {"tool": "scale", "args": {"work"#]
    );
    assert_eq!(calls("```json\n{'tool': 'list', 'args': {}}\n```"), ["list {'tool': 'list', 'args': {}}"]);
}

#[test]
fn what_is_no_call_stays_text() {
    for text in [
        "All pods are ready.",
        "```yaml\ntool: hammer\nargs: none\n```",
        "```json\n{\"name\": \"backend\", \"replicas\": 3}\n```",
        "```json\n{\"kind\": \"Pod\", \"metadata\": {\"name\": \"x\"}}\n```",
        "[see above] and {braces} and a ``` in the text",
        "Use `{\"tool\": \"list\"}` to list things.",
        "",
    ] {
        assert_eq!(split(text), Written { text, calls: Vec::new() }, "{text}");
    }
}

#[test]
fn the_block_is_not_shown_wherever_the_text_is_cut() {
    for (text, shown) in [
        ("I look.\n```json\n{\"tool\": \"list\", \"args\": {}}\n```", "I look.\n"),
        ("I look.\n\n{\"tool\": \"list\", \"args\": {}}", "I look.\n\n"),
        ("A <b>bold</b> <tool_call>{\"name\": \"list\", \"arguments\": {}}</tool_call>", "A <b>bold</b>"),
        ("Like this:\n```yaml\na: [1]\n{}\n```\nDone.", "Like this:\n```yaml\na: [1]\n{}\n```\nDone."),
        ("Like this:\n```json\n{\"a\": 1}\n```\nDone.", "Like this:\n```json\n{\"a\": 1}\n```\nDone."),
        ("One `word` and ``two``.", "One `word` and ``two``."),
        ("größe\n``` text\nx", "größe\n``` text\nx"),
    ] {
        for size in 1..8 {
            let mut curtain = Curtain::default();
            let letters: Vec<char> = text.chars().collect();
            let mut seen: String =
                letters.chunks(size).map(|piece| curtain.push(&piece.iter().collect::<String>())).collect();
            seen.push_str(&curtain.rest_of(split(text).text));
            assert_eq!(seen.trim_end(), shown.trim_end(), "in pieces of {size}");
            assert_eq!(seen, curtain.shown());
        }
    }
}

/// Says one thing and keeps what it was asked.
struct Parrot {
    says: &'static str,
    asked: Mutex<Vec<Request>>,
}

impl Model for Parrot {
    fn describe(&self) -> String {
        "parrot".to_owned()
    }

    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        self.asked.lock().unwrap().push(request.clone());
        let mut deltas: Vec<Result<Delta, ModelError>> =
            self.says.split_inclusive(' ').map(|word| Ok(Delta::Text(word.to_owned()))).collect();
        deltas.push(Ok(Delta::End(Reply { text: self.says.to_owned(), ..Reply::default() })));
        stream::iter(deltas).boxed()
    }
}

fn spec() -> ToolSpec {
    let parameters = json!({"type": "object", "required": ["kind"], "properties": {
        "kind": {"type": "string", "description": "such as pods"},
        "sort": {"enum": ["age", "name"], "type": "string"},
        "all": {"type": "boolean"}}});
    ToolSpec { name: "list", description: "List objects.".to_owned(), parameters }
}

fn asked(says: &'static str, messages: Vec<Message>) -> (Vec<Delta>, Request) {
    let model = TextProtocol::new(Parrot { says, asked: Mutex::default() });
    let request = Request { messages, tools: vec![spec()] };
    let deltas = futures::executor::block_on(model.stream(&request).map(Result::unwrap).collect());
    let asked = model.model.asked.lock().unwrap().remove(0);
    (deltas, asked)
}

fn shown(request: &Request) -> String {
    let line = |message: &Message| match message {
        Message::System(text) => format!("system: {text}"),
        Message::User(text) => format!("user: {text}"),
        Message::Assistant(said) => format!("assistant: {}", said.text),
        Message::Tool { .. } => panic!("a result in a conversation without tools"),
    };
    request.messages.iter().map(line).collect::<Vec<_>>().join("\n---\n")
}

#[test]
fn a_conversation_as_the_model_reads_it() {
    let redactor = Redactor::new([3; 32]);
    let text = |text: &str| redactor.text(text);
    let call = |id: &str, arguments: &str| SaidCall {
        id: id.to_owned(),
        name: "list".to_owned(),
        arguments: text(arguments),
        extra: Map::new(),
    };
    let result =
        |id: &str, words: &str| Message::Tool { call_id: id.to_owned(), tool: "list".to_owned(), text: text(words) };
    let said = |words: &str, calls| {
        Message::Assistant(Said { text: text(words), reasoning: text("hm"), calls, extra: Map::new() })
    };
    let (_, request) = asked(
        "Fine.",
        vec![
            Message::System(text("You are todo-agent.")),
            Message::User(text("which pods and nodes are there?")),
            said("I look.", vec![call("1", r#"{"kind":"pods"}"#), call("2", r#"{"kind":"nodes"}"#)]),
            result("1", "backend-1 Ready"),
            result("2", "error: forbidden"),
            Message::User(text("and services?")),
            said("", vec![call("3", r#"{"kind":"services"}"#)]),
            result("3", "none"),
        ],
    );
    assert!(request.tools.is_empty());
    assert_snapshot!(shown(&request), @r#"
    system: You are todo-agent.

    To use a tool, end your message with one block like this and write nothing after it:
    ```json
    {"tool": "NAME", "args": {"ARGUMENT": "VALUE"}}
    ```
    For several calls at once, put a list of such objects into the block. The program runs them and sends you the results;
    never write results yourself. A message without such a block is your final answer. The tools:
    - list: List objects.
      all (boolean)
      kind (string, required): such as pods
      sort ("age" | "name")

    ---
    user: which pods and nodes are there?
    ---
    assistant: I look.

    ```json
    [{"tool": "list", "args": {"kind":"pods"}}, {"tool": "list", "args": {"kind":"nodes"}}]
    ```
    ---
    user: Result of call 1, list:
    backend-1 Ready

    Result of call 2, list:
    error: forbidden

    and services?
    ---
    assistant: ```json
    {"tool": "list", "args": {"kind":"services"}}
    ```
    ---
    user: Result of call 1, list:
    none
    "#);
}

#[test]
fn a_written_call_becomes_a_call() {
    let redactor = Redactor::new([3; 32]);
    let messages = vec![Message::System(redactor.text("x")), Message::User(redactor.text("list the pods"))];
    let says = "I look. \n```json\n{\"tool\": \"list\", \"args\": {\"kind\": \"pods\"}}\n```";
    let (deltas, _) = asked(says, messages);
    let call = ReplyCall {
        id: "call_1".into(),
        name: "list".into(),
        arguments: r#"{"kind":"pods"}"#.into(),
        extra: Map::new(),
    };
    let reply = Reply { text: "I look. \n".into(), calls: vec![call], finish: Finish::Stop, ..Reply::default() };
    assert_eq!(
        deltas,
        [
            Delta::Text("I ".into()),
            Delta::Text("look. ".into()),
            Delta::Text("\n".into()),
            Delta::Calling("list".into()),
            Delta::End(reply)
        ]
    );
}
