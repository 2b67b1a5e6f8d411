//! A connected cluster: where it is, what it is recognised by, and its requests.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use todo_agent_core::{Cause, ClusterError, reader::Scope, view::ClusterView};
use tokio::sync::OnceCell;

use crate::{
    connect::{self, ConnectOptions},
    digest::hex,
    discovery::Discovered,
    http::{ApiRequest, Http, METADATA, RequestRecord},
    session::forward::{Forward, Forwards},
};

/// A connection to one cluster, pinned to a context and a namespace. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) http: Http,
    pub(crate) scope: Scope,
    authority: Arc<[u8]>,
    identity: Arc<OnceCell<String>>,
    pub(crate) discovered: Arc<OnceCell<Discovered>>,
    pub(crate) forwards: Forwards,
}

impl Cluster {
    /// Connects as the kubeconfig says. Nothing is sent yet.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ClusterError> {
        let connection = connect::connect(options).await?;
        let mut authority = Sha256::new();
        for certificate in &connection.authority {
            authority.update(certificate);
        }
        let scope =
            Scope { context: connection.context, namespace: connection.namespace, server: connection.server.clone() };
        Ok(Self {
            http: Http::new(connection.client, connection.server),
            scope,
            authority: authority.finalize().to_vec().into(),
            identity: Arc::default(),
            discovered: Arc::default(),
            forwards: Forwards::default(),
        })
    }

    /// Talks to a service in this process. `identity` keeps its journal apart from every other's.
    pub fn from_service<S, B>(service: S, scope: Scope, identity: String) -> Self
    where
        S: tower::Service<http::Request<kube::client::Body>, Response = http::Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<tower::BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        let client = kube::Client::new(service, scope.namespace.clone());
        Self {
            http: Http::new(client, scope.server.clone()),
            scope,
            authority: Arc::default(),
            identity: Arc::new(OnceCell::new_with(Some(identity))),
            discovered: Arc::default(),
            forwards: Forwards::default(),
        }
    }

    /// Returns a cluster that is nowhere: whatever is sent there fails, for what must not reach any.
    pub fn nowhere(scope: Scope) -> Self {
        let service = tower::service_fn(|_| async {
            Err::<http::Response<kube::client::Body>, tower::BoxError>("there is no cluster".into())
        });
        Self::from_service(service, scope, "nowhere".to_owned())
    }

    /// Returns the same cluster with another default namespace.
    #[must_use]
    pub fn with_namespace(&self, namespace: &str) -> Self {
        let scope = Scope { namespace: namespace.to_owned(), ..self.scope.clone() };
        Self { scope, ..self.clone() }
    }

    /// Returns what the cluster is recognised by: the uid of kube-system where it may be read, else a hash
    /// of server and CA. A plan or an approval for one cluster is never used on another.
    pub async fn identity(&self) -> Result<String, ClusterError> {
        let found = self.identity.get_or_try_init(|| async {
            let request = ApiRequest::get("/api/v1/namespaces/kube-system", "recognise the cluster").accept(METADATA);
            match self.http.read(request).await {
                Ok(reply) => match reply.body["metadata"]["uid"].as_str() {
                    Some(uid) => Ok(uid.to_owned()),
                    None => Ok(self.address_hash()),
                },
                Err(error) if error.is(Cause::Forbidden) || error.is(Cause::NotFound) => Ok(self.address_hash()),
                Err(error) => Err(error),
            }
        });
        found.await.cloned()
    }

    fn address_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.scope.server.as_bytes());
        hash.update(&self.authority);
        format!("server-{}", &hex(&hash.finalize())[..32])
    }

    /// Returns what a preview says about the cluster.
    pub(crate) async fn view(&self) -> Result<ClusterView, ClusterError> {
        Ok(ClusterView {
            context: self.scope.context.clone(),
            server: self.scope.server.clone(),
            identity: self.identity().await?,
        })
    }

    /// Returns the server's version, for example `v1.37.1`.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let reply = self.http.read(ApiRequest::get("/version", "ask for the version")).await?;
        match reply.body["gitVersion"].as_str() {
            Some(version) => Ok(version.to_owned()),
            None => Err(ClusterError::new(
                Cause::NotKubernetes,
                format!("{} does not answer as the Kubernetes API does", self.scope.server),
            )),
        }
    }

    /// Returns the pinned context, namespace and server.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the ports of this machine that lead into the cluster. They close when the last clone of this
    /// connection is gone.
    pub fn forwards(&self) -> Vec<Forward> {
        self.forwards.open()
    }

    /// Waits until no port of this machine leads into the cluster any more.
    pub async fn forwards_closed(&self) {
        self.forwards.all_closed().await;
    }

    /// Returns the requests sent since the last call.
    pub fn take_requests(&self) -> Vec<RequestRecord> {
        self.http.take_records()
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").field("scope", &self.scope).finish_non_exhaustive()
    }
}
