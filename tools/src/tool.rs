//! What a tool is, and the list of all of them.
//!
//! A [`Read`] answers, a [`Write`] proposes; neither can change a cluster. Adding a tool means one file
//! below `read/` or `write/` and one line in [`TOOLS`]; its specification for models, its help and the
//! checks of its arguments all come from its `Args` type.

use std::{future::Future, sync::LazyLock};

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use todo_agent_core::{Call, Change, FullReader, Output, Reader, Redactor, Run, ToolError};

use crate::{
    arguments, read,
    spec::{self, ToolSpec},
    write,
};

/// A tool that looks at the cluster and answers.
pub trait Read: Send + Sync + 'static {
    /// The tool's name, for example `list`.
    const NAME: &'static str;
    /// The arguments. Their doc comments are what a model reads.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Returns arguments that show what the tool is for.
    fn example(&self) -> Value;

    /// Answers.
    fn read<'a>(
        &'a self,
        args: Self::Args,
        reader: &'a dyn Reader,
        run: &'a Run,
    ) -> impl Future<Output = Result<Output, ToolError>> + Send + 'a;
}

/// A tool that proposes a change. Carrying it out is never its business.
pub trait Write: Send + Sync + 'static {
    /// The tool's name, for example `scale`.
    const NAME: &'static str;
    /// The arguments. Their doc comments are what a model reads.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Returns arguments that show what the tool is for.
    fn example(&self) -> Value;

    /// Registers what is secret in arguments that may not be kept as they were said.
    fn register_secrets(&self, args: &Value, redactor: &Redactor) {
        let _ = (args, redactor);
    }

    /// Proposes.
    fn propose<'a>(
        &'a self,
        args: Self::Args,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> impl Future<Output = Result<Proposal, ToolError>> + Send + 'a;
}

/// What a write tool came to.
#[derive(Debug)]
#[must_use = "a proposal does nothing by itself"]
pub enum Proposal {
    /// Changes to preview together; nearly always one.
    Changes(Vec<Change>),
    /// The cluster is already as asked; the answer says so.
    Nothing(Output),
}

/// A read tool with its argument type hidden.
pub trait AnyRead: Send + Sync {
    /// Returns the tool's name.
    fn name(&self) -> &'static str;
    /// Returns the JSON schema of the arguments as schemars makes it.
    fn schema(&self) -> Value;
    /// Returns example arguments.
    fn example_args(&self) -> Value;
    /// Reads the arguments and does no more.
    fn check(&self, args: Value, redactor: &Redactor) -> Result<(), ToolError>;
    /// Reads the arguments and answers.
    fn call<'a>(
        &'a self,
        args: Value,
        reader: &'a dyn Reader,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Output, ToolError>>;
}

impl<T: Read> AnyRead for T {
    fn name(&self) -> &'static str {
        T::NAME
    }
    fn schema(&self) -> Value {
        spec::schema::<T::Args>()
    }
    fn example_args(&self) -> Value {
        Read::example(self)
    }
    fn check(&self, args: Value, redactor: &Redactor) -> Result<(), ToolError> {
        arguments::parse::<T::Args>(T::NAME, args, redactor).map(drop)
    }
    fn call<'a>(
        &'a self,
        args: Value,
        reader: &'a dyn Reader,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Output, ToolError>> {
        Box::pin(async move { Read::read(self, arguments::parse(T::NAME, args, &run.redactor)?, reader, run).await })
    }
}

/// A write tool with its argument type hidden.
pub trait AnyWrite: Send + Sync {
    /// Returns the tool's name.
    fn name(&self) -> &'static str;
    /// Returns the JSON schema of the arguments as schemars makes it.
    fn schema(&self) -> Value;
    /// Returns example arguments.
    fn example_args(&self) -> Value;
    /// Reads the arguments and does no more.
    fn check(&self, args: Value, redactor: &Redactor) -> Result<(), ToolError>;
    /// Registers what is secret in the arguments, so that they can be recorded.
    fn register_secrets(&self, args: &Value, redactor: &Redactor);
    /// Reads the arguments and proposes.
    fn call<'a>(
        &'a self,
        args: Value,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Proposal, ToolError>>;
}

impl<T: Write> AnyWrite for T {
    fn name(&self) -> &'static str {
        T::NAME
    }
    fn schema(&self) -> Value {
        spec::schema::<T::Args>()
    }
    fn example_args(&self) -> Value {
        Write::example(self)
    }
    fn check(&self, args: Value, redactor: &Redactor) -> Result<(), ToolError> {
        arguments::parse::<T::Args>(T::NAME, args, redactor).map(drop)
    }
    fn register_secrets(&self, args: &Value, redactor: &Redactor) {
        Write::register_secrets(self, args, redactor);
    }
    fn call<'a>(
        &'a self,
        args: Value,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Proposal, ToolError>> {
        Box::pin(
            async move { Write::propose(self, arguments::parse(T::NAME, args, &run.redactor)?, reader, run).await },
        )
    }
}

