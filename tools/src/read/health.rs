//! `health`: how nodes, workloads, pods, storage and network are, in one table, and what is wrong in one line each.
//!
//! The numbers come from the same snapshot as the findings, so that they cannot contradict each other.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{Output, Reader, Run, ToolError};
use todo_agent_diagnose::{Finding, Kind, Severity, Snapshot, shape};

use crate::{
    diagnosis::{Diagnosis, word},
    read::diagnose,
    tool::Read,
};

/// The most findings that are named.
const NAMED: usize = 12;

/// Show how nodes, workloads, storage and network are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthArgs {
    namespace: Option<String>,
    all_namespaces: Option<bool>,
}

/// The tool.
pub(crate) struct Health;

impl Read for Health {
    const NAME: &'static str = "health";
    type Args = HealthArgs;

    fn example(&self) -> Value {
        json!({"all_namespaces": true})
    }

    async fn read<'a>(&'a self, args: HealthArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        let wanted = json!({"namespace": args.namespace, "all_namespaces": args.all_namespaces});
        let looked = diagnose::look(wanted, reader, run).await?;
        let diagnosis = looked.diagnosis();
        let parts = parts(&looked.snapshot, &diagnosis);
        let healthy = !diagnosis.findings.iter().any(|finding| finding.severity > Severity::Info);
        let data = json!({
            "subject": diagnosis.subject, "healthy": healthy, "parts": parts.iter().map(Part::data).collect::<Vec<_>>(),
            "findings": diagnosis.findings.iter().map(|finding| json!({
                "id": finding.id, "severity": finding.severity, "cause": finding.cause,
            })).collect::<Vec<_>>(),
            "unchecked": diagnosis.unchecked,
        });
        let mut output = Output::build(&run.redactor, &data);
        let subject = if args.all_namespaces == Some(true) { "the cluster" } else { &diagnosis.subject };
        output = output.text(match (healthy, diagnosis.unchecked.is_empty()) {
            (true, true) => format!("{subject} is healthy"),
            (true, false) => format!("{subject} is healthy as far as it could be checked"),
            (false, _) => format!("{subject} is not healthy"),
        });
        output = output.table(&["PART", "WELL", "STATE"], parts.iter().map(Part::row));
        if !diagnosis.findings.is_empty() {
            output = output.outline(named(&diagnosis));
            output = output.text("more with: todo-agent diagnose");
        }
        let gaps = diagnosis.gaps();
        if !gaps.is_empty() {
            output = output.outline(gaps);
        }
        Ok(output.build())
    }
}

fn named(diagnosis: &Diagnosis) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = diagnosis
        .findings
        .iter()
        .take(NAMED)
        .map(|finding| (format!("{:<10}", word(finding.severity)), diagnosis.cause(finding)))
        .collect();
    if diagnosis.findings.len() > NAMED {
        lines.push((" ".repeat(10), format!("and {} more", diagnosis.findings.len() - NAMED)));
    }
    lines
}

/// One line of the table.
struct Part {
    name: &'static str,
    all: usize,
    well: usize,
    /// The findings about it.
    findings: usize,
    /// Whether its objects could be read.
    known: bool,
}

impl Part {
    fn row(&self) -> Vec<String> {
        let well = if self.known { format!("{}/{}", self.well, self.all) } else { "?".to_owned() };
        vec![self.name.to_owned(), well, self.state()]
    }

    fn state(&self) -> String {
        match (self.known, self.findings) {
            (false, _) => "not checked".to_owned(),
            (true, 0) if self.all == 0 => "none".to_owned(),
            (true, 0) if self.well < self.all => "on its way".to_owned(),
            (true, 0) => "healthy".to_owned(),
            (true, 1) => "1 finding".to_owned(),
            (true, several) => format!("{several} findings"),
        }
    }

    fn data(&self) -> Value {
        json!({
            "part": self.name, "all": self.all, "well": self.well, "findings": self.findings, "checked": self.known,
        })
    }
}

