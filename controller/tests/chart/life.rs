//! From install to uninstall, and back.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::cluster::{Cluster, SYSTEM};
use crate::markdown::Page;
use hostwright_tests::helm::{chart, repository};

/// The chart as an earlier release had it: one field of services was not there yet.
fn earlier_chart(folder: &Path) -> String {
    let copy = folder.join("earlier");
    assert!(Command::new("cp").arg("-r").arg(chart()).arg(&copy).status().unwrap().success());
    let path = copy.join("definitions/hostingservices.yaml");
    let mut definition: serde_json::Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let fields = schema["properties"]["spec"]["properties"].as_object_mut().unwrap();
    fields.remove("paused").unwrap();
    fs::write(path, definition.to_string()).unwrap();
    copy.to_str().unwrap().to_owned()
}

fn uids(cluster: &Cluster) -> Vec<String> {
    let list = cluster.get(&["hsvc,hpkg,hinst", "-A"]);
    let uid = |object: &serde_json::Value| object["metadata"]["uid"].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(uid).collect()
}

fn ready(reason: &str) -> String {
    format!("jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={reason}")
}

fn becomes_what_its_files_expect(cluster: &Cluster) {
    for (service, reason) in [
        ("alice-survival", "UpToDate"),
        ("bob-creative", "Suspended"),
        ("carol-modded", "NoCapacity"),
        ("hans-skyblock", "InvalidCheckout"),
    ] {
        cluster.wait(&format!("hsvc/{service}"), &ready(reason));
    }
}

