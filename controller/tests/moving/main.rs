//! An installation moves, is uninstalled, and is deleted in one go: the binary as a person runs it, on the embedded API server and
//! on a real one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod deleting;
mod places;
mod releasing;

use std::collections::BTreeMap;

use places::{Place, Site};

/// The servers on the panel: their ids by the ids of their services.
fn servers(site: &Site) -> BTreeMap<String, u64> {
    site.panel.servers().into_iter().map(|server| (server.external_id.clone().unwrap_or_default(), server.id)).collect()
}

#[test]
fn from_one_machine_to_a_real_server_nothing_is_created_and_suspensions_and_endings_go_on() {
    let site = Site::new();
    let Some(new) = site.real_server() else { return };
    moves(&site, &new);
}

#[test]
fn from_one_machine_to_an_embedded_server_nothing_is_created_and_suspensions_and_endings_go_on() {
    let site = Site::new();
    let new = site.embedded_server();
    moves(&site, &new);
}

fn moves(site: &Site, new: &Place) {
    // One machine, with a server, a suspended one, one that finds no room and one with a typo.
    let old = site.standalone("prod-eu");
    old.hostwright(&["apply", "-f", site.quick_start()]);
    old.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
    old.until(&["get", "hsvc", "bob-creative", "-n", "customers"], "Suspended   Suspended   True");
    old.until(&["get", "hsvc", "carol-modded", "-n", "customers"], "NoCapacity");
    let before = servers(site);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        ["prod-eu.customers.alice-survival", "prod-eu.customers.bob-creative"]
    );

    // It is handed over: its controller does nothing any more.
    let export = site.folder().join("export/");
    let told = old.hostwright(&["export", "--hand-over", "--yes", "--out", export.to_str().unwrap()]);
    assert!(told.contains("4 HostingServices") && told.contains("--installation-id prod-eu"), "{told}");
    old.says("this installation was handed over to another cluster");
    let again = old.try_hostwright(&["export", "--take-back"]);
    assert_eq!(again.status.code(), Some(2), "a script says that it means it");
    old.stop();

    // Bob pays while his service is on its way.
    let services = export.join("50-services-customers.yaml");
    let text = std::fs::read_to_string(&services).unwrap();
    assert_eq!(text.matches("desiredStatus: Suspended").count(), 1, "{text}");
    std::fs::write(&services, text.replace("desiredStatus: Suspended", "desiredStatus: Active")).unwrap();

    // The cluster takes it: nothing is made.
    new.install_kinds();
    let applied = new.apply(export.to_str().unwrap());
    assert_eq!(applied.matches("hostingservice.hostwright.dev/").count(), 4, "{applied}");
    let _controller = new.controller("prod-eu");
    new.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
    // The suspension was made on the machine, and is lifted here as one of ours.
    new.until(&["get", "hsvc", "bob-creative", "-n", "customers"], "Active   Active   True");
    assert!(site.panel.servers().iter().all(|server| !server.is_suspended()));
    new.until(&["get", "hsvc", "hans-skyblock", "-n", "customers"], "InvalidCheckout");
    // What had found no room is asked for again, as it was never made.
    new.until(&["get", "hsvc", "carol-modded", "-n", "customers"], "NoCapacity");
    assert_eq!(servers(site), before, "the same servers, and no other");

    // Nothing is ended before a person has said whose the servers are.
    new.hostwright(&["delete", "hsvc", "alice-survival", "-n", "customers", "--wait=false"]);
    new.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "RemotesAlreadyThere");
    assert_eq!(servers(site), before);
    new.hostwright(&["confirm", "panel-eu", "--yes"]);
    new.until_gone("alice-survival");
    assert_eq!(servers(site).keys().collect::<Vec<_>>(), ["prod-eu.customers.bob-creative"]);
}

#[test]
fn a_service_that_is_being_deleted_is_not_left_behind_unnoticed() {
    let site = Site::new();
    let old = site.standalone("prod-eu");
    old.hostwright(&["apply", "-f", site.quick_start()]);
    old.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
    old.patch_service("alice-survival", r#"{"spec":{"terminationProtection":true}}"#);
    old.hostwright(&["delete", "hsvc", "alice-survival", "-n", "customers", "--wait=false"]);
    let (copy, moved) = (site.folder().join("copy.yaml"), site.folder().join("moved.yaml"));
    let told = old.hostwright(&["export", "--out", copy.to_str().unwrap()]);
    assert!(told.contains("Left out: HostingService customers/alice-survival: it is being deleted"), "{told}");
    let refused = old.try_hostwright(&["export", "--hand-over", "--yes", "--out", moved.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("customers/alice-survival") && said.contains("Retain"), "{said}");
    assert!(!moved.exists(), "nothing was handed over or exported");
    old.until(&["export", "--take-back", "--yes"], "was not handed over");
}

#[test]
fn what_was_handed_over_by_mistake_is_taken_back() {
    let site = Site::new();
    let old = site.standalone("prod-eu");
    old.hostwright(&["apply", "-f", site.quick_start()]);
    old.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "UpToDate");
    let file = site.folder().join("export.yaml");
    old.hostwright(&["export", "--hand-over", "--yes", "--out", file.to_str().unwrap()]);
    old.says("this installation was handed over");
    old.hostwright(&["export", "--take-back", "--yes"]);
    old.says("this installation was taken back");
    old.patch_service("alice-survival", r#"{"spec":{"desiredStatus":"Suspended"}}"#);
    old.until(&["get", "hsvc", "alice-survival", "-n", "customers"], "Suspended   Suspended   True");
}
