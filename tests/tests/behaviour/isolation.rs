//! What is broken harms itself only.

use std::time::Duration;

use demo_panel::Panel;
use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Fault, Manifest, PanelSide, Provider, World, instance, package, secret, service};
use serde_json::{Value, json};

/// Stores an object that no schema would let through: it is from a time when the schema was another one.
fn store_malformed(world: &World, definition: &str, manifest: &Manifest) {
    let before = world.object("CustomResourceDefinition", definition).object;
    let mut loose = before["spec"]["versions"].clone();
    loose[0]["schema"]["openAPIV3Schema"] = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    loose[0]["selectableFields"] = Value::Null;
    let probe = manifest.clone().setting(&["metadata", "name"], "probe");
    world.cluster.redefine(definition, &loose, &probe, true);
    world.apply(manifest);
    world.cluster.redefine(definition, &before["spec"]["versions"], &probe, false);
}

#[tokio::test(start_paused = true)]
async fn malformed_objects_of_any_kind_harm_no_other() {
    let broken_service = service("broken").setting(&["spec", "desiredStatus"], json!([1]));
    let broken_package = package("broken").setting(&["spec", "providerInstanceRef"], 7);
    let broken_instance = instance("broken").setting(&["spec", "mode"], json!({}));
    let world = World::new().where_first(|world| {
        store_malformed(world, "hostingservices.hostwright.dev", &broken_service);
        store_malformed(world, "packages.hostwright.dev", &broken_package);
        store_malformed(world, "providerinstances.hostwright.dev", &broken_instance);
    });
    let world = world.with(service("alice")).running();
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    world.delete("alice");
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
    assert!(world.has("broken"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_plugin_call_harms_that_service_only() {
    let provider = Provider::new(CreateUniqueness::LookupOnly);
    provider.fails_for("unlucky", "observe", usize::MAX, Fault::Panic);
    let world = World::simulated(&provider).with(service("unlucky")).with(service("alice")).running();
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    world.passes(Duration::from_mins(5)).await;
    assert_eq!(world.service("unlucky").reason(), "PluginError");
    provider.heals();
    world.settles().await;
    world.service("unlucky").is_ready();
    provider.hosts_exactly(["alice", "unlucky"]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_panics_may_have_happened() {
    for fault in [Fault::Panic, Fault::PanicAfterEffect] {
        let provider = Provider::new(CreateUniqueness::LookupOnly);
        provider.fails("create", 1, fault);
        let world = World::simulated(&provider).with(service("alice")).running();
        world.settles().await;
        world.service("alice").is_ready();
        provider.hosts_exactly(["alice"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_is_given_up_and_looked_up() {
    let provider = Provider::new(CreateUniqueness::LookupOnly);
    provider.fails("create", 1, Fault::NoAnswer);
    let world = World::simulated(&provider).with(service("alice")).with(service("bob")).running();
    world.settles().await;
    provider.hosts_exactly(["alice", "bob"]);
    assert_eq!(provider.count("create"), 2);
}

const OTHER_KEY: &str = "ptla_other_panel";

/// A second panel with a key of its own, as `panel-us`, and a package of it.
fn with_a_second_panel(panel: &Panel) -> World {
    World::new()
        .where_first(|world| world.wire.route("panel-us.test", panel.router()))
        .with(secret("panel-us-api", OTHER_KEY))
        .with(
            instance("panel-us")
                .setting(&["spec", "config", "panel_url"], "http://panel-us.test")
                .setting(&["spec", "configFrom", "api_key", "secretKeyRef", "name"], "panel-us-api"),
        )
        .with(package("us-small").on("panel-us").setting(&["spec", "scalableTo"], json!([])))
}

/// acceptance 10
#[tokio::test(start_paused = true)]
async fn two_panels_with_keys_of_their_own_keep_apart_and_a_wrong_key_stops_one_of_them() {
    let other =
        Panel::new(demo_panel::Config { application_key: OTHER_KEY.to_owned(), ..demo_panel::Config::default() });
    other.seed_demo();
    let world = with_a_second_panel(&other)
        .with(service("alice"))
        .with(service("bob").ordering("us-small").owned_by("cust-2", "bob@example.com"))
        .running();
    world.settles().await;
    world.panel.hosts_exactly(["alice"]);
    assert!(other.server(&PanelSide::external_id("bob")).is_some() && other.servers().len() == 1);

    world.apply(&secret("panel-us-api", "ptla_wrong"));
    let refused = |world: &World| world.instance("panel-us").reason() == "ProviderUnauthorized";
    world.until("the wrong key is noticed", refused).await;
    for name in ["alice", "bob"] {
        world.edit(name, &json!({"desiredStatus": "Suspended"}));
    }
    world.shows("bob", "ProviderUnauthorized").await;
    world.service("bob").explains("panel-us");
    world.shows("alice", "Suspended").await;
    assert!(world.panel.server("alice").is_suspended());

    world.apply(&secret("panel-us-api", OTHER_KEY));
    world.shows("bob", "Suspended").await;
}
