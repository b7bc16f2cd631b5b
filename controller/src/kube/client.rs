//! The client of the Kubernetes API, and the time limit of each request.

use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{InClusterError, KubeConfigOptions, KubeconfigError};
use kube::{Client, Config};

use super::WriteError;

/// The longest that one request may take. The client itself has no read timeout, since watches share it.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Neither a kubeconfig nor a Pod's service account leads anywhere.
    #[error(
        "found no Kubernetes cluster: name its kubeconfig by --kubeconfig or KUBECONFIG, or run inside one; kubeconfig: \
         {kubeconfig}; Pod: {in_cluster}"
    )]
    NoCluster {
        /// What is wrong with the kubeconfig.
        kubeconfig: KubeconfigError,
        /// Why this is no Pod.
        in_cluster: InClusterError,
    },
    /// The settings that were found cannot be used.
    #[error("cannot use the {source_name}: {problem}")]
    Unusable {
        /// Where they are from.
        source_name: &'static str,
        /// What is wrong with them.
        problem: kube::Error,
    },
}

/// A client for the cluster that the environment names: a kubeconfig if there is one, else that of the Pod this runs in.
///
/// # Errors
/// When there is neither, or it cannot be used.
pub async fn infer() -> Result<Client, ClientError> {
    let (config, source_name) = match Config::from_kubeconfig(&KubeConfigOptions::default()).await {
        Ok(config) => (config, "kubeconfig"),
        Err(kubeconfig) => match Config::incluster() {
            Ok(config) => {
                tracing::info!(because = %kubeconfig, "using no kubeconfig");
                (config, "service account of the Pod")
            }
            Err(in_cluster) => return Err(ClientError::NoCluster { kubeconfig, in_cluster }),
        },
    };
    let (cluster, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
    let client = build(config).map_err(|problem| ClientError::Unusable { source_name, problem })?;
    tracing::info!(from = source_name, cluster, namespace, "using this Kubernetes API");
    Ok(client)
}

/// A client with these settings, that says who it is and sends nothing twice.
///
/// It has no retries of its own: a write repeated blindly meets its own first attempt, every write here is fenced and
/// every reader backs off already, and a retry inside a call would hold a reconcile's place for minutes.
///
/// # Errors
/// When the settings cannot be used: certificates, proxy, credentials.
pub fn build(mut config: Config) -> Result<Client, kube::Error> {
    config.default_retry = false;
    let agent = HeaderValue::from_static(concat!("hostwright/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    Client::try_from(config)
}

/// A request that is given up after [`REQUEST_TIMEOUT`]. Every request goes through here.
///
/// # Errors
/// [`WriteError::Unanswered`] when it was given up: it may still land.
pub async fn bounded<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, WriteError> {
    bounded_by(REQUEST_TIMEOUT, request).await
}

/// A request that is given up after this long.
pub(super) async fn bounded_by<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, WriteError> {
    match tokio::time::timeout(limit, request).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => Err(WriteError::Unanswered(format!("no answer within {} s", limit.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_is_given_up_and_may_have_landed() {
        let start = tokio::time::Instant::now();
        let error = bounded(std::future::pending::<Result<(), kube::Error>>()).await.unwrap_err();
        assert_eq!(error, WriteError::Unanswered("no answer within 30 s".to_owned()));
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
