//! A small HTTPS client for what a test does to a cluster behind the program's back, and for proxies that
//! stand between the program and a cluster.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use regex::Regex;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::Value;

/// What a kubeconfig says of how to reach its cluster.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) server: String,
    pub(crate) token: String,
    config: Arc<ClientConfig>,
}

impl Access {
    /// Reads the first cluster and the first token of a kubeconfig.
    pub(crate) fn of(kubeconfig: &str) -> Self {
        let field = |name: &str| {
            let pattern = Regex::new(&format!(r#""?{name}"?:\s*"?([^"\s,}}]+)"#)).unwrap();
            let found = pattern.captures(kubeconfig).unwrap_or_else(|| panic!("no {name} in:\n{kubeconfig}"));
            found[1].to_owned()
        };
        let authority = BASE64.decode(field("certificate-authority-data")).unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&authority) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { server: field("server"), token: field("token"), config: Arc::new(config) }
    }

    /// Returns the server as host and port.
    pub(crate) fn address(&self) -> &str {
        self.server.trim_start_matches("https://").trim_end_matches('/')
    }

    /// Opens a TLS connection.
    pub(crate) fn connect(&self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.address())?;
        let host = self.address().rsplit_once(':').unwrap().0.to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }

    /// Sends one request and returns the answer's status and JSON body.
    pub(crate) fn request(&self, method: &str, path: &str, content: Option<(&str, &Value)>) -> (u16, Value) {
        let (content_type, body) = content.map(|(kind, body)| (kind, body.to_string())).unwrap_or_default();
        let mut stream = self.connect().unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\naccept: application/json\r\n\
             user-agent: somebody-else\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address(),
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = Vec::new();
        // A server that closes without TLS's own goodbye has still said everything.
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => panic!("{error}"),
            _ => {}
        }
        read_answer(&answer)
    }
}

fn read_answer(answer: &[u8]) -> (u16, Value) {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let code = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    (code, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}
