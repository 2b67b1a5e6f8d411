//! `explain`: whether somebody may do something, asked of the cluster's own authoriser; and what a field means, in the words
//! of the documentation that the cluster publishes.

mod field;
mod permission;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{Output, Reader, Run, ToolError};

use crate::{tool::Read, words};

/// Explain whether somebody may do something (verb), or what a field of a kind means (field).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainArgs {
    kind: String,
    /// spec.strategy; empty for the kind itself
    field: Option<String>,
    /// get, list, create, patch, delete
    verb: Option<String>,
    /// me, alice, group:dev, serviceaccount:ns/name
    subject: Option<String>,
    /// one object
    name: Option<String>,
    /// log, exec, scale
    subresource: Option<String>,
    namespace: Option<String>,
}

/// The tool.
pub(crate) struct Explain;

impl Read for Explain {
    const NAME: &'static str = "explain";
    type Args = ExplainArgs;

    fn example(&self) -> Value {
        json!({"kind": "pods", "verb": "delete"})
    }

    async fn read<'a>(&'a self, args: ExplainArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        words::check("kind", args.kind.trim())?;
        match (&args.verb, &args.field) {
            (Some(_), Some(_)) => Err(ToolError::arguments("verb and field are two questions")
                .hint("give verb for a permission, field for what a field means")),
            (Some(verb), None) => permission::explain(verb, &args, reader, run).await,
            (None, field) => {
                let path = field.as_deref().unwrap_or_default();
                let about = [("subject", &args.subject), ("name", &args.name), ("subresource", &args.subresource)];
                if let Some((argument, _)) = about.iter().find(|(_, given)| given.is_some()) {
                    return Err(ToolError::arguments(format!("{argument} needs a verb"))
                        .hint("give verb too, for example verb=list"));
                }
                field::explain(path, args.kind.trim(), reader, run).await
            }
        }
    }
}
