//! Where installations live, and the panel that they share.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use demo_panel::Panel;
use hostwright_apiserver::{Config, Server};
use hostwright_tests::kube::ControlPlane;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const HOSTWRIGHT: &str = env!("CARGO_BIN_EXE_hostwright");
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A panel, and a folder.
pub struct Site {
    pub panel: Panel,
    quick_start: PathBuf,
    folder: TempDir,
    // Ends what runs in it last.
    runtime: Runtime,
}

impl Site {
    pub fn new() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let panel = Panel::new(demo_panel::Config::default());
        panel.seed_demo();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await });
        let quick_start = quick_start(folder.path(), &url);
        Self { panel, quick_start, folder, runtime }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files of the quick start, with the panel where it is.
    pub fn quick_start(&self) -> &str {
        self.quick_start.to_str().unwrap()
    }

    /// One machine: API and controller in one process.
    pub fn standalone(&self, installation: &str) -> Place {
        let kubeconfig = self.folder().join("standalone.kubeconfig");
        let log = self.folder().join("standalone.log");
        let process = Command::new(HOSTWRIGHT)
            .args(["standalone", "--installation-id", installation, "--data-dir"])
            .arg(self.folder().join("data"))
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .stderr(fs::File::create(&log).unwrap())
            .stdout(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let place =
            Place { kubeconfig, log, folder: self.folder().to_owned(), process: Some(Process(process)), _plane: None };
        place.until(&["get", "ns", "customers"], "Active");
        place
    }

    /// A cluster without a controller.
    pub fn embedded_server(&self) -> Place {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = Server::new(Config { token: Some("a-token".into()), ..Config::default() });
        let kubeconfig = self.folder().join("embedded.kubeconfig");
        fs::write(&kubeconfig, server.kubeconfig(listener.local_addr().unwrap()).unwrap()).unwrap();
        self.runtime.spawn(async move { server.serve(listener, std::future::pending()).await });
        self.place(kubeconfig, None)
    }

    /// The same on a real server; none, and words about it, where there is no program for it. One at a time: each costs some
    /// hundred megabytes.
    pub fn real_server(&self) -> Option<Place> {
        static ONE: Mutex<()> = Mutex::new(());
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let plane = ControlPlane::start()?;
        Some(self.place(plane.kubeconfig().to_owned(), Some((plane, alone))))
    }

    fn place(&self, kubeconfig: PathBuf, plane: Option<(ControlPlane, MutexGuard<'static, ()>)>) -> Place {
        let (log, folder) = (self.folder().join("controller.log"), self.folder().to_owned());
        Place { kubeconfig, log, folder, process: None, _plane: plane }
    }
}

/// A copy of the quick start in which the panel is at this address.
fn quick_start(folder: &Path, url: &str) -> PathBuf {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart"), folder.join("quickstart"));
    fs::create_dir(&to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        fs::write(to.join(file.file_name().unwrap()), text.replace("http://127.0.0.1:8790", url)).unwrap();
    }
    to
}

/// A process that is gone when this is dropped.
pub struct Process(Child);

impl Process {
    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An API, and the commands that work on it.
pub struct Place {
    kubeconfig: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
    // Ends before the next one begins.
    _plane: Option<(ControlPlane, MutexGuard<'static, ()>)>,
}

impl Place {
    /// Ends its process.
    pub fn stop(mut self) {
        self.process.take().unwrap().terminate();
    }

    pub fn try_hostwright(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(HOSTWRIGHT);
        command.args(arguments).env("HOSTWRIGHT_KUBECONFIG", &self.kubeconfig).stdin(Stdio::null()).output().unwrap()
    }

    /// What it said, on both of its outputs.
    #[track_caller]
    pub fn hostwright(&self, arguments: &[&str]) -> String {
        let done = self.try_hostwright(arguments);
        assert!(done.status.success(), "hostwright {arguments:?}: {}\n{}", written(&done), self.logged());
        written(&done)
    }

    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("kubectl");
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("KUBECACHEDIR", self.folder.join("cache"));
        let done = command.stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "kubectl {arguments:?}: {}\n{}", written(&done), self.logged());
        written(&done)
    }

    pub fn install_kinds(&self) {
        let definitions = self.folder.join("definitions.yaml");
        fs::write(&definitions, Command::new(HOSTWRIGHT).arg("crds").output().unwrap().stdout).unwrap();
        self.hostwright(&["apply", "-f", definitions.to_str().unwrap()]);
    }

    /// With kubectl where there is one: what was exported is for it.
    pub fn apply(&self, path: &str) -> String {
        if has_kubectl() { self.kubectl(&["apply", "-f", path]) } else { self.hostwright(&["apply", "-f", path]) }
    }

    /// Starts `hostwright run`.
    pub fn controller(&self, installation: &str) -> Process {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let process = Command::new(HOSTWRIGHT)
            .args(["run", "--credentials-namespace", "hostwright-system", "--installation-id", installation])
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        Process(process.unwrap())
    }

    /// Merges into a service.
    pub fn patch_service(&self, name: &str, patch: &str) {
        self.kubectl(&["-n", "customers", "patch", "hsvc", name, "--type=merge", "-p", patch]);
    }

    /// Asks until the answer contains this, however many spaces are between its words.
    #[track_caller]
    pub fn until(&self, arguments: &[&str], wanted: &str) {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let asked = || words(&written(&self.try_hostwright(arguments)));
        self.patiently(&format!("{arguments:?} says {wanted:?}"), || asked().contains(&words(wanted)), asked);
    }

    /// Asks until a service is gone.
    #[track_caller]
    pub fn until_gone(&self, service: &str) {
        let asked = || written(&self.try_hostwright(&["describe", "hsvc", service, "-n", "customers"]));
        self.patiently(&format!("{service} is gone"), || asked().contains("not found"), asked);
    }

    /// Reads the log until it contains this.
    #[track_caller]
    pub fn says(&self, wanted: &str) {
        self.patiently(&format!("the log says {wanted:?}"), || self.logged().contains(wanted), String::new);
    }

    #[track_caller]
    pub fn patiently(&self, what: &str, holds: impl Fn() -> bool, seen: impl Fn() -> String) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}: {}\n{}", seen(), self.logged());
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Whether kubectl is there. Where `HOSTWRIGHT_REQUIRE` names it, it has to be.
pub fn has_kubectl() -> bool {
    let found = Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|done| done.status.success());
    let required = std::env::var("HOSTWRIGHT_REQUIRE").unwrap_or_default();
    assert!(found || !required.split(',').any(|name| name.trim() == "kubectl"), "kubectl is required and not on PATH");
    found
}

fn written(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}
