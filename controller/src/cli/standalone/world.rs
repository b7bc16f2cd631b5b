//! What runs: the API and the controller.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::builtins;
use super::super::failure::Failure;
use super::CREDENTIALS_NAMESPACE;
use super::api::Api;
use super::folder::Folder;
use crate::clock::SystemClock;
use crate::context::Settings;
use crate::kube::{InstallationError, Leadership};
use crate::manager::{self, Options};

/// How long open connections are waited for in the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everything, running.
pub(super) struct World {
    pub(super) installation: String,
    pub(super) address: SocketAddr,
    pub(super) kubeconfig: PathBuf,
    controller: JoinHandle<Result<(), InstallationError>>,
    stop_controller: CancellationToken,
    folder: JoinHandle<Infallible>,
    serving: JoinHandle<std::io::Result<()>>,
    stop_serving: CancellationToken,
    api: Api,
}

impl World {
    /// Serves the API on the socket, writes the kubeconfig, and starts the controller.
    pub(super) fn start(
        api: Api,
        listener: TcpListener,
        installation: &str,
        folder: Option<Folder>,
    ) -> Result<Self, Failure> {
        let address = listener.local_addr();
        let address = address.map_err(|error| Failure::failed(format!("the socket has no address: {error}")))?;
        api.write_kubeconfig(address)?;
        let (stop_controller, stop_serving) = (CancellationToken::new(), CancellationToken::new());
        let client = api.client();
        let options = options(installation)?;
        Ok(Self {
            installation: installation.to_owned(),
            address,
            kubeconfig: api.kubeconfig().to_owned(),
            serving: tokio::spawn(api.serve(listener, stop_serving.clone().cancelled_owned())),
            stop_serving,
            controller: tokio::spawn(manager::run(client, options, stop_controller.clone())),
            stop_controller,
            api,
            folder: tokio::spawn(async move {
                match folder {
                    Some(folder) => folder.keep_applied().await,
                    None => std::future::pending().await,
                }
            }),
        })
    }

    /// Done when the controller or the API ends by itself, with the reason.
    pub(super) async fn failure(&mut self) -> Failure {
        tokio::select! {
            ended = &mut self.controller => Failure::failed(match ended {
                Ok(Ok(())) => "the controller ended by itself".to_owned(),
                Ok(Err(error)) => format!("the controller cannot run: {error}"),
                Err(error) => format!("the controller broke: {error}"),
            }),
            ended = &mut self.folder => Failure::failed(match ended {
                Ok(never) => match never {},
                Err(error) => format!("the folder of manifests broke: {error}"),
            }),
            ended = &mut self.serving => Failure::failed(match ended {
                Ok(Ok(())) => "the API ended by itself".to_owned(),
                Ok(Err(error)) => format!("the API failed: {error}"),
                Err(error) => format!("the API broke: {error}"),
            }),
        }
    }

    /// Ends the controller first, so that nothing it is doing is cut off, then the API.
    pub(super) async fn stop(self) {
        self.folder.abort();
        self.stop_controller.cancel();
        if !self.controller.is_finished() {
            // How it ended is of no interest any more.
            let _ = self.controller.await;
        }
        self.stop_serving.cancel();
        if !self.serving.is_finished() {
            // A client that keeps its connection open loses it.
            let _ = tokio::time::timeout(FAREWELL, self.serving).await;
        }
        self.api.close().await;
    }
}

fn options(installation: &str) -> Result<Options, Failure> {
    Ok(Options {
        settings: Settings {
            installation: installation.to_owned(),
            credentials_namespace: CREDENTIALS_NAMESPACE.to_owned(),
        },
        plugins: builtins::plugins()?,
        clock: Arc::new(SystemClock),
        leadership: Leadership::always(),
        process: Some("hostwright-standalone".to_owned()),
    })
}
