//! A cluster with one instance, and a controller process on it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use hostwright_apiserver::{Config, Server};
use hostwright_crds::{
    HostingService, Identity, Package, ProviderInstance, ProviderInstanceStatus, annotation, condition,
};
use hostwright_plugin::{Plugin, Present, Remote, State};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::{self, ObjectRef, store::Writer};
use kube::runtime::watcher::Event;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::clock::TokioClock;
use crate::context::{Caches, Context, Guarded, Settings, Wakers};
use crate::instance::reconcile;
use crate::kube::{Events, Installation, Leadership, ServerTime};
use crate::plugin::sample::Sample;
use crate::providers::{Providers, Runtime};
use crate::service::Memory as Services;

pub(super) const NAMESPACE: &str = "hostwright-system";

pub(super) struct World {
    server: Server,
    pub(super) client: Client,
    pub(super) plugin: Arc<Sample>,
    pub(super) ctx: Arc<Context>,
    services: Writer<Guarded<HostingService>>,
    instances: Writer<Guarded<ProviderInstance>>,
    packages: Writer<Guarded<Package>>,
    pub(super) woken: UnboundedReceiver<ObjectRef<Guarded<HostingService>>>,
}

impl World {
    /// A cluster with the kinds, one Secret, and an instance that refers to it.
    pub(super) async fn new() -> Self {
        let server = Server::new(Config::default());
        let client = Client::new(server.router(), "default");
        for definition in hostwright_crds::manifests::all() {
            create(&Api::all(client.clone()), &definition).await;
        }
        for name in [NAMESPACE, "customers"] {
            put(&Api::<Namespace>::all(client.clone()), json!({"metadata": {"name": name}})).await;
        }
        let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
        put(&secrets, json!({"metadata": {"name": "panel-api"}, "stringData": {"key": "secret-value-1"}})).await;
        let spec = json!({
            "pluginRef": {"name": "sample"},
            "config": {"panel_url": "https://panel.example.com"},
            "configFrom": {"api_key": {"secretKeyRef": {"name": "panel-api", "key": "key"}}},
        });
        put(&Api::<ProviderInstance>::all(client.clone()), json!({"metadata": {"name": "panel-eu"}, "spec": spec}))
            .await;
        Self::started(server, client).await
    }

    /// A process that has just started on this cluster.
    async fn started(server: Server, client: Client) -> Self {
        let plugin = Arc::new(Sample::new());
        let (services, services_writer) = reflector::store();
        let (packages, packages_writer) = reflector::store();
        let (instances, instances_writer) = reflector::store();
        let (namespaces, _) = reflector::store();
        let (wake_services, woken) = unbounded_channel();
        let (wake_instances, _) = unbounded_channel();
        let ctx = Arc::new(Context {
            events: Events::new(client.clone(), None),
            caches: Caches {
                services,
                packages,
                instances,
                namespaces,
                services_listed: tokio::sync::watch::channel(true).1,
                instances_listed: tokio::sync::watch::channel(true).1,
            },
            providers: Providers::new([plugin.clone() as Arc<dyn Plugin>]),
            wakers: Wakers { services: wake_services, instances: wake_instances },
            memory: Services::default(),
            turns: crate::package::Turns::default(),
            client: client.clone(),
            server_time: ServerTime::default(),
            clock: Arc::new(TokioClock::starting_at(Timestamp::from_second(1_800_000_000).unwrap())),
            settings: Settings { installation: "prod".into(), credentials_namespace: NAMESPACE.into() },
            leadership: Leadership::always(),
            installation: Installation::open(&client, NAMESPACE, "prod").await.unwrap(),
        });
        Self {
            server,
            client,
            plugin,
            ctx,
            services: services_writer,
            instances: instances_writer,
            packages: packages_writer,
            woken,
        }
    }

    pub(super) async fn restarted(self) -> Self {
        Self::started(self.server, self.client).await
    }

    pub(super) async fn pass(&mut self) -> Action {
        fill(&self.client, &mut self.services).await;
        fill(&self.client, &mut self.instances).await;
        fill(&self.client, &mut self.packages).await;
        let seen = self.ctx.caches.instances.get(&ObjectRef::new("panel-eu")).unwrap();
        reconcile(seen, self.ctx.clone()).await.unwrap()
    }

    pub(super) fn writes(&self) -> usize {
        let writes = ["create", "update", "patch", "delete"];
        self.server.requests().iter().filter(|request| writes.contains(&request.verb.as_str())).count()
    }

    pub(super) async fn instance(&self) -> Option<ProviderInstance> {
        Api::all(self.client.clone()).get_opt("panel-eu").await.unwrap()
    }

    pub(super) async fn status(&self) -> ProviderInstanceStatus {
        self.instance().await.unwrap().status.unwrap()
    }

    pub(super) async fn ready(&self) -> (String, String) {
        let status = self.status().await;
        let ready = condition::find(&status.conditions, condition::READY).unwrap();
        (format!("{}/{}", ready.status, ready.reason), ready.message.clone())
    }

    pub(super) fn runtime(&self) -> Arc<Runtime> {
        self.ctx.providers.runtime("panel-eu").unwrap()
    }

    pub(super) async fn patch(&self, patch: Value) {
        let api: Api<ProviderInstance> = Api::all(self.client.clone());
        api.patch("panel-eu", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    pub(super) async fn annotate(&self, key: &str, value: &str) {
        self.patch(json!({"metadata": {"annotations": {key: value}}})).await;
    }

    pub(super) fn list_shows(&self, names: impl IntoIterator<Item = String>) {
        let listed = |name: String| Present {
            external_id: Some(format!("prod.customers.{name}")),
            ..Present::new(Remote::default(), State::Active, None)
        };
        *self.plugin.remotes.lock().unwrap() = names.into_iter().map(listed).collect();
    }

    /// A service whose remote is bound on the instance.
    pub(super) async fn service(&self, name: &str) {
        let api: Api<HostingService> = Api::namespaced(self.client.clone(), "customers");
        let spec = json!({"packageRef": {"name": "small"}, "owner": {"id": "c", "email": "a@example.com", "name": "A"},
            "desiredStatus": "Active"});
        let made = put(&api, json!({"metadata": {"name": name}, "spec": spec})).await;
        let record = Identity {
            external_id: format!("prod.customers.{name}"),
            for_object: format!("customers/{name}"),
            uid: made.metadata.uid.clone().unwrap(),
            instance: "panel-eu".into(),
            remote_identity: "one".into(),
            owner: "prod.customers.c".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        let record = json!({"metadata": {"annotations": {annotation::IDENTITY: record.to_text()}}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(record)).await.unwrap();
        let status = json!({"status": {"providerInstance": "panel-eu",
            "remote": {"id": "1", "state": "Active", "boundAt": "2026-01-01T00:00:00Z"}}});
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    pub(super) async fn later(&self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }
}

async fn create<K>(api: &Api<K>, object: &K) -> K
where
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    api.create(&PostParams::default(), object).await.unwrap()
}

async fn put<K>(api: &Api<K>, object: Value) -> K
where
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    create(api, &serde_json::from_value(object).unwrap()).await
}

/// Fills a cache with what is there.
async fn fill<K>(client: &Client, writer: &mut Writer<Guarded<K>>)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let all: Api<Guarded<K>> = Api::all(client.clone());
    writer.apply_watcher_event(&Event::Init);
    for object in all.list(&ListParams::default()).await.unwrap().items {
        writer.apply_watcher_event(&Event::InitApply(object));
    }
    writer.apply_watcher_event(&Event::InitDone);
}
