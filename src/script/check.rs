//! Checks a script as a whole before anything is run: from what is written to a [`Script`], or to every mistake.
//!
//! A key that does not exist or holds the wrong kind of value is found first and alone; everything else that
//! can be known without a cluster is collected and told at once.

mod mistakes;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};
use todo_agent_core::{Call, Redactor};
use todo_agent_sandbox::World;
use todo_agent_tools::find;

use super::{
    file::{CallFile, ExpectFile, ScriptFile, StepFile},
    placed::{Place, Placed, read},
    variables::{Variables, is_name},
};
use crate::{cli::duration, exit::Exit, problem::Problem};
use mistakes::Mistakes;

/// No script is longer than this, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// A script that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) context: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) sandbox: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) after_failure: AfterFailure,
    pub(crate) steps: Vec<Step>,
    pub(crate) always: Vec<Step>,
}

#[cfg(test)]
impl Script {
    /// Returns a script that says nothing but its name.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            file: PathBuf::from(name),
            context: None,
            namespace: None,
            sandbox: None,
            timeout: None,
            after_failure: AfterFailure::Stop,
            steps: Vec::new(),
            always: Vec::new(),
        }
    }
}

/// What becomes of the steps after a failed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    Stop,
    GoOn,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) action: Action,
    pub(crate) expected: Expected,
    pub(crate) timeout: Option<Duration>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Say(String),
    Call(Call),
}

/// What is expected of a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Expected {
    pub(crate) exit: u8,
    pub(crate) text: Vec<String>,
    pub(crate) not_text: Vec<String>,
    pub(crate) json: Vec<(String, Value)>,
    pub(crate) replicas: Vec<(String, u64)>,
    pub(crate) changed: Option<bool>,
}

/// Reads a script from its file and checks it.
///
/// # Errors
/// Returns why it cannot be read, or all that is wrong with it.
pub(crate) fn load(path: &Path) -> Result<Script, Problem> {
    let shown = path.display();
    let unreadable = |error| {
        Problem::usage(format!("the script {shown} cannot be read: {error}"))
            .hint("todo-agent run takes the path of a YAML file; docs/SCRIPTS.md shows one")
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Problem::usage(format!("{shown} is not a file")));
    }
    if metadata.len() > LONGEST {
        return Err(Problem::usage(format!("{shown} is longer than 1 MiB")));
    }
    check(&fs::read_to_string(path).map_err(unreadable)?, path)
}

/// Checks the text of a script; the path names it and is where its world is looked for.
///
/// # Errors
/// Returns all that is wrong with it.
fn check(text: &str, path: &Path) -> Result<Script, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::configuration(format!("{}: the script is empty", path.display())));
    }
    let written: ScriptFile = read(text).map_err(|mistake| Mistakes::from(mistake).problem(path))?;
    let mut mistakes = Mistakes::default();
    let script = Checker { mistakes: &mut mistakes, variables: Variables::default() }.script(written, path);
    if mistakes.is_empty() { Ok(script) } else { Err(mistakes.problem(path)) }
}

/// Goes through a script and collects what is wrong.
struct Checker<'m> {
    mistakes: &'m mut Mistakes,
    variables: Variables,
}

