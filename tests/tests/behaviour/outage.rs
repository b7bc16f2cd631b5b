//! A panel that does not answer.

use std::time::Duration;

use hostwright_tests::{Trouble, World, service};

#[tokio::test(start_paused = true)]
async fn an_outage_flips_no_settled_service_and_turns_the_instance_not_ready() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    world.until("the outage is noticed", |world| !world.instance("panel-eu").ready()).await;
    assert_eq!(world.instance("panel-eu").reason(), "ProviderUnavailable");
    world.service("alice").is_ready();

    world.passes(Duration::from_mins(33)).await;
    let alice = world.service("alice");
    alice.is_ready();
    assert_eq!(alice.says("Synced"), "Unknown/ObservationStale");

    world.wire.heal();
    world.until("the panel is back", |world| world.instance("panel-eu").ready()).await;
    world.until("alice is seen again", |world| world.service("alice").says("Synced") == "True/UpToDate").await;
}

#[tokio::test(start_paused = true)]
async fn unreachable_never_counts_as_absent() {
    let world = World::new().with(service("alice").recreated()).running();
    world.settles().await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    world.passes(Duration::from_hours(1)).await;
    assert_eq!(world.service("alice").is_ready().remote_id(), world.panel.server("alice").id.to_string());
    world.wire.heal();
    world.passes(Duration::from_mins(20)).await;
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

/// acceptance 3
#[tokio::test(start_paused = true)]
async fn what_was_ordered_during_an_outage_says_that_nothing_was_created_and_comes_afterwards() {
    let world = World::new().running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    world.apply(&service("alice"));
    world.shows("alice", "ProviderUnavailable").await;
    world.service("alice").explains("nothing was created").explains("next 20");
    world.wire.heal();
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
}
