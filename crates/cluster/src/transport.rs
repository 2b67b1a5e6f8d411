//! The client below every request, stacked as kube stacks its own, but on sockets that never hold back a small
//! write: else each further connection loses 40 ms, when the request behind the TLS handshake waits for the
//! server's delayed acknowledgement of it (Nagle's algorithm).

use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Config,
    client::{ClientBuilder, ConfigExt},
};
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

/// Builds the client. An exec plugin runs in here.
pub(crate) fn client(config: Config) -> Result<kube::Client, kube::Error> {
    // Through a proxy the way is kube's; what it saves there is small beside it.
    if config.proxy_url.is_some() {
        return Ok(ClientBuilder::try_from(config)?.build());
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let mut https = TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    // For the TLS handshake too: what accepts connections for a server that is away says nothing then.
    https.set_connect_timeout(config.connect_timeout);
    // The order of kube's own stack (kube-client, client/builder.rs).
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(Client::builder(TokioExecutor::new()).build(https));
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use kube::{client::Body, config::AuthInfo};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// `{"kind":"Pod"}`, compressed.
    const POD: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\xce\xcc\x4b\x51\xb2\x52\x0a\xc8\x4f\x51\xaa\x05\x00\xc8\xb0\x9c\x7b\x0e\x00\x00\x00";

    #[tokio::test]
    async fn a_server_that_never_answers_the_handshake_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = Config::new(format!("https://{}", listener.local_addr().unwrap()).parse().unwrap());
        config.connect_timeout = Some(Duration::from_millis(50));
        let silent = tokio::spawn(async move { listener.accept().await.unwrap() });
        let request = http::Request::get("/version").body(Body::empty()).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(20), client(config).unwrap().send(request)).await;
        assert!(answer.expect("it gives up by itself").is_err());
        drop(silent.await.unwrap());
    }

    #[tokio::test]
    async fn the_stack_adds_place_credentials_and_compression() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", POD.len());
            socket.write_all(&[head.as_bytes(), POD].concat()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).to_ascii_lowercase()
        });
        let mut config = Config::new(format!("http://{address}/base").parse().unwrap());
        config.auth_info = AuthInfo { token: Some("t0ken".to_owned().into()), ..AuthInfo::default() };
        let request = http::Request::get("/api/v1/pods").body(Body::empty()).unwrap();
        let answer = client(config).unwrap().send(request).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"kind":"Pod"}"#);
        let asked = server.await.unwrap();
        assert!(asked.starts_with("get /base/api/v1/pods http/1.1"), "{asked}");
        assert!(asked.contains("authorization: bearer t0ken") && asked.contains("accept-encoding: gzip"), "{asked}");
    }
}
