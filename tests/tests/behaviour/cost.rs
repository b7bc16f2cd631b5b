//! What a service costs, in writes to Kubernetes and requests to the panel.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{KubernetesFault, Provider, World, service};
use serde_json::json;

/// What was written about services and told in events since the last time this was asked.
fn written(world: &World) -> Vec<String> {
    let writes = world.cluster.writes();
    world.cluster.forget_requests();
    let without_name = |write: String| write.split(' ').take(2).collect::<Vec<_>>().join(" ");
    writes
        .into_iter()
        .map(without_name)
        .filter(|write| write.contains("hostingservices") || write.contains("events"))
        .collect()
}

async fn connected(world: World) -> World {
    let world = world.running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.passes(Duration::from_secs(10)).await;
    written(&world);
    world.wire.forget();
    world
}

const STATUS: &str = "update hostingservices/status";
const EVENT: &str = "create events";

#[tokio::test(start_paused = true)]
async fn a_create_that_finishes_at_once_costs_record_outcome_and_event() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = connected(World::simulated(&provider)).await;
    world.apply(&service("alice"));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(written(&world), ["patch hostingservices", STATUS, EVENT]);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_takes_time_costs_one_write_more() {
    let world = connected(World::new()).await;
    world.apply(&service("alice"));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(written(&world), ["patch hostingservices", STATUS, STATUS, EVENT]);
}

#[tokio::test(start_paused = true)]
async fn each_later_mutation_costs_record_outcome_and_event() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = connected(World::simulated(&provider).with(service("alice"))).await;
    world.settles().await;
    written(&world);
    let changes = [
        json!({"desiredStatus": "Suspended"}),
        json!({"desiredStatus": "Active"}),
        json!({"packageRef": {"name": "large"}}),
    ];
    for change in changes {
        world.edit("alice", &change);
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!(written(&world), [STATUS, STATUS, EVENT], "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_settled_service_costs_nothing() {
    let world = connected(World::new().with(service("alice"))).await;
    world.settles().await;
    written(&world);
    world.wire.forget();
    world.passes(Duration::from_hours(1)).await;
    assert_eq!(world.cluster.writes(), Vec::<String>::new());
    let about_alice = world.wire.log().into_iter().filter(|line| line.contains("alice")).count();
    assert_eq!(about_alice, 0, "{:?}", world.wire.log());
}

#[tokio::test(start_paused = true)]
async fn a_create_with_a_known_owner_and_egg_takes_four_requests_to_the_panel() {
    let world = connected(World::new().with(service("alice"))).await;
    world.settles().await;
    world.wire.forget();
    world.apply(&service("alice-2"));
    world.until("it is made", |world| world.panel.hosted().len() == 2).await;
    let requests = world.wire.panel_requests();
    assert!(requests.len() <= 4, "{requests:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_on_which_the_instances_are_listed_last_writes_nothing() {
    let mut world = World::new().with(service("alice")).running();
    world.settles().await;
    world.stops().await;
    world.cluster.forget_requests();
    world.cluster.fails("list", "providerinstances", KubernetesFault::ErrorBefore, 2);
    world.start_controller();
    world.passes(Duration::from_mins(5)).await;
    assert_eq!(world.cluster.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_a_thousand_settled_services_writes_nothing_and_asks_for_none_of_them() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider);
    let world = (0..1_000).fold(world, |world, number| world.with(service(&format!("service-{number}"))));
    let mut world = world.running();
    world.settles().await;
    assert_eq!(provider.remotes().len(), 1_000);
    world.restarts().await;
    world.cluster.forget_requests();
    provider.forget_calls();
    world.wire.forget();
    world.passes(Duration::from_mins(1)).await;
    assert_eq!(world.cluster.writes(), Vec::<String>::new());
    let single = world.wire.log().into_iter().filter(|line| line.contains("service-")).count();
    assert_eq!(single, 0, "requests for single services");

    // Drift over all of them costs pages: a hundred remotes each.
    provider.forget_calls();
    world.passes(Duration::from_secs(700)).await;
    let (lists, looks) = (provider.count("list"), provider.count("observe"));
    assert!((10..=20).contains(&lists) && looks == 0, "{lists} pages, {looks} single looks");
}
