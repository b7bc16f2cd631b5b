//! The binary as a person runs it: `hostwright demo`, alone and with kubectl.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod running_demo;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use running_demo::{HOSTWRIGHT, RunningDemo, has_kubectl, written};

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

fn kubectl(demo: &RunningDemo, arguments: &[&str]) -> String {
    let done = demo.command("kubectl").args(arguments).output().unwrap();
    assert!(done.status.success(), "kubectl {arguments:?}: {}", written(&done));
    text(&done.stdout)
}

#[test]
fn kubectl_drives_the_services_of_a_running_demo() {
    if !has_kubectl() {
        return;
    }
    let mut demo = RunningDemo::settled();
    let wide = kubectl(&demo, &["get", "hsvc", "-o", "wide"]);
    assert!(wide.contains("MESSAGE") && wide.contains("matches panel-eu, server"), "{wide}");

    kubectl(
        &demo,
        &["patch", "hsvc", "bob-creative", "--type", "merge", "-p", r#"{"spec":{"desiredStatus":"Active"}}"#],
    );
    kubectl(&demo, &["wait", "--for=jsonpath={.status.phase}=Active", "hsvc/bob-creative", "--timeout=60s"]);
    demo.until("Unsuspending");

    let mend = r#"[{"op":"move","from":"/spec/checkout/sever_name","path":"/spec/checkout/server_name"}]"#;
    kubectl(&demo, &["patch", "hsvc", "hans-skyblock", "--type", "json", "-p", mend]);
    kubectl(&demo, &["wait", "--for=condition=Ready", "hsvc/hans-skyblock", "--timeout=60s"]);
    assert!(kubectl(&demo, &["describe", "hsvc", "hans-skyblock"]).contains("created remote"));

    kubectl(&demo, &["delete", "hsvc", "alice-survival", "--timeout=60s"]);
    assert!(!kubectl(&demo, &["get", "hsvc", "-o", "name"]).contains("alice-survival"));

    kubectl(&demo, &["apply", "-f", services().to_str().unwrap()]);
    kubectl(&demo, &["wait", "--for=condition=Ready", "hsvc/alice-survival", "--timeout=60s"]);
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
