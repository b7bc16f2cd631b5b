//! Operations that a provider accepts and finishes later: what is known is written down before it is asked again, and what
//! it forgets is looked up.

use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::crashes::at_every_request;
use hostwright_tests::{Crash, Fault, Provider, World, service};

fn slow(uniqueness: CreateUniqueness) -> Arc<Provider> {
    Provider::new(uniqueness).able(|capabilities| capabilities.settle_seconds = 30).taking(Duration::from_secs(20))
}

async fn known(world: World) -> World {
    let world = world.running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.settles().await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_an_accepted_create_is_written_down_before_it_is_asked_for() {
    let provider = slow(CreateUniqueness::LookupOnly);
    let world = known(World::simulated(&provider)).await;
    world.apply(&service("alice"));
    world.until("it is written down", |world| !world.service("alice").at("/status/operation/token").is_null()).await;
    assert_eq!(world.service("alice").remote_id(), "1");
    assert_eq!(world.service("alice").text("/status/operation/outcome"), "Accepted");
    assert_eq!((world.service("alice").phase(), provider.count("poll")), ("Provisioning", 0));
    world.settles().await;
    world.service("alice").is_ready();
    assert!(provider.count("poll") > 0);
}

#[test]
fn a_death_at_any_request_leaves_one_remote_where_an_accepted_create_names_none() {
    for uniqueness in [CreateUniqueness::ByExternalId, CreateUniqueness::LookupOnly] {
        at_every_request("accepted without a remote", &|crashes: Vec<Crash>| async move {
            let provider = slow(uniqueness).naming_no_remote();
            let world = known(World::simulated(&provider)).await;
            world.wire.arm(&crashes);
            world.apply(&service("alice"));
            world.settles().await;
            world.service("alice").is_ready();
            provider.hosts_exactly(["alice"]);
            world
        });
    }
}

#[test]
fn a_death_at_any_request_leaves_one_remote_where_the_provider_forgets_what_it_accepted() {
    for uniqueness in [CreateUniqueness::ByExternalId, CreateUniqueness::LookupOnly] {
        at_every_request("forgotten tokens", &|crashes: Vec<Crash>| async move {
            let provider = slow(uniqueness).forgetting_tokens();
            let world = known(World::simulated(&provider)).await;
            world.wire.arm(&crashes);
            world.apply(&service("alice"));
            world.settles().await;
            world.service("alice").is_ready();
            provider.hosts_exactly(["alice"]);
            assert_eq!(provider.count("create"), 1, "{:?}", provider.calls());
            world
        });
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_nobody_finishes_is_looked_up_at_its_deadline() {
    let provider = Provider::new(CreateUniqueness::ByExternalId).taking(Duration::from_mins(30));
    let world = known(World::simulated(&provider)).await;
    world.apply(&service("alice"));
    world.until("it is accepted", |world| !world.service("alice").at("/status/operation/token").is_null()).await;
    let broken = Error::new(Class::Internal, "broken", "the queue is not answering");
    provider.fails("poll", 10_000, Fault::Refused(broken));
    world.passes(Duration::from_mins(50)).await;
    assert!(!world.service("alice").ready(), "only asking would tell");
    world.passes(Duration::from_mins(20)).await;
    world.service("alice").is_ready();
    provider.hosts_exactly(["alice"]);
    assert_eq!(provider.count("create"), 1);
}
