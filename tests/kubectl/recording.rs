//! What a client printed on a real cluster, as it printed it: one file per behaviour, one line per case.
//!
//! The first line says where the recording is from. Outputs are kept raw, so that a rule of the normaliser
//! can change without a cluster; only what tells one machine from all others is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use regex::Regex;
use serde_json::{Value, json};

use super::case::Case;
use super::program::Client;
use super::run::Outputs;

/// The recordings of every behaviour.
pub(crate) struct Recordings {
    folder: PathBuf,
    client: Client,
    behaviours: Mutex<BTreeMap<String, Recording>>,
}

#[derive(Default)]
struct Recording {
    origin: Value,
    cases: BTreeMap<String, Outputs>,
    /// The cases that were recorded in this run.
    fresh: Vec<String>,
}

impl Recordings {
    /// Reads every recording of a folder.
    pub(crate) fn load(folder: &Path, client: Client) -> Self {
        let mut behaviours = BTreeMap::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let origin = lines.next().unwrap_or_default();
            let cases = lines
                .map(|line| {
                    let name = line["case"].as_str().unwrap().to_owned();
                    let outputs = json!({"namespace": line["namespace"], "outputs": line["outputs"]});
                    (name, serde_json::from_value(outputs).unwrap())
                })
                .collect();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            behaviours.insert(name, Recording { origin, cases, fresh: Vec::new() });
        }
        Self { folder: folder.to_owned(), client, behaviours: Mutex::new(behaviours) }
    }

    /// Returns what a case printed.
    pub(crate) fn get(&self, behaviour: &str, case: &Case) -> Option<Outputs> {
        self.behaviours.lock().unwrap().get(behaviour)?.cases.get(&case.name).cloned()
    }

    /// Replaces what a case printed.
    pub(crate) fn put(&self, behaviour: &str, case: &Case, mut outputs: Outputs) {
        for output in &mut outputs.outputs {
            output.stdout = without_machine(&output.stdout);
        }
        let mut behaviours = self.behaviours.lock().unwrap();
        let recording = behaviours.entry(behaviour.to_owned()).or_default();
        let Client { variable, test, .. } = self.client;
        let today = jiff::Timestamp::now().strftime("%F").to_string();
        recording.origin = json!({
            "server": "kube-apiserver v1.37.1", "client": self.client.version, "date": today,
            "command": format!("{variable}_RECORD=1 {variable}_KUBECONFIG=$(tests/cluster/up) cargo test --test {test}"),
        });
        recording.cases.insert(case.name.clone(), outputs);
        recording.fresh.push(case.name.clone());
    }

    /// Writes what was recorded in this run; after a complete one, cases that are no more are dropped.
    pub(crate) fn store(&self, behaviours: &[String], is_complete: bool) {
        let mut recordings = self.behaviours.lock().unwrap();
        for name in behaviours {
            let Some(recording) = recordings.get_mut(name).filter(|recording| !recording.fresh.is_empty()) else {
                continue;
            };
            if is_complete {
                recording.cases.retain(|case, _| recording.fresh.contains(case));
            }
            let mut lines = vec![recording.origin.to_string()];
            for (case, outputs) in &recording.cases {
                let line = json!({"case": case, "namespace": outputs.namespace, "outputs": outputs.outputs});
                lines.push(line.to_string());
            }
            std::fs::write(self.folder.join(format!("{name}.jsonl")), lines.join("\n") + "\n").unwrap();
        }
    }

    /// Returns the recordings that no case asks for, given the behaviour and the name of every case.
    pub(crate) fn without_case(&self, named: &BTreeSet<(String, String)>) -> Vec<String> {
        let recordings = self.behaviours.lock().unwrap();
        let recorded =
            recordings.iter().flat_map(|(name, it)| it.cases.keys().map(|case| (name.clone(), case.clone())));
        let caseless = recorded.filter(|recorded| !named.contains(recorded));
        caseless.map(|(behaviour, case)| format!("{behaviour}: {case}")).collect()
    }
}

/// Returns an output without what identifies the machine of a node and its kernel, described or as YAML.
fn without_machine(text: &str) -> String {
    static FACT: LazyLock<Regex> = LazyLock::new(|| {
        let described = "Machine ID|System UUID|Boot ID|Kernel Version";
        Regex::new(&format!("(?m)^( *(?:{described}|machineID|systemUUID|bootID|kernelVersion): +).+$")).unwrap()
    });
    FACT.replace_all(text, "${1}left out").into_owned()
}
