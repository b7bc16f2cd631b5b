//! Units of limited packages: given out once each, in the order of creation, and taken back.

use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::crashes::at_every_request;
use hostwright_tests::{Crash, Fault, Manifest, Provider, World, instance, package, secret, service};
use serde_json::json;

fn limited(name: &str, stock: i64) -> Manifest {
    package(name).setting(&["spec", "stock"], stock)
}

fn numbered(number: usize) -> String {
    format!("service-{number:03}")
}

/// A simulated provider whose package `small` has so many units.
fn shop(provider: &std::sync::Arc<Provider>, stock: i64) -> World {
    World::simulated(provider).with(limited("small", stock))
}

fn waiting(world: &World, names: &[String]) -> Vec<String> {
    names.iter().filter(|name| world.service(name).reason() == "OutOfStock").cloned().collect()
}

/// acceptance 8
#[tokio::test(start_paused = true)]
async fn a_hundred_orders_for_twenty_units_make_twenty_remotes_in_order_through_two_restarts() {
    let provider = Provider::new(CreateUniqueness::ByExternalId).taking(Duration::from_secs(2));
    let mut world = shop(&provider, 20).running();
    let names: Vec<String> = (0..100).map(numbered).collect();
    for name in &names {
        world.apply(&service(name).owned_by(name, &format!("{name}@example.com")));
    }
    for reached in [5, 12] {
        world.until("some are made", |_| provider.remotes().len() >= reached).await;
        world.restarts().await;
    }
    world.until("eighty wait", |world| waiting(world, &names).len() == 80).await;
    world
        .until("twenty are ready", |world| names.iter().filter(|name| world.service(name).ready()).count() == 20)
        .await;
    provider.hosts_exactly(names[..20].iter().map(String::as_str));
    world.passes(Duration::from_mins(5)).await;
    assert_eq!(provider.count("create"), 20);
    let last = world.service(&names[99]);
    last.explains("Package small: 20 of 20 in stock are taken");
    last.explains("79 others wait ahead of this service");
    world.until("the package counts", |world| world.object("Package", "small").at("/status/waiting") == 80).await;
    assert_eq!(world.object("Package", "small").at("/status/taken"), 20);
}

/// acceptance 8
#[tokio::test(start_paused = true)]
async fn a_unit_that_is_given_back_goes_to_whoever_waits_longest_and_more_stock_wakes_the_next() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).running();
    let names: Vec<String> = (0..4).map(numbered).collect();
    for name in &names {
        world.apply(&service(name));
        // In one second, names decide.
        world.passes(Duration::from_secs(2)).await;
    }
    world.until("three wait", |world| waiting(world, &names).len() == 3).await;
    provider.hosts_exactly(["service-000"]);

    world.delete("service-000");
    world.until("the next has it", |world| world.service("service-001").ready()).await;
    provider.hosts_exactly(["service-001"]);

    world.edit("service-001", &json!({"desiredStatus": "Terminated"}));
    world.until("and the next", |world| world.service("service-002").ready()).await;
    provider.hosts_exactly(["service-002"]);

    world.apply(&limited("small", 2));
    world.until("and the last", |world| world.service("service-003").ready()).await;
    provider.hosts_exactly(["service-002", "service-003"]);

    // An ended service gives nothing back a second time.
    world.delete("service-001");
    world.apply(&service("late"));
    world.shows("late", "OutOfStock").await;
    world.passes(Duration::from_mins(3)).await;
    provider.hosts_exactly(["service-002", "service-003"]);
}

#[tokio::test(start_paused = true)]
async fn two_controllers_never_give_out_one_unit_twice() {
    for stock in [1_usize, 3] {
        let provider = Provider::new(CreateUniqueness::ByExternalId).taking(Duration::from_secs(1));
        let world = shop(&provider, i64::try_from(stock).unwrap()).running().running();
        let names: Vec<String> = (0..8).map(numbered).collect();
        for name in &names {
            world.apply(&service(name));
        }
        world.until("the others wait", |world| waiting(world, &names).len() == names.len() - stock).await;
        world.passes(Duration::from_mins(3)).await;
        assert_eq!(provider.remotes().len(), stock);
        assert_eq!(provider.count("create"), stock);
    }
}

