//! New objects from a few words: the whole manifest is shown, made, seen to run, and taken away again.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment};

#[test]
fn a_deployment_is_shown_whole_made_and_taken_away_again() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let sentence = "create a deployment for a Next.js app on port 3000 with 1GB memory limit using image web:1.0";
    assert_snapshot!(environment.run([sentence, "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: create deployment/nextjs
      rolled out, 1 of 1 replicas available
    undo: todo-agent undo c-change  (delete deployment/nextjs)
    Changes in this turn: create deployment/nextjs: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. create deployment/nextjs
       action     create Deployment nextjs in namespace todo (apps/v1)
       object     as the server would keep it:
         + apiVersion: apps/v1
         + kind: Deployment
         + metadata:
         +   labels:
         +     app: nextjs
         +     app.kubernetes.io/managed-by: todo-agent
         +     app.kubernetes.io/name: nextjs
         +   name: nextjs
         +   namespace: todo
         + spec:
         +   progressDeadlineSeconds: 600
         +   replicas: 1
         +   revisionHistoryLimit: 10
         +   selector:
         +     matchLabels:
         +       app: nextjs
         +   strategy:
         +     rollingUpdate:
         +       maxSurge: 25%
         +       maxUnavailable: 25%
         +     type: RollingUpdate
         +   template:
         +     metadata:
         +       labels:
         +         app: nextjs
         +         app.kubernetes.io/name: nextjs
         +     spec:
         +       automountServiceAccountToken: false
         +       containers:
         +       - image: web:1.0
         +         imagePullPolicy: IfNotPresent
         +         name: nextjs
         +         ports:
         +         - containerPort: 3000
         +           name: main
         +           protocol: TCP
         +         readinessProbe:
         +           failureThreshold: 3
         +           periodSeconds: 10
         +           successThreshold: 1
         +           tcpSocket:
         +             port: main
         +           timeoutSeconds: 1
         +         resources:
         +           limits:
         +             memory: 1Gi
         +         securityContext:
         +           allowPrivilegeEscalation: false
         +           capabilities:
         +             drop:
         +             - ALL
         +         terminationMessagePath: /dev/termination-log
         +         terminationMessagePolicy: File
         +       dnsPolicy: ClusterFirst
         +       restartPolicy: Always
         +       schedulerName: default-scheduler
         +       securityContext:
         +         fsGroup: 1000
         +         runAsNonRoot: true
         +         runAsUser: 1000
         +         seccompProfile:
         +           type: RuntimeDefault
         +       terminationGracePeriodSeconds: 30
       risk       medium
       proof      checked by the server (dry run)
       note       it runs as user 1000 without privileges; run_as_user is for an image that needs
                  another
       note       limits.memory 1GB is read as 1Gi, in powers of 1024 as Docker reads it

    undo       delete deployment/nextjs
    same as    kubectl create -f deployment-nextjs.yaml -n todo
    approved by --yes
    ");
    assert_eq!(served.deployment("nextjs")["status"]["availableReplicas"], 1);
    environment.run(["undo", "--yes=high"]).exits(0).says("delete deployment/nextjs").enough();
    assert_eq!(served.status("/apis/apps/v1/namespaces/todo/deployments/nextjs"), 404);
}

#[test]
fn what_is_missing_is_asked_for() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "create a deployment for a Next.js app on port 3000 with 1GB memory limit"]), @r"
    exit 2
    --- stderr
    Which image does nextjs run, for example registry.example.com/nextjs:1.0?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}

#[test]
fn a_service_that_is_there_is_not_made_twice() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "create a service to expose the frontend", "--yes"]), @r"
    exit 0
    --- stdout
    service/frontend already exposes deployment/frontend on port 3000; nothing to change
    --- stderr
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    let other = [
        "--sandbox",
        "call",
        "create",
        r#"{"kind": "service", "target": "frontend", "name": "web", "port": 80}"#,
        "--yes",
    ];
    environment.run(other).exits(0).says("create service/web").says("it sends to 2 ready pods").enough();
}

#[test]
fn plain_objects_are_made_and_undone() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let map = r#"{"kind": "configmap", "name": "settings", "data": {"LEVEL": "debug"}}"#;
    environment.run(["call", "create", map, "--yes"]).exits(0).says("LEVEL: debug").enough();
    assert_eq!(served.get("/api/v1/namespaces/todo/configmaps/settings")["data"]["LEVEL"], "debug");
    environment.run(["call", "create", map, "--yes"]).exits(1).says("already exists").enough();
    environment.run(["undo", "--yes=high"]).exits(0).enough();
    assert_eq!(served.status("/api/v1/namespaces/todo/configmaps/settings"), 404);
    // A new namespace reaches beyond the one that is worked in.
    environment.run(["create namespace staging", "--yes"]).exits(3).says("risk high").enough();
    environment.run(["create namespace staging", "--yes=high"]).exits(0).enough();
    assert_eq!(served.status("/api/v1/namespaces/staging"), 200);
}

#[test]
fn a_role_for_somebody_is_always_asked_about() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox", "give user alice read access to pods in todo", "--yes"]).exits(3);
    output.says("create role/alice-reads-pods").says("alice then may get, list, watch pods").says("risk high").enough();
}

#[test]
fn root_is_a_risk_that_shows() {
    let environment = TestEnvironment::new();
    let root = r#"{"kind": "deployment", "name": "legacy", "image": "legacy:1", "run_as_user": 0}"#;
    environment
        .run(["--sandbox", "call", "create", root, "--yes"])
        .exits(3)
        .says("risk high")
        .says("runs as root")
        .enough();
}
