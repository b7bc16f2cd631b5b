//! A controller that dies at any request, all its memory gone, and one that takes over.

use std::time::Duration;

use demo_panel::WingsMode;
use hostwright_plugin::CreateUniqueness;
use hostwright_tests::crashes::{at_every_pair, at_every_request};
use hostwright_tests::{Crash, Fault, Provider, World, service};
use serde_json::json;

/// A world whose panel is known, in which deaths count from now on.
async fn armed(world: World, crashes: &[Crash]) -> World {
    let world = world.running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.settles().await;
    world.wire.arm(crashes);
    world
}

async fn create(crashes: Vec<Crash>) -> World {
    let world = armed(World::new(), &crashes).await;
    world.apply(&service("alice"));
    world.settles().await;
    world.service("alice").is_ready();
    world.panel.hosts_exactly(["alice"]);
    assert_eq!(world.panel.panel.users().len(), 2, "one owner beside the administrator");
    world
}

/// Alice is ready; then her spec changes like this.
async fn changed(crashes: Vec<Crash>, change: serde_json::Value) -> World {
    let world = armed(World::new().with(service("alice")), &crashes).await;
    world.edit("alice", &change);
    world.settles().await;
    world.service("alice").is_ready();
    world
}

/// acceptance 2
#[test]
fn a_death_at_any_request_of_a_create_leaves_one_server() {
    at_every_request("create", &create);
}

#[test]
fn two_deaths_at_any_requests_of_a_create_leave_one_server() {
    at_every_pair("create, twice", &create);
}

#[test]
fn a_death_at_any_request_of_a_suspension_leaves_it_suspended() {
    at_every_request("suspend", &|crashes| async {
        let world = changed(crashes, json!({"desiredStatus": "Suspended"})).await;
        assert!(world.panel.server("alice").is_suspended());
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_scale_leaves_it_scaled() {
    at_every_request("scale", &|crashes| async {
        let world = changed(crashes, json!({"packageRef": {"name": "large"}})).await;
        assert_eq!(world.panel.server("alice").limits.memory, 2048);
        world
    });
}

#[test]
fn a_death_at_any_request_of_an_ending_leaves_nothing() {
    at_every_request("terminate", &|crashes| async {
        let world = changed(crashes, json!({"desiredStatus": "Terminated"})).await;
        world.panel.hosts_exactly([]);
        assert_eq!(world.service("alice").phase(), "Terminated");
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_deletion_leaves_nothing() {
    at_every_request("delete", &|crashes: Vec<Crash>| async move {
        let world = armed(World::new().with(service("alice")), &crashes).await;
        world.delete("alice");
        world.loses("alice").await;
        world.panel.hosts_exactly([]);
        world
    });
}

#[test]
fn a_death_while_the_panel_takes_a_server_back_leaves_one_server() {
    at_every_request("create with roll-back", &|crashes: Vec<Crash>| async move {
        let world = World::new();
        // The row is there for three seconds, and goes again.
        world.panel.panel.set_wings_latency(Duration::from_secs(3));
        world.panel.panel.set_wings(WingsMode::Error500);
        let world = armed(world, &crashes).await;
        world.apply(&service("alice"));
        world.passes(Duration::from_secs(8)).await;
        world.panel.panel.set_wings(WingsMode::Ok);
        world.settles().await;
        world.service("alice").is_ready();
        world.panel.hosts_exactly(["alice"]);
        world
    });
}

#[test]
fn a_death_at_any_request_leaves_one_remote_where_the_provider_does_not_refuse_doubles() {
    for (name, takes) in [("create at once", 0), ("create that takes time", 20)] {
        at_every_request(name, &|crashes: Vec<Crash>| async move {
            let provider = Provider::new(CreateUniqueness::LookupOnly)
                .able(|capabilities| capabilities.settle_seconds = 30)
                .taking(Duration::from_secs(takes));
            let world = armed(World::simulated(&provider), &crashes).await;
            world.apply(&service("alice"));
            world.settles().await;
            world.service("alice").is_ready();
            provider.hosts_exactly(["alice"]);
            world
        });
    }
}

#[test]
fn a_death_of_one_of_two_controllers_leaves_one_server() {
    at_every_request("create by two controllers", &|crashes: Vec<Crash>| async move {
        let world = armed(World::new().running(), &crashes).await;
        world.apply(&service("alice"));
        world.settles().await;
        world.service("alice").is_ready();
        world.panel.hosts_exactly(["alice"]);
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_create_that_is_deleted_meanwhile_leaves_nothing() {
    for uniqueness in [CreateUniqueness::ByExternalId, CreateUniqueness::LookupOnly] {
        at_every_request("create and delete", &|crashes: Vec<Crash>| async move {
            let provider = Provider::new(uniqueness)
                .able(|capabilities| capabilities.settle_seconds = 30)
                .taking(Duration::from_secs(10));
            provider.fails("create", 1, Fault::AnsweredLate(Duration::from_secs(5)));
            let world = armed(World::simulated(&provider), &crashes).await;
            world.apply(&service("alice"));
            world.passes(Duration::from_secs(2)).await;
            world.delete("alice");
            world.loses("alice").await;
            world.passes(Duration::from_mins(1)).await;
            provider.hosts_exactly([]);
            world
        });
    }
}

#[test]
fn a_death_at_any_request_of_a_lifted_suspension_leaves_it_lifted() {
    at_every_request("unsuspend", &|crashes: Vec<Crash>| async move {
        let world = armed(World::new().with(service("alice").wanting("Suspended")), &crashes).await;
        world.edit("alice", &json!({"desiredStatus": "Active"}));
        world.settles().await;
        world.service("alice").is_ready();
        assert!(!world.panel.server("alice").is_suspended());
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_recreation_leaves_one_server() {
    at_every_request("recreate", &|crashes: Vec<Crash>| async move {
        let world = armed(World::new().with(service("alice").recreated()), &crashes).await;
        let before = world.panel.server("alice").id;
        world.panel.panel.delete_server(before);
        world.annotate("alice", "hostwright.dev/reconcile-requested-at", "now");
        world.until("there is another", |world| world.panel.hosted().len() == 1).await;
        world.settles().await;
        assert_eq!(world.service("alice").is_ready().remote_id(), world.panel.server("alice").id.to_string());
        world
    });
}

#[test]
fn a_death_at_any_request_of_an_attachment_leaves_the_kept_server() {
    at_every_request("attach", &|crashes: Vec<Crash>| async move {
        let world = armed(World::new().with(service("alice").retained()), &crashes[..0]).await;
        world.delete("alice");
        world.loses("alice").await;
        world.wire.arm(&crashes);
        world.apply(&service("alice"));
        world.settles().await;
        world.service("alice").is_ready();
        world.panel.hosts_exactly(["alice"]);
        assert_eq!(world.panel.requests("POST", "servers"), 1);
        world
    });
}
