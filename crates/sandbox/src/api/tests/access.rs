//! Who may do what: tokens, impersonation, RBAC, reviews, the words of refusals.

use serde_json::json;

use super::*;
use crate::api::Anonymous;

const WORLD: &str = "
users:
- {name: jane}
manifests:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: reader, namespace: shop}
  rules:
  - {apiGroups: [''], resources: [configmaps, pods/log], verbs: [get, list, watch]}
  - {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [get, patch]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: jane-reads, namespace: shop}
  subjects: [{kind: User, name: jane}]
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
";

fn jane(client: &Client) -> Client {
    let users = client.sandbox.users();
    let token = &users.iter().find(|user| user.name == "jane").unwrap().token;
    client.with("authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_user_may_do_what_a_role_says_and_nothing_else() {
    let client = Client::new(WORLD);
    client.config_map("a", &json!({})).await;
    client.post(DEPLOYMENTS, &deployment("web", 1)).await;
    let jane = jane(&client);
    assert_eq!(jane.get(CONFIG_MAPS).await.code, 200);
    assert_eq!(jane.get(&format!("{DEPLOYMENTS}/web")).await.code, 200);
    let list = jane.get(DEPLOYMENTS).await;
    assert_eq!(
        list.refusal(),
        (
            403,
            r#"deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" in the namespace "shop""#
        )
    );
    assert_eq!(list.body["details"], json!({"group": "apps", "kind": "deployments"}));
    assert_eq!(
        jane.merge(&format!("{DEPLOYMENTS}/web/scale"), &json!({"spec": {"replicas": 3}})).await.refusal().1,
        r#"deployments.apps "web" is forbidden: User "jane" cannot patch resource "deployments/scale" in API group "apps" in the namespace "shop""#
    );
    assert_eq!(
        jane.get("/api/v1/configmaps").await.refusal().1,
        r#"configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" at the cluster scope"#
    );
    assert_eq!(jane.get("/api/v1/namespaces").await.code, 403);
    assert_eq!(client.get(&format!("{DEPLOYMENTS}/web")).await.body["spec"]["replicas"], 1, "nothing was written");
    assert_eq!(jane.get("/apis/apps/v1").await.code, 200, "discovery is for everyone");
    assert_eq!(jane.get("/version").await.code, 200);
}

#[tokio::test]
async fn unknown_tokens_and_missing_ones_are_401() {
    let client = Client::new(WORLD);
    let stranger = client.with("authorization", "Bearer nobody's");
    assert_eq!(stranger.get("/api").await.refusal(), (401, "Unauthorized"));
    assert_eq!(client.with("authorization", "Basic eA==").get("/api").await.code, 401);
    let strict = Client { server: client.server.clone().anonymous(Anonymous::Refused), ..Client::new(WORLD) };
    assert_eq!(strict.get(CONFIG_MAPS).await.code, 401);
}

#[tokio::test]
async fn the_administrator_may_act_as_someone_else_and_others_may_not() {
    let client = Client::new(WORLD);
    let as_jane = client.with("impersonate-user", "jane");
    assert_eq!(as_jane.get(CONFIG_MAPS).await.code, 200);
    assert_eq!(as_jane.get(DEPLOYMENTS).await.code, 403);
    let refused = jane(&client).with("impersonate-user", "kubernetes-admin").get(CONFIG_MAPS).await;
    assert_eq!(
        refused.refusal(),
        (
            403,
            r#"users "kubernetes-admin" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope"#
        )
    );
}

#[tokio::test]
async fn reviews_answer_as_the_requests_would() {
    let client = Client::new(WORLD);
    let jane = jane(&client);
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = |verb: &str, resource: &str| {
        json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
               "spec": {"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "shop"}}})
    };
    let allowed = jane.post(path, &ask("list", "configmaps")).await;
    assert_eq!(allowed.code, 201);
    assert_eq!(
        allowed.body["status"],
        json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"jane-reads/shop\" of Role \"reader\" to User \"jane\""})
    );
    assert_eq!(jane.post(path, &ask("delete", "configmaps")).await.body["status"], json!({"allowed": false}));
    assert_eq!(client.post(path, &ask("delete", "configmaps")).await.body["status"], json!({"allowed": true}));
    assert_eq!(jane.post(path, &json!({"spec": {}})).await.refusal().0, 422);

    let rules = jane
        .post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &json!({"spec": {"namespace": "shop"}}))
        .await;
    let rules = rules.body["status"]["resourceRules"].as_array().unwrap().clone();
    assert!(rules.iter().any(|rule| rule["resources"] == json!(["configmaps", "pods/log"])), "{rules:?}");

    let others = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let about = json!({"spec": {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods", "subresource": "log", "namespace": "shop"}}});
    assert_eq!(client.post(others, &about).await.body["status"]["allowed"], true);
    assert_eq!(jane.post(others, &about).await.refusal().0, 403);
}

#[tokio::test]
async fn the_user_facing_roles_are_there_to_be_bound() {
    let client = Client::new("users: [{name: jane}]");
    let binding = json!({
        "metadata": {"name": "jane"}, "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"kind": "ClusterRole", "name": "view"}
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings";
    assert_eq!(client.post(path, &binding).await.code, 201);
    let jane = jane(&client);
    assert_eq!(jane.get(DEPLOYMENTS).await.code, 200);
    assert_eq!(jane.get("/api/v1/namespaces/shop").await.code, 200);
    assert_eq!(jane.get("/api/v1/namespaces/shop/secrets").await.code, 403);
    assert_eq!(jane.get("/metrics").await.code, 403);
}
