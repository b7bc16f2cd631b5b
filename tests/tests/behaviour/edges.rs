//! One package is changed to another only along the edges that the first declares.

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Manifest, Provider, World, package, service};
use serde_json::json;

fn leading_to(name: &str, to: &[&str]) -> Manifest {
    package(name).setting(&["spec", "scalableTo"], to.to_vec())
}

/// A world with the packages `small` and `large`, and none leads to another.
fn without_edges() -> World {
    World::new().with(leading_to("small", &[])).with(leading_to("large", &[]).with_memory(2048))
}

/// acceptance 13
#[tokio::test(start_paused = true)]
async fn a_change_without_an_edge_is_refused_changes_nothing_and_can_be_allowed_or_taken_back() {
    let world = without_edges().with(service("alice")).running();
    world.settles().await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    let alice = world.service("alice");
    alice.is_held_by("ScaleNotAllowed").explains(
        "spec.packageRef.name: found large, but Package small allows no change; nothing is changed. Set it back to small, or \
         let the platform team add large to spec.scalableTo of Package small",
    );
    assert_eq!(
        (alice.says("Accepted").as_str(), alice.says("Stalled").as_str()),
        ("False/ScaleNotAllowed", "True/ScaleNotAllowed")
    );
    assert_eq!(alice.at("/status/lastApplied/package"), "small");
    assert_eq!(world.panel.server("alice").limits.memory, 1024);

    world.edit("alice", &json!({"packageRef": {"name": "small"}}));
    world.settles().await;
    world.service("alice").is_ready();

    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.shows("alice", "ScaleNotAllowed").await;
    world.apply(&leading_to("small", &["large"]));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(world.panel.server("alice").limits.memory, 2048);

    // An edge leads one way.
    world.edit("alice", &json!({"packageRef": {"name": "small"}}));
    world.shows("alice", "ScaleNotAllowed").await;
    assert_eq!(world.panel.server("alice").limits.memory, 2048);
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_takes_no_unit_and_holds_up_neither_suspension_nor_ending() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider)
        .with(leading_to("small", &[]))
        .with(leading_to("large", &[]).setting(&["spec", "stock"], 1))
        .with(service("alice"))
        .running();
    world.settles().await;
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.shows("alice", "ScaleNotAllowed").await;
    world.apply(&service("bob").ordering("large"));
    world.settles().await;
    world.service("bob").is_ready();

    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.until("it is suspended", |world| world.service("alice").phase() == "Suspended").await;
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.until("it is ended", |world| world.service("alice").phase() == "Terminated").await;
    provider.hosts_exactly(["bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_is_gone_leads_nowhere() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.cluster.delete("Package", "small");
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    world
        .service("alice")
        .is_held_by("ScaleNotAllowed")
        .explains("Package small, which would have to allow that, is gone: apply it again");
    assert_eq!(world.panel.server("alice").limits.memory, 1024);
}
