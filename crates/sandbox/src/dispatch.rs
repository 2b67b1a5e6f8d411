//! Who is woken by which change, and what each wake-up runs: the informers and work queues of the real
//! components, reduced to one function each way. Delays are those of a small idle cluster.

use std::sync::Arc;

use serde_json::Value;
use todo_agent_kube_rules::selectors::LabelSelector;

use crate::conditions;
use crate::controllers::{
    autoscaler, claims, cronjob, daemonset, definitions, deployment, disruption, endpoints, job, namespace,
    provisioning, quota, replicaset, statefulset, volumes,
};
use crate::object;
use crate::scheduler::Sums;
use crate::simulation::State;
use crate::store::{Key, WatchEvent, WatchEventKind};
use crate::timers::Wake;
use crate::{gc, kubelet, nodes, scheduler, setup};

/// Turns the changes since the last call into wake-ups.
pub(crate) fn dispatch(state: &mut State) {
    let known: Result<Vec<WatchEvent>, _> =
        state.store.events_since(state.seen).map(|changes| changes.cloned().collect());
    let changes = known.unwrap_or_else(|_| {
        state.queue.sums = Sums::default();
        everything(state)
    });
    state.seen = state.store.resource_version();
    for change in &changes {
        if change.key.is_pod() {
            state.queue.sums.pod_changed(change);
        }
        route(state, change);
    }
}

/// Every object as if it had just appeared, for when the ring of changes has forgotten some.
fn everything(state: &State) -> Vec<WatchEvent> {
    let revision = state.store.resource_version();
    state
        .store
        .all()
        .map(|(key, object)| WatchEvent {
            revision,
            kind: WatchEventKind::Added,
            key,
            object: Arc::clone(object),
            previous: None,
        })
        .collect()
}

/// Runs one component.
pub(crate) fn run(state: &mut State, wake: Wake) {
    match wake {
        Wake::Deployment(key) => deployment::reconcile(state, &key),
        Wake::ReplicaSet(key) => replicaset::reconcile(state, &key),
        Wake::StatefulSet(key) => statefulset::reconcile(state, &key),
        Wake::DaemonSet(key) => daemonset::reconcile(state, &key),
        Wake::Job(key) => job::reconcile(state, &key),
        Wake::CronJob(key) => cronjob::reconcile(state, &key),
        Wake::Autoscaler(key) => autoscaler::reconcile(state, &key),
        Wake::Definition(key) => definitions::reconcile(state, &key),
        Wake::Claim(key) => claims::reconcile(state, &key),
        Wake::Volume(key) => volumes::reconcile(state, &key),
        Wake::Provision(key) => provisioning::provision(state, &key),
        Wake::Expand(key) => provisioning::expand(state, &key),
        Wake::Budget(key) => disruption::reconcile(state, &key),
        Wake::Quota(key) => quota::reconcile(state, &key),
        Wake::Endpoints(key) => endpoints::reconcile(state, &key),
        Wake::Namespace(key) => namespace::reconcile(state, &key),
        Wake::Schedule(key) => scheduler::schedule(state, &key),
        Wake::Pod(key) => kubelet::sync(state, &key),
        Wake::Node(key) => nodes::sync(state, &key),
        Wake::Taints(key) => nodes::keep_taints(state, &key),
        Wake::Collect => gc::collect(&mut state.store, state.now),
        Wake::EventExpiry(key) => state.recorder.expire(&mut state.store, &key),
        Wake::WorldChange(index) => setup::change(state, index),
    }
}

