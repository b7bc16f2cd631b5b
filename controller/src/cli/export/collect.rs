//! Reads everything that is exported, in the order in which it can be applied.

use std::collections::{BTreeMap, BTreeSet};

use hostwright_crds::{
    GROUP, HostingService, HostingServiceStatus, Identity, Package, Plugin, ProviderInstance, ProviderInstanceStatus,
    VERSION, annotation,
};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::Resource;
use kube::{Api, Client, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::builtins;
use super::super::cluster::{answer, found};
use super::super::failure::Failure;
use super::super::installed::Installed;
use super::super::remote::Remote;
use super::{carry, manifest};

/// What is exported.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// By file, in the order in which they are applied.
    pub(super) files: Vec<File>,
    pub(super) left_out: Vec<LeftOut>,
    /// Names of the instances that services have remotes on.
    pub(super) instances: BTreeSet<String>,
}

/// Objects that stand together.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    /// What is in it, in words: `2 Packages`.
    counted: &'static str,
    pub(super) objects: Vec<Value>,
}

/// An object that is not exported.
#[derive(Debug)]
pub(super) struct LeftOut {
    /// `HostingService customers/alice`
    pub(super) object: String,
    pub(super) why: String,
    remote: bool,
}

impl LeftOut {
    /// Whether a remote would be left that no object knows.
    pub(super) fn has_remote(&self) -> bool {
        self.remote
    }
}

impl Collected {
    /// `2 namespaces, 1 Secret, 4 HostingServices`
    pub(super) fn summary(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for file in &self.files {
            match counts.iter_mut().find(|(counted, _)| *counted == file.counted) {
                Some((_, count)) => *count += file.objects.len(),
                None => counts.push((file.counted, file.objects.len())),
            }
        }
        let words =
            |(counted, count): &(&str, usize)| format!("{count} {counted}{}", if *count == 1 { "" } else { "s" });
        let all: Vec<String> = counts.iter().filter(|(_, count)| *count > 0).map(words).collect();
        if all.is_empty() { "nothing: this cluster has no objects of Hostwright".to_owned() } else { all.join(", ") }
    }

    fn add(&mut self, name: impl Into<String>, counted: &'static str, objects: Vec<Value>) {
        if !objects.is_empty() {
            self.files.push(File { name: name.into(), counted, objects });
        }
    }

    /// Keeps an object, unless it is being deleted.
    fn keeps(&mut self, kind: &str, object: &DynamicObject) -> bool {
        let Some(deleted) = &object.metadata.deletion_timestamp else { return true };
        let name = match object.namespace() {
            Some(namespace) => format!("{kind} {namespace}/{}", object.name_any()),
            None => format!("{kind} {}", object.name_any()),
        };
        let remote = remote_of(object);
        let stays = remote.as_ref().map_or_else(String::new, |remote| {
            format!("; {remote} is still there, and no object of the export knows it: let the deletion finish first")
        });
        self.left_out.push(LeftOut {
            object: name,
            why: format!("it is being deleted since {}{stays}", deleted.0),
            remote: remote.is_some(),
        });
        false
    }
}

/// The remote of a service that may still be there, and is not kept on purpose.
fn remote_of(object: &DynamicObject) -> Option<String> {
    let retained = object.data.pointer("/spec/deletionPolicy").and_then(Value::as_str) == Some("Retain");
    let remote = Remote::of(object).filter(|_| !retained)?;
    let id = if remote.id.is_empty() { remote.external_id } else { remote.id };
    Some(format!("remote {id} on {}", remote.instance))
}

fn identity(object: &DynamicObject) -> Option<Identity> {
    Identity::parse(object.annotations().get(annotation::IDENTITY)?).ok()
}

