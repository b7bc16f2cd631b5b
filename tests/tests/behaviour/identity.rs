//! Which remote belongs to whom, whatever happens to the objects.

use std::time::Duration;

use hostwright_plugin::CreateUniqueness;
use hostwright_tests::{Fault, Manifest, Provider, World, namespace, secret, service};
use serde_json::{Value, json};

const RECORD: &str = "hostwright.dev/identity";

fn record(world: &World, name: &str) -> String {
    world.service(name).text("/metadata/annotations/hostwright.dev~1identity").to_owned()
}

/// Alice's server is kept, her object deleted, and another one applied.
async fn applied_again(manifest: Manifest) -> World {
    let world = World::new().with(service("alice").retained()).running();
    world.settles().await;
    world.delete("alice");
    world.loses("alice").await;
    world.apply(&manifest);
    world.settles().await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_manifest_copied_with_its_record_touches_nothing() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.wire.forget();
    world.apply(&service("bob").annotated(RECORD, &record(&world, "alice")));
    world.settles().await;
    world.service("bob").is_held_by("IdentityCopied").explains("hostwright.dev/identity-");
    assert_eq!(world.service("bob").says("Accepted"), "False/IdentityCopied");
    assert_eq!(world.wire.panel_requests(), Vec::<String>::new());
    world.delete("bob");
    world.loses("bob").await;
    world.panel.hosts_exactly(["alice"]);
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_copied_manifest_without_the_record_gets_a_server_of_its_own() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.apply(&service("bob").annotated(RECORD, &record(&world, "alice")));
    world.settles().await;
    world.annotate("bob", RECORD, Value::Null);
    world.settles().await;
    world.service("bob").is_ready();
    world.panel.hosts_exactly(["alice", "bob"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_status_was_wiped_is_attached_again_and_nothing_is_created() {
    let mut world = World::new().with(service("alice")).running();
    world.settles().await;
    let id = world.service("alice").remote_id().to_owned();
    world.stops().await;
    world.cluster.replace_status("HostingService", "alice", &json!({"observedGeneration": -1}));
    world.start_controller();
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().remote_id(), id);
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_record_was_removed_keeps_its_remote() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    let before = record(&world, "alice");
    world.annotate("alice", RECORD, Value::Null);
    world.settles().await;
    assert_eq!(record(&world, "alice"), before);
    world.service("alice").is_ready();
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kept_server_is_attached_again_for_the_same_owner() {
    let world = applied_again(service("alice")).await;
    let alice = world.service("alice");
    assert_eq!(alice.is_ready().remote_id(), world.panel.server("alice").id.to_string());
    assert_eq!(alice.text("/status/history/0/what"), "Attached");
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kept_server_is_refused_to_another_owner() {
    let world = applied_again(service("alice").owned_by("cust-2", "mallory@example.com")).await;
    world.service("alice").is_held_by("RemoteExists").explains("test.customers.cust-1");
    assert_eq!(world.service("alice").says("Stalled"), "True/RemoteExists");
    // And deleting that object does not touch it either.
    world.delete("alice");
    world.loses("alice").await;
    world.panel.hosts_exactly(["alice"]);
    assert_eq!(world.panel.requests("POST", "servers"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attach_does_not_scale_until_the_differences_are_accepted() {
    let world = applied_again(service("alice").ordering("large")).await;
    let alice = world.service("alice");
    assert_eq!(alice.says("Synced"), "False/AttachedWithDifferences");
    assert_eq!(world.panel.server("alice").limits.memory, 1024);
    let hash = alice.text("/status/attachedDifferences").to_owned();
    world.annotate("alice", "hostwright.dev/accept-diff", hash.as_str());
    world.until("it is scaled", |world| world.panel.server("alice").limits.memory == 2048).await;
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_restored_object_attaches_where_its_remote_is_there_and_holds_where_it_is_not() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice").retained()).with(service("bob").retained()).running();
    world.settles().await;
    let backups = ["alice", "bob"].map(|name| service(name).annotated(RECORD, &record(&world, name)));
    for name in ["alice", "bob"] {
        world.delete(name);
        world.loses(name).await;
    }
    provider.loses("bob");
    for backup in &backups {
        world.apply(backup);
    }
    world.settles().await;
    world.service("alice").is_ready();
    world.service("bob").is_held_by("RemoteMissing");
    assert_eq!(provider.count("create"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_restored_object_that_is_deleted_while_the_panel_is_away_does_not_leave_its_remote_behind() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice").retained()).running();
    world.settles().await;
    let backup = service("alice").annotated(RECORD, &record(&world, "alice"));
    world.delete("alice");
    world.loses("alice").await;
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"mode": "Disabled"}}));
    world.passes(Duration::from_secs(30)).await;
    world.apply(&backup);
    world.passes(Duration::from_secs(30)).await;
    world.delete("alice");
    world.passes(Duration::from_secs(30)).await;
    assert!(world.has("alice"), "the object is the only one that knows of the remote");
    world.cluster.patch("ProviderInstance", "panel-eu", &json!({"spec": {"mode": "Active"}}));
    world.loses("alice").await;
    provider.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn similar_addresses_never_share_a_panel_user() {
    let addresses = ["al_ce@example.com", "alxce@example.com", "xal_ce@example.com", "al%@example.com"];
    let names = ["a", "b", "c", "d"];
    let world = names.iter().zip(addresses).fold(World::new(), |world, (name, address)| {
        world.with(service(name).owned_by(&format!("cust-{name}"), address))
    });
    let world = world.running();
    world.settles().await;
    let mut owners: Vec<u64> = names.iter().map(|name| world.panel.server(name).owner).collect();
    owners.dedup();
    assert_eq!(owners.len(), 4, "{:?}", world.panel.panel.users());
    for (name, address) in names.iter().zip(addresses) {
        let server = world.panel.server(name);
        let owner = world.panel.panel.users().into_iter().find(|user| user.id == server.owner).unwrap();
        assert_eq!(owner.email, address);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_owner_id_in_two_namespaces_is_two_panel_users() {
    let world = World::new()
        .with(namespace("shop"))
        .with(service("alice"))
        .with(service("shop/alice").owned_by("cust-1", "other@example.com"))
        .running();
    world.settles().await;
    world.panel.hosts_exactly(["alice", "shop/alice"]);
    assert_ne!(world.panel.server("alice").owner, world.panel.server("shop/alice").owner);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_belongs_to_another_customer_is_refused() {
    let world = World::new().with(namespace("shop")).with(service("alice")).running();
    world.settles().await;
    world.apply(&service("shop/alice"));
    world.settles().await;
    world.service("shop/alice").is_held_by("OwnerEmailTaken");
    assert_eq!(world.service("shop/alice").says("Stalled"), "True/OwnerEmailTaken");
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn two_services_of_one_customer_share_a_panel_user() {
    let world = World::new().with(service("alice")).with(service("alice-2")).running();
    world.settles().await;
    assert_eq!(world.panel.server("alice").owner, world.panel.server("alice-2").owner);
}

#[tokio::test(start_paused = true)]
async fn an_object_made_anew_under_the_same_name_during_a_create_takes_over_what_that_made() {
    let provider = Provider::new(CreateUniqueness::LookupOnly).able(|capabilities| capabilities.settle_seconds = 30);
    provider.fails("create", 1, Fault::LandsLate(Duration::from_secs(10)));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("the create is under way", |_| provider.count("create") == 1).await;
    world.delete("alice");
    world.cluster.patch("HostingService", "alice", &json!({"metadata": {"finalizers": Value::Null}}));
    world.apply(&service("alice").annotated(RECORD, &record_of("alice")));
    world.settles().await;
    provider.hosts_exactly(["alice"]);
}

/// A record as a backup holds it.
fn record_of(name: &str) -> String {
    json!({
        "externalId": format!("test.customers.{name}"), "for": format!("customers/{name}"), "uid": "another",
        "instance": "panel-eu", "remoteIdentity": "simulated-1", "owner": "test.customers.cust-1",
    })
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_the_same_panel_changes_nothing() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;
    world.panel.panel.add_key("ptla_second", 1, demo_panel::Grant::ApplicationReadWrite);
    world.cluster.forget_requests();
    world.apply(&secret("panel-api", "ptla_second"));
    world.settles().await;
    world.service("alice").is_ready();
    world.instance("panel-eu").is_ready();
    assert_eq!(world.cluster.writes(), Vec::<String>::new());
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    assert!(world.panel.server("alice").is_suspended());
}

#[tokio::test(start_paused = true)]
async fn two_objects_whose_status_names_one_remote_both_leave_it_alone() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let mut world = World::simulated(&provider).with(service("alice")).with(service("bob")).running();
    world.settles().await;
    world.stops().await;
    let mut status = world.service("bob").at("/status").clone();
    status["remote"]["id"] = world.service("alice").remote_id().into();
    world.cluster.replace_status("HostingService", "bob", &status);
    world.start_controller();
    world.settles().await;
    provider.forget_calls();
    world.edit("bob", &json!({"desiredStatus": "Suspended"}));
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.passes(Duration::from_mins(5)).await;
    for verb in ["suspend", "terminate", "create", "scale"] {
        assert_eq!(provider.count(verb), 0, "{verb}");
    }
    world.service("bob").is_held_by("RemoteClaimedTwice");
    world.service("alice").is_held_by("RemoteClaimedTwice");
}
