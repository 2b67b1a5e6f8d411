//! What would help: a closed list, so that each is a typed change or is marked as a step for a person. A
//! remedy that needs a value which nobody knows leaves it open, and `missing` says which.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kind::ObjectRef;

/// A probe of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// `livenessProbe`.
    Liveness,
    /// `readinessProbe`.
    Readiness,
    /// `startupProbe`.
    Startup,
}

impl Probe {
    /// Returns the name of the field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Liveness => "livenessProbe",
            Self::Readiness => "readinessProbe",
            Self::Startup => "startupProbe",
        }
    }

    /// Returns the word that the kubelet uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
        }
    }
}

/// One thing that would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "action")]
#[allow(missing_docs)]
pub enum Remedy {
    /// Set a container's image.
    SetImage { workload: ObjectRef, container: String, image: Option<String> },
    /// Set a request or a limit of a container; no value means it must be chosen.
    SetResource { workload: ObjectRef, container: String, limit: Bound, resource: String, amount: Option<String> },
    /// Set the command of a container.
    SetCommand { workload: ObjectRef, container: String, command: Option<Vec<String>> },
    /// Set the port of a probe.
    SetProbePort { workload: ObjectRef, container: String, probe: Probe, port: Option<String> },
    /// Give a probe more time.
    SetProbeTime {
        workload: ObjectRef,
        container: String,
        probe: Probe,
        failure_threshold: Option<i64>,
        timeout_seconds: Option<i64>,
    },
    /// Let a container reference an existing Secret or ConfigMap, or an existing key of it.
    SetReference { workload: ObjectRef, from: ObjectRef, to: String, key: Option<String> },
    /// Create a Secret or ConfigMap; its values must be given.
    CreateKeyed { object: ObjectRef, keys: Vec<String> },
    /// Copy an object from another namespace.
    CopyFrom { object: ObjectRef, namespace: String },
    /// Add a key to a Secret or ConfigMap; its value must be given.
    AddKey { object: ObjectRef, key: String },
    /// Create a ServiceAccount.
    CreateServiceAccount { account: ObjectRef },
    /// Go back to an earlier revision.
    Rollback { workload: ObjectRef, revision: Option<i64> },
    /// Restart the pods of a workload.
    Restart { workload: ObjectRef },
    /// Resume a paused workload.
    Resume { workload: ObjectRef },
    /// Set the number of replicas.
    Scale { workload: ObjectRef, replicas: Option<i64> },
    /// Replace all pods at once instead of rolling, or allow one to be away.
    SetStrategy { workload: ObjectRef, strategy: Replace },
    /// Delete an object.
    Delete { object: ObjectRef },
    /// Let nodes take pods again.
    Uncordon { node: ObjectRef },
    /// Tolerate a taint, or remove it from the node.
    Tolerate { workload: ObjectRef, key: String, value: String, effect: String },
    /// Label a node.
    LabelNode { node: ObjectRef, key: String, value: String },
    /// Set the selector of a Service.
    SetServiceSelector { service: ObjectRef, key: String, value: String },
    /// Set the target port of a Service's port.
    SetTargetPort { service: ObjectRef, port: i64, target: String },
    /// Set the backend of an Ingress path.
    SetBackend { ingress: ObjectRef, service: String, port: Option<String> },
    /// Set the class of an Ingress.
    SetIngressClass { ingress: ObjectRef, class: Option<String> },
    /// Set the bounds of an autoscaler.
    SetMaxReplicas { autoscaler: ObjectRef, max: Option<i64> },
    /// Allow one connection through the network policies.
    AllowTraffic { namespace: String, policy: String, rule: String },
    /// Grant a permission to a service account.
    Grant { account: String, namespace: String, verb: String, group: String, resource: String },
    /// A step for a person.
    Manual { step: String },
}

/// Whether a request or a limit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// `resources.requests`.
    Request,
    /// `resources.limits`.
    Limit,
}

/// How pods are to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Replace {
    /// The old ones first.
    Recreate,
    /// Rolling, with one away at a time.
    OneAway,
}

impl Remedy {
    /// Returns a step for a person.
    pub fn manual(step: impl Into<String>) -> Self {
        Self::Manual { step: step.into() }
    }

