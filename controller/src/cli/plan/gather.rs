//! The objects as they would be: those of the files over those of the cluster, and what they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use hostwright_crds::{HostingService, Identity, Package, ProviderInstance, annotation};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::{Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::cluster::{answer, found};
use super::super::failure::Failure;
use super::super::validate::{Api, Object};
use crate::context::Guarded;

/// Everything that a plan is made from.
#[derive(Default)]
pub(super) struct Gathered {
    /// Those of the files.
    pub(super) services: Vec<HostingService>,
    /// Others of the cluster that have a package of the files.
    pub(super) buyers: Vec<HostingService>,
    pub(super) packages: BTreeMap<String, Package>,
    pub(super) instances: BTreeMap<String, ProviderInstance>,
    /// The labels of namespaces.
    pub(super) labels: BTreeMap<String, BTreeMap<String, String>>,
    /// What the API would refuse.
    pub(super) problems: Vec<String>,
}

/// The instance that has a service, or will have it.
pub(super) fn instance_of(service: &HostingService, package: Option<&Package>) -> Option<String> {
    let record = service.annotations().get(annotation::IDENTITY).and_then(|text| Identity::parse(text).ok());
    record
        .map(|identity| identity.instance)
        .or_else(|| package.map(|package| package.spec.provider_instance_ref.name.clone()))
}

impl Gathered {
    pub(super) async fn of(client: &Client, namespace: &str, objects: Vec<Object>) -> Result<Self, Failure> {
        let mut gathered = Self::default();
        let mut copy = Api::start().await?;
        let mut edited = BTreeSet::new();
        for object in objects {
            match object.kind() {
                "Namespace" if object.group().is_empty() => {
                    let labels = serde_json::from_value(object.value["metadata"]["labels"].clone()).unwrap_or_default();
                    gathered.labels.insert(object.name().to_owned(), labels);
                }
                _ if !object.is_ours() => {}
                "Package" => {
                    let package =
                        gathered.applied(&mut copy, kube::Api::<Package>::all(client.clone()), &object).await?;
                    edited.extend(package.as_ref().map(kube::ResourceExt::name_any));
                    gathered.packages.extend(package.map(|package| (package.name_any(), package)));
                }
                "ProviderInstance" => {
                    let api = kube::Api::<ProviderInstance>::all(client.clone());
                    let instance = gathered.applied(&mut copy, api, &object).await?;
                    gathered.instances.extend(instance.map(|instance| (instance.name_any(), instance)));
                }
                "HostingService" => {
                    let object = in_namespace(object, namespace);
                    let api = namespaced::<HostingService>(client, object.namespace());
                    let service = gathered.applied(&mut copy, api, &object).await?;
                    gathered.services.extend(service);
                }
                _ => {}
            }
        }
        gathered.add_buyers(client, &edited).await?;
        gathered.add_references(client).await?;
        Ok(gathered)
    }

    /// An object as it would be once it is applied; None where the API would refuse that.
    async fn applied<K>(&mut self, copy: &mut Api, api: kube::Api<K>, object: &Object) -> Result<Option<K>, Failure>
    where
        K: Resource + Clone + Debug + Serialize + DeserializeOwned,
    {
        let there = found(api.get_opt(object.name())).await?.flatten();
        let there = there.map(|there| json!(there));
        match copy.applied(there.as_ref(), object).await? {
            Ok(applied) => {
                let merged = serde_json::from_value(merged(there, applied));
                Ok(Some(merged.map_err(|error| Failure::failed(format!("{}: {error}", object.place())))?))
            }
            Err(problems) => {
                self.problems.extend(problems);
                Ok(None)
            }
        }
    }

    /// Services of the cluster that have a package of the files.
    async fn add_buyers(&mut self, client: &Client, edited: &BTreeSet<String>) -> Result<(), Failure> {
        if edited.is_empty() {
            return Ok(());
        }
        let api = kube::Api::<Guarded<HostingService>>::all(client.clone());
        let all = answer(api.list(&ListParams::default())).await?.items;
        let named: BTreeSet<_> =
            self.services.iter().map(|service| (service.namespace(), service.name_any())).collect();
        // What does not exist yet follows no edit: it is made by what is there then.
        let has = |service: &HostingService, package: &str| {
            let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
            last.is_some_and(|last| last.package == package)
        };
        let buyers = all.into_iter().filter_map(|service| service.0.ok()).filter(|service| {
            let ordered = &service.spec.package_ref.name;
            edited.contains(ordered)
                && has(service, ordered)
                && !named.contains(&(service.namespace(), service.name_any()))
        });
        self.buyers = buyers.collect();
        Ok(())
    }

    /// What the services refer to and no file holds.
    async fn add_references(&mut self, client: &Client) -> Result<(), Failure> {
        for service in self.services.iter().chain(&self.buyers) {
            let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
            for name in last.map(|last| &last.package).into_iter().chain([&service.spec.package_ref.name]) {
                if !self.packages.contains_key(name) {
                    let there = found(kube::Api::<Package>::all(client.clone()).get_opt(name)).await?.flatten();
                    self.packages.extend(there.map(|package| (name.clone(), package)));
                }
            }
            let name = instance_of(service, self.packages.get(&service.spec.package_ref.name));
            if let Some(name) = name.filter(|name| !self.instances.contains_key(name)) {
                let there = found(kube::Api::<ProviderInstance>::all(client.clone()).get_opt(&name)).await?.flatten();
                self.instances.extend(there.map(|instance| (name, instance)));
            }
            let namespace = service.namespace().unwrap_or_default();
            if !self.labels.contains_key(&namespace) {
                let there = found(kube::Api::<Namespace>::all(client.clone()).get_opt(&namespace)).await?.flatten();
                self.labels.extend(there.map(|there| (namespace, there.labels().clone())));
            }
        }
        Ok(())
    }
}

fn namespaced<K>(client: &Client, namespace: &str) -> kube::Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    kube::Api::namespaced(client.clone(), namespace)
}

fn in_namespace(mut object: Object, namespace: &str) -> Object {
    if object.namespace().is_empty() {
        object.value["metadata"]["namespace"] = namespace.into();
    }
    object
}

/// Spec, labels and annotations as they would be; everything that the API and the controller say, as it is.
fn merged(there: Option<Value>, mut applied: Value) -> Value {
    let Some(mut there) = there else { return applied };
    if there["spec"] != applied["spec"] {
        let generation = there["metadata"]["generation"].as_i64().unwrap_or_default();
        there["metadata"]["generation"] = (generation + 1).into();
    }
    for key in ["labels", "annotations"] {
        there["metadata"][key] = applied["metadata"][key].take();
    }
    there["spec"] = applied["spec"].take();
    there
}
