//! What every request to a model costs before its first word: the specifications of the tools and the system prompt,
//! counted as the tokeniser of present OpenAI models counts them.

use serde_json::{Value, json};

/// The most tokens of all specifications together.
const SPECIFICATIONS: usize = 3_500;
/// The most tokens of the system prompt.
const PROMPT: usize = 500;

#[test]
fn the_tools_and_the_prompt_are_cheap_to_send() {
    let tokeniser = tiktoken_rs::o200k_base().unwrap();
    let count = |text: &str| tokeniser.encode_with_special_tokens(text).len();
    // As they are sent (src/model/request.rs).
    let sent = todo_agent_tools::specs().iter().map(|spec| json!({"type": "function", "function": spec}));
    let specifications = count(&sent.collect::<Value>().to_string());
    let prompt = count(include_str!("../../prompts/system.md"));
    println!("specifications: {specifications} tokens, system prompt: {prompt}");
    assert!(specifications <= SPECIFICATIONS, "{specifications}");
    assert!(prompt <= PROMPT, "{prompt}");
}
