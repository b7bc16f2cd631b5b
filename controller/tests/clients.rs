//! kubectl as people use it, on the embedded API server and on a real one: the same session, the same words.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

#[allow(dead_code, reason = "no demo runs here, only kubectl is looked for in the same way")]
mod running_demo;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use demo_panel::Panel;
use hostwright_apiserver::{Config, Server};
use hostwright_tests::kube::ControlPlane;
use running_demo::{HOSTWRIGHT, has_kubectl, written};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A cluster with a panel and a running controller, in which nothing was ordered yet.
struct Session {
    kubeconfig: PathBuf,
    panel: Panel,
    /// The quick start, with the panel where it is.
    manifests: PathBuf,
    controller: Child,
    _folder: tempfile::TempDir,
    // Ends what runs in it last.
    _runtime: Runtime,
    _plane: Option<Arc<ControlPlane>>,
}

impl Session {
    fn on_the_embedded_server() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let server = Server::new(Config { token: Some("a-token".into()), ..Config::default() });
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig(listener.local_addr().unwrap()).unwrap()).unwrap();
        runtime.spawn(async move { server.serve(listener, std::future::pending()).await });
        Self::with(kubeconfig, runtime, folder, None)
    }

    fn on_a_real_server() -> Option<Self> {
        let plane = ControlPlane::start()?;
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        Some(Self::with(plane.kubeconfig().to_owned(), runtime, folder, Some(Arc::new(plane))))
    }

    fn with(
        kubeconfig: PathBuf,
        runtime: Runtime,
        folder: tempfile::TempDir,
        plane: Option<Arc<ControlPlane>>,
    ) -> Self {
        let panel = Panel::new(demo_panel::Config::default());
        panel.seed_demo();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = panel.router().into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await });
        let manifests = quick_start(folder.path(), &url);
        let definitions = Command::new(HOSTWRIGHT).arg("crds").output().unwrap().stdout;
        std::fs::write(folder.path().join("crds.yaml"), definitions).unwrap();
        let log = std::fs::File::create(folder.path().join("controller.log")).unwrap();
        let controller = Command::new(HOSTWRIGHT)
            .args(["run", "--credentials-namespace", "hostwright-system", "--installation-id", "clients"])
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let session =
            Self { kubeconfig, panel, manifests, controller, _folder: folder, _runtime: runtime, _plane: plane };
        let definitions = session.folder().join("crds.yaml");
        let installed = session.kubectl(&["apply", "--server-side", "-f", definitions.to_str().unwrap()]);
        assert_eq!(installed.matches("serverside-applied").count(), 4, "{installed}");
        session.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
        session
    }

    fn folder(&self) -> &Path {
        self.manifests.parent().unwrap()
    }

    fn try_kubectl(&self, arguments: &[&str]) -> Output {
        Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("KUBECACHEDIR", self.folder().join("cache"))
            .output()
            .unwrap()
    }

    #[track_caller]
    fn kubectl(&self, arguments: &[&str]) -> String {
        let done = self.try_kubectl(arguments);
        let log = std::fs::read_to_string(self.folder().join("controller.log")).unwrap_or_default();
        assert!(done.status.success(), "kubectl {arguments:?}: {}\n{log}", written(&done));
        written(&done)
    }

    /// What people tell hostwright, about the customers' services.
    #[track_caller]
    fn hostwright(&self, arguments: &[&str]) -> String {
        let mut hostwright = Command::new(HOSTWRIGHT);
        hostwright.args(arguments).args(["-n", "customers"]).env("KUBECONFIG", &self.kubeconfig);
        let done = hostwright.current_dir(self.folder()).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "hostwright {arguments:?}: {}", written(&done));
        written(&done)
    }

    /// With the quick start's files.
    #[track_caller]
    fn with_files(&self, arguments: &[&str]) -> String {
        self.kubectl(&[arguments, &["-f", self.manifests.to_str().unwrap()]].concat())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.controller.kill();
        let _ = self.controller.wait();
    }
}

/// A copy of the quick start in which the panel is at this address.
fn quick_start(folder: &Path, url: &str) -> PathBuf {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart"), folder.join("quickstart"));
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(to.join(file.file_name().unwrap()), text.replace("http://127.0.0.1:8790", url)).unwrap();
    }
    to
}

