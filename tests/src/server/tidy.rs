//! What a test finds in a real server, and how nothing of the test before is left in it.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::pinned_kind;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

/// Namespaces of the cluster itself.
const OF_THE_CLUSTER: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What tests make, by group, version, kind and plural, in an order in which nothing waits for what comes later.
const KINDS: [(&str, &str, &str, &str); 8] = [
    ("hostwright.dev", "v1alpha1", "HostingService", "hostingservices"),
    ("hostwright.dev", "v1alpha1", "Package", "packages"),
    ("hostwright.dev", "v1alpha1", "ProviderInstance", "providerinstances"),
    ("hostwright.dev", "v1alpha1", "Plugin", "plugins"),
    ("", "v1", "Secret", "secrets"),
    ("", "v1", "ConfigMap", "configmaps"),
    ("events.k8s.io", "v1", "Event", "events"),
    ("coordination.k8s.io", "v1", "Lease", "leases"),
];

/// Installs the definitions of all kinds, and makes the namespaces that tests use.
pub(super) async fn prepare(client: Client) {
    let namespaces = [crate::NAMESPACE, crate::SYSTEM].map(|name| crate::namespace(name).0);
    apply(client.clone(), namespaces.to_vec()).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    for definition in hostwright_crds::manifests::all() {
        let name = definition.name_any();
        let parameters = PatchParams::apply("test").force();
        definitions.patch(&name, &parameters, &Patch::Apply(&definition)).await.unwrap();
        await_condition(definitions.clone(), &name, conditions::is_crd_established()).await.unwrap();
    }
}

/// Makes these objects, or makes them what they should be.
pub(super) async fn apply(client: Client, objects: Vec<Value>) {
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
        let (resource, _) = pinned_kind(&client, &GroupVersionKind::gvk(group, version, text("/kind"))).await.unwrap();
        let api: Api<DynamicObject> = match text("/metadata/namespace") {
            "" => Api::all_with(client.clone(), &resource),
            namespace => Api::namespaced_with(client.clone(), namespace, &resource),
        };
        api.patch(text("/metadata/name"), &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
    }
}

/// Removes whatever a test made.
pub(super) async fn empty(client: Client) {
    for (group, version, kind, plural) in KINDS {
        let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let everywhere: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let objects = everywhere.list(&ListParams::default()).await.unwrap();
        let made = objects.items.iter().filter(|object| !is_of_the_cluster(object));
        join_all(made.map(|object| remove(client.clone(), &resource, object))).await;
    }
    let namespaces: Api<Namespace> = Api::all(client);
    for namespace in namespaces.list(&ListParams::default()).await.unwrap() {
        let name = namespace.name_any();
        let is_ending = namespace.metadata.deletion_timestamp.is_some();
        let is_known =
            OF_THE_CLUSTER.contains(&name.as_str()) || [crate::NAMESPACE, crate::SYSTEM].contains(&name.as_str());
        if !is_known || is_ending {
            // It may be gone meanwhile.
            let _ = namespaces.delete(&name, &DeleteParams::default()).await;
            await_condition(namespaces.clone(), &name, |found: Option<&Namespace>| found.is_none()).await.unwrap();
        }
    }
}

fn is_of_the_cluster(object: &DynamicObject) -> bool {
    object.namespace().is_some_and(|namespace| namespace.starts_with("kube-"))
}

async fn remove(client: Client, resource: &ApiResource, object: &DynamicObject) {
    let api: Api<DynamicObject> = match object.namespace() {
        Some(namespace) => Api::namespaced_with(client, &namespace, resource),
        None => Api::all_with(client, resource),
    };
    let name = object.name_any();
    // Nobody may be left to see to the finalizers; the object may be gone meanwhile.
    if !object.finalizers().is_empty() {
        let nothing = json!({"metadata": {"finalizers": null}});
        let _ = api.patch(&name, &PatchParams::default(), &Patch::Merge(nothing)).await;
    }
    let _ = api.delete(&name, &DeleteParams::default()).await;
}
