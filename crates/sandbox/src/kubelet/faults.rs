//! Which declared faults concern a container at this moment. Conditions look at the pod as it is, so that
//! a fix ends the fault.

use std::time::Duration;

use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;
use todo_agent_kube_rules::selectors::LabelSelector;

use super::references;
use crate::object;
use crate::store::{Key, Store};
use crate::world::{Crash, Effect, Fault, ImagePull, ProbeKind, Target, Unready, When, World};

/// A process that ends within this time has not got as far as answering.
const EARLY: Duration = Duration::from_secs(30);

/// Everything that is wrong with one container.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    /// How and when the process ends, after its start.
    pub(crate) crash: Option<(Duration, Crash)>,
    /// When the kernel kills the process, after its start.
    pub(crate) oom: Option<Duration>,
    /// Why the image cannot be pulled.
    pub(crate) image_pull: Option<ImagePull>,
    /// Which probes fail from when after the start, and their output.
    pub(crate) failing: Vec<(ProbeKind, Duration, Option<String>)>,
    /// Whether the process waits for something that is not there.
    pub(crate) waits: bool,
    /// How long no probe succeeds after the start.
    pub(crate) slow_start: Duration,
    /// From when after the start on no probe succeeds any more.
    pub(crate) broken: Option<Duration>,
    /// Whether the process ends before it has come to its work.
    pub(crate) is_early: bool,
}

/// Returns the trouble of one container.
pub(crate) fn trouble(world: &World, store: &Store, pod: &Value, container: &Value, patched: bool) -> Trouble {
    let mut trouble = Trouble::default();
    for fault in &world.faults {
        if !fault.target.matches(pod, container) || !holds(&fault.when, store, pod, container, patched) {
            continue;
        }
        let from = fault.when.after_start.unwrap_or_default();
        match &fault.effect {
            Effect::Crash(crash) => {
                trouble.crash = Some((from + crash.after, crash.clone()));
                trouble.broken = (crash.after < EARLY).then_some(from);
                trouble.is_early |= crash.after < EARLY && from.is_zero();
            }
            Effect::Oom(oom) if exceeds_limit(oom.usage.as_deref(), container) => {
                trouble.oom = Some(from + oom.after);
                trouble.is_early |= oom.after < EARLY && from.is_zero();
            }
            Effect::ImagePull(pull) => trouble.image_pull = Some(pull.clone()),
            Effect::WaitFor(what) => trouble.waits |= !is_service(store, pod, &what.service),
            Effect::Unready(unready) if !asks_for(container, unready) => {}
            Effect::Unready(unready) => trouble.failing.push((unready.probe, from, unready.message.clone())),
            Effect::SlowStart(time) => trouble.slow_start = trouble.slow_start.max(*time),
            Effect::Oom(_) | Effect::NodeDown(_) | Effect::Evict(_) => {}
        }
    }
    trouble
}

fn is_service(store: &Store, pod: &Value, name: &str) -> bool {
    let namespace = object::namespace(pod).into();
    store.get(&Key { group: String::new(), plural: "services".into(), namespace, name: name.into() }).is_some()
}

/// Returns whether the probe of a fault asks for the path that the fault is about.
fn asks_for(container: &Value, unready: &Unready) -> bool {
    let probe = match unready.probe {
        ProbeKind::Readiness => "readinessProbe",
        ProbeKind::Liveness => "livenessProbe",
        ProbeKind::Startup => "startupProbe",
    };
    unready.path.as_ref().is_none_or(|path| container[probe]["httpGet"]["path"] == path.as_str())
}

/// Returns when after its start the pod is to be evicted, and the node condition that is the reason.
pub(crate) fn eviction(world: &World, store: &Store, pod: &Value, patched: bool) -> Option<(Duration, String)> {
    let containers = pod["spec"]["containers"].as_array()?;
    world.faults.iter().find_map(|fault: &Fault| {
        let Effect::Evict(eviction) = &fault.effect else { return None };
        let concerned = containers.iter().any(|container| {
            fault.target.matches(pod, container) && holds(&fault.when, store, pod, container, patched)
        });
        concerned.then(|| (fault.when.after_start.unwrap_or_default(), eviction.reason.clone()))
    })
}

/// Returns the hash that ties a pod to its workload's template, if it has one.
pub(crate) fn template_hash(pod: &Value) -> Option<&str> {
    let labels = &pod["metadata"]["labels"];
    labels["pod-template-hash"].as_str().or_else(|| labels["controller-revision-hash"].as_str())
}

