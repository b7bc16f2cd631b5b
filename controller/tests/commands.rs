//! The subcommands that need no cluster, as scripts use them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::process::{Command, Output};

fn hostwright(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hostwright"))
        .args(arguments)
        .env("KUBECONFIG", "nowhere/kubeconfig")
        .output()
        .unwrap()
}

fn shown(arguments: &[&str]) -> String {
    let done = hostwright(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&shown(arguments)).unwrap()
}

/// The exit code, and what was said on standard error.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let done = hostwright(arguments);
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn crds_prints_a_document_for_each_kind() {
    let yaml = shown(&["crds"]);
    assert_eq!(yaml.matches("\n---\n").count() + 1, 4);
    assert_eq!(json(&["crds", "-o", "json"])["items"].as_array().unwrap().len(), 4);
}

#[test]
fn plugins_are_shown_as_tables_and_as_json() {
    assert!(shown(&["plugins"]).contains("pterodactyl"));
    let described = shown(&["plugins", "pterodactyl"]);
    assert!(described.contains("CAPABILITY") && described.contains("egg_id"), "{described}");
    let checkout = shown(&["plugins", "pterodactyl", "--schema", "checkout"]);
    assert!(checkout.contains("server_name") && !checkout.contains("egg_id"), "{checkout}");
    let schema = json(&["plugins", "pterodactyl", "--schema", "package", "--json-schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(json(&["plugins", "pterodactyl", "--json-schema"])["config"]["properties"]["panel_url"].is_object());
    assert_eq!(json(&["plugins", "-o", "json"])[0]["manifest"]["provider"], "pterodactyl");
}

#[test]
fn what_does_not_exist_or_cannot_be_is_said_with_its_exit_code() {
    let (code, said) = refused(&["plugins", "proxmox"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("there is no plugin \"proxmox\"; built in are: pterodactyl"), "{said}");

    let (code, said) = refused(&["run", "--installation-id", "Prod.EU", "--credentials-namespace", "x"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("prod-eu"), "{said}");

    let (code, said) = refused(&["confirm", "panel-eu", "--kubeconfig", "nowhere/at-all"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("kubeconfig nowhere/at-all"), "{said}");
}

#[test]
fn every_example_is_valid_and_complete() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
    for example in ["quickstart", "simulated", "trial", "vps"] {
        let said = shown(&["validate", "--complete", "-f", &format!("{examples}/{example}")]);
        assert!(said.contains(": 0 errors, "), "{said}");
    }
    // Everything at once, with JSON that is no manifest.
    let done = hostwright(&["validate", "-f", &format!("{examples}/demo-panel")]);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_cannot_be_validated_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (code, said) = refused(&["validate", "-f", &path("")]);
    assert_eq!((code, said.contains("no file in it ends with")), (Some(2), true), "{said}");
    let (code, said) = refused(&["validate", "-f", &path("missing.yaml")]);
    assert_eq!((code, said.contains("missing.yaml: cannot be read")), (Some(2), true), "{said}");
    let (code, said) = refused(&["validate", "-f", "-"]);
    assert_eq!((code, said.contains("there is no object")), (Some(2), true), "{said}");
    std::fs::write(
        path("a.yaml"),
        "apiVersion: hostwright.dev/v1alpha1\nkind: Package\nmetadata: {name: a}\nspec: {bogus: 1}\n",
    )
    .unwrap();
    let done = hostwright(&["validate", "-f", &path("")]);
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("a.yaml:4:8: error: Package a: spec.bogus: unknown field"), "{said}");
    let done = hostwright(&["validate", "-o", "json", "-f", &path("")]);
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&report["findings"][1]["line"], &report["findings"][1]["column"]), (&4.into(), &8.into()), "{report}");
}

#[test]
fn effective_says_where_values_are_from_and_what_it_misses() {
    let example = |file: &str| format!("{}/../examples/quickstart/{file}.yaml", env!("CARGO_MANIFEST_DIR"));
    let (panel, packages, services) = (example("10-panel-eu"), example("20-packages"), example("30-services"));
    let said = shown(&["effective", "-f", &panel, "-f", &packages, "-f", &services]);
    assert!(said.contains("Package minecraft-4g: spec.provisioning.memory"), "{said}");
    assert!(said.contains("(from Secret panel-eu-api key api_key)") && !said.contains("ptla_demo"), "{said}");
    let (code, said) = refused(&["effective", "-f", &services]);
    assert_eq!((code, said.contains("Package minecraft-4g is in no file")), (Some(1), true), "{said}");
}