impl Checker<'_> {
    fn script(mut self, written: ScriptFile, path: &Path) -> Script {
        self.variables(written.variables);
        if let (Some(context), Some(_)) = (&written.context, &written.sandbox) {
            self.mistakes.add(context.place, "\"context\" and \"sandbox\" are two different clusters");
        }
        if written.steps.value.is_empty() {
            self.mistakes.add(written.steps.place, "the script has no steps");
        }
        Script {
            name: written.name.map_or_else(
                || path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                |name| self.not_empty("name", name),
            ),
            file: path.to_owned(),
            context: written.context.map(|context| self.not_empty("context", context)),
            namespace: written.namespace.map(|namespace| self.not_empty("namespace", namespace)),
            sandbox: written.sandbox.and_then(|world| self.world(&world, path)),
            timeout: written.timeout.and_then(|timeout| self.duration(&timeout)),
            after_failure: if written.go_on { AfterFailure::GoOn } else { AfterFailure::Stop },
            steps: written.steps.value.into_iter().filter_map(|step| self.step(step)).collect(),
            always: written.always.into_iter().filter_map(|step| self.step(step)).collect(),
        }
    }

    fn variables(&mut self, written: BTreeMap<String, Placed<Value>>) {
        for (name, Placed { value, place }) in written {
            if !is_name(&name) {
                self.mistakes
                    .add(place, format!("{name:?} cannot be a variable's name; write it with letters, digits and _"));
            }
            if matches!(value, Value::Null | Value::Array(_) | Value::Object(_)) {
                self.mistakes.add(place, format!("the variable {name:?} must be a text, a number, true or false"));
            }
            self.variables.0.insert(name, value);
        }
    }

    fn step(&mut self, step: Placed<StepFile>) -> Option<Step> {
        let Placed { value: step, place } = step;
        let action = match (step.say, step.call) {
            (Some(say), None) => {
                let sentence = self.text(&say);
                if sentence.as_deref().is_some_and(|sentence| sentence.trim().is_empty()) {
                    self.mistakes.add(say.place, "the sentence is empty");
                }
                sentence.map(Action::Say)
            }
            (None, Some(call)) => Some(Action::Call(self.call(call.value))),
            (Some(_), Some(call)) => {
                self.mistakes.add(call.place, "a step has \"say\" or \"call\", not both");
                None
            }
            (None, None) => {
                self.mistakes.add(place, "a step needs \"say\" with a sentence, or \"call\" with a tool");
                None
            }
        };
        let name = step.name.map(|name| self.not_empty("name", name));
        let expected = self.expected(step.expect);
        let timeout = step.timeout.and_then(|timeout| self.duration(&timeout));
        let action = action?;
        let name = name.unwrap_or_else(|| match &action {
            Action::Say(sentence) => sentence.clone(),
            Action::Call(call) => call.to_string(),
        });
        Some(Step { name, action, expected, timeout })
    }

    fn call(&mut self, call: CallFile) -> Call {
        let CallFile { tool: name, args: written } = call;
        let mut args = Map::new();
        let before = self.mistakes.len();
        for (key, value) in &written {
            args.extend(self.json(value).map(|filled| (key.clone(), filled)));
        }
        match find(&name.value) {
            Ok(tool) if self.mistakes.len() == before => {
                // Whatever is said here is said before any secret is known, and shown redacted all the same.
                if let Err(error) = tool.check(Value::Object(args.clone()), &Redactor::new([0; 32])) {
                    let message = error.to_string();
                    let blamed = |key: &str| message.starts_with(key) || message.contains(&format!("{key:?}"));
                    let place = written.iter().find(|(key, _)| blamed(key)).map_or(name.place, |(_, it)| it.place);
                    self.mistakes.add_hinted(place, &message, error.hints());
                }
            }
            Ok(_) => {}
            Err(error) => self.mistakes.add_hinted(name.place, &error.to_string(), error.hints()),
        }
        Call::new(name.value, Value::Object(args))
    }

    fn expected(&mut self, written: ExpectFile) -> Expected {
        let exit = written.exit.map_or(0, |exit| {
            if !Exit::ALL.iter().any(|known| known.code() == exit.value) {
                let codes: Vec<String> = Exit::ALL.iter().map(|known| known.code().to_string()).collect();
                let message = format!("there is no exit code {}; they are {}", exit.value, codes.join(", "));
                self.mistakes.add(exit.place, message);
            }
            exit.value
        });
        let mut json = Vec::new();
        for (pointer, value) in written.json {
            if !is_pointer(&pointer) {
                let message = format!("{pointer:?} is no JSON pointer; write it like /items/0/name");
                self.mistakes.add(value.place, message);
            }
            json.extend(self.json(&value).map(|filled| (pointer, filled)));
        }
        let mut replicas = Vec::new();
        for (workload, count) in written.replicas {
            let filled = Placed { value: workload, place: count.place };
            let Some(workload) = self.text(&filled) else { continue };
            let Some(value) = self.json(&count) else { continue };
            match value.as_u64() {
                Some(number) => replicas.push((workload, number)),
                None => self.mistakes.add(count.place, format!("{value} is not a number of replicas")),
            }
        }
        let text = self.texts(&written.text);
        let not_text = self.texts(&written.not_text);
        Expected { exit, text, not_text, json, replicas, changed: written.changed.map(|changed| changed.value) }
    }

    fn texts(&mut self, written: &[Placed<String>]) -> Vec<String> {
        let mut texts = Vec::new();
        for text in written {
            if text.value.trim().is_empty() {
                self.mistakes.add(text.place, "an empty text is everywhere; say what is looked for");
            }
            texts.extend(self.text(text));
        }
        texts
    }

    fn world(&mut self, written: &Placed<String>, script: &Path) -> Option<String> {
        let name = &written.value;
        let is_path = name.contains('/') || Path::new(name).extension().is_some();
        let world = if is_path {
            script.parent().unwrap_or(Path::new("")).join(name).display().to_string()
        } else {
            name.clone()
        };
        match World::open(&world) {
            Ok(_) => Some(world),
            Err(error) => {
                self.mistakes.add(written.place, error.to_string());
                None
            }
        }
    }

    fn not_empty(&mut self, key: &str, written: Placed<String>) -> String {
        if written.value.trim().is_empty() {
            self.mistakes.add(written.place, format!("{key:?} is empty"));
        }
        self.text(&written).unwrap_or(written.value)
    }

    fn duration(&mut self, written: &Placed<String>) -> Option<Duration> {
        match duration(&written.value) {
            Ok(duration) => Some(duration),
            Err(problem) => {
                self.mistakes.add_hinted(written.place, &problem.message, &problem.hints);
                None
            }
        }
    }

    fn text(&mut self, written: &Placed<String>) -> Option<String> {
        let filled = self.variables.text(&written.value);
        self.filled(filled, written.place)
    }

    fn json(&mut self, written: &Placed<Value>) -> Option<Value> {
        let filled = self.variables.json(&written.value);
        self.filled(filled, written.place)
    }

    fn filled<T>(&mut self, filled: Result<T, String>, place: Place) -> Option<T> {
        filled.map_err(|message| self.mistakes.add(place, message)).ok()
    }
}

/// Returns whether a text is a JSON pointer. Source: RFC 6901 §3.
fn is_pointer(text: &str) -> bool {
    let escapes_are_known = text.split('~').skip(1).all(|after| after.starts_with('0') || after.starts_with('1'));
    (text.is_empty() || text.starts_with('/')) && escapes_are_known
}

#[cfg(test)]
mod tests;
