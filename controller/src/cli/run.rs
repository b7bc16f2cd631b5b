//! `hostwright run`: the controller against a Kubernetes cluster.

mod identity;
mod prerequisites;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgAction, Args};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::{builtins, cluster, signal};
use crate::clock::SystemClock;
use crate::context::Settings;
use crate::kube::{Leadership, check_installation_id, lease};
use crate::manager::{self, Options};
use crate::telemetry::logging;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, or the Pod's service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Name of this installation, such as prod-eu: the first part of every remote's id. It never changes, and no other
    /// cluster that uses the same panels has it
    #[arg(long, value_name = "NAME", env = "HOSTWRIGHT_INSTALLATION_ID", value_parser = installation_id)]
    installation_id: String,
    /// Namespace of the controller: Secrets with credentials, the installation's record, the lease
    #[arg(long, value_name = "NAMESPACE", env = "HOSTWRIGHT_CREDENTIALS_NAMESPACE")]
    credentials_namespace: String,
    /// Share the work with other replicas: only the one that holds the lease acts
    #[arg(
        long, env = "HOSTWRIGHT_LEADER_ELECT", action = ArgAction::Set, default_value_t = true, default_missing_value = "true",
        num_args = 0..=1, require_equals = true, value_name = "true|false"
    )]
    leader_elect: bool,
    /// The same as --leader-elect=false: this is the only process
    #[arg(long, conflicts_with = "leader_elect")]
    no_leader_elect: bool,
    /// What this process calls itself in events and in the lease; absent: made of host name and process id
    #[arg(long, value_name = "NAME", env = "HOSTWRIGHT_POD_NAME")]
    pod_name: Option<String>,
}

fn installation_id(text: &str) -> Result<String, String> {
    check_installation_id(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    logging::init(logging::Format::Json, None).map_err(|error| Failure::usage(error.to_string()))?;
    let finished = control(arguments).await;
    if let Err(failure) = &finished
        && let Some(error) = failure.message()
    {
        tracing::error!(error, "the controller cannot run");
        return Err(Failure::logged());
    }
    finished
}

async fn control(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { kubeconfig, installation_id, credentials_namespace, leader_elect, no_leader_elect, pod_name } =
        arguments;
    let shutdown = signal::stop_on_signal();
    let client = cluster::connect(kubeconfig.as_deref()).await?;
    let plugins = builtins::plugins()?;
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, installation = installation_id, namespace = credentials_namespace, "starting");

    let ready = shutdown.run_until_cancelled(prerequisites::wait(&client, &credentials_namespace)).await;
    let Some(ready) = ready else { return Ok(()) };
    ready?;

    let process = pod_name.unwrap_or_else(identity::of_this_process);
    let clock = Arc::new(SystemClock);
    let ended = CancellationToken::new();
    let (leadership, election) = if leader_elect && !no_leader_elect {
        identity::free_the_lease_of_the_dead(&client, &credentials_namespace, lease::NAME).await;
        let (leadership, election) =
            lease::run(client.clone(), &credentials_namespace, lease::NAME, &process, clock.clone(), ended.clone());
        (leadership, Some(election))
    } else {
        (Leadership::always(), None)
    };
    let settings = Settings { installation: installation_id, credentials_namespace };
    let options = Options { settings, plugins, clock, leadership, process: Some(process) };
    let finished = manager::run(client, options, shutdown).await;
    // The lease is given back only after the last pass has ended.
    ended.cancel();
    end_of(election).await;
    finished.map_err(|error| Failure::failed(error.to_string()))?;
    tracing::info!("stopped");
    Ok(())
}

async fn end_of(election: Option<JoinHandle<()>>) {
    let Some(election) = election else { return };
    if let Err(error) = election.await {
        tracing::warn!(%error, "the leader election did not end as it should; the lease will run out by itself");
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Arguments as CommandLine, Command};
    use super::*;

    fn parsed(more: &[&str]) -> Result<Arguments, clap::Error> {
        let fixed = ["hostwright", "run", "--credentials-namespace", "hostwright-system"];
        CommandLine::try_parse_from(fixed.iter().chain(more)).map(|line| match line.command {
            Command::Run(arguments) => arguments,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn an_installation_id_that_cannot_be_is_refused_before_anything_starts() {
        let error = parsed(&["--installation-id", "Prod.EU"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("lower-case letters, digits and dashes"), "{error}");
    }

    #[test]
    fn leader_election_is_on_unless_it_is_turned_off() {
        let elects = |more: &[&str]| {
            let arguments = parsed(&[&["--installation-id", "prod-eu"], more].concat()).unwrap();
            arguments.leader_elect && !arguments.no_leader_elect
        };
        assert!(elects(&[]));
        assert!(elects(&["--leader-elect"]));
        assert!(!elects(&["--leader-elect=false"]));
        assert!(!elects(&["--no-leader-elect"]));
    }
}
