//! The credentials of remotes. Whatever happens, the Secret holds those that the provider accepts. What the provider makes up
//! begins with the planted key, and what is chosen is planted once the provider has it, so every world also looks whether
//! one came out anywhere.

use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::crashes::{at_every_request, at_some_pairs};
use hostwright_tests::{Crash, Fault, KubernetesFault, Manifest, Provider, World, service};
use serde_json::json;

const ROTATE: &str = "hostwright.dev/rotate-requested-at";

/// A provider that issues both sorts, and new ones on request.
fn provider() -> Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId)
        .able(|capabilities| capabilities.rotate_credentials = true)
        .issuing(&["password"], &["token"])
}

async fn known(world: World) -> World {
    let world = world.running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.settles().await;
    world
}

/// Customers have what the provider accepts.
#[track_caller]
fn lets_in(world: &World, provider: &Provider, service: &str) {
    world.service(service).is_ready();
    assert_eq!(world.credentials(service), provider.remote(service).credentials);
    assert_eq!(world.service(service).says("CredentialsStored"), "True/UpToDate");
    assert_eq!(world.service(service).at("/status/credentials/keys"), &json!(["password", "token"]));
}

/// A Secret of somebody else under the name of ours.
fn taken() -> Manifest {
    Manifest::from(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "alice-credentials", "namespace": "customers"},
        "stringData": {"password": "of somebody else"},
    }))
}

#[tokio::test(start_paused = true)]
async fn what_was_chosen_and_what_was_made_up_are_in_a_secret_that_goes_with_the_service() {
    let provider = provider();
    let world = known(World::simulated(&provider)).await;
    world.apply(&service("alice"));
    world.settles().await;
    lets_in(&world, &provider, "alice");
    let secret = world.cluster.get("Secret", "customers/alice-credentials").unwrap();
    let owner = &secret["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"], &owner["controller"]),
        (&json!("HostingService"), &json!("alice"), &json!(true))
    );
    let writes: Vec<String> = world.cluster.writes().into_iter().filter(|write| write.contains("secrets")).collect();
    let ours = ["create secrets", "create secrets", "patch secrets alice-credentials"];
    assert_eq!(writes[1..], ours, "tried, then made; the first is a finalizer on the Secret of the panel");
    world.delete("alice");
    world.loses("alice").await;
    world.cluster.collects("Secret", "customers/alice-credentials").await;
}

