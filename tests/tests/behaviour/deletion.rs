//! Objects that are deleted, and remotes that go with them.

use std::time::Duration;

use demo_panel::WingsMode;
use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::{Fault, Provider, Trouble, World, service};
use serde_json::{Value, json};

/// acceptance 5
#[tokio::test(start_paused = true)]
async fn a_deleted_service_takes_its_server_along() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.delete("alice");
    world.loses("alice").await;
    world.panel.hosts_exactly(["bob"]);
    assert!(world.events("alice").iter().any(|(reason, _)| reason == "Terminated"), "{:?}", world.events("alice"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_was_leaves_without_a_call() {
    let world = World::new().with(service("alice").ordering("unknown")).running();
    world.shows("alice", "PackageNotFound").await;
    world.wire.forget();
    world.delete("alice");
    world.loses("alice").await;
    assert_eq!(world.wire.panel_requests(), Vec::<String>::new());
}

/// acceptance 5
#[tokio::test(start_paused = true)]
async fn while_the_panel_is_down_a_deleted_service_stays_and_says_so() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    world.delete("alice");
    world.shows("alice", "ProviderUnavailable").await;
    world.passes(Duration::from_hours(1)).await;
    world.service("alice").is_held_by("ProviderUnavailable").explains("connection refused");
    world.panel.hosts_exactly(["alice"]);
    world.wire.heal();
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn while_its_node_is_down_a_deleted_service_stays_and_goes_when_it_is_back() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.set_wings(WingsMode::Down);
    world.delete("alice");
    world.passes(Duration::from_mins(10)).await;
    assert!(!world.service("alice").ready());
    world.panel.hosts_exactly(["alice"]);
    world.panel.panel.set_wings(WingsMode::Ok);
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn an_ending_is_forced_only_where_the_package_says_so_and_only_after_that_time() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.cluster.patch("Package", "small", &json!({"spec": {"termination": {"forceAfter": "1h"}}}));
    world.panel.panel.set_wings(WingsMode::Down);
    world.delete("alice");
    world.passes(Duration::from_mins(50)).await;
    world.panel.hosts_exactly(["alice"]);
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn protection_holds_every_ending_and_says_how_to_go_on() {
    let protected = |name| service(name).setting(&["spec", "terminationProtection"], true);
    let world = World::new().with(protected("alice")).with(protected("bob")).running();
    world.settles().await;
    world.delete("alice");
    world.edit("bob", &json!({"desiredStatus": "Terminated"}));
    world.settles().await;
    for name in ["alice", "bob"] {
        world.service(name).is_held_by("TerminationProtected").explains("set terminationProtection false");
    }
    world.panel.hosts_exactly(["alice", "bob"]);
    world.edit("alice", &json!({"terminationProtection": false}));
    world.loses("alice").await;
    world.panel.hosts_exactly(["bob"]);
}

#[tokio::test(start_paused = true)]
async fn of_four_hundred_deletions_at_once_twenty_happen_and_the_others_wait() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let names: Vec<String> = (0..400).map(|number| format!("service-{number}")).collect();
    let world = World::simulated(&provider);
    let world = names.iter().fold(world, |world, name| world.with(service(name))).running();
    world.settles().await;
    assert_eq!(provider.remotes().len(), 400);

    for name in &names {
        world.delete(name);
    }
    world.passes(Duration::from_secs(200)).await;
    assert_eq!((provider.remotes().len(), provider.count("terminate")), (380, 20));
    let waiting = names.iter().find(|name| world.has(name)).unwrap();
    world
        .service(waiting)
        .is_held_by("TerminationHeld")
        .explains("20 ended in the last hour")
        .explains("release-endings");

    world.cluster.patch(
        "ProviderInstance",
        "panel-eu",
        &json!({"metadata": {"annotations": {"hostwright.dev/release-endings": "100"}}}),
    );
    world.passes(Duration::from_secs(100)).await;
    assert_eq!(provider.remotes().len(), 280);
}

#[tokio::test(start_paused = true)]
async fn an_instance_and_its_secret_stay_while_a_service_uses_them() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.cluster.delete("Secret", "panel-api");
    world.cluster.delete("ProviderInstance", "panel-eu");
    world.passes(Duration::from_mins(1)).await;
    assert!(world.cluster.get("ProviderInstance", "panel-eu").is_some());
    assert!(world.cluster.get("Secret", "panel-api").is_some());
    world.delete("alice");
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
    world.cluster.delete("Package", "small");
    world.cluster.delete("Package", "large");
    let gone = |world: &World| world.cluster.get("ProviderInstance", "panel-eu").is_none();
    world.until("the instance is released", gone).await;
    assert_eq!(world.cluster.get("Secret", "panel-api").unwrap_or_default(), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ended_where_remotes_were_already_there_until_that_is_confirmed() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let mut production = World::simulated(&provider).with(service("alice")).running();
    production.settles().await;
    production.stops().await;

    // The same installation id on a cluster that was restored from git.
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("create"), 1);
    world.delete("alice");
    world.passes(Duration::from_mins(10)).await;
    provider.hosts_exactly(["alice"]);
    let message = world.service("alice").message().to_owned();
    let token = message.split("hostwright.dev/confirm=").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
    world.cluster.patch(
        "ProviderInstance",
        "panel-eu",
        &json!({"metadata": {"annotations": {"hostwright.dev/confirm": token}}}),
    );
    world.loses("alice").await;
    provider.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_first_lists_fail_ends_nothing_either() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let mut production = World::simulated(&provider).with(service("alice")).running();
    production.settles().await;
    production.stops().await;

    // Its services find their remotes before anybody has seen them all.
    provider.fails("list", 3, Fault::Refused(Error::new(Class::Unavailable, "busy", "the panel is busy")));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("it is attached", |world| !world.service("alice").remote_id().is_empty()).await;
    world.delete("alice");
    world.passes(Duration::from_hours(2)).await;
    provider.hosts_exactly(["alice"]);
    assert!(
        world.service("alice").message().contains("hostwright.dev/confirm="),
        "{}",
        world.service("alice").message()
    );
}
