//! Commands in containers and forwarded ports, over a connection in memory as a client in the same process
//! has it.

use futures::{SinkExt as _, StreamExt as _};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

pub(super) const POD: &str = "/api/v1/namespaces/shop/pods/cache";

const WORLD: &str = r#"
users: [{name: jane}]
answers:
- match: {selector: app=cache, container: redis}
  exec:
  - {command: [redis-cli, ping], stdout: "PONG\n"}
  - {command: [redis-cli, nonsense], stdout: "a", stderr: "ERR unknown command\n", exitCode: 3}
  ports: [{port: 6379, reply: "+PONG\r\n"}]
manifests:
- apiVersion: v1
  kind: Pod
  metadata: {name: cache, labels: {app: cache}}
  spec: {containers: [{name: redis, image: 'redis:7'}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: pair}
  spec: {containers: [{name: app, image: 'app:1'}, {name: side, image: 'side:1'}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: broken}
  spec: {containers: [{name: app, image: 'app:1', envFrom: [{secretRef: {name: none}}]}]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: reader}
  rules: [{apiGroups: [''], resources: [pods, pods/exec, pods/portforward], verbs: [get]}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: reader}
  subjects: [{kind: User, name: jane}]
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
"#;

/// An open session.
pub(super) struct Session(pub(super) WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>);

impl Session {
    /// Returns the next message and its channel, `None` at the end.
    pub(super) async fn next(&mut self) -> Option<(u8, String)> {
        match self.0.next().await?.unwrap() {
            Message::Binary(data) => Some((data[0], String::from_utf8_lossy(&data[1..]).into_owned())),
            Message::Close(end) => {
                // kubectl takes any other end for a failure.
                assert_eq!(end.map(|end| u16::from(end.code)), Some(1000));
                None
            }
            other => panic!("no message for this: {other:?}"),
        }
    }

    async fn send(&mut self, channel: u8, text: &str) {
        self.0.send(Message::Binary([&[channel], text.as_bytes()].concat().into())).await.unwrap();
    }

    /// Returns all messages up to the end.
    async fn all(mut self) -> Vec<(u8, String)> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}

pub(super) fn running() -> Client {
    let client = Client::new(WORLD);
    client.sandbox.pass(30);
    client
}

/// Returns a client that asks for a WebSocket of these protocols.
fn asking(client: &Client, protocols: &str) -> Client {
    client
        .with("connection", "Upgrade")
        .with("upgrade", "websocket")
        .with("sec-websocket-version", "13")
        .with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .with("sec-websocket-protocol", protocols)
}

pub(super) async fn open(client: &Client, protocols: &str, path: &str) -> (Session, String) {
    let mut response = asking(client, protocols).open("GET", path, "").await;
    assert_eq!(response.status(), 101);
    // The sample of RFC 6455 §1.3.
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let protocol = response.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned();
    let upgraded = hyper::upgrade::on(&mut response).await.unwrap();
    (Session(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await), protocol)
}

/// Runs a command and returns what it printed and its `Status`.
async fn run(protocols: &str, command: &str) -> (Vec<(u8, String)>, Value) {
    let words: Vec<String> = command.split(' ').map(|word| format!("command={word}")).collect();
    let (session, _) =
        open(&running(), protocols, &format!("{POD}/exec?stdout=true&stderr=true&{}", words.join("&"))).await;
    let mut printed = session.all().await;
    let (channel, status) = printed.pop().unwrap();
    assert_eq!(channel, 3);
    (printed, serde_json::from_str(&status).unwrap())
}

#[tokio::test]
async fn a_declared_command_answers() {
    let (printed, status) = run("v5.channel.k8s.io, v4.channel.k8s.io", "redis-cli ping").await;
    assert_eq!(printed, [(1, String::new()), (1, "PONG\n".to_owned())]);
    assert_eq!(status, json!({"metadata": {}, "status": "Success"}));
}

#[tokio::test]
async fn who_wants_json_gets_no_session() {
    for path in [format!("{POD}/exec?stdout=true&command=ls"), format!("{POD}/portforward?ports=6379")] {
        let client = running().with("accept", "application/json");
        let response = asking(&client, "v4.channel.k8s.io").open("GET", &path, "").await;
        assert_eq!(response.status(), 406);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "406: Not Acceptable\n\nAvailable representations: ");
        let both = running().with("accept", "application/json, */*");
        assert_eq!(asking(&both, "v4.channel.k8s.io").open("GET", &path, "").await.status(), 101);
    }
}

#[tokio::test]
async fn the_exit_code_is_in_the_status() {
    let (printed, status) = run("v5.channel.k8s.io", "redis-cli nonsense").await;
    assert_eq!(printed[1..], [(1, "a".to_owned()), (2, "ERR unknown command\n".to_owned())]);
    assert_eq!(status["reason"], "NonZeroExitCode");
    assert_eq!(status["details"], json!({"causes": [{"reason": "ExitCode", "message": "3"}]}));
    let words = "command terminated with non-zero exit code: ";
    assert_eq!(status["message"], format!("{words}command terminated with exit code 3"));
    let (_, status) = run("v4.channel.k8s.io", "redis-cli nonsense").await;
    assert_eq!(status["message"], format!("{words}error executing command [redis-cli nonsense], exit code 3"));
}

#[tokio::test]
async fn a_program_that_is_not_declared_is_not_there() {
    for (command, why) in [
        ("nosuch -a", "exec: \"nosuch\": executable file not found in $PATH: unknown"),
        ("/bin/nosuch", "exec: \"/bin/nosuch\": stat /bin/nosuch: no such file or directory: unknown"),
    ] {
        let (printed, status) = run("v5.channel.k8s.io", command).await;
        assert_eq!(printed, [(1, String::new())]);
        assert_eq!((&status["reason"], &status["code"]), (&json!("InternalError"), &json!(500)));
        let message = status["message"].as_str().unwrap();
        assert!(message.starts_with("Internal error occurred: Internal error occurred: error executing command"));
        assert!(message.ends_with(why), "{message}");
    }
}

#[tokio::test]
async fn a_container_that_does_not_run_is_not_found() {
    let client = running();
    let path = POD.replace("cache", "broken") + "/exec?command=ls&stdout=1";
    let (session, _) = open(&client, "v5.channel.k8s.io", &path).await;
    let said = session.all().await;
    assert!(said[1].1.contains("unable to upgrade connection: container not found (\\\"app\\\")"), "{said:?}");
    let older = asking(&client, "v4.channel.k8s.io").get(&path).await;
    assert_eq!((older.code, older.text.as_str()), (500, "container not found (\"app\")"));
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_before() {
    let client = running();
    let asking = asking(&client, "v5.channel.k8s.io");
    let pair = POD.replace("cache", "pair");
    for (path, code, message) in [
        (
            format!("{pair}/exec?command=ls&stdout=1"),
            400,
            "a container name must be specified for pod pair, choose one of: [app side]",
        ),
        (format!("{pair}/exec?command=ls&stdout=1&container=none"), 400, "container none is not valid for pod pair"),
        (POD.replace("cache", "none") + "/exec?command=ls&stdout=1", 404, "pods \"none\" not found"),
    ] {
        assert_eq!(asking.get(&path).await.refusal(), (code, message), "{path}");
    }
    let plain = client.get(&format!("{POD}/exec?command=ls&stdout=1")).await;
    assert_eq!(plain.refusal(), (400, "Upgrade request required"));
    let spdy = client.with("connection", "Upgrade").with("upgrade", "SPDY/3.1");
    assert_eq!(spdy.post(&format!("{POD}/exec?command=ls&stdout=1"), &Value::Null).await.code, 501);
}

#[tokio::test]
async fn who_may_only_read_may_neither_run_nor_connect() {
    let client = running();
    let token = client.sandbox.users().iter().find(|user| user.name == "jane").unwrap().token.clone();
    let jane =
        asking(&client, "v5.channel.k8s.io, v4.channel.k8s.io").with("authorization", &format!("Bearer {token}"));
    for part in ["exec?command=ls&stdout=1", "portforward?ports=6379"] {
        let refused = jane.get(&format!("{POD}/{part}")).await;
        let what = part.split('?').next().unwrap();
        let message = format!(
            "pods \"cache\" is forbidden: User \"jane\" cannot create resource \"pods/{what}\" in API group \"\" in the \
             namespace \"shop\""
        );
        assert_eq!(refused.refusal(), (403, message.as_str()));
    }
}

#[tokio::test]
async fn a_port_answers_as_often_as_it_is_spoken_to() {
    let (mut session, protocol) =
        open(&running(), "v5.channel.k8s.io, v4.channel.k8s.io", &format!("{POD}/portforward?ports=6379")).await;
    assert_eq!(protocol, "v4.channel.k8s.io");
    let number = String::from_utf8_lossy(&6379_u16.to_le_bytes()).into_owned();
    assert_eq!(session.next().await, Some((0, number.clone())));
    assert_eq!(session.next().await, Some((1, number)));
    for _ in 0..2 {
        session.send(0, "PING\r\n").await;
        assert_eq!(session.next().await, Some((0, "+PONG\r\n".to_owned())));
    }
}

#[tokio::test]
async fn nobody_listens_on_a_port_that_is_not_declared() {
    let (session, _) = open(&running(), "v4.channel.k8s.io", &format!("{POD}/portforward?ports=81")).await;
    let said = session.all().await;
    assert_eq!(said.len(), 3);
    let (channel, text) = &said[2];
    assert_eq!(*channel, 1);
    assert!(text.starts_with("error forwarding port 81 to pod "), "{text}");
    assert!(text.contains("IPv4: dial tcp4 127.0.0.1:81: connect: connection refused"), "{text}");
}

#[tokio::test]
async fn a_forward_needs_ports() {
    let asking = asking(&running(), "v4.channel.k8s.io");
    for (query, message) in [
        ("", "query parameter \"port\" is required"),
        ("?ports=x", "unable to parse \"x\" as a port"),
        ("?ports=0", "port \"0\" must be > 0"),
    ] {
        let answer = asking.get(&format!("{POD}/portforward{query}")).await;
        assert_eq!((answer.code, answer.text.as_str()), (400, message));
    }
}
