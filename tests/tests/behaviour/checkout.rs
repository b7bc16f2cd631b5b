//! What customers enter: in the open, and from Secrets. The planted key is the password here, so every world also looks
//! whether it came out anywhere.

use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error};
use hostwright_tests::{
    API_KEY, Fault, KubernetesFault, Manifest, NAMESPACE, Provider, World, package, password, service,
};
use serde_json::json;

/// A machine whose password is in the Secret `alice-root`.
fn machine() -> Manifest {
    service("alice")
        .setting(&["spec", "checkout"], json!({"server_name": "Alice", "vps": true, "hostname": "web"}))
        .setting(
            &["spec", "checkoutFrom", "root_password", "secretKeyRef"],
            json!({"name": "alice-root", "key": "password"}),
        )
}

/// How often a Secret beside the services was asked for.
fn reads(world: &World) -> usize {
    let of_customers =
        |request: &&hostwright_tests::Request| request.resource == "secrets" && request.namespace == NAMESPACE;
    let requests = world.cluster.requests();
    let asked: Vec<_> = requests.iter().filter(of_customers).collect();
    assert!(asked.iter().all(|request| request.verb == "get"), "{asked:?}");
    asked.len()
}

/// acceptance 15
#[tokio::test(start_paused = true)]
async fn a_password_reaches_the_provider_from_its_secret_and_nothing_else_shows_or_reads_it() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(password("alice-root", API_KEY)).with(machine()).running();
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.remote("alice").passwords["root_password"].expose(), API_KEY);
    assert!(!provider.remote("alice").checkout.contains_key("root_password"));
    let applied = json!({"server_name": "Alice", "vps": true, "hostname": "web"});
    assert_eq!(world.service("alice").at("/status/lastApplied/checkout"), &applied);
    assert_eq!(reads(&world), 1, "once for the create");

    // Settled, changed, suspended, ended: the Secret is not needed any more.
    world.cluster.apply(&password("alice-root", "another one"));
    world.passes(Duration::from_hours(1)).await;
    world.cluster.delete("Secret", "customers/alice-root");
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.settles().await;
    assert_eq!(provider.remote("alice").config["memory"], 2048);
    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.settles().await;
    world.service("alice").is_ready();
    world.delete("alice");
    world.loses("alice").await;
    assert_eq!(reads(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_makes_nothing_is_looked_for_at_a_modest_rate_and_delays_no_ending() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(machine()).running();
    world.shows("alice", "SecretNotFound").await;
    world.service("alice").explains("Secret customers/alice-root, key password: the Secret does not exist; make it");
    assert_eq!(world.service("alice").says("Accepted"), "False/SecretNotFound");
    provider.forget_calls();
    world.cluster.forget_requests();
    world.passes(Duration::from_hours(1)).await;
    assert!((10..=16).contains(&reads(&world)), "{} reads in an hour", reads(&world));
    assert!(!provider.calls().iter().any(|call| call.contains("alice")), "{:?}", provider.calls());

    // Without the label it is none of a checkout's, and the request for an attempt does not wait.
    world.apply(&password("alice-root", API_KEY).setting(&["metadata", "labels"], json!({})));
    world.annotate("alice", "hostwright.dev/reconcile-requested-at", "1");
    world.passes(Duration::from_secs(5)).await;
    world.service("alice").explains("kubectl label secret alice-root hostwright.dev/checkout=true");
    assert_eq!(world.service("alice").at("/status/lastHandledReconcileAt"), "1");
    world.delete("alice");
    world.loses("alice").await;
    provider.hosts_exactly([]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_appears_is_found_without_anybody_asking() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(password("alice-root", "short")).with(machine()).running();
    world.shows("alice", "InvalidCheckout").await;
    world.service("alice").explains("spec.checkoutFrom.root_password: ");
    world.passes(Duration::from_mins(20)).await;
    world.apply(&password("alice-root", API_KEY));
    world.passes(Duration::from_secs(305)).await;
    world.service("alice").is_ready();
    assert_eq!(provider.remote("alice").passwords["root_password"].expose(), API_KEY);
}

#[tokio::test(start_paused = true)]
async fn a_password_in_the_open_is_not_used_and_moving_it_mends_the_order() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let inline = machine().setting(&["spec", "checkout", "root_password"], "in the open");
    let world = World::simulated(&provider).with(password("alice-root", API_KEY)).with(inline).running();
    world.shows("alice", "InlineSecret").await;
    world.service("alice").explains("replace that key");
    let status = world.service("alice").at("/status").to_string();
    assert!(!status.contains("in the open"), "{status}");
    provider.hosts_exactly([]);
    world.edit("alice", &json!({"checkout": {"root_password": null}}));
    world.settles().await;
    world.service("alice").is_ready();
}

#[tokio::test(start_paused = true)]
async fn a_controller_without_the_right_to_read_secrets_says_what_gives_it() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(password("alice-root", API_KEY)).running();
    world.until("the panel is known", |world| world.instance("panel-eu").ready()).await;
    world.cluster.fails("get", "secrets", KubernetesFault::Forbidden, 1);
    world.apply(&machine());
    world.shows("alice", "SecretNotFound").await;
    world.service("alice").explains("checkoutSecrets.namespaces of the Helm chart");
    world.shows("alice", "UpToDate").await;
}

