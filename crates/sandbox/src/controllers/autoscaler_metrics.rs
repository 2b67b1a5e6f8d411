//! What the metrics of an autoscaler propose: usage against requests or against an amount.
//!
//! Pods that are not ready or not measured yet count as using nothing before growing and everything
//! before shrinking. Source: `replica_calculator.go` and `metrics/utilization.go` (v1.37).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use todo_agent_kube_rules::quantities::Quantity;
use todo_agent_kube_rules::selectors::LabelSelector;

use super::pods;
use crate::conditions;
use crate::durations::after;
use crate::object;
use crate::simulation::State;
use crate::usage;

/// A change smaller than this part is none (`--horizontal-pod-autoscaler-tolerance`).
const TOLERANCE: f64 = 0.1;
/// How long after a pod's start its first use of CPU is left out.
const INITIALIZATION: Duration = Duration::from_mins(5);
/// How soon after its start a pod must have become ready for its unreadiness to be its start.
const INITIAL_READINESS: Duration = Duration::from_secs(30);

/// A proposal.
pub(super) struct Proposal {
    pub(super) replicas: i64,
    /// The metric that proposes it, as events name it.
    pub(super) metric: String,
    pub(super) statuses: Vec<Value>,
}

/// Why there is no proposal.
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) invalid: usize,
    pub(super) statuses: Vec<Value>,
}

/// The proposal of one metric.
struct Single {
    replicas: i64,
    metric: String,
    status: Value,
}

/// Returns the largest proposal of an autoscaler's metrics.
pub(super) fn propose(state: &State, autoscaler: &Value, target: &Value, current: i64) -> Result<Proposal, Failure> {
    let specs = autoscaler["spec"]["metrics"].as_array().map_or(&[][..], Vec::as_slice);
    let mut statuses = Vec::new();
    let mut best: Option<(i64, String)> = None;
    let mut first_failure = None;
    let mut invalid = 0;
    for spec in specs {
        match single(state, target, spec, current) {
            Ok(found) => {
                statuses.push(found.status);
                if best.as_ref().is_none_or(|(replicas, _)| found.replicas > *replicas) {
                    best = Some((found.replicas, found.metric));
                }
            }
            Err(failure) => {
                // What could not be measured is an empty status.
                statuses.push(json!({"type": ""}));
                invalid += 1;
                first_failure.get_or_insert(failure);
            }
        }
    }
    match (best, first_failure) {
        // Metrics that are missing might ask for more.
        (Some((replicas, _)), Some((reason, message))) if replicas < current => {
            Err(Failure { reason, message, invalid, statuses })
        }
        (Some((replicas, metric)), _) => Ok(Proposal { replicas, metric, statuses }),
        (None, failure) => {
            let (reason, message) = failure.unwrap_or(("InvalidMetricSourceType", "no metrics".to_owned()));
            Err(Failure { reason, message, invalid, statuses })
        }
    }
}

fn single(state: &State, target: &Value, spec: &Value, current: i64) -> Result<Single, (&'static str, String)> {
    let (field, reason) = match spec["type"].as_str().unwrap_or_default() {
        "Resource" => ("resource", "FailedGetResourceMetric"),
        "ContainerResource" => ("containerResource", "FailedGetContainerResourceMetric"),
        "Pods" => return Err(without_api("FailedGetPodsMetric", &spec["pods"]["metric"])),
        "Object" => return Err(without_api("FailedGetObjectMetric", &spec["object"]["metric"])),
        other => {
            let name = spec["external"]["metric"]["name"].as_str().unwrap_or(other);
            let why = format!(
                "failed to get {name} external metric: unable to get external metric: no external metrics API \
                 (external.metrics.k8s.io) registered"
            );
            return Err(("FailedGetExternalMetric", why));
        }
    };
    let source = &spec[field];
    let name = source["name"].as_str().unwrap_or_default();
    let container = source["container"].as_str();
    let wanted = &source["target"];
    let sort = if wanted["averageValue"].is_string() { "usage" } else { "utilization" };
    let failed = |why: String| (reason, format!("failed to get {name} {sort}: {why}"));
    let measured = Measured::of(state, target, name, container).map_err(failed)?;
    let ratio_of: Box<dyn Fn(&Uses) -> f64>;
    let (metric, value);
    if let Some(amount) = wanted["averageValue"].as_str().and_then(|text| text.parse::<Quantity>().ok()) {
        let average = mean(measured.ready.values());
        value = json!({"averageValue": quantity(name, average)});
        ratio_of = Box::new(move |uses| ratio(mean(uses.values()), amount.milli()));
        metric = format!("{name} resource");
    } else {
        let requests = measured.requests(name, container).map_err(failed)?;
        let percent = wanted["averageUtilization"].as_i64().unwrap_or(1);
        let utilization = utilization(&measured.ready, &requests);
        value = json!({
            "averageUtilization": utilization, "averageValue": quantity(name, mean(measured.ready.values())),
        });
        ratio_of = Box::new(move |uses| ratio(self::utilization(uses, &requests), percent));
        let of = if field == "resource" { "resource" } else { "container resource" };
        metric = format!("{name} {of} utilization (percentage of request)");
    }
    let replicas = measured.replicas(current, &*ratio_of, name, container);
    let mut inner = json!({"name": name, "current": value});
    if let Some(container) = container {
        inner["container"] = json!(container);
    }
    Ok(Single { replicas, metric, status: json!({"type": spec["type"], field: inner}) })
}

fn without_api(reason: &'static str, metric: &Value) -> (&'static str, String) {
    let name = metric["name"].as_str().unwrap_or_default();
    let api = "no custom metrics API (custom.metrics.k8s.io) registered";
    (
        reason,
        format!(
            "failed to get pods metric: unable to get metric {name}: unable to fetch metrics from custom metrics API: {api}"
        ),
    )
}