/// What somebody with kubectl does in the first hour.
fn a_session(session: &Session) {
    let customers = |arguments: &[&str]| session.kubectl(&[&["-n", "customers"], arguments].concat());
    let applied = session.with_files(&["apply"]);
    assert!(applied.contains("hostingservice.hostwright.dev/alice-survival created"), "{applied}");
    customers(&["wait", "--for=condition=Ready", "hsvc/alice-survival", "hsvc/bob-creative", "--timeout=120s"]);

    // Nothing differs from what was applied, whichever side applies.
    let same = session.try_kubectl(&["diff", "-f", session.manifests.to_str().unwrap()]);
    assert_eq!((same.status.code(), written(&same).as_str()), (Some(0), ""));
    let again = session.with_files(&["apply"]);
    // kubectl never finds the `stringData` of a Secret again, which the server keeps as `data`.
    let configured: Vec<&str> = again.lines().filter(|line| !line.ends_with("unchanged")).collect();
    assert_eq!(configured, ["secret/panel-eu-api configured"]);
    let server_side = session.with_files(&["apply", "--server-side"]);
    assert!(server_side.lines().all(|line| line.ends_with("serverside-applied")), "{server_side}");
    let same = session.try_kubectl(&["diff", "--server-side", "-f", session.manifests.to_str().unwrap()]);
    assert_eq!((same.status.code(), written(&same).as_str()), (Some(0), ""));

    // A person's edit shows as a difference, and is a conflict for whoever applies the file again.
    let suspend = r#"{"spec":{"desiredStatus":"Suspended"}}"#;
    customers(&["patch", "hsvc", "alice-survival", "--type=merge", "-p", suspend, "--field-manager=support"]);
    customers(&["wait", "--for=jsonpath={.status.phase}=Suspended", "hsvc/alice-survival", "--timeout=60s"]);
    let differs =
        session.try_kubectl(&["diff", "--server-side", "--force-conflicts", "-f", session.manifests.to_str().unwrap()]);
    assert_eq!(differs.status.code(), Some(1), "{}", written(&differs));
    assert!(written(&differs).contains("-  desiredStatus: Suspended"), "{}", written(&differs));
    let conflict = session.try_kubectl(&["apply", "--server-side", "-f", session.manifests.to_str().unwrap()]);
    assert_eq!(conflict.status.code(), Some(1));
    assert!(written(&conflict).contains(r#"conflict with "support""#), "{}", written(&conflict));
    session.with_files(&["apply", "--server-side", "--force-conflicts"]);
    customers(&["wait", "--for=jsonpath={.status.phase}=Active", "hsvc/alice-survival", "--timeout=60s"]);

    // What people read.
    let described = customers(&["describe", "hsvc", "alice-survival"]);
    assert!(described.contains("created remote") && described.contains("Events:"), "{described}");
    let explained = session.kubectl(&["explain", "hsvc.spec.desiredStatus"]);
    assert!(explained.contains("Active") && explained.contains("ENUM"), "{explained}");
    let wide = customers(&["get", "hsvc", "-o", "wide"]);
    assert!(wide.contains("MESSAGE") && wide.contains("hans-skyblock"), "{wide}");
    let mistyped = r#"{"spec":{"desiredState":"Active"}}"#;
    let warned = customers(&["patch", "hsvc", "alice-survival", "--type=merge", "-p", mistyped]);
    assert!(warned.contains(r#"Warning: unknown field "spec.desiredState""#), "{warned}");
    let typed = session.folder().join("typed.yaml");
    let text = std::fs::read_to_string(session.manifests.join("30-services.yaml")).unwrap();
    std::fs::write(&typed, text.replace("desiredStatus:", "desiredState:")).unwrap();
    let refused = session.try_kubectl(&["apply", "-f", typed.to_str().unwrap()]);
    assert!(!refused.status.success());
    assert!(written(&refused).contains(r#"unknown field "spec.desiredState""#), "{}", written(&refused));

    // What people do to one service, with commands that say what kubectl would do.
    let uid = || customers(&["get", "hsvc", "alice-survival", "-o", "jsonpath={.metadata.uid}"]);
    session.hostwright(&["suspend", "alice-survival", "--holder", "abuse-desk", "--reason", "TermsOfService"]);
    customers(&["wait", "--for=jsonpath={.status.phase}=Suspended", "hsvc/alice-survival", "--timeout=60s"]);
    session.hostwright(&["unsuspend", "alice-survival", "--holder", "abuse-desk"]);
    customers(&["wait", "--for=jsonpath={.status.phase}=Active", "hsvc/alice-survival", "--timeout=60s"]);
    let cancel = ["cancel", "alice-survival", "--reason", "moving on", "--requested-by", "cust-1", "--yes"];
    session.hostwright(&cancel);
    customers(&["wait", "--for=jsonpath={.status.phase}=Terminated", "hsvc/alice-survival", "--timeout=60s"]);
    let ended = uid();
    session.hostwright(&["recreate", "alice-survival", "--yes"]);
    customers(&["wait", "--for=condition=Ready", "hsvc/alice-survival", "--timeout=60s"]);
    assert_ne!(uid(), ended);
    session.hostwright(&["status", "alice-survival"]);

    // All of it at once, and nothing is left, here or on the panel.
    session.with_files(&["delete", "--timeout=180s"]);
    assert_eq!(session.panel.servers().len(), 0);
    let left = session.kubectl(&["get", "hsvc,hpkg,hinst", "-A", "-o", "name"]);
    assert_eq!(left, "");
}

#[test]
fn a_session_with_kubectl_on_the_embedded_server() {
    if has_kubectl() {
        a_session(&Session::on_the_embedded_server());
    }
}

#[test]
fn a_session_with_kubectl_on_a_real_server() {
    if has_kubectl()
        && let Some(session) = Session::on_a_real_server()
    {
        a_session(&session);
    }
}
