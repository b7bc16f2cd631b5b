//! The cluster that a subcommand works on.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::failure::Failure;
use crate::kube::client;

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
