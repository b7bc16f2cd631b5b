//! What the API has to hold before the controller starts: the kinds, as this version knows them, and its namespaces.

use hostwright_crds::{FIELD_MANAGER, manifests};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};

use super::super::failure::Failure;
use super::{CREDENTIALS_NAMESPACE, SERVICES_NAMESPACE};
use crate::kube::{WriteError, bounded};

/// Applies the kinds and makes the namespaces; what is there already as it should be stays as it is.
pub(in super::super) async fn lay(client: &Client) -> Result<(), Failure> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in manifests::all() {
        let name = definition.name_any();
        bounded(definitions.patch(&name, &params, &Patch::Apply(&definition))).await.map_err(|error| {
            Failure::failed(format!("CustomResourceDefinition {name} cannot be installed: {error}"))
        })?;
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    for name in [CREDENTIALS_NAMESPACE, SERVICES_NAMESPACE] {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        match bounded(namespaces.create(&params, &namespace)).await {
            // It is there.
            Ok(_) | Err(WriteError::Conflict) => {}
            Err(error) => return Err(Failure::failed(format!("namespace {name} cannot be made: {error}"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hostwright_apiserver::{Config, Server};

    use super::*;

    #[tokio::test]
    async fn a_second_start_changes_nothing() {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        lay(&client).await.unwrap();
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let versions = async || {
            let definitions = definitions.list_metadata(&kube::api::ListParams::default()).await.unwrap();
            let namespaces = namespaces.list_metadata(&kube::api::ListParams::default()).await.unwrap();
            let all = definitions
                .items
                .iter()
                .map(|item| &item.metadata)
                .chain(namespaces.items.iter().map(|item| &item.metadata));
            all.map(|metadata| (metadata.name.clone(), metadata.resource_version.clone())).collect::<Vec<_>>()
        };
        let first = versions().await;
        assert!(first.len() > manifests::all().len());
        lay(&client).await.unwrap();
        assert_eq!(versions().await, first);
    }

    #[tokio::test]
    async fn an_older_definition_becomes_the_one_of_this_version() {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        let mut older = manifests::all().remove(0);
        let name = older.name_any();
        older.spec.names.short_names = Some(vec!["older".to_owned()]);
        definitions.patch(&name, &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(&older)).await.unwrap();
        lay(&client).await.unwrap();
        let found = definitions.get(&name).await.unwrap();
        assert_eq!(found.spec.names.short_names, manifests::all().remove(0).spec.names.short_names);
    }
}
