//! A namespace of the scenario's own on a cluster, with everything a scenario does there: manifests, looks,
//! changes behind the program's back, users with few permissions, and runs of the program.
//!
//! When a place is left, what the cluster was asked is held against the journals, and the namespace is removed.

use std::{
    cell::RefCell,
    path::Path,
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use todo_agent_kube_rules::kinds;

use crate::{
    audit::AuditLog,
    site::{Real, Site},
    support::{
        Output, Served, TestEnvironment, evidence,
        http::Access,
        proxy::{Proxy, Reaction},
        spawn, world_file,
    },
};

/// How long a state may take that must come; a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many simulated seconds pass in one.
const SPEED: f64 = 10.0;
/// What the names of all namespaces of these tests begin with.
const PREFIX: &str = "todo-agent-test";

/// A namespace on a cluster, and a person who uses the program there.
pub(crate) struct Place {
    pub(crate) environment: TestEnvironment,
    pub(crate) access: Access,
    pub(crate) namespace: String,
    pub(crate) site: Site,
    served: Option<Served>,
    audit: Option<AuditLog>,
    /// The context to name, while the person's own kubeconfig is in use.
    context: RefCell<Option<String>>,
}

impl Place {
    /// Makes a place on a cluster.
    pub(crate) fn new(site: &Site) -> Self {
        let place = Self::on(site, &world_file("scenarios"), None);
        place.make_namespace();
        place
    }

    /// Makes a place that holds what a shipped world holds: the sandbox's own namespace of it, or its objects made on a
    /// real cluster, whatever becomes of them.
    pub(crate) fn of_world(site: &Site, world: &str) -> Self {
        if let Site::Sandbox = site {
            let place = Self::on(site, world, Some("todo"));
            place.use_own_kubeconfig();
            return place;
        }
        let place = Self::new(site);
        let (quotas, others): (Vec<Value>, Vec<Value>) =
            world_objects(world).into_iter().partition(|object| object["kind"] == "ResourceQuota");
        for object in quotas.iter().chain(&others) {
            let kind = kinds::find(object["kind"].as_str().unwrap()).unwrap();
            place.create(&kind.path(Some(&place.namespace)), object);
            // It is not kept before its controller has counted.
            if kind.kind == "ResourceQuota" {
                let name = object["metadata"]["name"].as_str().unwrap();
                await_that("the quota", || place.get("resourcequota", name)["status"]["used"].is_object());
            }
        }
        place
    }

    fn on(site: &Site, world: &str, namespace: Option<&str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let environment = TestEnvironment::new();
        let (served, access, audit) = match site {
            Site::Sandbox => {
                let served = Served::at_speed(&environment, world, SPEED);
                let access = served.access.clone();
                (Some(served), access, None)
            }
            Site::Real(real) => (None, real.access(), real.audit_log().map(AuditLog::from_now_on)),
        };
        let own = || format!("{PREFIX}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let namespace = namespace.map_or_else(own, str::to_owned);
        let context = RefCell::default();
        Self { environment, access, namespace, site: site.clone(), served, audit, context }
    }

    fn make_namespace(&self) {
        // Who starts the tests can remove what an interrupted run left: it knows the label.
        let run = std::env::var("TODO_AGENT_TEST_RUN").unwrap_or_default();
        let labels = json!({"todo-agent.test/run": run});
        self.create("/api/v1/namespaces", &json!({"metadata": {"name": self.namespace, "labels": labels}}));
        // What every namespace gets from controllers; no pod starts before it is there.
        for given in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
            let path = format!("/api/v1/namespaces/{}/{given}", self.namespace);
            await_that(given, || self.access.request("GET", &path, None).0 == 200);
        }
        self.use_own_kubeconfig();
    }

    /// Makes a place and applies manifests there.
    pub(crate) fn with(site: &Site, manifests: &str) -> Self {
        let place = Self::new(site);
        place.apply(manifests);
        place
    }

    /// Returns the real cluster that the place is on.
    pub(crate) fn real(&self) -> &Real {
        match &self.site {
            Site::Real(real) => real,
            Site::Sandbox => panic!("a scenario that only exists on a real cluster"),
        }
    }

    /// Makes so many nodes on which pods only pretend to run; the sandbox's world has two from the start.
    pub(crate) fn set_fake_nodes(&self, count: usize) {
        if let Site::Real(real) = &self.site {
            real.set_fake_nodes(count);
        }
    }

    /// Creates the objects of a file of `manifests/` and waits until its workloads are available.
    #[track_caller]
    pub(crate) fn apply(&self, manifests: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/manifests");
        let text = std::fs::read_to_string(folder.join(format!("{manifests}.yaml"))).unwrap();
        self.create_all(&serde_saphyr::from_multiple::<Value>(&text).unwrap());
    }

    /// Creates objects and waits until the workloads among them are available.
    #[track_caller]
    pub(crate) fn create_all(&self, objects: &[Value]) {
        for object in objects {
            let kind = kinds::find(object["kind"].as_str().unwrap()).unwrap();
            self.create(&kind.path(Some(&self.namespace)), object);
        }
        for object in objects {
            let wanted = object["spec"]["replicas"].as_u64();
            if let Some(wanted) = wanted.filter(|_| object["kind"] != "HorizontalPodAutoscaler") {
                let kind = object["kind"].as_str().unwrap().to_lowercase();
                self.await_available(&kind, object["metadata"]["name"].as_str().unwrap(), wanted);
            }
        }
    }

    /// Creates an object at a collection's path.
    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        let (code, answer) = self.access.request("POST", path, Some(("application/json", object)));
        assert!(code == 201, "{path}: {answer}");
        answer
    }

    /// Returns the path of an object here: `("deployment", "backend")`.
    pub(crate) fn path(&self, kind: &str, name: &str) -> String {
        format!("{}/{name}", kinds::find(kind).unwrap().path(Some(&self.namespace)))
    }

    /// Returns an object.
    #[track_caller]
    pub(crate) fn get(&self, kind: &str, name: &str) -> Value {
        let (code, object) = self.access.request("GET", &self.path(kind, name), None);
        assert_eq!(code, 200, "{object}");
        object
    }

    /// Returns all objects of a kind here.
    #[track_caller]
    pub(crate) fn list(&self, kind: &str) -> Vec<Value> {
        let path = kinds::find(kind).unwrap().path(Some(&self.namespace));
        let (code, mut list) = self.access.request("GET", &path, None);
        assert_eq!(code, 200, "{list}");
        serde_json::from_value(list["items"].take()).unwrap()
    }

    /// Changes an object behind the program's back, with a merge patch.
    #[track_caller]
    pub(crate) fn patch(&self, kind: &str, name: &str, change: &Value) {
        self.patch_as("application/merge-patch+json", &self.path(kind, name), change);
    }

    /// Changes the only container of a Deployment's template behind the program's back.
    #[track_caller]
    pub(crate) fn patch_container(&self, deployment: &str, change: &Value) {
        let mut container = json!({"name": deployment});
        container.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let change = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
        self.patch_as("application/strategic-merge-patch+json", &self.path("deployment", deployment), &change);
    }

    #[track_caller]
    fn patch_as(&self, content_type: &str, path: &str, change: &Value) {
        let (code, answer) = self.access.request("PATCH", path, Some((content_type, change)));
        assert_eq!(code, 200, "{answer}");
    }

    /// Deletes an object behind the program's back.
    #[track_caller]
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        let background = json!({"propagationPolicy": "Background"});
        let content = Some(("application/json", &background));
        let (code, answer) = self.access.request("DELETE", &self.path(kind, name), content);
        assert!(matches!(code, 200 | 202), "{answer}");
    }

    /// Returns how many replicas a workload is to have.
    #[track_caller]
    pub(crate) fn replicas(&self, kind: &str, name: &str) -> u64 {
        self.get(kind, name)["spec"]["replicas"].as_u64().unwrap()
    }

    /// Waits until a workload's controller has seen its newest state and so many replicas are available, all of
    /// the newest revision.
    #[track_caller]
    pub(crate) fn await_available(&self, kind: &str, name: &str, wanted: u64) {
        let count = |object: &Value, field: &str| object["status"][field].as_u64().unwrap_or(0);
        await_that(&format!("{wanted} available replicas of {name}"), || {
            let object = self.get(kind, name);
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && count(&object, "availableReplicas") == wanted
                && count(&object, "updatedReplicas") == wanted
                && count(&object, "replicas") == wanted
        });
    }

    /// Waits until nothing happens to a Deployment any more: its pods are as many as it wants, and its version
    /// has been the same for a while.
    #[track_caller]
    pub(crate) fn await_rest(&self, deployment: &str) {
        let version = || self.get("deployment", deployment)["metadata"]["resourceVersion"].clone();
        await_that("rest", || {
            let before = version();
            thread::sleep(Duration::from_millis(300));
            self.list("pod").len() as u64 == self.replicas("deployment", deployment) && version() == before
        });
    }

    /// Goes straight to the cluster, as its administrator, in the runs that follow.
    pub(crate) fn use_own_kubeconfig(&self) {
        match &self.site {
            Site::Sandbox => self.use_kubeconfig(&self.environment.path("served.yaml"), None),
            Site::Real(real) => self.use_kubeconfig(&real.kubeconfig, real.context.as_deref()),
        }
    }

    fn use_kubeconfig(&self, kubeconfig: &Path, context: Option<&str>) {
        self.environment.set("KUBECONFIG", &kubeconfig.display().to_string());
        *self.context.borrow_mut() = context.map(str::to_owned);
    }

    /// Runs the program here.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.end(self.start(arguments))
    }

    /// Runs the program in another namespace of the cluster.
    pub(crate) fn run_in(&self, namespace: &str, arguments: &[&str]) -> Output {
        self.end(self.start_in(namespace, arguments))
    }

    /// Starts the program here, to do something while it runs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.start_in(&self.namespace, arguments)
    }

    fn start_in(&self, namespace: &str, arguments: &[&str]) -> Child {
        let context = self.context.borrow().clone();
        let mut here = context.as_ref().map_or_else(Vec::new, |context| vec!["--context", context.as_str()]);
        here.extend(["--namespace", namespace]);
        here.extend(arguments);
        spawn(self.environment.command(here).stdin(Stdio::null()))
    }

    /// Waits for the end of a run.
    pub(crate) fn end(&self, run: Child) -> Output {
        self.environment.shown(&run.wait_with_output().unwrap())
    }

    /// Returns the program's requests from this place so far, in the form of the sandbox's log.
    pub(crate) fn requests(&self) -> Vec<Value> {
        match (&self.served, &self.audit) {
            (Some(served), _) => served.requests(),
            (None, Some(audit)) => audit.requests(&self.namespace),
            (None, None) => Vec::new(),
        }
    }

    /// Returns whether the cluster tells what it was asked.
    pub(crate) fn tells_requests(&self) -> bool {
        self.served.is_some() || self.audit.is_some()
    }

    /// Returns the writes that the program sent from here and that the server accepted or refused.
    pub(crate) fn writes(&self) -> Vec<Value> {
        assert!(self.tells_requests(), "this cluster does not tell what it was asked");
        let ours = |request: &Value| request["userAgent"].as_str().is_some_and(|it| it.starts_with("todo-agent/"));
        let mut writes: Vec<Value> = Vec::new();
        for write in self.requests().into_iter().filter(|request| ours(request) && evidence::is_write(request)) {
            // What is refused as outdated is sent again, and how often that happens is chance; but not once the same
            // change has arrived there.
            let is_the_same = |other: &Value| ["userAgent", "path"].iter().all(|part| other[part] == write[part]);
            if write["code"] != 409 || writes.iter().any(is_the_same) {
                writes.push(write);
            }
        }
        writes
    }

    /// Puts a proxy between the program and the cluster, for the runs that follow.
    pub(crate) fn behind_a_proxy(&self, react: impl Fn(&str) -> Reaction + Send + Sync + 'static) -> Proxy {
        let proxy = Proxy::before(&self.access, &self.namespace, react);
        self.use_kubeconfig(&self.environment.write("proxy.yaml", proxy.kubeconfig()), None);
        proxy
    }

    /// Makes a service account that may do only this here (RBAC rules), and becomes it for the runs that follow.
    #[track_caller]
    pub(crate) fn become_user(&self, name: &str, rules: &Value) {
        let namespaced = |plural: &str| format!("/api/v1/namespaces/{}/{plural}", self.namespace);
        let rbac = |plural: &str| format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{plural}", self.namespace);
        self.create(&namespaced("serviceaccounts"), &json!({"metadata": {"name": name}}));
        if !rules.as_array().unwrap().is_empty() {
            self.create(&rbac("roles"), &json!({"metadata": {"name": name}, "rules": rules}));
            let subject = json!({"kind": "ServiceAccount", "name": name, "namespace": self.namespace});
            let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name});
            self.create(
                &rbac("rolebindings"),
                &json!({"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}),
            );
        }
        let token = self.create(
            &format!("{}/{name}/token", namespaced("serviceaccounts")),
            &json!({"spec": {"expirationSeconds": 86_400}}),
        );
        let token = token["status"]["token"].as_str().unwrap();
        let kubeconfig = self.access.kubeconfig_for(token, &self.namespace);
        let kubeconfig = self.environment.write(&format!("{name}.yaml"), kubeconfig);
        self.use_kubeconfig(&kubeconfig, None);
        let allowed = Access::of(&std::fs::read_to_string(&kubeconfig).unwrap());
        // RBAC looks at its objects through a cache of its own.
        if let Some(rule) = rules.as_array().unwrap().first() {
            let review = json!({"spec": {"resourceAttributes": {"namespace": self.namespace,
                "group": rule["apiGroups"][0], "resource": rule["resources"][0], "verb": rule["verbs"][0]}}});
            let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            await_that("the permissions", || {
                let (_, answer) = allowed.request("POST", reviews, Some(("application/json", &review)));
                answer["status"]["allowed"] == true
            });
        }
    }
}

/// Returns the objects of a shipped world, without its users and what every cluster has.
pub(crate) fn world_objects(world: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("crates/sandbox/worlds/{world}.yaml"));
    let world: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(world["manifests"].as_str().unwrap()).unwrap();
    let is_given = |kind: &str| ["Role", "RoleBinding", "StorageClass", "IngressClass"].contains(&kind);
    objects.retain(|object| !object["kind"].as_str().is_some_and(is_given));
    objects
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn await_that(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not there after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        if matches!(self.site, Site::Real(_)) {
            // Whatever became of the scenario, nothing of it stays.
            let _ = self.access.try_request("DELETE", &path, None);
        }
        if !thread::panicking()
            && let Some(audit) = &self.audit
        {
            let requests = audit.requests(&self.namespace);
            evidence::check_requests(&requests, &[self.environment.state()], evidence::Clock::Own);
        }
    }
}
