//! What an instance refers to, and what refers to an instance. Pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hostwright_crds::{HostingService, Identity, Package, ProviderInstance, annotation};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

use crate::context::{Caches, Guarded};

/// Names of the Secrets, all in the controller's namespace, that an instance refers to.
pub fn secret_references(instance: &ProviderInstance) -> BTreeSet<String> {
    instance.spec.config_from.values().map(|source| source.secret_key_ref.name.clone()).collect()
}

/// The identity record of a service, where it was written for this object.
pub(super) fn record(meta: &ObjectMeta) -> Option<Identity> {
    let text = meta.annotations.as_ref()?.get(annotation::IDENTITY)?;
    let name = format!("{}/{}", meta.namespace.as_deref()?, meta.name.as_deref()?);
    Identity::parse(text).ok().filter(|identity| identity.for_object == name)
}

/// The instance that has, or had, the remote of a service.
pub(super) fn instance_of(service: &HostingService) -> Option<String> {
    record(&service.metadata)
        .map(|record| record.instance)
        .or_else(|| service.status.as_ref().and_then(|status| status.provider_instance.clone()))
}

/// How many objects keep an instance from going.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// Services whose remote is on it.
    pub(super) services: usize,
    /// Packages that sell it.
    pub(super) packages: usize,
}

impl Uses {
    /// True when nothing keeps it.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Counts what uses an instance. An object that cannot be read counts by its metadata.
    pub(super) fn count<'a>(
        instance: &str,
        services: impl Iterator<Item = &'a Guarded<HostingService>>,
        packages: impl Iterator<Item = &'a Guarded<Package>>,
    ) -> Self {
        Self {
            services: services.filter(|service| has_remote_on(service, instance)).count(),
            packages: packages.filter(|package| is_sold_by(package, instance)).count(),
        }
    }
}

impl std::fmt::Display for Uses {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (services, packages) = (self.services, self.packages);
        write!(formatter, "{services} service{} and {packages} package{}", plural(services), plural(packages))
    }
}

fn has_remote_on(service: &Guarded<HostingService>, instance: &str) -> bool {
    let (meta, status) = match &service.0 {
        Ok(service) => (&service.metadata, service.status.as_ref()),
        Err(invalid) => (&invalid.metadata, None),
    };
    match record(meta) {
        Some(record) => record.instance == instance && record.ended.is_none(),
        // The record may have been lost while the status is still there.
        None => status
            .is_some_and(|status| status.provider_instance.as_deref() == Some(instance) && status.remote.is_some()),
    }
}

fn is_sold_by(package: &Guarded<Package>, instance: &str) -> bool {
    package.0.as_ref().is_ok_and(|package| package.spec.provider_instance_ref.name == instance)
}

/// Keys of the services that an instance serves or will serve.
pub(super) fn served_by(instance: &str, caches: &Caches) -> Vec<std::sync::Arc<Guarded<HostingService>>> {
    let packages: HashSet<String> = caches
        .packages
        .state()
        .iter()
        .filter(|package| is_sold_by(package, instance))
        .map(|package| package.name_any())
        .collect();
    let serves = |service: &HostingService| match instance_of(service) {
        Some(name) => name == instance,
        None => packages.contains(&service.spec.package_ref.name),
    };
    let services = caches.services.state().into_iter();
    services.filter(|service| service.0.as_ref().is_ok_and(serves)).collect()
}

/// External ids that the records of this cluster claim, by the objects they were written for. A record that came with a
/// copied or restored object claims nothing: a staging copy of production carries those.
pub(super) fn claimed<'a>(services: impl Iterator<Item = &'a Guarded<HostingService>>) -> BTreeMap<String, String> {
    services
        .filter_map(|service| {
            let meta = kube::Resource::meta(service);
            let record = record(meta)?;
            (Some(&record.uid) == meta.uid.as_ref()).then_some((record.external_id, record.for_object))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::{NameRef, SecretKeyRef, SecretSource};

    fn service(name: &str, change: impl FnOnce(&mut Identity)) -> Guarded<HostingService> {
        let mut record = Identity {
            external_id: format!("prod.customers.{name}"),
            for_object: format!("customers/{name}"),
            uid: "uid-1".into(),
            instance: "panel-eu".into(),
            remote_identity: "one".into(),
            owner: "prod.customers.cust-1".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        change(&mut record);
        let mut service = HostingService::default();
        service.metadata.name = Some(name.into());
        service.metadata.namespace = Some("customers".into());
        service.metadata.uid = Some("uid-1".into());
        service.annotations_mut().insert(annotation::IDENTITY.into(), record.to_text());
        kube::core::DeserializeGuard(Ok(service))
    }

    fn package(instance: &str) -> Guarded<Package> {
        let mut package = Package::default();
        package.spec.provider_instance_ref = NameRef::to(instance);
        kube::core::DeserializeGuard(Ok(package))
    }

    #[test]
    fn a_live_record_and_a_package_keep_an_instance_and_an_ended_or_copied_record_does_not() {
        let services = [
            service("alice", |_| {}),
            service("bob", |record| record.ended = Some("2026-01-01T00:00:00Z".into())),
            service("carol", |record| record.for_object = "customers/alice".into()),
            service("dora", |record| record.instance = "panel-us".into()),
        ];
        let packages = [package("panel-eu"), package("panel-us")];
        let uses = Uses::count("panel-eu", services.iter(), packages.iter());
        assert_eq!(uses, Uses { services: 1, packages: 1 });
        assert_eq!(uses.to_string(), "1 service and 1 package");
        assert!(Uses::count("panel-fr", services.iter(), packages.iter()).is_none());
    }

    #[test]
    fn a_record_of_another_uid_claims_nothing() {
        let services = [service("alice", |_| {}), service("bob", |record| record.uid = "uid-of-production".into())];
        let claimed = claimed(services.iter());
        assert_eq!(claimed.keys().collect::<Vec<_>>(), ["prod.customers.alice"]);
    }

    #[test]
    fn each_secret_is_named_once() {
        let source =
            |key: &str| SecretSource { secret_key_ref: SecretKeyRef { name: "panel-api".into(), key: key.into() } };
        let mut instance = ProviderInstance::default();
        instance.spec.config_from = BTreeMap::from([("user".into(), source("u")), ("key".into(), source("k"))]);
        assert_eq!(secret_references(&instance), BTreeSet::from(["panel-api".to_owned()]));
    }
}
