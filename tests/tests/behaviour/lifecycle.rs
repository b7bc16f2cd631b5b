//! Applied, suspended, changed, ended.

use hostwright_tests::{World, service};

#[tokio::test(start_paused = true)]
async fn an_applied_service_becomes_a_server_with_its_owner_egg_limits_and_external_id() {
    let world = World::new().with(service("alice")).running();
    world.settles().await;

    world.panel.hosts_exactly(["alice"]);
    let server = world.panel.server("alice");
    let owner = world
        .panel
        .panel
        .users()
        .into_iter()
        .find(|user| user.id == server.owner)
        .unwrap();
    assert_eq!(owner.external_id.as_deref(), Some("test.customers.cust-1"));
    assert_eq!(owner.email, "alice@example.com");
    assert_eq!((server.egg, server.limits.memory, server.limits.disk), (4, 1024, 2000));
    assert_eq!(server.name, "alice server");

    let alice = world.service("alice");
    alice.is_ready();
    assert_eq!((alice.phase(), alice.reason()), ("Active", "UpToDate"));
    assert_eq!(alice.remote_id(), server.id.to_string());
    assert!(
        alice.text("/status/remote/url").contains(server.identifier()),
        "{alice:?}"
    );
    assert_eq!(alice.text("/status/externalId"), "test.customers.alice");
    assert_eq!(alice.text("/status/history/0/what"), "Created");
}
