//! Deleting: what goes with the object is said before, it is seen to be gone, and it can be made again.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment};

#[test]
fn a_workload_is_deleted_and_made_again() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let delete = ["call", "delete", r#"{"kind": "deployment", "name": "backend"}"#];
    environment.run(delete.into_iter().chain(["--yes"])).exits(3).says("risk high").enough();
    assert_snapshot!(environment.run(delete.into_iter().chain(["--yes=high"])), @r"
    exit 0
    --- stdout
    ✓ ok: delete deployment/backend
      deleted
    undo: todo-agent undo c-change  (make deployment/backend again from what it was)
    Changes in this turn: delete deployment/backend: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. delete deployment/backend
       action     delete Deployment backend in namespace todo (apps/v1)
       risk       high
       proof      checked by the server (dry run)
       note       its 2 pods are deleted with it
       note       service/backend then has no pods of it to send to

    undo       make deployment/backend again from what it was
    same as    kubectl delete deployment/backend -n todo
    approved by --yes=high
    ");
    assert_eq!(served.status("/apis/apps/v1/namespaces/todo/deployments/backend"), 404);
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);

    assert_snapshot!(environment.run(["undo", "--yes=high"]), @r#"
    exit 0
    --- stdout
    ✓ ok: make deployment/backend again
      rolled out, 2 of 2 replicas available
    undo: todo-agent undo c-change  (delete deployment/backend)
    Changes in this turn: make deployment/backend again: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. make deployment/backend again
       action     create Deployment backend in namespace todo (apps/v1)
       object     as the server would keep it:
         + apiVersion: apps/v1
         + kind: Deployment
         + metadata:
         +   labels:
         +     app: backend
         +     app.kubernetes.io/component: backend
         +     app.kubernetes.io/name: todo-chatbot
         +   name: backend
         +   namespace: todo
         + spec:
         +   progressDeadlineSeconds: 600
         +   replicas: 2
         +   revisionHistoryLimit: 10
         +   selector:
         +     matchLabels:
         +       app: backend
         +   strategy:
         +     rollingUpdate:
         +       maxSurge: 1
         +       maxUnavailable: 0
         +     type: RollingUpdate
         +   template:
         +     metadata:
         +       labels:
         +         app: backend
         +         app.kubernetes.io/component: backend
         +         app.kubernetes.io/name: todo-chatbot
         +     spec:
         +       automountServiceAccountToken: false
         +       containers:
         +       - envFrom:
         +         - configMapRef:
         +             name: todo-config
         +         - secretRef:
         +             name: todo-secrets
         +         image: todo-chatbot-backend:v1
         +         imagePullPolicy: IfNotPresent
         +         livenessProbe:
         +           failureThreshold: 3
         +           httpGet:
         +             path: /health
         +             port: http
         +             scheme: HTTP
         +           periodSeconds: 10
         +           successThreshold: 1
         +           timeoutSeconds: 1
         +         name: backend
         +         ports:
         +         - containerPort: 8000
         +           name: http
         +           protocol: TCP
         +         readinessProbe:
         +           failureThreshold: 3
         +           httpGet:
         +             path: /health
         +             port: http
         +             scheme: HTTP
         +           periodSeconds: 5
         +           successThreshold: 1
         +           timeoutSeconds: 1
         +         resources:
         +           limits:
         +             cpu: "1"
         +             memory: 1Gi
         +           requests:
         +             cpu: 500m
         +             memory: 512Mi
         +         securityContext:
         +           allowPrivilegeEscalation: false
         +           capabilities:
         +             drop:
         +             - ALL
         +           readOnlyRootFilesystem: true
         +         startupProbe:
         +           failureThreshold: 30
         +           httpGet:
         +             path: /health
         +             port: http
         +             scheme: HTTP
         +           periodSeconds: 2
         +           successThreshold: 1
         +           timeoutSeconds: 1
         +         terminationMessagePath: /dev/termination-log
         +         terminationMessagePolicy: File
         +         volumeMounts:
         +         - mountPath: /tmp
         +           name: tmp
         +       dnsPolicy: ClusterFirst
         +       restartPolicy: Always
         +       schedulerName: default-scheduler
         +       securityContext:
         +         fsGroup: 1001
         +         runAsNonRoot: true
         +         runAsUser: 1001
         +       terminationGracePeriodSeconds: 30
         +       volumes:
         +       - emptyDir: {}
         +         name: tmp
       risk       medium
       proof      checked by the server (dry run)
       note       takes back c-change (delete deployment/backend)
       note       it is made from what it was when it was deleted; what else was lost with it does not
                  come back

    undo       delete deployment/backend
    same as    kubectl create -f deployment-backend.yaml -n todo
    approved by --yes=high
    "#);
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn only_an_exact_name_is_deleted() {
    let environment = TestEnvironment::new();
    let delete = |arguments: &str| environment.run(["--sandbox", "call", "delete", arguments, "--yes=high"]).exits(1);
    delete(r#"{"kind": "deployment", "name": "backnd"}"#).says("did you mean deployment/backend?").enough();
    delete(r#"{"kind": "deployment", "name": "chatbot"}"#).enough();
    delete(r#"{"kind": "deploymnt", "name": "backend"}"#).says("did you mean").enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn the_values_of_a_secret_are_neither_read_nor_kept() {
    let environment = TestEnvironment::new();
    let output =
        environment.run(["--sandbox", "call", "delete", r#"{"kind": "secret", "name": "todo-secrets"}"#, "--yes=high"]);
    assert_snapshot!(output, @r"
    exit 0
    --- stdout
    ✓ ok: delete secret/todo-secrets
      deleted
    undo: not possible for this change
    Changes in this turn: delete secret/todo-secrets: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. delete secret/todo-secrets
       action     delete Secret todo-secrets in namespace todo (v1)
       risk       high
       proof      checked by the server (dry run)
       note       deployment/backend, deployment/frontend, deployment/mcp-server use it; new pods of
                  them will not start
       note       the values of a Secret are never kept, so it cannot be made again from here

    undo       not possible: this change cannot be taken back
    same as    kubectl delete secret/todo-secrets -n todo
    approved by --yes=high
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    // That no request asked for the values is checked with every test; see `support/evidence.rs`.
}

#[test]
fn a_namespace_is_deleted_by_its_typed_name_only() {
    let environment = TestEnvironment::new();
    let output =
        environment.run(["--sandbox", "call", "delete", r#"{"kind": "namespace", "name": "todo"}"#, "--yes=high"]);
    output.exits(3).says("everything in it is deleted with it").says("cannot be brought back").enough();
    assert!(environment.journal().is_empty());
}
