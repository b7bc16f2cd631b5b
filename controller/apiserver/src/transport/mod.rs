//! The socket: who may connect, how many, and how long each may take.
//!
//! One port speaks HTTP and HTTPS. kubectl never sends a token over plain HTTP (client-go drops credentials for insecure
//! servers), so the kubeconfig names an HTTPS address; on this machine other clients may speak either.

mod connection;
mod greeting;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;

/// How long to wait after a connection could not be accepted: most likely the process has no file descriptors left.
const RECOVERY: Duration = Duration::from_millis(100);

/// Serves the router on a listening socket until `shutdown` is done and the requests that had begun are answered.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    limits: &Limits,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    // Tokens cross the network in TLS only, so plain HTTP is for this machine alone.
    let plain = listener.local_addr()?.ip().is_loopback();
    let acceptor = TlsAcceptor::from(tls);
    let ending = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(_) if connections.len() >= limits.connections => {
                if !full {
                    tracing::warn!(limit = limits.connections, "too many connections; further ones are closed at once");
                }
                full = true;
            }
            Ok((stream, _)) => {
                full = false;
                let (acceptor, router, limits, ending) =
                    (acceptor.clone(), router.clone(), limits.clone(), ending.clone());
                connections.spawn(async move {
                    let greeted = tokio::time::timeout(limits.handshake, greeting::greet(stream, &acceptor, plain));
                    match greeted.await {
                        Ok(Ok(stream)) => connection::converse(stream, router, &limits, ending).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a connection came to nothing"),
                        Err(_) => tracing::debug!("a connection said nothing in time"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(RECOVERY).await;
            }
        }
    }
    drop(listener);
    ending.cancel();
    while connections.join_next().await.is_some() {}
    Ok(())
}