impl Target {
    /// Returns whether a rule with this target is about a container of a pod.
    pub(crate) fn matches(&self, pod: &Value, container: &Value) -> bool {
        let selected = |text: &String| {
            LabelSelector::parse(text).is_ok_and(|selector| selector.matches(&pod["metadata"]["labels"]))
        };
        self.namespace.as_ref().is_none_or(|namespace| namespace == object::namespace(pod))
            && self.container.as_ref().is_none_or(|name| container["name"] == name.as_str())
            && self.selector.as_ref().is_none_or(selected)
    }

    /// Returns what is wrong with the target as written.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.selector.as_ref().map(|text| (text, LabelSelector::parse(text))) {
            Some((text, Err(error))) => Err(format!("`{text}` is not a label selector: {error}")),
            _ => Ok(()),
        }
    }
}

fn holds(when: &When, store: &Store, pod: &Value, container: &Value, patched: bool) -> bool {
    let image = container["image"].as_str().unwrap_or_default();
    let limit = || quantity(&container["resources"]["limits"]["memory"]);
    let below =
        |bound: &String| bound.parse::<Quantity>().is_ok_and(|bound| limit().is_some_and(|limit| limit < bound));
    when.image.as_ref().is_none_or(|pattern| matches_pattern(pattern, image))
        && when.memory_limit_below.as_ref().is_none_or(below)
        && (when.env.is_empty() && when.env_absent.is_empty() || {
            let actual = references::environment(store, pod, container);
            when.env.iter().all(|(name, value)| actual.get(name) == Some(value))
                && !when.env_absent.iter().any(|name| actual.contains_key(name))
        })
        && !(when.until_patched && patched)
}

fn exceeds_limit(usage: Option<&str>, container: &Value) -> bool {
    let Some(usage) = usage.and_then(|usage| usage.parse::<Quantity>().ok()) else { return true };
    quantity(&container["resources"]["limits"]["memory"]).is_some_and(|limit| usage > limit)
}

fn quantity(value: &Value) -> Option<Quantity> {
    value.as_str()?.parse().ok()
}

/// Returns whether a text matches a pattern where `*` stands for any text.
pub(crate) fn matches_pattern(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches_pattern(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("*:v2", "shop/api:v2", true),
            ("*:v2", "shop/api:v21", false),
            ("shop-*", "shop-api:v1", true),
            ("*api*", "shop/api:v2", true),
            ("redis:7", "redis:7", true),
            ("*", "", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn raising_the_limit_ends_an_oom_fault() {
        let text = "faults: [{match: {selector: app=api}, do: {oom: {after: 5s, usage: 300Mi}}}]";
        let world = World::from_yaml(text, "test").unwrap();
        let pod = json!({"metadata": {"namespace": "shop", "labels": {"app": "api"}}});
        let with_limit = |limit: &str| json!({"name": "api", "resources": {"limits": {"memory": limit}}});
        let oom = |limit| trouble(&world, &Store::default(), &pod, &with_limit(limit), false).oom;
        assert_eq!(oom("256Mi"), Some(Duration::from_secs(5)));
        assert_eq!(oom("512Mi"), None);
    }

    #[test]
    fn every_condition_must_hold() {
        let text = "faults: [{match: {container: api}, when: {image: '*:v2', memoryLimitBelow: 128Mi, env: {MODE: test}, untilPatched: true}, do: {crash: {}}}]";
        let world = World::from_yaml(text, "test").unwrap();
        let pod = json!({"metadata": {"namespace": "shop"}});
        let right = json!({"name": "api", "image": "api:v2", "env": [{"name": "MODE", "value": "test"}],
            "resources": {"limits": {"memory": "64Mi"}}});
        let crashes =
            |container: &Value, patched| trouble(&world, &Store::default(), &pod, container, patched).crash.is_some();
        assert!(crashes(&right, false));
        assert!(!crashes(&right, true), "the template was patched");
        for (pointer, value) in
            [("/image", "api:v3"), ("/env/0/value", "prod"), ("/resources/limits/memory", "128Mi"), ("/name", "web")]
        {
            let mut other = right.clone();
            *other.pointer_mut(pointer).unwrap() = json!(value);
            assert!(!crashes(&other, false), "{pointer}");
        }
    }
}
