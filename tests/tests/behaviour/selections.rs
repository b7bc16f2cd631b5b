//! Variants: what a service selects sets the server, and what is not offered is refused.

use hostwright_tests::{API_KEY, Manifest, World, instance, package, secret, service};
use serde_json::{Value, json};

fn offering(scalable: bool) -> Manifest {
    let variants = json!({"memory": {"type": "select", "required": true, "scalable": scalable, "options": [
        {"value": 1024, "label": "1 GiB"}, {"value": 2048, "label": "2 GiB"}]}});
    package("small").setting(&["spec", "variants"], variants)
}

fn selecting(value: &Value) -> Manifest {
    service("alice").setting(&["spec", "selections"], json!({"memory": value}))
}

fn world(scalable: bool) -> World {
    World::empty().with(secret("panel-api", API_KEY)).with(instance("panel-eu")).with(offering(scalable))
}

#[tokio::test(start_paused = true)]
async fn what_is_not_offered_makes_no_server_and_an_edit_mends_it_and_scales() {
    let world = world(true).with(selecting(&json!([4096]))).running();
    world.shows("alice", "InvalidSelection").await;
    world.service("alice").explains("spec.selections.memory: found 4096, expected one of 1024, 2048");
    world.panel.hosts_exactly([]);
    for memory in [1024, 2048] {
        world.edit("alice", &json!({"selections": {"memory": [memory]}}));
        world
            .until("it is applied", |world| world.service("alice").at("/status/lastApplied/config/memory") == memory)
            .await;
    }
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn another_choice_of_a_variant_that_does_not_scale_is_refused_naming_old_and_new() {
    let world = world(false).with(selecting(&json!([1024]))).running();
    world.settles().await;
    world.edit("alice", &json!({"selections": {"memory": [2048]}}));
    world.shows("alice", "FieldNotChangeable").await;
    world.service("alice").explains("memory is 1024 now, 2048 wanted");
    assert_eq!(world.service("alice").at("/status/lastApplied/config/memory"), 1024);
}
