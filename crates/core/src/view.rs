//! What a person, a model, a policy, a session and a replay see of a change: everything that matters for
//! the decision, redacted, and nothing that could be executed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::Remark;

/// A previewed change, to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeView {
    /// The id by which the change is found again, for example `c-7k2m9q`.
    pub change_id: String,
    /// The cluster it is for.
    pub cluster: ClusterView,
    /// What happens, step by step.
    pub steps: Vec<StepView>,
    /// The kubectl or helm commands that would do the same.
    pub equivalent: Vec<String>,
    /// How it can be taken back, in a few words; `None` where it cannot.
    pub undo: Option<String>,
    /// HMAC-SHA256 over the digests of all steps, hexadecimal.
    pub digest: String,
}

/// The cluster a change is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterView {
    /// The kubeconfig context.
    pub context: String,
    /// The API server.
    pub server: String,
    /// What the cluster is recognised by: the uid of its kube-system namespace, else server and CA.
    pub identity: String,
}

/// One effect of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepView {
    /// The step's number, from 1.
    pub n: usize,
    /// The phase it belongs to, from 1.
    pub phase: usize,
    /// The tool that proposed it.
    pub tool: String,
    /// What happens, in a few words.
    pub summary: String,
    /// The verb as policy and grants know it: `scale`, `patch`, `create`, `delete`.
    pub verb: String,
    /// The object.
    pub target: TargetView,
    /// Whether the object lies outside the pinned namespace.
    pub outside: bool,
    /// What changes, field by field.
    pub diff: Vec<FieldChange>,
    /// How sure the preview is.
    pub proof: ProofView,
    /// What else to know.
    pub remarks: Vec<Remark>,
    /// Warnings the API server gave.
    pub warnings: Vec<String>,
    /// How much harm it can do.
    pub risk: Risk,
    /// Why it is asked always and by name, where it is.
    pub protected: Option<String>,
    /// HMAC-SHA256 of the request that will be sent, hexadecimal, without its precondition.
    pub digest: String,
    /// The state of the live object the preview is based on.
    pub fingerprint: String,
}

/// The object of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetView {
    /// The `apiVersion`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, if the kind has one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl TargetView {
    /// Returns `deployment/backend`.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }
}

/// One changed field. A missing side means the field is absent there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// The field's path, for example `spec.replicas`.
    pub path: String,
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// How a preview knows what will change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofView {
    /// The API server ran it dry and answered with the result.
    Served,
    /// Worked out here; the server could not be asked.
    Computed,
    /// Only stated: the effect cannot be tried.
    Stated,
}

/// How much harm an effect can do. Computed from the effect, never from the tool's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Taken back without loss: scaling up, restarting a replicated rolling workload.
    Low,
    /// May disturb users: new image, rollback, scaling down.
    Medium,
    /// May lose data or service: replicas to 0, delete, cluster-wide.
    High,
}

impl Risk {
    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Returns the next level up; high stays high.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
        }
    }
}

impl ChangeView {
    /// Returns the highest risk of all steps.
    pub fn risk(&self) -> Risk {
        self.steps.iter().map(|step| step.risk).max().unwrap_or(Risk::Low)
    }
}
