//! An edit of a package reaches its services some at a time, stops when too many fail, and goes on by itself.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::crashes::at_every_request;
use hostwright_tests::{Crash, Fault, Manifest, Provider, View, World, package, service};
use serde_json::{Value, json};

fn name(number: usize) -> String {
    format!("s{number:03}")
}

fn rolling(memory: i64, rollout: &Value) -> Manifest {
    package("small").with_memory(memory).setting(&["spec", "rollout"], rollout.clone())
}

/// So many services of the package `small`, which has 1024 MB.
async fn many(provider: &Arc<Provider>, services: usize, rollout: &Value) -> World {
    let world = World::simulated(provider).with(rolling(1024, rollout)).running();
    for number in 0..services {
        world.apply(&service(&name(number)));
    }
    world.until("all are ready", |world| (0..services).all(|number| world.service(&name(number)).ready())).await;
    provider.forget_calls();
    world
}

fn of_package(world: &World) -> View {
    world.object("Package", "small")
}

fn with_memory(provider: &Provider, memory: i64) -> usize {
    provider.remotes().iter().filter(|remote| remote.config["memory"] == memory).count()
}

fn being_scaled(world: &World, services: usize) -> usize {
    (0..services).filter(|number| world.service(&name(*number)).at("/status/operation/verb") == "Scale").count()
}

fn counts(world: &World) -> [i64; 4] {
    ["updated", "updating", "failed", "waiting"]
        .map(|count| of_package(world).at(&format!("/status/rollout/{count}")).as_i64().unwrap_or_default())
}

#[track_caller]
fn all_are_ready(world: &World, services: Range<usize>) {
    for number in services {
        world.service(&name(number)).is_ready();
    }
}

fn refused() -> Fault {
    Fault::Refused(Error::new(Class::Invalid, "no-node", "no node has room for it"))
}

#[tokio::test(start_paused = true)]
async fn an_edit_over_two_hundred_services_stops_at_the_third_failure_says_which_and_continues_after_the_fix() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = many(&provider, 200, &json!({"maxConcurrent": 10, "maxFailures": 3})).await;
    for number in [5, 25, 60] {
        provider.fails_for(&name(number), "scale", usize::MAX, refused());
    }
    world.apply(&rolling(2048, &json!({"maxConcurrent": 10, "maxFailures": 3})));
    let stopped = |world: &World| {
        assert!(being_scaled(world, 200) <= 10, "no more than may be changed at once");
        of_package(world).says("RolledOut") == "False/RolloutStopped" && counts(world)[1] == 0
    };
    world.until("it stops", stopped).await;
    let changed = with_memory(&provider, 2048);
    assert!((58..=70).contains(&changed), "{changed} are changed");
    let [updated, updating, failed, waiting] = counts(&world);
    assert_eq!((updated, updating, failed, waiting), (i64::try_from(changed).unwrap(), 0, 3, 197 - updated));
    let told = of_package(&world);
    let message = told.condition("RolledOut")["message"].as_str().unwrap();
    for number in [5, 25, 60] {
        assert!(message.contains(&format!("customers/{} (no node has room for it)", name(number))), "{message}");
    }
    assert_eq!(told.at("/status/rollout/failing/2/service"), "customers/s060");
    // Those that wait are as well as before, and those that fail say why.
    world.service("s199").is_ready();
    assert_eq!(world.service("s199").at("/status/lastApplied/config/memory"), 1024);
    world.service("s005").is_held_by("ProviderRefused");

    world.passes(Duration::from_mins(5)).await;
    assert_eq!(with_memory(&provider, 2048), changed, "it stays stopped");

    provider.heals();
    for number in [5, 25, 60] {
        world.annotate(&name(number), "hostwright.dev/reconcile-requested-at", "mended");
    }
    world.until("it is rolled out", |world| of_package(world).says("RolledOut") == "True/RolledOut").await;
    world.settles().await;
    assert_eq!((with_memory(&provider, 2048), provider.count("scale") - 3), (200, 200), "each is scaled once");
    assert_eq!(of_package(&world).at("/status/rollout"), &Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_taken_back_ends_a_roll_out_that_stopped() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let rollout = json!({"maxConcurrent": 1, "maxFailures": 1});
    let world = many(&provider, 4, &rollout).await;
    provider.fails("scale", usize::MAX, refused());
    world.apply(&rolling(2048, &rollout));
    world.until("it stops", |world| of_package(world).says("RolledOut") == "False/RolloutStopped").await;
    assert_eq!(provider.count("scale"), 1);
    world.apply(&rolling(1024, &rollout));
    world.until("it is over", |world| of_package(world).says("RolledOut") == "True/RolledOut").await;
    world.settles().await;
    assert_eq!((provider.count("scale"), with_memory(&provider, 1024)), (1, 4));
    all_are_ready(&world, 0..4);
}

