//! Remotes that were there already: naming one takes it over and never makes another.

use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error, State};
use hostwright_tests::crashes::{at_every_request, at_some_pairs};
use hostwright_tests::{Crash, Fault, Manifest, Provider, World, instance, package, service};
use serde_json::{Value, json};

/// How many of the pairs of deaths are played: those of a create are played to the last.
const ONE_OF: usize = 23;

fn provider() -> Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId)
}

/// What `small` asks for.
fn small() -> Value {
    json!({"nest_id": 1, "egg_id": 4, "memory": 1024, "disk": 2000})
}

fn panel(adoption: &str) -> Manifest {
    instance("panel-eu").setting(&["spec", "pluginRef", "name"], "scripted").setting(&["spec", "adoption"], adoption)
}

/// An instance that lets services take over what is there.
fn allowing(provider: &Arc<Provider>) -> World {
    World::simulated(provider).with(panel("Allow"))
}

fn adopting(name: &str, id: &str) -> Manifest {
    service(name).setting(&["spec", "adopt", "remoteId"], id)
}

fn mark(service: &str) -> String {
    format!("test.customers.{service}")
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_named_is_taken_over_in_place_of_making_one() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let world = allowing(&provider).with(adopting("alice", &id)).running();
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!(alice.is_ready().remote_id(), id);
    assert_eq!(alice.text("/status/history/0/message"), format!("adopted remote {id} on panel-eu"));
    assert!(alice.at("/status/remote/boundAt").is_string(), "{}", alice.at("/status/remote"));
    assert_eq!(provider.remote_of(&id).external_id, mark("alice"));
    assert_eq!((provider.count("create"), provider.count("adopt"), provider.count("scale")), (0, 1, 0));

    // From here on it is like any other.
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("it is scaled", |_| provider.remote_of(&id).config["memory"] == 2048).await;
    world.edit("alice", &json!({"desiredStatus": "Terminated"}));
    world.until("it is ended", |world| world.service("alice").phase() == "Terminated").await;
    assert!(provider.remotes().is_empty(), "{:?}", provider.remotes());
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_shown_and_changed_only_once_that_is_accepted() {
    let provider = provider();
    let id = provider.has_stranger(json!({"nest_id": 1, "egg_id": 4, "memory": 4096, "disk": 2000}));
    let world = allowing(&provider).with(adopting("alice", &id)).running();
    world.shows("alice", "AttachedWithDifferences").await;
    world.settles().await;
    let alice = world.service("alice");
    alice.explains("memory is 4096 on the attached remote, 1024 wanted");
    assert_eq!((provider.remote_of(&id).config["memory"].clone(), provider.count("scale")), (json!(4096), 0));
    let hash = alice.text("/status/attachedDifferences").to_owned();
    world.annotate("alice", "hostwright.dev/accept-diff", hash);
    world.until("it is brought to the package", |_| provider.remote_of(&id).config["memory"] == 1024).await;
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("create"), provider.count("scale")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_not_there_is_never_a_create_and_can_be_corrected() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let world = allowing(&provider).with(adopting("alice", "404").recreated()).running();
    world.shows("alice", "RemoteNotFound").await;
    world.settles().await;
    let alice = world.service("alice");
    alice.is_held_by("RemoteNotFound").explains("spec.adopt.remoteId: panel-eu has no remote 404");
    assert!(alice.says("Accepted").starts_with("False/RemoteNotFound"), "{}", alice.says("Accepted"));
    assert_eq!((alice.phase(), provider.count("create"), provider.count("adopt")), ("Pending", 0, 0));
    world.edit("alice", &json!({"adopt": {"remoteId": id}}));
    world.until("it is taken over", |world| world.service("alice").ready()).await;
    assert_eq!(world.service("alice").remote_id(), id);
    assert_eq!(provider.count("create"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_given_up_makes_a_new_remote() {
    let provider = provider();
    let world = allowing(&provider).with(adopting("alice", "404")).running();
    world.shows("alice", "RemoteNotFound").await;
    world.edit("alice", &json!({"adopt": null}));
    world.until("it is made", |world| world.service("alice").ready()).await;
    provider.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_has_to_allow_it() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let world = World::simulated(&provider).with(adopting("alice", &id)).running();
    world.shows("alice", "AdoptionNotAllowed").await;
    world.settles().await;
    let alice = world.service("alice");
    alice.explains("set its spec.adoption to Allow; nothing is created");
    assert!(alice.at("/metadata/annotations").is_null(), "nothing is recorded: {}", alice.at("/metadata/annotations"));
    assert_eq!((provider.count("observe"), provider.count("create")), (0, 0));
    world.apply(&panel("Allow"));
    // Nobody has to ask, and no timer.
    world.passes(Duration::from_secs(5)).await;
    assert_eq!((world.service("alice").is_ready().remote_id(), provider.count("create")), (id.as_str(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_adopted_from_is_never_asked_to_create_instead() {
    let provider = provider().able(|capabilities| capabilities.adopt = false);
    let id = provider.has_stranger(small());
    let world = allowing(&provider).with(adopting("alice", &id)).running();
    world.shows("alice", "AdoptionNotAllowed").await;
    world.settles().await;
    world.service("alice").explains("plugin scripted of ProviderInstance panel-eu cannot take over");
    assert_eq!((provider.count("create"), provider.count("adopt")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_somebody_else_is_refused_untouched() {
    let rows = [
        ("another installation", Some("prod-us.customers.eve"), None, "carries the mark \"prod-us.customers.eve\""),
        ("another service", Some("test.customers.eve"), None, "carries the mark \"test.customers.eve\""),
        ("another system", Some("4711"), None, "carries the mark \"4711\""),
        ("another owner", None, Some("test.customers.cust-2"), "belongs to owner test.customers.cust-2"),
    ];
    for (what, external_id, owner, words) in rows {
        let provider = provider();
        let id = provider.has_stranger(small());
        provider.changes(&id, |remote| {
            remote.external_id = external_id.unwrap_or_default().to_owned();
            remote.owner = owner.unwrap_or_default().to_owned();
        });
        let world = allowing(&provider).with(adopting("alice", &id)).running();
        world.shows("alice", "AdoptionRefused").await;
        world.settles().await;
        let alice = world.service("alice");
        alice.is_held_by("AdoptionRefused").explains(words);
        assert!(alice.says("Accepted").starts_with("False/AdoptionRefused"), "{what}: {}", alice.says("Accepted"));
        assert_eq!((provider.count("create"), provider.count("adopt")), (0, 0), "{what}");

        // Giving the order up leaves it as it is.
        world.delete("alice");
        world.loses("alice").await;
        assert_eq!((provider.remotes().len(), provider.count("terminate")), (1, 0), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_a_service_has_is_not_taken_from_it() {
    let provider = provider();
    let world = allowing(&provider).with(service("alice")).running();
    world.settles().await;
    let id = provider.remote("alice").id.to_string();
    world.apply(&adopting("bob", &id));
    world.shows("bob", "AdoptionRefused").await;
    world.settles().await;
    let bob = world.service("bob");
    bob.explains("customers/alice claims remote 1 as well");
    assert!(bob.says("Accepted").starts_with("False/AdoptionRefused"), "{}", bob.says("Accepted"));
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.until("alice is scaled all the same", |_| provider.remote("alice").config["memory"] == 2048).await;
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("adopt"), provider.count("create")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_name_one_remote_neither_gets_it_until_one_gives_way() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let world = allowing(&provider).with(adopting("alice", &id)).with(adopting("bob", &id)).running();
    world.shows("alice", "AdoptionRefused").await;
    world.shows("bob", "AdoptionRefused").await;
    world.settles().await;
    assert_eq!((provider.count("adopt"), provider.count("create")), (0, 0));
    world.delete("alice");
    world.loses("alice").await;
    world.passes(Duration::from_secs(15)).await;
    world.service("bob").is_ready();
    assert_eq!((provider.remote_of(&id).external_id, provider.count("create")), (mark("bob"), 0));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_has_its_remote_is_not_given_another_one() {
    let provider = provider();
    let (id, other) = (provider.has_stranger(small()), provider.has_stranger(small()));
    let world = allowing(&provider).with(adopting("alice", &id)).with(service("bob")).running();
    world.settles().await;
    for (name, adopt) in
        [("alice", json!({"remoteId": other})), ("alice", Value::Null), ("bob", json!({"remoteId": other}))]
    {
        let refusal = world.cluster.try_patch("HostingService", name, &json!({"spec": {"adopt": adopt}})).unwrap_err();
        assert_eq!(refusal.code, 422);
        assert!(refusal.message.contains("adopt cannot be added, changed or removed"), "{}", refusal.message);
    }
    // Everything else can be, the same adopt included.
    world.apply(&adopting("alice", &id).ordering("large"));
    world.until("it is scaled", |_| provider.remote_of(&id).config["memory"] == 2048).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_suspended_stays_so_and_is_suspended_where_that_is_wanted() {
    let provider = provider();
    let (frozen, running) = (provider.has_stranger(small()), provider.has_stranger(small()));
    provider.changes(&frozen, |remote| remote.state = State::Suspended);
    let world = allowing(&provider)
        .with(adopting("alice", &frozen))
        .with(adopting("bob", &running).wanting("Suspended"))
        .running();
    world.shows("alice", "External").await;
    world.until("bob is suspended", |world| world.service("bob").phase() == "Suspended").await;
    world.settles().await;
    assert_eq!(provider.remote_of(&frozen).state, State::Suspended);
    assert_eq!(provider.remote_of(&running).state, State::Suspended);
    assert_eq!((provider.count("unsuspend"), provider.count("suspend"), provider.count("create")), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn it_counts_for_the_stock_before_it_is_taken_over() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let scarce = package("small").setting(&["spec", "stock"], 1);
    let world = allowing(&provider).with(scarce).with(service("alice")).running();
    world.settles().await;
    world.apply(&adopting("bob", &id));
    world.shows("bob", "OutOfStock").await;
    assert_eq!(provider.count("adopt"), 0);
    world.delete("alice");
    world.until("bob has it", |world| world.service("bob").ready()).await;
    assert_eq!(provider.remote_of(&id).external_id, mark("bob"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_settled_by_a_look() {
    let lost = || Error::new(Class::Unknown, "lost", "the connection broke");
    for (fault, attempts) in [(Fault::RefusedAfterEffect(lost()), 1), (Fault::Refused(lost()), 2), (Fault::NoAnswer, 1)]
    {
        let provider = provider();
        let id = provider.has_stranger(small());
        provider.fails("adopt", 1, fault);
        let world = allowing(&provider).with(adopting("alice", &id)).running();
        world.until("it is taken over", |world| world.service("alice").ready()).await;
        world.settles().await;
        assert_eq!((world.service("alice").remote_id(), provider.count("adopt")), (id.as_str(), attempts));
        assert_eq!(provider.count("create"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_given_up_waits_for_what_may_still_land() {
    let provider = provider().able(|capabilities| capabilities.settle_seconds = 30);
    let id = provider.has_stranger(small());
    provider.fails("adopt", 1, Fault::LandsLate(Duration::from_secs(20)));
    let world = allowing(&provider).with(adopting("alice", &id)).running();
    world.until("it was asked for", |_| provider.count("adopt") == 1).await;
    world.delete("alice");
    world.loses("alice").await;
    // The mark landed while the object was there, which made the remote this service's; and that was deleted.
    assert!(provider.remotes().is_empty(), "{:?}", provider.remotes());
}

#[tokio::test(start_paused = true)]
async fn status_that_is_lost_afterwards_finds_the_same_remote_again() {
    let provider = provider();
    let id = provider.has_stranger(small());
    let mut world = allowing(&provider).with(adopting("alice", &id)).running();
    world.settles().await;
    world.stops().await;
    world.cluster.replace_status("HostingService", "alice", &json!({"observedGeneration": -1}));
    world.start_controller();
    world.until("it is ready again", |world| world.service("alice").ready()).await;
    assert_eq!(
        (world.service("alice").remote_id(), provider.count("create"), provider.count("adopt")),
        (id.as_str(), 0, 1)
    );
}

#[test]
fn a_death_at_any_request_takes_it_over_once_and_makes_nothing() {
    let story = |crashes: Vec<Crash>| async move {
        let provider = provider();
        let id = provider.has_stranger(small());
        let world = allowing(&provider).running();
        world.wire.arm(&crashes);
        world.apply(&adopting("alice", &id));
        world.until("it is taken over", |world| world.service("alice").ready()).await;
        world.settles().await;
        assert_eq!((world.service("alice").remote_id(), provider.count("create")), (id.as_str(), 0));
        assert_eq!(provider.remote_of(&id).external_id, mark("alice"));
        assert_eq!(provider.remotes().len(), 1);
        world
    };
    at_every_request("adoption", &story);
    at_some_pairs("adoption, twice", &story, ONE_OF);
}

#[test]
fn a_death_at_any_request_of_an_order_that_is_given_up_leaves_no_mark_that_nobody_knows() {
    at_every_request("adoption, given up", &|crashes: Vec<Crash>| async move {
        let provider = provider();
        let id = provider.has_stranger(small());
        let world = allowing(&provider).running();
        world.wire.arm(&crashes);
        world.apply(&adopting("alice", &id).retained());
        world.until("it is begun", |world| world.service("alice").at("/metadata/annotations").is_object()).await;
        world.edit("alice", &json!({"deletionPolicy": "Terminate"}));
        world.delete("alice");
        world.loses("alice").await;
        // Either it was never taken over, or it was, and was ended as the object asked.
        assert!(provider.remotes().iter().all(|remote| remote.external_id.is_empty()), "{:?}", provider.remotes());
        assert_eq!(provider.count("create"), 0);
        world
    });
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_mark_another_remote_carries_gets_no_second_one() {
    let provider = provider();
    let (marked, named) = (provider.has_stranger(small()), provider.has_stranger(small()));
    provider.changes(&marked, |remote| {
        remote.external_id = mark("alice");
        remote.owner = "test.customers.cust-1".to_owned();
    });
    let world = allowing(&provider).with(adopting("alice", &named)).running();
    world.shows("alice", "AdoptionRefused").await;
    world.settles().await;
    world.service("alice").explains(&format!("found {named}, but remote {marked} carries this service's mark already"));
    assert_eq!((provider.count("create"), provider.count("adopt")), (0, 0));
    world.edit("alice", &json!({"adopt": {"remoteId": marked}}));
    world.until("it is attached", |world| world.service("alice").ready()).await;
    assert_eq!((world.service("alice").remote_id(), provider.count("adopt")), (marked.as_str(), 0));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_given_up_waits_also_when_a_later_attempt_was_refused() {
    let provider = provider().able(|capabilities| capabilities.settle_seconds = 60);
    let id = provider.has_stranger(small());
    provider.fails("adopt", 1, Fault::LandsLate(Duration::from_secs(40)));
    provider.fails("adopt", 20, Fault::Refused(Error::new(Class::Unavailable, "down", "nobody is there")));
    let world = allowing(&provider).with(adopting("alice", &id)).running();
    world.until("it was refused", |_| provider.count("adopt") == 2).await;
    world.delete("alice");
    world.loses("alice").await;
    assert!(provider.remotes().is_empty(), "a mark that no object knows: {:?}", provider.remotes());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_corrected_while_an_attempt_may_still_land_marks_one_remote() {
    let provider = Provider::new(CreateUniqueness::LookupOnly).able(|capabilities| capabilities.settle_seconds = 60);
    let (first, second) = (provider.has_stranger(small()), provider.has_stranger(small()));
    provider.fails("adopt", 1, Fault::LandsLate(Duration::from_secs(40)));
    let world = allowing(&provider).with(adopting("alice", &first)).running();
    world.until("it was asked for", |_| provider.count("adopt") == 1).await;
    world.edit("alice", &json!({"adopt": {"remoteId": second}}));
    world.passes(Duration::from_mins(3)).await;
    let marked = |id: &str| provider.remote_of(id).external_id == mark("alice");
    assert_eq!((marked(&first), marked(&second), provider.count("create")), (true, false, 0));
    world.service("alice").is_held_by("AdoptionRefused").explains("carries this service's mark already");

    // Given up altogether, it makes none beside the one that is marked.
    world.edit("alice", &json!({"adopt": null}));
    world.until("it has the one that is marked", |world| world.service("alice").ready()).await;
    assert_eq!((world.service("alice").remote_id(), provider.count("create")), (first.as_str(), 0));
}