/// Bob came first and orders what does not exist, so the one unit is Alice's. While the request with this number is on its
/// way, he orders what she does. False when there is no such request.
async fn an_older_order_turns_valid_during_request(number: usize) -> bool {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).with(service("bob").ordering("nothing")).running();
    world.shows("bob", "PackageNotFound").await;
    world.passes(Duration::from_secs(90)).await;
    world.wire.arm(&[]);
    let cluster = world.cluster.clone();
    world.wire.meanwhile(number, Duration::from_secs(20), move || {
        cluster.patch("HostingService", "bob", &json!({"spec": {"packageRef": {"name": "small"}}}));
    });
    world.apply(&service("alice"));
    world.passes(Duration::from_mins(2)).await;
    world.until("one has the unit", |world| world.service("alice").ready() || world.service("bob").ready()).await;
    assert_eq!(provider.count("create"), 1, "request {number}");
    world.wire.nothing_is_planned()
}

#[tokio::test(start_paused = true)]
async fn an_older_order_that_turns_valid_at_any_moment_does_not_take_a_unit_that_was_given_out() {
    let mut number = 1;
    while an_older_order_turns_valid_during_request(number).await {
        number += 1;
    }
    assert!(number > 4, "only {number} requests");
}

/// acceptance 8
#[tokio::test(start_paused = true)]
async fn an_owner_has_no_more_than_the_limit_and_blocks_nobody() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(package("small").setting(&["spec", "limitPerOwner"], 1)).running();
    for (name, owner) in [("a", "cust-1"), ("b", "cust-1"), ("c", "cust-2")] {
        world.apply(&service(name).owned_by(owner, &format!("{owner}@example.com")));
    }
    world.shows("b", "OwnerLimitReached").await;
    world.until("c is ready", |world| world.service("c").ready()).await;
    provider.hosts_exactly(["a", "c"]);
    world.service("b").explains("owner cust-1 has 1 of it, spec.limitPerOwner is 1");
    world.delete("a");
    world.until("b is ready", |world| world.service("b").ready()).await;
    provider.hosts_exactly(["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_takes_no_more_services_than_it_may_have() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let full = |most: i64| {
        let scripted = instance("panel-eu").setting(&["spec", "pluginRef", "name"], "scripted");
        scripted.setting(&["spec", "limits"], json!({"maxServices": most}))
    };
    let world = World::simulated(&provider).with(secret("other", "x")).with(full(2)).running();
    for (name, package) in [("a", "small"), ("b", "large"), ("c", "small")] {
        world.apply(&service(name).ordering(package));
    }
    world.shows("c", "InstanceFull").await;
    world.until("two are ready", |world| world.service("a").ready() && world.service("b").ready()).await;
    provider.hosts_exactly(["a", "b"]);
    world.apply(&full(3));
    world.until("c is ready", |world| world.service("c").ready()).await;
}

