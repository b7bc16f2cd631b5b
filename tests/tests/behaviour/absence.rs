//! Remotes that are not there any more, and panels that are not what they were.

use std::time::Duration;

use demo_panel::{Config, Panel};
use hostwright_plugin::{CreateUniqueness, State};
use hostwright_tests::{API_KEY, Fault, Provider, World, secret, service};
use serde_json::json;

/// Longer than any observation interval.
const INTERVAL: Duration = Duration::from_secs(700);

#[tokio::test(start_paused = true)]
async fn a_server_deleted_by_hand_is_reported_and_nothing_is_called() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.delete_server(world.panel.server("alice").id);
    world.shows("alice", "RemoteMissing").await;
    world.passes(INTERVAL).await;
    let alice = world.service("alice");
    alice.is_held_by("RemoteMissing").explains("onRemoteMissing Recreate");
    assert_eq!(alice.says("Stalled"), "True/RemoteMissing");
    assert_eq!(world.panel.requests("POST", "servers"), 1);
    assert!(world.has("alice"));
}

#[tokio::test(start_paused = true)]
async fn where_the_spec_asks_for_it_a_missing_server_is_made_anew() {
    let world = World::new().with(service("alice").recreated()).running();
    world.settles().await;
    let before = world.panel.server("alice").id;
    world.panel.panel.delete_server(before);
    world.until("there is another", |world| world.panel.hosted().len() == 1).await;
    world.settles().await;
    let alice = world.service("alice");
    assert_ne!(alice.is_ready().remote_id(), before.to_string());
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_held_service_whose_server_is_missing_can_be_told_to_make_one() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.delete_server(world.panel.server("alice").id);
    world.shows("alice", "RemoteMissing").await;
    world.edit("alice", &json!({"onRemoteMissing": "Recreate"}));
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_put_back_is_taken_back() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    let remote = provider.remote("alice");
    provider.loses("alice");
    world.shows("alice", "RemoteMissing").await;
    provider.puts_back(remote);
    world.until("alice is ready", |world| world.service("alice").ready()).await;
    assert_eq!(provider.count("create"), 1);
}

#[tokio::test(start_paused = true)]
async fn when_a_third_of_the_servers_is_missing_at_once_nothing_is_released_or_made_anew() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let names: Vec<String> = (0..12).map(|number| format!("service-{number}")).collect();
    let world = World::simulated(&provider);
    let world = names.iter().fold(world, |world, name| world.with(service(name).recreated())).running();
    world.settles().await;
    for name in &names[..5] {
        provider.loses(name);
    }
    let held = |world: &World| world.instance("panel-eu").says("EndingsHeld") == "True/MassAbsence";
    world.until("the instance says why", held).await;
    // One of the missing and one of the others are deleted meanwhile.
    world.delete("service-0");
    world.delete("service-11");
    world.passes(INTERVAL * 2).await;
    assert_eq!(provider.count("create"), 12);
    assert!(world.has("service-0") && world.has("service-11"));
    assert_eq!(provider.remotes().len(), 7);
    assert_eq!(world.service("service-0").reason(), "MassAbsence");

    let instance = world.instance("panel-eu");
    let words = instance.condition("EndingsHeld")["message"].as_str().unwrap();
    let token = words.split("hostwright.dev/confirm=").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
    let annotations = json!({"metadata": {"annotations": {"hostwright.dev/confirm": token}}});
    world.cluster.patch("ProviderInstance", "panel-eu", &annotations);
    world.loses("service-0").await;
    world.until("the others are made anew", |_| provider.remotes().len() == 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_leads_to_another_panel_stops_everything_on_the_instance() {
    let world = World::new().with(service("alice").recreated()).with(service("bob")).running();
    world.settles().await;
    let other = Panel::new(Config { application_key: "ptla_other".to_owned(), ..Config::default() });
    other.seed_demo();
    world.wire.route("panel.test", other.router());
    world.apply(&secret("panel-api", "ptla_other"));
    world.until("it is noticed", |world| world.instance("panel-eu").reason() == "RemoteChanged").await;
    world.delete("bob");
    world.apply(&service("carol"));
    world.passes(INTERVAL * 2).await;
    assert!(world.has("bob"));
    assert_eq!(world.service("bob").reason(), "RemoteChanged");
    assert_eq!(other.servers().len(), 0);
    world.panel.hosts_exactly(["alice", "bob"]);

    world.wire.route("panel.test", world.panel.panel.router());
    world.apply(&secret("panel-api", API_KEY));
    world.loses("bob").await;
    world.settles().await;
    world.panel.hosts_exactly(["alice", "carol"]);
}

#[tokio::test(start_paused = true)]
async fn another_panel_behind_the_same_address_and_key_is_noticed_before_an_absence_is_believed() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice").recreated()).running();
    world.settles().await;
    world.passes(Duration::from_secs(90)).await;
    provider.becomes("simulated-2");
    let remote = provider.remote("alice");
    provider.loses("alice");
    // The deletion looks at once, and would find nothing.
    world.delete("alice");
    world.passes(INTERVAL).await;
    assert!(world.has("alice"));
    assert_eq!(world.service("alice").reason(), "RemoteChanged");
    provider.becomes("simulated-1");
    provider.puts_back(remote);
    world.loses("alice").await;
    provider.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_misses_a_remote_causes_no_action() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice").recreated()).with(service("bob")).running();
    world.settles().await;
    provider.forget_calls();
    provider.hides_from_lists("alice");
    world.passes(INTERVAL * 2).await;
    world.service("alice").is_ready();
    for verb in ["create", "scale", "terminate"] {
        assert_eq!(provider.count(verb), 0, "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_began_before_our_own_call_causes_no_action() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice").recreated()).running();
    world.settles().await;
    provider.fails("list", 1, Fault::AnsweredLate(Duration::from_secs(40)));
    let lists = provider.count("list");
    world.until("a list is under way", |_| provider.count("list") > lists).await;
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.until("alice is suspended", |_| provider.remote("alice").state == State::Suspended).await;
    provider.forget_calls();
    // The list still shows it as active.
    world.passes(Duration::from_mins(2)).await;
    world.service("alice").is_ready();
    assert_eq!(provider.calls().iter().filter(|call| !call.starts_with("list")).count(), 0, "{:?}", provider.calls());
}

#[tokio::test(start_paused = true)]
async fn ending_one_of_the_missing_does_not_make_the_absence_of_the_others_believed() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let names: Vec<String> = (0..12).map(|number| format!("service-{number}")).collect();
    let world = World::simulated(&provider);
    let world = names.iter().fold(world, |world, name| world.with(service(name).recreated())).running();
    world.settles().await;
    for name in &names[..4] {
        provider.loses(name);
    }
    let held = |world: &World| world.instance("panel-eu").says("EndingsHeld") == "True/MassAbsence";
    world.until("the instance says why", held).await;
    world.delete("service-0");
    world.passes(INTERVAL * 2).await;
    assert_eq!(provider.count("create"), 12);
}
