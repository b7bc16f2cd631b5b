//! `hostwright get`, `describe`, `apply` and `delete`, as people without kubectl use them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod running_demo;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use running_demo::{HOSTWRIGHT, RunningDemo};

fn run(demo: &RunningDemo, arguments: &[&str]) -> Output {
    demo.command(HOSTWRIGHT).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What was asked for.
fn shown(demo: &RunningDemo, arguments: &[&str]) -> String {
    let done = run(demo, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", running_demo::written(&done));
    String::from_utf8(done.stdout).unwrap()
}

/// The exit code, and what was said on standard error.
fn refused(demo: &RunningDemo, arguments: &[&str]) -> (Option<i32>, String) {
    let done = run(demo, arguments);
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

fn columns(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

fn quickstart(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart").join(file);
    fs::canonicalize(path).unwrap().to_str().unwrap().to_owned()
}

fn written(demo: &RunningDemo, name: &str, text: &str) -> String {
    let path: PathBuf = demo.folder().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A service of the quick start's package.
fn service(name: &str, more: &str) -> String {
    format!(
        "apiVersion: hostwright.dev/v1alpha1\nkind: HostingService\nmetadata:\n  name: {name}\n  namespace: customers\nspec:\n  \
         packageRef: {{name: minecraft-4g}}\n  owner:\n    id: cust-9\n    email: zoe@example.com\n    name: Zoe\n  \
         desiredStatus: Active\n  checkout: {{server_name: {name}}}\n{more}"
    )
}

#[test]
fn get_shows_what_the_server_prints_in_every_form() {
    let demo = RunningDemo::settled();
    let services = shown(&demo, &["get"]);
    assert_eq!(columns(&services)[0], ["NAME", "DESIRED", "PHASE", "READY", "REASON", "PACKAGE", "AGE"]);
    assert_eq!(columns(&services)[1][..5], ["alice-survival", "Active", "Active", "True", "UpToDate"]);
    assert!(shown(&demo, &["get", "hsvc", "-o", "wide"]).contains("matches panel-eu, server"));
    assert!(shown(&demo, &["get", "-A"]).starts_with("NAMESPACE"));
    assert_eq!(shown(&demo, &["get", "hpkg/minecraft-4g", "-o", "name"]), "package.hostwright.dev/minecraft-4g\n");
    let all = shown(&demo, &["get", "hostwright"]);
    assert!(
        all.contains("hostingservice.hostwright.dev/bob-creative") && all.contains("plugin.hostwright.dev/pterodactyl")
    );
    let yaml = shown(&demo, &["get", "hsvc", "alice-survival", "-o", "yaml"]);
    assert!(yaml.starts_with("apiVersion: hostwright.dev/v1alpha1\n") && !yaml.contains("managedFields"), "{yaml}");
    let list: serde_json::Value = serde_json::from_str(&shown(&demo, &["get", "hsvc", "-o", "json"])).unwrap();
    assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&"List".into(), 4));
    let (code, said) = refused(&demo, &["get", "-n", "default"]);
    assert_eq!((code, said.as_str()), (Some(0), "No resources found in default namespace.\n"));
}

#[test]
fn get_says_what_is_missing_and_shows_the_rest() {
    let demo = RunningDemo::settled();
    let done = run(&demo, &["get", "hsvc", "alice-survival", "nobody"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        running_demo::written(&done).contains("alice-survival")
            && running_demo::written(&done).contains("nobody not found in namespace customers")
    );
    assert_eq!(
        refused(&demo, &["get", "hsvx"]),
        (Some(2), "error: the cluster serves no type \"hsvx\", did you mean hsvc?\n".into())
    );
    assert_eq!(refused(&demo, &["get", "hsvc", "alice-survival", "-A"]).0, Some(2));
}

#[test]
fn get_follows_what_changes() {
    let demo = RunningDemo::settled();
    let mut watching =
        demo.command(HOSTWRIGHT).args(["get", "hsvc", "bob-creative", "-w"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("NAME"));
    assert!(lines.next().unwrap().contains("Suspended"));
    let bob = fs::read_to_string(quickstart("30-services.yaml")).unwrap();
    let bob = bob.split("---\n").nth(1).unwrap().replace("desiredStatus: Suspended", "desiredStatus: Active");
    let bob = written(&demo, "bob.yaml", &bob);
    shown(&demo, &["apply", "-f", &bob, "--force-conflicts"]);
    assert!(lines.any(|line| columns(&line)[0][1..4] == ["Active", "Active", "True"]));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn describe_says_what_it_is_what_is_wrong_and_what_to_do() {
    let demo = RunningDemo::settled();
    let hans = shown(&demo, &["describe", "hsvc", "hans-skyblock"]);
    for part in [
        "Why it is not ready: InvalidCheckout",
        "unknown field, did you mean server_name?",
        "Who acts:",
        "cust-4: Hans Hunter <hans@example.com>",
        "Remote:        none",
        "\nConditions\n",
    ] {
        assert!(hans.contains(part), "{part}: {hans}");
    }
    let alice = shown(&demo, &["describe", "hsvc/alice-survival"]);
    assert!(
        alice.contains("\nHistory\n") && alice.contains("created remote") && !alice.contains("Why it is"),
        "{alice}"
    );
    assert!(alice.contains("\nEvents\n"), "{alice}");
    assert!(
        shown(&demo, &["describe", "hinst"]).contains("Mode:")
            || shown(&demo, &["describe", "hinst"]).contains("mode: Active")
    );
    let secret = shown(&demo, &["describe", "secret", "panel-eu-api", "-n", "hostwright-system"]);
    assert!(secret.contains("api_key: 9 bytes") && !secret.contains("cHRsYV9kZW1v"), "{secret}");
    assert_eq!(refused(&demo, &["describe", "hsvc", "nobody"]).0, Some(1));
}

#[test]
fn apply_says_what_became_of_each_object() {
    let demo = RunningDemo::settled();
    let file = written(&demo, "zoe.yaml", &service("zoe", ""));
    let name = "hostingservice.hostwright.dev/zoe";
    assert_eq!(shown(&demo, &["apply", "-f", &file, "--dry-run=server"]), format!("{name} created (server dry run)\n"));
    assert_eq!(refused(&demo, &["get", "hsvc", "zoe"]).0, Some(1), "a dry run makes nothing");
    assert_eq!(shown(&demo, &["apply", "-f", &file]), format!("{name} created\n"));
    assert_eq!(shown(&demo, &["apply", "-f", &file]), format!("{name} unchanged\n"));
    written(&demo, "zoe.yaml", &service("zoe", "  terminationProtection: true\n"));
    assert_eq!(shown(&demo, &["apply", "-f", &file]), format!("{name} configured\n"));
}

#[test]
fn apply_names_the_line_of_what_is_wrong_and_applies_the_rest() {
    let demo = RunningDemo::settled();
    let text = format!("{}---\n{}", service("zoe", "  bogus: 1\n"), service("yan", ""));
    let file = written(&demo, "two.yaml", &text);
    let done = run(&demo, &["apply", "-f", &file]);
    let said = running_demo::written(&done);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("{file}:14: ")) && said.contains("spec.bogus: field not declared in schema"),
        "{said}"
    );
    assert!(said.contains("hostingservice.hostwright.dev/yan created"), "{said}");

    let file = written(&demo, "wrong.yaml", &service("zoe", "").replace("zoe@example.com", "z"));
    let (code, said) = refused(&demo, &["apply", "-f", &file]);
    assert!(code == Some(1) && said.contains(&format!("{file}:10: ")) && said.contains("spec.owner.email"), "{said}");

    let file = written(&demo, "broken.yaml", "kind: A\n---\nkind: [\n");
    let (code, said) = refused(&demo, &["apply", "-f", &file]);
    assert!(code == Some(1) && said.contains(&format!("{file}:")), "{said}");
}

#[test]
fn apply_explains_a_conflict_and_takes_over_only_when_told() {
    let demo = RunningDemo::settled();
    let alice = fs::read_to_string(quickstart("30-services.yaml")).unwrap();
    let alice = alice.split("---\n").next().unwrap().replace("desiredStatus: Active", "desiredStatus: Suspended");
    let file = written(&demo, "alice.yaml", &alice);
    let (code, said) = refused(&demo, &["apply", "-f", &file]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("spec.desiredStatus was set to \"Active\" by hostwright"), "{said}");
    assert!(said.contains("--force-conflicts"), "{said}");
    shown(&demo, &["apply", "-f", &file, "--force-conflicts"]);
}

#[test]
fn delete_waits_until_the_server_is_gone_and_says_what_holds_it() {
    let demo = RunningDemo::settled();
    assert_eq!(
        shown(&demo, &["delete", "hsvc", "alice-survival"]),
        "hostingservice.hostwright.dev/alice-survival deleted\n"
    );
    assert_eq!(refused(&demo, &["get", "hsvc", "alice-survival"]).0, Some(1));

    let file = written(&demo, "zoe.yaml", &service("zoe", "  terminationProtection: true\n"));
    shown(&demo, &["apply", "-f", &file]);
    let done = run(&demo, &["delete", "-f", &file, "--timeout", "4s"]);
    let said = running_demo::written(&done);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("zoe waits: TerminationProtected: deleted, protection is on"), "{said}");
    assert!(said.contains("not gone within 4s") && said.contains("hostwright release"), "{said}");
    assert_eq!(shown(&demo, &["delete", "-f", &file, "--wait=false"]).lines().count(), 1);

    let (code, said) = refused(&demo, &["delete", "hsvc", "nobody"]);
    assert!(code == Some(1) && said.contains("not found"), "{said}");
    shown(&demo, &["delete", "hsvc", "nobody", "--ignore-not-found"]);
    assert_eq!(refused(&demo, &["delete", "hsvc"]).0, Some(2), "all of a kind are not meant by naming none");
}

#[test]
fn a_dry_run_of_delete_deletes_nothing() {
    let demo = RunningDemo::settled();
    let said = shown(&demo, &["delete", "-f", &quickstart("30-services.yaml"), "--dry-run=server"]);
    assert_eq!(said.lines().filter(|line| line.ends_with("deleted (server dry run)")).count(), 4, "{said}");
    assert_eq!(shown(&demo, &["get"]).lines().count(), 5);
}
