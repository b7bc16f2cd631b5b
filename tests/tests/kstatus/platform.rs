//! What the platform team writes: instances, packages, plugins.

use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::{API_KEY, Fault, Manifest, Provider, View, World, instance, package, secret, service};
use serde_json::json;

use crate::states::States;

/// The instance once Ready has this reason.
async fn showing(world: &World, reason: &str) -> View {
    world.until(reason, |world| world.instance("panel-eu").reason() == reason).await;
    world.instance("panel-eu")
}

async fn instance_of(manifest: Manifest, reason: &str) -> View {
    showing(&World::new().with(manifest).running(), reason).await
}

pub async fn instances(states: &mut States) {
    states.add("just applied", World::new().instance("panel-eu"));
    states.add("connected", instance_of(instance("panel-eu"), "Connected").await);
    let mode = |mode: &str| instance("panel-eu").setting(&["spec", "mode"], mode);
    states.add("only to be looked at", instance_of(mode("ObserveOnly"), "Connected").await);
    states.add("disabled", instance_of(mode("Disabled"), "InstanceDisabled").await);
    let world = World::empty().with(instance("panel-eu")).running();
    states.add("its Secret is not there yet", showing(&world, "SecretNotFound").await);
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    provider.fails("test", 1_000, Fault::Refused(Error::new(Class::Unavailable, "no", "connection refused")));
    states.add(
        "the panel cannot be reached",
        showing(&World::simulated(&provider).running(), "ProviderUnavailable").await,
    );
    let world = World::new().with(secret("panel-api", "ptla_wrong")).running();
    states.add("the panel refuses its key", showing(&world, "ProviderUnauthorized").await);
    let inline = instance("panel-eu").setting(&["spec", "config", "api_key"], "ptla_inline");
    let inline = inline.setting(&["spec", "configFrom"], json!({}));
    let world = World::empty().with(secret("panel-api", API_KEY)).with(inline).running();
    states.add("its key stands in the spec", showing(&world, "InlineSecret").await);
    let typo = instance("panel-eu").setting(&["spec", "config", "panel_ulr"], "http://panel.test");
    states.add("its settings have a mistake", instance_of(typo, "InvalidConfiguration").await);
    let world = World::empty().with(instance("panel-eu").setting(&["spec", "pluginRef", "name"], "other")).running();
    states.add("there is no such plugin", showing(&world, "PluginNotFound").await);
    remembered(states).await;
}

/// Instances with services on them.
async fn remembered(states: &mut States) {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let names: Vec<String> = (0..6).map(|number| format!("service-{number}")).collect();
    let world = names.iter().fold(World::simulated(&provider), |world, name| world.with(service(name))).running();
    world.settles().await;
    for name in &names[..5] {
        provider.loses(name);
    }
    states.add("many servers went missing together", showing(&world, "MassAbsence").await);
    provider.becomes("another");
    world.cluster.patch(
        "ProviderInstance",
        "panel-eu",
        &json!({"spec": {"config": {"panel_url": "http://other.test"}}}),
    );
    states.add("another panel than before", showing(&world, "RemoteChanged").await);

    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    world.cluster.delete("ProviderInstance", "panel-eu");
    states.add("deleted, and still used", showing(&world, "InUse").await);
}

pub async fn packages(states: &mut States) {
    let small = |world: &World| world.object("Package", "small");
    states.add("just applied", small(&World::new()));
    for (state, manifest, reason) in [
        ("can be ordered", package("small"), "Ready"),
        ("its instance is not there yet", package("small").on("panel-us"), "InstanceNotFound"),
        ("has a mistake", package("small").setting(&["spec", "provisioning", "memmory"], 1024), "PackageInvalid"),
    ] {
        let world = World::new().where_first(|world| world.cluster.delete("Package", "small")).with(manifest).running();
        world.until(reason, |world| small(world).reason() == reason).await;
        states.add(state, small(&world));
    }
}

pub async fn plugins(states: &mut States) {
    let world = World::new().running();
    world.until("it is published", |world| world.cluster.get("Plugin", "pterodactyl").is_some()).await;
    world.until("it is judged", |world| world.object("Plugin", "pterodactyl").ready()).await;
    states.add("this controller has it", world.object("Plugin", "pterodactyl"));
    let unknown = json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "Plugin", "metadata": {"name": "other"},
        "spec": {"displayName": "Other", "provider": "other", "version": "1.0.0"},
    });
    world.apply(&Manifest::from(unknown));
    world.until("it is judged", |world| !world.object("Plugin", "other").reason().is_empty()).await;
    states.add("this controller does not have it", world.object("Plugin", "other"));
    world.passes(Duration::from_secs(1)).await;
}