#[test]
fn it_is_upgraded_uninstalled_and_installed_again_without_touching_a_server() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (earlier, current) = (earlier_chart(folder.path()), chart().to_str().unwrap().to_owned());
    let id = ["--set", "installationId=prod-eu"];
    cluster.helm(&[&["install", "hostwright", &earlier, "--create-namespace"], &id[..]].concat());
    cluster.apply_quick_start();
    becomes_what_its_files_expect(&cluster);
    let (objects, created) = (uids(&cluster), cluster.panel.requests("POST", "/api/application/servers"));

    // An upgrade brings the new field, the second replica, and changes no object.
    assert!(!cluster.can(&["explain", "hsvc.spec.paused"]), "the earlier definition has the field already");
    cluster.helm(&["upgrade", "hostwright", &current, "--reset-then-reuse-values", "--set", "replicas=2"]);
    cluster.kubectl(&["-n", SYSTEM, "rollout", "status", "deployment/hostwright", "--timeout=60s"]);
    assert_eq!(cluster.get(&["-n", SYSTEM, "deployment", "hostwright"])["spec"]["replicas"], 2);
    cluster.get(&["-n", SYSTEM, "poddisruptionbudget", "hostwright"]);
    cluster.patch("hsvc/alice-survival", &json!({"spec": {"paused": true}}));
    cluster.wait("hsvc/alice-survival", "condition=Paused");
    cluster.patch("hsvc/alice-survival", &json!({"spec": {"paused": false}}));
    cluster.wait("hsvc/alice-survival", &ready("UpToDate"));
    assert_eq!(uids(&cluster), objects);

    // Another id would lose every server, and is refused before anything changes; so is an upgrade that forgets it.
    let refusal = cluster.helm_refusal(&["upgrade", "hostwright", &current, "--set", "installationId=staging"]);
    assert!(refusal.contains(r#"this installation is "prod-eu""#), "{refusal}");
    let refusal = cluster.helm_refusal(&["upgrade", "hostwright", &current, "--set", "replicas=1"]);
    assert!(refusal.contains("installationId is required"), "{refusal}");
    let env =
        cluster.get(&["-n", SYSTEM, "deployment", "hostwright"])["spec"]["template"]["spec"]["containers"][0]["env"]
            .clone();
    assert_eq!(env[0], json!({"name": "HOSTWRIGHT_INSTALLATION_ID", "value": "prod-eu"}));

    // Uninstalled: kinds, objects, record and servers stay; everything else goes.
    cluster.helm(&["uninstall", "hostwright", "--wait"]);
    assert_eq!(uids(&cluster), objects);
    cluster.get(&["-n", SYSTEM, "configmap", "hostwright-installation"]);
    for kind in ["deployment", "serviceaccount", "role", "rolebinding", "poddisruptionbudget"] {
        assert!(!cluster.can(&["-n", SYSTEM, "get", kind, "hostwright"]), "{kind} stays");
    }
    for object in ["clusterrole/hostwright", "clusterrole/hostwright-view", "clusterrolebinding/hostwright"] {
        assert!(!cluster.can(&["get", object]), "{object} stays");
    }

    // Installed again: only under its old id, and every server is known.
    let refusal = cluster.helm_refusal(&["install", "hostwright", &current, "--set", "installationId=staging"]);
    assert!(refusal.contains(r#"this installation is "prod-eu""#), "{refusal}");
    cluster.install();
    cluster.patch("hsvc/alice-survival", &json!({"spec": {"desiredStatus": "Suspended"}}));
    cluster.wait("hsvc/alice-survival", &ready("Suspended"));
    assert_eq!(cluster.panel.requests("POST", "/api/application/servers"), created, "a server was made anew");
    assert!(cluster.panel.server("prod-eu.customers.alice-survival").unwrap().is_suspended());
    assert_eq!(uids(&cluster), objects);
}

#[test]
fn the_notes_lead_from_the_install_to_a_running_server() {
    let Some(cluster) = Cluster::start() else { return };
    let said = cluster.install();
    let (_, notes) = said.split_once("NOTES:\n").unwrap_or_else(|| panic!("{said}"));
    let notes = notes.replace("https://panel.example.com", &cluster.panel_url).replace("ptla_replace_me", "ptla_demo");
    let shown = cluster.paste(&notes);
    assert!(shown.contains("alice-survival") && shown.contains("UpToDate"), "{shown}");
    assert_eq!(cluster.panel.live_servers("prod-eu.customers.alice-survival"), 1);
}

#[test]
fn the_page_on_installing_works_from_its_first_command_to_its_last() {
    let Some(cluster) = Cluster::start() else { return };
    let page = Page::read(&repository(), repository().join("docs/install.md"));
    cluster.paste(&page.only("sh"));
    assert!(!cluster.can(&["get", "namespace", SYSTEM]), "something stays");
    for block in page.blocks.iter().filter(|block| block.language == "yaml") {
        let values = tempfile::NamedTempFile::new().unwrap();
        fs::write(values.path(), &block.text).unwrap();
        cluster.helm.rendered(&["--values", values.path().to_str().unwrap()]);
    }
}

#[test]
fn a_second_release_is_refused_wherever_it_would_be() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.install();
    let current = chart().to_str().unwrap().to_owned();
    for namespace in [SYSTEM, "elsewhere"] {
        let place = ["--namespace", namespace, "--create-namespace"];
        let values = ["--set", "installationId=prod-eu", "--set", "crds.install=false"];
        let refusal = cluster.helm_refusal(&[&["install", "second", &current], &place[..], &values].concat());
        assert!(refusal.contains("cannot be imported into the current release"), "{refusal}");
    }
}

#[test]
fn rights_of_people_follow_those_they_have_in_a_namespace() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.install();
    cluster.kubectl(&["create", "namespace", "customers"]);
    for (person, role) in [("viewer", "view"), ("editor", "edit"), ("billing", "hostwright-edit")] {
        cluster.kubectl(&["-n", "customers", "create", "rolebinding", person, "--clusterrole", role, "--user", person]);
    }
    cluster.kubectl(&["create", "clusterrolebinding", "platform", "--clusterrole=hostwright-admin", "--user=platform"]);
    let may = |person: &str, verb: &str, what: &str| {
        let (resource, subresource) = what.split_once('/').unwrap_or((what, ""));
        let asked = ["auth", "can-i", verb, resource, "--subresource", subresource];
        cluster.can(&[&asked[..], &["--namespace", "customers", "--as", person]].concat())
    };
    // The aggregated roles are put together in the background.
    cluster.until("viewers may read", || may("viewer", "list", "hostingservices"));
    for (person, verb, what, expected) in [
        ("viewer", "create", "hostingservices", false),
        ("editor", "get", "hostingservices", true),
        ("editor", "create", "hostingservices", false),
        ("editor", "patch", "hostingservices", false),
        ("billing", "create", "hostingservices", true),
        ("billing", "delete", "hostingservices", true),
        ("billing", "update", "hostingservices/status", false),
        ("billing", "create", "packages", false),
        ("platform", "create", "packages", true),
        ("platform", "delete", "providerinstances", true),
        ("platform", "get", "secrets", false),
    ] {
        assert_eq!(may(person, verb, what), expected, "{person} {verb} {what}");
    }
    let current = chart().to_str().unwrap().to_owned();
    cluster.helm(&["upgrade", "hostwright", &current, "--reuse-values", "--set", "userRoles.aggregateToEdit=true"]);
    cluster.until("editors may order", || may("editor", "create", "hostingservices"));
    assert!(!may("viewer", "create", "hostingservices"));
}