fn parts(snapshot: &Snapshot, diagnosis: &Diagnosis) -> Vec<Part> {
    let objects = snapshot.objects();
    let about = |finding: &&Finding, kinds: &[Kind]| {
        let suffering = finding.consequences.iter().map(|consequence| consequence.object.kind);
        finding.objects.iter().map(|object| object.kind).chain(suffering).any(|kind| kinds.contains(&kind))
    };
    let part = |name: &'static str, kinds: &[Kind], (well, all): (usize, usize)| Part {
        name,
        all,
        well,
        findings: diagnosis.findings.iter().filter(|finding| about(finding, kinds)).count(),
        known: !snapshot.unread().iter().any(|unread| kinds.contains(&unread.kind)),
    };
    let nodes = share(&objects.nodes, |node| holds(&node.status.conditions, "Ready"));
    let mut workloads = share(&objects.deployments, is_available);
    for more in [&objects.stateful_sets, &objects.daemon_sets] {
        let (well, all) = share(more, is_available);
        workloads = (workloads.0 + well, workloads.1 + all);
    }
    let finished = |pod: &shape::Pod| pod.status.phase == "Succeeded";
    let pods: Vec<&shape::Pod> = objects.pods.iter().filter(|pod| !finished(pod)).collect();
    let quiet =
        |kind: Kind, meta: &shape::Meta| !diagnosis.findings.iter().any(|finding| concerns(finding, kind, meta));
    vec![
        part("nodes", &[Kind::Node], nodes),
        part("workloads", &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet], workloads),
        part("pods", &[Kind::Pod], share(&pods, |pod| holds(&pod.status.conditions, "Ready"))),
        part("jobs", &[Kind::Job, Kind::CronJob], share(&objects.jobs, |job| !holds(&job.status.conditions, "Failed"))),
        part("volume claims", &[Kind::PersistentVolumeClaim], share(&objects.claims, |it| it.status.phase == "Bound")),
        part("services", &[Kind::Service], share(&objects.services, |it| quiet(Kind::Service, &it.metadata))),
        part("ingresses", &[Kind::Ingress], share(&objects.ingresses, |it| quiet(Kind::Ingress, &it.metadata))),
        part(
            "autoscalers",
            &[Kind::HorizontalPodAutoscaler],
            share(&objects.autoscalers, |it| quiet(Kind::HorizontalPodAutoscaler, &it.metadata)),
        ),
        part(
            "API services",
            &[Kind::APIService],
            share(&objects.api_services, |it| holds(&it.status.conditions, "Available")),
        ),
    ]
}

/// Returns how many of some objects are well, and how many there are.
fn share<T>(objects: &[T], is_well: impl Fn(&T) -> bool) -> (usize, usize) {
    (objects.iter().filter(|object| is_well(object)).count(), objects.len())
}

fn holds(conditions: &[shape::Condition], kind: &str) -> bool {
    shape::condition(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// Returns whether as many pods serve as are wanted: a Deployment says how many are available, a StatefulSet how many
/// are ready, a DaemonSet has its count in the status.
fn is_available(workload: &shape::Workload) -> bool {
    let status = &workload.status;
    let wanted = workload.spec.replicas.unwrap_or(1);
    match status.desired_number_scheduled {
        0 if status.number_ready > 0 || workload.spec.replicas.is_none() => true,
        0 => status.available_replicas.max(status.ready_replicas) >= wanted,
        nodes => status.number_ready >= nodes,
    }
}

fn concerns(finding: &Finding, kind: Kind, meta: &shape::Meta) -> bool {
    let suffering = finding.consequences.iter().map(|consequence| &consequence.object);
    finding
        .objects
        .iter()
        .chain(suffering)
        .any(|object| object.kind == kind && object.name == meta.name && object.namespace == meta.namespace)
}

#[cfg(test)]
mod tests;
