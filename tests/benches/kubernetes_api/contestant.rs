//! The two servers.

use std::any::Any;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hostwright_apiserver::{Config, Server, write_private};
use hostwright_crds::manifests;
use hostwright_tests::kube::{ControlPlane, Durability};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use serde_json::json;
use tokio::net::TcpListener;

use crate::measure::Memory;
use crate::service::{NAMESPACE, SERVICES};

/// The argument with which this program is the embedded server, in a process of its own.
pub const SERVE: &str = "serve";
const TOKEN: &str = "measured";

pub struct Contestant {
    pub name: &'static str,
    kubeconfig: PathBuf,
    processes: Vec<u32>,
    /// Ends the processes with this value.
    _running: Box<dyn Any>,
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Contestant {
    /// The embedded server, in a process of its own.
    pub fn embedded(directory: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg(SERVE).arg(directory).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        Self {
            name: "embedded",
            kubeconfig: directory.join("kubeconfig"),
            processes: vec![child.id()],
            _running: Box::new(Killed(child)),
        }
    }

    /// etcd and kube-apiserver.
    pub fn real() -> Self {
        let plane = ControlPlane::start_with(Durability::Synced).expect("there is nothing to compare with");
        let processes = plane.process_ids();
        assert_eq!(processes.len(), 2, "etcd and kube-apiserver of this program's own are needed");
        Self {
            name: "kube-apiserver and etcd",
            kubeconfig: plane.kubeconfig().to_owned(),
            processes,
            _running: Box::new(plane),
        }
    }

    /// A client with a connection of its own that repeats nothing.
    pub async fn client(&self) -> Client {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).unwrap();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        let client = Client::try_from(config).unwrap();
        client.apiserver_version().await.unwrap();
        client
    }

    /// The definitions and the namespace that services need.
    pub async fn prepare(&self) {
        let client = self.client().await;
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in manifests::all() {
            definitions.create(&PostParams::default(), &definition).await.unwrap();
        }
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let namespace = serde_json::from_value(json!({ "metadata": { "name": NAMESPACE } })).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
        let list = || http::Request::get(SERVICES).body(Vec::new()).unwrap();
        while client.request_text(list()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Of all its processes together.
    pub fn memory(&self) -> Memory {
        self.processes.iter().map(|process| Memory::of(*process)).sum()
    }
}

/// Is the embedded server until it is killed.
pub async fn serve(directory: PathBuf) {
    let server = Server::open(&directory, Config { token: Some(TOKEN.into()), ..Config::default() }).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = server.kubeconfig(listener.local_addr().unwrap()).unwrap();
    write_private(&directory.join("kubeconfig"), &kubeconfig).unwrap();
    println!("ready");
    server.serve(listener, std::future::pending()).await.unwrap();
}
