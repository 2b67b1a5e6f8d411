//! Serving a sandbox on loopback for kubectl, Helm and any other client: TLS with a certificate of its
//! own, HTTP/1.1 and HTTP/2, and a kubeconfig that knows both.
//!
//! Here simulated time follows the wall clock. Nothing outside the machine can connect, and every request
//! needs one of the tokens in the kubeconfig, which only its owner may read.

mod certificate;
mod kubeconfig;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::api::{Anonymous, ApiServer};
use crate::clock::Pace;
use crate::simulation::Sandbox;

/// How often simulated time follows the wall clock.
const TICK: Duration = Duration::from_millis(20);
/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests may go on after the end was asked for; watches never end by themselves.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The port on 127.0.0.1, 0 for a free one.
    pub port: u16,
    /// Simulated seconds per second.
    pub speed: f64,
    /// A file that gets one JSON line per request.
    pub log: Option<PathBuf>,
    /// The kubeconfig to write; an existing file is replaced.
    pub kubeconfig: PathBuf,
}

/// Why a sandbox cannot be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The port cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(String),
    /// The kubeconfig cannot be written.
    #[error("cannot write the kubeconfig {}: {source}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The request log cannot be written.
    #[error("cannot write the sandbox log {}: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Serves a sandbox until `shutdown` completes. The kubeconfig appears, complete, once clients can
/// connect. Open watches are cut at the end.
///
/// # Errors
/// [`ServeError`] when serving cannot begin.
pub async fn serve(
    sandbox: Sandbox,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut server = ApiServer::new(sandbox.clone()).anonymous(Anonymous::Refused);
    if let Some(path) = &options.log {
        server = server.log_to(path).map_err(|source| ServeError::Log { path: path.clone(), source })?;
    }
    let identity = certificate::identity().map_err(ServeError::Certificate)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let acceptor = TlsAcceptor::from(Arc::new(identity.config));
    let text = kubeconfig::text(&sandbox, bound, &identity.authority);
    kubeconfig::write(&options.kubeconfig, &text)
        .map_err(|source| ServeError::Kubeconfig { path: options.kubeconfig.clone(), source })?;

    sandbox.sleepers().set_pace(Pace::Driver);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    let drive = drive(&sandbox, options.speed);
    tokio::pin!(drive);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            () = &mut drive => {}
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // As Go's servers do: an answer behind the handshake does not wait for its acknowledgement.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, acceptor.clone(), server.clone(), stopped.clone()));
                }
                // Out of file handles, most likely: give connections time to end.
                Err(_) => tokio::time::sleep(TICK).await,
            },
        }
    }
    drop(listener);
    // Every connection has a receiver; none is left when all have ended.
    stop.send_replace(());
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, all_ended).await.is_err() {
        connections.shutdown().await;
    }
    sandbox.sleepers().set_pace(Pace::Sleepers);
    Ok(())
}

/// Lets simulated time follow the wall clock for ever.
async fn drive(sandbox: &Sandbox, speed: f64) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (began, start) = (Instant::now(), sandbox.now());
    loop {
        ticks.tick().await;
        let passed = Duration::try_from_secs_f64(began.elapsed().as_secs_f64() * speed).unwrap_or(Duration::MAX);
        sandbox.advance_to(crate::durations::after(start, passed));
    }
}

/// Serves one connection until it ends or the server does.
async fn connection(stream: TcpStream, acceptor: TlsAcceptor, server: ApiServer, mut stopped: watch::Receiver<()>) {
    // A connection that fails concerns nobody but its client.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(server));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    // The end of a stopped connection needs no report either.
    let _ended = connection.await;
}
