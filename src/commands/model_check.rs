//! `todo-agent --model-check`: what works with the configured model, and why not. Asks the server a few small things, about
//! a thousand tokens in all; no cluster is involved.

mod context;

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Map, Value, json};
use todo_agent_core::{Output, Redactor};
use todo_agent_tools::ToolSpec;

use crate::{
    commands::checks::{Check, shown},
    model::{
        Client, Delta, Message, Model, ModelError, ModelSettings, Reply, Request, Said, SaidCall, Trouble, connect,
        instead_of, settings::ToolsForm,
    },
    problem::Problem,
    state::environment,
};

/// How long the list of models may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was answered, and in how many pieces its words came.
type Answered = Result<(Reply, usize), ModelError>;

/// Checks the configured model.
///
/// # Errors
/// Returns that none is configured, or that it cannot be asked as it is.
pub(crate) async fn run(settings: Option<&ModelSettings>, redactor: &Redactor) -> Result<Output, Problem> {
    let settings = settings.ok_or_else(|| {
        Problem::configuration("no model is configured")
            .hint("name one: --provider ollama --model qwen3, or --base-url URL --model NAME")
            .hint("or set [model] in config.toml; todo-agent config shows where it is")
    })?;
    let (client, model) = (Client::new(settings.clone())?, connect(settings)?);
    let mut checks = vec![Check::ok("model", settings.describe())];
    checks.extend(settings.warnings(&environment).into_iter().map(|warning| Check::warn("key", "found", warning)));
    let subject = Subject { settings, client, model, redactor };
    subject.run(&mut checks).await;
    Ok(shown(&checks, redactor))
}

struct Subject<'a> {
    settings: &'a ModelSettings,
    client: Client,
    model: Box<dyn Model>,
    redactor: &'a Redactor,
}

impl Subject<'_> {
    /// Runs the checks in the order in which one needs the other; the first failure that makes the rest pointless ends it.
    async fn run(&self, checks: &mut Vec<Check>) {
        // Not every server has a list; whether it answers is what counts.
        let models = self.client.models(PATIENCE).await.unwrap_or_default();
        let answered = self.ask("Answer with the one word: ready", &[]).await;
        let (reply, pieces) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                let name = match error.trouble {
                    Trouble::Key | Trouble::Configuration => "key accepted",
                    Trouble::Unknown => "model known",
                    Trouble::Unreachable | Trouble::Timeout => "reachable",
                    _ => "answers",
                };
                if !matches!(error.trouble, Trouble::Unreachable | Trouble::Timeout | Trouble::Configuration) {
                    checks.push(self.reachable());
                }
                checks.push(failed(name, &error));
                return;
            }
        };
        checks.push(self.reachable());
        let source = self.settings.key_source(&environment);
        checks.push(Check::ok("key accepted", source.unwrap_or_else(|| "none is needed".to_owned())));
        checks.push(if models.is_empty() || models.iter().any(|model| model.name == self.settings.model) {
            Check::ok("model known", self.settings.model.clone())
        } else {
            Check::warn(
                "model known",
                "it answers, but is not in the server's list",
                instead_of(&self.settings.model, &models),
            )
        });
        checks.push(words(&reply, pieces));
        checks.push(match reply.usage {
            Some(usage) => Check::ok("usage reported", format!("{} tokens in, {} out", usage.input, usage.output)),
            None => Check::warn("usage reported", "no", "token counts and --max-tokens will rest on estimates"),
        });
        self.calls(checks).await;
        checks.push(context::check(&self.client, &models).await);
    }

    fn reachable(&self) -> Check {
        Check::ok("reachable", format!("{} answers", self.settings.place()))
    }

    /// Checks one call, its result, and two calls at once.
    async fn calls(&self, checks: &mut Vec<Check>) {
        let sentence = "Call the tool check with the word ready. Do not answer in words.";
        let reply = match self.ask(sentence, &[tool()]).await {
            Ok((reply, _)) => reply,
            Err(error) => return checks.push(failed("tool calls", &error)),
        };
        let check = one_call(&reply, self.settings.tools);
        let works = check.is_ok();
        checks.push(check);
        if !works {
            return;
        }
        checks.push(match self.send(&self.answered(sentence, &reply)).await {
            Ok((reply, _)) if !reply.text.trim().is_empty() || !reply.calls.is_empty() => {
                Check::ok("tool results", "the conversation goes on after one")
            }
            Ok(_) => Check::warn("tool results", "an empty answer", "the model may fall silent after its calls"),
            Err(error) => failed("tool results", &error),
        });
        let both = "Call the tool check twice in one message: with the word one, and with the word two. No words.";
        checks.push(match self.ask(both, &[tool()]).await {
            Ok((reply, _)) if reply.calls.len() > 1 => {
                Check::ok("parallel calls", format!("{} in one message", reply.calls.len()))
            }
            Ok(_) => Check::warn("parallel calls", "one at a time", "it works, with more requests"),
            Err(error) => {
                Check::warn("parallel calls", error.message, "calls are made one at a time, with more requests")
            }
        });
    }

    /// Returns the conversation after a call and its result.
    fn answered(&self, sentence: &str, reply: &Reply) -> Request {
        let mut request = self.request(sentence, &[tool()]);
        let text = |text: &str| self.redactor.text(text);
        let calls = reply.calls.iter().map(|call| SaidCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments: text(&call.arguments),
            extra: call.extra.clone(),
        });
        request.messages.push(Message::Assistant(Said {
            text: text(&reply.text),
            reasoning: text(&reply.reasoning),
            calls: calls.collect(),
            extra: reply.extra.clone(),
        }));
        let result = |call: &crate::model::ReplyCall| Message::Tool {
            call_id: call.id.clone(),
            tool: call.name.clone(),
            text: text("the check went well; say so in one sentence"),
        };
        request.messages.extend(reply.calls.iter().map(result));
        request
    }

    fn request(&self, sentence: &str, tools: &[ToolSpec]) -> Request {
        let system = self.redactor.text("You help to check a connection. Do exactly what is asked.");
        let messages = vec![Message::System(system), Message::User(self.redactor.text(sentence))];
        Request { messages, tools: tools.to_vec() }
    }

    async fn ask(&self, sentence: &str, tools: &[ToolSpec]) -> Answered {
        self.send(&self.request(sentence, tools)).await
    }

    async fn send(&self, request: &Request) -> Answered {
        let mut pieces = 0;
        let mut stream = self.model.stream(request);
        while let Some(delta) = stream.next().await {
            match delta? {
                Delta::Text(_) => pieces += 1,
                Delta::End(reply) => return Ok((reply, pieces)),
                Delta::Reasoning(_) | Delta::Calling(_) | Delta::Retrying { .. } => {}
            }
        }
        Err(ModelError::new(Trouble::Unreachable, "the model's answer broke off"))
    }
}

