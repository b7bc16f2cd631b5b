//! Waiting for what the controller cannot do without: the kinds, and its own namespace.

use std::collections::BTreeSet;
use std::time::Duration;

use hostwright_crds::{GROUP, VERSION, manifests};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::super::failure::Failure;
use crate::kube::{WriteError, bounded};

const ASK_EVERY: Duration = Duration::from_secs(2);

/// Waits until the cluster serves every kind and has the namespace, and says what it is waiting for whenever that changes.
///
/// # Errors
/// When the cluster refuses to answer: asking again would not help.
pub(super) async fn wait(client: &Client, namespace: &str) -> Result<(), Failure> {
    let mut said = None;
    loop {
        let problem = match missing(client, namespace).await {
            Ok(None) => return Ok(()),
            Ok(Some(problem)) => problem,
            Err(WriteError::Refused(problem)) => {
                return Err(Failure::failed(format!("the Kubernetes API refuses to say what it serves: {problem}")));
            }
            Err(problem) => problem.to_string(),
        };
        if said.as_ref() != Some(&problem) {
            tracing::error!("waiting: {problem}");
            said = Some(problem);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// What is missing first, and what to do about it.
async fn missing(client: &Client, namespace: &str) -> Result<Option<String>, WriteError> {
    if let Some(problem) = missing_kinds(&served(client).await?) {
        return Ok(Some(problem));
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = bounded(namespaces.get_opt(namespace)).await?;
    Ok(found.is_none().then(|| {
        format!("the namespace {namespace} of the controller does not exist; create it: kubectl create namespace {namespace}")
    }))
}

/// The kinds of our group, by their plural; none where the group is unknown.
async fn served(client: &Client) -> Result<BTreeSet<String>, WriteError> {
    match bounded(client.list_api_group_resources(&format!("{GROUP}/{VERSION}"))).await {
        Ok(list) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
        Err(WriteError::Gone) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn missing_kinds(served: &BTreeSet<String>) -> Option<String> {
    let missing: Vec<String> = manifests::all()
        .into_iter()
        .filter(|definition| !served.contains(&definition.spec.names.plural))
        .map(|definition| definition.spec.names.kind)
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "the cluster does not know {} of {GROUP}/{VERSION}; install the CustomResourceDefinitions: \
             hostwright crds | kubectl apply -f -",
            missing.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use hostwright_apiserver::{Config, Server};
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::PostParams;

    use super::*;

    #[test]
    fn the_kinds_that_are_missing_are_named_with_the_command_that_installs_them() {
        let all: BTreeSet<String> =
            manifests::all().into_iter().map(|definition| definition.spec.names.plural).collect();
        assert_eq!(missing_kinds(&all), None);
        let mut some = all.clone();
        some.remove("packages");
        let problem = missing_kinds(&some).unwrap();
        assert!(problem.starts_with("the cluster does not know Package of hostwright.dev/v1alpha1"), "{problem}");
        assert!(problem.ends_with("hostwright crds | kubectl apply -f -"), "{problem}");
    }

    #[tokio::test]
    async fn a_new_cluster_lacks_the_kinds_first_and_the_namespace_then() {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let missing = async || missing(&client, "hostwright-system").await.unwrap();
        assert!(missing().await.unwrap().contains("hostwright crds"));
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in manifests::all() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        assert!(missing().await.unwrap().ends_with("kubectl create namespace hostwright-system"));
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some("hostwright-system".into());
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        assert_eq!(missing().await, None);
    }
}
