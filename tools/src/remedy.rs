//! From a remedy of the engine to the call that would carry it out. The list is closed and mapped whole: a remedy is
//! a call, or waits for a value that nobody knows, or is a person's.
//!
//! A call is only proposed: it goes through preview and gate like any other.

use serde_json::{Value, json};
use todo_agent_core::Call;
use todo_agent_diagnose::{Bound, Finding, ObjectRef, Remedy, Replace};

use crate::workloads;

/// What carries a remedy out.
#[derive(Debug, Clone, PartialEq)]
pub enum Means {
    /// A call of a write tool.
    Call(Call),
    /// A call, once a person has said this value.
    Value(&'static str),
    /// A person.
    Person,
}

/// Returns for each finding the first remedy that is a call, once each, in the order of the findings; and how many
/// findings have none.
pub fn calls(findings: &[Finding]) -> (Vec<Call>, usize) {
    let (mut calls, mut without) = (Vec::new(), 0);
    for finding in findings {
        let call = finding.remedies.iter().find_map(|remedy| match means(remedy) {
            Means::Call(call) => Some(call),
            Means::Value(_) | Means::Person => None,
        });
        match call {
            Some(call) if calls.contains(&call) => {}
            Some(call) => calls.push(call),
            None => without += 1,
        }
    }
    (calls, without)
}

/// Returns what carries a remedy out.
pub fn means(remedy: &Remedy) -> Means {
    if let Some(value) = remedy.missing() {
        return Means::Value(value);
    }
    match remedy {
        Remedy::SetImage { workload, container, image } => set(workload, container, json!({"image": image})),
        Remedy::SetResource { workload, container, limit, resource, amount } => {
            let bound = if *limit == Bound::Limit { "limits" } else { "requests" };
            set(workload, container, json!({bound: {resource: amount}}))
        }
        Remedy::SetCommand { workload, container, command } => set(workload, container, json!({"command": command})),
        Remedy::SetProbeTime { workload, container, probe, failure_threshold, timeout_seconds } => {
            let mut times = json!({});
            for (field, time) in [("failureThreshold", failure_threshold), ("timeoutSeconds", timeout_seconds)] {
                if let Some(time) = time {
                    times[field] = json!(time);
                }
            }
            let container = json!({"name": container, probe.field(): times});
            let pods = json!({"template": {"spec": {"containers": [container]}}});
            if is_rolling(workload) { patch(workload, "strategic", json!({"spec": pods})) } else { Means::Person }
        }
        Remedy::CreateServiceAccount { account } => {
            let manifest = json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": account.name, "namespace": account.namespace},
            });
            // JSON is YAML.
            Means::Call(Call::new("apply", json!({"manifests": manifest.to_string(), "namespace": account.namespace})))
        }
        Remedy::Rollback { workload, revision } => control(workload, "undo", *revision),
        Remedy::Restart { workload } => control(workload, "restart", None),
        Remedy::Resume { workload } => control(workload, "resume", None),
        Remedy::Scale { workload, replicas } => {
            let args = json!({"workload": workload.short(), "namespace": workload.namespace, "replicas": replicas});
            Means::Call(Call::new("scale", args))
        }
        Remedy::SetStrategy { workload, strategy } => {
            let strategy = match strategy {
                Replace::Recreate => json!({"type": "Recreate", "rollingUpdate": null}),
                Replace::OneAway => json!({"rollingUpdate": {"maxUnavailable": 1}}),
            };
            patch(workload, "merge", json!({"spec": {"strategy": strategy}}))
        }
        Remedy::Delete { object } => Means::Call(Call::new("delete", named(object))),
        Remedy::Uncordon { node } => {
            Means::Call(Call::new("node_control", json!({"node": node.name, "action": "uncordon"})))
        }
        Remedy::LabelNode { node, key, value } => patch(node, "labels", json!({key: value})),
        Remedy::SetServiceSelector { service, key, value } => {
            patch(service, "merge", json!({"spec": {"selector": {key: value}}}))
        }
        Remedy::SetTargetPort { service, port, target } => {
            let target = target.parse::<i64>().map_or_else(|_| json!(target), |number| json!(number));
            patch(service, "strategic", json!({"spec": {"ports": [{"port": port, "targetPort": target}]}}))
        }
        Remedy::SetIngressClass { ingress, class } => {
            patch(ingress, "merge", json!({"spec": {"ingressClassName": class}}))
        }
        Remedy::SetMaxReplicas { autoscaler, max } => patch(autoscaler, "merge", json!({"spec": {"maxReplicas": max}})),
        // What these would be written into is a list that has to be known whole, or a choice that is a person's.
        Remedy::SetProbePort { .. }
        | Remedy::SetReference { .. }
        | Remedy::CreateKeyed { .. }
        | Remedy::CopyFrom { .. }
        | Remedy::AddKey { .. }
        | Remedy::Tolerate { .. }
        | Remedy::SetBackend { .. }
        | Remedy::AllowTraffic { .. }
        | Remedy::Grant { .. }
        | Remedy::Manual { .. } => Means::Person,
    }
}

