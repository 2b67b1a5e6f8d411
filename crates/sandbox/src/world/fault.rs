//! Declared faults: which containers, when, and what goes wrong. A condition is evaluated whenever the
//! kubelet acts, so that a fix (another image, a higher limit) ends the fault. Matching is in
//! `kubelet::faults`; this file is only the shape of the YAML.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::durations;

/// One thing that goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// Which containers; all by default.
    #[serde(default, rename = "match")]
    pub target: Target,
    /// When; always by default.
    #[serde(default)]
    pub when: When,
    /// What happens.
    #[serde(rename = "do")]
    pub effect: Effect,
}

/// Which containers a rule is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Target {
    /// The pod's namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// A label selector for the pod.
    #[serde(default)]
    pub selector: Option<String>,
    /// The container's name.
    #[serde(default)]
    pub container: Option<String>,
}

/// The conditions of a fault; all of them must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct When {
    /// The container's image; `*` stands for any text.
    #[serde(default)]
    pub image: Option<String>,
    /// The memory limit is lower than this quantity.
    #[serde(default)]
    pub memory_limit_below: Option<String>,
    /// Environment variables with these values.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Environment variables that are not there at all.
    #[serde(default)]
    pub env_absent: Vec<String>,
    /// Time after the container's start (for `nodeDown` and `evict`: the world's or the pod's).
    #[serde(default, deserialize_with = "durations::deserialize_option")]
    pub after_start: Option<Duration>,
    /// Only while the pod's template is one that the world started with.
    #[serde(default)]
    pub until_patched: bool,
}

/// What goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// The process ends by itself.
    Crash(Crash),
    /// The kernel kills the process.
    Oom(OutOfMemory),
    /// The image cannot be pulled.
    ImagePull(ImagePull),
    /// A probe fails.
    Unready(Unready),
    /// The process waits for something before it ends.
    WaitFor(WaitFor),
    /// No probe succeeds for this long after each start.
    #[serde(deserialize_with = "durations::deserialize")]
    SlowStart(Duration),
    /// The kubelet of this node stops.
    NodeDown(String),
    /// The kubelet evicts the pod.
    Evict(Eviction),
}

/// How a process ends. One that ends within 30 s of the fault's beginning does not answer probes meanwhile:
/// it fails before it listens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Crash {
    /// The exit code.
    #[serde(default = "one")]
    pub exit_code: i32,
    /// How long after the fault's beginning.
    #[serde(default, deserialize_with = "durations::deserialize")]
    pub after: Duration,
    /// What the process prints last.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// How a process runs out of memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OutOfMemory {
    /// How long after the container's start.
    #[serde(default, deserialize_with = "durations::deserialize")]
    pub after: Duration,
    /// What the process needs; a limit of at least this much (or none) is enough. Always fatal if absent.
    #[serde(default)]
    pub usage: Option<String>,
}

/// Why an image cannot be pulled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ImagePull {
    /// The registry's words; "not found" when absent.
    #[serde(default)]
    pub error: Option<String>,
}

/// What a process that would end by itself waits for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WaitFor {
    /// A Service of the pod's namespace whose name must resolve.
    pub service: String,
}

/// Which probe fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Unready {
    /// The probe.
    #[serde(default)]
    pub probe: ProbeKind,
    /// Only while the probe asks for this path; any by default.
    #[serde(default)]
    pub path: Option<String>,
    /// The probe's output; what its kind of probe would say when absent.
    #[serde(default)]
    pub message: Option<String>,
}

/// The three probes of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeKind {
    /// Decides whether the container gets traffic.
    #[default]
    Readiness,
    /// Decides whether the container is restarted.
    Liveness,
    /// Holds back the others until it succeeds.
    Startup,
}

/// Why a pod is evicted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Eviction {
    /// The node condition: `DiskPressure`, `MemoryPressure` or `PIDPressure`.
    pub reason: String,
}

const fn one() -> i32 {
    1
}
