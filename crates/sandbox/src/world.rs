//! Worlds: what a sandbox starts with, as one YAML file.
//!
//! ```yaml
//! namespace: shop            # pinned by clients that ask for none; made, like every namespace named below
//! warmUp: 1m                 # simulated time before the first request
//! nodes:                     # `- {name: node-1}` alone is a small node; see `NodeSpec`
//!   - {name: node-1, cpu: "4", memory: 8Gi, images: ["shop-*"]}
//! users:                     # besides the administrator; what they may do is RBAC in the manifests
//!   - {name: viewer, groups: [readers]}
//! manifests: |               # ordinary manifests, a `---` separated text or a list
//!   apiVersion: v1
//!   kind: ConfigMap
//!   metadata: {name: settings}
//! changes:                   # later writes, merged into the object of the same name; lists by `name`
//!   - {at: 30s, manifests: [...]}
//! faults: [{match: {selector: app=api}, when: {image: "*:v2"}, do: {crash: {exitCode: 1, after: 3s}}}]
//! logs: [{match: {selector: app=api}, lines: ["listening"], repeat: 1}]
//! answers:                   # to commands and on ports; see `Answers`
//!   - match: {selector: app=api}
//!     exec: [{command: [ls, /data], stdout: "dump.rdb\n", exitCode: 0}]
//!     ports: [{port: 6379, reply: "+PONG\r\n"}]
//! load: {rps: 40}            # names for the amounts below
//! usage: [{match: {selector: app=api}, cpu: 0.2 * rps / replicas, memory: 90Mi}]
//! ```
//!
//! An unknown key is an error with its line and column. Faults are described in [`Fault`].

mod answers;
mod builtin;
mod fault;
mod read;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::durations;

pub use answers::{Answers, CommandAnswer, PortAnswer};
pub use builtin::BUILTIN;
pub use fault::{Crash, Effect, Eviction, Fault, ImagePull, OutOfMemory, ProbeKind, Target, Unready, WaitFor, When};

/// What a sandbox starts with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct World {
    /// The name it was found by.
    #[serde(skip)]
    pub name: String,
    /// The namespace for clients that name none.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// Simulated time to pass before the first request.
    #[serde(default, deserialize_with = "durations::deserialize")]
    pub warm_up: Duration,
    /// The nodes; none is a cluster where nothing can be scheduled.
    #[serde(default)]
    pub nodes: Vec<NodeSpec>,
    /// The users besides the administrator.
    #[serde(default)]
    pub users: Vec<UserSpec>,
    /// The objects at the start.
    #[serde(default, deserialize_with = "read::manifests")]
    pub manifests: Vec<Value>,
    /// Writes that happen later.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What containers print.
    #[serde(default)]
    pub logs: Vec<LogRule>,
    /// What containers answer to commands and on ports.
    #[serde(default)]
    pub answers: Vec<Answers>,
    /// What the amounts of `usage` may name besides `replicas` and `seconds`.
    #[serde(default)]
    pub load: std::collections::BTreeMap<String, f64>,
    /// What containers use.
    #[serde(default)]
    pub usage: Vec<UsageRule>,
}

/// A node in short form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NodeSpec {
    /// The node's name.
    pub name: String,
    /// Cores, as a quantity.
    #[serde(default = "default_cpu")]
    pub cpu: String,
    /// Bytes of memory, as a quantity.
    #[serde(default = "default_memory")]
    pub memory: String,
    /// How many pods fit.
    #[serde(default = "default_pods")]
    pub pods: u32,
    /// Labels besides the usual ones.
    #[serde(default)]
    pub labels: std::collections::BTreeMap<String, String>,
    /// Taints, as in a Node.
    #[serde(default)]
    pub taints: Vec<Value>,
    /// Whether the node is cordoned.
    #[serde(default)]
    pub unschedulable: bool,
    /// Images that are on the node already; `*` stands for any text.
    #[serde(default)]
    pub images: Vec<String>,
}

/// A user who may connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UserSpec {
    /// The user's name, as RBAC subjects have it.
    pub name: String,
    /// The user's groups; `system:authenticated` is added.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The bearer token; made from the name when absent.
    #[serde(default)]
    pub token: Option<String>,
}

/// Writes at a moment after the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Change {
    /// How long after the start of the warm-up.
    #[serde(deserialize_with = "durations::deserialize")]
    pub at: Duration,
    /// Objects, possibly partial: each is merged into the object of its name (maps by key, lists of named
    /// things by `name`, all else replaced), or created.
    #[serde(deserialize_with = "read::manifests")]
    pub manifests: Vec<Value>,
}

/// What the containers that match print when they start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogRule {
    /// Which containers.
    #[serde(default, rename = "match")]
    pub target: Target,
    /// The lines of one round.
    #[serde(default)]
    pub lines: Vec<String>,
    /// One more line of any bytes, in base64.
    #[serde(default)]
    pub base64: Option<String>,
    /// How many rounds.
    #[serde(default = "one")]
    pub repeat: u32,
}