/// acceptance 13
#[tokio::test(start_paused = true)]
async fn a_change_of_package_holds_a_unit_of_both_until_the_outcome_is_definite() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).with(limited("large", 1).with_memory(2048)).running();
    world.apply(&service("alice"));
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    provider.fails("scale", 3, Fault::Refused(Error::new(Class::Unavailable, "maintenance", "down for maintenance")));
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("the change was tried", |_| provider.count("scale") >= 1).await;
    world.apply(&service("bob"));
    world.apply(&service("carol").ordering("large"));
    world.shows("bob", "OutOfStock").await;
    world.shows("carol", "OutOfStock").await;
    assert_eq!(world.service("alice").at("/status/lastApplied/package"), "small");

    world.until("bob has the unit alice left", |world| world.service("bob").ready()).await;
    assert_eq!(world.service("alice").at("/status/lastApplied/package"), "large");
    world.passes(Duration::from_mins(2)).await;
    world.service("carol").is_held_by("OutOfStock");
    provider.hosts_exactly(["alice", "bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_to_a_package_that_is_sold_out_leaves_everything_as_it_is() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(limited("large", 1)).running();
    world.apply(&service("bob").ordering("large"));
    world.until("bob is ready", |world| world.service("bob").ready()).await;
    world.apply(&service("alice"));
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("it is refused", |world| world.service("alice").says("Accepted").contains("OutOfStock")).await;
    world.passes(Duration::from_mins(3)).await;
    assert_eq!(provider.count("scale"), 0);
    assert_eq!(world.service("alice").at("/status/lastApplied/package"), "small");

    world.delete("bob");
    world.until("alice is changed", |world| world.service("alice").at("/status/lastApplied/package") == "large").await;
    world.until("and ready", |world| world.service("alice").ready()).await;
    // Back again, and nothing of the change is left in the record.
    world.edit("alice", &json!({"packageRef": {"name": "small"}}));
    world.until("back", |world| world.service("alice").at("/status/lastApplied/package") == "small").await;
    world.apply(&service("carol").ordering("large"));
    world.until("carol has the unit", |world| world.service("carol").ready()).await;
}

#[test]
fn a_death_at_any_request_gives_out_no_unit_twice_and_loses_none() {
    at_every_request("two orders for one unit", &|crashes: Vec<Crash>| async move {
        let provider = Provider::new(CreateUniqueness::ByExternalId);
        let world = shop(&provider, 1).running();
        world.until("the provider is known", |world| world.instance("panel-eu").ready()).await;
        world.wire.arm(&crashes);
        world.apply(&service("alice"));
        world.apply(&service("bob"));
        world.until("alice is ready", |world| world.service("alice").ready()).await;
        world.shows("bob", "OutOfStock").await;
        provider.hosts_exactly(["alice"]);
        world.delete("alice");
        world.until("bob is ready", |world| world.service("bob").ready()).await;
        provider.hosts_exactly(["bob"]);
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_change_of_package_gives_out_no_unit_twice_and_loses_none() {
    at_every_request("a change between limited packages", &|crashes: Vec<Crash>| async move {
        let provider = Provider::new(CreateUniqueness::ByExternalId);
        let world = shop(&provider, 1).with(limited("large", 1).with_memory(2048)).running();
        world.apply(&service("alice"));
        world.until("alice is ready", |world| world.service("alice").ready()).await;
        world.apply(&service("bob"));
        world.shows("bob", "OutOfStock").await;
        world.wire.arm(&crashes);
        world.edit("alice", &json!({"packageRef": {"name": "large"}}));
        world.until("bob has what alice left", |world| world.service("bob").ready()).await;
        world.until("alice is ready", |world| world.service("alice").ready()).await;
        assert_eq!(world.service("alice").at("/status/lastApplied/package"), "large");
        for (name, package) in [("carol", "small"), ("dora", "large")] {
            world.apply(&service(name).ordering(package));
            world.shows(name, "OutOfStock").await;
        }
        provider.hosts_exactly(["alice", "bob"]);
        world
    });
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_changed_before_it_is_made_takes_no_unit_that_another_has() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).with(limited("large", 1).with_memory(2048)).running();
    world.apply(&service("bob").ordering("large"));
    world.until("bob is ready", |world| world.service("bob").ready()).await;
    provider.fails("create", usize::MAX, Fault::Refused(Error::new(Class::Capacity, "full", "no node has room")));
    world.apply(&service("alice"));
    world.shows("alice", "NoCapacity").await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.shows("alice", "OutOfStock").await;
    provider.heals();
    world.passes(Duration::from_mins(10)).await;
    provider.hosts_exactly(["bob"]);

    world.edit("alice", &json!({"packageRef": {"name": "small"}}));
    world.until("alice has the unit she had", |world| world.service("alice").ready()).await;
    provider.hosts_exactly(["alice", "bob"]);
}

#[tokio::test(start_paused = true)]
async fn an_older_order_that_is_paused_blocks_nobody() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).with(service("bob").annotated("hostwright.dev/paused", "true")).running();
    world.shows("bob", "Paused").await;
    world.passes(Duration::from_secs(2)).await;
    world.apply(&service("carol"));
    world.until("carol has the unit", |world| world.service("carol").ready()).await;
    world.annotate("bob", "hostwright.dev/paused", serde_json::Value::Null);
    world.shows("bob", "OutOfStock").await;
    provider.hosts_exactly(["carol"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_taken_back_while_nobody_knows_its_outcome_still_holds_the_unit() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = shop(&provider, 1).with(limited("large", 1).with_memory(2048)).running();
    world.apply(&service("alice"));
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    provider.fails("scale", 1, Fault::AnsweredLate(Duration::from_secs(40)));
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("the change is under way", |_| provider.count("scale") == 1).await;
    world.edit("alice", &json!({"packageRef": {"name": "small"}}));
    world.apply(&service("carol").ordering("large"));
    world.shows("carol", "OutOfStock").await;
    world.passes(Duration::from_secs(30)).await;
    provider.hosts_exactly(["alice"]);

    world.until("carol has it once alice is back", |world| world.service("carol").ready()).await;
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    assert_eq!(world.service("alice").at("/status/lastApplied/package"), "small");
}
