//! What must stay impossible, tried: each test is an attempt to have something done that nobody saw, or to
//! have something said that must not be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use todo_agent_cluster::{Cluster, preview};
use todo_agent_core::{
    Change, Effect, ObjectRef, Op, Outcome, PatchStyle, Payload, Reader, Remark, Risk, approval::Answer,
    journal::Entry, reader::Scope, view::ProofView,
};
use todo_agent_kube_rules::kinds;
use todo_agent_sandbox::{ApiBody, ApiServer};
use tower::Service;

use crate::support::Stage;

fn patched(stage: &Stage, body: Value) -> Change {
    let mut change = stage.scale(2);
    let op = Op::Patch { style: PatchStyle::Merge, body: Payload::new(body) };
    change.phases[0].effects = vec![Effect::Object { target: stage.backend(), op }];
    change.phases[0].settle = vec![];
    change
}

async fn previewed(stage: &Stage, changes: Vec<Change>) -> todo_agent_cluster::Preview {
    preview(changes, &stage.cluster, &stage.key, &stage.run).await.unwrap()
}

#[tokio::test]
async fn a_later_step_is_weighed_by_what_the_earlier_one_leaves() {
    let stage = Stage::new("todo");
    let preview = previewed(&stage, vec![stage.scale(10), stage.scale(3)]).await;
    let [up, down] = preview.view().steps.as_slice() else { panic!("two steps") };
    assert_eq!((up.risk, up.proof), (Risk::Low, ProofView::Served));
    // From 2 to 3 would be low; what happens is 10 to 3, and the server has not confirmed that.
    assert_eq!(down.diff[0].before, Some(json!(10)));
    assert_eq!((down.risk, down.proof), (Risk::High, ProofView::Computed));
}

#[tokio::test]
async fn two_steps_on_one_object_are_both_done() {
    let mut stage = Stage::new("todo");
    let label = patched(&stage, json!({"metadata": {"labels": {"team": "a"}}}));
    let preview = previewed(&stage, vec![stage.scale(4), label, stage.scale(3)]).await;
    let report = stage.carry_out(preview).await;
    assert!(report.is_complete(), "{report:?}");
    let live = stage.live().await;
    assert_eq!((&live["spec"]["replicas"], &live["metadata"]["labels"]["team"]), (&json!(3), &json!("a")));
}

#[tokio::test]
async fn a_step_whose_basis_was_not_chosen_is_not_sent() {
    let mut stage = Stage::new("todo");
    let preview = previewed(&stage, vec![stage.scale(10), stage.scale(3)]).await;
    let report = stage.ask(preview, Answer::Only(vec![2])).await.unwrap();
    assert!(matches!(report.effects[0].outcome, Outcome::Moved { .. }), "{report:?}");
    assert_eq!(stage.live().await["spec"]["replicas"], 2);
    assert_eq!(stage.journal.names(), ["approved", "settled"], "nothing was sent");
}

#[tokio::test]
async fn an_object_made_anew_under_the_same_name_is_another() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(3)).await;
    let mut live = stage.live().await;
    request(&stage, http::Method::DELETE, "/apis/apps/v1/namespaces/todo/deployments/backend", None).await;
    crate::support::wait(&stage.run, 60).await;
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "annotations"] {
        live["metadata"].as_object_mut().unwrap().remove(field);
    }
    live.as_object_mut().unwrap().remove("status");
    let created = request(&stage, http::Method::POST, "/apis/apps/v1/namespaces/todo/deployments", Some(live)).await;
    assert_eq!(created, 201);
    let report = stage.carry_out(preview).await;
    let Outcome::Moved { why } = &report.effects[0].outcome else { panic!("{report:?}") };
    assert!(why.contains("made anew"), "{why}");
    assert_eq!(stage.live().await["spec"]["replicas"], 2);
}

