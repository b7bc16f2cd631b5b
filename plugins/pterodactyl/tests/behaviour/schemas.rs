//! Manifest, schemas and capabilities.

use hostwright_plugin::schema::{Change, Context, Drift};
use hostwright_plugin::{CreateUniqueness, Plugin as _, RenewSupport};
use serde_json::{Value, json};

use crate::support::{Fixture, Script, call, map};

#[test]
fn the_plugin_says_who_it_is_and_what_it_can_do() {
    let plugin = Script::new([]).plugin();
    assert_eq!((plugin.manifest().provider.as_str(), plugin.manifest().name.as_str()), ("pterodactyl", "Pterodactyl"));
    let capabilities = plugin.capabilities();
    assert_eq!(capabilities.create_uniqueness, CreateUniqueness::ByExternalId);
    assert_eq!(
        (capabilities.renew, capabilities.list, capabilities.interruptible),
        (RenewSupport::Unneeded, true, true)
    );
    assert_eq!(capabilities.max_concurrent_creates, Some(1));
}

#[test]
fn the_key_of_an_instance_is_kept_apart_from_what_may_be_shown() {
    let plugin = Script::new([]).plugin();
    let given = map(json!({"panel_url": "http://127.0.0.1:8080", "api_key": "ptla_x"}));
    let typed = plugin.config_schema().validate(&given, &Context::default()).unwrap();
    let expected = json!({"panel_url": "http://127.0.0.1:8080", "dialect": "auto", "adopt_by_email": false});
    assert_eq!(Value::from(typed.values), expected);
    assert!(typed.secrets.contains_key("api_key"));
}

#[test]
fn nest_and_egg_are_enough_for_a_package() {
    let plugin = Script::new([]).plugin();
    let typed =
        plugin.package_schema().validate(&map(json!({"nest_id": 1, "egg_id": 4})), &Context::default()).unwrap();
    let expected = json!({
        "nest_id": 1, "egg_id": 4, "memory": 1024, "swap": 0, "disk": 5000, "cpu": 100, "io": 500, "databases": 0,
        "allocations": 0, "backups": 0, "oom_killer": true, "dedicated_ip": false, "skip_scripts": false,
        "start_on_completion": true,
    });
    assert_eq!(Value::from(typed.values), expected);
}

#[test]
fn lists_of_one_number_may_be_given_as_a_number() {
    let plugin = Script::new([]).plugin();
    let given = map(json!({"egg_id": 4, "location_ids": 3, "port_range": 25565}));
    let typed = plugin.package_schema().validate(&given, &Context::default()).unwrap();
    assert_eq!((&typed.values["location_ids"], &typed.values["port_range"]), (&json!("3"), &json!("25565")));
}

#[test]
fn broken_settings_are_named() {
    let plugin = Script::new([]).plugin();
    for (key, value) in [
        ("egg_id", json!(0)),
        ("memory", json!(-1)),
        ("swap", json!(-2)),
        ("io", json!(1001)),
        ("threads", json!("0-")),
        ("location_ids", json!("1;2")),
        ("port_range", json!("25565-")),
        ("environment", json!("{")),
        ("oom_killer", json!("off")),
        ("memroy", json!(1)),
    ] {
        let mut given = map(json!({"egg_id": 4}));
        given.insert(key.to_owned(), value);
        let errors = plugin.package_schema().validate(&given, &Context::default()).unwrap_err();
        assert!(errors.iter().all(|error| error.field == key), "{key}: {errors:?}");
    }
    let checkout = plugin.checkout_schema();
    assert!(checkout.validate(&map(json!({"server_name": "ab"})), &Context::default()).is_err());
    assert!(checkout.validate(&call().checkout, &Context::default()).is_ok());
}

#[test]
fn limits_are_enforced_what_customers_choose_is_not_and_placement_is_fixed() {
    let plugin = Script::new([]).plugin();
    let field = |key| plugin.package_schema().field(key).map(|field| (field.change(), field.drift())).unwrap();
    for key in ["memory", "swap", "disk", "cpu", "io", "threads", "databases", "allocations", "backups", "oom_killer"] {
        assert_eq!(field(key), (Change::InPlace, Drift::Enforce), "{key}");
    }
    for key in ["egg_id", "nest_id", "docker_image", "startup"] {
        assert_eq!(field(key), (Change::Disruptive, Drift::Report), "{key}");
    }
    assert_eq!(field("environment"), (Change::Disruptive, Drift::Ignore));
    for key in ["location_ids", "node_tags", "dedicated_ip", "port_range", "allocation_id", "start_on_completion"] {
        assert_eq!(field(key).0, Change::CreateOnly, "{key}");
    }
}

#[tokio::test]
async fn what_a_server_shows_has_the_keys_and_types_of_the_package_schema() {
    let fixture = Fixture::new();
    let call = crate::support::with(call(), "environment", r#"{"VANILLA_VERSION": "latest"}"#);
    let call = fixture.installed(crate::support::with(call, "threads", "0-1")).await;
    let schema = fixture.plugin.package_schema();
    let applied = fixture.present(&call).await.applied;
    assert!(applied.len() > 12, "{applied:?}");
    for (key, value) in applied {
        assert_eq!(schema.coerce(&key, &value).unwrap(), value, "{key}");
    }
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../../../docs/pterodactyl.md");
    let plugin = Script::new([]).plugin();
    for schema in [plugin.config_schema(), plugin.package_schema(), plugin.checkout_schema()] {
        for field in schema.fields() {
            assert!(
                page.contains(&format!("`{}`", field.key())),
                "docs/pterodactyl.md says nothing of {}",
                field.key()
            );
        }
    }
}
