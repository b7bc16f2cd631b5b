//! The cluster that a subcommand works on, and what it answers.

use std::path::{Path, PathBuf};

use clap::Args;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::Status;
use kube::{Client, Config};

use super::failure::Failure;
use crate::kube::{REQUEST_TIMEOUT, WriteError, client};

/// Which cluster, and where in it.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Namespace; absent: that of the kubeconfig
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
}

impl Target {
    /// A client, and the namespace that is meant where an object names none.
    pub(super) async fn connect(&self) -> Result<(Client, String), Failure> {
        let client = connect_also_here(self.kubeconfig.as_deref()).await?;
        let namespace = self.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
        Ok((client, namespace))
    }

    /// The namespace that was asked for.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}

/// Where `hostwright standalone` leaves its kubeconfig when it runs as a service of this machine.
const OF_THIS_MACHINE: &str = "/var/lib/hostwright/kubeconfig";

/// As [`connect`]; where no kubeconfig leads anywhere, for `hostwright standalone` on this machine.
pub(super) async fn connect_also_here(kubeconfig: Option<&Path>) -> Result<Client, Failure> {
    let here =
        if kubeconfig.is_none() { of_this_machine(Path::new(OF_THIS_MACHINE), &Kubeconfig::read()) } else { None };
    connect(kubeconfig.or(here)).await
}

/// This kubeconfig, if it is there and the environment names none. One that is named and cannot be used is an error.
fn of_this_machine<'a>(path: &'a Path, found: &Result<Kubeconfig, KubeconfigError>) -> Option<&'a Path> {
    let is_missing = match found {
        Err(KubeconfigError::FindPath) => true,
        Err(KubeconfigError::ReadConfig(error, _)) => {
            error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("KUBECONFIG").is_none()
        }
        _ => false,
    };
    Some(path).filter(|path| is_missing && path.is_file())
}

/// A client for the cluster of this kubeconfig; without one, for the cluster that `KUBECONFIG`, `~/.kube/config` or the
/// Pod's service account names.
pub(super) async fn connect(kubeconfig: Option<&Path>) -> Result<Client, Failure> {
    let Some(path) = kubeconfig else {
        return client::infer().await.map_err(|error| Failure::failed(error.to_string()));
    };
    let unusable =
        |problem: &dyn std::fmt::Display| Failure::failed(format!("kubeconfig {}: {problem}", path.display()));
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| unusable(&error))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    client::build(config.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))
}

/// Why a request of a person was not carried out.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The API said no.
    Answered(Box<Status>),
    /// Nobody knows.
    Unanswered(String),
}

impl Refusal {
    /// Whether there is no such object.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Answered(status) if status.code == 404)
    }

    /// Whether nothing was changed for certain.
    pub(super) fn is_definite(&self) -> bool {
        matches!(self, Self::Answered(status) if status.code < 500)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered(status) if status.code == 401 => {
                formatter.write_str("the kubeconfig's credentials are refused (401); get a new kubeconfig")
            }
            Self::Answered(status) => formatter.write_str(&status.message),
            Self::Unanswered(problem) => formatter.write_str(problem),
        }
    }
}

impl From<kube::Error> for Refusal {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Answered(status),
            error => Self::Unanswered(WriteError::from(error).to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::failed(refusal.to_string())
    }
}

/// The answer to a request, with everything the API said where it refused.
pub(super) async fn answer<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Refusal> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => {
            let seconds = REQUEST_TIMEOUT.as_secs();
            Err(Refusal::Unanswered(format!("no answer of the Kubernetes API within {seconds} s")))
        }
    }
}

/// As [`answer`]; None where there is no such object.
pub(super) async fn found<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<Option<T>, Refusal> {
    match answer(request).await {
        Ok(found) => Ok(Some(found)),
        Err(refusal) if refusal.is_absent() => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kubeconfig_of_this_machine_counts_only_where_no_other_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        let missing = Err(KubeconfigError::FindPath);
        assert_eq!(of_this_machine(&path, &missing), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(of_this_machine(&path, &missing), Some(path.as_path()));
        assert_eq!(of_this_machine(&path, &Ok(Kubeconfig::default())), None);
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert_eq!(of_this_machine(&path, &Err(KubeconfigError::ReadConfig(denied, path.clone()))), None);
    }
}
