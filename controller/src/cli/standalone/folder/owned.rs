//! Which objects the folder applied, and deleting them.
//!
//! The objects say so themselves, by an annotation that names the folder and that belongs to the folder's field manager.
//! It is written together with the object, so the two never differ; a copy of the annotation belongs to whoever copied it.

use hostwright_crds::annotation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::{DeleteParams, ListParams, Preconditions};

use super::apply::MANAGER;
use super::prune::Owned;
use super::target::{Catalogue, Key};
use crate::kube::{WriteError, bounded};

/// All of them.
pub(super) async fn list(catalogue: &Catalogue, folder: &str) -> Result<Vec<Owned>, WriteError> {
    let mut owned = Vec::new();
    for (resource, api) in catalogue.deletable() {
        let objects = bounded(api.list_metadata(&ListParams::default())).await?;
        let metadata = objects.items.into_iter().map(|object| object.metadata);
        owned.extend(metadata.filter(|metadata| is_ours(metadata, folder)).map(|metadata| Owned {
            key: Key {
                group: resource.group.clone(),
                kind: resource.kind.clone(),
                namespace: metadata.namespace.unwrap_or_default(),
                name: metadata.name.unwrap_or_default(),
            },
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            is_ending: metadata.deletion_timestamp.is_some(),
        }));
    }
    Ok(owned)
}

/// Deletes one, if it is still what was seen.
pub(super) async fn delete(catalogue: &Catalogue, object: &Owned) -> Result<(), WriteError> {
    let Some(api) = catalogue.api_of(&object.key) else { return Err(WriteError::Gone) };
    let params = DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(object.uid.clone()),
            resource_version: Some(object.resource_version.clone()),
        }),
        ..DeleteParams::background()
    };
    bounded(api.delete(&object.key.name, &params)).await.map(|_| ())
}

fn is_ours(metadata: &ObjectMeta, folder: &str) -> bool {
    let origin = metadata.annotations.as_ref().and_then(|annotations| annotations.get(annotation::APPLIED_FROM));
    origin.is_some_and(|origin| origin == folder) && metadata.managed_fields.iter().flatten().any(holds_the_origin)
}

fn holds_the_origin(entry: &ManagedFieldsEntry) -> bool {
    let is_ours = entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply");
    let annotations = entry.fields_v1.as_ref().map(|fields| &fields.0["f:metadata"]["f:annotations"]);
    is_ours && annotations.is_some_and(|annotations| !annotations[format!("f:{}", annotation::APPLIED_FROM)].is_null())
}
