//! A small HTTPS client for what a test does to a cluster behind the program's back, and for proxies that
//! stand between the program and a cluster.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde_json::Value;

/// What a kubeconfig says of how to reach its cluster.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) server: String,
    /// Empty where a client certificate says who asks.
    pub(crate) token: String,
    /// The authority that the server's certificate is from, as a kubeconfig has it.
    pub(crate) authority: String,
    config: Arc<ClientConfig>,
}

impl Access {
    /// Reads a kubeconfig's current context.
    pub(crate) fn of(kubeconfig: &str) -> Self {
        Self::of_context(kubeconfig, None)
    }

    /// Reads a context of a kubeconfig, the current one where none is named. Knows tokens and client
    /// certificates; a kubeconfig that starts a program to get its credentials is refused.
    pub(crate) fn of_context(kubeconfig: &str, context: Option<&str>) -> Self {
        let config: Value = serde_saphyr::from_str(kubeconfig).unwrap();
        let named = |list: &str, field: &str, name: &str| {
            let entries = config[list].as_array().cloned().unwrap_or_default();
            let entry = entries.into_iter().find(|entry| entry["name"] == name);
            entry.unwrap_or_else(|| panic!("the kubeconfig has no {field} {name:?}"))[field].clone()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let current = text(&config["current-context"]);
        let context = named("contexts", "context", context.unwrap_or(&current));
        let cluster = named("clusters", "cluster", &text(&context["cluster"]));
        let user = named("users", "user", &text(&context["user"]));
        assert!(user["exec"].is_null(), "the tests cannot use credentials that a program gives out");
        let authority = data(&cluster, "certificate-authority").expect("a cluster with a certificate authority");
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&authority) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match (data(&user, "client-certificate"), data(&user, "client-key")) {
            (Some(certificate), Some(key)) => {
                let chain = CertificateDer::pem_slice_iter(&certificate).map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&key).unwrap()).unwrap()
            }
            _ => builder.with_no_client_auth(),
        };
        Self {
            server: text(&cluster["server"]),
            token: text(&user["token"]),
            authority: BASE64.encode(authority),
            config: Arc::new(config),
        }
    }

    /// Returns a kubeconfig for somebody with a token on the same cluster.
    pub(crate) fn kubeconfig_for(&self, token: &str, namespace: &str) -> String {
        let authority = format!("certificate-authority-data: {}", self.authority);
        super::hostile::kubeconfig(&self.server, &authority)
            .replace("not-a-secret", token)
            .replace("user: test}", &format!("user: test, namespace: {namespace}}}"))
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
    #[track_caller]
    pub(crate) fn request(&self, method: &str, path: &str, content: Option<(&str, &Value)>) -> (u16, Value) {
        self.try_request(method, path, content).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends one request to a server that may be away.
    pub(crate) fn try_request(
        &self,
        method: &str,
        path: &str,
        content: Option<(&str, &Value)>,
    ) -> io::Result<(u16, Value)> {
        let (content_type, body) = content.map(|(kind, body)| (kind, body.to_string())).unwrap_or_default();
        let mut stream = self.connect()?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{}accept: application/json\r\n\
             user-agent: somebody-else\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address(),
            self.authorization(),
            body.len()
        )?;
        let mut answer = Vec::new();
        // A server that closes without TLS's own goodbye has still said everything.
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
        if answer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(read_answer(&answer))
    }

    /// Returns the header line that says who asks; none where the connection does.
    fn authorization(&self) -> String {
        if self.token.is_empty() { String::new() } else { format!("authorization: Bearer {}\r\n", self.token) }
    }
}

/// Returns what a kubeconfig holds under a name: in itself, or in a file that it names.
fn data(entry: &Value, name: &str) -> Option<Vec<u8>> {
    if let Some(encoded) = entry[format!("{name}-data")].as_str() {
        return Some(BASE64.decode(encoded).unwrap());
    }
    entry[name].as_str().map(|path| std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}")))
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
