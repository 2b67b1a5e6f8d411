//! A server that is not what a Kubernetes API should be: it answers with the wrong thing, half of it, or not
//! at all. It listens on a free loopback port and ends with the test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server on a loopback port, and the requests it got as `METHOD /path?query`.
pub(crate) struct HostileServer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HostileServer {
    /// Starts a server that gives each request this answer, raw, and then closes the connection.
    pub(crate) fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::with(move |request, stream| {
            let _ = stream.write_all(answer(request).as_bytes());
        })
    }

    /// Starts a server that takes every request and never says a word.
    pub(crate) fn silent() -> Self {
        Self::with(|_, _| thread::sleep(Duration::from_mins(1)))
    }

    fn with(react: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, react) = (Arc::clone(&requests), Arc::new(react));
        let port = listen(move |mut stream| {
            if let Some(request) = read_request(&mut stream) {
                seen.lock().unwrap().push(request.clone());
                react(&request, &mut stream);
            }
        });
        Self { port, requests }
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Returns a kubeconfig whose current context is this server, spoken to without TLS.
    pub(crate) fn kubeconfig(&self) -> String {
        kubeconfig(&format!("http://127.0.0.1:{}", self.port), "")
    }
}

/// Returns an HTTP answer.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Returns an answer of the Kubernetes API that says why not.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> String {
    let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": message});
    answer(&format!("{code} {reason}"), "application/json", &body.to_string())
}

/// Returns how a server on this machine encrypts, with a certificate that its own authority signed, and the authority in
/// PEM form.
pub(crate) fn encryption(change: impl FnOnce(&mut CertificateParams)) -> (Arc<ServerConfig>, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    change(&mut parameters);
    let certificate = parameters.signed_by(&key, &Issuer::from_params(&authority, &authority_key)).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (Arc::new(config), authority_certificate.pem())
}

/// Returns a kubeconfig for a server whose certificate expired years ago, and the authority that signed it.
pub(crate) fn expired_certificate() -> String {
    let (config, authority) = encryption(|parameters| {
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2021, 1, 1);
    });
    let port = listen(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
    });
    let authority = BASE64.encode(authority);
    kubeconfig(&format!("https://127.0.0.1:{port}"), &format!("certificate-authority-data: {authority}"))
}

/// Returns a kubeconfig with one context, `test`, for this server.
pub(crate) fn kubeconfig(server: &str, more_of_the_cluster: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
users: [{{name: test, user: {{token: not-a-secret}}}}]
clusters:
- name: test
  cluster:
    server: {server}
    {more_of_the_cluster}
"
    )
}

/// Returns a loopback port where nobody listens.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Serves each connection in a thread of its own and returns the port. The threads end with the process.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Reads one request with its body; returns its method and target.
pub(crate) fn read_request(stream: &mut TcpStream) -> Option<String> {
    read_request_from(stream)
}

/// The same from any connection, an encrypted one for example.
pub(crate) fn read_request_from(stream: &mut impl Read) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    let mut words = first.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}