fn route(state: &mut State, change: &WatchEvent) {
    let key = &change.key;
    let soon = state.random.millis(5, 25);
    match (key.group.as_str(), key.plural.as_str()) {
        ("", "events") | ("coordination.k8s.io", _) => return,
        ("", "pods") => pod_changed(state, change),
        ("", "services") => state.wake_after(Wake::Endpoints(key.clone()), soon),
        ("", "namespaces") => state.wake_after(Wake::Namespace(key.clone()), soon),
        ("", "nodes") => {
            if change.kind == WatchEventKind::Added {
                state.wake_after(Wake::Node(key.clone()), soon);
            }
            state.wake_after(Wake::Taints(key.clone()), soon);
            wake_all(state, ("apps", "daemonsets"), None, Wake::DaemonSet);
            scheduler::retry_all(state);
        }
        ("", "persistentvolumeclaims") => claim_changed(state, change),
        ("", "persistentvolumes") => {
            state.wake_after(Wake::Volume(key.clone()), soon);
            wake_claims(state, None);
        }
        ("storage.k8s.io", "storageclasses") => wake_claims(state, None),
        ("apps", "daemonsets") => state.wake_after(Wake::DaemonSet(key.clone()), soon),
        ("batch", "jobs") => {
            state.wake_after(Wake::Job(key.clone()), soon);
            wake_owner(state, &change.object);
        }
        ("batch", "cronjobs") => state.wake_after(Wake::CronJob(key.clone()), soon),
        ("autoscaling", "horizontalpodautoscalers") if !is_own_status(change) => {
            state.wake_after(Wake::Autoscaler(key.clone()), soon);
        }
        ("apiextensions.k8s.io", _) if change.kind == WatchEventKind::Deleted => {
            definitions::clean_up(state, &change.object);
        }
        ("apiextensions.k8s.io", _) => state.wake_after(Wake::Definition(key.clone()), soon),
        ("policy", "poddisruptionbudgets") if !is_own_status(change) => {
            state.wake_after(Wake::Budget(key.clone()), soon);
        }
        ("", "resourcequotas") if change.kind != WatchEventKind::Deleted && !is_own_status(change) => {
            state.wake_after(Wake::Quota(key.clone()), soon);
        }
        ("apps", "deployments") => state.wake_after(Wake::Deployment(key.clone()), soon),
        ("apps", "statefulsets") => state.wake_after(Wake::StatefulSet(key.clone()), soon),
        ("apps", "replicasets") => {
            state.wake_after(Wake::ReplicaSet(key.clone()), soon);
            wake_owner(state, &change.object);
        }
        _ => {}
    }
    if is_counted(change) {
        wake_all(state, ("", "resourcequotas"), Some(&key.namespace), Wake::Quota);
    }
    // Owners that are gone, or that wait for their dependents, are the garbage collector's business.
    // So are those that never were.
    let is_new_dependent = change.kind == WatchEventKind::Added && !object::owner_references(&change.object).is_empty();
    if change.kind == WatchEventKind::Deleted || object::is_terminating(&change.object) || is_new_dependent {
        let later = state.random.millis(20, 80);
        state.wake_after(Wake::Collect, later);
    }
}

/// Returns whether only the status of an object changed, which its controller wrote.
fn is_own_status(change: &WatchEvent) -> bool {
    change.previous.as_ref().is_some_and(|previous| {
        previous["spec"] == change.object["spec"]
            && previous["metadata"]["deletionTimestamp"] == change.object["metadata"]["deletionTimestamp"]
            && previous["status"] != change.object["status"]
    })
}

/// Returns whether a change may change what quotas count.
fn is_counted(change: &WatchEvent) -> bool {
    let may_grow = ["pods", "services", "persistentvolumeclaims"].contains(&change.key.plural.as_str());
    !change.key.namespace.is_empty() && (change.kind != WatchEventKind::Modified || may_grow)
}

/// Wakes the controller of every object of a resource.
fn wake_all(state: &mut State, (group, plural): (&str, &str), namespace: Option<&str>, wake: fn(Key) -> Wake) {
    for object in state.store.list(group, plural, namespace) {
        let soon = state.random.millis(10, 40);
        state.wake_after(wake(Key::of_object(&object)), soon);
    }
}

/// Wakes the binder for the claims that still wait.
fn wake_claims(state: &mut State, namespace: Option<&str>) {
    for claim in state.store.list("", "persistentvolumeclaims", namespace) {
        if !claims::is_bound(&claim) || claim["status"]["phase"] != "Bound" {
            let soon = state.random.millis(10, 40);
            state.wake_after(Wake::Claim(Key::of_object(&claim)), soon);
        }
    }
}

/// Wakes what a claim matters to: the binder, its volume, and the pods that wait for it.
fn claim_changed(state: &mut State, change: &WatchEvent) {
    let claim = &change.object;
    let soon = state.random.millis(5, 25);
    if change.kind != WatchEventKind::Deleted {
        state.wake_after(Wake::Claim(change.key.clone()), soon);
    }
    if let Some(volume) = claims::volume_of(&state.store, claim) {
        state.wake_after(Wake::Volume(Key::of_object(&volume)), soon);
    }
    for pod in state.store.list("", "pods", Some(&change.key.namespace)) {
        let waits = pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
        if waits && claims::names(&pod).any(|name| name == change.key.name) {
            state.wake_after(Wake::Schedule(Key::of_object(&pod)), soon);
        }
    }
}

/// Wakes what a pod matters to besides its owner: budgets and the claims that it mounts.
fn wake_bystanders(state: &mut State, pod: &Value) {
    let soon = state.random.millis(10, 40);
    for budget in state.store.list("policy", "poddisruptionbudgets", Some(object::namespace(pod))) {
        if disruption::covers(&budget, pod) {
            state.wake_after(Wake::Budget(Key::of_object(&budget)), soon);
        }
    }
    for name in claims::names(pod) {
        let key = Key {
            group: String::new(),
            plural: "persistentvolumeclaims".into(),
            namespace: object::namespace(pod).into(),
            name: name.into(),
        };
        state.wake_after(Wake::Claim(key), soon);
    }
}

