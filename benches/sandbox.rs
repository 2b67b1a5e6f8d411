//! How quick the embedded Kubernetes is, in this process: starting, listing, writing, watching; and how large
//! with many pods.
//!
//! The figures with `service` are the API server's alone, up to its bytes; those with `client` include
//! reading the answers the way every tool does.

mod support;

use std::{convert::Infallible, env, process::ExitCode, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use support::{Bar, Failure, Home, Report, Sample, awaited, milliseconds, peak_of, peak_run, timed};
use todo_agent_cluster::Cluster;
use todo_agent_core::reader::{ListQuery, Reader, Scope, Within};
use todo_agent_kube_rules::kinds;
use todo_agent_sandbox::{ApiBody, ApiServer, Options, Sandbox, World, world::NodeSpec};
use tokio::runtime;
use tower::ServiceExt;

const ROUNDS: usize = 20;
/// How many changes are made under a watch.
const CHANGES: u32 = 2000;
/// How many of them are made before they are read.
const AT_ONCE: u32 = 50;
/// The pods that fit a node.
const PODS_PER_NODE: u32 = 250;
/// The pods of each Deployment of a crowd.
const PODS_PER_DEPLOYMENT: u32 = 100;
/// Makes this program start one world with so many pods and end: for its memory.
const CROWD: &str = "--crowd";

fn main() -> Result<ExitCode, Failure> {
    if let Some(exit) = peak_run() {
        return exit;
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, pods] = arguments.as_slice()
        && first == CROWD
    {
        Sandbox::start(crowded(pods.parse()?)?, Options::default())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::default();
    let todo = Sample::of(ROUNDS, || World::builtin("todo").map(|world| Sandbox::start(world, Options::default())));
    report.judged("start of world todo, warm-up included", todo.median(), "ms", Bar::AimAtMost(50.0));
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    for pods in [100, 1000, 5000] {
        runtime.block_on(lists(pods, &mut report))?;
    }
    runtime.block_on(writes(&mut report))?;
    Ok(report.finish()?)
}

/// Measures lists of pods in a world that has this many.
async fn lists(pods: u32, report: &mut Report) -> Result<(), Failure> {
    let world = crowded(pods)?;
    let (time, sandbox) = timed(|| Sandbox::start(world, Options::default()));
    let sandbox = sandbox?;
    let about = |what: &str| format!("{what} with {pods} pods");
    let bar = if pods > 1000 { Bar::MustBeAtMost(5000.0) } else { Bar::AimAtMost(f64::from(pods)) };
    report.judged(&about("start of a world"), milliseconds(time), "ms", bar);
    let program = env::current_exe()?.to_string_lossy().into_owned();
    let most = peak_of(&Home::new()?, &program, &[CROWD, &pods.to_string()])?;
    report.noted(&about("most memory of a process"), most, "MB");

    let service = ApiServer::new(sandbox.clone());
    let mut bytes = 0;
    let mut sample = Sample::default();
    for _ in 0..ROUNDS {
        let (time, answer) = awaited(whole(get(&service, "/api/v1/pods"))).await;
        bytes = answer?.len();
        sample.add(time);
    }
    report.noted(&format!("list of {pods} pods, service"), sample.median(), "ms");
    report.noted(&format!("list of {pods} pods, size"), f64::from(u32::try_from(bytes)?) / 1e3, "kB");

    let scope = Scope { context: "sandbox".into(), namespace: sandbox.namespace(), server: "sandbox".into() };
    let cluster = Cluster::from_service(service, scope, "benchmark".into());
    let query = ListQuery::new(kinds::find("pod").ok_or("pods are unknown")?, Within::Everywhere);
    let mut sample = Sample::default();
    for _ in 0..ROUNDS {
        let (time, found) = awaited(cluster.list(&query)).await;
        let running = found?.iter().filter(|pod| pod["status"]["phase"] == "Running").count();
        if running != usize::try_from(pods)? {
            return Err(format!("{running} of {pods} pods run").into());
        }
        sample.add(time);
    }
    // A person waits for a list of this length; nothing should be felt of the shorter one.
    let bar = Bar::AimAtMost(f64::from(pods) / 5.0);
    report.judged(&format!("list of {pods} pods, client"), sample.median(), "ms", bar);
    Ok(())
}

/// Measures changes of a small object, alone and under a watch.
async fn writes(report: &mut Report) -> Result<(), Failure> {
    let world = World::builtin("todo").ok_or("there is no world todo")?;
    let service = ApiServer::new(Sandbox::start(world, Options::default())?);
    let path = "/api/v1/namespaces/todo/configmaps";
    let alone = async {
        for n in 0..CHANGES {
            change(&service, path, n).await?;
        }
        Ok::<_, Failure>(())
    };
    let (time, done) = awaited(alone).await;
    done?;
    report.judged("writes", f64::from(CHANGES) / time.as_secs_f64(), "per second", Bar::AimAtLeast(1000.0));

    let mut watch = get(&service, &format!("{path}?watch=true")).await?.into_body();
    let watched = async {
        // The watch begins with what there is.
        let mut missing: u32 = 1;
        for n in 1..=CHANGES {
            change(&service, path, CHANGES + n).await?;
            missing += 1;
            if n % AT_ONCE == 0 {
                read_events(&mut watch, std::mem::take(&mut missing)).await?;
            }
        }
        Ok::<_, Failure>(())
    };
    let (time, done) = awaited(watched).await;
    done?;
    let rate = f64::from(CHANGES) / time.as_secs_f64();
    report.judged("writes under a watch, events read", rate, "per second", Bar::AimAtLeast(1000.0));
    Ok(())
}

/// Returns a world where Deployments of so many pods together have been started.
fn crowded(pods: u32) -> Result<World, Failure> {
    let mut world = World::builtin("empty").ok_or("there is no world empty")?;
    let node = world.nodes.pop().ok_or("the world has no node")?;
    world.nodes = (0..pods.div_ceil(PODS_PER_NODE))
        .map(|n| NodeSpec { name: format!("node-{n}"), pods: PODS_PER_NODE, ..node.clone() })
        .collect();
    world.manifests.extend((0..pods / PODS_PER_DEPLOYMENT).map(|n| {
        let labels = json!({"app": format!("crowd-{n}")});
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": format!("crowd-{n}")},
            "spec": {
                "replicas": PODS_PER_DEPLOYMENT,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": "crowd:v1", "ports": [{"containerPort": 80}]}]},
                },
            },
        })
    }));
    world.warm_up = Duration::from_mins(5);
    Ok(world)
}

