//! A cluster with a panel beside it, as somebody with helm and kubectl finds it.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use demo_panel::Panel;
use hostwright_tests::kube::{ControlPlane, is_required};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::nodes;
use hostwright_tests::helm::{Helm, chart, repository, text};

/// Where the chart is installed.
pub const SYSTEM: &str = "hostwright-system";

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is looked whether it is so.
const PAUSE: Duration = Duration::from_millis(100);

/// One at a time: each has a whole control plane and controllers of its own.
static ONE: Mutex<()> = Mutex::new(());

pub struct Cluster {
    pub plane: Arc<ControlPlane>,
    pub helm: Helm,
    pub panel: Panel,
    pub panel_url: String,
    folder: tempfile::TempDir,
    // Ends what runs in it before the rest goes.
    runtime: Option<Runtime>,
    _only: MutexGuard<'static, ()>,
}

impl Cluster {
    /// A new one; None, and words about it, where something is missing.
    pub fn start() -> Option<Self> {
        let helm = Helm::find()?;
        if !has_kubectl() {
            return None;
        }
        // Another test of this process may have been faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let only = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let plane = Arc::new(ControlPlane::start()?);
        if plane.process_ids().is_empty() {
            eprintln!("skipped: a cluster with nodes would run the Pods of the chart itself; unset TEST_KUBECONFIG");
            return None;
        }
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let panel = Panel::new(demo_panel::Config::default());
        panel.seed_demo();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let panel_url = format!("http://{}", listener.local_addr().unwrap());
        let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await });
        runtime.spawn(nodes::run(plane.clone(), folder.path().to_owned()));
        Some(Self { plane, helm, panel, panel_url, folder, runtime: Some(runtime), _only: only })
    }

    /// A program for which kubectl and helm mean this cluster.
    pub fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("KUBECONFIG", self.plane.kubeconfig()).env("KUBECACHEDIR", self.folder.path().join("cache"))
    }

    /// Runs helm, in the namespace of the controller unless another one is named; what it says.
    pub fn helm(&self, arguments: &[&str]) -> String {
        let done = self.try_helm(arguments);
        assert!(done.status.success(), "helm {arguments:?}: {}\n{}", text(&done.stderr), self.logs());
        text(&done.stdout)
    }

    /// Why helm does not.
    pub fn helm_refusal(&self, arguments: &[&str]) -> String {
        let done = self.try_helm(arguments);
        assert!(!done.status.success(), "helm {arguments:?} succeeds: {}", text(&done.stdout));
        text(&done.stderr)
    }

    fn try_helm(&self, arguments: &[&str]) -> Output {
        let mut command = self.helm.command(&[&["--namespace", SYSTEM], arguments].concat());
        self.environment(&mut command).output().unwrap()
    }

    /// Installs the chart and waits until its Pods run; what helm says.
    pub fn install(&self) -> String {
        let chart = chart();
        self.helm(&[
            "install",
            "hostwright",
            chart.to_str().unwrap(),
            "--create-namespace",
            "--set",
            "installationId=prod-eu",
        ])
    }

    /// Runs kubectl; what it says.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let done = self.environment(Command::new("kubectl").args(arguments)).output().unwrap();
        assert!(done.status.success(), "kubectl {arguments:?}: {}\n{}", text(&done.stderr), self.logs());
        text(&done.stdout)
    }

    /// Whether kubectl succeeds.
    pub fn can(&self, arguments: &[&str]) -> bool {
        self.environment(Command::new("kubectl").args(arguments)).output().unwrap().status.success()
    }

    pub fn get(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.kubectl(&[&["get", "-o", "json"], arguments].concat())).unwrap()
    }

    /// Waits until something of a service holds, as `kubectl wait --for` says it.
    pub fn wait(&self, object: &str, condition: &str) {
        self.kubectl(&["-n", "customers", "wait", object, &format!("--for={condition}"), "--timeout=120s"]);
    }

    /// Merges into an object.
    pub fn patch(&self, object: &str, patch: &Value) {
        self.kubectl(&["-n", "customers", "patch", object, "--type=merge", "-p", &patch.to_string()]);
    }

    pub fn apply(&self, manifest: &str) {
        let mut kubectl = Command::new("kubectl");
        let mut kubectl = self
            .environment(kubectl.args(["apply", "-f", "-"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        kubectl.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
        assert!(kubectl.wait().unwrap().success(), "{manifest}");
    }

    /// Applies the quick start, with the panel where it is.
    pub fn apply_quick_start(&self) {
        let mut files: Vec<PathBuf> = fs::read_dir(repository().join("examples/quickstart"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            self.apply(&fs::read_to_string(file).unwrap().replace("http://127.0.0.1:8790", &self.panel_url));
        }
    }

    /// Runs a script as a person pastes it, in the root of the repository, stopping at the first command that fails.
    pub fn paste(&self, script: &str) -> String {
        let file = self.folder.path().join("pasted.sh");
        fs::write(&file, script).unwrap();
        let mut command = Command::new("bash");
        self.environment(command.args(["-euxo", "pipefail"]).arg(&file)).current_dir(repository());
        if let Some(folder) = self.helm.folder() {
            let path = std::env::var_os("PATH").unwrap();
            let folders = [folder.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(folders).unwrap());
        }
        let done = command.stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{}{}\n{}", text(&done.stdout), text(&done.stderr), self.logs());
        text(&done.stdout)
    }

    /// Waits until something is so.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}\n{}", self.logs());
            std::thread::sleep(PAUSE);
        }
    }

    /// The ends of what the controllers said.
    pub fn logs(&self) -> String {
        let logs = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.map(|path| end_of(&path)).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Pods end with the task that runs them.
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("{}:\n{}\n", log.display(), lines[lines.len().saturating_sub(15)..].join("\n"))
}

/// Whether kubectl is there. Where `HOSTWRIGHT_REQUIRE` names it, it has to be.
fn has_kubectl() -> bool {
    let found = Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|done| done.status.success());
    assert!(found || !is_required("kubectl"), "kubectl is required and not on PATH");
    if !found {
        eprintln!("skipped: kubectl is not on PATH");
    }
    found
}