#[tokio::test]
async fn a_name_from_the_cluster_does_not_lead_to_a_secret() {
    let stage = Stage::new("todo");
    for name in ["../secrets/todo-secret", "..%2fsecrets%2ftodo-secret", "x/../../secrets/todo-secret", "..", ""] {
        let object = ObjectRef::new(kinds::find("configmap").unwrap(), "todo", name);
        let _ = stage.cluster.take_requests();
        assert!(stage.cluster.get(&object).await.is_err(), "{name}");
        assert_eq!(stage.cluster.take_requests(), [], "{name}: nothing is sent");
    }
    let object = ObjectRef::new(kinds::find("configmap").unwrap(), "todo", "a?watch=true&x");
    assert!(stage.cluster.get(&object).await.is_err());
    assert_eq!(stage.cluster.take_requests()[0].path, "/api/v1/namespaces/todo/configmaps/a%3Fwatch%3Dtrue%26x");
}

#[tokio::test]
async fn what_a_keeper_says_of_itself_is_escaped_and_masked() {
    let stage = Stage::new("todo");
    let text = "todo\u{202e}\u{1b}[2J\nrisk low password=hunter22";
    let body = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": text}}});
    let path = "/apis/apps/v1/namespaces/todo/deployments/backend";
    assert_eq!(request(&stage, http::Method::PATCH, path, Some(body)).await, 200);
    let preview = stage.preview(stage.scale(3)).await;
    let kept: Vec<&str> = preview.view().steps[0]
        .remarks
        .iter()
        .filter_map(|remark| match remark {
            Remark::KeptBy(text) => Some(text.as_str()),
            Remark::Fact(_) => None,
        })
        .collect();
    assert!(kept[0].contains("todo\\u{202e}\\u{1b}[2J\\u{a}risk low password=‹secret:"), "{kept:?}");
}

