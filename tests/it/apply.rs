//! Manifests, applied: every object is shown as the server would keep it, what others own is left to them, and what a
//! Secret holds is seen by nobody.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Output, Served, TestEnvironment, evidence};

fn apply(environment: &TestEnvironment, manifests: &str) -> Output {
    let call = json!({"manifests": manifests}).to_string();
    environment.run(["call", "apply", &call, "--yes=high"])
}

#[test]
fn a_file_is_applied_and_taken_back() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let manifests = "
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {LEVEL: debug}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend}
spec: {minReadySeconds: 1}
";
    environment.write("work/deploy/web.yaml", manifests);
    assert_snapshot!(environment.run(["apply deploy/web.yaml", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: apply configmap/settings
      made
    ✓ ok: apply deployment/backend
      rolled out, 2 of 2 replicas available
    undo: todo-agent undo c-change  (delete configmap/settings, set 1 field of deployment/backend back)
    Changes in this turn:
    - apply configmap/settings: done (c-change)
    - apply deployment/backend: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo
      risk       medium (the highest of all steps)

    1. apply configmap/settings
       action     apply ConfigMap settings in namespace todo (v1)
       object     as the server would keep it:
         + apiVersion: v1
         + data:
         +   LEVEL: debug
         + kind: ConfigMap
         + metadata:
         +   name: settings
         +   namespace: todo
       risk       medium
       proof      checked by the server (dry run)

    when the steps above have settled (phase 2):
    2. apply deployment/backend
       action     apply Deployment backend in namespace todo (apps/v1)
       change     spec.minReadySeconds: (absent) → 1
       risk       medium
       proof      checked by the server (dry run)

    undo       delete configmap/settings, set 1 field of deployment/backend back
    same as    kubectl apply --server-side -f deploy/web.yaml -n todo
    same as    kubectl apply --server-side -f deploy/web.yaml -n todo
    approved by --yes
    ");
    assert_eq!(served.get("/api/v1/namespaces/todo/configmaps/settings")["data"]["LEVEL"], "debug");
    assert_eq!(served.deployment("backend")["spec"]["minReadySeconds"], 1);
    environment.run(["undo", "--yes=high"]).exits(0).enough();
    assert_eq!(served.status("/api/v1/namespaces/todo/configmaps/settings"), 404);
    assert!(served.deployment("backend")["spec"].get("minReadySeconds").is_none());
}

#[test]
fn scale_then_set_then_apply_lose_nothing_of_each_other() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale backend to 3", "--yes"]).exits(0).enough();
    environment.run(["set the backend image to v2", "--yes"]).exits(0).enough();
    environment.run(["set LOG_LEVEL to debug on backend", "--yes"]).exits(0).enough();
    let before = served.deployment("backend");
    let manifests = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: backend, labels: {tier: api}}, spec: \
         {minReadySeconds: 1}}";
    apply(&environment, manifests).exits(0).says("spec.minReadySeconds").enough();
    let after = served.deployment("backend");
    // Of what is there only the two fields of the manifest are other than before.
    let mut expected = before["spec"].clone();
    expected["minReadySeconds"] = json!(1);
    assert_eq!(after["spec"], expected);
    assert_eq!(after["spec"]["replicas"], 3);
    let container = &after["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "todo-chatbot-backend:v2");
    assert!(container["env"].as_array().unwrap().contains(&json!({"name": "LOG_LEVEL", "value": "debug"})));
    let mut labels = before["metadata"]["labels"].clone();
    labels["tier"] = json!("api");
    assert_eq!(after["metadata"]["labels"], labels);
    // And scaling afterwards does not lose what was applied.
    environment.run(["scale backend to 2", "--yes"]).exits(0).enough();
    let scaled = served.deployment("backend");
    assert_eq!((&scaled["spec"]["replicas"], &scaled["spec"]["minReadySeconds"]), (&json!(2), &json!(1)));
}

