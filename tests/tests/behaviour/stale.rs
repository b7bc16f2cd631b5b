//! Caches that lag behind: what a plan was made on is not what is.

use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::{Fault, Provider, World, package, service};

/// From now on caches see services as they are now; a look at one by its name still sees the present.
fn freeze(world: &World) {
    world.cluster.freeze("HostingService");
}

/// A second controller starts on the frozen past, and must not repeat `verb`.
async fn nothing_is_repeated(mut world: World, provider: &Provider, verb: &str, times: usize) {
    world.restarts().await;
    world.cluster.forget_requests();
    world.passes(Duration::from_mins(5)).await;
    let conflicts = world.cluster.requests().into_iter().filter(|request| request.status == 409).count();
    assert!(conflicts > 0, "the cache was not stale");
    assert_eq!(provider.count(verb), times, "{verb} on a stale cache: {:?}", provider.calls());
    world.cluster.thaw();
    world.settles().await;
    assert_eq!(provider.count(verb), times);
    world.service("alice").is_ready();
    provider.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_stale_cache_makes_no_second_remote() {
    let provider = Provider::new(CreateUniqueness::LookupOnly);
    let world = World::simulated(&provider).with(service("alice")).where_first(freeze).running();
    world.until("it is made", |_| provider.count("create") == 1).await;
    nothing_is_repeated(world, &provider, "create", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_cache_makes_no_second_remote_where_nobody_can_look() {
    let provider = Provider::new(CreateUniqueness::None);
    provider.is_blind();
    let world = World::simulated(&provider).with(service("alice")).where_first(freeze).running();
    world.until("it is made", |_| provider.count("create") == 1).await;
    nothing_is_repeated(world, &provider, "create", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_cache_on_the_second_attempt_makes_no_second_remote() {
    let provider = Provider::new(CreateUniqueness::None);
    provider.is_blind();
    provider.fails("create", 1, Fault::Refused(Error::new(Class::Unavailable, "maintenance", "down for maintenance")));
    let world = World::simulated(&provider).with(service("alice")).running();
    world.until("it was refused", |world| world.service("alice").reason() == "ProviderUnavailable").await;
    freeze(&world);
    world.until("it is made", |_| provider.count("create") == 2).await;
    nothing_is_repeated(world, &provider, "create", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_cache_scales_once() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    freeze(&world);
    world.apply(&package("small").with_memory(1536));
    world.until("it is scaled", |_| provider.count("scale") == 1).await;
    nothing_is_repeated(world, &provider, "scale", 1).await;
}