#[tokio::test]
async fn a_refusal_that_quotes_a_secret_is_masked_in_report_and_journal() {
    let mut stage = Stage::new("todo");
    let cluster = behind(&stage, Manner::Refuses);
    let preview = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await.unwrap();
    let report = stage.carry_out(preview).await;
    let Outcome::Failed { why } = &report.effects[0].outcome else { panic!("{report:?}") };
    assert!(why.contains("postgres://u:‹secret:"), "{why}");
    assert!(!format!("{:?}", stage.journal.records).contains("hunter22"));
    assert!(matches!(stage.journal.records[2].entry, Entry::Answered { status: 422, .. }));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_looked_for_and_never_sent_again() {
    let mut stage = Stage::new("todo");
    let cluster = behind(&stage, Manner::LosesTheAnswer);
    let preview = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await.unwrap();
    let report = stage.carry_out(preview).await;
    assert!(report.effects[0].outcome.is_done(), "it is there: {report:?}");
    assert_eq!(stage.journal.names(), ["approved", "sending", "examined", "settled"]);
    let sent = cluster.take_requests().iter().filter(|request| request.purpose == "make the change").count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn a_change_that_was_lost_on_its_way_is_unknown_and_never_sent_again() {
    let mut stage = Stage::new("todo");
    let cluster = behind(&stage, Manner::LosesTheRequest);
    let preview = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await.unwrap();
    let report = stage.carry_out(preview).await;
    assert!(matches!(report.effects[0].outcome, Outcome::Unknown { .. }), "{report:?}");
    assert_eq!(stage.journal.names(), ["approved", "sending"], "the line stays alone for the next start");
    let sent = cluster.take_requests().iter().filter(|request| request.purpose == "make the change").count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn a_server_that_hides_versions_gets_no_write() {
    let mut stage = Stage::new("todo");
    let cluster = behind(&stage, Manner::HidesVersions);
    let Ok(preview) = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await else { return };
    let report = stage.carry_out(preview).await;
    assert!(matches!(report.effects[0].outcome, Outcome::Failed { .. }), "{report:?}");
    assert_eq!(stage.journal.names(), ["approved", "settled"]);
}

#[tokio::test]
async fn a_watch_that_is_refused_or_ends_at_once_is_replaced_by_looking_not_by_a_tight_loop() {
    for manner in [Manner::ForbidsWatches, Manner::EndsWatches, Manner::BreaksWatches, Manner::SilencesWatches] {
        let mut stage = Stage::new("todo");
        let cluster = behind(&stage, manner);
        let preview = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await.unwrap();
        let _ = cluster.take_requests();
        let began = crate::support::now(&stage.run);
        let report = stage.carry_out(preview).await;
        assert!(report.effects[0].outcome.is_done(), "{manner:?}: {report:?}");
        let seconds = crate::support::now(&stage.run).duration_since(began).as_secs();
        let requests = i64::try_from(cluster.take_requests().len()).unwrap();
        assert!(requests <= 8 + 4 * seconds, "{manner:?}: {requests} requests in {seconds} s");
    }
}

#[tokio::test]
async fn an_object_that_changes_all_the_time_is_previewed_and_changed_all_the_same() {
    let mut stage = Stage::new("todo");
    let cluster = behind(&stage, Manner::NeverRests);
    let preview = preview(vec![stage.scale(3)], &cluster, &stage.key, &stage.run).await.unwrap();
    let report = stage.carry_out(preview).await;
    assert!(report.is_complete(), "{report:?}");
    let answers: Vec<u16> = stage
        .journal
        .records
        .iter()
        .filter_map(|record| match record.entry {
            Entry::Answered { status, .. } => Some(status),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [409, 200], "each try is on record");
}

#[tokio::test]
async fn a_report_offers_the_way_back_only_for_what_was_sent() {
    let mut stage = Stage::new("todo");
    let frontend = ObjectRef { name: "frontend".to_owned(), ..stage.backend() };
    let mut second = stage.scale(3);
    second.phases[0].effects = vec![Effect::Object { target: frontend.clone(), op: Op::Scale { replicas: 3 } }];
    second.phases[0].settle = vec![];
    second.undo = Some(todo_agent_core::Recipe::Scale { target: frontend, before: 2, after: 3 });
    let preview = previewed(&stage, vec![stage.scale(3), second]).await;
    let path = "/apis/apps/v1/namespaces/todo/deployments/frontend";
    assert_eq!(request(&stage, http::Method::PATCH, path, Some(json!({"spec": {"replicas": 7}}))).await, 200);
    let report = stage.carry_out(preview).await;
    assert!(report.moved(), "{report:?}");
    assert_eq!(report.undo.as_deref(), Some("scale deployment/backend back to 2"));
}

#[tokio::test]
async fn no_time_at_all_ends_at_once_and_claims_nothing() {
    let mut stage = Stage::new("todo");
    let mut change = stage.scale(3);
    change.phases[0].deadline = std::time::Duration::ZERO;
    let preview = stage.preview(change).await;
    let report = stage.carry_out(preview).await;
    let Outcome::NotVerified { why } = &report.effects[0].outcome else { panic!("{report:?}") };
    assert!(why.starts_with("not within the time allowed: "), "{why}");
}

#[tokio::test]
async fn several_changes_in_one_phase_are_all_waited_for() {
    let mut stage = Stage::new("todo");
    let mut change = stage.scale(3);
    let frontend = ObjectRef { name: "frontend".to_owned(), ..stage.backend() };
    change.phases[0].effects.push(Effect::Object { target: frontend.clone(), op: Op::Scale { replicas: 3 } });
    change.phases[0].settle.push(todo_agent_core::Expectation::Replicas { object: frontend, replicas: 3 });
    let preview = stage.preview(change).await;
    let report = stage.carry_out(preview).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.effects.len(), 2);
}

/// Sends one request to the stage's sandbox, as somebody else would, and returns the status.
async fn request(stage: &Stage, method: http::Method, path: &str, body: Option<Value>) -> u16 {
    let content = if method == http::Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, content)
        .header(http::header::USER_AGENT, "somebody")
        .body(kube::client::Body::from(body.map(|body| body.to_string().into_bytes()).unwrap_or_default()))
        .unwrap();
    ApiServer::new(stage.sandbox.clone()).call(request).await.unwrap().status().as_u16()
}

/// How what stands between this program and the server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Refuses,
    LosesTheAnswer,
    LosesTheRequest,
    HidesVersions,
    ForbidsWatches,
    EndsWatches,
    BreaksWatches,
    SilencesWatches,
    NeverRests,
}

fn behind(stage: &Stage, manner: Manner) -> Cluster {
    let between = Between {
        server: ApiServer::new(stage.sandbox.clone()),
        manner,
        done: Arc::default(),
        disturbed: Arc::default(),
    };
    let scope = Scope {
        context: "sandbox".to_owned(),
        namespace: stage.sandbox.namespace(),
        server: "https://sandbox".to_owned(),
    };
    Cluster::from_service(between, scope, "identity".to_owned())
}

#[derive(Clone)]
struct Between {
    server: ApiServer,
    manner: Manner,
    done: Arc<AtomicBool>,
    disturbed: Arc<AtomicUsize>,
}

impl Service<http::Request<kube::client::Body>> for Between {
    type Response = http::Response<ApiBody>;
    type Error = tower::BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<kube::client::Body>) -> Self::Future {
        let Self { mut server, manner, done, disturbed } = self.clone();
        async move {
            let dry = request.uri().query().unwrap_or_default().contains("dryRun=All");
            let write = request.method() == http::Method::PATCH && !dry && !done.swap(true, Ordering::Relaxed);
            let watch = request.uri().query().unwrap_or_default().contains("watch=true");
            if request.method() != http::Method::PATCH {
                done.store(false, Ordering::Relaxed);
            }
            match manner {
                Manner::LosesTheRequest if write => Err("connection reset by peer".into()),
                Manner::LosesTheAnswer if write => {
                    let _ = server.call(request).await;
                    Err("received fatal alert: InternalError".into())
                }
                Manner::Refuses if write => Ok(answer(
                    422,
                    &json!({"kind": "Status", "message": "denied: cannot reach postgres://u:hunter22@db"}),
                )),
                // Somebody's bookkeeping comes in between, once for the dry run and once for the write.
                Manner::NeverRests if request.method() == http::Method::PATCH => {
                    let wanted = usize::from(!dry);
                    if disturbed.compare_exchange(wanted, wanted + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                        let path = request.uri().path().trim_end_matches("/scale").to_owned();
                        let revision = format!("9{wanted}");
                        let note =
                            json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": revision}}});
                        let between = http::Request::patch(path)
                            .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
                            .body(kube::client::Body::from(note.to_string().into_bytes()))?;
                        let _ = server.call(between).await;
                    }
                    Ok(server.call(request).await?)
                }
                Manner::ForbidsWatches if watch => {
                    Ok(answer(403, &json!({"kind": "Status", "message": "may not watch"})))
                }
                Manner::EndsWatches if watch => Ok(answer(200, &json!(null)).map(|_| empty())),
                Manner::BreaksWatches if watch => {
                    Ok(answer(200, &json!({"type": "ERROR", "object": {"kind": "Status", "code": 410}})))
                }
                // Never says a word, and never ends.
                Manner::SilencesWatches if watch => Ok(answer(200, &json!(null)).map(|_| {
                    http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(futures::stream::pending()))
                })),
                Manner::HidesVersions if request.method() == http::Method::GET => {
                    let response = server.call(request).await?;
                    let body = http_body_util::BodyExt::collect(response.into_body()).await?.to_bytes();
                    let mut object: Value = serde_json::from_slice(&body)?;
                    if let Some(metadata) = object["metadata"].as_object_mut() {
                        metadata.remove("resourceVersion");
                    }
                    Ok(answer(200, &object))
                }
                _ => Ok(server.call(request).await?),
            }
        }
        .boxed()
    }
}

fn answer(status: u16, body: &Value) -> http::Response<ApiBody> {
    let full = http_body_util::Full::new(bytes::Bytes::from(body.to_string()));
    http::Response::builder().status(status).body(http_body_util::BodyExt::boxed_unsync(full)).unwrap()
}

fn empty() -> ApiBody {
    http_body_util::BodyExt::boxed_unsync(http_body_util::Empty::new())
}
