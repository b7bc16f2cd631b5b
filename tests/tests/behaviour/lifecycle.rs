//! Applied, suspended, changed, ended.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Provider, World, instance, package, service};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn an_applied_service_becomes_a_server_with_its_owner_egg_limits_and_external_id() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;

    world.panel.hosts_exactly(["alice"]);
    let server = world.panel.server("alice");
    let owner = world.panel.panel.users().into_iter().find(|user| user.id == server.owner).unwrap();
    assert_eq!(owner.external_id.as_deref(), Some("test.customers.cust-1"));
    assert_eq!(owner.email, "alice@example.com");
    assert_eq!((server.egg, server.limits.memory, server.limits.disk), (4, 1024, 2000));
    assert_eq!(server.name, "alice server");

    let alice = world.service("alice");
    alice.is_ready();
    assert_eq!((alice.phase(), alice.reason()), ("Active", "UpToDate"));
    assert_eq!(alice.remote_id(), server.id.to_string());
    assert!(alice.text("/status/remote/url").contains(server.identifier()), "{alice:?}");
    assert_eq!(alice.text("/status/externalId"), "test.customers.alice");
    assert_eq!(alice.text("/status/history/0/what"), "Created");
}

#[tokio::test(start_paused = true)]
async fn suspended_active_and_terminated_are_reached_with_each_verb_called_once() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    for (desired, phase) in [("Suspended", "Suspended"), ("Active", "Active"), ("Terminated", "Terminated")] {
        world.edit("alice", &json!({"desiredStatus": desired}));
        world.settles().await;
        assert_eq!(world.service("alice").is_ready().phase(), phase);
    }
    for verb in ["create", "suspend", "unsuspend", "terminate"] {
        assert_eq!(provider.count(verb), 1, "{verb}");
    }
    provider.hosts_exactly([]);

    world.delete("alice");
    world.loses("alice").await;
    assert_eq!(provider.count("terminate"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_suspended_lifted_and_removed_on_the_panel() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.settles().await;
    assert!(!world.panel.server("alice").is_suspended());
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.settles().await;
    world.panel.hosts_exactly([]);
    assert_eq!(world.service("alice").is_ready().phase(), "Terminated");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_starts_suspended_is_made_and_suspended() {
    let world = World::new().with(service("alice").wanting("Suspended")).running();
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
    assert_eq!(world.service("alice").is_ready().phase(), "Suspended");
}

/// acceptance 4
#[tokio::test(start_paused = true)]
async fn what_was_already_done_by_hand_counts_as_done() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.panel.panel.suspend_server(world.panel.server("alice").id);
    world.panel.panel.delete_server(world.panel.server("bob").id);
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.edit("bob", &json!({"desiredStatus": "Terminated"}));
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().phase(), "Suspended");
    assert_eq!(world.service("bob").is_ready().phase(), "Terminated");
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_package_scales_what_was_ordered() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.apply(&package("small").with_memory(1536));
    world.until("the server is larger", |world| world.panel.server("alice").limits.memory == 1536).await;
    world.settles().await;
    let alice = world.service("alice");
    alice.is_ready();
    assert_eq!(alice.at("/status/lastApplied/config/memory"), 1536);
    assert_eq!(alice.text("/status/history/0/what"), "Scaled");
}

#[tokio::test(start_paused = true)]
async fn another_package_of_the_same_instance_scales_and_one_of_another_instance_is_refused() {
    let world = World::new()
        .with(service("alice"))
        .with(instance("panel-us"))
        .with(package("american").on("panel-us"))
        .running();
    world.settles().await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    assert_eq!(world.panel.server("alice").limits.memory, 2048);
    world.service("alice").is_ready();

    world.edit("alice", &json!({"packageRef": {"name": "american"}}));
    world.settles().await;
    world.service("alice").is_held_by("InstanceMismatch").explains("panel-eu");
    assert_eq!(world.panel.server("alice").limits.memory, 2048);
}

