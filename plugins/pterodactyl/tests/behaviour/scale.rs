//! Changing what a server has, and nothing else.

use demo_panel::ServerStatus;
use hostwright_plugin::{Class, Plugin as _, State};
use serde_json::json;

use crate::support::{Fixture, Script, answer, call, done, id, known_remote, map, refusal, server, with};

#[tokio::test]
async fn new_limits_take_one_look_and_one_change() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    let scaled = with(with(call.clone(), "memory", 2048), "backups", 3);
    assert_eq!(done(fixture.plugin.scale(&scaled).await).state, State::Active);
    let id = id(&call);
    assert_eq!(fixture.sent(), [format!("GET servers/{id}"), format!("PATCH servers/{id}/build")]);
    let changed = fixture.server(&call);
    assert_eq!((changed.limits.memory, changed.limits.disk), (2048, 2000));
    assert_eq!((changed.feature_limits.backups, changed.feature_limits.allocations), (3, Some(1)));
    assert_eq!(changed.external_id.as_deref(), Some("prod.customers.alice"));
}

#[tokio::test]
async fn a_server_that_already_has_everything_is_only_looked_at() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    done(fixture.plugin.scale(&call).await);
    assert_eq!(fixture.sent(), [format!("GET servers/{}", id(&call))]);
}

#[tokio::test]
async fn what_was_not_asked_to_change_is_kept() {
    let fixture = Fixture::new();
    let ordered = with(call(), "docker_image", "ghcr.io/pterodactyl/yolks:java_17");
    let mut call = fixture.installed(with(ordered, "environment", r#"{"VANILLA_VERSION": "1.20.4"}"#)).await;
    let free = fixture.panel.allocations().into_iter().find(|allocation| allocation.server.is_none()).unwrap().id;
    let build = json!({
        "allocation": fixture.server(&call).allocation, "add_allocations": [free],
        "limits": {"memory": 1024, "swap": 0, "disk": 2000, "io": 500, "cpu": 100, "threads": "2"},
        "feature_limits": {"databases": 1, "allocations": 1, "backups": 1}, "oom_disabled": true,
    });
    fixture.api("PATCH", &format!("servers/{}/build", id(&call)), &build).await;
    fixture.panel.edit_server(id(&call), |server| {
        server.environment.insert("VANILLA_VERSION".to_owned(), "1.8".to_owned());
        server.image = "the-customers-choice".to_owned();
        server.allocation = Some(free);
    });
    call.config.remove("oom_killer");
    done(fixture.plugin.scale(&with(call.clone(), "memory", 2048)).await);
    let kept = fixture.server(&call);
    assert_eq!(kept.limits.memory, 2048);
    assert_eq!(kept.limits.threads.as_deref(), Some("2"));
    assert!(kept.limits.oom_disabled);
    assert_eq!(kept.environment["VANILLA_VERSION"], "1.8");
    assert_eq!(kept.image, "the-customers-choice");
    assert_eq!(kept.allocation, Some(free), "the default allocation is the one of this moment");
    let assigned = fixture.panel.allocations().into_iter().filter(|allocation| allocation.server == Some(kept.id));
    assert_eq!(assigned.count(), 2);
}

#[tokio::test]
async fn a_changed_variable_is_set_and_the_others_are_kept() {
    let fixture = Fixture::new();
    let call = fixture.installed(with(call(), "environment", r#"{"VANILLA_VERSION": "1.20.4"}"#)).await;
    fixture.panel.edit_server(id(&call), |server| {
        server.environment.insert("VANILLA_VERSION".to_owned(), "1.8".to_owned());
    });
    let environment = r#"{"VANILLA_VERSION": "1.20.4", "SERVER_JARFILE": "paper.jar"}"#;
    done(fixture.plugin.scale(&with(call.clone(), "environment", environment)).await);
    let changed = fixture.server(&call);
    assert_eq!(changed.environment["SERVER_JARFILE"], "paper.jar");
    assert_eq!(changed.environment["VANILLA_VERSION"], "1.8");
    assert_eq!(changed.environment.len(), 2, "the panel's own variables are not sent");
}

#[tokio::test]
async fn another_image_and_start_command_are_set() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    let scaled = with(with(call.clone(), "docker_image", "java_8"), "startup", "java -jar other.jar");
    done(fixture.plugin.scale(&scaled).await);
    let changed = fixture.server(&call);
    assert_eq!((changed.image.as_str(), changed.startup.as_str()), ("java_8", "java -jar other.jar"));
    assert_eq!(changed.egg, 4);
    assert_eq!(changed.environment["SERVER_JARFILE"], "server.jar");
}

#[tokio::test]
async fn another_egg_brings_its_own_defaults() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    let scaled = with(with(call.clone(), "egg_id", 1), "memory", 512);
    done(fixture.plugin.scale(&scaled).await);
    let changed = fixture.server(&call);
    assert_eq!((changed.egg, changed.limits.memory), (1, 512));
    assert_eq!(changed.environment["BUNGEE_VERSION"], "latest");
    assert_eq!(changed.environment["SERVER_JARFILE"], "bungeecord.jar");
}

#[tokio::test]
async fn a_suspended_server_stays_suspended() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    fixture.panel.set_server_status(id(&call), Some(ServerStatus::Suspended));
    assert_eq!(done(fixture.plugin.scale(&with(call, "memory", 2048)).await).state, State::Suspended);
}

#[tokio::test]
async fn a_lost_external_id_is_put_back_with_the_other_details_as_they_were() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    fixture.panel.edit_server(id(&call), |server| {
        server.external_id = None;
        server.name = "renamed".to_owned();
        server.description = "by its owner".to_owned();
    });
    done(fixture.plugin.scale(&call).await);
    let mended = fixture.server(&call);
    assert_eq!((mended.name.as_str(), mended.description.as_str()), ("renamed", "by its owner"));
    assert!(fixture.present(&call).await.drift.is_empty());
}

