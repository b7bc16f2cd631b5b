//! No secret comes out. Every world of this suite looks for the planted key in all objects and all log lines when it ends;
//! here it is put where it would come out most easily.

use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error, Scope};
use hostwright_tests::{API_KEY, Fault, Provider, World, instance, secret, service};
use serde_json::json;

/// acceptance 15
#[tokio::test(start_paused = true)]
async fn a_provider_that_quotes_the_key_in_its_errors_gives_nothing_away() {
    for class in [Class::Invalid, Class::Unavailable, Class::Unknown, Class::Capacity, Class::Unauthorized] {
        for verb in ["test", "observe", "list", "create"] {
            let provider = Provider::new(CreateUniqueness::ByExternalId);
            let telling = Error::new(class, format!("bad {API_KEY}"), format!("bearer {API_KEY} was refused"));
            provider.fails(verb, 3, Fault::Refused(telling.scoped(Scope::Instance)));
            let world = World::simulated(&provider).with(service("alice")).running();
            world.passes(Duration::from_mins(1)).await;
            if verb == "create" && class == Class::Invalid {
                assert!(world.service("alice").message().contains("[redacted]"), "{:?}", world.service("alice"));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_panics_over_the_key_gives_nothing_away() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    for verb in ["test", "observe", "list", "create"] {
        provider.fails(verb, 1, Fault::Panic);
    }
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_key_in_the_wrong_place_is_not_repeated_in_words() {
    let inline = instance("panel-eu")
        .setting(&["spec", "config", "panel_url"], format!("http://admin:{API_KEY}x@panel.test"))
        .setting(&["spec", "configFrom"], json!({}));
    let world = World::empty().with(secret("panel-api", API_KEY)).with(inline).running();
    world.passes(Duration::from_secs(30)).await;
    let shown = world.instance("panel-eu").at("/status").to_string();
    assert!(!shown.contains(API_KEY), "{shown}");
    world.cluster.delete("ProviderInstance", "panel-eu");
    world.until("it is gone", |world| world.cluster.get("ProviderInstance", "panel-eu").is_none()).await;
}
