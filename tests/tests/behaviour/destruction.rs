//! A change that loses data is made only where the service allows it.

use std::sync::Arc;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::crashes::at_every_request;
use hostwright_tests::{Crash, Fault, Manifest, Provider, World, package, service};
use serde_json::json;

/// A provider that tells what a change would do.
fn telling() -> Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId).able(|capabilities| capabilities.plan = true)
}

fn with_disk(size: i64) -> Manifest {
    package("small").setting(&["spec", "provisioning", "disk"], size)
}

/// Alice has a disk of 2000 MB there.
async fn stored_at(provider: &Arc<Provider>) -> World {
    let world = World::simulated(provider).with(with_disk(2000)).with(service("alice")).running();
    world.settles().await;
    assert_eq!(disk(provider), 2000);
    provider.forget_calls();
    world
}

fn disk(provider: &Provider) -> i64 {
    provider.remote("alice").config["disk"].as_i64().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_smaller_disk_is_refused_and_everything_else_goes_on() {
    let provider = telling();
    let world = stored_at(&provider).await;
    world.apply(&with_disk(1000));
    world.shows("alice", "DestructiveChange").await;
    let alice = world.service("alice");
    alice.is_held_by("DestructiveChange").explains(
        "panel-eu: the disk goes from 2000 to 1000 MB: data would be lost, so nothing was called. Set it back, or set \
         spec.allowDestructive true",
    );
    assert_eq!(alice.at("/status/lastApplied/config/disk"), 2000);
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.until("it is suspended", |world| world.service("alice").phase() == "Suspended").await;
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    world.until("it is active again", |world| world.service("alice").phase() == "Updating").await;
    world.shows("alice", "DestructiveChange").await;
    assert_eq!((disk(&provider), provider.count("scale")), (2000, 0));

    world.apply(&with_disk(2000));
    world.until("it is as it was ordered", |world| world.service("alice").ready()).await;
    assert_eq!(provider.count("scale"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_smaller_disk_that_is_allowed_is_made_without_asking_again() {
    let provider = telling();
    let world = stored_at(&provider).await;
    world.apply(&with_disk(1000));
    world.shows("alice", "DestructiveChange").await;
    let asked = provider.count("plan");
    world.edit("alice", &json!({"allowDestructive": true}));
    world.until("it is smaller", |_| disk(&provider) == 1000).await;
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("plan"), provider.count("scale")), (asked, 1));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_somebody_enlarged_at_the_provider_is_not_made_smaller_again() {
    let provider = telling();
    let world = stored_at(&provider).await;
    provider.meddles_with("alice", |remote| drop(remote.config.insert("disk".to_owned(), json!(5000))));
    world.shows("alice", "DestructiveChange").await;
    world.service("alice").explains("the disk goes from 5000 to 2000 MB");
    assert_eq!((disk(&provider), provider.count("scale")), (5000, 0));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_say_what_a_change_would_do_is_asked_again_before_it_is_made() {
    let provider = telling();
    let world = stored_at(&provider).await;
    provider.fails("plan", 2, Fault::Refused(Error::new(Class::Unknown, "lost", "the connection broke")));
    world.apply(&with_disk(3000));
    world.until("it is larger", |_| disk(&provider) == 3000).await;
    world.settles().await;
    world.service("alice").is_ready();
    let calls = provider.calls();
    let asked: Vec<&str> = calls.iter().map(|call| call.split(' ').next().unwrap_or_default()).collect();
    let changes: Vec<&str> = asked.into_iter().filter(|verb| ["plan", "scale"].contains(verb)).collect();
    assert_eq!(changes, ["plan", "plan", "plan", "scale"]);
}

#[test]
fn a_death_at_any_request_of_a_change_that_loses_data_makes_it_only_once_it_is_allowed() {
    at_every_request("destruction", &|crashes: Vec<Crash>| async move {
        let provider = telling();
        let world = stored_at(&provider).await;
        world.wire.arm(&crashes);
        world.apply(&with_disk(1000));
        world.shows("alice", "DestructiveChange").await;
        assert_eq!((disk(&provider), provider.count("scale")), (2000, 0));
        world.edit("alice", &json!({"allowDestructive": true}));
        world.until("it is smaller", |_| disk(&provider) == 1000).await;
        world.settles().await;
        world.service("alice").is_ready();
        world
    });
}