#[tokio::test(start_paused = true)]
async fn new_ones_are_issued_once_for_each_request() {
    let provider = provider();
    let world = known(World::simulated(&provider).with(service("alice"))).await;
    let before = world.credentials("alice");
    for (token, count) in [("one", 1), ("one", 1), ("two", 2)] {
        world.annotate("alice", ROTATE, token);
        world.settles().await;
        lets_in(&world, &provider, "alice");
        assert_eq!(provider.count("rotate"), count);
        assert_eq!(world.service("alice").text("/status/lastHandledRotateAt"), token);
    }
    let after = world.credentials("alice");
    assert!(before["password"] != after["password"] && before["token"] != after["token"]);
    assert!(world.events("alice").iter().any(|(reason, note)| reason == "Rotated" && note.contains("password, token")));

    // Suspended customers too; a remote that is not usable waits, and one that ends is given none.
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    world.annotate("alice", ROTATE, "three");
    world.settles().await;
    assert_eq!(provider.count("rotate"), 3);
    assert_eq!(world.credentials("alice"), provider.remote("alice").credentials);
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.annotate("alice", ROTATE, "four");
    world.settles().await;
    assert_eq!(provider.count("rotate"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_deleted_is_filled_anew_by_a_rotation() {
    let provider = provider();
    let world = known(World::simulated(&provider).with(service("alice"))).await;
    world.cluster.delete("Secret", "customers/alice-credentials");
    world.annotate("alice", ROTATE, "again");
    world.settles().await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_issues_none_says_so_once() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = known(World::simulated(&provider).with(service("alice"))).await;
    world.annotate("alice", ROTATE, "now");
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(world.service("alice").text("/status/lastHandledRotateAt"), "now");
    let told = world.events("alice").into_iter().filter(|(reason, _)| reason == "Unsupported").count();
    assert_eq!((told, provider.count("rotate")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_rotation_leaves_the_credentials_that_are_accepted() {
    let provider = provider();
    let world = known(World::simulated(&provider).with(service("alice"))).await;
    let before = world.credentials("alice");
    provider.fails("rotate", 1, Fault::Refused(Error::new(Class::Invalid, "no", "not today")));
    world.annotate("alice", ROTATE, "now");
    world.shows("alice", "ProviderRefused").await;
    let mut kept = world.credentials("alice");
    assert!(kept.remove("password.next").is_some(), "the next one waits beside it");
    assert_eq!(kept, before);
    world.passes(Duration::from_hours(8)).await;
    world.settles().await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_where_the_secret_cannot_be_written_and_the_message_says_what_allows_it() {
    let provider = provider();
    let world = known(World::simulated(&provider)).await;
    world.cluster.fails("create", "secrets", KubernetesFault::Forbidden, 3);
    world.apply(&service("alice"));
    world.shows("alice", "CredentialsNotStored").await;
    world.service("alice").explains("credentialSecrets.namespaces of the Helm chart");
    provider.hosts_exactly([]);
    world.shows("alice", "UpToDate").await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_somebody_else_is_never_overwritten() {
    let provider = provider();
    let world = known(World::simulated(&provider).with(taken())).await;
    world.apply(&service("alice"));
    world.shows("alice", "CredentialsSecretTaken").await;
    world.passes(Duration::from_hours(1)).await;
    assert_eq!(world.secret_values("alice-credentials")["password"], "of somebody else");
    provider.hosts_exactly([]);
    world.cluster.delete("Secret", "customers/alice-credentials");
    world.shows("alice", "UpToDate").await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn what_was_issued_is_kept_in_memory_until_it_is_stored_and_delays_no_ending() {
    for fault in [KubernetesFault::Forbidden, KubernetesFault::ErrorBefore, KubernetesFault::ErrorAfter] {
        let provider = provider();
        let world = known(World::simulated(&provider)).await;
        world.cluster.fails("patch", "secrets", fault, 4);
        world.apply(&service("alice"));
        if fault == KubernetesFault::Forbidden {
            world.shows("alice", "CredentialsNotStored").await;
        }
        world.shows("alice", "UpToDate").await;
        lets_in(&world, &provider, "alice");
        assert_eq!((provider.count("create"), provider.count("rotate")), (1, 0), "{fault:?}");
    }
    let provider = provider();
    let world = known(World::simulated(&provider)).await;
    world.cluster.fails("patch", "secrets", KubernetesFault::Forbidden, 10_000);
    world.apply(&service("alice"));
    world.shows("alice", "CredentialsNotStored").await;
    world.delete("alice");
    world.loses("alice").await;
    provider.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_over_the_secret_is_settled_by_reading_it_again() {
    let provider = provider();
    let world = known(World::simulated(&provider)).await;
    world.cluster.fails("patch", "secrets", KubernetesFault::Conflict, 2);
    world.apply(&service("alice"));
    world.settles().await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_only_the_provider_could_tell_wait_for_a_person_where_it_issues_no_new_ones() {
    let provider = Provider::new(CreateUniqueness::ByExternalId).issuing(&["password"], &["token"]);
    provider.fails("create", 1, Fault::RefusedAfterEffect(Error::new(Class::Unknown, "lost", "the connection broke")));
    let world = known(World::simulated(&provider)).await;
    world.apply(&service("alice"));
    world.shows("alice", "CredentialsLost").await;
    world.service("alice").explains("put them into Secret alice-credentials, then: hostwright reconcile alice");
    assert_eq!(world.credentials("alice")["password"], provider.remote("alice").credentials["password"]);

    let token = provider.remote("alice").credentials["token"].clone();
    world.cluster.patch("Secret", "customers/alice-credentials", &json!({"stringData": {"token": token}}));
    world.annotate("alice", "hostwright.dev/reconcile-requested-at", "now");
    world.shows("alice", "UpToDate").await;
    lets_in(&world, &provider, "alice");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_made_up_for_by_new_credentials() {
    for uniqueness in [CreateUniqueness::ByExternalId, CreateUniqueness::LookupOnly] {
        for fault in [Fault::NoAnswer, Fault::PanicAfterEffect, Fault::LandsLate(Duration::from_secs(20))] {
            let provider = Provider::new(uniqueness)
                .able(|capabilities| (capabilities.rotate_credentials, capabilities.settle_seconds) = (true, 30))
                .issuing(&["password"], &["token"]);
            provider.fails("create", 1, fault.clone());
            provider.fails("rotate", 2, fault);
            let world = known(World::simulated(&provider).with(service("alice"))).await;
            world.settles().await;
            lets_in(&world, &provider, "alice");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_was_kept_keeps_its_credentials_until_new_ones_are_asked_for() {
    let provider = provider();
    let world = known(World::simulated(&provider).with(service("alice").retained())).await;
    let before = provider.remote("alice").credentials;
    world.delete("alice");
    world.loses("alice").await;
    world.apply(&service("alice").annotated(ROTATE, "asked of the old one"));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("rotate"), &provider.remote("alice").credentials), (0, &before));
    assert_eq!(world.service("alice").says("CredentialsStored"), "");
    world.annotate("alice", ROTATE, "now");
    world.settles().await;
    lets_in(&world, &provider, "alice");
}

/// Alice orders.
async fn create(provider: Arc<Provider>, crashes: Vec<Crash>) -> World {
    let world = known(World::simulated(&provider)).await;
    world.wire.arm(&crashes);
    world.apply(&service("alice"));
    world.settles().await;
    provider.hosts_exactly(["alice"]);
    lets_in(&world, &provider, "alice");
    world
}

#[test]
fn a_death_at_any_request_of_a_create_leaves_credentials_that_are_accepted() {
    for (name, takes) in [("create with credentials", 0), ("create with credentials that takes time", 10)] {
        at_every_request(name, &|crashes| create(provider().taking(Duration::from_secs(takes)), crashes));
    }
    at_every_request("create with credentials, looked up", &|crashes| {
        let provider = Provider::new(CreateUniqueness::LookupOnly)
            .able(|capabilities| (capabilities.rotate_credentials, capabilities.settle_seconds) = (true, 30));
        create(provider.issuing(&["password"], &["token"]), crashes)
    });
}

#[test]
fn two_deaths_at_requests_of_a_create_leave_credentials_that_are_accepted() {
    at_some_pairs("create with credentials, twice", &|crashes| create(provider(), crashes), 11);
}

#[test]
fn a_death_at_any_request_of_a_create_leaves_what_was_chosen() {
    at_every_request("create with a chosen password", &|crashes: Vec<Crash>| async move {
        let provider = Provider::new(CreateUniqueness::ByExternalId).issuing(&["password"], &[]);
        let world = known(World::simulated(&provider)).await;
        world.wire.arm(&crashes);
        world.apply(&service("alice"));
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!(world.credentials("alice"), provider.remote("alice").credentials);
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_rotation_leaves_credentials_that_are_accepted() {
    for (name, takes) in [("rotate", 0), ("rotate that takes time", 10)] {
        at_every_request(name, &|crashes: Vec<Crash>| async move {
            let provider = provider().taking(Duration::from_secs(takes));
            let world = known(World::simulated(&provider).with(service("alice"))).await;
            let before = world.credentials("alice");
            world.wire.arm(&crashes);
            world.annotate("alice", ROTATE, "now");
            world.settles().await;
            lets_in(&world, &provider, "alice");
            assert_ne!(world.credentials("alice"), before);
            world
        });
    }
}
