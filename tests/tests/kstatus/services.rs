//! Services, in the order of a life.

use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error, State};
use hostwright_tests::{Fault, Manifest, Provider, View, World, instance, package, service};
use serde_json::{Value, json};

use crate::states::States;

fn provider() -> Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId)
}

/// A world in which alice is as she wants to be.
async fn settled(alice: Manifest) -> (World, Arc<Provider>) {
    let provider = provider();
    let world = World::simulated(&provider).with(alice).running();
    world.settles().await;
    (world, provider)
}

/// Alice while the provider works on what an edit asks for.
async fn during(verb: &'static str, alice: Manifest, edit: Value) -> View {
    let (world, provider) = settled(alice).await;
    provider.fails(verb, 1, Fault::AnsweredLate(Duration::from_secs(30)));
    world.edit("alice", &edit);
    let called = provider.count(verb) + 1;
    world.until("the provider works on it", |_| provider.count(verb) == called).await;
    world.service("alice")
}

/// Alice once Ready has this reason.
async fn showing(world: World, reason: &str) -> View {
    world.shows("alice", reason).await;
    world.service("alice")
}

/// What goes well.
pub async fn in_order(states: &mut States) {
    states.add("just applied", World::new().with(service("alice")).service("alice"));

    let taking = provider().taking(Duration::from_mins(1));
    let world = World::simulated(&taking).with(service("alice")).running();
    states.add("the provider makes the server", showing(world, "Provisioning").await);

    let (mut world, _) = settled(service("alice")).await;
    states.add("as wanted", world.service("alice"));
    world.stops().await;
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    states.add("edited, and not looked at since", world.service("alice"));

    let suspended = json!({"desiredStatus": "Suspended"});
    states.add("being suspended", during("suspend", service("alice"), suspended).await);
    states.add("suspended, by the spec", settled(service("alice").wanting("Suspended")).await.0.service("alice"));
    states.add("suspended, by a holder", settled(service("alice").held_by("abuse-desk")).await.0.service("alice"));
    let world = World::simulated(&provider()).with(package("small").overdue("0s", "72h"));
    let unpaid = service("alice").paid_until(world.in_seconds(-60));
    states.add("suspended, because nobody paid", showing(world.with(unpaid).running(), "Overdue").await);
    let active = json!({"desiredStatus": "Active"});
    states.add(
        "the suspension is being lifted",
        during("unsuspend", service("alice").wanting("Suspended"), active).await,
    );
    let large = json!({"packageRef": {"name": "large"}});
    states.add("being resized", during("scale", service("alice"), large).await);

    let (world, provider) = settled(service("alice")).await;
    provider.fails("scale", 1, Fault::AnsweredLate(Duration::from_secs(30)));
    provider.meddles_with("alice", |remote| drop(remote.config.insert("memory".to_owned(), 4096.into())));
    states.add("changed on the panel, and being corrected", showing(world, "Drifted").await);

    let (world, _) = settled(service("alice").setting(&["spec", "paused"], true)).await;
    states.add("paused before anything was made", world.service("alice"));
    let (world, _) = settled(service("alice")).await;
    world.edit("alice", &json!({"paused": true}));
    world.until("it is paused", |world| world.service("alice").says("Paused") == "True/Paused").await;
    states.add("paused, and as wanted", world.service("alice"));
}

/// What waits, and goes on by itself.
pub async fn waiting(states: &mut States) {
    let world = World::new().with(service("alice").ordering("tiny")).running();
    states.add("its package is not there yet", showing(world, "PackageNotFound").await);
    let world = World::new().with(package("tiny").on("panel-us")).with(service("alice").ordering("tiny")).running();
    states.add("its instance is not there yet", showing(world, "InstanceNotFound").await);
    let world = World::empty().with(instance("panel-eu")).with(package("small")).with(service("alice")).running();
    states.add("the Secret of its instance is not there yet", showing(world, "SecretNotFound").await);
    let world = World::new().with(instance("panel-eu").setting(&["spec", "mode"], "Disabled"));
    states.add("its instance is disabled", showing(world.with(service("alice")).running(), "InstanceDisabled").await);
    let world = World::new().with(hostwright_tests::secret("panel-api", "ptla_wrong")).with(service("alice")).running();
    states.add("the panel refuses the key of its instance", showing(world, "ProviderUnauthorized").await);

    for (state, class, reason) in [
        ("the panel cannot be reached", Class::Unavailable, "ProviderUnavailable"),
        ("the panel is busy", Class::Conflict, "ProviderBusy"),
        ("the panel has no room", Class::Capacity, "NoCapacity"),
        ("nobody knows yet whether an attempt succeeded", Class::Unknown, "OutcomeUnknown"),
    ] {
        let provider = provider().able(|capabilities| capabilities.settle_seconds = 60);
        provider.fails("create", 1_000, Fault::Refused(Error::new(class, "no", "in the provider's words")));
        let world = World::simulated(&provider).with(service("alice")).running();
        states.add(state, showing(world, reason).await);
    }
}

