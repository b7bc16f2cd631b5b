//! The one service that a command is about.

use clap::Args;
use hostwright_crds::{Identity, annotation, condition};
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;

use super::cluster::{Target, answer};
use super::failure::Failure;
use super::get::missing;
use super::kinds::{Kind, Kinds};
use super::program;
use super::selection::check;

/// Which service is meant.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Name of the service
    pub(super) name: String,
    #[command(flatten)]
    target: Target,
}

impl Named {
    /// Reads it.
    pub(super) async fn read(&self) -> Result<Service, Failure> {
        check(&self.name)?;
        let (client, namespace) = self.target.connect().await?;
        Service::read(&client, &namespace, &self.name).await
    }
}

/// A service as it was when it was read.
pub(super) struct Service {
    pub(super) kind: Kind,
    pub(super) api: Api<DynamicObject>,
    pub(super) object: DynamicObject,
}

impl Service {
    pub(super) async fn read(client: &Client, namespace: &str, name: &str) -> Result<Self, Failure> {
        let kind = Kinds::of(client).await?.services()?.clone();
        let api = kind.api(client, namespace);
        let object = answer(api.get(name)).await;
        let object = object.map_err(|refusal| Failure::failed(missing(&kind, name, Some(namespace), &refusal)))?;
        Ok(Self { kind, api, object })
    }

    /// `hostingservice.hostwright.dev/alice`
    pub(super) fn title(&self) -> String {
        self.kind.object(&self.object.name_any())
    }

    pub(super) fn namespace(&self) -> String {
        self.object.namespace().unwrap_or_default()
    }

    /// A command of this program about it, as a person types it.
    pub(super) fn command(&self, verb: &str) -> String {
        format!("{} {verb} -n {} {}", program::name(), self.namespace(), self.object.name_any())
    }

    pub(super) fn at(&self, pointer: &str) -> &Value {
        self.object.data.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A text of it; empty where there is none.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// A time of it.
    pub(super) fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).parse().ok()
    }

    /// What its Ready condition says.
    pub(super) fn ready(&self) -> Option<&Value> {
        let conditions = self.at("/status/conditions").as_array();
        conditions.into_iter().flatten().find(|told| told["type"] == condition::READY)
    }

    /// Whether its status speaks of what stands in its spec now.
    pub(super) fn is_seen(&self) -> bool {
        let observed = self.at("/status/observedGeneration").as_i64();
        observed.is_some() && observed == self.object.metadata.generation
    }

    /// When its end was confirmed, which is final.
    pub(super) fn ended(&self) -> Option<String> {
        let text = self.object.annotations().get(annotation::IDENTITY)?;
        let name = format!("{}/{}", self.namespace(), self.object.name_any());
        // A record that was copied from another object says nothing of this one.
        Identity::parse(text).ok().filter(|record| record.for_object == name)?.ended
    }

    pub(super) fn is_paused(&self) -> bool {
        let annotated = self.object.annotations().get(annotation::PAUSED);
        *self.at("/spec/paused") == true || annotated.is_some_and(|value| value != "false")
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use hostwright_apiserver::{Config, Server};
    use k8s_openapi::api::core::v1::Namespace;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::api::{Patch, PatchParams, PostParams};
    use serde_json::json;

    use super::*;

    /// A cluster that knows Hostwright, where no controller runs.
    pub(in super::super) async fn cluster() -> Client {
        let client = Client::new(Server::new(Config::default()).router(), "default");
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in hostwright_crds::manifests::all() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let namespace = serde_json::from_value(json!({"metadata": {"name": "customers"}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        client
    }

    /// What Alice ordered.
    pub(in super::super) fn order() -> Value {
        json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": "alice", "namespace": "customers"},
            "spec": {
                "packageRef": {"name": "small"}, "desiredStatus": "Active",
                "owner": {"id": "cust-1", "email": "alice@example.com", "name": "Alice"},
            },
        })
    }

    /// Alice's service, with these changes to her order and this status.
    pub(in super::super) async fn alice(client: &Client, change: impl FnOnce(&mut Value), status: Value) -> Service {
        let mut order = order();
        change(&mut order);
        let kind = Kinds::of(client).await.unwrap().services().unwrap().clone();
        let api = kind.api(client, "customers");
        api.create(&PostParams::default(), &serde_json::from_value(order).unwrap()).await.unwrap();
        let status = Patch::Merge(json!({"status": status}));
        api.patch_status("alice", &PatchParams::default(), &status).await.unwrap();
        Service::read(client, "customers", "alice").await.unwrap()
    }

    impl Service {
        /// The same, as it is now.
        pub(in super::super) async fn again(&self) -> Self {
            let object = self.api.get(&self.object.name_any()).await.unwrap();
            Self { kind: self.kind.clone(), api: self.api.clone(), object }
        }
    }
}