/// acceptance 17
#[tokio::test(start_paused = true)]
async fn an_installation_is_waited_for() {
    let world = World::new().where_first(|world| world.panel.holding_installations()).with(service("alice")).running();
    world.shows("alice", "Provisioning").await;
    world.passes(Duration::from_mins(5)).await;
    let alice = world.service("alice");
    assert_eq!((alice.phase(), alice.says("Provisioned").as_str()), ("Provisioning", "False/Provisioning"));
    assert_eq!(alice.says("Reconciling"), "True/Provisioning");
    world.panel.panel.finish_installation(world.panel.server("alice").id, true);
    world.settles().await;
    world.service("alice").is_ready();
}

/// acceptance 17
#[tokio::test(start_paused = true)]
async fn an_installation_that_fails_is_shown_and_once_mended_on_the_panel_it_is_ready() {
    let world = World::new().where_first(|world| world.panel.holding_installations()).with(service("alice")).running();
    world.shows("alice", "Provisioning").await;
    world.panel.panel.finish_installation(world.panel.server("alice").id, false);
    world.shows("alice", "RemoteFailed").await;
    assert_eq!(world.service("alice").says("Provisioned"), "False/RemoteFailed");
    world.panel.panel.finish_installation(world.panel.server("alice").id, true);
    world.shows("alice", "UpToDate").await;
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn an_installation_interrupted_by_a_suspension_is_taken_up_again() {
    let world = World::new().where_first(|world| world.panel.holding_installations()).with(service("alice")).running();
    world.shows("alice", "Provisioning").await;
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.shows("alice", "Provisioning").await;
    assert!(!world.panel.server("alice").is_installed());
    world.panel.panel.finish_installation(world.panel.server("alice").id, true);
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn ending_is_final() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.settles().await;
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.settles().await;
    world.service("alice").is_held_by("AlreadyTerminated");
    world.panel.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn either_form_of_pause_stops_every_call_until_it_is_lifted() {
    let paused = service("alice").setting(&["spec", "paused"], true);
    let annotated = service("bob").annotated("hostwright.dev/paused", "true");
    let world = World::new().with(paused).with(annotated).running();
    world.settles().await;
    for name in ["alice", "bob"] {
        assert_eq!(world.service(name).says("Paused"), "True/Paused");
    }
    world.panel.hosts_exactly([]);
    world.edit("alice", &json!({"paused": false}));
    world.annotate("bob", "hostwright.dev/paused", Value::Null);
    world.settles().await;
    world.panel.hosts_exactly(["alice", "bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_an_attempt_is_honoured_and_echoed() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.resize_server(world.panel.server("alice").id, 4096, 2000);
    world.annotate("alice", "hostwright.dev/reconcile-requested-at", "2026-11-20T09:00:00Z");
    world.settles().await;
    assert_eq!(world.panel.server("alice").limits.memory, 1024);
    assert_eq!(world.service("alice").text("/status/lastHandledReconcileAt"), "2026-11-20T09:00:00Z");
}

/// acceptance 17
#[tokio::test(start_paused = true)]
async fn a_provider_that_takes_its_time_is_polled_until_it_is_done() {
    let provider = Provider::new(CreateUniqueness::LookupOnly).taking(Duration::from_mins(1));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("the create is accepted", |world| !world.service("alice").remote_id().is_empty()).await;
    assert_eq!(world.service("alice").phase(), "Provisioning");
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("create"), 1);
    assert!(provider.count("poll") >= 5, "{:?}", provider.calls());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_interrupted_is_ended_once_it_is_done() {
    let provider = Provider::new(CreateUniqueness::ByExternalId)
        .able(|capabilities| capabilities.interruptible = false)
        .taking(Duration::from_mins(2));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("the create is accepted", |world| !world.service("alice").remote_id().is_empty()).await;
    world.delete("alice");
    world.passes(Duration::from_mins(1)).await;
    assert_eq!(provider.count("terminate"), 0);
    world.loses("alice").await;
    provider.hosts_exactly([]);
}
