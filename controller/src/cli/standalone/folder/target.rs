//! Which object of the API a manifest is about.

use std::fmt;

use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiGroup, Discovery, Scope, verbs};
use kube::{Api, Client};

use super::manifest::Manifest;

/// An object, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) group: String,
    pub(super) kind: String,
    /// Empty for kinds without namespaces.
    pub(super) namespace: String,
    pub(super) name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}

impl Key {
    /// Objects are applied in this order, so that each finds what it needs, and deleted in the reverse.
    pub(super) fn rank(&self) -> u8 {
        match (self.group.as_str(), self.kind.as_str()) {
            ("apiextensions.k8s.io", "CustomResourceDefinition") => 0,
            ("", "Namespace") => 1,
            ("", "Secret" | "ConfigMap") => 2,
            ("hostwright.dev", "Plugin") => 3,
            ("hostwright.dev", "ProviderInstance") => 4,
            ("hostwright.dev", "Package") => 5,
            ("hostwright.dev", "HostingService") => 7,
            _ => 6,
        }
    }
}

/// The kinds that the API has.
pub(super) struct Catalogue {
    client: Client,
    discovery: Discovery,
    namespace: &'static str,
}

impl Catalogue {
    /// Asks the API. `namespace` is that of objects that name none.
    pub(super) async fn ask(client: &Client, namespace: &'static str) -> Result<Self, kube::Error> {
        let discovery = Discovery::new(client.clone()).run_aggregated().await?;
        Ok(Self { client: client.clone(), discovery, namespace })
    }

    /// The object that a manifest is about, and how to reach it; or the field that says what the API does not
    /// have, and why.
    pub(super) fn find(&self, manifest: &Manifest) -> Result<(Key, Api<DynamicObject>), (&'static str, String)> {
        let GroupVersionKind { group, kind, .. } = &manifest.kind;
        let Some((resource, capabilities)) = self.discovery.resolve_gvk(&manifest.kind) else {
            return Err(self.unknown(&manifest.kind));
        };
        let is_namespaced = capabilities.scope == Scope::Namespaced;
        let namespace = if is_namespaced { manifest.namespace.as_deref().unwrap_or(self.namespace) } else { "" };
        let key = Key {
            group: group.clone(),
            kind: kind.clone(),
            namespace: namespace.to_owned(),
            name: manifest.name.clone(),
        };
        let api = self.api(&resource, namespace);
        Ok((key, api))
    }

    /// The objects of this kind where this one is; none where the API does not have the kind any more.
    pub(super) fn api_of(&self, key: &Key) -> Option<Api<DynamicObject>> {
        let (resource, _) = self.discovery.get(&key.group)?.recommended_kind(&key.kind)?;
        Some(self.api(&resource, &key.namespace))
    }

    /// Every kind whose objects can be found and deleted, and all its objects.
    pub(super) fn deletable(&self) -> impl Iterator<Item = (ApiResource, Api<DynamicObject>)> {
        let kinds = self.discovery.groups().flat_map(ApiGroup::recommended_resources);
        // Events come and go by themselves, in great numbers.
        let kinds = kinds.filter(|(resource, capabilities)| {
            resource.kind != "Event"
                && capabilities.supports_operation(verbs::LIST)
                && capabilities.supports_operation(verbs::DELETE)
        });
        kinds.map(|(resource, _)| {
            let api = self.api(&resource, "");
            (resource, api)
        })
    }

    fn api(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, resource)
        }
    }

    fn unknown(&self, wanted: &GroupVersionKind) -> (&'static str, String) {
        let Some(group) = self.discovery.get(&wanted.group) else {
            let known: Vec<&str> =
                self.discovery.groups().map(ApiGroup::name).filter(|name| !name.is_empty()).collect();
            let text =
                format!("apiVersion {}: there is no such group; there are {}", wanted.api_version(), known.join(", "));
            return ("apiVersion", text);
        };
        let kinds: Vec<String> =
            group.versioned_resources(&wanted.version).into_iter().map(|(resource, _)| resource.kind).collect();
        if kinds.is_empty() {
            let versions: Vec<&str> = group.versions().collect();
            let text = format!(
                "apiVersion {}: there is no such version; there is {}",
                wanted.api_version(),
                versions.join(", ")
            );
            return ("apiVersion", text);
        }
        let text =
            format!("kind {}: {} has no such kind; it has {}", wanted.kind, wanted.api_version(), kinds.join(", "));
        ("kind", text)
    }
}
