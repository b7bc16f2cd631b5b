//! What Hostwright holds by a finalizer, and how it is let go.

use hostwright_crds::{FINALIZER, GROUP, IN_USE};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde_json::{Value, json};

use super::super::cluster::{Refusal, answer, found};
use super::super::failure::Failure;
use super::super::installed::Installed;
use super::super::kinds::{Kind, Kinds};
use super::Scope;
use crate::kube::{installation, lease};

/// How often a write is tried that others were faster with.
const TRIES: usize = 5;

/// An object that a finalizer of Hostwright holds.
pub(super) struct Held {
    api: Api<DynamicObject>,
    kind: String,
    object: DynamicObject,
}

impl Held {
    /// The object, where one of our finalizers is on it.
    fn of(api: Api<DynamicObject>, kind: &str, object: DynamicObject) -> Option<Self> {
        object.finalizers().iter().any(|finalizer| is_ours(finalizer)).then(|| Self {
            api,
            kind: kind.to_owned(),
            object,
        })
    }

    /// `HostingService customers/alice`
    pub(super) fn name(&self) -> String {
        match self.object.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.object.name_any()),
            None => format!("{} {}", self.kind, self.object.name_any()),
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"kind": self.kind, "namespace": self.object.namespace(), "name": self.object.name_any(), "deleted": self.is_deleted()})
    }

    /// Takes our finalizers off, and leaves those of others.
    pub(super) async fn release(&self) -> Result<(), Failure> {
        let mut object = self.object.clone();
        for attempt in 1.. {
            let others: Vec<&String> = object.finalizers().iter().filter(|finalizer| !is_ours(finalizer)).collect();
            let patch = json!({"metadata": {
                "uid": object.uid(), "resourceVersion": object.resource_version(), "finalizers": others,
            }});
            let params = PatchParams { field_manager: Some("hostwright-release".to_owned()), ..PatchParams::default() };
            match answer(self.api.patch(&object.name_any(), &params, &Patch::Merge(patch))).await {
                Ok(_) => return Ok(()),
                Err(refusal) if refusal.is_absent() => return Ok(()),
                Err(Refusal::Answered(status)) if status.code == 409 && attempt < TRIES => {}
                Err(refusal) => {
                    return Err(Failure::failed(format!(
                        "{} cannot be let go: {refusal}; run this again",
                        self.name()
                    )));
                }
            }
            match self.now().await? {
                Some(latest) => object = latest,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Whether a controller has taken hold of it again.
    pub(super) async fn is_held_again(&self) -> Result<bool, Failure> {
        let now = self.now().await?;
        Ok(now.is_some_and(|now| now.finalizers().iter().any(|finalizer| is_ours(finalizer))))
    }

    /// The same object as it is now.
    async fn now(&self) -> Result<Option<DynamicObject>, Failure> {
        let now = found(self.api.get(&self.object.name_any())).await?;
        Ok(now.filter(|now| now.uid() == self.object.uid()))
    }
}

fn is_ours(finalizer: &str) -> bool {
    [FINALIZER, IN_USE].contains(&finalizer)
}

/// The services that are meant.
pub(super) async fn services(client: &Client, kinds: &Kinds, scope: &Scope) -> Result<Vec<DynamicObject>, Failure> {
    let Ok(kind) = kinds.services() else { return Ok(Vec::new()) };
    match scope {
        Scope::All => list(client, kind, None).await,
        Scope::Namespace(namespace) => list(client, kind, Some(namespace)).await,
        Scope::Services(namespace, names) => {
            let api = kind.api(client, namespace);
            let mut services = Vec::new();
            for name in names {
                let service = found(api.get(name)).await?;
                services.push(service.ok_or_else(|| {
                    Failure::failed(format!(
                        "there is no HostingService {name} in namespace {namespace}; nothing was let go"
                    ))
                })?);
            }
            Ok(services)
        }
    }
}

/// Everything that is meant and held, in the order in which it is let go: what the controller itself needs comes last.
pub(super) async fn held(
    client: &Client,
    kinds: &Kinds,
    scope: &Scope,
    services: &[DynamicObject],
    namespace: Option<&str>,
) -> Result<Vec<Held>, Failure> {
    let mut held = Vec::new();
    if let Ok(kind) = kinds.services() {
        let each = services.iter().map(|service| {
            let api = kind.api(client, &service.namespace().unwrap_or_default());
            Held::of(api, &kind.resource.kind, service.clone())
        });
        held.extend(each.flatten());
    }
    if !matches!(scope, Scope::All) {
        return Ok(held);
    }
    for kind in kinds.of_group(GROUP).filter(|kind| !kind.is_ours("HostingService")) {
        for object in list(client, kind, None).await? {
            let api = kind.api(client, &object.namespace().unwrap_or_default());
            held.extend(Held::of(api, &kind.resource.kind, object));
        }
    }
    let installed = Installed::find(client, namespace).await?;
    let own = own(client, installed.namespace()).await?;
    held.extend(own);
    Ok(held)
}

/// What the controller itself needs, in its own namespace.
async fn own(client: &Client, namespace: &str) -> Result<Vec<Held>, Failure> {
    let api = |resource: ApiResource| Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
    let mut held = Vec::new();
    let secrets = api(ApiResource::erase::<Secret>(&()));
    for secret in answer(secrets.list(&ListParams::default())).await?.items {
        held.extend(Held::of(secrets.clone(), &Secret::kind(&()), secret));
    }
    let record = (api(ApiResource::erase::<ConfigMap>(&())), "ConfigMap", installation::NAME);
    let lease = (api(ApiResource::erase::<Lease>(&())), "Lease", lease::NAME);
    for (api, kind, name) in [record, lease] {
        if let Some(object) = found(api.get(name)).await? {
            held.extend(Held::of(api, kind, object));
        }
    }
    Ok(held)
}

async fn list(client: &Client, kind: &Kind, namespace: Option<&str>) -> Result<Vec<DynamicObject>, Failure> {
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => kind.api(client, namespace),
        None => Api::all_with(client.clone(), &kind.resource),
    };
    Ok(answer(api.list(&ListParams::default())).await?.items)
}