/// A package that asks for more than the plugin does.
fn asking() -> Manifest {
    package("small").setting(
        &["spec", "checkout"],
        json!({
            "backups": {"type": "toggle", "label": "Backups", "default": false},
            "backup_key": {"type": "password", "label": "Key of the backups", "rules": "required|string|min:8",
                "condition": {"field": "backups", "operator": "truthy"}},
            "note": {"type": "text", "label": "Note", "rules": "required|string", "change": "CreateOnly",
                "condition": {"field": "vps", "operator": "truthy"}},
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn fields_of_a_package_are_validated_with_the_others_and_reach_the_plugin_apart() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world =
        World::simulated(&provider).with(asking()).with(password("alice-root", API_KEY)).with(machine()).running();
    world.shows("alice", "InvalidCheckout").await;
    world.service("alice").explains("spec.checkout.note: ");
    world.edit("alice", &json!({"checkout": {"note": "by hand", "backups": true}}));
    world
        .until("the key is missed", |world| world.service("alice").message().contains("checkoutFrom.backup_key"))
        .await;
    let source = json!({"secretKeyRef": {"name": "alice-root", "key": "password"}});
    world.edit("alice", &json!({"checkoutFrom": {"backup_key": source}}));
    world.settles().await;
    world.service("alice").is_ready();
    let remote = provider.remote("alice");
    assert_eq!(json!(remote.checkout), json!({"server_name": "Alice", "vps": true, "hostname": "web"}));
    assert_eq!(json!(remote.fields), json!({"note": "by hand", "backups": true}));
    assert_eq!(remote.passwords["backup_key"].expose(), API_KEY);
    let applied = json!({"server_name": "Alice", "vps": true, "hostname": "web", "note": "by hand", "backups": true});
    assert_eq!(world.service("alice").at("/status/lastApplied/checkout"), &applied);

    // What counts only at creation stays, and the rest is scaled to.
    world.edit("alice", &json!({"checkout": {"note": "another"}}));
    world.shows("alice", "FieldNotChangeable").await;
    world.service("alice").explains("checkout.note is by hand now, another wanted");
    world.edit("alice", &json!({"checkout": {"note": "by hand", "backups": false}}));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("scale"), 1);
    assert_eq!(world.service("alice").at("/status/lastApplied/checkout/backups"), false);
}

#[tokio::test(start_paused = true)]
async fn a_field_with_a_name_of_the_plugin_s_makes_the_package_invalid_and_a_later_default_changes_nobody() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(service("alice")).running();
    world.settles().await;
    let field = json!({"type": "text", "label": "Name", "default": "none"});
    world.cluster.patch("Package", "small", &json!({"spec": {"checkout": {"server_name": field}}}));
    world.shows("alice", "UpToDate").await;
    world.until("it is refused", |world| world.object("Package", "small").reason() == "PackageInvalid").await;
    world.object("Package", "small").explains("spec.checkout.server_name: there is a field of that name already");
    world.until("nothing is accepted", |world| world.service("alice").says("Accepted") == "False/PackageInvalid").await;
    world.cluster.patch("Package", "small", &json!({"spec": {"checkout": {"server_name": null, "nickname": field}}}));
    world.until("it is accepted", |world| world.service("alice").says("Accepted") == "True/UpToDate").await;
    world.settles().await;
    assert_eq!(provider.count("scale"), 0);
}

/// A provider that is asked before anything is made.
fn asked_first() -> std::sync::Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId).able(|capabilities| capabilities.validate = true)
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_once_before_the_create_and_with_the_password() {
    let provider = asked_first();
    let world = World::simulated(&provider).with(password("alice-root", API_KEY)).with(machine());
    provider.fails("create", 2, Fault::Refused(Error::new(Class::Unavailable, "down", "try later")));
    let world = world.running();
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("validate"), provider.count("create")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_the_provider_refuses_beforehand_makes_nothing_until_it_is_mended() {
    let provider = asked_first();
    let refusal = Error::new(Class::Invalid, "taken", format!("the host name is taken, not {API_KEY}"));
    provider.fails("validate", 2, Fault::Refused(refusal));
    let world = World::simulated(&provider).with(password("alice-root", API_KEY)).with(machine()).running();
    world.shows("alice", "ProviderRefused").await;
    world.service("alice").explains("the host name is taken, not [redacted]; nothing was created");
    assert_eq!(world.service("alice").says("Accepted"), "False/ProviderRefused");
    world.passes(Duration::from_hours(1)).await;
    assert_eq!((provider.count("validate"), provider.count("create")), (1, 0));
    // By itself only after hours, and soon after an edit.
    world.passes(Duration::from_hours(7)).await;
    assert_eq!((provider.count("validate"), provider.count("create")), (2, 0));
    world.edit("alice", &json!({"checkout": {"hostname": "mail"}}));
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!((provider.count("validate"), provider.count("create")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_asked_again_and_never_taken_for_a_create() {
    for class in [Class::Unavailable, Class::Unknown] {
        let provider = asked_first();
        provider.fails("validate", 2, Fault::Refused(Error::new(class, "down", "no answer")));
        let world = World::simulated(&provider).with(service("alice")).running();
        world.shows("alice", "ProviderUnavailable").await;
        world.service("alice").explains("nothing was created");
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!((provider.count("validate"), provider.count("create")), (3, 1), "{class:?}");
    }
}