async fn get(service: &ApiServer, path: &str) -> Result<Response<ApiBody>, Failure> {
    send(service, Request::get(path).body(Full::default())?).await
}

async fn change(service: &ApiServer, path: &str, n: u32) -> Result<(), Failure> {
    let body = json!({"data": {"LOG_LEVEL": format!("level-{n}")}}).to_string();
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(format!("{path}/todo-config"))
        .header(CONTENT_TYPE, "application/merge-patch+json")
        .body(Full::from(body))?;
    whole(send(service, request)).await.map(drop)
}

async fn send(service: &ApiServer, request: Request<Full<Bytes>>) -> Result<Response<ApiBody>, Failure> {
    let response = service.clone().oneshot(request).await?;
    if !response.status().is_success() {
        return Err(format!("the API server answers {}", response.status()).into());
    }
    Ok(response)
}

async fn whole(response: impl Future<Output = Result<Response<ApiBody>, Failure>>) -> Result<Bytes, Failure> {
    let collected: Result<_, Infallible> = response.await?.into_body().collect().await;
    Ok(collected?.to_bytes())
}

/// Reads this many events, one a line.
async fn read_events(watch: &mut ApiBody, count: u32) -> Result<(), Failure> {
    let mut missing = usize::try_from(count)?;
    while missing > 0 {
        let frame = watch.frame().await.ok_or("the watch ended")??;
        let data = frame.into_data().unwrap_or_default();
        let lines = data.split(|&byte| byte == b'\n').skip(1).count();
        missing = missing.checked_sub(lines).ok_or("more events than changes")?;
    }
    Ok(())
}
