//! The world of the demo: a Kubernetes API, a game panel and the controller, each as it would be met over the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostwright_apiserver::Server;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::super::builtins;
use super::super::failure::Failure;
use super::super::kubeconfig;
use super::manifests::{self, Manifests};
use crate::clock::SystemClock;
use crate::context::Settings;
use crate::kube::{InstallationError, Leadership, client};
use crate::manager::{self, Options};

/// The installation id: remotes are called `demo.customers.alice-survival`.
const INSTALLATION: &str = "demo";
const CREDENTIALS_NAMESPACE: &str = "hostwright-system";
/// The namespace of the services, which kubectl uses where none is named.
const NAMESPACE: &str = "customers";
/// How long open connections are waited for in the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where everything listens; port 0 is any free one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) api: SocketAddr,
    /// Absent: where the manifests say that the panel is, or any free port where that is taken.
    pub(super) panel: Option<SocketAddr>,
}

/// All of it, running.
pub(super) struct World {
    pub(super) client: Client,
    pub(super) kubeconfig: kubeconfig::File,
    pub(super) api: SocketAddr,
    pub(super) panel: Panel,
    controller: JoinHandle<Result<(), InstallationError>>,
    stop_controller: CancellationToken,
    servers: JoinSet<std::io::Result<()>>,
    stop_servers: CancellationToken,
}

/// Where the panel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panel {
    pub(super) address: SocketAddr,
    /// Where the manifests of the quick start say it is, when that was changed.
    pub(super) instead_of: Option<SocketAddr>,
}

impl World {
    /// Starts everything, and applies the quick start.
    pub(super) async fn start(addresses: Addresses, wanted_kubeconfig: Option<&Path>) -> Result<Self, Failure> {
        let mut manifests = Manifests::read()?;
        let (panel_listener, panel) = panel_listener(addresses.panel, written(&manifests)).await?;
        let api_listener = listen(addresses.api, "--listen").await?;
        let api = address_of(&api_listener)?;
        if panel.instead_of.is_some() {
            manifests.set_panel_url(&format!("http://{}", panel.address));
        }

        let stop_servers = CancellationToken::new();
        let mut servers = JoinSet::new();
        servers.spawn(serve_panel(panel_listener, stop_servers.clone()));
        let token = Some(hostwright_apiserver::Token::generate());
        let server = Server::new(hostwright_apiserver::Config { token, ..hostwright_apiserver::Config::default() });
        let text = server.kubeconfig(api).map_err(|error| Failure::failed(error.to_string()))?;
        let text = kubeconfig::in_namespace(&text, NAMESPACE)?;
        let stopped = stop_servers.clone().cancelled_owned();
        servers.spawn(async move { server.serve(api_listener, stopped).await });

        let kubeconfig = kubeconfig::File::write(wanted_kubeconfig, &text)?;
        let client = connect(&text).await?;
        manifests::install_definitions(&client).await?;
        manifests.create(&client).await?;
        let stop_controller = CancellationToken::new();
        let controller = tokio::spawn(manager::run(client.clone(), options()?, stop_controller.clone()));
        Ok(Self { client, kubeconfig, api, panel, controller, stop_controller, servers, stop_servers })
    }

    /// Done when the controller or a server ends by itself, with the reason.
    pub(super) async fn failure(&mut self) -> Failure {
        tokio::select! {
            ended = &mut self.controller => Failure::failed(match ended {
                Ok(Ok(())) => "the controller ended by itself".to_owned(),
                Ok(Err(error)) => format!("the controller cannot run: {error}"),
                Err(error) => format!("the controller broke: {error}"),
            }),
            ended = self.servers.join_next() => Failure::failed(match ended {
                Some(Ok(Err(error))) => format!("a server of the demo failed: {error}"),
                _ => "a server of the demo ended by itself".to_owned(),
            }),
        }
    }

    /// Ends the controller first, so that nothing it is doing is cut off, then the rest.
    pub(super) async fn stop(mut self) {
        self.stop_controller.cancel();
        if !self.controller.is_finished() {
            // How it ended is of no interest any more.
            let _ = self.controller.await;
        }
        self.stop_servers.cancel();
        let ended = async { while self.servers.join_next().await.is_some() {} };
        // A client that keeps its connection open loses it.
        let _ = tokio::time::timeout(FAREWELL, ended).await;
    }
}

fn options() -> Result<Options, Failure> {
    Ok(Options {
        settings: Settings {
            installation: INSTALLATION.to_owned(),
            credentials_namespace: CREDENTIALS_NAMESPACE.to_owned(),
        },
        plugins: builtins::plugins()?,
        clock: Arc::new(SystemClock),
        leadership: Leadership::always(),
        process: Some("hostwright-demo".to_owned()),
    })
}

async fn serve_panel(listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let panel = demo_panel::Panel::new(demo_panel::Config::default());
    // Two nodes of 8 GiB: room for what the quick start orders, and for what a person tries next.
    panel.seed_demo();
    panel.seed_demo();
    let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn connect(kubeconfig: &str) -> Result<Client, Failure> {
    let unusable = |problem: String| Failure::failed(format!("the embedded API cannot be reached: {problem}"));
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).map_err(|error| unusable(error.to_string()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    client::build(config.map_err(|error| unusable(error.to_string()))?).map_err(|error| unusable(error.to_string()))
}

/// Where the manifests say that the panel is.
fn written(manifests: &Manifests) -> Option<SocketAddr> {
    manifests.panel_url()?.strip_prefix("http://")?.parse().ok()
}

async fn panel_listener(
    wanted: Option<SocketAddr>,
    written: Option<SocketAddr>,
) -> Result<(TcpListener, Panel), Failure> {
    let listener = match (wanted, written) {
        (Some(wanted), _) => listen(wanted, "--panel-listen").await?,
        (None, Some(written)) => match TcpListener::bind(written).await {
            Ok(listener) => listener,
            Err(_taken) => listen(any_port(), "--panel-listen").await?,
        },
        (None, None) => listen(any_port(), "--panel-listen").await?,
    };
    let address = address_of(&listener)?;
    let instead_of = written.filter(|written| *written != address);
    Ok((listener, Panel { address, instead_of }))
}

/// Any free port of this machine alone.
pub(super) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!(
            "{option} {address}: cannot listen: {error}; name another port, or none for any free one"
        ))
    })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::failed(format!("a listening socket has no address: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_panel_moves_where_its_written_address_is_taken_and_says_so() {
        let taken = TcpListener::bind(any_port()).await.unwrap();
        let written = taken.local_addr().unwrap();
        let (_listener, panel) = panel_listener(None, Some(written)).await.unwrap();
        assert_ne!(panel.address, written);
        assert_eq!(panel.instead_of, Some(written));
    }

    #[tokio::test]
    async fn an_address_that_was_asked_for_is_taken_or_refused() {
        let taken = TcpListener::bind(any_port()).await.unwrap();
        let failure = panel_listener(Some(taken.local_addr().unwrap()), None).await.unwrap_err();
        assert!(failure.message().unwrap().starts_with("--panel-listen 127.0.0.1:"), "{failure:?}");
    }

    #[test]
    fn the_manifests_say_where_the_panel_is() {
        assert!(written(&Manifests::read().unwrap()).is_some_and(|address| address.ip().is_loopback()));
    }
}
