//! Finalizers: an instance stays while something needs it, and a Secret while an instance refers to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use hostwright_crds::{FIELD_MANAGER, FINALIZER, HostingService, IN_USE, Package, ProviderInstance};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Error;
use super::references::{Uses, secret_references};
use crate::context::{Context, Guarded};
use crate::kube::{WriteError, bounded};

/// Whether an instance has our finalizer.
pub(super) fn is_held(instance: &ProviderInstance) -> bool {
    has(instance, FINALIZER)
}

/// Puts our finalizer on an instance; the instance as written.
pub(super) async fn hold(instance: &ProviderInstance, ctx: &Context) -> Result<ProviderInstance, Error> {
    let api: Api<ProviderInstance> = Api::all(ctx.client.clone());
    Ok(put(&api, instance, FINALIZER).await?)
}

/// What keeps a deleted instance. When the cache knows of nothing, the API is asked: whoever begins to use an instance
/// writes that down first and looks whether it is deleted afterwards, so one of the two sees the other.
pub(super) async fn uses(instance: &str, ctx: &Context) -> Result<Uses, Error> {
    let (services, packages) = (ctx.caches.services.state(), ctx.caches.packages.state());
    let cached = Uses::count(instance, services.iter().map(AsRef::as_ref), packages.iter().map(AsRef::as_ref));
    if !cached.is_none() {
        return Ok(cached);
    }
    let services: Api<Guarded<HostingService>> = Api::all(ctx.client.clone());
    let packages: Api<Guarded<Package>> = Api::all(ctx.client.clone());
    let services = bounded(services.list(&ListParams::default())).await.map_err(Error::Read)?;
    let packages = bounded(packages.list(&ListParams::default())).await.map_err(Error::Read)?;
    Ok(Uses::count(instance, services.items.iter(), packages.items.iter()))
}

/// Lets a deleted instance go, and the Secrets that only it referred to.
pub(super) async fn release(instance: &ProviderInstance, ctx: &Context) -> Result<(), Error> {
    release_secrets(ctx, Some(&instance.name_any())).await?;
    let api: Api<ProviderInstance> = Api::all(ctx.client.clone());
    Ok(take(&api, instance, FINALIZER).await?)
}

/// Puts our finalizer on the Secrets that an instance refers to.
pub(super) async fn hold_secrets(secrets: &BTreeMap<String, Secret>, ctx: &Context) -> Result<(), Error> {
    let api = credentials(ctx);
    for secret in secrets.values() {
        // A Secret that is going takes no finalizer any more.
        if !has(secret, IN_USE) && secret.metadata.deletion_timestamp.is_none() {
            put(&api, secret, IN_USE).await?;
        }
    }
    Ok(())
}

/// Lets the Secrets go that no instance refers to, but for one that is leaving. What cannot be read may refer to any.
pub(super) async fn release_secrets(ctx: &Context, leaving: Option<&str>) -> Result<(), Error> {
    let instances = ctx.caches.instances.state();
    let mut referenced = BTreeSet::new();
    for instance in &instances {
        match &instance.0 {
            Ok(instance) if leaving == instance.metadata.name.as_deref() => {}
            Ok(instance) => referenced.extend(secret_references(instance)),
            Err(_) => return Ok(()),
        }
    }
    let api = credentials(ctx);
    let secrets = bounded(api.list(&ListParams::default())).await.map_err(Error::Read)?;
    for secret in secrets.items {
        if has(&secret, IN_USE) && !referenced.contains(&secret.name_any()) {
            take(&api, &secret, IN_USE).await?;
        }
    }
    Ok(())
}

fn credentials(ctx: &Context) -> Api<Secret> {
    Api::namespaced(ctx.client.clone(), &ctx.settings.credentials_namespace)
}

fn has<K: Resource>(object: &K, finalizer: &str) -> bool {
    object.meta().finalizers.iter().flatten().any(|known| known == finalizer)
}

async fn put<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<K, WriteError>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let finalizers = object.meta().finalizers.iter().flatten().map(String::as_str).chain([finalizer]);
    write(api, object, finalizers.collect()).await
}

/// One that is gone already is released.
async fn take<K>(api: &Api<K>, object: &K, finalizer: &str) -> Result<(), WriteError>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let others = object.meta().finalizers.iter().flatten().map(String::as_str).filter(|known| *known != finalizer);
    match write(api, object, others.collect()).await {
        Ok(_) | Err(WriteError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A merge patch replaces lists, so it names the finalizers of others too, and the version they were read from.
async fn write<K>(api: &Api<K>, object: &K, finalizers: Vec<&str>) -> Result<K, WriteError>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let (uid, version) = (&object.meta().uid, &object.meta().resource_version);
    let patch = json!({"metadata": {"uid": uid, "resourceVersion": version, "finalizers": finalizers}});
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    bounded(api.patch(&object.name_any(), &params, &Patch::Merge(patch))).await
}
