//! Suspending, lifting a suspension, ending.

use demo_panel::{Faults, RequestMatch, ServerStatus, WingsMode};
use hostwright_plugin::{Class, Observation, Plugin as _, Scope, State};
use serde_json::json;

use crate::support::{Fixture, Script, answer, call, done, html, id, is_gone, known_remote, not_found, raw};

#[tokio::test]
async fn suspending_and_lifting_take_one_request_each_and_repeating_is_harmless() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    for _ in 0..2 {
        assert_eq!(done(fixture.plugin.suspend(&call).await).state, State::Suspended);
        assert!(fixture.server(&call).is_suspended());
    }
    for _ in 0..2 {
        assert_eq!(done(fixture.plugin.unsuspend(&call).await).state, State::Active);
        assert_eq!(fixture.server(&call).status, None);
    }
    let id = id(&call);
    assert_eq!(
        fixture.sent(),
        [
            format!("POST servers/{id}/suspend"),
            format!("POST servers/{id}/suspend"),
            format!("POST servers/{id}/unsuspend"),
            format!("POST servers/{id}/unsuspend"),
        ]
    );
}

#[tokio::test]
async fn an_installation_that_a_suspension_hid_is_started_again() {
    for status in [ServerStatus::Installing, ServerStatus::InstallFailed, ServerStatus::ReinstallFailed] {
        let fixture = Fixture::new();
        let mut call = fixture.created(call()).await;
        fixture.panel.set_server_status(id(&call), Some(status));
        call.before = fixture.present(&call).await.remember;
        done(fixture.plugin.suspend(&call).await);
        assert_eq!(done(fixture.plugin.unsuspend(&call).await).state, State::Provisioning, "{status:?}");
        assert_eq!(fixture.server(&call).status, Some(ServerStatus::Installing));
    }
}

#[tokio::test]
async fn a_second_attempt_does_not_start_the_installation_once_more() {
    let fixture = Fixture::new();
    let mut call = fixture.created(call()).await;
    call.before = Some(json!({"installation": "installing"}));
    done(fixture.plugin.suspend(&call).await);
    let lose_reply = vec![RequestMatch::new("POST", "/reinstall$", 1).unwrap()];
    fixture.panel.set_faults(Faults { lose_reply, ..Faults::default() });
    assert_eq!(fixture.plugin.unsuspend(&call).await.unwrap_err().class, Class::Unknown);
    assert_eq!(done(fixture.plugin.unsuspend(&call).await).state, State::Provisioning);
    let reinstall = format!("/api/application/servers/{}/reinstall", id(&call));
    assert_eq!(fixture.panel.requests("POST", &reinstall), 1);
}

#[tokio::test]
async fn verbs_on_an_absent_server_say_so() {
    let fixture = Fixture::new();
    let unknown = call();
    for error in [
        fixture.plugin.suspend(&unknown).await.unwrap_err(),
        fixture.plugin.unsuspend(&unknown).await.unwrap_err(),
        fixture.plugin.scale(&unknown).await.unwrap_err(),
    ] {
        assert_eq!(error.class, Class::NotFound, "{error}");
    }
    let call = fixture.created(call()).await;
    fixture.panel.delete_server(id(&call));
    assert_eq!(fixture.plugin.suspend(&call).await.unwrap_err().class, Class::NotFound);
    assert_eq!(fixture.plugin.scale(&call).await.unwrap_err().class, Class::NotFound);
}

#[tokio::test]
async fn a_verb_without_a_known_remote_finds_it_by_external_id() {
    let fixture = Fixture::new();
    let mut call = fixture.installed(call()).await;
    call.remote = None;
    assert_eq!(done(fixture.plugin.suspend(&call).await).state, State::Suspended);
    assert!(is_gone(fixture.plugin.terminate(&call).await));
    assert!(fixture.panel.servers().is_empty());
}

