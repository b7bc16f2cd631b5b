//! Two controllers at once, each believing that it leads.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Fault, Provider, World, service};
use serde_json::json;

/// acceptance 18
#[tokio::test(start_paused = true)]
async fn two_controllers_make_one_server_and_go_through_its_life_together() {
    let world = World::new().with(service("alice")).running().running();
    world.settles().await;
    world.panel.hosts_exactly(["alice"]);
    assert_eq!(world.panel.panel.users().len(), 2);
    for desired in ["Suspended", "Active"] {
        world.edit("alice", &json!({"desiredStatus": desired}));
        world.settles().await;
        world.service("alice").is_ready();
    }
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    assert_eq!(world.panel.server("alice").limits.memory, 2048);
    world.delete("alice");
    world.loses("alice").await;
    world.panel.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn two_controllers_make_one_remote_where_the_provider_does_not_refuse_doubles() {
    for uniqueness in [CreateUniqueness::LookupOnly, CreateUniqueness::None] {
        // Slow answers leave the other one all the time in the world to interfere.
        for verb in ["observe", "create"] {
            let provider = Provider::new(uniqueness).able(|capabilities| capabilities.settle_seconds = 10);
            provider.fails(verb, 2, Fault::AnsweredLate(Duration::from_secs(15)));
            let world = World::simulated(&provider).with(service("alice")).running().running();
            world.until("alice is ready", |world| world.service("alice").ready()).await;
            world.settles().await;
            provider.hosts_exactly(["alice"]);
            assert_eq!(provider.count("create"), 1, "{uniqueness:?} {verb}");
        }
    }
}
