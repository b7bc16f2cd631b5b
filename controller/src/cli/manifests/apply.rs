//! Server-side apply of one manifest after the other, and what became of each.

use std::time::Duration;

use kube::Client;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use serde_json::Value;

use super::super::cluster::{Refusal, answer, found};
use super::super::failure::Failure;
use super::super::kinds::{Kind, Kinds};
use super::super::program;
use super::{Manifest, faults};

/// How often a kind is looked for whose definition was applied just before.
const LOOKS: u32 = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Outcome {
    Created,
    Configured,
    Unchanged,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        })
    }
}

/// An object that was applied.
#[derive(Debug)]
pub(in super::super) struct Applied {
    /// `hostingservice.hostwright.dev/alice`
    pub(in super::super) object: String,
    pub(in super::super) outcome: Outcome,
}

/// Applies manifests to a cluster, as one writer.
pub(in super::super) struct Applying {
    client: Client,
    kinds: Kinds,
    /// Where an object goes that names no namespace.
    namespace: String,
    /// Objects of any other namespace are refused.
    only: bool,
    params: PatchParams,
}

impl Applying {
    /// In the name of this field manager.
    pub(in super::super) async fn new(client: &Client, namespace: &str, manager: &str) -> Result<Self, Failure> {
        let mut params = PatchParams::apply(manager);
        params.field_validation = Some(ValidationDirective::Strict);
        let kinds = Kinds::of(client).await?;
        Ok(Self { client: client.clone(), kinds, namespace: namespace.to_owned(), only: false, params })
    }

    /// Refuses objects that name another namespace.
    pub(in super::super) fn only_here(mut self, only: bool) -> Self {
        self.only = only;
        self
    }

    /// Takes over the fields of other writers.
    pub(in super::super) fn forced(mut self, force: bool) -> Self {
        self.params.force = force;
        self
    }

    /// Asks the server what it would do, and changes nothing.
    pub(in super::super) fn dry_run(mut self, dry_run: bool) -> Self {
        self.params.dry_run = dry_run;
        self
    }

    /// Applies one. The problem is told with its place in the file.
    pub(in super::super) async fn apply(&mut self, manifest: &Manifest) -> Result<Applied, String> {
        let (kind, name) = (self.kind_of(manifest).await?, manifest.text("/metadata/name"));
        let namespace = self.namespace_of(manifest)?;
        let api = kind.api(&self.client, &namespace);
        let object = kind.object(name);
        let told = |refusal: Refusal| format!("{}: {object}: {refusal}", manifest.place());
        let before = found(api.get(name)).await.map_err(told)?;
        let patch = Patch::Apply(&manifest.object);
        let after = answer(api.patch(name, &self.params, &patch)).await;
        let after = after.map_err(|refusal| explained(manifest, &object, before.as_ref(), &refusal))?;
        let outcome = match &before {
            None => Outcome::Created,
            Some(before) if is_same(before, &after) => Outcome::Unchanged,
            Some(_) => Outcome::Configured,
        };
        Ok(Applied { object, outcome })
    }

    async fn kind_of(&mut self, manifest: &Manifest) -> Result<Kind, String> {
        let (version, name) = (manifest.text("/apiVersion"), manifest.text("/kind"));
        let mut looks = 0;
        loop {
            if let Some(kind) = self.kinds.of_manifest(version, name) {
                return Ok(kind.clone());
            }
            // Its definition may have been applied a moment ago, which takes the server another moment.
            if looks > 0 && !(self.is_defined(version, name).await && looks < LOOKS) {
                return Err(format!(
                    "{}: kind: the cluster serves no {name} of {version}; see which there are: {} get crds",
                    manifest.place_of("kind"),
                    program::name()
                ));
            }
            if looks > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            looks += 1;
            let place = manifest.place();
            self.kinds = Kinds::of(&self.client)
                .await
                .map_err(|failure| format!("{place}: {}", failure.message().unwrap_or_default()))?;
        }
    }

