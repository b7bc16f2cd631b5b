//! The embedded Kubernetes API of this machine: its data, its credentials, and the ways to it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hostwright_apiserver::{Config, Credentials, Server, Token};
use http::HeaderValue;
use http::header::USER_AGENT;
use kube::Client;
use tokio::net::TcpListener;
use tower::util::MapRequestLayer;

use super::super::failure::Failure;
use super::super::kubeconfig;
use super::SERVICES_NAMESPACE;

/// The API, open.
pub(super) struct Api {
    server: Server,
    credentials: Credentials,
    kubeconfig: PathBuf,
}

impl Api {
    /// Opens what the folder holds; a new folder is made, for its owner alone.
    ///
    /// The token itself is only in the kubeconfig. Where that is lost, a new one takes its place.
    pub(super) fn open(data: &Path, kubeconfig: &Path, beyond_loopback: bool) -> Result<Self, Failure> {
        let mut credentials = Credentials::open(data).map_err(|error| unusable(&error))?;
        let token = match kubeconfig::token_in(kubeconfig).filter(|secret| credentials.token().accepts(secret)) {
            Some(secret) => Token::from(secret),
            None => new_token(&mut credentials, kubeconfig),
        };
        let config = Config {
            token: Some(token),
            authority: Some(credentials.authority().clone()),
            beyond_loopback,
            // Nobody asks, for years.
            remembered_requests: 0,
            ..Config::default()
        };
        let server = Server::open(data, config).map_err(|error| unusable(&error))?;
        Ok(Self { server, credentials, kubeconfig: kubeconfig.to_owned() })
    }

    /// A client within this process: it needs no socket and no token, and nobody listens in.
    pub(super) fn client(&self) -> Client {
        let agent = HeaderValue::from_static(concat!("hostwright/", env!("CARGO_PKG_VERSION")));
        let router = self.server.trusted_router().layer(MapRequestLayer::new(move |mut request: http::Request<_>| {
            request.headers_mut().insert(USER_AGENT, agent.clone());
            request
        }));
        Client::new(router, SERVICES_NAMESPACE)
    }

    /// Writes what clients outside of this process need, with the namespace of services as the default; then their token
    /// counts.
    pub(super) fn write_kubeconfig(&self, address: SocketAddr) -> Result<(), Failure> {
        let text = self.server.kubeconfig(address).map_err(|error| Failure::failed(error.to_string()))?;
        kubeconfig::File::write(Some(&self.kubeconfig), &kubeconfig::in_namespace(&text, SERVICES_NAMESPACE)?)?;
        self.credentials.keep_token().map_err(|error| unusable(&error))
    }

    /// Ends the use of the data folder: all that was answered is in it, and another process may open it.
    pub(super) async fn close(&self) {
        self.server.close().await;
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
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

fn new_token(credentials: &mut Credentials, kubeconfig: &Path) -> Token {
    let is_first = credentials.token().secret().is_some();
    if !is_first {
        let file = kubeconfig.display();
        tracing::warn!(%file, "the token of the API is not in this kubeconfig: a new one is made, and the old one ends");
        credentials.renew_token();
    }
    credentials.token().clone()
}

fn unusable(error: &dyn std::error::Error) -> Failure {
    Failure::failed(format!("the data folder cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The token that the kubeconfig holds after a start.
    async fn token_after_a_start(data: &Path, kubeconfig: &Path) -> String {
        let api = Api::open(data, kubeconfig, false).unwrap();
        api.write_kubeconfig(([127, 0, 0, 1], 7443).into()).unwrap();
        api.close().await;
        kubeconfig::token_in(kubeconfig).unwrap()
    }

    #[tokio::test]
    async fn the_token_stays_the_same_until_its_kubeconfig_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (data, kubeconfig) = (folder.path().join("data"), folder.path().join("kubeconfig"));
        let first = token_after_a_start(&data, &kubeconfig).await;
        assert_eq!(token_after_a_start(&data, &kubeconfig).await, first);
        fs::remove_file(&kubeconfig).unwrap();
        let second = token_after_a_start(&data, &kubeconfig).await;
        assert_ne!(second, first);
        assert_eq!(token_after_a_start(&data, &kubeconfig).await, second);
        // That of another API, or of an earlier one.
        fs::write(&kubeconfig, fs::read_to_string(&kubeconfig).unwrap().replace(&second, &first)).unwrap();
        let third = token_after_a_start(&data, &kubeconfig).await;
        assert!(third != first && third != second);
    }

    #[tokio::test]
    async fn a_start_that_failed_before_the_kubeconfig_was_written_leaves_a_token_for_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let (data, kubeconfig) = (folder.path().join("data"), folder.path().join("kubeconfig"));
        Api::open(&data, &kubeconfig, false).unwrap().close().await;
        token_after_a_start(&data, &kubeconfig).await;
    }
}
