//! Everything is deleted at once, in any order: nothing stays behind, neither in the cluster nor on the panel.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{
    API_KEY, Cluster, NAMESPACE, Provider, SYSTEM, World, crashes::in_a_runtime, instance, is_real_server, namespace,
    package, secret, service,
};
use serde_json::json;

/// What the quick start is made of, as somebody deletes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Services,
    Packages,
    Instance,
    Secret,
    Namespaces,
}

const PARTS: [Part; 5] = [Part::Services, Part::Packages, Part::Instance, Part::Secret, Part::Namespaces];

/// Every order of the parts.
fn orders() -> Vec<Vec<Part>> {
    PARTS.iter().fold(vec![Vec::new()], |orders, part| {
        let insert = |order: &Vec<Part>| {
            (0..=order.len()).map(|at| [&order[..at], &[*part], &order[at..]].concat()).collect::<Vec<_>>()
        };
        orders.iter().flat_map(insert).collect()
    })
}

/// Deletes parts, one after the other; what went with an earlier one is gone already.
fn delete(cluster: &Cluster, parts: &[Part]) {
    for part in parts {
        delete_one(cluster, *part);
    }
}

fn delete_one(cluster: &Cluster, part: Part) {
    let names: &[(&str, &str)] = match part {
        Part::Services => &[("HostingService", "alice"), ("HostingService", "bob"), ("HostingService", "hans")],
        Part::Packages => &[("Package", "small"), ("Package", "large")],
        Part::Instance => &[("ProviderInstance", "panel-eu")],
        Part::Secret => &[("Secret", "panel-api")],
        Part::Namespaces => namespaces(),
    };
    for (kind, name) in names {
        if cluster.get(kind, name).is_some() {
            cluster.delete(kind, name);
        }
    }
}

/// A provider with two servers, and one service that was never made.
async fn settled(world: World) -> World {
    let world = world
        .with(service("alice"))
        .with(service("bob").wanting("Suspended"))
        .with(service("hans").ordering("unknown"))
        .running();
    world.until("both are there", |world| ["alice", "bob"].iter().all(|name| world.service(name).ready())).await;
    assert_eq!(remotes(&world), 2);
    world
}

fn simulated() -> World {
    World::simulated(&Provider::new(CreateUniqueness::ByExternalId))
}

/// How many servers there are.
fn remotes(world: &World) -> usize {
    world.panel.hosted().len() + world.provider.as_ref().map_or(0, |provider| provider.remotes().len())
}

fn left(world: &World) -> Vec<String> {
    let listed = ["HostingService", "Package", "ProviderInstance"].into_iter().flat_map(|kind| {
        world.cluster.list(kind).into_iter().map(move |object| format!("{kind} {}", object["metadata"]["name"]))
    });
    let named = [("Secret", "panel-api")]
        .iter()
        .chain(namespaces())
        .filter(|(kind, name)| world.cluster.get(kind, name).is_some());
    listed.chain(named.map(|(kind, name)| format!("{kind} {name}"))).collect()
}

/// On a real server the controller has a service account in its namespace, and may do nothing more once that is gone.
fn namespaces() -> &'static [(&'static str, &'static str)] {
    const BOTH: [(&str, &str); 2] = [("Namespace", NAMESPACE), ("Namespace", SYSTEM)];
    if is_real_server() { &BOTH[..1] } else { &BOTH }
}

async fn ends_clean(world: &World) {
    world.until("everything is gone", |world| left(world).is_empty()).await;
    assert_eq!(remotes(world), 0, "a server was left behind");
}

/// Plays a story for every order, in a runtime of its own each.
fn in_every_order<F: Future<Output = ()>>(story: impl Fn(Vec<Part>) -> F) {
    in_every(1, story);
}

/// As [`in_every_order`], for one of so many.
fn in_every<F: Future<Output = ()>>(number: usize, story: impl Fn(Vec<Part>) -> F) {
    // A real server takes seconds to end a namespace.
    let step = if is_real_server() { 24 } else { number };
    for order in orders().into_iter().step_by(step) {
        println!("{order:?}");
        in_a_runtime(story(order));
    }
}

