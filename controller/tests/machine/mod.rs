//! One machine: a data folder, a folder of manifests, a panel, and `hostwright standalone` in a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use demo_panel::Panel;
use hostwright_crds::{HostingService, condition};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A machine on which nothing was started yet.
pub struct Machine {
    pub panel: Panel,
    panel_address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Machine {
    pub async fn new() -> Self {
        // Another test of this process may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let panel = Panel::new(demo_panel::Config::default());
        // Two nodes of 8 GiB, as the demo has.
        panel.seed_demo();
        panel.seed_demo();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let panel_address = listener.local_addr().unwrap();
        let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("manifests")).unwrap();
        Self { panel, panel_address, folder }
    }

    /// A machine whose folder holds the quick start.
    pub async fn with_the_quick_start() -> Self {
        let machine = Self::new().await;
        for file in ["00-namespaces.yaml", "10-panel-eu.yaml", "20-packages.yaml", "30-services.yaml"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart").join(file);
            machine.write(file, &fs::read_to_string(path).unwrap());
        }
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder of manifests, with the panel where it is.
    pub fn write(&self, file: &str, text: &str) {
        let text = text.replace("http://127.0.0.1:8790", &format!("http://{}", self.panel_address));
        fs::write(self.path("manifests").join(file), text).unwrap();
    }

    /// Changes a file in the folder of manifests.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("manifests").join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replace(from, to));
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostwright"));
        command.arg("standalone").arg("--data-dir").arg(self.path("data"));
        for name in ["HOSTWRIGHT_LOG", "RUST_LOG", "KUBECONFIG", "HOSTWRIGHT_KUBECONFIG"] {
            command.env_remove(name);
        }
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Standalone {
        let mut command = self.command();
        command.args(arguments);
        Standalone::of(command)
    }

    /// Started with the folder of manifests.
    pub fn start_with_manifests(&self, arguments: &[&str]) -> Standalone {
        let mut command = self.command();
        // Tests run beside each other: a port that is given back for a moment may be taken by another machine.
        command.args(["--listen", "127.0.0.1:0", "--installation-id", "prod-eu", "--manifests"]);
        command.arg(self.path("manifests")).args(arguments);
        Standalone::of(command)
    }

    /// A client with the kubeconfig that a start has written.
    pub async fn client(&self) -> Client {
        let config = Kubeconfig::read_from(self.path("data/kubeconfig")).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        Client::try_from(config).unwrap()
    }

    /// Waits until a service is so.
    pub async fn until(&self, name: &str, holds: impl Fn(&HostingService) -> bool + Send) {
        let api: Api<HostingService> = Api::namespaced(self.client().await, "customers");
        await_condition(api, name, move |seen: Option<&HostingService>| seen.is_some_and(&holds)).await.unwrap();
    }
}

pub fn is_ready(service: &HostingService) -> bool {
    service.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, condition::READY))
}

/// A running `hostwright standalone`, killed when this is dropped.
pub struct Standalone {
    pub process: Child,
    log: UnboundedReceiver<String>,
}

impl Standalone {
    pub fn of(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let (sender, log) = unbounded_channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, log }
    }

    /// Reads the log until an entry contains this. Every line of it is JSON.
    pub async fn until(&mut self, wanted: &str) -> String {
        let mut seen = Vec::new();
        while let Some(line) = self.log.recv().await {
            let entry: serde_json::Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let said = format!("{} {}", entry["message"].as_str().unwrap_or_default(), entry);
            if said.contains(wanted) {
                return said;
            }
            seen.push(line);
        }
        panic!("the log ended without {wanted:?}: {seen:#?}");
    }

    pub async fn started(mut self) -> Self {
        self.until("running").await;
        self
    }

    /// The exit code of one that ends by itself, and everything it logged.
    pub async fn end(mut self) -> (Option<i32>, String) {
        let mut all = String::new();
        while let Some(line) = self.log.recv().await {
            all += &line;
        }
        (self.process.wait().unwrap().code(), all)
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end, and answers how it did.
    pub fn terminate(mut self) -> Option<i32> {
        assert!(Command::new("kill").arg(self.process.id().to_string()).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
