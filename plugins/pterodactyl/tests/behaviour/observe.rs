//! Looking at one server.

use demo_panel::ServerStatus;
use hostwright_plugin::{Class, Observation, Plugin as _, State};
use serde_json::{Value, json};

use crate::support::{
    Fixture, Script, answer, call, html, id, known_remote, map, named, not_found, page_of, raw, refusal, server, with,
};

#[tokio::test]
async fn what_is_not_there_is_absent_and_a_similar_id_is_not_it() {
    let fixture = Fixture::new();
    fixture.created(named(call(), "prod.customers.alice-2")).await;
    assert_eq!(fixture.plugin.observe(&call()).await.unwrap(), Observation::Absent);
    assert_eq!(fixture.sent(), ["GET servers/external/prod.customers.alice?include=user"]);
}

#[tokio::test]
async fn a_server_shows_state_owner_and_settings() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    let present = fixture.present(&call).await;
    assert_eq!(present.state, State::Active);
    assert_eq!(Some(&present.remote), call.remote.as_ref());
    assert_eq!(present.owner_key.as_deref(), Some("prod.customers.cust-1"));
    assert!(present.drift.is_empty());
    for key in [
        "egg_id",
        "nest_id",
        "memory",
        "swap",
        "disk",
        "io",
        "cpu",
        "databases",
        "allocations",
        "backups",
        "oom_killer",
    ] {
        assert_eq!(present.applied.get(key), call.config.get(key), "{key}");
    }
    assert_eq!(present.applied["threads"], Value::Null);
    assert!(!present.applied.contains_key("location_ids"));
}

#[tokio::test]
async fn every_status_has_a_state_and_the_unfinished_ones_are_remembered() {
    let fixture = Fixture::new();
    let call = fixture.created(call()).await;
    for (status, state, remember) in [
        (None, State::Active, None),
        (Some(ServerStatus::Installing), State::Provisioning, Some("installing")),
        (Some(ServerStatus::InstallFailed), State::Failed, Some("install_failed")),
        (Some(ServerStatus::ReinstallFailed), State::Failed, Some("reinstall_failed")),
        (Some(ServerStatus::Suspended), State::Suspended, None),
        (Some(ServerStatus::RestoringBackup), State::Active, None),
    ] {
        fixture.panel.set_server_status(id(&call), status);
        let present = fixture.present(&call).await;
        assert_eq!(present.state, state, "{status:?}");
        assert_eq!(present.remember, remember.map(|status| json!({"installation": status})), "{status:?}");
    }
    fixture.panel.set_server_status(id(&call), Some(ServerStatus::RestoringBackup));
    assert_eq!(fixture.present(&call).await.usage["status"], "restoring_backup");
}

#[tokio::test]
async fn what_was_remembered_stays_remembered_while_the_server_is_suspended() {
    let fixture = Fixture::new();
    let mut call = fixture.created(call()).await;
    call.before = Some(json!({"installation": "installing"}));
    fixture.panel.suspend_server(id(&call));
    assert_eq!(fixture.present(&call).await.remember, call.before);
    fixture.panel.set_server_status(id(&call), None);
    assert_eq!(fixture.present(&call).await.remember, None);
}

#[tokio::test]
async fn a_server_that_lost_its_external_id_is_recognised_by_its_uuid() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    fixture.panel.edit_server(id(&call), |server| server.external_id = None);
    let present = fixture.present(&call).await;
    assert_eq!(present.drift.len(), 1);
    assert_eq!(present.drift[0].field, "external_id");
    assert_eq!((&present.drift[0].found, &present.drift[0].wanted), (&Value::Null, &json!(call.external_id)));
}

#[tokio::test]
async fn a_number_that_now_belongs_to_another_server_is_absent() {
    let fixture = Fixture::new();
    let mut call = fixture.installed(call()).await;
    fixture.panel.edit_server(id(&call), |server| server.external_id = None);
    call.remote.as_mut().unwrap().attributes.insert("uuid".to_owned(), "another".to_owned());
    assert_eq!(fixture.plugin.observe(&call).await.unwrap(), Observation::Absent);
    call.remote.as_mut().unwrap().attributes.clear();
    assert_eq!(fixture.plugin.observe(&call).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn settings_that_mean_the_same_compare_equal() {
    let fixture = Fixture::new();
    let call = with(call(), "environment", r#"{ "VANILLA_VERSION": " latest ", "UNKNOWN_TO_THE_EGG": 1 }"#);
    let call = fixture.installed(with(call, "startup", "java -jar {{SERVER_JARFILE}}\n")).await;
    let present = fixture.present(&call).await;
    for key in ["environment", "startup"] {
        assert_eq!(present.applied[key], call.config[key], "{key}");
    }
    fixture.panel.edit_server(id(&call), |server| {
        server.environment.insert("VANILLA_VERSION".to_owned(), "1.8".to_owned());
    });
    let changed = fixture.present(&call).await;
    assert_eq!(changed.applied["environment"], r#"{"VANILLA_VERSION":"1.8"}"#);
}

#[tokio::test]
async fn nothing_but_the_panels_own_word_counts_as_absence() {
    for other in [
        html(404),
        raw(404, &[("x-ratelimit-limit", "240")], "{}"),
        raw(404, &[], ""),
        refusal(404, "DaemonConnectionException", "An error occurred on the remote host"),
        refusal(404, "SomeOtherException", "gone"),
    ] {
        let result = Script::new([other]).plugin().observe(&call()).await;
        let error = result.unwrap_err();
        assert_ne!(error.class, Class::Unknown, "a look changes nothing");
    }
}

#[tokio::test]
async fn an_absence_that_did_not_come_through_the_key_check_is_confirmed_by_another_question() {
    let bare = || {
        raw(
            404,
            &[("content-type", "application/json")],
            r#"{"errors":[{"code":"NotFoundHttpException","status":"404","detail":"x"}]}"#,
        )
    };
    let script = Script::new([bare(), answer(200, &page_of(&[], 1, 1))]);
    assert_eq!(script.plugin().observe(&call()).await.unwrap(), Observation::Absent);

    let script = Script::new([bare(), bare()]);
    let error = script.plugin().observe(&call()).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (Class::Unavailable, Some("instance.panel_url")));
}

#[tokio::test]
async fn an_external_id_that_differs_in_case_is_another_one() {
    let shouting = server(|server| server["external_id"] = json!("PROD.customers.alice"));
    let script = Script::new([answer(200, &shouting)]);
    assert_eq!(script.plugin().observe(&call()).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn an_owner_that_the_key_may_not_read_is_not_guessed() {
    let hidden = server(|server| {
        server["relationships"] = json!({"user": {"object": "null_resource", "attributes": null}});
    });
    let observation = Script::new([answer(200, &hidden)]).plugin().observe(&call()).await.unwrap();
    let Observation::Present(present) = observation else { panic!("it is there") };
    assert_eq!(present.owner_key, None);
}

#[tokio::test]
async fn a_lookup_by_number_that_fails_is_no_absence() {
    let mut call = call();
    call.remote = Some(known_remote());
    let error = Script::new([not_found(), html(502)]).plugin().observe(&call).await.unwrap_err();
    assert_eq!(error.class, Class::Unavailable);
}

#[tokio::test]
async fn a_server_without_variables_is_read() {
    let bare = server(|server| server["container"]["environment"] = json!([]));
    let mut call = call();
    call.config = map(json!({"environment": "{\"A\": \"b\"}"}));
    let observation = Script::new([answer(200, &bare)]).plugin().observe(&call).await.unwrap();
    assert!(matches!(observation, Observation::Present(_)));
}