fn tool() -> ToolSpec {
    let parameters = json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"],
        "additionalProperties": false});
    ToolSpec { name: "check", description: "Takes a word to check the connection.".to_owned(), parameters }
}

fn words(reply: &Reply, pieces: usize) -> Check {
    if reply.text.trim().is_empty() {
        return Check::warn(
            "streaming",
            "an empty answer",
            "the model may be one that only completes text, or its answers are cut short",
        );
    }
    if pieces > 1 {
        return Check::ok("streaming", format!("the words came in {pieces} pieces"));
    }
    // One short word may be one token.
    Check::ok("streaming", "the words came in one piece")
}

fn one_call(reply: &Reply, form: ToolsForm) -> Check {
    let Some(call) = reply.calls.first() else {
        let found = "none; the model answered in words";
        let mut check = Check::warn("tool calls", found, "try a model that is trained to call tools");
        if form == ToolsForm::Native {
            check = check.hint("or set tools = \"text\" in [model] of config.toml, which asks for them as text");
        }
        return check.fail();
    };
    let arguments = serde_json::from_str::<Map<String, Value>>(&call.arguments).unwrap_or_default();
    let word = arguments.get("word").and_then(Value::as_str).unwrap_or_default();
    if call.name != "check" || !word.to_ascii_lowercase().contains("ready") {
        let found = format!("broken: {} with {}", call.name, call.arguments);
        return Check::warn("tool calls", found, "the server's template for tool calls may not fit the model").fail();
    }
    let how = match form {
        ToolsForm::Native => "as the interface defines them",
        ToolsForm::Text => "as blocks of JSON in the text",
    };
    Check::ok("tool calls", how)
}

fn failed(name: &'static str, error: &ModelError) -> Check {
    let problem = error.hints.iter().fold(Problem::configuration(error.message.clone()), Problem::hint);
    Check::failed(name, &problem)
}
