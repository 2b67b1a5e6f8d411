//! `exec`: proposes to run one program in a container.
//!
//! What it would do cannot be tried, so it is asked about every time, whatever was answered before. The words go to the
//! container as they are: no shell reads them unless the person names one.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{Change, Effect, FullReader, ObjectRef, Phase, Remark, Run, ToolError};

use super::{running_pod, set};
use crate::{
    resolve,
    tool::{Proposal, Write},
    value, words, workloads,
};

/// How long a command may take unless told otherwise, in seconds.
const SECONDS: u32 = 60;
/// How long it may take at most.
const MOST_SECONDS: u32 = 3600;
/// The most bytes of a command: it travels in the address of a request, for which servers have bounds.
const LONGEST_COMMAND: usize = 4096;

/// Propose to run one program in a container; no shell reads its words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecArgs {
    /// exact name of a pod or workload
    target: String,
    namespace: Option<String>,
    container: Option<String>,
    /// program and arguments
    command: Vec<String>,
    /// default 60
    seconds: Option<u32>,
}

/// The tool.
pub(crate) struct Exec;

impl Write for Exec {
    const NAME: &'static str = "exec";
    type Args = ExecArgs;

    fn example(&self) -> Value {
        json!({"target": "pod/redis-0", "command": ["redis-cli", "ping"]})
    }

    async fn propose<'a>(
        &'a self,
        args: ExecArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        check(&args.command)?;
        let seconds = args.seconds.unwrap_or(SECONDS);
        if seconds == 0 || seconds > MOST_SECONDS {
            return Err(ToolError::arguments(format!("seconds must be from 1 to {MOST_SECONDS}, got {seconds}")));
        }
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let named = running_pod::named(reader, &args.target, namespace).await?;
        resolve::require_exact(&named, "running a command")?;
        let found = running_pod::of(reader, named).await?;
        let place = set::container::find(&found.live, &found.pod.short(), args.container.as_deref())?;
        let containers = value::items(&found.live, &format!("/spec/{}", place.list));
        let container = containers.get(place.index).map(value::name_of).unwrap_or_default().to_owned();
        is_running(&found.pod, &found.live, &container)?;
        let mut remarks: Vec<Remark> = found.notes.into_iter().map(Remark::Fact).collect();
        remarks.push(Remark::Fact(
            "it can read and change whatever the container can, secrets included; what it prints is shown to you, and \
             to a model where one asked"
                .to_owned(),
        ));
        let spoken = args.command.iter().map(|word| set::quoted(word)).collect::<Vec<_>>().join(" ");
        let flag = workloads::namespace_flag(&found.pod);
        Ok(Proposal::Changes(vec![Change {
            tool: Self::NAME,
            summary: format!("run {spoken} in {}", found.pod.short()),
            equivalent: format!("kubectl exec {}{flag} -c {container} -- {spoken}", found.pod.name),
            phases: vec![Phase {
                effects: vec![Effect::Exec { target: found.pod, container, command: args.command }],
                settle: Vec::new(),
                deadline: Duration::from_secs(seconds.into()),
            }],
            undo: None,
            undoes: None,
            remarks,
        }]))
    }
}

fn check(command: &[String]) -> Result<(), ToolError> {
    let Some(program) = command.first() else {
        return Err(ToolError::arguments("command is empty").hint("name a program, for example: [\"ls\", \"/data\"]"));
    };
    if program.trim().is_empty() {
        return Err(ToolError::arguments("command begins with an empty word").hint("its first word is the program"));
    }
    if command.len() == 1 && program.contains(' ') && !program.contains('/') {
        return Err(ToolError::arguments(format!("\"{}\" is one word with spaces", words::shown(program)))
            .hint("give the program and each argument apart: [\"ls\", \"/data\"]"));
    }
    if command.len() == 1 && matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "zsh")) {
        return Err(ToolError::arguments(format!("nobody can type into {program} from here"))
            .hint(format!("give it something to run: [\"{program}\", \"-c\", \"ls /\"]"))
            .hint("for a shell to type into: kubectl exec -it"));
    }
    if command.iter().any(|word| word.contains('\0')) {
        return Err(ToolError::arguments("command holds a NUL, which no program can be given"));
    }
    let length: usize = command.iter().map(String::len).sum();
    if length > LONGEST_COMMAND {
        return Err(ToolError::arguments(format!(
            "command is {length} bytes long; at most {LONGEST_COMMAND} can be sent"
        ))
        .hint("put what is longer into the image or a ConfigMap"));
    }
    Ok(())
}

/// A container that does not run cannot be entered; the kubelet would say so only after the approval.
fn is_running(pod: &ObjectRef, live: &Value, container: &str) -> Result<(), ToolError> {
    let statuses = value::items(live, "/status/containerStatuses")
        .iter()
        .chain(value::items(live, "/status/initContainerStatuses"));
    let mut of_it = statuses.filter(|status| value::name_of(status) == container);
    if of_it.any(|status| status.pointer("/state/running").is_some_and(|running| !running.is_null())) {
        return Ok(());
    }
    Err(ToolError::state(format!("container {container} of {} does not run", pod.short()))
        .hint(format!("look at what it said: logs {}", pod.short())))
}

#[cfg(test)]
mod tests;