    /// Whether the cluster has a definition of a kind, which it may not serve yet.
    async fn is_defined(&self, version: &str, name: &str) -> bool {
        let Some(definitions) = self
            .kinds
            .of_manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            .filter(|_| !self.params.dry_run)
        else {
            return false;
        };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let listed = answer(definitions.api(&self.client, "").list(&kube::api::ListParams::default())).await;
        listed.is_ok_and(|list| {
            list.items.iter().any(|definition| {
                definition.data["spec"]["group"] == group && definition.data["spec"]["names"]["kind"] == name
            })
        })
    }

    fn namespace_of(&self, manifest: &Manifest) -> Result<String, String> {
        let named = manifest.text("/metadata/namespace");
        if self.only && !named.is_empty() && named != self.namespace {
            return Err(format!(
                "{}: metadata.namespace is {named}, and -n asked for {}; leave out one of the two",
                manifest.place_of("metadata.namespace"),
                self.namespace
            ));
        }
        Ok(if named.is_empty() { self.namespace.clone() } else { named.to_owned() })
    }
}

/// Whether an apply changed nothing that people see.
fn is_same(before: &DynamicObject, after: &DynamicObject) -> bool {
    before.metadata.resource_version == after.metadata.resource_version || seen(before) == seen(after)
}

/// What people write. The controller may have written its own part between the read and the apply.
fn seen(object: &DynamicObject) -> DynamicObject {
    let mut object = object.clone();
    object.metadata.managed_fields = None;
    object.metadata.resource_version = None;
    object.metadata.generation = None;
    object.finalizers_mut().retain(|finalizer| finalizer != hostwright_crds::FINALIZER);
    object.annotations_mut().remove(hostwright_crds::annotation::IDENTITY);
    if let Some(data) = object.data.as_object_mut() {
        data.remove("status");
    }
    object
}

/// Why an object was refused: each field with its line, and what to do.
fn explained(manifest: &Manifest, object: &str, before: Option<&DynamicObject>, refusal: &Refusal) -> String {
    let has = |reason: &str| faults::causes(refusal).any(|cause| cause.reason == reason);
    if has("NamespaceTerminating") {
        return format!("{}: {object}: {refusal}; apply it again once that is done", manifest.place());
    }
    let contested = has("FieldManagerConflict");
    let faults = faults::of(refusal);
    let lines = faults.iter().map(|(field, what)| {
        if contested {
            return conflict(manifest, object, before, field, what);
        }
        format!("{}: {object}: {field}: {what}", manifest.place_of(field))
    });
    if faults.is_empty() {
        return format!("{}: {object}: {refusal}", manifest.place());
    }
    lines.collect::<Vec<_>>().join("\n")
}

/// `conflict with "kubectl" using hostwright.dev/v1alpha1`, in words that say what to do.
fn conflict(manifest: &Manifest, object: &str, before: Option<&DynamicObject>, field: &str, message: &str) -> String {
    let writer = message.split('"').nth(1).unwrap_or("another writer");
    let pointer = format!("/{}", field.replace('.', "/"));
    let now = before.and_then(|before| before.data.pointer(&pointer));
    let value = |value: Option<&Value>| value.map_or_else(String::new, |value| format!(" to {value}"));
    format!(
        "{}: {object}: {field} was set{} by {writer}, and this file sets it{}. Leave it out of the file and {writer} keeps it; \
         take it over: --force-conflicts",
        manifest.place_of(field),
        value(now),
        value(manifest.object.pointer(&pointer)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(metadata: &Value, status: Value) -> DynamicObject {
        let mut object = json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService", "metadata": metadata,
            "spec": {"desiredStatus": "Active"}});
        if !status.is_null() {
            object["status"] = status;
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn what_the_controller_writes_meanwhile_is_no_change_of_the_apply() {
        let before = object(&json!({"name": "zoe", "resourceVersion": "7"}), Value::Null);
        let controlled = json!({"name": "zoe", "resourceVersion": "9", "finalizers": [hostwright_crds::FINALIZER],
            "annotations": {hostwright_crds::annotation::IDENTITY: "{}"}});
        assert!(is_same(&before, &object(&controlled, json!({"phase": "Pending"}))));
        let labelled = json!({"name": "zoe", "resourceVersion": "9", "labels": {"a": "b"}});
        assert!(!is_same(&before, &object(&labelled, Value::Null)));
    }
}
