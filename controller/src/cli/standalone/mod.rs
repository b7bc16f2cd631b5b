//! `hostwright standalone`: a durable Kubernetes API and the controller in one process, for one machine without a
//! cluster.

mod address;
mod api;
mod folder;
mod foundation;
mod greeting;
mod installation;
mod notify;
mod voice;
mod world;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use hostwright_crds::Duration;
use kube::Client;

use super::failure::Failure;
use super::output::Output;
use super::progress::Progress;
use super::{kubeconfig, signal};
use crate::telemetry::logging;
use address::Address;
use api::Api;
use folder::Folder;
pub(super) use foundation::lay;
use voice::Voice;
use world::World;

/// Where the controller keeps Secrets with credentials and the installation's record.
const CREDENTIALS_NAMESPACE: &str = "hostwright-system";
/// Where services are when nobody says otherwise.
const SERVICES_NAMESPACE: &str = "customers";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of everything that is kept; made where it is missing
    #[arg(long, value_name = "DIR", env = "HOSTWRIGHT_DATA_DIR")]
    data_dir: PathBuf,
    /// Address of the Kubernetes API; absent: the one it had last, at the first start a free port of this machine alone
    #[arg(long, value_name = "127.0.0.1:PORT", env = "HOSTWRIGHT_LISTEN")]
    listen: Option<SocketAddr>,
    /// Write the kubeconfig to this file; absent: to the file kubeconfig in the data folder
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Name of this installation, such as prod-eu: the first part of every remote's id. Needed at the first start; it
    /// never changes, and no other installation that uses the same panels has it
    #[arg(long, value_name = "NAME", env = "HOSTWRIGHT_INSTALLATION_ID", value_parser = installation::parse)]
    installation_id: Option<String>,
    /// Folder of YAML files to apply, now and whenever one changes; nothing is deleted
    #[arg(long, value_name = "DIR", env = "HOSTWRIGHT_MANIFESTS")]
    manifests: Option<PathBuf>,
    /// Delete what the folder had applied and no file in it asks for any more. A deleted HostingService ends a server
    #[arg(long, requires = "manifests")]
    prune: bool,
    /// How long everything in the folder has to be unchanged before anything is deleted
    #[arg(long, value_name = "DURATION", default_value = "1m", requires = "prune")]
    prune_after: Duration,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    // A person is shown what happens; the log is there for those who ask.
    let watched = std::io::stderr().is_terminal();
    let logging = match (output.is_terminal(), watched) {
        (true, _) => logging::init_beside_a_display(),
        (false, true) => logging::init(logging::Format::Human, None),
        (false, false) => logging::init(logging::Format::Json, None),
    };
    logging.map_err(|error| Failure::usage(error.to_string()))?;
    let finished = stand(arguments, output).await;
    if let Err(failure) = &finished
        && let Some(error) = failure.message()
        && !watched
    {
        tracing::error!(error, "cannot run");
        return Err(failure.as_logged());
    }
    finished
}

async fn stand(mut arguments: Arguments, output: &Output) -> Result<(), Failure> {
    arguments.data_dir = absolute("--data-dir", &arguments.data_dir)?;
    let kubeconfig = match &arguments.kubeconfig {
        Some(path) => absolute("--kubeconfig", path)?,
        None => arguments.data_dir.join("kubeconfig"),
    };
    kubeconfig::may_be_replaced(&kubeconfig)?;
    let address = Address::read(&arguments.data_dir, arguments.listen)?;
    let api = Api::open(&arguments.data_dir, &kubeconfig, address.is_beyond_loopback())?;
    let client = api.client();
    let installation = installation::settle(&client, arguments.installation_id.clone(), output).await?;
    let shutdown = signal::stop_on_signal();
    foundation::lay(&client).await?;
    let listener = address.listen().await?;
    let folder = folder(&arguments, &client, output)?;
    let mut world = World::start(api, listener, &installation, folder)?;
    greeting::say(&world, &arguments, output)?;
    notify::ready();
    let ended = tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        failure = world.failure() => Err(failure),
        failure = show(&client, output) => Err(failure),
    };
    if output.is_terminal() {
        output.line("\nStopping.")?;
    }
    notify::stopping();
    world.stop().await;
    tracing::info!("stopped");
    ended
}

/// Shows a person what becomes of the services.
async fn show(client: &Client, output: &Output) -> Failure {
    if !output.is_terminal() {
        std::future::pending::<()>().await;
    }
    let mut progress = Progress::from_now_on(client, output);
    loop {
        if let Err(failure) = progress.next_change().await {
            return failure;
        }
    }
}

fn absolute(option: &str, path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::usage(format!("{option} {}: {error}", path.display())))
}

fn folder(arguments: &Arguments, client: &Client, output: &Output) -> Result<Option<Folder>, Failure> {
    let prune_after = arguments.prune.then(|| arguments.prune_after.get());
    let open = |path: &PathBuf| {
        Folder::new(path, client, prune_after, Voice::of(*output))
            .map_err(|error| Failure::usage(format!("--manifests {}: {error}", path.display())))
    };
    arguments.manifests.as_ref().map(open).transpose()
}
