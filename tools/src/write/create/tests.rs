use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{Effect, Op};

use crate::{
    Proposal,
    fake::{FakeReader, FakeRun, workload},
};

fn objects() -> Vec<Value> {
    let mut frontend = workload("Deployment", "todo", "frontend", 2);
    frontend["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 3000}]);
    vec![
        frontend,
        workload("Deployment", "todo", "backend", 2),
        workload("StatefulSet", "todo", "redis", 1),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"selector": {"app": "backend"}, "ports": [{"name": "http", "port": 8000}]}}),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(objects())).proposed("create", args).await
}

/// Returns what is sent.
async fn made(args: Value) -> Vec<Value> {
    let turn = FakeRun::new(FakeReader::new(objects()));
    let Proposal::Changes(changes) = turn.propose("create", args).await.unwrap() else { panic!("nothing is made") };
    let effects = changes.iter().flat_map(|change| &change.phases).flat_map(|phase| &phase.effects);
    let object = |effect: &Effect| match effect {
        Effect::Object { op: Op::Create { object }, .. } => object.reveal().clone(),
        _ => panic!("not made"),
    };
    effects.map(object).collect()
}

#[tokio::test]
async fn a_deployment_runs_without_root_and_privileges() {
    let args =
        json!({"kind": "deployment", "name": "shop", "image": "shop:1.0", "port": 3000, "limits": {"memory": "1GB"}});
    assert_snapshot!(propose(args.clone()).await, @r#"
    create deployment/shop
    kubectl create -f deployment-shop.yaml -n todo
    Fact("it runs as user 1000 without privileges; run_as_user is for an image that needs another")
    Fact("limits.memory 1GB is read as 1Gi, in powers of 1024 as Docker reads it")
    undo: delete deployment/shop
    "#);
    assert_snapshot!(serde_json::to_string_pretty(&made(args).await[0]["spec"]).unwrap(), @r#"
    {
      "replicas": 1,
      "selector": {
        "matchLabels": {
          "app": "shop"
        }
      },
      "template": {
        "metadata": {
          "labels": {
            "app": "shop",
            "app.kubernetes.io/name": "shop"
          }
        },
        "spec": {
          "automountServiceAccountToken": false,
          "containers": [
            {
              "image": "shop:1.0",
              "name": "shop",
              "ports": [
                {
                  "containerPort": 3000,
                  "name": "main"
                }
              ],
              "readinessProbe": {
                "tcpSocket": {
                  "port": "main"
                }
              },
              "resources": {
                "limits": {
                  "memory": "1Gi"
                }
              },
              "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {
                  "drop": [
                    "ALL"
                  ]
                }
              }
            }
          ],
          "securityContext": {
            "fsGroup": 1000,
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "seccompProfile": {
              "type": "RuntimeDefault"
            }
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn an_image_is_asked_for_unless_there_is_a_usual_one() {
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "shop"})).await, @r"
    error: create deployment needs an image
    hint: the image of the application, for example registry.example.com/team/app:1.2
    ");
    assert_snapshot!(propose(json!({"kind": "statefulset", "name": "valkey", "storage": "1gb"})).await, @r#"
    create service/valkey
    kubectl create -f service-valkey.yaml -n todo
    undo: delete service/valkey

    create statefulset/valkey
    kubectl create -f statefulset-valkey.yaml -n todo
    Fact("no image was named: valkey/valkey:8-alpine is the usual one")
    Fact("it runs as user 999 without privileges; run_as_user is for an image that needs another")
    Fact("no resources were named: it asks for 100m cpu and 128Mi memory, and has no limit")
    Fact("storage 1gb is read as 1Gi, in powers of 1024 as Docker reads it")
    undo: delete statefulset/valkey
    "#);
}

#[tokio::test]
async fn a_statefulset_comes_with_the_service_that_names_its_pods() {
    let made = made(json!({"kind": "statefulset", "name": "cache", "image": "redis:7-alpine", "storage": "1Gi"})).await;
    assert_eq!(made[0]["kind"], "Service");
    assert_eq!(made[0]["spec"]["clusterIP"], "None");
    assert_eq!(made[1]["spec"]["serviceName"], "cache");
    assert_eq!(made[1]["spec"]["template"]["spec"]["securityContext"]["runAsUser"], 999);
    assert_eq!(
        made[1]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"],
        json!([{"name": "data", "mountPath": "/data"}])
    );
    assert_eq!(made[1]["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "1Gi");
    assert_snapshot!(propose(json!({"kind": "statefulset", "name": "db", "image": "db:1", "storage": "1Gi"})).await, @r"
    error: storage needs a mount: where the application keeps its data
    hint: for example /var/lib/data
    ");
}

#[tokio::test]
async fn a_service_follows_from_the_workload_it_exposes() {
    assert_snapshot!(propose(json!({"kind": "service", "target": "frontend"})).await, @r#"
    create service/frontend
    kubectl create -f service-frontend.yaml -n todo
    Fact("it sends to 2 ready pods of deployment/frontend")
    undo: delete service/frontend
    "#);
    let service = &made(json!({"kind": "service", "target": "frontend", "port": 80})).await[0];
    assert_eq!(service["spec"]["selector"], json!({"app": "frontend"}));
    assert_eq!(service["spec"]["ports"], json!([{"name": "main", "port": 80, "targetPort": "http"}]));
    assert_snapshot!(propose(json!({"kind": "service", "target": "backend"})).await, @r"
    error: deployment/backend names no port, so the service needs one
    hint: give port, the one it listens on
    ");
    assert_snapshot!(propose(json!({"kind": "service", "target": "backend", "port": 8000})).await, @"nothing: service/backend already exposes deployment/backend on port 8000; nothing to change");
    assert_snapshot!(propose(json!({"kind": "service", "target": "frontend", "name": "backend"})).await, @r"
    error: service/backend already exists and sends to other pods than those of deployment/frontend
    hint: choose another name
    ");
}

#[tokio::test]
async fn an_ingress_routes_to_a_port_that_is_there() {
    let ingress = &made(json!({"kind": "ingress", "target": "backend", "host": "api.example.com"})).await[0];
    assert_eq!(
        ingress["spec"]["rules"][0],
        json!({"host": "api.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": "backend", "port": {"number": 8000}}}}]}})
    );
    assert_snapshot!(propose(json!({"kind": "ingress", "target": "backend", "port": 9})).await, @r"
    error: service/backend has no such port
    hint: its ports are 8000
    ");
    assert_snapshot!(propose(json!({"kind": "ingress", "target": "backend", "host": "https://x/y"})).await, @r#"
    error: host "https://x/y" is not a host name
    hint: without scheme and path: shop.example.com
    "#);
}

#[tokio::test]
async fn a_policy_lets_in_who_is_named() {
    assert_snapshot!(propose(json!({"kind": "network_policy", "target": "backend", "from": ["frontend"], "port": 8000})).await, @r#"
    create networkpolicy/backend-from-frontend
    kubectl create -f networkpolicy-backend-from-frontend.yaml -n todo
    Fact("everything else is kept from deployment/backend, ingress controllers and monitoring included")
    Fact("it works where the cluster's network enforces policies; some do not")
    undo: delete networkpolicy/backend-from-frontend
    "#);
    let policy =
        &made(json!({"kind": "network_policy", "target": "backend", "from": ["frontend"], "port": 8000})).await[0];
    assert_eq!(
        policy["spec"],
        json!({"podSelector": {"matchLabels": {"app": "backend"}}, "policyTypes": ["Ingress"], "ingress": [{
            "from": [{"podSelector": {"matchLabels": {"app": "frontend"}}}], "ports": [{"protocol": "TCP", "port": 8000}]}]})
    );
}

#[tokio::test]
async fn a_role_is_given_to_somebody() {
    let args = json!({"kind": "role", "subject": "user:alice", "resources": ["pods", "deploy"]});
    assert_snapshot!(propose(args.clone()).await, @r#"
    create role/alice-reads-pods-deployments
    kubectl create -f role-alice-reads-pods-deployments.yaml -n todo
    undo: delete role/alice-reads-pods-deployments

    create rolebinding/alice-reads-pods-deployments
    kubectl create -f rolebinding-alice-reads-pods-deployments.yaml -n todo
    Fact("alice then may get, list, watch pods, deployments in namespace todo")
    undo: delete rolebinding/alice-reads-pods-deployments
    "#);
    let made = made(args).await;
    assert_eq!(
        made[0]["rules"],
        json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}])
    );
    assert_eq!(made[1]["subjects"][0]["name"], "alice");
    assert_snapshot!(propose(json!({"kind": "role", "subject": "user:a", "resources": ["pods"], "verbs": ["raed"]})).await, @r#"
    error: verbs has no "raed"
    hint: it is of get, list, watch, create, update, patch, delete, deletecollection, *
    "#);
    assert_snapshot!(propose(json!({"kind": "role", "subject": "alice", "resources": ["pods"]})).await, @r"
    error: create role needs a subject
    hint: user:alice, group:developers or serviceaccount:ci
    ");
    assert_snapshot!(propose(json!({"kind": "role", "subject": "user:a", "resources": ["nodes"]})).await, @"error: nodes belong to the whole cluster; a role is for one namespace");
}

#[tokio::test]
async fn plain_objects_are_what_was_given() {
    let map = &made(json!({"kind": "configmap", "name": "settings", "data": {"LEVEL": "debug", "N": 3}})).await[0];
    assert_eq!(map["data"], json!({"LEVEL": "debug", "N": "3"}));
    let claim = &made(json!({"kind": "pvc", "name": "data", "storage": "0.5Gi"})).await[0];
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "512Mi");
    assert_snapshot!(propose(json!({"kind": "namespace", "name": "staging"})).await, @r#"
    create namespace/staging
    kubectl create -f namespace-staging.yaml
    Fact("pods in it that ask for privileges are warned of")
    undo: delete namespace/staging
    "#);
    assert_snapshot!(propose(json!({"kind": "pvc", "name": "data"})).await, @r"
    error: create pvc needs storage: how much
    hint: for example 1Gi
    ");
}

#[tokio::test]
async fn jobs_run_once_and_cronjobs_by_a_schedule() {
    let job = &made(json!({"kind": "job", "name": "migrate", "image": "app:1", "command": ["migrate"]})).await[0];
    assert_eq!(job["spec"]["template"]["spec"]["restartPolicy"], "Never");
    let cron = &made(json!({"kind": "cronjob", "name": "clean", "image": "app:1", "schedule": "*/5 * * * *"})).await[0];
    assert_eq!(cron["spec"]["schedule"], "*/5 * * * *");
    assert_snapshot!(propose(json!({"kind": "cronjob", "name": "clean", "image": "app:1", "schedule": "every day"})).await, @r#"
    error: schedule "every day" is not one
    hint: minute, hour, day, month, weekday: 30 2 * * 1-5
    "#);
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    assert_snapshot!(propose(json!({"kind": "service", "target": "frontend", "image": "x:1"})).await, @r"
    error: a service has no image
    hint: it takes name and target, port, service_type
    ");
    assert_snapshot!(propose(json!({"kind": "deploymnt", "name": "x"})).await, @r#"
    error: kind cannot be "deploymnt"
    hint: did you mean deployment?
    hint: it is one of deployment, statefulset, job, cronjob, service, ingress, configmap, namespace, role, network_policy, pvc
    "#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "My App", "image": "x:1"})).await, @r#"error: name "My App" contains a space; give one name"#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "frontend", "image": "x:1"})).await, @r"
    error: deployment/frontend in namespace todo already exists
    hint: choose another name, or change it with set, patch or scale
    ");
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "x", "image": "x:1", "namespace": "shpo"})).await, @r#"
    error: namespace "shpo" does not exist
    hint: did you mean shop?
    "#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "x", "image": "x:1", "port": 0})).await, @"error: port must be a port from 1 to 65535 or a port's name, got 0");
}
