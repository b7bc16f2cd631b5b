//! The commands about one service, as people use them, and as kubectl does what they print.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod running_demo;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use running_demo::{HOSTWRIGHT, RunningDemo, has_kubectl, written};
use serde_json::Value;

fn run(demo: &RunningDemo, arguments: &[&str]) -> Output {
    demo.command(HOSTWRIGHT).args(arguments).current_dir(demo.folder()).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn shown(demo: &RunningDemo, arguments: &[&str]) -> String {
    let done = run(demo, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", written(&done));
    written(&done)
}

/// What was said by a command that was not carried out.
#[track_caller]
fn refused(demo: &RunningDemo, code: i32, arguments: &[&str]) -> String {
    let done = run(demo, arguments);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {}", written(&done));
    String::from_utf8(done.stderr).unwrap()
}

fn object(demo: &RunningDemo, name: &str) -> Value {
    serde_json::from_slice(&run(demo, &["get", "hsvc", name, "-o", "json"]).stdout).unwrap()
}

/// Watches a service until its row is DESIRED, PHASE, READY, REASON.
fn until(demo: &RunningDemo, name: &str, wanted: [&str; 4]) {
    let mut watching = demo.command(HOSTWRIGHT);
    let mut watching = watching.args(["get", "hsvc", name, "-w"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(
        lines.any(|line| line.split_whitespace().skip(1).take(4).eq(wanted)),
        "{name}: the watch ended before {wanted:?}"
    );
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn status_answers_in_words_in_json_and_by_its_exit_code() {
    let demo = RunningDemo::settled();
    let alice = shown(&demo, &["status", "alice-survival"]);
    assert!(alice.starts_with("hostingservice.hostwright.dev/alice-survival is ready, UpToDate: matches"), "{alice}");
    let carol = run(&demo, &["status", "carol-modded"]);
    let said = written(&carol);
    assert_eq!(carol.status.code(), Some(1));
    assert!(said.contains("is not ready, NoCapacity") && said.contains("; next attempt at 20"), "{said}");
    assert!(said.contains("hostwright reconcile -n customers carol-modded") && !said.contains("error:"), "{said}");
    let carol = run(&demo, &["status", "carol-modded", "-o", "json"]);
    let told: Value = serde_json::from_slice(&carol.stdout).unwrap();
    assert_eq!(carol.status.code(), Some(1));
    assert_eq!((&told["ready"], &told["advice"]["whoActs"]), (&Value::from(false), &"platform team".into()));
    assert!(refused(&demo, 1, &["status", "nobody"]).contains("nobody not found in namespace customers"));
    assert!(refused(&demo, 2, &["status", "customers/alice-survival"]).contains("is no name"));
    assert_eq!(run(&demo, &["status"]).status.code(), Some(2));
}

#[test]
fn history_shows_the_newest_first() {
    let demo = RunningDemo::settled();
    let bob = shown(&demo, &["history", "bob-creative"]);
    assert!(bob.starts_with("AT") && bob.contains("Suspended") && bob.contains("created remote"), "{bob}");
    let entries: Value =
        serde_json::from_slice(&run(&demo, &["history", "bob-creative", "-o", "json"]).stdout).unwrap();
    assert_eq!(entries, object(&demo, "bob-creative")["status"]["history"]);
    assert!(shown(&demo, &["history", "hans-skyblock"]).contains("Nothing was done"));
}

#[test]
fn each_holder_suspends_and_lifts_for_itself() {
    let demo = RunningDemo::settled();
    let alice = ["suspend", "alice-survival", "--reason", "Overdue"];
    assert!(refused(&demo, 2, &alice).contains("A holder is whoever suspends"));
    assert!(refused(&demo, 2, &["suspend", "alice-survival", "--holder", "billing"]).contains("--reason WORD"));
    for taken in ["spec", "policy"] {
        assert!(refused(&demo, 2, &[&alice[..], &["--holder", taken]].concat()).contains("is taken"));
    }
    let said = refused(&demo, 1, &["suspend", "alice-survival", "--holder", "billing", "--reason", "not paid"]);
    assert!(said.contains("spec.suspensions.billing.reason: ") && said.contains("nothing was changed"), "{said}");
    assert!(shown(&demo, &[&alice[..], &["--holder", "billing"]].concat()).ends_with("billing: Overdue\n"));
    shown(&demo, &["suspend", "alice-survival", "--holder", "abuse-desk", "--reason", "TermsOfService"]);
    until(&demo, "alice-survival", ["Suspended", "Suspended", "True", "TermsOfService"]);
    assert!(shown(&demo, &[&alice[..], &["--holder", "billing"]].concat()).ends_with("Overdue (unchanged)\n"));
    let lifted = shown(&demo, &["unsuspend", "alice-survival", "--holder", "billing"]);
    assert!(
        lifted.contains("Still suspended by: abuse-desk (TermsOfService), lifted by --holder abuse-desk"),
        "{lifted}"
    );
    let said = refused(&demo, 1, &["unsuspend", "alice-survival", "--holder", "billing"]);
    assert!(said.contains("billing does not suspend it") && said.contains("abuse-desk (TermsOfService)"), "{said}");
    shown(&demo, &["unsuspend", "alice-survival", "--holder", "abuse-desk"]);
    until(&demo, "alice-survival", ["Active", "Active", "True", "UpToDate"]);
}

#[test]
fn a_cancellation_is_withdrawn_until_it_has_ended_and_one_at_once_is_asked_about() {
    let demo = RunningDemo::settled();
    let because = ["--reason", "moving on", "--requested-by", "cust-1"];
    let cancel = |more: &[&'static str]| [&["cancel", "alice-survival"], &because[..], more].concat();
    let said = shown(&demo, &cancel(&["--at", "2099-01-01T00:00:00Z"]));
    assert!(said.contains("ends at 2099-01-01T00:00:00Z") && said.contains("--withdraw"), "{said}");
    until(&demo, "alice-survival", ["Active", "Active", "True", "UpToDate"]);
    shown(&demo, &["cancel", "alice-survival", "--withdraw"]);
    assert_eq!(object(&demo, "alice-survival")["spec"]["cancellation"], Value::Null);
    assert!(refused(&demo, 1, &["cancel", "alice-survival", "--withdraw"]).contains("is not cancelled"));
    for now in [cancel(&[]), cancel(&["--at", "2020-01-01T00:00:00Z"])] {
        assert!(refused(&demo, 2, &now).contains("ends at once and for ever"));
    }
    assert_eq!(object(&demo, "alice-survival")["spec"]["cancellation"], Value::Null);
    shown(&demo, &cancel(&["--yes"]));
    until(&demo, "alice-survival", ["Terminated", "Terminated", "True", "Terminated"]);
    assert!(refused(&demo, 1, &cancel(&["--yes"])).contains("hostwright recreate -n customers alice-survival"));
}

#[test]
fn a_person_at_the_terminal_who_does_not_say_yes_changes_nothing() {
    if !Command::new("script").arg("--version").output().is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: script (util-linux), which makes a terminal, is not on PATH");
        return;
    }
    let demo = RunningDemo::settled();
    let asked = |answer: &[u8]| {
        let line = format!("exec {HOSTWRIGHT} cancel alice-survival --reason a --requested-by b");
        let mut terminal = demo.command("script");
        terminal.env("SHELL", "/bin/sh");
        terminal.args(["-qfec", &line]).arg(demo.folder().join("transcript"));
        let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut keys, mut shown) = (terminal.stdin.take().unwrap(), BufReader::new(terminal.stdout.take().unwrap()));
        let (mut seen, mut byte) = (String::new(), [0]);
        while !seen.ends_with("Type yes to go on: ") {
            assert_eq!(shown.read(&mut byte).unwrap(), 1, "it ended before it asked: {seen}");
            seen.push(char::from(byte[0]));
        }
        keys.write_all(answer).unwrap();
        shown.read_to_string(&mut seen).unwrap();
        (terminal.wait().unwrap().code(), seen)
    };
    let (code, seen) = asked(b"y\n");
    assert!(
        code == Some(1) && seen.contains("ends at once and for ever") && seen.contains("nothing was changed"),
        "{seen}"
    );
    assert_eq!(object(&demo, "alice-survival")["spec"]["cancellation"], Value::Null);
    let (code, seen) = asked(b"yes\n");
    assert!(code == Some(0) && seen.contains("alice-survival ends now"), "{seen}");
}

#[test]
fn a_service_that_has_ended_is_made_anew_without_what_would_end_it() {
    let demo = RunningDemo::settled();
    let said = refused(&demo, 1, &["recreate", "alice-survival", "--yes"]);
    assert!(said.contains("is there (Active)") && said.contains("hostwright cancel -n customers"), "{said}");
    let because = ["--reason", "moving on", "--requested-by", "cust-1", "--yes"];
    shown(&demo, &[&["cancel", "alice-survival"], &because[..]].concat());
    until(&demo, "alice-survival", ["Terminated", "Terminated", "True", "Terminated"]);
    let before = object(&demo, "alice-survival");

    let manifest = shown(&demo, &["recreate", "alice-survival", "--dry-run"]);
    assert!(manifest.contains("kubectl -n customers delete hsvc alice-survival"), "{manifest}");
    assert_eq!(object(&demo, "alice-survival"), before);
    assert!(refused(&demo, 2, &["recreate", "alice-survival"]).contains("add --yes"), "nobody is there to ask");

    // What an earlier attempt left behind is not overwritten.
    let kept = demo.folder().join("recreate-alice-survival.yaml");
    fs::write(&kept, "an order").unwrap();
    assert!(refused(&demo, 2, &["recreate", "alice-survival", "--yes"]).contains("exists already"));
    assert_eq!(object(&demo, "alice-survival"), before);
    fs::remove_file(&kept).unwrap();

    let said = shown(&demo, &["recreate", "alice-survival", "--yes"]);
    assert!(said.contains("Left out: spec.cancellation: it would end the new one at once"), "{said}");
    assert!(said.contains("Left out: annotation hostwright.dev/identity"), "{said}");
    assert!(!kept.exists());
    until(&demo, "alice-survival", ["Active", "Active", "True", "UpToDate"]);
    let after = object(&demo, "alice-survival");
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_ne!(after["status"]["remote"]["id"], before["status"]["remote"]["id"]);
    assert_eq!(after["spec"]["checkout"], before["spec"]["checkout"]);
    assert_eq!(after["metadata"]["annotations"]["hostwright.dev/expect"], "True/UpToDate");
}

#[test]
fn an_order_whose_object_does_not_go_is_kept() {
    let demo = RunningDemo::settled();
    let because = ["--reason", "moving on", "--requested-by", "cust-1", "--yes"];
    shown(&demo, &[&["cancel", "alice-survival"], &because[..]].concat());
    until(&demo, "alice-survival", ["Terminated", "Terminated", "True", "Terminated"]);
    // Somebody else holds the object, and lets it go later.
    let alice = |finalizers: &str| {
        format!(
            "apiVersion: hostwright.dev/v1alpha1\nkind: HostingService\nmetadata:\n  name: alice-survival\n  namespace: \
             customers\n  finalizers: {finalizers}\nspec: {}\n",
            object(&demo, "alice-survival")["spec"]
        )
    };
    let (held, let_go) = (alice("[example.com/audit]"), alice("[]"));
    fs::write(demo.folder().join("alice.yaml"), held).unwrap();
    shown(&demo, &["apply", "-f", "alice.yaml", "--force-conflicts"]);
    let said = refused(&demo, 1, &["recreate", "alice-survival", "--yes", "--timeout", "1s"]);
    let kept = "recreate-alice-survival.yaml";
    assert!(said.contains("not gone within 1s") && said.contains(&format!("hostwright apply -f {kept}")), "{said}");
    let manifest = fs::read_to_string(demo.folder().join(kept)).unwrap();
    assert!(manifest.contains("Alice's survival") && !manifest.contains("cancellation"), "{manifest}");
    assert!(refused(&demo, 1, &["recreate", "alice-survival", "--yes"]).contains("is being deleted"));

    fs::write(demo.folder().join("alice.yaml"), let_go).unwrap();
    shown(&demo, &["apply", "-f", "alice.yaml", "--force-conflicts"]);
    shown(&demo, &["delete", "hsvc", "alice-survival", "--ignore-not-found"]);
    let said = refused(&demo, 1, &["recreate", "alice-survival", "--yes"]);
    assert!(said.contains("not found") && said.contains(&format!("hostwright apply -f {kept}")), "{said}");
    shown(&demo, &["apply", "-f", kept]);
    until(&demo, "alice-survival", ["Active", "Active", "True", "UpToDate"]);
}

/// An instance whose remotes are files, and a service on it.
const ON_FILES: &str = "
apiVersion: hostwright.dev/v1alpha1
kind: ProviderInstance
metadata: {name: files}
spec: {pluginRef: {name: simulated}, config: {directory: DIRECTORY}}
---
apiVersion: hostwright.dev/v1alpha1
kind: Package
metadata: {name: steady}
spec: {providerInstanceRef: {name: files}, provisioning: {memory: 2048}, namespaceSelector: {}}
---
apiVersion: hostwright.dev/v1alpha1
kind: HostingService
metadata: {name: zoe, namespace: customers}
spec: {packageRef: {name: steady}, owner: {id: cust-9, email: zoe@example.com, name: Zoe}, desiredStatus: Active}
";

#[test]
fn a_server_that_something_else_removed_is_made_anew_when_a_person_asks() {
    let demo = RunningDemo::settled();
    let directory = demo.folder().join("remotes");
    let manifests = ON_FILES.replace("DIRECTORY", directory.to_str().unwrap());
    fs::write(demo.folder().join("files.yaml"), manifests).unwrap();
    shown(&demo, &["apply", "-f", "files.yaml"]);
    until(&demo, "zoe", ["Active", "Active", "True", "UpToDate"]);
    let before = object(&demo, "zoe");
    let mut files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let remote = files.find(|file| file.extension().is_some_and(|extension| extension == "json")).unwrap();
    fs::remove_file(remote).unwrap();

    shown(&demo, &["reconcile", "zoe"]);
    until(&demo, "zoe", ["Active", "Pending", "False", "RemoteMissing"]);
    assert!(written(&run(&demo, &["status", "zoe"])).contains("hostwright recreate -n customers zoe"));
    assert!(refused(&demo, 2, &["recreate", "zoe"]).contains("gets a new, empty server"));
    assert!(refused(&demo, 2, &["recreate", "zoe", "--yes", "--out", "x.yaml"]).contains("--out"));
    let line = shown(&demo, &["recreate", "zoe", "--dry-run"]);
    assert!(line.starts_with("kubectl -n customers patch hsvc zoe --type merge -p '{\"metadata\":{\"uid\":"), "{line}");
    assert_eq!(object(&demo, "zoe")["spec"]["onRemoteMissing"], "Hold");
    shown(&demo, &["recreate", "zoe", "--yes"]);
    until(&demo, "zoe", ["Active", "Active", "True", "UpToDate"]);
    let after = object(&demo, "zoe");
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_ne!(after["status"]["remote"]["id"], before["status"]["remote"]["id"]);
}

/// What a command changes and what the line that it prints changes, without what is of the moment.
fn both_ways(demo: &RunningDemo, arguments: &[&str], back: &[&str]) -> [Value; 2] {
    // Status is the controller's, which goes on writing it.
    let written_by_people = |object: Value| (object["spec"].clone(), object["metadata"]["annotations"].clone());
    let before = written_by_people(object(demo, arguments[1]));
    let line = shown(demo, &[arguments, &["--dry-run"]].concat());
    assert!(line.starts_with("kubectl -n customers patch hsvc "), "{line}");
    assert_eq!(written_by_people(object(demo, arguments[1])), before, "a dry run changes nothing");
    let done = demo.command("bash").args(["-euc", line.lines().next().unwrap()]).output().unwrap();
    assert!(done.status.success() && written(&done).ends_with(" patched\n"), "{line}: {}", written(&done));
    let by_kubectl = wanted(object(demo, arguments[1]));
    shown(demo, back);
    shown(demo, arguments);
    [by_kubectl, wanted(object(demo, arguments[1]))]
}

/// What people want of a service; moments are only there or not.
fn wanted(mut object: Value) -> Value {
    const REQUESTED: &str = "hostwright.dev/reconcile-requested-at";
    for holder in object["spec"]["suspensions"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        holder["since"] = holder["since"].is_string().into();
    }
    object["metadata"]["annotations"][REQUESTED] = object["metadata"]["annotations"][REQUESTED].is_string().into();
    serde_json::json!([object["metadata"]["annotations"], object["spec"]])
}

#[test]
fn what_a_dry_run_prints_is_what_kubectl_does() {
    if !has_kubectl() {
        return;
    }
    let demo = RunningDemo::settled();
    let message = "it's \"overdue\" for $HOME & `co`\nsince May; ü";
    let suspend = ["suspend", "alice-survival", "--holder", "billing", "--reason", "Overdue", "--message", message];
    let unsuspend = ["unsuspend", "alice-survival", "--holder", "billing"];
    let cancel =
        ["cancel", "alice-survival", "--at", "2099-01-01T00:00:00Z", "--reason", "it's over", "--requested-by", "x"];
    let withdraw = ["cancel", "alice-survival", "--withdraw"];
    let [by_kubectl, by_us] = both_ways(&demo, &suspend, &unsuspend);
    assert_eq!(by_kubectl, by_us);
    assert_eq!(by_us[1]["suspensions"]["billing"]["message"], message);
    let [by_kubectl, by_us] = both_ways(&demo, &unsuspend, &suspend);
    assert_eq!(by_kubectl, by_us);
    let [by_kubectl, by_us] = both_ways(&demo, &cancel, &withdraw);
    assert_eq!(by_kubectl, by_us);
    assert_eq!(by_us[1]["cancellation"]["reason"], "it's over");
    let [by_kubectl, by_us] = both_ways(&demo, &withdraw, &cancel);
    assert_eq!(by_kubectl, by_us);
    let [by_kubectl, by_us] = both_ways(&demo, &["reconcile", "alice-survival"], &["reconcile", "alice-survival"]);
    assert_eq!(by_kubectl, by_us);
    assert_eq!(by_us[0]["hostwright.dev/reconcile-requested-at"], true);
}

#[test]
fn kubectl_finds_it_as_a_plugin_and_every_hint_says_so() {
    if !has_kubectl() {
        return;
    }
    let demo = RunningDemo::settled();
    let folder = demo.folder().join("bin");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(Path::new(HOSTWRIGHT), folder.join("kubectl-hostwright")).unwrap();
    let path = env::join_paths([folder].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let kubectl = |arguments: &[&str]| {
        let mut kubectl = demo.command("kubectl");
        kubectl.arg("hostwright").args(arguments).env("PATH", &path).stdin(Stdio::null()).output().unwrap()
    };
    let alice = kubectl(&["status", "alice-survival"]);
    assert!(alice.status.success() && written(&alice).contains("is ready, UpToDate"), "{}", written(&alice));
    let carol = kubectl(&["status", "-n", "customers", "carol-modded"]);
    assert_eq!(carol.status.code(), Some(1));
    assert!(written(&carol).contains("kubectl hostwright reconcile -n customers carol-modded"), "{}", written(&carol));
    let usage = kubectl(&["suspend", "--help"]);
    assert!(written(&usage).contains("Usage: kubectl hostwright suspend"), "{}", written(&usage));
    let nobody = kubectl(&["status", "nobody"]);
    assert!(written(&nobody).contains("see which there are: kubectl hostwright get hsvc -A"), "{}", written(&nobody));
}
