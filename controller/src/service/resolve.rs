//! Reads everything a service points at, once, from the caches.

use std::collections::BTreeMap;

use hostwright_crds::{HostingService, Package, reason};
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Resource as _, ResourceExt as _};
use std::sync::Arc;

use super::record::{self, Record};
use super::situation::{Provider, ProviderFacts};
use crate::context::Context;
use crate::instance::{self, Braked};
use crate::kube::{WriteError, bounded};
use crate::providers::{Hold, Runtime};

/// What a service points at.
pub struct Resolved {
    /// Its package, where there is one.
    pub package: Option<Package>,
    /// The package that was applied last, where that is another one and still there.
    pub previous: Option<Package>,
    /// The labels of its namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// The runtime of the instance that has, or will have, the remote.
    pub runtime: Option<Arc<Runtime>>,
    /// What is known of that instance.
    pub provider: Provider,
    /// Another service that claims the same remote.
    pub claimed_by: Option<String>,
}

impl Resolved {
    /// Replaces what is known of the instance.
    pub(super) fn refresh(
        &mut self,
        service: &HostingService,
        record: &Record,
        runtime: Option<Arc<Runtime>>,
        ctx: &Context,
    ) {
        let instance = runtime.as_ref().map(|runtime| runtime.name.clone());
        self.provider = provider(service, record, instance.as_deref(), runtime.as_deref(), ctx);
        self.runtime = runtime;
    }
}

/// Reads it.
///
/// # Errors
/// When the namespace is not cached and cannot be read.
pub async fn resolve(service: &HostingService, record: &Record, ctx: &Context) -> Result<Resolved, WriteError> {
    let ordered = &service.spec.package_ref.name;
    let package = package(ordered, ctx);
    let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
    let previous = last.filter(|last| last.package != *ordered).and_then(|last| self::package(&last.package, ctx));
    let instance = instance_name(record, package.as_ref());
    let runtime = instance.as_deref().and_then(|name| ctx.providers.runtime(name));
    let provider = provider(service, record, instance.as_deref(), runtime.as_deref(), ctx);
    Ok(Resolved {
        namespace_labels: namespace_labels(service, ctx).await?,
        claimed_by: claimed_by(service, instance.as_deref(), ctx),
        package,
        previous,
        runtime,
        provider,
    })
}

fn package(name: &str, ctx: &Context) -> Option<Package> {
    let cached = ctx.caches.packages.get(&ObjectRef::new(name))?;
    cached.0.as_ref().ok().cloned()
}

/// The instance in the record wins over the package.
fn instance_name(record: &Record, package: Option<&Package>) -> Option<String> {
    record
        .believed()
        .map(|identity| identity.instance.clone())
        .or_else(|| package.map(|package| package.spec.provider_instance_ref.name.clone()))
}

async fn namespace_labels(service: &HostingService, ctx: &Context) -> Result<BTreeMap<String, String>, WriteError> {
    let name = service.namespace().unwrap_or_default();
    if let Some(namespace) = ctx.caches.namespaces.get(&ObjectRef::new(&name)) {
        return Ok(namespace.labels().clone());
    }
    // A namespace younger than the cache.
    let namespaces: Api<Namespace> = Api::all(ctx.client.clone());
    let namespace = bounded(namespaces.get_opt(&name)).await?;
    Ok(namespace.map(|namespace| namespace.labels().clone()).unwrap_or_default())
}

fn provider(
    service: &HostingService,
    record: &Record,
    instance: Option<&str>,
    runtime: Option<&Runtime>,
    ctx: &Context,
) -> Provider {
    let Some(name) = instance else {
        let package = &service.spec.package_ref.name;
        let message =
            format!("spec.packageRef.name: there is no Package {package}; `kubectl get hpkg` lists those that exist");
        return Provider::Missing(Hold::new(reason::PACKAGE_NOT_FOUND, message));
    };
    let Some(object) = ctx.caches.instances.get(&ObjectRef::new(name)) else {
        let message = format!("ProviderInstance {name} does not exist; the remote, if any, is left as it is");
        return Provider::Missing(Hold::new(reason::INSTANCE_NOT_FOUND, message));
    };
    if let Err(invalid) = &object.0 {
        let message = format!("ProviderInstance {name} does not match its schema: {}", invalid.error);
        return Provider::Missing(Hold::new(reason::INSTANCE_NOT_READY, message));
    }
    let Some(runtime) = runtime else {
        return Provider::Starting;
    };
    let Some(plugin) = &runtime.plugin else {
        let message = format!(
            "ProviderInstance {name}: spec.pluginRef.name: there is no plugin {}; `kubectl get hplug` lists those that exist",
            runtime.spec.plugin_ref.name
        );
        return Provider::Missing(Hold::new(reason::PLUGIN_NOT_FOUND, message));
    };
    Provider::Known(Box::new(ProviderFacts {
        name: runtime.name.clone(),
        mode: runtime.spec.mode,
        deleting: object.meta().deletion_timestamp.is_some(),
        standing: runtime.standing.clone(),
        same_panel: record.believed().is_none_or(|identity| runtime.is_panel(&identity.remote_identity)),
        absence: runtime.absence.clone(),
        endings: runtime.endings.clone().or_else(|| instance::brake_holds(ctx, name, Braked::Endings)),
        policy_suspensions: instance::brake_holds(ctx, name, Braked::PolicySuspensions),
        capabilities: plugin.capabilities().clone(),
        verified_at: runtime.verified_at,
        settings_changed_at: runtime.settings_changed_at,
    }))
}

/// The remote that a service is to take over, as long as it is wanted.
fn adopts(service: &HostingService) -> Option<&str> {
    let wanted = service.metadata.deletion_timestamp.is_none()
        && service.spec.desired_status != hostwright_crds::DesiredStatus::Terminated;
    record::adopts(service, service.status.as_ref()).filter(|_| wanted)
}

fn instance_of(service: &HostingService, ctx: &Context) -> Option<String> {
    instance_name(&Record::of(service), package(&service.spec.package_ref.name, ctx).as_ref())
}

/// Another service whose believed record has the same remote, or that is to take over the one that this is to take over. One
/// that has its remote is not disturbed by others that name it.
fn claimed_by(service: &HostingService, instance: Option<&str>, ctx: &Context) -> Option<String> {
    let status = service.status.as_ref();
    let own_record = Record::of(service);
    let external_id = own_record.believed().map(|identity| identity.external_id.as_str());
    let remote = status.and_then(|status| status.remote.as_ref()).map(|remote| remote.id.as_str());
    let wanted = adopts(service);
    ctx.caches.services.state().iter().find_map(|other| {
        let other = other.0.as_ref().ok().filter(|other| other.metadata.uid != service.metadata.uid)?;
        if wanted.is_some() && adopts(other) == wanted && instance_of(other, ctx).as_deref() == instance {
            return Some(record::name_of(other));
        }
        let theirs = other.status.as_ref()?;
        let remote = remote.or(wanted);
        let same_instance = theirs.provider_instance.as_deref() == instance;
        let same_remote = remote.is_some() && theirs.remote.as_ref().map(|remote| remote.id.as_str()) == remote;
        let same_id = external_id.is_some() && theirs.external_id.as_deref() == external_id;
        let claims = same_instance && (same_remote || same_id);
        (claims && Record::of(other).believed().is_some_and(|identity| identity.ended.is_none()))
            .then(|| record::name_of(other))
    })
}