#[test]
fn what_others_own_is_not_taken_and_its_owner_is_named() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale backend to 3", "--yes"]).exits(0).enough();
    environment.run(["set the backend image to v2", "--yes"]).exits(0).enough();
    let manifests = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: backend}, spec: {replicas: 5, template: \
         {spec: {containers: [{name: backend, image: 'todo-chatbot-backend:v3'}]}}}}";
    assert_snapshot!(apply(&environment, manifests), @r#"
    exit 1
    --- stderr
    error: Apply failed with 2 conflicts: conflicts with "todo-agent" using apps/v1: -
           .spec.template.spec.containers[name="backend"].image conflicts with "todo-agent" with
           subresource "scale" using apps/v1: - .spec.replicas
    hint: these fields were set by scale, set or patch of this agent: change them the same way
    hint: leave these fields out of the manifest, or change them where their owner gets them from
    "#);
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn a_secret_of_a_file_is_applied_and_seen_by_nobody() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    // "correct horse battery", in base64; and a line of it as it is.
    let secret = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ndata: {{WORD: Y29ycmVjdCBob3JzZSBiYXR0ZXJ5}}\n"
        )
    };
    environment.write("work/new.yaml", secret("keys") + "stringData: {OTHER: staple-of-the-day}\n");
    environment.write("work/known.yaml", secret("todo-secrets"));
    assert_snapshot!(environment.run(["apply new.yaml", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: apply secret/keys
      made
    undo: todo-agent undo c-change  (delete secret/keys)
    Changes in this turn: apply secret/keys: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. apply secret/keys
       action     apply Secret keys in namespace todo (v1)
       object     as the server would keep it:
         + apiVersion: v1
         + data:
         +   WORD: <set>
         + kind: Secret
         + metadata:
         +   name: keys
         +   namespace: todo
         + stringData:
         +   OTHER: <set>
       risk       medium
       proof      checked by the server (dry run)

    undo       delete secret/keys
    same as    kubectl apply --server-side -f new.yaml -n todo
    approved by --yes
    ");
    environment.run(["--json", "apply known.yaml", "--dry-run"]).never_says("Y29ycmVjdCBob3JzZ").enough();
    let known = environment.run(["apply known.yaml", "--yes"]);
    known.exits(0).says(r#"data.WORD: "(not looked at)" → "<set-anew>""#).enough();
    let mut kept = environment.sessions();
    kept += &environment.journal().iter().map(ToString::to_string).collect::<String>();
    for part in ["correct horse", "Y29ycmVjdCBob3JzZ", "staple-of"] {
        assert!(!kept.contains(part), "{part}:\n{kept}");
    }
    // They did arrive.
    let sent = served.writes();
    assert_eq!(sent[0]["body"]["stringData"]["OTHER"], "staple-of-the-day");
    assert_eq!(sent[1]["body"]["data"]["WORD"], "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5");
}

#[test]
fn what_cannot_be_applied_is_explained_and_nothing_is_sent() {
    let environment = TestEnvironment::new();
    let said = |text: &str| {
        let call = json!({"manifests": text}).to_string();
        environment.run(["--sandbox", "--yes=high", "call", "apply", &call])
    };
    said("a: 1\na: 2").exits(2).says("duplicate mapping key: a").says("line 2").enough();
    said("a:\n\tb: 1").exits(2).says("indented with a tab").enough();
    said("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}").exits(2).says("give it a name").enough();
    said("{apiVersion: apps/v1, kind: Deploymnt, metadata: {name: a}}")
        .exits(2)
        .says("did you mean Deployment")
        .enough();
    said("{apiVersion: apps/v2, kind: Deployment, metadata: {name: a}}").exits(2).says("serves apps/v1").enough();
    said("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {A: banana-split}}")
        .exits(2)
        .says("put it into a file")
        .never_says("banana-split")
        .enough();
    assert!(!environment.sessions().contains("banana-split"));
    said("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dta: {b: c}}").exits(1).says("dta").enough();
    said("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: nowhere}}")
        .exits(1)
        .says("nowhere")
        .enough();
    environment.write("work/long.yaml", "x".repeat(2 << 20));
    environment.run(["--sandbox", "apply long.yaml", "--yes=high"]).exits(2).says("at most 1048576").enough();
    environment.run(["--sandbox", "apply none.yaml", "--yes=high"]).exits(2).says("it does not exist").enough();
    environment.run(["--sandbox", "apply ../none.yaml", "--yes=high"]).exits(2).enough();
    assert!(!environment.requests().iter().any(evidence::is_write));
}

#[test]
fn another_namespace_is_shown_as_outside() {
    let environment = TestEnvironment::new();
    let _served = Served::at_speed(&environment, "todo", 20.0);
    let manifests = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}, data: {b: c}}";
    let call = json!({"manifests": manifests}).to_string();
    environment.run(["call", "apply", &call, "--dry-run"]).exits(0).says("outside").enough();
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
";
const WIDGET: &str = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {size: 1}}";

#[test]
fn a_kind_and_its_objects_are_one_plan_in_the_order_they_need() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    apply(&environment, WIDGET).exits(2).says("CustomResourceDefinition of this kind first").enough();
    environment.write("work/widgets.yaml", format!("{WIDGET}\n---{DEFINITION}"));
    let output = environment.run(["apply widgets.yaml", "--unattended"]);
    output.exits(0).says("established").says("not confirmed by the server").enough();
    assert_eq!(served.get("/apis/example.com/v1/namespaces/todo/widgets/a")["spec"]["size"], 1);
    // Once it is served, the cluster knows the kind.
    apply(&environment, &WIDGET.replace("size: 1", "size: 2")).exits(0).says("spec.size: 1 → 2").enough();
}

#[test]
fn what_is_set_once_comes_with_what_to_do_instead() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {template: {spec: {restartPolicy: Never, \
         containers: [{name: a, image: 'IMAGE'}]}}}}";
    apply(&environment, &job.replace("IMAGE", "busybox:1.36")).exits(0).enough();
    apply(&environment, &job.replace("IMAGE", "busybox:1.37"))
        .exits(1)
        .says("a job runs what it was made with")
        .enough();
    let claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {CLASSaccessModes: \
         [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}";
    apply(&environment, &claim.replace("CLASS", "")).exits(0).enough();
    let other = claim.replace("CLASS", "storageClassName: other, ");
    apply(&environment, &other).exits(1).says("only the requested storage can grow").enough();
    let service = r#"{"kind": "service", "name": "backend", "merge": {"spec": {"clusterIP": "10.96.77.77", "clusterIPs": ["10.96.77.77"]}}}"#;
    environment.run(["call", "patch", service, "--yes=high"]).exits(1).says("leave clusterIP out").enough();
    let selector = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: backend}, spec: {selector: {matchLabels: \
         {tier: other}}, template: {metadata: {labels: {tier: other}}}}}";
    apply(&environment, &selector.replace("other", "yes")).exits(1).says("wrong type").enough();
    let named = r#"{"kind": "statefulset", "name": "redis", "merge": {"spec": {"serviceName": "other"}}}"#;
    environment.run(["call", "patch", named, "--yes=high"]).exits(1).says("propagation orphan").enough();
    let smaller =
        r#"{"kind": "pvc", "name": "data", "merge": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}}"#;
    environment
        .run(["call", "patch", smaller, "--yes=high"])
        .exits(1)
        .says("only the requested storage can grow")
        .enough();
    // Nothing of it was done.
    assert_eq!(served.writes().len(), 2);
}
