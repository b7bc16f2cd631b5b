//! The embedded Kubernetes API of this machine: its data, its credentials, and the ways to it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use hostwright_apiserver::{Config, Server};
use http::HeaderValue;
use http::header::{AUTHORIZATION, USER_AGENT};
use kube::Client;
use tokio::net::TcpListener;
use tower::util::MapRequestLayer;

use super::super::failure::Failure;
use super::super::kubeconfig;
use super::SERVICES_NAMESPACE;

/// The API, open.
pub(super) struct Api {
    server: Server,
    token: String,
}

impl Api {
    /// Opens what the folder holds; a new folder is made, for its owner alone.
    pub(super) fn open(data: &Path) -> Result<Self, Failure> {
        make_private(data)
            .map_err(|error| Failure::failed(format!("--data-dir {}: cannot be made: {error}", data.display())))?;
        let token = format!("{:032x}", rand::random::<u128>());
        let server = Server::new(Config { token: Some(token.as_str().into()), ..Config::default() });
        Ok(Self { server, token })
    }

    /// A client within this process: it needs no socket, and nobody listens in.
    pub(super) fn client(&self) -> Client {
        let agent = HeaderValue::from_static(concat!("hostwright/", env!("CARGO_PKG_VERSION")));
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token)).ok();
        let router = self.server.router().layer(MapRequestLayer::new(move |mut request: http::Request<_>| {
            request.headers_mut().insert(USER_AGENT, agent.clone());
            if let Some(bearer) = &bearer {
                request.headers_mut().insert(AUTHORIZATION, bearer.clone());
            }
            request
        }));
        Client::new(router, SERVICES_NAMESPACE)
    }

    /// What clients outside of this process need, with the namespace of services as the default.
    pub(super) fn kubeconfig(&self, address: SocketAddr) -> Result<String, Failure> {
        let text = self.server.kubeconfig(address).map_err(|error| Failure::failed(error.to_string()))?;
        kubeconfig::in_namespace(&text, SERVICES_NAMESPACE)
    }

    /// Serves it on a socket until `stop` is done.
    pub(super) fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = std::io::Result<()>> + Send + 'static {
        let server = self.server.clone();
        async move { server.serve(listener, stop).await }
    }
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
