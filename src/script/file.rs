//! A script as it is written, key by key. The doc comments become the descriptions of `docs/script.schema.json`.
//!
//! Only what a key holds is decided here; what the whole means is decided by `check`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::placed::Placed;

/// A script of todo-agent: steps that are run in order, and what is expected of each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "todo-agent script")]
pub(super) struct ScriptFile {
    /// What reports call it. Without it, the file's name.
    pub(super) name: Option<Placed<String>>,
    /// The kubeconfig context it is for. The command line wins.
    pub(super) context: Option<Placed<String>>,
    /// The namespace it is for. The command line wins.
    pub(super) namespace: Option<Placed<String>>,
    /// The simulated cluster it runs on: a world's name, or the path of its file from the script's folder. The
    /// command line wins.
    pub(super) sandbox: Option<Placed<String>>,
    /// Values that steps take as ${name}: strings, numbers, true and false.
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Placed<Value>>,
    /// How long all steps may take together, for example 90s or 5m. The steps below "always" have their own time.
    pub(super) timeout: Option<Placed<String>>,
    /// Whether the steps after a failed one are run, too.
    #[serde(default, rename = "continue")]
    pub(super) go_on: bool,
    /// What is done, in order. The first step that fails is the last one, unless "continue" is true.
    pub(super) steps: Placed<Vec<Placed<StepFile>>>,
    /// What is done at the end, however the steps ended: also after a failure, a timeout or Ctrl-C.
    #[serde(default)]
    pub(super) always: Vec<Placed<StepFile>>,
}

/// One step: a sentence or a call, and what is expected of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "step")]
pub(super) struct StepFile {
    /// What reports call it. Without it, the sentence or the call.
    pub(super) name: Option<Placed<String>>,
    /// A sentence, as a person would say it.
    pub(super) say: Option<Placed<String>>,
    /// A call of one tool.
    pub(super) call: Option<Placed<CallFile>>,
    /// What is expected. Without it, that the step exits with 0.
    #[serde(default)]
    pub(super) expect: ExpectFile,
    /// How long the step may take, for example 60s.
    pub(super) timeout: Option<Placed<String>>,
}

/// A call of one tool; todo-agent tools lists them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "call")]
pub(super) struct CallFile {
    /// The tool's name.
    pub(super) tool: Placed<String>,
    /// Its arguments.
    #[serde(default)]
    pub(super) args: BTreeMap<String, Placed<Value>>,
}

/// What is expected of a step: all of it must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "expectations")]
pub(super) struct ExpectFile {
    /// The exit code that the step alone would end the program with. Without it, 0.
    pub(super) exit: Option<Placed<u8>>,
    /// Texts that the step shows.
    #[serde(default)]
    pub(super) text: Vec<Placed<String>>,
    /// Texts that the step does not show.
    #[serde(default)]
    pub(super) not_text: Vec<Placed<String>>,
    /// Values in the output of the step's last tool, by JSON pointer.
    #[serde(default)]
    pub(super) json: BTreeMap<String, Placed<Value>>,
    /// How many replicas a workload wants and has ready after the step, by its name.
    #[serde(default)]
    pub(super) replicas: BTreeMap<String, Placed<Value>>,
    /// Whether the step changes the cluster.
    pub(super) changed: Option<Placed<bool>>,
}

#[cfg(test)]
mod tests {
    use schemars::generate::SchemaSettings;

    use super::*;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/script.schema.json");
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ScriptFile>();
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("TODO_AGENT_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(kept == made, "docs/script.schema.json is not up to date; TODO_AGENT_WRITE_SCHEMA=1 writes it");
    }
}