/// Reads it.
pub(super) async fn collect(
    client: &Client,
    installed: &Installed,
    without_secrets: bool,
) -> Result<Collected, Failure> {
    let mut collected = Collected::default();
    let mut services = all::<HostingService>(client).await?;
    services.retain(|service| collected.keeps("HostingService", service));
    let mut instances = all::<ProviderInstance>(client).await?;
    instances.retain(|instance| collected.keeps("ProviderInstance", instance));
    let mut packages = all::<Package>(client).await?;
    packages.retain(|package| collected.keeps("Package", package));
    // The controller makes those of the plugins that are built in.
    let builtins = builtins::plugins()?;
    let is_built_in =
        |object: &DynamicObject| builtins.iter().any(|plugin| plugin.manifest().provider == object.name_any());
    let mut plugins = all::<Plugin>(client).await?;
    plugins.retain(|plugin| !is_built_in(plugin) && collected.keeps("Plugin", plugin));

    let names = secret_names(&instances);
    let mut namespaces: BTreeSet<String> = services.iter().filter_map(kube::ResourceExt::namespace).collect();
    if !names.is_empty() || installed.record().is_some() {
        namespaces.insert(installed.namespace().to_owned());
    }
    collected.add("00-namespaces.yaml", "namespace", of_namespaces(client, &namespaces).await?);
    if !without_secrets {
        let secrets = secrets(client, installed.namespace(), &names, &mut collected).await?;
        collected.add("10-secrets.yaml", "Secret", secrets);
    }
    let ours = |kind: &str, objects: &[DynamicObject]| -> Vec<Value> {
        let version = format!("{GROUP}/{VERSION}");
        objects.iter().map(|object| manifest::of(&version, kind, object, &["spec"])).collect()
    };
    collected.add("20-plugins.yaml", "Plugin", ours("Plugin", &plugins));
    collected.add("30-instances.yaml", "ProviderInstance", ours("ProviderInstance", &instances));
    collected.add("40-packages.yaml", "Package", ours("Package", &packages));

    let panels = instances.iter().map(|instance| (instance.name_any(), status::<ProviderInstanceStatus>(instance)));
    let panels: BTreeMap<_, _> = panels.filter_map(|(name, status)| Some((name, status?))).collect();
    for service in &mut services {
        let uid = service.uid().unwrap_or_default();
        // One that cannot be read goes along as it is, and is reported there as it is here.
        if let Some(record) = identity(service) {
            if record.ended.is_none() {
                collected.instances.insert(record.instance.clone());
            }
            let record = carry::record(record, &uid, status::<HostingServiceStatus>(service).as_ref(), &panels);
            service.annotations_mut().insert(annotation::IDENTITY.to_owned(), record.to_text());
        }
    }
    for namespace in namespaces {
        let here: Vec<DynamicObject> =
            services.iter().filter(|service| service.namespace().as_deref() == Some(&namespace)).cloned().collect();
        collected.add(format!("50-services-{namespace}.yaml"), "HostingService", ours("HostingService", &here));
    }
    Ok(collected)
}

/// All objects of a kind; a cluster that does not know it has none.
async fn all<K: Resource<DynamicType = ()>>(client: &Client) -> Result<Vec<DynamicObject>, Failure> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<K>(&()));
    let listed = found(api.list(&ListParams::default())).await?;
    Ok(listed.map(|list| list.items).unwrap_or_default())
}

fn status<S: DeserializeOwned>(object: &DynamicObject) -> Option<S> {
    serde_json::from_value(object.data.get("status")?.clone()).ok()
}

fn secret_names(instances: &[DynamicObject]) -> BTreeSet<String> {
    let sources = instances.iter().filter_map(|instance| instance.data.pointer("/spec/configFrom")?.as_object());
    let names = sources
        .flat_map(|sources| sources.values())
        .filter_map(|source| source.pointer("/secretKeyRef/name")?.as_str());
    names.map(str::to_owned).collect()
}

async fn of_namespaces(client: &Client, names: &BTreeSet<String>) -> Result<Vec<Value>, Failure> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<Namespace>(&()));
    let mut manifests = Vec::new();
    for name in names {
        if let Some(namespace) = found(api.get(name)).await? {
            manifests.push(manifest::of("v1", "Namespace", &namespace, &[]));
        }
    }
    Ok(manifests)
}

async fn secrets(
    client: &Client,
    namespace: &str,
    names: &BTreeSet<String>,
    collected: &mut Collected,
) -> Result<Vec<Value>, Failure> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<Secret>(&()));
    let mut manifests = Vec::new();
    for name in names {
        match answer(api.get(name)).await {
            Ok(secret) => {
                // One that is being deleted is there as long as an instance needs it, and its content with it.
                manifests.push(manifest::of("v1", "Secret", &secret, &["type", "data", "immutable"]));
            }
            Err(refusal) if refusal.is_absent() => {
                let why = "a ProviderInstance refers to it, and it does not exist".to_owned();
                collected.left_out.push(LeftOut { object: format!("Secret {namespace}/{name}"), why, remote: false });
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(manifests)
}
