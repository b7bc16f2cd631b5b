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
