//! Waiting for the kinds: without them there is nothing to watch.

use std::collections::BTreeSet;
use std::time::Duration;

use hostwright_crds::{GROUP, VERSION, manifests};
use kube::Client;

use super::super::failure::Failure;
use crate::kube::{WriteError, bounded};

const ASK_EVERY: Duration = Duration::from_secs(2);

/// Waits until the cluster serves every kind, and says what it is waiting for whenever that changes.
///
/// # Errors
/// When the cluster refuses to say what it serves.
pub(super) async fn wait_until_served(client: &Client) -> Result<(), Failure> {
    let mut said = None;
    loop {
        let problem = match served(client).await {
            Ok(served) => match missing(&served) {
                None => return Ok(()),
                Some(problem) => problem,
            },
            Err(WriteError::Refused(problem)) => {
                return Err(Failure::failed(format!(
                    "the Kubernetes API refuses to list the kinds of {GROUP}: {problem}"
                )));
            }
            Err(problem) => format!("the kinds of {GROUP} cannot be listed: {problem}"),
        };
        if said.as_ref() != Some(&problem) {
            tracing::error!(problem, "waiting; asking again every 2 s");
            said = Some(problem);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// The kinds of our group, by their plural; none where the group is unknown.
async fn served(client: &Client) -> Result<BTreeSet<String>, WriteError> {
    match bounded(client.list_api_group_resources(&format!("{GROUP}/{VERSION}"))).await {
        Ok(list) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
        Err(WriteError::Gone) => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// What to do about the kinds that are not served.
fn missing(served: &BTreeSet<String>) -> Option<String> {
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
    use super::*;

    #[test]
    fn the_kinds_that_are_missing_are_named_with_the_command_that_installs_them() {
        let all: BTreeSet<String> =
            manifests::all().into_iter().map(|definition| definition.spec.names.plural).collect();
        assert_eq!(missing(&all), None);
        let mut some = all.clone();
        some.remove("packages");
        let problem = missing(&some).unwrap();
        assert!(problem.starts_with("the cluster does not know Package of hostwright.dev/v1alpha1"), "{problem}");
        assert!(problem.ends_with("hostwright crds | kubectl apply -f -"), "{problem}");
    }
}
