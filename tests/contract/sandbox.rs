//! The sandbox as a target: in process, each case in a cluster of its own, on virtual time.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use todo_agent_sandbox::{ApiServer, Options, Sandbox, World};
use tower::ServiceExt as _;

use super::answer::{Answer, Answers, Request};
use super::case::Case;
use super::run::{self, Target};

/// The namespace of each case; every case has a cluster of its own.
const NAMESPACE: &str = "contract-sandbox";

struct InProcess {
    sandbox: Sandbox,
    server: ApiServer,
}

/// Runs a case against a new sandbox.
pub(crate) async fn run(case: &Case) -> Answers {
    let world = World::load(&super::folder().join("world.yaml")).unwrap();
    let sandbox = Sandbox::start(world, Options::default()).unwrap();
    let target = InProcess { server: sandbox.service(), sandbox };
    run::case(&target, case, NAMESPACE).await
}

impl Target for InProcess {
    async fn send(&self, request: &Request) -> Answer {
        let mut http = http::Request::builder().method(request.method).uri(&request.path);
        for (name, value) in &request.headers {
            http = http.header(*name, value);
        }
        let http = http.body(Full::new(bytes::Bytes::from(request.body.clone()))).unwrap();
        let response = self.server.clone().oneshot(http).await.unwrap();
        let header = |name: &str| -> Vec<String> {
            response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        let (code, media, warnings) = (response.status().as_u16(), header("content-type").concat(), header("warning"));
        let body = response.into_body().collect();
        tokio::pin!(body);
        // A watch ends when its time is over, and only waiting makes time pass here.
        let bytes = loop {
            match futures::poll!(&mut body) {
                std::task::Poll::Ready(bytes) => break bytes.unwrap().to_bytes(),
                std::task::Poll::Pending => self.sandbox.advance(Duration::from_millis(500)),
            }
        };
        Answer::read(request, code, media, warnings, &String::from_utf8_lossy(&bytes))
    }

    async fn pause(&self) {
        self.sandbox.advance(Duration::from_millis(100));
    }
}
