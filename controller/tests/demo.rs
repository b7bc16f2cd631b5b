//! The binary as a person runs it: `hostwright demo`, alone and with kubectl.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const HOSTWRIGHT: &str = env!("CARGO_BIN_EXE_hostwright");

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hostwright(arguments: &[&str]) -> Output {
    Command::new(HOSTWRIGHT).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

#[test]
fn the_demo_settles_as_its_files_say_and_shows_it() {
    let demo = hostwright(&["demo", "--once", "--panel-listen", "127.0.0.1:0"]);
    let (shown, said) = (text(&demo.stdout), text(&demo.stderr));
    assert!(demo.status.success(), "{shown}{said}");
    let table: Vec<Vec<&str>> = shown
        .lines()
        .skip_while(|line| !line.starts_with("NAME"))
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    let rows: Vec<[&str; 5]> = table.iter().map(|row| [row[0], row[1], row[2], row[3], row[4]]).collect();
    assert_eq!(
        rows,
        [
            ["NAME", "DESIRED", "PHASE", "READY", "REASON"],
            ["alice-survival", "Active", "Active", "True", "UpToDate"],
            ["bob-creative", "Suspended", "Suspended", "True", "Suspended"],
            ["carol-modded", "Active", "Pending", "False", "NoCapacity"],
            ["hans-skyblock", "Active", "Pending", "False", "InvalidCheckout"],
        ],
        "{shown}"
    );
    assert!(shown.contains("unknown field, did you mean server_name?"), "{shown}");
    assert!(!shown.contains('\x1b') && !said.contains('\x1b'), "no escape sequences off a terminal: {shown:?}");
}

#[test]
fn a_demo_without_time_fails_and_names_what_was_not_settled() {
    let demo = hostwright(&["demo", "--once", "--timeout", "0s", "--panel-listen", "127.0.0.1:0"]);
    let said = text(&demo.stderr);
    assert_eq!(demo.status.code(), Some(1), "{said}");
    assert!(said.contains("not settled within 0s"), "{said}");
}

#[test]
fn a_kubeconfig_of_somebody_else_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, "apiVersion: v1\nkind: Config\nclusters: [{name: production}]\n").unwrap();
    let demo = hostwright(&["demo", "--once", "--kubeconfig", path.to_str().unwrap()]);
    assert_eq!(demo.status.code(), Some(2), "{}", text(&demo.stderr));
    assert!(fs::read_to_string(&path).unwrap().contains("production"));
}

/// A demo that keeps running, and is gone when this is dropped.
struct Running {
    process: Child,
    output: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

impl Running {
    /// Started, settled, and ready for kubectl.
    fn settled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(HOSTWRIGHT)
            .args(["demo", "--panel-listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(folder.path().join("kubeconfig"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut running = Self { process, output, folder };
        running.until("Ctrl-C ends the demo");
        running
    }

    /// Reads on until a line contains this.
    fn until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let ended = self.output.read_line(&mut line).unwrap() == 0;
            assert!(!ended, "the demo ended before it said {wanted:?}: {seen}");
            seen.push_str(&line);
            if line.contains(wanted) {
                return seen;
            }
        }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let done = Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            // Discovery is cached by address, and another demo may have had this one.
            .arg("--cache-dir")
            .arg(self.folder.path().join("cache"))
            .output()
            .unwrap();
        assert!(done.status.success(), "kubectl {arguments:?}: {}{}", text(&done.stdout), text(&done.stderr));
        text(&done.stdout)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether kubectl is there. Where `HOSTWRIGHT_REQUIRE` names it, it has to be.
fn has_kubectl() -> bool {
    let found = Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|done| done.status.success());
    let required = std::env::var("HOSTWRIGHT_REQUIRE").unwrap_or_default();
    assert!(found || !required.split(',').any(|name| name.trim() == "kubectl"), "kubectl is required and not on PATH");
    if !found {
        eprintln!("skipped: kubectl is not on PATH");
    }
    found
}

#[test]
fn kubectl_drives_the_services_of_a_running_demo() {
    if !has_kubectl() {
        return;
    }
    let mut demo = Running::settled();
    let wide = demo.kubectl(&["get", "hsvc", "-o", "wide"]);
    assert!(wide.contains("MESSAGE") && wide.contains("matches panel-eu, server"), "{wide}");

    demo.kubectl(&["patch", "hsvc", "bob-creative", "--type", "merge", "-p", r#"{"spec":{"desiredStatus":"Active"}}"#]);
    demo.kubectl(&["wait", "--for=jsonpath={.status.phase}=Active", "hsvc/bob-creative", "--timeout=60s"]);
    demo.until("Unsuspending");

    let mend = r#"[{"op":"move","from":"/spec/checkout/sever_name","path":"/spec/checkout/server_name"}]"#;
    demo.kubectl(&["patch", "hsvc", "hans-skyblock", "--type", "json", "-p", mend]);
    demo.kubectl(&["wait", "--for=condition=Ready", "hsvc/hans-skyblock", "--timeout=60s"]);
    assert!(demo.kubectl(&["describe", "hsvc", "hans-skyblock"]).contains("created remote"));

    demo.kubectl(&["delete", "hsvc", "alice-survival", "--timeout=60s"]);
    assert!(!demo.kubectl(&["get", "hsvc", "-o", "name"]).contains("alice-survival"));

    demo.kubectl(&["apply", "-f", services().to_str().unwrap()]);
    demo.kubectl(&["wait", "--for=condition=Ready", "hsvc/alice-survival", "--timeout=60s"]);
}

fn services() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart/30-services.yaml")
}

#[test]
#[cfg(unix)]
fn a_demo_that_is_told_to_stop_ends_well_and_leaves_no_kubeconfig_of_its_own() {
    let mut process = Command::new(HOSTWRIGHT)
        .args(["demo", "--panel-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let kubeconfig =
        lines.find_map(|line| line.strip_prefix("Kubeconfig").map(|path| PathBuf::from(path.trim()))).unwrap();
    assert!(kubeconfig.exists());
    assert!(lines.any(|line| line.contains("Ctrl-C ends the demo")));
    let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(lines.any(|line| line == "Stopping."));
    assert!(process.wait().unwrap().success());
    assert!(!kubeconfig.exists());
}