/// Returns whether a workload's pods are replaced when its template changes.
fn is_rolling(workload: &ObjectRef) -> bool {
    workloads::ROLLING.contains(&workload.kind.name())
}

fn set(workload: &ObjectRef, container: &str, values: Value) -> Means {
    if !is_rolling(workload) {
        return Means::Person;
    }
    let mut args = json!({"workload": workload.short(), "namespace": workload.namespace, "container": container});
    if let (Some(args), Value::Object(values)) = (args.as_object_mut(), values) {
        args.extend(values);
    }
    Means::Call(Call::new("set", args))
}

fn control(workload: &ObjectRef, action: &str, revision: Option<i64>) -> Means {
    if !is_rolling(workload) {
        return Means::Person;
    }
    let mut args = json!({"workload": workload.short(), "namespace": workload.namespace, "action": action});
    if let Some(revision) = revision {
        args["to_revision"] = json!(revision);
    }
    Means::Call(Call::new("rollout_control", args))
}

fn patch(object: &ObjectRef, style: &str, body: Value) -> Means {
    let mut args = named(object);
    args[style] = body;
    Means::Call(Call::new("patch", args))
}

fn named(object: &ObjectRef) -> Value {
    let mut args = json!({"kind": object.kind.name().to_lowercase(), "name": object.name});
    if !object.namespace.is_empty() {
        args["namespace"] = json!(object.namespace);
    }
    args
}

#[cfg(test)]
mod tests {
    use todo_agent_core::Redactor;
    use todo_agent_diagnose::{Kind, Probe};

    use super::*;
    use crate::find;

    fn object(kind: Kind, name: &str) -> ObjectRef {
        ObjectRef::named(kind, "todo", name)
    }

    #[test]
    fn a_call_is_one_that_its_tool_takes() {
        let web = || object(Kind::Deployment, "web");
        let main = || "main".to_owned();
        let remedies = [
            Remedy::SetImage { workload: web(), container: main(), image: Some("web:v1".into()) },
            Remedy::SetResource {
                workload: web(),
                container: main(),
                limit: Bound::Limit,
                resource: "memory".into(),
                amount: Some("256Mi".into()),
            },
            Remedy::SetCommand { workload: web(), container: main(), command: Some(vec!["node".into()]) },
            Remedy::SetProbeTime {
                workload: web(),
                container: main(),
                probe: Probe::Liveness,
                failure_threshold: Some(10),
                timeout_seconds: None,
            },
            Remedy::CreateServiceAccount { account: object(Kind::ServiceAccount, "robot") },
            Remedy::Rollback { workload: web(), revision: Some(2) },
            Remedy::Restart { workload: web() },
            Remedy::Resume { workload: web() },
            Remedy::Scale { workload: web(), replicas: Some(1) },
            Remedy::SetStrategy { workload: web(), strategy: Replace::Recreate },
            Remedy::Delete { object: object(Kind::Job, "migrate") },
            Remedy::Uncordon { node: ObjectRef::named(Kind::Node, "", "node-1") },
            Remedy::LabelNode {
                node: ObjectRef::named(Kind::Node, "", "node-1"),
                key: "disk".into(),
                value: "ssd".into(),
            },
            Remedy::SetServiceSelector {
                service: object(Kind::Service, "web"),
                key: "app".into(),
                value: "web".into(),
            },
            Remedy::SetTargetPort { service: object(Kind::Service, "web"), port: 80, target: "http".into() },
            Remedy::SetIngressClass { ingress: object(Kind::Ingress, "web"), class: Some("nginx".into()) },
            Remedy::SetMaxReplicas { autoscaler: object(Kind::HorizontalPodAutoscaler, "web"), max: Some(9) },
        ];
        for remedy in remedies {
            let Means::Call(call) = means(&remedy) else { panic!("{remedy}") };
            let tool = find(&call.tool).unwrap();
            assert!(tool.is_write(), "{call:?}");
            tool.check(call.args.clone(), &Redactor::new([1; 32])).unwrap_or_else(|error| panic!("{call:?}: {error}"));
        }
    }

    #[test]
    fn what_nobody_knows_is_asked_for_and_a_choice_is_a_persons() {
        let web = object(Kind::Deployment, "web");
        let image = Remedy::SetImage { workload: web.clone(), container: "main".into(), image: None };
        assert_eq!(means(&image), Means::Value("the image"));
        let copy = Remedy::CopyFrom { object: object(Kind::Secret, "keys"), namespace: "shop".into() };
        assert_eq!(means(&copy), Means::Person);
        // The template of a Job cannot be changed.
        let job =
            Remedy::SetImage { workload: object(Kind::Job, "j"), container: "c".into(), image: Some("i:1".into()) };
        assert_eq!(means(&job), Means::Person);
        assert_eq!(means(&Remedy::manual("look")), Means::Person);
    }
}
