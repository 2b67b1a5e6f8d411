//! Encrypted connections. Cluster and model each bring a TLS client; with two providers of cryptography in one process the
//! first connection would end the program.

use std::{fs, io::Write, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rustls::{ServerConnection, StreamOwned};
use todo_agent_cluster::{Cluster, ConnectOptions};

use crate::{
    asking::{ask, client_at, request, run, shown},
    support::hostile::{answer, encryption, kubeconfig, listen, read_request_from},
};

/// Starts a server with a certificate that its own authority signed; returns its port and the authority in PEM form.
fn server(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> (u16, String) {
    let (config, authority) = encryption(|_| {});
    let port = listen(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        if let Some(request) = read_request_from(&mut stream) {
            let _ = stream.write_all(respond(&request).as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (port, authority)
}

fn model_server() -> (u16, String) {
    server(|request| {
        assert_eq!(request, "POST /v1/chat/completions");
        let body = r#"{"choices": [{"message": {"role": "assistant", "content": "ready"}}]}"#;
        answer("200 OK", "application/json", body)
    })
}

#[test]
fn a_cluster_and_a_model_in_one_process() {
    let (cluster_port, cluster_authority) = server(|request| {
        assert!(request.starts_with("GET /version"), "{request}");
        let body = r#"{"major": "1", "minor": "34", "gitVersion": "v1.34.1", "gitCommit": "x", "gitTreeState": "clean",
            "buildDate": "x", "goVersion": "x", "compiler": "gc", "platform": "linux/amd64"}"#;
        answer("200 OK", "application/json", body)
    });
    let (model_port, model_authority) = model_server();
    let folder = tempfile::tempdir().unwrap();
    let (config, authority) = (folder.path().join("kubeconfig"), folder.path().join("authority.pem"));
    let data = format!("certificate-authority-data: {}", BASE64.encode(cluster_authority));
    fs::write(&config, kubeconfig(&format!("https://127.0.0.1:{cluster_port}"), &data)).unwrap();
    fs::write(&authority, model_authority).unwrap();
    let version = run(async {
        let options = ConnectOptions { kubeconfig: Some(config), ..ConnectOptions::default() };
        Cluster::connect(&options).await.unwrap().version().await
    });
    assert_eq!(version.unwrap(), "v1.34.1");
    let table = format!("ca_file = {authority:?}");
    let client = client_at(&format!("https://127.0.0.1:{model_port}/v1"), &table);
    assert_eq!(ask(&client, &request("are you ready?")).1.unwrap().text, "ready");
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let (port, _) = model_server();
    let (_, other) = model_server();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    fs::write(&authority, other).unwrap();
    let client = client_at(&format!("https://127.0.0.1:{port}/v1"), &format!("ca_file = {authority:?}"));
    let (deltas, end) = ask(&client, &request("are you ready?"));
    assert_eq!(deltas, [], "it is not tried again");
    let error = shown(&end.unwrap_err()).replace(&port.to_string(), "[port]");
    insta::assert_snapshot!(error, @r"
    Unreachable: 127.0.0.1:[port] has no certificate that is trusted here: invalid peer certificate: BadSignature
    hint: name the authority's file with ca_file in [model] of config.toml
    ");
}

#[test]
fn a_file_of_authorities_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    for (content, wrong) in [(None, "No such file"), (Some("hello"), "no certificate in PEM form")] {
        if let Some(content) = content {
            fs::write(&path, content).unwrap();
        }
        let table = format!("base_url = \"https://127.0.0.1:1/v1\"\nmodel = \"x\"\nca_file = {path:?}");
        let problem = todo_agent::model::Client::new(crate::asking::settings(&table)).unwrap_err();
        assert!(problem.message.starts_with("the CA file ") && problem.message.contains(wrong), "{problem}");
    }
}
