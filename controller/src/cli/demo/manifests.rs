//! The objects of examples/quickstart, and how they are applied.

use hostwright_crds::manifests;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::super::failure::Failure;
use crate::kube::bounded;

/// The files, in the order in which `kubectl apply -f` takes them.
const FILES: [(&str, &str); 4] = [
    ("00-namespaces.yaml", include_str!("../../../../examples/quickstart/00-namespaces.yaml")),
    ("10-panel-eu.yaml", include_str!("../../../../examples/quickstart/10-panel-eu.yaml")),
    ("20-packages.yaml", include_str!("../../../../examples/quickstart/20-packages.yaml")),
    ("30-services.yaml", include_str!("../../../../examples/quickstart/30-services.yaml")),
];

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The objects, in order.
#[derive(Debug)]
pub(super) struct Manifests(Vec<Value>);

impl Manifests {
    /// Reads what is built in.
    pub(super) fn read() -> Result<Self, Failure> {
        let mut objects = Vec::new();
        for (file, text) in FILES {
            for document in serde_yaml::Deserializer::from_str(text) {
                let object = Value::deserialize(document)
                    .map_err(|error| Failure::failed(format!("examples/quickstart/{file} is no YAML: {error}")))?;
                objects.push(object);
            }
        }
        Ok(Self(objects))
    }

    /// Where they say that the panel is.
    pub(super) fn panel_url(&self) -> Option<&str> {
        self.0.iter().find_map(|object| object["spec"]["config"]["panel_url"].as_str())
    }

    /// Says instead that the panel is here.
    pub(super) fn set_panel_url(&mut self, url: &str) {
        for object in &mut self.0 {
            if let Some(setting) = object.pointer_mut("/spec/config/panel_url") {
                *setting = json!(url);
            }
        }
    }

    /// Makes all of them.
    pub(super) async fn create(&self, client: &Client) -> Result<(), Failure> {
        for object in &self.0 {
            create(client, object).await?;
        }
        Ok(())
    }
}

/// Installs the CustomResourceDefinitions.
pub(super) async fn install_definitions(client: &Client) -> Result<(), Failure> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in manifests::all() {
        let made = bounded(api.create(&PostParams::default(), &definition)).await;
        made.map_err(|error| {
            let name = definition.metadata.name.as_deref().unwrap_or_default();
            Failure::failed(format!("CustomResourceDefinition {name} cannot be installed: {error}"))
        })?;
    }
    Ok(())
}

async fn create(client: &Client, manifest: &Value) -> Result<(), Failure> {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, namespace, name) = (text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
    let failed =
        |problem: String| Failure::failed(format!("{kind} {name} of examples/quickstart cannot be made: {problem}"));

    let (group, version) = text("/apiVersion").rsplit_once('/').unwrap_or(("", text("/apiVersion")));
    let pinned = discovery::pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await;
    let (resource, capabilities) = pinned.map_err(|error| failed(error.to_string()))?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    };
    let object: DynamicObject =
        serde_json::from_value(as_kubectl_applies(manifest)).map_err(|error| failed(error.to_string()))?;
    bounded(api.create(&PostParams::default(), &object)).await.map(drop).map_err(|error| failed(error.to_string()))
}

/// With the annotation in which kubectl keeps what it applied, so that applying the files again, edited or not, is an
/// ordinary `kubectl apply`.
fn as_kubectl_applies(manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    if manifest.pointer("/metadata/annotations").is_none() {
        manifest["metadata"]["annotations"] = json!({});
    }
    let applied = format!("{manifest}\n");
    manifest["metadata"]["annotations"][LAST_APPLIED] = json!(applied);
    manifest
}

#[cfg(test)]
mod tests {
    use hostwright_crds::annotation;

    use super::*;

    fn of_kind<'a>(manifests: &'a Manifests, kind: &str) -> Vec<&'a Value> {
        manifests.0.iter().filter(|object| object["kind"] == kind).collect()
    }

    #[test]
    fn every_service_of_the_quick_start_says_what_is_expected_of_it() {
        let manifests = Manifests::read().unwrap();
        let services = of_kind(&manifests, "HostingService");
        assert_eq!(services.len(), 4);
        for service in services {
            let expected = service["metadata"]["annotations"][annotation::EXPECT].as_str().unwrap_or_default();
            let (ready, reason) = expected.split_once('/').unwrap_or_default();
            assert!(["True", "False"].contains(&ready), "{service}");
            assert!(hostwright_crds::reason::find(reason).is_some(), "{service}");
        }
    }

    #[test]
    fn the_key_of_the_quick_start_opens_the_demo_panel() {
        let manifests = Manifests::read().unwrap();
        let secrets = of_kind(&manifests, "Secret");
        assert_eq!(secrets[0]["stringData"]["api_key"], json!(demo_panel::Config::default().application_key));
    }

    #[test]
    fn the_address_of_the_panel_can_be_replaced() {
        let mut manifests = Manifests::read().unwrap();
        assert!(manifests.panel_url().is_some());
        manifests.set_panel_url("http://127.0.0.1:1");
        assert_eq!(manifests.panel_url(), Some("http://127.0.0.1:1"));
    }
}