fn quantity(resource: &str, milli: i64) -> String {
    if resource == "memory" { Quantity::from_units(milli / 1000) } else { Quantity::from_milli(milli) }.to_string()
}

fn mean<'a>(values: impl ExactSizeIterator<Item = &'a i64>) -> i64 {
    let count = i64::try_from(values.len().max(1)).unwrap_or(1);
    values.sum::<i64>() / count
}

#[expect(clippy::cast_precision_loss, reason = "amounts that are used are far below 2^52")]
fn ratio(found: i64, wanted: i64) -> f64 {
    found as f64 / wanted.max(1) as f64
}

fn utilization(uses: &Uses, requests: &Uses) -> i64 {
    let asked: i64 = uses.keys().filter_map(|name| requests.get(name)).sum();
    uses.values().sum::<i64>() * 100 / asked.max(1)
}

/// What pods use, or ask for, in thousandths, by their names.
type Uses = BTreeMap<String, i64>;

/// The pods of a target with what they use, in thousandths.
struct Measured {
    pods: Vec<Arc<Value>>,
    ready: Uses,
    unready: Vec<String>,
    missing: Vec<String>,
}

impl Measured {
    fn of(state: &State, target: &Value, resource: &str, container: Option<&str>) -> Result<Self, String> {
        let selector = LabelSelector::from_object(&target["spec"]["selector"]).map_err(|error| error.to_string())?;
        let mut found = state.store.list("", "pods", Some(object::namespace(target)));
        found.retain(|pod| selector.matches(&pod["metadata"]["labels"]));
        let mut this = Self { pods: Vec::new(), ready: BTreeMap::new(), unready: Vec::new(), missing: Vec::new() };
        let mut any = false;
        for pod in found {
            let name = object::name(&pod).to_owned();
            let used = usage::of_pod(&state.world, &state.store, &pod, state.now);
            any |= !used.is_empty();
            if object::is_terminating(&pod) || pod["status"]["phase"] == "Failed" {
                continue;
            }
            if pod["status"]["phase"] == "Pending" {
                this.unready.push(name);
            } else if used.is_empty() {
                this.missing.push(name);
            } else if resource == "cpu" && is_starting(state, &pod) {
                this.unready.push(name);
            } else {
                let of_interest = used.iter().filter(|(name, _)| container.is_none_or(|wanted| wanted == *name));
                let amounts = of_interest.map(|(_, usage)| match resource {
                    "cpu" => usage.cpu,
                    _ => usage.memory.saturating_mul(1000),
                });
                this.ready.insert(name, amounts.sum());
            }
            this.pods.push(pod);
        }
        if !any {
            return Err(format!(
                "unable to get metrics for resource {resource}: no metrics returned from resource metrics API"
            ));
        }
        if this.ready.is_empty() {
            return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
        }
        Ok(this)
    }

    /// Returns what each pod asks for, in thousandths.
    fn requests(&self, resource: &str, container: Option<&str>) -> Result<Uses, String> {
        let mut requests = Uses::new();
        for pod in &self.pods {
            let mut sum = 0;
            let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
            for spec in containers.filter(|spec| container.is_none_or(|wanted| spec["name"] == wanted)) {
                let asked = spec["resources"]["requests"][resource].as_str();
                let asked = asked.and_then(|text| text.parse::<Quantity>().ok()).ok_or_else(|| {
                    let name = spec["name"].as_str().unwrap_or_default();
                    format!("missing request for {resource} in container {name} of Pod {}", object::name(pod))
                })?;
                sum += asked.milli();
            }
            requests.insert(object::name(pod).to_owned(), sum);
        }
        Ok(requests)
    }

    /// Returns how many pods the usage asks for.
    fn replicas(&self, current: i64, ratio_of: &dyn Fn(&Uses) -> f64, resource: &str, container: Option<&str>) -> i64 {
        let ratio = ratio_of(&self.ready);
        let within = |ratio: f64| (1.0 - ratio).abs() <= TOLERANCE;
        let grows = ratio > 1.0;
        let with_unready = !self.unready.is_empty() && grows;
        if !with_unready && self.missing.is_empty() {
            return if within(ratio) { current } else { ceiling(ratio, self.ready.len()) };
        }
        let mut uses = self.ready.clone();
        let requests = self.requests(resource, container).unwrap_or_default();
        for name in &self.missing {
            let full = requests.get(name).copied().unwrap_or_default();
            uses.insert(name.clone(), if grows { 0 } else { full });
        }
        if with_unready {
            uses.extend(self.unready.iter().map(|name| (name.clone(), 0)));
        }
        let again = ratio_of(&uses);
        let turned = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
        let proposed = ceiling(again, uses.len());
        let against = (again < 1.0 && proposed > current) || (again > 1.0 && proposed < current);
        if within(again) || turned || against { current } else { proposed }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "counts of pods")]
fn ceiling(ratio: f64, count: usize) -> i64 {
    (ratio * count as f64).ceil() as i64
}

/// Returns whether what a pod uses is still its start.
fn is_starting(state: &State, pod: &Value) -> bool {
    let Some(started) = conditions::time_at(&pod["status"], "startTime") else { return true };
    let Some(ready) = conditions::find(&pod["status"], "Ready") else { return true };
    let Some(since) = conditions::time_at(ready, "lastTransitionTime") else { return true };
    if after(started, INITIALIZATION) > state.now {
        return !pods::is_ready(pod) || after(since, usage::RESOLUTION) > state.now;
    }
    !pods::is_ready(pod) && after(started, INITIAL_READINESS) > since
}