/// What waits for a person.
pub async fn stalled(states: &mut States) {
    let typo = service("alice").setting(&["spec", "checkout"], json!({"sever_name": "Alice's"}));
    states.add("its checkout has a mistake", settled(typo).await.0.service("alice"));
    let closed = package("small").setting(&["spec", "namespaceSelector"], json!({"matchLabels": {"plan": "gold"}}));
    let world = World::new().with(closed).with(service("alice")).running();
    states.add("its namespace may not order", showing(world, "NamespaceNotAllowed").await);
    let broken = package("small").setting(&["spec", "provisioning", "memmory"], 1024);
    let world = World::new().with(broken).with(service("alice")).running();
    states.add("its package has a mistake", showing(world, "PackageInvalid").await);

    let provider = provider();
    provider.fails("create", 1_000, Fault::Refused(Error::new(Class::Invalid, "no", "there is no such egg")));
    let world = World::simulated(&provider).with(service("alice")).running();
    states.add("the panel refuses the order", showing(world, "ProviderRefused").await);

    let blind = Provider::new(CreateUniqueness::None);
    blind.fails("create", 1, Fault::Refused(Error::new(Class::Unknown, "lost", "the connection broke")));
    let world = World::simulated(&blind).where_first(|_| blind.is_blind()).with(service("alice")).running();
    states.add(
        "nobody but a person can find out whether an attempt succeeded",
        showing(world, "CreateOutcomeUnknown").await,
    );

    let (world, provider) = settled(service("alice")).await;
    provider.meddles_with("alice", |remote| remote.state = State::Suspended);
    states.add("suspended on the panel, by others", showing(world, "External").await);
    let (world, provider) = settled(service("alice")).await;
    provider.meddles_with("alice", |remote| remote.state = State::Failed);
    states.add("its installation failed", showing(world, "RemoteFailed").await);
    let (world, provider) = settled(service("alice")).await;
    provider.loses("alice");
    states.add("its server was removed on the panel", showing(world, "RemoteMissing").await);

    let (world, provider) = settled(service("alice")).await;
    provider.ignores_scales();
    provider.meddles_with("alice", |remote| drop(remote.config.insert("memory".to_owned(), 4096.into())));
    states.add("changed on the panel, and correcting changes nothing", showing(world, "NotConverging").await);
    let (world, _) = settled(service("alice")).await;
    world.cluster.patch("Package", "small", &json!({"spec": {"provisioning": {"nest_id": 2}}}));
    states.add("its package changed what cannot be changed", showing(world, "FieldNotChangeable").await);
    states.add("attached to a server that differs", applied_again(service("alice").ordering("large")).await);
    let other = service("alice").owned_by("cust-2", "mallory@example.com");
    states.add("its server belongs to another owner", applied_again(other).await);

    let (world, _) = settled(service("alice")).await;
    let identity = world.service("alice").at("/metadata/annotations/hostwright.dev~1identity").clone();
    world.apply(&service("bob").annotated("hostwright.dev/identity", identity.as_str().unwrap()));
    world.shows("bob", "IdentityCopied").await;
    states.add("its manifest was copied from another service", world.service("bob"));
}

/// Alice, deleted with her server left behind, and applied again so.
async fn applied_again(alice: Manifest) -> View {
    let (world, _) = settled(service("alice").retained()).await;
    world.delete("alice");
    world.loses("alice").await;
    world.apply(&alice);
    world.settles().await;
    world.service("alice")
}

/// Ends, wanted and by deletion.
pub async fn ending(states: &mut States) {
    let terminated = json!({"desiredStatus": "Terminated"});
    states.add("being ended", during("terminate", service("alice"), terminated.clone()).await);
    let (world, _) = settled(service("alice").wanting("Terminated")).await;
    states.add("ended before anything was made", world.service("alice"));
    let (world, _) = settled(service("alice")).await;
    world.edit("alice", &terminated);
    world.settles().await;
    states.add("ended", world.service("alice"));
    world.edit("alice", &json!({"desiredStatus": "Active"}));
    states.add("wanted back after it was ended", showing(world, "AlreadyTerminated").await);

    let (world, _) = settled(service("alice").setting(&["spec", "terminationProtection"], true)).await;
    world.edit("alice", &terminated);
    states.add("to be ended, and protected", showing(world, "TerminationProtected").await);
    let (world, _) = settled(service("alice")).await;
    let limits = json!({"spec": {"limits": {"terminations": {"max": 0, "per": "1h"}}}});
    world.cluster.patch("ProviderInstance", "panel-eu", &limits);
    world.edit("alice", &terminated);
    world.shows("alice", "TerminationHeld").await;
    states.add("to be ended, and the brake holds", world.service("alice"));
    world.delete("alice");
    world.until("it is noticed", |world| world.service("alice").is_observed()).await;
    states.add("deleted, and the brake holds", world.service("alice"));

    let (world, provider) = settled(service("alice")).await;
    provider.fails("terminate", 1, Fault::AnsweredLate(Duration::from_secs(30)));
    world.delete("alice");
    world.until("the provider works on it", |_| provider.count("terminate") == 1).await;
    states.add("deleted, and being ended", world.service("alice"));
    let (world, _) = settled(service("alice").setting(&["spec", "terminationProtection"], true)).await;
    world.delete("alice");
    states.add("deleted, and protected", showing(world, "TerminationProtected").await);
}
