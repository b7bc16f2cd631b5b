//! Throttling, back-off, the breaker.

use std::time::Duration;

use demo_panel::WingsMode;
use hostwright_plugin::{Class, CreateUniqueness, Error, Scope};
use hostwright_tests::{Fault, Provider, Trouble, World, package, service};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_throttled_instance_is_left_alone_as_a_whole_for_as_long_as_it_asks() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("bob")).running();
    world.settles().await;
    let throttled = Error::new(Class::RateLimited, "429", "slow down").retry_after(Duration::from_mins(5));
    provider.fails("create", 1, Fault::Refused(throttled.scoped(Scope::Instance)));
    world.apply(&service("alice"));
    world.shows("alice", "RateLimited").await;
    provider.forget_calls();
    world.edit("bob", &json!({"desiredStatus": "Suspended"}));
    world.apply(&service("carol"));
    world.annotate("alice", "hostwright.dev/reconcile-requested-at", "now");
    world.passes(Duration::from_secs(280)).await;
    assert_eq!(provider.calls(), Vec::<String>::new());
    for name in ["alice", "bob", "carol"] {
        assert_eq!(world.service(name).reason(), "RateLimited", "{name}");
    }
    world.settles().await;
    provider.hosts_exactly(["alice", "bob", "carol"]);
}

#[tokio::test(start_paused = true)]
async fn the_panels_own_throttling_is_obeyed() {
    let world = World::new().running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    let few = demo_panel::RateLimits { application: 10, client: 10 };
    world.panel.panel.update_faults(|faults| faults.rate_limits = Some(few));
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        world.apply(&service(name));
    }
    world.settles().await;
    world.panel.hosts_exactly(names);
    for name in names {
        world.service(name).is_ready();
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_edits_during_a_pause_makes_no_extra_call() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).running();
    provider.fails("create", 6, Fault::Refused(Error::new(Class::Unavailable, "maintenance", "down for maintenance")));
    world.apply(&service("alice"));
    world.until("it failed often", |_| provider.count("create") == 5).await;
    provider.forget_calls();
    for number in 0..20 {
        world.edit("alice", &json!({"checkout": {"server_name": format!("name {number}")}}));
        world.passes(Duration::from_millis(500)).await;
    }
    assert_eq!(provider.calls(), Vec::<String>::new());
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_restart_during_a_pause_makes_no_extra_call() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let mut world = World::simulated(&provider).running();
    provider.fails("create", 6, Fault::Refused(Error::new(Class::Unavailable, "maintenance", "down for maintenance")));
    world.apply(&service("alice"));
    world.until("it failed often", |_| provider.count("create") == 5).await;
    world.passes(Duration::from_secs(1)).await;
    for _ in 0..3 {
        world.restarts().await;
        world.passes(Duration::from_secs(2)).await;
    }
    assert_eq!(provider.count("create"), 5);
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn one_dead_node_stops_nothing_on_the_others() {
    let world = World::new();
    let second = world.panel.panel.add_location("second");
    let node = world.panel.panel.add_node("n2", second, 1_000_000, 1_000_000, 20);
    world.panel.panel.set_node_wings(node, WingsMode::Down);
    let on = |name: &str, location: u64| {
        package(name).setting(&["spec", "provisioning", "location_ids"], location.to_string())
    };
    let world = world.with(on("alive", 1)).with(on("dead", second)).running();
    for number in 0..6 {
        world.apply(&service(&format!("unlucky-{number}")).ordering("dead"));
    }
    world.passes(Duration::from_mins(2)).await;
    world.apply(&service("alice").ordering("alive"));
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    world.instance("panel-eu").is_ready();
    assert_ne!(world.service("unlucky-0").reason(), "CircuitOpen");

    world.panel.panel.set_node_wings(node, WingsMode::Ok);
    world.settles().await;
    assert_eq!(world.panel.hosted().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_dead_panel_opens_the_breaker_which_closes_by_itself() {
    let world = (0..8).fold(World::new(), |world, number| world.with(service(&format!("service-{number}")))).running();
    world.settles().await;
    world.wire.trouble("panel.test", "", "", Trouble::Refused, usize::MAX);
    for number in 0..8 {
        world.edit(&format!("service-{number}"), &json!({"desiredStatus": "Suspended"}));
    }
    world.passes(Duration::from_mins(2)).await;
    world.wire.forget();
    world.passes(Duration::from_mins(10)).await;
    let requests = world.wire.panel_requests().len();
    assert!(requests <= 12, "one trial now and then, not {requests} requests");
    world.wire.heal();
    world.settles().await;
    for number in 0..8 {
        assert!(world.panel.server(&format!("service-{number}")).is_suspended());
    }
}