    /// Returns which value the remedy needs and nobody knows.
    pub fn missing(&self) -> Option<&'static str> {
        match self {
            Self::SetImage { image: None, .. } => Some("the image"),
            Self::SetResource { amount: None, .. } => Some("the amount"),
            Self::SetCommand { command: None, .. } => Some("the command"),
            Self::SetProbePort { port: None, .. } | Self::SetBackend { port: None, .. } => Some("the port"),
            Self::CreateKeyed { .. } => Some("the values of its keys"),
            Self::AddKey { .. } => Some("the value of the key"),
            Self::SetIngressClass { class: None, .. } => Some("the class"),
            Self::SetMaxReplicas { max: None, .. } | Self::Scale { replicas: None, .. } => {
                Some("the number of replicas")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "…".to_owned());
        match self {
            Self::SetImage { workload, container, image } => {
                write!(out, "set the image of {container} in {} to {}", workload.short(), or(image))
            }
            Self::SetResource { workload, container, limit, resource, amount } => {
                let which = if *limit == Bound::Limit { "limit" } else { "request" };
                let (workload, amount) = (workload.short(), or(amount));
                write!(out, "set the {resource} {which} of {container} in {workload} to {amount}")
            }
            Self::SetCommand { workload, container, command } => {
                let command = command.as_ref().map_or_else(|| "…".to_owned(), |command| command.join(" "));
                write!(out, "set the command of {container} in {} to {command}", workload.short())
            }
            Self::SetProbePort { workload, container, probe, port } => {
                let (workload, port) = (workload.short(), or(port));
                write!(out, "let the {} probe of {container} in {workload} ask port {port}", probe.word())
            }
            Self::SetProbeTime { workload, container, probe, failure_threshold, timeout_seconds } => {
                write!(out, "give the {} probe of {container} in {} more time", probe.word(), workload.short())?;
                if let Some(threshold) = failure_threshold {
                    write!(out, ": failureThreshold {threshold}")?;
                }
                timeout_seconds.map_or(Ok(()), |seconds| write!(out, ": timeoutSeconds {seconds}"))
            }
            Self::SetReference { workload, from, to, key } => {
                let key = key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
                write!(out, "let {} use {to}{key} instead of {}", workload.short(), from.short())
            }
            Self::CreateKeyed { object, keys } if keys.is_empty() => write!(out, "create {}", object.short()),
            Self::CreateKeyed { object, keys } => {
                write!(out, "create {} with {}", object.short(), keys.join(", "))
            }
            Self::CopyFrom { object, namespace } => {
                write!(out, "copy {} from namespace {namespace}", object.short())
            }
            Self::AddKey { object, key } => write!(out, "add key {key} to {}", object.short()),
            Self::CreateServiceAccount { account } => write!(out, "create {}", account.short()),
            Self::Rollback { workload, revision: Some(revision) } => {
                write!(out, "roll {} back to revision {revision}", workload.short())
            }
            Self::Rollback { workload, revision: None } => write!(out, "roll {} back", workload.short()),
            Self::Restart { workload } => write!(out, "restart {}", workload.short()),
            Self::Resume { workload } => write!(out, "resume {}", workload.short()),
            Self::Scale { workload, replicas } => {
                let replicas = replicas.map_or_else(|| "…".to_owned(), |replicas| replicas.to_string());
                write!(out, "scale {} to {replicas}", workload.short())
            }
            Self::SetStrategy { workload, strategy: Replace::Recreate } => {
                write!(out, "let {} replace its pods with strategy Recreate", workload.short())
            }
            Self::SetStrategy { workload, strategy: Replace::OneAway } => {
                write!(out, "let {} roll with maxUnavailable 1", workload.short())
            }
            Self::Delete { object } => write!(out, "delete {}", object.short()),
            Self::Uncordon { node } => write!(out, "uncordon {}", node.short()),
            Self::Tolerate { workload, key, value, effect } => {
                write!(out, "let {} tolerate {key}={value}:{effect}", workload.short())
            }
            Self::LabelNode { node, key, value } => write!(out, "label {} {key}={value}", node.short()),
            Self::SetServiceSelector { service, key, value } => {
                write!(out, "let {} select {key}={value}", service.short())
            }
            Self::SetTargetPort { service, port, target } => {
                write!(out, "let port {port} of {} lead to {target}", service.short())
            }
            Self::SetBackend { ingress, service, port } => {
                write!(out, "let {} lead to service {service}, port {}", ingress.short(), or(port))
            }
            Self::SetIngressClass { ingress, class } => {
                write!(out, "give {} the class {}", ingress.short(), or(class))
            }
            Self::SetMaxReplicas { autoscaler, max } => {
                let max = max.map_or_else(|| "…".to_owned(), |max| max.to_string());
                write!(out, "let {} go up to {max}", autoscaler.short())
            }
            Self::AllowTraffic { policy, rule, .. } => write!(out, "allow in networkpolicy/{policy}: {rule}"),
            Self::Grant { account, namespace, verb, resource, .. } => {
                write!(out, "let service account {account} {verb} {resource} in namespace {namespace}")
            }
            Self::Manual { step } => out.write_str(step),
        }
    }
}
