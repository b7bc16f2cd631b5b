//! Objects that leave their remotes behind.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Provider, Trouble, World, service};
use serde_json::{Value, json};

/// A world in which Alice's service is deleted and cannot go.
async fn stuck() -> World {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    world.delete("alice");
    world.passes(Duration::from_mins(2)).await;
    assert!(world.has("alice"));
    world
}

/// Retain lets the object go, and nothing is asked of the panel for that.
async fn is_released_without_a_call(world: &World) {
    world.wire.forget();
    world.edit("alice", &json!({"deletionPolicy": "Retain"}));
    world.loses("alice").await;
    let about_alice: Vec<_> =
        world.wire.panel_requests().into_iter().filter(|request| request.contains("alice")).collect();
    assert_eq!(about_alice, Vec::<String>::new());
    world.panel.hosts_exactly(["alice"]);
}

fn strip(world: &World, kind: &str, name: &str) {
    world.cluster.delete(kind, name);
    if world.cluster.get(kind, name).is_some() {
        world.cluster.patch(kind, name, &json!({"metadata": {"finalizers": Value::Null}}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retained_service_leaves_its_server_untouched() {
    let world = World::new().with(service("alice").retained()).running();
    world.settles().await;
    world.wire.forget();
    world.delete("alice");
    world.loses("alice").await;
    assert_eq!(world.wire.panel_requests(), Vec::<String>::new());
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn retain_releases_an_object_that_is_being_deleted_while_the_panel_is_down() {
    is_released_without_a_call(&stuck().await).await;
}

#[tokio::test(start_paused = true)]
async fn retain_releases_an_object_whose_instance_is_gone() {
    let world = stuck().await;
    strip(&world, "ProviderInstance", "panel-eu");
    world.shows("alice", "InstanceNotFound").await;
    is_released_without_a_call(&world).await;
}

#[tokio::test(start_paused = true)]
async fn retain_releases_an_object_whose_secret_and_package_are_gone() {
    let world = stuck().await;
    strip(&world, "Secret", "panel-api");
    strip(&world, "Package", "small");
    is_released_without_a_call(&world).await;
}

#[tokio::test(start_paused = true)]
async fn retain_releases_an_object_that_is_paused() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.edit("alice", &json!({"paused": true}));
    world.delete("alice");
    world.settles().await;
    assert_eq!(world.service("alice").says("Paused"), "True/Paused");
    is_released_without_a_call(&world).await;
}

#[tokio::test(start_paused = true)]
async fn retain_releases_an_object_whose_plugin_is_gone() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let mut world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    world.provider = None;
    world.restarts().await;
    world.delete("alice");
    world.shows("alice", "PluginNotFound").await;
    world.edit("alice", &json!({"deletionPolicy": "Retain"}));
    world.loses("alice").await;
    provider.hosts_exactly(["alice"]);
}