#[tokio::test]
async fn the_external_id_of_another_service_is_not_overwritten() {
    let mut call = call();
    call.remote = Some(known_remote());
    let other = server(|server| server["external_id"] = json!("prod.customers.bob"));
    let error = Script::new([answer(200, &other)]).plugin().scale(&call).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Conflict, "ExternalIdReplaced"));
    assert!(error.message.contains("prod.customers.bob"), "{error}");
}

#[tokio::test]
async fn a_default_allocation_that_moved_meanwhile_is_a_conflict() {
    let mut call = with(call(), "memory", 2048);
    call.remote = Some(known_remote());
    let script = Script::new([
        answer(200, &server(|_| {})),
        refusal(400, "DisplayException", "The default allocation is not assigned to this server."),
    ]);
    assert_eq!(script.plugin().scale(&call).await.unwrap_err().class, Class::Conflict);
}

#[tokio::test]
async fn a_limit_that_was_null_on_the_panel_stays_null_unless_it_is_set() {
    let mut call = call();
    call.remote = Some(known_remote());
    call.config = map(json!({"memory": 2048}));
    let unlimited = || server(|server| server["feature_limits"]["allocations"] = json!(null));
    let script = Script::new([answer(200, &unlimited()), answer(200, &unlimited())]);
    done(script.plugin().scale(&call).await);
    assert_eq!(
        script.body(1),
        json!({
            "allocation": 5, "oom_disabled": false,
            "limits": {"memory": 2048, "swap": 0, "disk": 2000, "io": 500, "cpu": 100, "threads": null},
            "feature_limits": {"databases": 1, "allocations": null, "backups": 1},
        })
    );
}

#[tokio::test]
async fn the_panels_own_variables_are_not_sent_back() {
    let mut call = with(call(), "environment", r#"{"EXTRA": "x"}"#);
    call.remote = Some(known_remote());
    call.applied = Some(map(json!({"egg_id": 4})));
    let wanting = server(|server| server["container"]["environment"]["EXTRA"] = json!("y"));
    let script = Script::new([answer(200, &wanting), answer(200, &server(|_| {}))]);
    done(script.plugin().scale(&call).await);
    assert_eq!(
        script.body(1),
        json!({
            "egg": 4, "image": "java_21", "startup": "java -jar {{SERVER_JARFILE}}", "skip_scripts": false,
            "environment": {"SERVER_JARFILE": "server.jar", "EXTRA": "x"},
        })
    );
}