/// One entry of the registry.
#[derive(Clone, Copy)]
pub enum Tool {
    /// Runs at once.
    Read(&'static dyn AnyRead),
    /// Only proposes; goes through preview and gate.
    Write(&'static dyn AnyWrite),
}

/// Every tool, in the order help and models see them.
pub const TOOLS: &[Tool] = &[
    Tool::Read(&read::List),
    Tool::Read(&read::Describe),
    Tool::Read(&read::Logs),
    Tool::Read(&read::Events),
    Tool::Read(&read::Rollout),
    Tool::Read(&read::WaitFor),
    Tool::Read(&read::Diagnose),
    Tool::Read(&read::Health),
    Tool::Read(&read::Changes),
    Tool::Read(&read::Explain),
    Tool::Write(&write::Scale),
    Tool::Write(&write::RolloutControl),
    Tool::Write(&write::Set),
    Tool::Write(&write::Autoscale),
    Tool::Write(&write::Create),
    Tool::Write(&write::Apply),
    Tool::Write(&write::Patch),
    Tool::Write(&write::Delete),
    Tool::Write(&write::NodeControl),
    Tool::Write(&write::ImportEnv),
    Tool::Write(&write::Exec),
    Tool::Write(&write::PortForward),
    Tool::Write(&write::Undo),
];

/// Returns the specifications of all tools. Schemas take time to make and never change.
pub fn specs() -> &'static [ToolSpec] {
    static SPECS: LazyLock<Vec<ToolSpec>> = LazyLock::new(|| TOOLS.iter().map(Tool::spec).collect());
    &SPECS
}

impl Tool {
    /// Returns the tool's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Read(tool) => tool.name(),
            Self::Write(tool) => tool.name(),
        }
    }

    /// Returns what the tool does, in a sentence or two: what a model reads first.
    pub fn about(&self) -> String {
        self.spec().description
    }

    /// Returns the specification that models get.
    pub fn spec(&self) -> ToolSpec {
        let schema = match self {
            Self::Read(tool) => tool.schema(),
            Self::Write(tool) => tool.schema(),
        };
        ToolSpec::new(self.name(), schema)
    }

    /// Returns a call that shows what the tool is for.
    pub fn example(&self) -> Call {
        let args = match self {
            Self::Read(tool) => tool.example_args(),
            Self::Write(tool) => tool.example_args(),
        };
        Call::new(self.name(), args)
    }

    /// Checks arguments without calling the tool.
    ///
    /// # Errors
    /// Returns what does not fit, as the call would.
    pub fn check(&self, args: Value, redactor: &Redactor) -> Result<(), ToolError> {
        match self {
            Self::Read(tool) => tool.check(args, redactor),
            Self::Write(tool) => tool.check(args, redactor),
        }
    }

    /// Registers what is secret in arguments, before they are shown or recorded.
    pub fn register_secrets(&self, args: &Value, redactor: &Redactor) {
        match self {
            Self::Read(_) => {}
            Self::Write(tool) => tool.register_secrets(args, redactor),
        }
    }

    /// Returns whether the tool proposes changes.
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write(_))
    }
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple(if self.is_write() { "Write" } else { "Read" }).field(&self.name()).finish()
    }
}

/// Registers what is secret in the arguments of calls, before they are shown or recorded.
pub fn register_secrets<'c>(calls: impl IntoIterator<Item = (&'c str, &'c Value)>, redactor: &Redactor) {
    for (name, args) in calls {
        if let Some(tool) = TOOLS.iter().find(|tool| tool.name() == name) {
            tool.register_secrets(args, redactor);
        }
    }
}

/// Returns the tool with this name.
///
/// # Errors
/// Returns an error with the nearest name where there is none.
pub fn find(name: &str) -> Result<&'static Tool, ToolError> {
    if let Some(tool) = TOOLS.iter().find(|tool| tool.name() == name) {
        return Ok(tool);
    }
    let known = TOOLS.iter().map(Tool::name);
    let error = ToolError::arguments(format!("there is no tool \"{name}\""));
    Err(match arguments::nearest(name, known.clone()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("the tools are {}", known.collect::<Vec<_>>().join(", "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tool_is_answered_with_the_nearest_one() {
        let error = find("scal").unwrap_err();
        assert_eq!(error.to_model(), "error: there is no tool \"scal\"\nhint: did you mean scale?");
        assert!(find("kubectl").unwrap_err().hints()[0].starts_with("the tools are list"));
        assert_eq!(find("undo").unwrap().name(), "undo");
    }

    #[test]
    fn every_example_fits_its_own_schema() {
        for tool in TOOLS {
            let (spec, call) = (tool.spec(), tool.example());
            tool.check(call.args.clone(), &Redactor::new([1; 32])).unwrap();
            let known = spec.parameters["properties"].as_object().unwrap();
            for field in call.args.as_object().unwrap().keys() {
                assert!(known.contains_key(field), "{}: {field}", spec.name);
            }
            for required in spec.parameters["required"].as_array().into_iter().flatten() {
                assert!(call.args.get(required.as_str().unwrap()).is_some(), "{}: {required}", spec.name);
            }
        }
    }
}
