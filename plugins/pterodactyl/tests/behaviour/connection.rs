//! The connection test.

use demo_panel::{Config, Dialect};
use hostwright_plugin::{Class, Instance, Plugin as _, Scope, Secret};

use crate::support::{Fixture, Script, html, instance, refusal};

fn with_key(key: &str) -> Instance {
    let mut instance = instance();
    instance.secrets.insert("api_key".to_owned(), Secret::new(key));
    instance
}

#[tokio::test]
async fn every_permission_is_probed_by_name() {
    let fixture = Fixture::new();
    let connection = fixture.plugin.test_connection(&instance()).await.unwrap();
    let names: Vec<_> = connection.permissions.iter().map(|permission| permission.name.as_str()).collect();
    assert_eq!(names, ["r_users", "r_servers", "r_nests", "r_eggs", "r_locations", "r_nodes"]);
    assert!(connection.permissions.iter().all(|permission| permission.granted));
    assert!(connection.note.unwrap().contains("only when something is written"));
    assert!(fixture.sent().iter().all(|request| request.starts_with("GET ")));
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let fixture = Fixture::new();
    fixture.detour(|request| {
        let is_nests = request.uri().path() == "/api/application/nests";
        is_nests.then(|| refusal(403, "AccessDeniedHttpException", "This action is unauthorized."))
    });
    let connection = fixture.plugin.test_connection(&instance()).await.unwrap();
    let refused: Vec<_> = connection.permissions.iter().filter(|permission| !permission.granted).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].name, "r_nests");
}

#[tokio::test]
async fn a_wrong_key_is_unauthorized_after_one_request() {
    let fixture = Fixture::new();
    let error = fixture.plugin.test_connection(&with_key("ptla_wrong")).await.unwrap_err();
    assert_eq!((error.class, error.scope), (Class::Unauthorized, Scope::Instance));
    assert_eq!(error.field.as_deref(), Some("instance.api_key"));
    assert_eq!(fixture.sent().len(), 1);
}

#[tokio::test]
async fn the_identity_follows_the_panel_and_not_the_key_or_its_contents() {
    let fixture = Fixture::new();
    let identity = fixture.plugin.test_connection(&instance()).await.unwrap().identity;
    fixture.created(crate::support::call()).await;
    for key in ["ptla_readonly", "ptlc_demo", "ptla_demo\n"] {
        assert_eq!(fixture.plugin.test_connection(&with_key(key)).await.unwrap().identity, identity, "{key}");
    }
    let other = Fixture::new();
    assert_ne!(other.plugin.test_connection(&instance()).await.unwrap().identity, identity);
}

#[tokio::test]
async fn a_key_that_may_read_nothing_gives_no_identity() {
    let fixture = Fixture::new();
    fixture.detour(|_| Some(refusal(403, "AccessDeniedHttpException", "This action is unauthorized.")));
    let error = fixture.plugin.test_connection(&instance()).await.unwrap_err();
    assert_eq!(error.class, Class::Unauthorized);
}

#[tokio::test]
async fn pelican_has_eggs_but_neither_nests_nor_locations() {
    let fixture = Fixture::with_dialect(Dialect::Pelican);
    let mut instance = with_key(&Config::new(Dialect::Pelican).application_key);
    instance.settings.insert("dialect".to_owned(), "auto".into());
    let connection = fixture.plugin.test_connection(&instance).await.unwrap();
    let names: Vec<_> = connection.permissions.iter().map(|permission| permission.name.as_str()).collect();
    assert_eq!(names, ["r_users", "r_servers", "r_eggs", "r_nodes"]);
    assert!(connection.note.unwrap().contains("Pelican"));
}

#[tokio::test]
async fn an_address_that_is_no_panel_is_told_from_a_broken_one() {
    let error = Script::new([html(200)]).plugin().test_connection(&instance()).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("instance.panel_url"));
    assert!(error.message.contains("HTML page; is panel_url the panel's base address?"), "{error}");

    let mut instance = instance();
    instance.settings.insert("dialect".to_owned(), "auto".into());
    let fixture = Fixture::new();
    fixture.detour(|request| {
        let is_template = request.uri().path().ends_with("/nests") || request.uri().path().ends_with("/eggs");
        is_template.then(crate::support::not_found)
    });
    let error = fixture.plugin.test_connection(&instance).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (Class::Invalid, Some("instance.panel_url")));
}

#[tokio::test]
async fn a_missing_key_or_a_malformed_setting_is_named_without_a_request() {
    let plugin = Script::new([]).plugin();
    let mut keyless = instance();
    keyless.secrets.clear();
    let error = plugin.test_connection(&keyless).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("instance.api_key"));

    let error = plugin.test_connection(&with_key("two\nlines")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.field.as_deref()), ("malformed_key", Some("instance.api_key")));

    let mut elsewhere = instance();
    elsewhere.settings.insert("panel_url".to_owned(), "panel.test".into());
    let error = plugin.test_connection(&elsewhere).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("instance.panel_url"));
}