fn pod_changed(state: &mut State, change: &WatchEvent) {
    let pod = &change.object;
    if !is_nothing_to_a_replica_set(change) {
        wake_owner(state, pod);
    }
    wake_services(state, pod);
    wake_bystanders(state, pod);
    if object::finalizers(pod).next().is_some() {
        wake_former_job(state, change);
    }
    let key = change.key.clone();
    let soon = state.random.millis(5, 25);
    if change.kind == WatchEventKind::Deleted {
        state.wake_after(Wake::Pod(key), soon);
        wake_grand_owner(state, pod);
        scheduler::retry_all(state);
        return;
    }
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        if change.kind == WatchEventKind::Added {
            state.wake_after(Wake::Schedule(key), soon);
        }
        return;
    }
    // The kubelet's own status writes do not concern it.
    let concerns_kubelet = change.previous.as_ref().is_none_or(|previous| {
        previous["spec"] != pod["spec"]
            || previous["metadata"]["deletionTimestamp"] != pod["metadata"]["deletionTimestamp"]
    });
    if concerns_kubelet {
        state.wake_after(Wake::Pod(key), soon);
    }
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        scheduler::retry_all(state);
    }
}

/// Returns whether a pod belongs to a ReplicaSet that counts it as before: it looks at labels, at whether the pod is
/// there, and at whether it is ready. Most changes of a starting pod are none of these.
fn is_nothing_to_a_replica_set(change: &WatchEvent) -> bool {
    let Some(previous) = change.previous.as_ref().filter(|_| change.kind == WatchEventKind::Modified) else {
        return false;
    };
    let pod = &change.object;
    let same = |field: &str| previous["metadata"][field] == pod["metadata"][field];
    controller_of(pod).is_some_and(|owner| owner["kind"] == "ReplicaSet")
        && ["labels", "ownerReferences", "deletionTimestamp"].into_iter().all(same)
        && previous["status"]["phase"] == pod["status"]["phase"]
        && conditions::find(&previous["status"], "Ready") == conditions::find(&pod["status"], "Ready")
}

/// Wakes the controller that an object belongs to.
fn wake_owner(state: &mut State, object: &Value) {
    let Some(owner) = controller_of(object) else { return };
    let in_group = |group: &str, plural: &str| Key {
        group: group.into(),
        plural: plural.into(),
        namespace: object::namespace(object).to_owned(),
        name: owner["name"].as_str().unwrap_or_default().to_owned(),
    };
    let key = |plural: &str| in_group("apps", plural);
    let wake = match owner["kind"].as_str() {
        Some("DaemonSet") => Wake::DaemonSet(key("daemonsets")),
        Some("Job") => Wake::Job(in_group("batch", "jobs")),
        Some("CronJob") => Wake::CronJob(in_group("batch", "cronjobs")),
        Some("ReplicaSet") => Wake::ReplicaSet(key("replicasets")),
        Some("Deployment") => Wake::Deployment(key("deployments")),
        Some("StatefulSet") => Wake::StatefulSet(key("statefulsets")),
        _ => return,
    };
    let soon = state.random.millis(5, 25);
    state.wake_after(wake, soon);
}

/// Wakes the Job that a pod no longer belongs to: it still has to let go of it.
fn wake_former_job(state: &mut State, change: &WatchEvent) {
    let Some(previous) = &change.previous else { return };
    if controller_of(&change.object).is_none() && controller_of(previous).is_some() {
        wake_owner(state, &Arc::clone(previous));
    }
}

/// Wakes the Deployment above a pod's ReplicaSet: `Recreate` waits for pods to be gone.
fn wake_grand_owner(state: &mut State, pod: &Value) {
    let Some(name) = controller_of(pod).and_then(|owner| owner["name"].as_str()) else { return };
    let key = Key {
        group: "apps".into(),
        plural: "replicasets".into(),
        namespace: object::namespace(pod).to_owned(),
        name: name.to_owned(),
    };
    if let Some(replica_set) = state.store.get(&key) {
        wake_owner(state, &replica_set);
    }
}

fn wake_services(state: &mut State, pod: &Value) {
    for service in state.store.list("", "services", Some(object::namespace(pod))) {
        if LabelSelector::from_map(&service["spec"]["selector"]).matches(&pod["metadata"]["labels"]) {
            let soon = state.random.millis(10, 40);
            state.wake_after(Wake::Endpoints(Key::of_object(&service)), soon);
        }
    }
}

/// Returns the owner reference of the controller that an object belongs to.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    object::owner_references(object).iter().find(|owner| owner["controller"] == true)
}