#[tokio::test]
async fn a_failure_of_wings_leaves_the_outcome_unknown_at_this_placement() {
    for mode in [WingsMode::Error500, WingsMode::Down] {
        let fixture = Fixture::new();
        let call = fixture.installed(call()).await;
        fixture.panel.set_wings(mode);
        for error in
            [fixture.plugin.suspend(&call).await.unwrap_err(), fixture.plugin.terminate(&call).await.unwrap_err()]
        {
            assert_eq!((error.class, error.scope), (Class::Unknown, Scope::Placement), "{error}");
        }
        assert_eq!(fixture.present(&call).await.state, State::Active);
        fixture.panel.set_wings(WingsMode::Ok);
        assert_eq!(done(fixture.plugin.suspend(&call).await).state, State::Suspended);
        assert!(is_gone(fixture.plugin.terminate(&call).await));
    }
}

#[tokio::test]
async fn a_transfer_makes_it_busy() {
    let fixture = Fixture::new();
    let call = fixture.installed(call()).await;
    fixture.panel.edit_server(id(&call), |server| server.transferring = true);
    let error = fixture.plugin.suspend(&call).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Conflict, "ConflictHttpException"));
}

#[tokio::test]
async fn ending_twice_is_ending_once() {
    let fixture = Fixture::new();
    let call = fixture.created(call()).await;
    assert!(is_gone(fixture.plugin.terminate(&call).await));
    assert!(is_gone(fixture.plugin.terminate(&call).await));
    assert_eq!(fixture.plugin.observe(&call).await.unwrap(), Observation::Absent);
    let mut unknown = call.clone();
    unknown.remote = None;
    assert!(is_gone(fixture.plugin.terminate(&unknown).await));
    assert_eq!(fixture.panel.requests_below("DELETE", "/api/application/"), 2);
}

#[tokio::test]
async fn a_server_is_ended_by_force_only_where_policy_says_so() {
    let fixture = Fixture::new();
    let mut call = fixture.created(call()).await;
    fixture.panel.set_wings(WingsMode::Down);
    fixture.plugin.terminate(&call).await.unwrap_err();
    assert!(!fixture.sent().iter().any(|request| request.ends_with("/force")));
    call.force = true;
    assert!(is_gone(fixture.plugin.terminate(&call).await));
    assert_eq!(fixture.sent(), [format!("DELETE servers/{}/force", id(&call))]);
    assert!(fixture.panel.servers().is_empty());
}

#[tokio::test]
async fn a_server_that_wings_does_not_know_can_be_ended() {
    let fixture = Fixture::new();
    let call = fixture.created(call()).await;
    fixture.panel.set_wings(WingsMode::Missing404);
    assert!(is_gone(fixture.plugin.terminate(&call).await));
}

#[tokio::test]
async fn ending_needs_neither_a_package_nor_a_checkout() {
    let fixture = Fixture::new();
    let mut call = fixture.created(call()).await;
    call.config.clear();
    call.checkout.clear();
    done(fixture.plugin.suspend(&call).await);
    assert!(is_gone(fixture.plugin.terminate(&call).await));
}

#[tokio::test]
async fn a_remote_id_that_is_no_number_never_reaches_a_path() {
    let mut call = call();
    call.remote = Some(known_remote());
    for bad in ["", "7/force", "..", "-7"] {
        call.remote.as_mut().unwrap().id = bad.to_owned();
        let plugin = Script::new([]).plugin();
        for error in [plugin.terminate(&call).await.unwrap_err(), plugin.scale(&call).await.unwrap_err()] {
            assert_eq!(error.class, Class::Invalid, "{bad:?}");
        }
    }
}

#[tokio::test]
async fn only_the_panels_word_for_it_makes_a_server_gone() {
    let mut call = call();
    call.remote = Some(known_remote());
    for other in [html(200), html(404), raw(200, &[], "{}"), raw(404, &[], "{}"), html(302), html(502)] {
        let error = Script::new([other]).plugin().terminate(&call).await.unwrap_err();
        assert_eq!(error.class, Class::Unknown, "{error}");
    }
    assert!(is_gone(Script::new([not_found()]).plugin().terminate(&call).await));
    let page = answer(200, &json!({"object": "list", "data": []}));
    let bare = raw(404, &[], r#"{"errors":[{"code":"NotFoundHttpException","status":"404","detail":"x"}]}"#);
    assert!(is_gone(Script::new([bare, page]).plugin().terminate(&call).await));
}
