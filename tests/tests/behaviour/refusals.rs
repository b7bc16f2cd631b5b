//! Mistakes: each has a condition that names the field, nothing is called, and an edit mends it without a restart.

use hostwright_tests::{API_KEY, World, instance, package, secret, service};
use serde_json::{Value, json};

/// Nothing was asked to be made.
fn nothing_was_made(world: &World) {
    world.panel.hosts_exactly([]);
    let made: Vec<_> = world.wire.panel_requests().into_iter().filter(|request| request.contains(" POST ")).collect();
    assert_eq!(made, Vec::<String>::new());
}

async fn recovers(world: &World) {
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_names_the_secret_and_key() {
    let world = World::new().with(secret("panel-api", "ptla_wrong")).with(service("alice")).running();
    world.shows("alice", "ProviderUnauthorized").await;
    world.service("alice").explains("api_key").explains("panel-api");
    world.instance("panel-eu").is_held_by("ProviderUnauthorized");
    nothing_was_made(&world);
    world.apply(&secret("panel-api", API_KEY));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_only_read_is_forbidden_to_create() {
    let world = World::new().with(secret("panel-api", "ptla_readonly")).with(service("alice")).running();
    world.shows("alice", "Forbidden").await;
    assert_eq!(world.service("alice").says("Stalled"), "True/Forbidden");
    world.panel.hosts_exactly([]);
    world.apply(&secret("panel-api", API_KEY));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_plugin_is_named() {
    let unknown = instance("panel-eu").setting(&["spec", "pluginRef", "name"], "pterodaktyl");
    let world = World::empty().with(secret("panel-api", API_KEY)).with(unknown).with(package("small"));
    let world = world.with(service("alice")).running();
    world.shows("alice", "PluginNotFound").await;
    world.service("alice").explains("spec.pluginRef.name").explains("pterodaktyl");
    nothing_was_made(&world);
    world.cluster.delete("Package", "small");
    world.cluster.delete("ProviderInstance", "panel-eu");
    world.until("the wrong one is gone", |world| world.cluster.get("ProviderInstance", "panel-eu").is_none()).await;
    world.apply(&instance("panel-eu"));
    world.apply(&package("small"));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_named() {
    let world = World::empty().with(instance("panel-eu")).with(package("small")).with(service("alice")).running();
    world.shows("alice", "SecretNotFound").await;
    world.service("alice").explains("panel-api");
    world.instance("panel-eu").explains("api_key").explains("panel-api");
    nothing_was_made(&world);
    world.apply(&secret("panel-api", API_KEY));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_of_a_secret_is_named() {
    let world = World::new().running();
    world.cluster.patch("Secret", "panel-api", &json!({"data": {"api_key": Value::Null, "other": "eA=="}}));
    world.apply(&service("alice"));
    world.shows("alice", "SecretNotFound").await;
    world.service("alice").explains("api_key");
    world.apply(&secret("panel-api", API_KEY));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_written_inline_is_refused_and_to_be_replaced() {
    let inline = instance("panel-eu")
        .setting(&["spec", "config", "api_key"], "ptla_inline")
        .setting(&["spec", "configFrom"], json!({}));
    let world = World::empty().with(secret("panel-api", API_KEY)).with(inline).with(package("small"));
    let world = world.with(service("alice")).running();
    world.shows("alice", "InlineSecret").await;
    let panel = world.instance("panel-eu");
    panel.explains("api_key").explains("replace");
    assert!(!panel.at("/status").to_string().contains("ptla_inline"), "{panel:?}");
    nothing_was_made(&world);
    let reference = json!({"secretKeyRef": {"name": "panel-api", "key": "api_key"}});
    let mended = json!({"spec": {"config": {"api_key": Value::Null}, "configFrom": {"api_key": reference}}});
    world.cluster.patch("ProviderInstance", "panel-eu", &mended);
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_checkout_field_is_named_with_what_was_meant() {
    let typo = service("alice").setting(&["spec", "checkout"], json!({"sever_name": "Alice's"}));
    let world = World::new().with(typo).running();
    world.settles().await;
    let alice = world.service("alice");
    alice.is_held_by("InvalidCheckout").explains("spec.checkout.sever_name").explains("did you mean server_name?");
    assert_eq!(alice.says("Accepted"), "False/InvalidCheckout");
    assert_eq!(alice.phase(), "Pending");
    nothing_was_made(&world);
    world.edit("alice", &json!({"checkout": {"sever_name": Value::Null, "server_name": "Alice's"}}));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_rule_of_the_checkout_is_named() {
    let world = World::new().with(service("alice").setting(&["spec", "checkout", "server_name"], "ab")).running();
    world.settles().await;
    world.service("alice").is_held_by("InvalidCheckout").explains("spec.checkout.server_name");
    nothing_was_made(&world);
    world.edit("alice", &json!({"checkout": {"server_name": "Alice's"}}));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_field_and_a_broken_rule_of_a_package_are_named_on_both_objects() {
    for (field, value) in [("memmory", json!(1024)), ("disk", json!(-1))] {
        let broken = package("small").setting(&["spec", "provisioning", field], value);
        let world = World::new().with(broken).with(service("alice")).running();
        world.settles().await;
        world.service("alice").is_held_by("PackageInvalid").explains(field);
        let small = world.object("Package", "small");
        small.is_held_by("PackageInvalid").explains(&format!("spec.provisioning.{field}"));
        nothing_was_made(&world);
        let mended = json!({"spec": {"provisioning": {"memmory": Value::Null, "disk": 2000}}});
        world.cluster.patch("Package", "small", &mended);
        recovers(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_package_is_named() {
    let world = World::new().with(service("alice").ordering("tiny")).running();
    world.shows("alice", "PackageNotFound").await;
    world.service("alice").explains("spec.packageRef.name").explains("tiny");
    nothing_was_made(&world);
    world.apply(&package("tiny"));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_package_of_an_unknown_instance_says_so() {
    let world = World::new().with(package("tiny").on("panel-us")).with(service("alice").ordering("tiny")).running();
    world.shows("alice", "InstanceNotFound").await;
    world.service("alice").explains("panel-us");
    nothing_was_made(&world);
    world.apply(&instance("panel-us"));
    recovers(&world).await;
}

/// acceptance 9
#[tokio::test(start_paused = true)]
async fn a_disabled_instance_is_not_called() {
    let world = World::new().with(instance("panel-eu").setting(&["spec", "mode"], "Disabled")).with(service("alice"));
    let world = world.running();
    world.shows("alice", "InstanceDisabled").await;
    assert_eq!(world.wire.panel_requests(), Vec::<String>::new());
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"mode": "Active"}}));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_may_not_order_is_named() {
    let closed = package("small").setting(&["spec", "namespaceSelector"], json!({"matchLabels": {"plan": "gold"}}));
    let world = World::new().with(closed).with(service("alice")).running();
    world.settles().await;
    world.service("alice").is_held_by("NamespaceNotAllowed").explains("spec.namespaceSelector");
    nothing_was_made(&world);
    world.cluster.patch("Namespace", "customers", &json!({"metadata": {"labels": {"plan": "gold"}}}));
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn an_egg_that_does_not_exist_is_refused_by_name() {
    let world = World::new().with(package("small").setting(&["spec", "provisioning", "egg_id"], 999));
    let world = world.with(service("alice")).running();
    world.until("it is refused", |world| !world.service("alice").says("Stalled").is_empty()).await;
    assert!(world.service("alice").message().contains("egg"), "{}", world.service("alice").message());
    world.panel.hosts_exactly([]);
    world.apply(&package("small"));
    recovers(&world).await;
}

/// acceptance 3
#[tokio::test(start_paused = true)]
async fn a_node_without_room_is_told_as_such_and_tried_again() {
    let world = World::new().with(package("small").with_memory(5_000_000)).with(service("alice")).running();
    world.shows("alice", "NoCapacity").await;
    assert_eq!(world.service("alice").says("Accepted"), "False/NoCapacity");
    world.service("alice").explains("next 20");
    world.panel.hosts_exactly([]);
    world.panel.panel.set_node_capacity(1, 10_000_000, 10_000_000);
    recovers(&world).await;
}

#[tokio::test(start_paused = true)]
async fn allowing_an_existing_panel_user_lets_a_refused_order_through() {
    let world = World::new().with(service("alice").owned_by("cust-1", "admin@example.com")).running();
    world.settles().await;
    world.service("alice").is_held_by("OwnerEmailTaken").explains("adopt_by_email");
    nothing_was_made(&world);
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"config": {"adopt_by_email": true}}}));
    recovers(&world).await;
    assert_eq!(world.panel.server("alice").owner, 1);
}