#[test]
fn everything_deleted_in_one_go_ends_clean_in_every_order() {
    in_every_order(async |order| {
        let world = settled(simulated()).await;
        delete(&world.cluster, &order);
        ends_clean(&world).await;
    });
}

#[test]
fn everything_deleted_one_after_the_other_ends_clean_in_every_seventh_order() {
    in_every(7, async |order| {
        let world = settled(simulated()).await;
        for part in order {
            delete(&world.cluster, &[part]);
            world.passes(Duration::from_secs(20)).await;
        }
        ends_clean(&world).await;
    });
}

#[test]
fn everything_deleted_at_any_moment_of_a_creation_ends_clean() {
    let orders: [(&[Part], &[Part]); 3] = [
        (&[Part::Namespaces, Part::Services, Part::Packages, Part::Instance, Part::Secret], &[]),
        // What a service is made with goes before it does.
        (&[Part::Instance, Part::Packages], &[Part::Secret, Part::Services, Part::Namespaces]),
        (&[Part::Secret, Part::Packages], &[Part::Instance, Part::Services, Part::Namespaces]),
    ];
    let some = if is_real_server() { 8 } else { 1 };
    for (at_once, later) in orders {
        for number in (1..).step_by(some) {
            println!("{at_once:?} at request {number}, then {later:?}");
            if !in_a_runtime(deleted_at_request(number, at_once, later)) {
                break;
            }
        }
    }
}

/// Whether there was such a request before everything was there.
async fn deleted_at_request(number: usize, at_once: &'static [Part], later: &[Part]) -> bool {
    let world = simulated().with(service("alice"));
    let cluster = world.cluster.clone();
    // Long enough for everybody else to do what they can, and shorter than a request may take.
    world.wire.meanwhile(number, Duration::from_secs(20), move || {
        delete(&cluster, at_once);
    });
    let world = world.running();
    let is_over = |world: &World| world.wire.nothing_is_planned() || world.service("alice").ready();
    world.until("it was deleted or is there", is_over).await;
    let was_reached = world.wire.nothing_is_planned();
    if was_reached {
        world.passes(Duration::from_secs(30)).await;
        delete(&world.cluster, later);
        ends_clean(&world).await;
    }
    was_reached
}

#[test]
fn a_controller_that_dies_in_the_middle_is_followed_by_one_that_ends_it_clean_in_every_order() {
    in_every_order(async |order| {
        let mut world = settled(simulated()).await;
        for (number, part) in order.into_iter().enumerate() {
            delete(&world.cluster, &[part]);
            if number == 2 {
                world.stops().await;
            }
        }
        world.start_controller();
        ends_clean(&world).await;
    });
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_altogether_can_be_applied_again_while_the_controller_runs() {
    let world = settled(simulated()).await;
    delete(&world.cluster, &PARTS);
    ends_clean(&world).await;
    for name in [NAMESPACE, SYSTEM] {
        world.apply(&namespace(name));
    }
    world.apply(&secret("panel-api", API_KEY));
    world.apply(&instance("panel-eu").setting(&["spec", "pluginRef", "name"], "scripted"));
    world.apply(&package("small"));
    world.apply(&service("alice"));
    world.settles().await;
    world.service("alice").is_ready();
    let record = world.cluster.get("ConfigMap", "hostwright-installation").expect("the record was made anew");
    assert_eq!(record["metadata"]["finalizers"], json!(["hostwright.dev/in-use"]));
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_nothing_needs_any_more_holds_nothing() {
    let world = settled(simulated()).await;
    let held = |world: &World| {
        let record = world.cluster.get("ConfigMap", "hostwright-installation").unwrap_or_default();
        !record["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty)
    };
    assert!(held(&world));
    delete(&world.cluster, &[Part::Services, Part::Packages, Part::Instance]);
    world.until("the record is let go", |world| !held(world)).await;
    assert!(world.cluster.get("ConfigMap", "hostwright-installation").is_some());
}
