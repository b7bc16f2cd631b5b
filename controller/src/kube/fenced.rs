//! Writes that land only on the version they were made for.
//!
//! Every write carries the object's resourceVersion and UID, so a decision made on a stale copy, or for an object that was
//! deleted and made anew, is refused instead of applied.

use std::fmt::Debug;

use hostwright_crds::{FIELD_MANAGER, FINALIZER, HostingService, HostingServiceStatus, Identity, annotation};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::object::HasStatus;
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{WriteError, bounded};

mod fold;

pub use fold::fold_status;

/// Reads a service past every cache; None when it does not exist.
///
/// # Errors
/// When the API server refuses or does not answer.
pub async fn live(client: &Client, namespace: &str, name: &str) -> Result<Option<HostingService>, WriteError> {
    bounded(Api::namespaced(client.clone(), namespace).get_opt(name)).await
}

/// Writes the identity record, and adds the finalizer where asked to.
///
/// # Errors
/// [`WriteError::Conflict`] when this is not the latest version, so that the plan it came from is void.
pub async fn write_identity(
    client: &Client,
    service: &HostingService,
    identity: &Identity,
    finalizer: bool,
) -> Result<HostingService, WriteError> {
    let mut metadata = json!({"annotations": {annotation::IDENTITY: identity.to_text()}});
    if finalizer && !service.finalizers().iter().any(|known| known == FINALIZER) {
        metadata["finalizers"] = with_finalizer(service);
    }
    patch_metadata(client, service, metadata).await
}

/// Adds the finalizer, and nothing else.
///
/// # Errors
/// As [`write_identity`].
pub async fn add_finalizer(client: &Client, service: &HostingService) -> Result<HostingService, WriteError> {
    patch_metadata(client, service, json!({"finalizers": with_finalizer(service)})).await
}

/// A merge patch replaces lists, so it names those of others too.
fn with_finalizer(service: &HostingService) -> Value {
    json!(service.finalizers().iter().map(String::as_str).chain([FINALIZER]).collect::<Vec<_>>())
}

/// Takes an annotation away.
///
/// # Errors
/// As [`write_identity`].
pub async fn remove_annotation(
    client: &Client,
    service: &HostingService,
    key: &str,
) -> Result<HostingService, WriteError> {
    patch_metadata(client, service, json!({"annotations": {key: null}})).await
}

/// Takes the finalizer away, and writes a last identity record where one is given. None when the object is gone already.
///
/// # Errors
/// As [`write_identity`].
pub async fn release_finalizer(
    client: &Client,
    service: &HostingService,
    identity: Option<&Identity>,
) -> Result<Option<HostingService>, WriteError> {
    let others: Vec<&String> = service.finalizers().iter().filter(|known| *known != FINALIZER).collect();
    let mut metadata = json!({"finalizers": others});
    if let Some(identity) = identity {
        metadata["annotations"] = json!({annotation::IDENTITY: identity.to_text()});
    }
    match patch_metadata(client, service, metadata).await {
        Ok(released) => Ok(Some(released)),
        Err(WriteError::Gone) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a service's status on the very version given.
///
/// # Errors
/// [`WriteError::Conflict`] when it is not the latest version.
pub async fn write_status(
    client: &Client,
    service: &HostingService,
    status: HostingServiceStatus,
) -> Result<HostingService, WriteError> {
    replace_status(&services(client, service), service, status).await
}

/// Replaces the status of a cluster-scoped object on the very version given.
///
/// # Errors
/// [`WriteError::Conflict`] when it is not the latest version.
pub async fn write_status_of<K>(client: &Client, object: &K, status: K::Status) -> Result<K, WriteError>
where
    K: Resource<DynamicType = ()> + HasStatus + Clone + Debug + Serialize + DeserializeOwned,
{
    replace_status(&Api::all(client.clone()), object, status).await
}

async fn replace_status<K>(api: &Api<K>, object: &K, status: K::Status) -> Result<K, WriteError>
where
    K: Resource + HasStatus + Clone + Debug + Serialize + DeserializeOwned,
{
    fenced(object)?;
    let mut next = object.clone();
    *next.status_mut() = Some(status);
    // Left out, the server keeps its own; sent back, they would claim every field of the spec.
    next.meta_mut().managed_fields = None;
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    bounded(api.replace_status(&object.name_any(), &params, &next)).await
}

async fn patch_metadata(
    client: &Client,
    service: &HostingService,
    mut metadata: Value,
) -> Result<HostingService, WriteError> {
    let (uid, version) = fenced(service)?;
    metadata["uid"] = json!(uid);
    metadata["resourceVersion"] = json!(version);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"metadata": metadata}));
    bounded(services(client, service).patch(&service.name_any(), &params, &patch)).await
}

/// UID and version that the write must meet.
fn fenced<K: Resource>(object: &K) -> Result<(&str, &str), WriteError> {
    match (object.meta().uid.as_deref(), object.meta().resource_version.as_deref()) {
        (Some(uid), Some(version)) if !version.is_empty() => Ok((uid, version)),
        _ => Err(WriteError::Refused(format!(
            "{} was not read from the API: it has no uid or no resourceVersion, and is never written without",
            object.meta().name.as_deref().unwrap_or("the object")
        ))),
    }
}

fn services(client: &Client, service: &HostingService) -> Api<HostingService> {
    Api::namespaced(client.clone(), service.metadata.namespace.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests;
