//! Lists over several pages, against a server that answers as the test says.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};
use todo_agent_cluster::Cluster;
use todo_agent_core::{
    Cause, ListQuery, Reader, Within,
    reader::{Scope, Sink},
};
use todo_agent_kube_rules::kinds;

/// What has happened, in order: requests and the objects that were handed on.
type Story = Arc<Mutex<Vec<String>>>;

/// Answers each request with the next of these.
fn server(story: &Story, answers: Vec<(u16, String)>) -> Cluster {
    let (story, answers) = (Arc::clone(story), Arc::new(Mutex::new(VecDeque::from(answers))));
    let service = tower::service_fn(move |request: Request<Body>| {
        story.lock().unwrap().push(request.uri().to_string());
        let (status, body) = answers.lock().unwrap().pop_front().unwrap();
        let response = Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
        async move {
            // As on a network, no answer is there at once.
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(response)
        }
    });
    let scope = Scope { context: "c".into(), namespace: "todo".into(), server: "https://canned".into() };
    Cluster::from_service(service, scope, "identity".into())
}

fn pod(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "managedFields": [{"manager": "x"}]},
        "spec": {"nodeName": "n", "containers": [{"name": "app", "image": "i"}]},
    })
}

fn page(token: &str, names: &[&str]) -> (u16, String) {
    let items: Vec<Value> = names.iter().map(|name| pod(name)).collect();
    // As Go writes it: the metadata before the objects.
    let metadata = json!({"resourceVersion": "7", "continue": token});
    (200, format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{metadata},"items":{}}}"#, json!(items)))
}

fn gone() -> (u16, String) {
    let message = "The provided continue parameter is too old";
    (410, json!({"kind": "Status", "reason": "Expired", "message": message, "code": 410}).to_string())
}

fn pods() -> ListQuery {
    ListQuery::new(kinds::find("pod").unwrap(), Within::Namespace("todo".to_owned()))
}

/// Tells what it is handed.
struct Teller(Story);

impl Sink for Teller {
    fn begin_again(&mut self) {
        self.0.lock().unwrap().push("begin again".to_owned());
    }

    fn take(&mut self, object: Value) {
        self.0.lock().unwrap().push(object["metadata"]["name"].as_str().unwrap().to_owned());
    }
}

const FIRST: &str = "/api/v1/namespaces/todo/pods?limit=500";

#[tokio::test]
async fn the_next_page_is_asked_for_before_the_present_one_is_read() {
    let story = Story::default();
    let cluster = server(&story, vec![page("a/b", &["p1", "p2"]), page("", &["p3"])]);
    cluster.list_into(&pods(), &mut Teller(Arc::clone(&story))).await.unwrap();
    let second = format!("{FIRST}&continue=a%2Fb");
    assert_eq!(*story.lock().unwrap(), [FIRST, &second, "p1", "p2", "p3"]);
}

#[tokio::test]
async fn a_list_that_grows_too_old_begins_again() {
    let story = Story::default();
    let answers = vec![page("t", &["old"]), gone(), page("u", &["p1"]), page("", &["p2"])];
    let cluster = server(&story, answers);
    let found = cluster.list(&pods()).await.unwrap();
    let names: Vec<&str> = found.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["p1", "p2"]);
    assert_eq!(story.lock().unwrap()[2], FIRST);
}

#[tokio::test]
async fn a_list_is_not_begun_without_end() {
    let story = Story::default();
    let answers = (0..3).flat_map(|_| [page("t", &["p1"]), gone()]).collect();
    let error = server(&story, answers).list(&pods()).await.unwrap_err();
    assert!(error.is(Cause::Expired), "{error}");
}

#[tokio::test]
async fn a_page_that_was_cut_off_is_not_taken_for_a_short_list() {
    let story = Story::default();
    let (_, mut half) = page("", &["p1", "p2"]);
    half.truncate(half.len() / 2 + 40);
    let cluster = server(&story, vec![(200, half.clone()), page("", &["p1", "p2", "p3"])]);
    assert_eq!(cluster.list(&pods()).await.unwrap().len(), 3);
    let cluster = server(&story, vec![(200, half); 3]);
    let error = cluster.list(&pods()).await.unwrap_err();
    assert!(error.is(Cause::Unreachable) && error.message.contains("cut its answer off"), "{error}");
}

#[tokio::test]
async fn only_what_is_wanted_is_kept_and_every_object_has_its_type() {
    let story = Story::default();
    let whole = server(&story, vec![page("", &["p"])]).list(&pods()).await.unwrap();
    let mut expected = pod("p");
    expected["metadata"].as_object_mut().unwrap().remove("managedFields");
    expected["apiVersion"] = json!("v1");
    expected["kind"] = json!("Pod");
    assert_eq!(whole, [expected]);
    let query = pods().only(&["metadata.name", "spec.containers.name"]);
    let part = server(&story, vec![page("", &["p"])]).list(&query).await.unwrap();
    let expected = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "app"}]}});
    assert_eq!(part, [expected]);
}

#[tokio::test]
async fn an_empty_list_may_be_null_and_its_metadata_may_come_last() {
    let story = Story::default();
    let null = r#"{"items":null,"metadata":{}}"#.to_owned();
    assert_eq!(server(&story, vec![(200, null)]).list(&pods()).await.unwrap(), Vec::<Value>::new());
    let last = format!(r#"{{"items":[{}],"metadata":{{"continue":"t"}}}}"#, pod("p1"));
    let found = server(&story, vec![(200, last), page("", &["p2"])]).list(&pods()).await.unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn something_else_than_a_list_is_named() {
    let story = Story::default();
    let error = server(&story, vec![(200, "<html>login</html>".to_owned())]).list(&pods()).await.unwrap_err();
    assert!(error.is(Cause::NotKubernetes), "{error}");
}

#[tokio::test]
async fn what_is_no_list_of_objects_is_an_error_and_never_a_shorter_list() {
    for body in [
        r#"{"metadata":{},"items":[1]}"#,
        r#"{"metadata":{},"items":["x"]}"#,
        r#"{"metadata":{"continue":7},"items":[]}"#,
        r#"{"metadata":"x","items":[]}"#,
    ] {
        let cluster = server(&Story::default(), vec![(200, body.to_owned())]);
        assert!(cluster.list(&pods()).await.is_err(), "{body}");
    }
    let odd = r#"{"metadata":{},"items":[{"metadata":7},{}]}"#;
    let cluster = server(&Story::default(), vec![(200, odd.to_owned())]);
    assert_eq!(cluster.list(&pods()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let cluster = server(&Story::default(), vec![page("more", &[]); 1100]);
    let error = cluster.list(&pods()).await.unwrap_err();
    assert!(error.is(Cause::Invalid), "{error:?}");
}