#[tokio::test(start_paused = true)]
async fn a_pinned_package_changes_new_services_only_and_rolling_brings_the_others_along() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = many(&provider, 3, &json!({"strategy": "Pinned"})).await;
    world.apply(&rolling(2048, &json!({"strategy": "Pinned"})));
    world.apply(&service("new"));
    world.until("the new one is ready", |world| world.service("new").ready()).await;
    world.passes(Duration::from_mins(2)).await;
    assert_eq!((with_memory(&provider, 1024), with_memory(&provider, 2048)), (3, 1));
    assert_eq!(of_package(&world).says("RolledOut"), "True/Pinned");
    assert_eq!(counts(&world), [1, 0, 0, 3]);
    world.apply(&rolling(2048, &json!({"strategy": "Rolling"})));
    world.until("all are changed", |_| with_memory(&provider, 2048) == 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_edit_leaves_services_that_exist_as_well_as_they_were() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = many(&provider, 2, &json!({})).await;
    world.apply(&rolling(2048, &json!({})).setting(&["spec", "provisioning", "memroy"], 1));
    world.until("it is refused", |world| of_package(world).says("RolledOut") == "False/PackageInvalid").await;
    world.settles().await;
    all_are_ready(&world, 0..2);
    assert_eq!(provider.count("scale"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_customer_s_own_choice_does_not_wait_for_a_roll_out_that_stopped() {
    let variants = json!({"disk": {"type": "select", "scalable": true, "default": [1000], "options": [
        {"value": 1000, "label": "1"}, {"value": 5000, "label": "5"}]}});
    let offering = |memory| {
        rolling(memory, &json!({"maxConcurrent": 1, "maxFailures": 1})).setting(&["spec", "variants"], variants.clone())
    };
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(offering(1024)).running();
    for number in 0..2 {
        world.apply(&service(&name(number)));
        world.until("it is ready", |world| world.service(&name(number)).ready()).await;
    }
    provider.fails_for("s000", "scale", usize::MAX, refused());
    world.apply(&offering(2048));
    world.until("it stops", |world| of_package(world).says("RolledOut") == "False/RolloutStopped").await;
    world.edit("s001", &json!({"selections": {"disk": [5000]}}));
    world.until("it has the disk", |_| provider.remote("s001").config["disk"] == 5000).await;
    world.settles().await;
    assert_eq!(provider.remote("s001").config["memory"], 1024, "its turn has not come");
    world.service("s001").is_ready();
}

#[test]
fn a_death_at_any_request_of_a_roll_out_changes_each_service_to_the_end() {
    at_every_request("roll-out", &|crashes: Vec<Crash>| async move {
        let provider = Provider::new(CreateUniqueness::ByExternalId);
        let world = many(&provider, 2, &json!({"maxConcurrent": 1})).await;
        world.wire.arm(&crashes);
        world.apply(&rolling(2048, &json!({"maxConcurrent": 1})));
        let is_over = |world: &World| {
            // A controller that died with an answer under way knows of it, so there is never a second beside it.
            assert!(being_scaled(world, 2) <= 1, "one at a time");
            with_memory(&provider, 2048) == 2 && of_package(world).says("RolledOut") == "True/RolledOut"
        };
        world.until("it is rolled out", is_over).await;
        world.settles().await;
        all_are_ready(&world, 0..2);
        world
    });
}
