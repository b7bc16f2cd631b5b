//! What others change on the panel.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Provider, World, service};
use serde_json::json;

const INTERVAL: Duration = Duration::from_secs(700);

#[tokio::test(start_paused = true)]
async fn a_server_resized_by_hand_is_corrected_and_that_is_told() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.resize_server(world.panel.server("alice").id, 4096, 2000);
    world.until("it is corrected", |world| world.panel.server("alice").limits.memory == 1024).await;
    world.settles().await;
    world.service("alice").is_ready();
    assert!(world.events("alice").iter().any(|(reason, _)| reason == "Scaled"), "{:?}", world.events("alice"));
}

#[tokio::test(start_paused = true)]
async fn a_server_unsuspended_by_hand_is_suspended_again() {
    let world = World::new().with(service("alice").wanting("Suspended")).running();
    world.settles().await;
    world.panel.panel.set_server_status(world.panel.server("alice").id, None);
    world.until("it is corrected", |world| world.panel.server("alice").is_suspended()).await;
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_server_suspended_by_hand_stays_and_is_shown() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.suspend_server(world.panel.server("alice").id);
    world.until("it is noticed", |world| world.service("alice").says("Suspended") == "True/External").await;
    world.passes(INTERVAL).await;
    assert!(world.panel.server("alice").is_suspended());
    assert_eq!(world.service("alice").phase(), "Suspended");
    world.panel.panel.set_server_status(world.panel.server("alice").id, None);
    world.until("it is well again", |world| world.service("alice").ready()).await;
    assert_eq!(world.service("alice").phase(), "Active");
}

#[tokio::test(start_paused = true)]
async fn a_server_suspended_by_hand_and_then_by_a_holder_is_lifted_with_the_holder() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.settles().await;
    assert!(!world.panel.server("alice").is_suspended());
}

#[tokio::test(start_paused = true)]
async fn a_lost_external_id_is_put_back() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    let id = world.panel.server("alice").id;
    world.panel.panel.edit_server(id, |server| server.external_id = None);
    world.until("it is marked again", |world| world.panel.hosted() == ["test.customers.alice"]).await;
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().remote_id(), id.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_changes_nothing_is_not_repeated() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    provider.ignores_scales();
    provider.meddles_with("alice", |remote| drop(remote.config.insert("memory".to_owned(), 4096.into())));
    world.until("it is noticed", |world| world.service("alice").says("Synced") == "False/NotConverging").await;
    world.passes(INTERVAL * 3).await;
    assert_eq!(provider.count("scale"), 1);
    let alice = world.service("alice");
    alice.is_held_by("NotConverging").explains("memory");
    assert_eq!(alice.says("Stalled"), "True/NotConverging");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_only_observed_shows_drift_and_changes_nothing() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"mode": "ObserveOnly"}}));
    world.panel.panel.resize_server(world.panel.server("alice").id, 4096, 2000);
    world.shows("alice", "InstanceObserveOnly").await;
    world.passes(INTERVAL).await;
    assert_eq!(world.panel.server("alice").limits.memory, 4096);
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"mode": "Active"}}));
    world.until("it is corrected", |world| world.panel.server("alice").limits.memory == 1024).await;
}
