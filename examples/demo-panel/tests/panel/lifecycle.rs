use demo_panel::{ServerStatus, WingsMode};
use serde_json::json;

use crate::support::Fixture;

const SERVER: &str = "/api/application/servers/1";

async fn post(fixture: &Fixture, action: &str) -> crate::support::Answer {
    let path = format!("{SERVER}/{action}");
    fixture.send(&fixture.config.application_key, "POST", &path, None).await
}

fn status(fixture: &Fixture) -> Option<ServerStatus> {
    fixture.panel.servers()[0].status
}

#[tokio::test]
async fn suspending_forgets_an_unfinished_or_failed_installation() {
    let fixture = Fixture::with_server().await;
    for before in [ServerStatus::Installing, ServerStatus::InstallFailed, ServerStatus::ReinstallFailed] {
        fixture.panel.set_server_status(1, Some(before));
        post(&fixture, "suspend").await.assert_status(204);
        assert_eq!(status(&fixture), Some(ServerStatus::Suspended));
        post(&fixture, "unsuspend").await.assert_status(204);
        assert_eq!(status(&fixture), None);
    }
}

#[tokio::test]
async fn a_suspended_installation_counts_as_installed() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_server_status(1, Some(ServerStatus::Installing));
    assert_eq!(fixture.get(SERVER).await.attributes()["container"]["installed"], 0);
    post(&fixture, "suspend").await.assert_status(204);
    let attributes = fixture.get(SERVER).await.attributes();
    assert_eq!(attributes["container"]["installed"], 1);
    assert_eq!(attributes["suspended"], true);
}

#[tokio::test]
async fn a_server_in_the_wanted_state_is_left_alone_without_asking_the_daemon() {
    let fixture = Fixture::with_server().await;
    post(&fixture, "suspend").await.assert_status(204);
    fixture.panel.set_wings(WingsMode::Down);
    post(&fixture, "suspend").await.assert_status(204);
    fixture.panel.set_server_status(1, Some(ServerStatus::Installing));
    post(&fixture, "unsuspend").await.assert_status(204);
    assert_eq!(status(&fixture), Some(ServerStatus::Installing));
}

#[tokio::test]
async fn a_failed_suspension_leaves_no_status_and_a_failed_unsuspension_leaves_it_suspended() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_server_status(1, Some(ServerStatus::InstallFailed));
    fixture.panel.set_wings(WingsMode::Down);
    post(&fixture, "suspend").await.assert_error(504, "DaemonConnectionException");
    assert_eq!(status(&fixture), None);
    fixture.panel.suspend_server(1);
    fixture.panel.set_wings(WingsMode::Error500);
    post(&fixture, "unsuspend").await.assert_error(500, "DaemonConnectionException");
    assert_eq!(status(&fixture), Some(ServerStatus::Suspended));
}

#[tokio::test]
async fn suspension_waits_for_a_transfer() {
    let fixture = Fixture::with_server().await;
    fixture.panel.edit_server(1, |server| server.transferring = true);
    post(&fixture, "suspend").await.assert_error(409, "ConflictHttpException");
    post(&fixture, "unsuspend").await.assert_status(204);
}

#[tokio::test]
async fn reinstalling_asks_for_no_state_and_changes_nothing_when_the_daemon_fails() {
    let fixture = Fixture::with_server().await;
    fixture.panel.suspend_server(1);
    fixture.panel.set_wings(WingsMode::Error500);
    post(&fixture, "reinstall").await.assert_error(500, "DaemonConnectionException");
    assert_eq!(status(&fixture), Some(ServerStatus::Suspended));
    fixture.panel.set_wings(WingsMode::Ok);
    for _ in 0..2 {
        post(&fixture, "reinstall").await.assert_status(204);
        assert_eq!(status(&fixture), Some(ServerStatus::Installing));
    }
}

#[tokio::test]
async fn deletion_needs_the_daemons_consent_or_force() {
    let fixture = Fixture::with_server().await;
    for mode in [WingsMode::Error500, WingsMode::Down] {
        fixture.panel.set_wings(mode);
        fixture.delete(SERVER).await.assert_status(if mode == WingsMode::Down { 504 } else { 500 });
        assert_eq!(fixture.panel.live_servers("svc-1"), 1);
    }
    fixture.delete(&format!("{SERVER}/force")).await.assert_status(204);
    assert!(fixture.panel.servers().is_empty());
    assert!(fixture.panel.allocations().iter().all(|allocation| allocation.server.is_none()));
    fixture.delete(SERVER).await.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn deletion_tolerates_a_daemon_that_does_not_know_the_server() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_wings(WingsMode::Missing404);
    fixture.delete(SERVER).await.assert_status(204);
    assert_eq!(fixture.panel.live_servers("svc-1"), 0);
}

#[tokio::test]
async fn one_dead_node_does_not_disturb_the_others() {
    let fixture = Fixture::with_server().await;
    fixture.panel.add_node("n2", 1, 4096, 20_000, 1);
    fixture.panel.set_node_wings(2, WingsMode::Down);
    post(&fixture, "suspend").await.assert_status(204);
    let mut body = crate::support::server("svc-2");
    body["deploy"] = json!(null);
    body["allocation"] = json!({"default": 4});
    let body = crate::support::without(body, "deploy");
    fixture.post("/api/application/servers", &body).await.assert_error(504, "DaemonConnectionException");
}
