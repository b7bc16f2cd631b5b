//! What differs on Pelican.

use demo_panel::{Config, Dialect, ServerStatus, WingsMode};
use hostwright_plugin::{Call, Class, Plugin as _, Scope, Secret, State};
use serde_json::json;

use crate::support::{Fixture, call, done, is_gone, named, with};

fn pelican() -> (Fixture, Call) {
    let mut call = call();
    let key = Config::new(Dialect::Pelican).application_key;
    call.instance.secrets.insert("api_key".to_owned(), Secret::new(key));
    call.instance.settings.insert("dialect".to_owned(), "auto".into());
    call.config.remove("nest_id");
    (Fixture::with_dialect(Dialect::Pelican), call)
}

#[tokio::test]
async fn the_panel_is_recognised_and_applies_the_egg_itself() {
    let (fixture, call) = pelican();
    let call = with(call, "environment", r#"{"VANILLA_VERSION": "1.20.4"}"#);
    fixture.created(call.clone()).await;
    let made = fixture.server(&call);
    assert_eq!(made.environment["VANILLA_VERSION"], "1.20.4");
    assert!(!made.limits.oom_disabled);
    assert!(!made.startup.is_empty() && !made.image.is_empty());
    done(fixture.plugin.create(&named(call, "prod.customers.second")).await);
    assert_eq!(fixture.sent(), ["GET users/external/prod.customers.cust-1", "POST servers"]);
}

#[tokio::test]
async fn nodes_are_chosen_by_tag() {
    let (fixture, call) = pelican();
    let node = fixture.panel.add_node("fast-one", 1, 8192, 50_000, 5);
    fixture.panel.edit_node(node, |node| node.tags = vec!["fast".to_owned()]);
    let call = with(call, "node_tags", "fast");
    fixture.created(call.clone()).await;
    assert_eq!(fixture.server(&call).node, node);
    let error = fixture.plugin.create(&with(named(call, "other"), "location_ids", "1")).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (Class::Invalid, Some("config.location_ids")));
}

#[tokio::test]
async fn the_whole_life_of_a_server() {
    let (fixture, call) = pelican();
    let call = fixture.installed(call).await;
    let present = fixture.present(&call).await;
    assert_eq!(present.owner_key.as_deref(), Some("prod.customers.cust-1"));
    assert_eq!(present.applied["oom_killer"], true);
    assert_eq!(done(fixture.plugin.suspend(&call).await).state, State::Suspended);
    assert_eq!(done(fixture.plugin.unsuspend(&call).await).state, State::Active);
    let scaled = with(with(call.clone(), "memory", 2048), "oom_killer", json!(false));
    done(fixture.plugin.scale(&scaled).await);
    let changed = fixture.server(&call);
    assert_eq!((changed.limits.memory, changed.limits.oom_disabled), (2048, true));
    done(fixture.plugin.scale(&with(call.clone(), "egg_id", 1)).await);
    assert_eq!(fixture.server(&call).egg, 1);
    assert!(is_gone(fixture.plugin.terminate(&call).await));
}

#[tokio::test]
async fn a_suspension_that_wings_never_heard_of_is_taken_back() {
    let (fixture, call) = pelican();
    let call = fixture.installed(call).await;
    fixture.panel.set_wings(WingsMode::Error500);
    let error = fixture.plugin.suspend(&call).await.unwrap_err();
    assert_eq!((error.class, error.scope), (Class::Unknown, Scope::Placement));
    assert_eq!(fixture.server(&call).status, None, "so that the next attempt tells Wings");
    fixture.panel.set_wings(WingsMode::Ok);
    done(fixture.plugin.suspend(&call).await);
    fixture.panel.set_wings(WingsMode::Down);
    fixture.plugin.unsuspend(&call).await.unwrap_err();
    assert_eq!(fixture.server(&call).status, Some(ServerStatus::Suspended));
}
