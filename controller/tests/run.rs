//! The binary as it runs beside a cluster: `hostwright run` against an API and a panel on sockets.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use demo_panel::Panel;
use hostwright_apiserver::{Config, Server};
use hostwright_crds::{HostingService, condition, manifests};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A new cluster and a panel, and a folder for the kubeconfig.
struct World {
    client: Client,
    panel: Panel,
    panel_address: SocketAddr,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        // Another test of this process may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::new(Config { token: Some("a-token".into()), ..Config::default() });
        let kubeconfig = server.kubeconfig(listener.local_addr().unwrap()).unwrap();
        tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kubeconfig"), &kubeconfig).unwrap();
        let config = Kubeconfig::from_yaml(&kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();

        let panel = Panel::new(demo_panel::Config::default());
        panel.seed_demo();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let panel_address = listener.local_addr().unwrap();
        let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { client: Client::try_from(config).unwrap(), panel, panel_address, folder }
    }

    async fn install_kinds(&self) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        for definition in manifests::all() {
            api.create(&PostParams::default(), &definition).await.unwrap();
        }
    }

    /// Applies a file of the quick start, with the panel where it is.
    async fn apply(&self, file: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart").join(file);
        let text = fs::read_to_string(path).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let mut object = Value::deserialize(document).unwrap();
            if let Some(url) = object.pointer_mut("/spec/config/panel_url") {
                *url = json!(format!("http://{}", self.panel_address));
            }
            self.create(&object).await;
        }
    }

    async fn create(&self, object: &Value) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = text("/apiVersion").split_once('/').unwrap_or(("", text("/apiVersion")));
        let kind = GroupVersionKind::gvk(group, version, text("/kind"));
        let (resource, capabilities) = discovery::pinned_kind(&self.client, &kind).await.unwrap();
        let api: Api<DynamicObject> = match capabilities.scope {
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), text("/metadata/namespace"), &resource),
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
        };
        api.create(&PostParams::default(), &serde_json::from_value(object.clone()).unwrap()).await.unwrap();
    }

    fn controller(&self, installation: &str) -> Controller {
        let mut process = Command::new(env!("CARGO_BIN_EXE_hostwright"))
            .args(["run", "--credentials-namespace", "hostwright-system", "--installation-id", installation])
            .arg("--kubeconfig")
            .arg(self.folder.path().join("kubeconfig"))
            .env_remove("HOSTWRIGHT_LOG")
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, log) = unbounded_channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Controller { process, log }
    }

    /// Waits until a service of the quick start is so.
    async fn until(&self, name: &str, holds: impl Fn(&HostingService) -> bool + Send) {
        let api: Api<HostingService> = Api::namespaced(self.client.clone(), "customers");
        await_condition(api, name, move |seen: Option<&HostingService>| seen.is_some_and(&holds)).await.unwrap();
    }
}

fn is_ready(service: &HostingService) -> bool {
    service.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, condition::READY))
}

fn has_remote(service: &HostingService) -> bool {
    service.status.as_ref().is_some_and(|status| status.remote.is_some())
}

/// A running `hostwright run`, killed when this is dropped.
struct Controller {
    process: Child,
    log: UnboundedReceiver<String>,
}

impl Controller {
    /// Reads the log until an entry contains this. Every line of it is JSON.
    async fn until(&mut self, wanted: &str) {
        let mut seen = Vec::new();
        while let Some(line) = self.log.recv().await {
            serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if line.contains(wanted) {
                return;
            }
            seen.push(line);
        }
        panic!("the log ended without {wanted:?}: {seen:#?}");
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end, and answers how it did.
    fn terminate(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.process.id().to_string()).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_the_kinds_and_its_namespace_and_says_how_to_make_them() {
    let world = World::new().await;
    let mut controller = world.controller("prod-eu");
    controller.until("hostwright crds | kubectl apply -f -").await;
    world.install_kinds().await;
    controller.until("kubectl create namespace hostwright-system").await;
    world.apply("00-namespaces.yaml").await;
    controller.until("this process leads").await;
    assert_eq!(controller.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_killed_is_followed_at_once_and_nothing_is_made_twice() {
    let world = World::new().await;
    world.install_kinds().await;
    for file in ["00-namespaces.yaml", "10-panel-eu.yaml", "20-packages.yaml", "30-services.yaml"] {
        world.apply(file).await;
    }
    let killed = world.controller("prod-eu");
    world.until("alice-survival", has_remote).await;
    killed.kill();
    let mut successor = world.controller("prod-eu");
    if cfg!(target_os = "linux") {
        // Elsewhere nobody knows, and the lease runs out.
        successor.until("the holder of the lease has ended").await;
    }
    world.until("alice-survival", is_ready).await;
    world.until("bob-creative", is_ready).await;
    for name in ["alice-survival", "bob-creative"] {
        assert_eq!(world.panel.max_live_per_external_id(&format!("prod-eu.customers.{name}")), 1);
    }
    assert_eq!(successor.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_id_is_refused() {
    let world = World::new().await;
    world.install_kinds().await;
    world.apply("00-namespaces.yaml").await;
    let first = world.controller("prod-eu");
    let records: Api<ConfigMap> = Api::namespaced(world.client.clone(), "hostwright-system");
    await_condition(records, "hostwright-installation", |record: Option<&ConfigMap>| record.is_some()).await.unwrap();
    assert_eq!(first.terminate(), Some(0));
    let mut other = world.controller("staging");
    other.until("Set the installation id back").await;
    assert_eq!(other.process.wait().unwrap().code(), Some(1));
}