/// What the containers that match use, for the metrics API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UsageRule {
    /// Which containers.
    #[serde(default, rename = "match")]
    pub target: Target,
    /// Cores: a quantity or an expression.
    #[serde(default)]
    pub cpu: Option<String>,
    /// Bytes: a quantity or an expression.
    #[serde(default)]
    pub memory: Option<String>,
}

/// Why a world cannot be had.
#[derive(Debug, Error)]
pub enum WorldError {
    /// There is neither a shipped world nor a file of that name.
    #[error("there is no world `{name}`{}; shipped worlds: {}", nearest.map(|it| format!(", did you mean `{it}`?")).unwrap_or_default(), BUILTIN.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The shipped name most like it.
        nearest: Option<&'static str>,
    },
    /// The file cannot be read.
    #[error("cannot read the world {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is not a world; the message has the line and column.
    #[error("the world {name} is not right: {message}")]
    Invalid {
        /// The world's name or path.
        name: String,
        /// What is wrong and where.
        message: String,
    },
}

fn default_namespace() -> String {
    "default".to_owned()
}

fn default_cpu() -> String {
    "4".to_owned()
}

fn default_memory() -> String {
    "8Gi".to_owned()
}

const fn default_pods() -> u32 {
    110
}

const fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_world_is_readable() {
        for name in BUILTIN {
            assert_eq!(World::builtin(name).unwrap().name, *name);
        }
    }

    #[test]
    fn an_unknown_world_offers_the_nearest() {
        let error = World::open("todoo").unwrap_err().to_string();
        assert!(error.starts_with("there is no world `todoo`, did you mean `todo`?"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place() {
        let error = World::from_yaml("namespace: shop\nnodez: []\n", "mine").unwrap_err().to_string();
        assert!(error.contains("mine") && error.contains("nodez") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn what_cannot_mean_anything_is_an_error() {
        for (text, message) in [
            ("nodes: [{name: a, cpu: many}]", "`many` is not a quantity"),
            ("faults: [{do: {nodeDown: a}}]", "there is no node `a`"),
            ("faults: [{match: {selector: 'a in ('}, do: {oom: {}}}]", "`a in (` is not a label selector"),
            ("faults: [{do: {oom: {usage: 1GB}}}]", "`1GB` is not a quantity"),
            ("warmUp: soon", "`soon` is not a duration"),
            ("manifests: [{kind: Pod}]", "a manifest needs apiVersion, kind and metadata.name"),
            ("logs: [{base64: '%'}]", "base64"),
            ("answers: [{exec: [{command: []}]}]", "a command needs at least one word"),
            ("answers: [{ports: [{port: 0}]}]", "nobody listens on port 0"),
            ("usage: [{cpu: 2 * users}]", "`users` is not known"),
            ("", "the file is empty"),
        ] {
            let error = World::from_yaml(text, "mine").unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn manifests_are_a_text_or_a_list() {
        let text = "manifests: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {mode: '0644'}\n  ---\n  \
                    apiVersion: v1\n  kind: Secret\n  metadata: {name: b}\n";
        let world = World::from_yaml(text, "mine").unwrap();
        let kinds: Vec<&str> = world.manifests.iter().filter_map(|it| it["kind"].as_str()).collect();
        assert_eq!(kinds, ["ConfigMap", "Secret"]);
        let list = "manifests:\n  - {apiVersion: v1, kind: Secret, metadata: {name: b}, defaultMode: 0644}\n";
        assert_eq!(World::from_yaml(list, "mine").unwrap().manifests[0]["defaultMode"], 420);
    }

    #[test]
    fn faults_read_as_documented() {
        let text = r#"
nodes: [{name: node-1}, {name: node-2}]
faults:
  - match: {namespace: shop, selector: "app=backend", container: api}
    when: {image: "*:v2", memoryLimitBelow: 128Mi, env: {FEATURE_X: "true"}, afterStart: 20s, untilPatched: true}
    do: {crash: {exitCode: 1, after: 3s, logs: ["panic: cannot connect to redis:6379"]}}
  - {do: {oom: {after: 5s, usage: 300Mi}}}
  - {do: {imagePull: {error: "manifest unknown"}}}
  - {do: {unready: {probe: readiness, message: "HTTP probe failed with statuscode: 503"}}}
  - {do: {slowStart: 40s}}
  - {when: {envAbsent: [TOKEN]}, do: {waitFor: {service: db}}}
  - {do: {unready: {path: /healthz}}}
  - {do: {nodeDown: node-2}}
  - {do: {evict: {reason: DiskPressure}}}
"#;
        assert_eq!(World::from_yaml(text, "mine").unwrap().faults.len(), 9);
        let error = World::from_yaml("faults: [{do: {explode: {}}}]", "mine").unwrap_err().to_string();
        assert!(error.contains("explode") && error.contains("line 1"), "{error}");
    }
}
