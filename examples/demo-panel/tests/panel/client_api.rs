use demo_panel::{Grant, ServerStatus, WingsMode};
use serde_json::json;

use crate::support::Fixture;

const STATES: [(ServerStatus, &str); 3] = [
    (ServerStatus::Suspended, "This server is currently suspended and the functionality requested is unavailable."),
    (
        ServerStatus::InstallFailed,
        "This server has not yet completed its installation process, please try again later.",
    ),
    (ServerStatus::RestoringBackup, "This server is currently restoring from a backup, please try again later."),
];

#[tokio::test]
async fn a_server_that_is_not_ready_can_be_seen_but_not_used() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_wings(WingsMode::Error500);
    for (status, detail) in STATES {
        fixture.panel.set_server_status(1, Some(status));
        fixture.client_get(&fixture.client_path("svc-1", "")).await.assert_status(200);
        let power = fixture.client_post(&fixture.client_path("svc-1", "/power"), &json!({"signal": "zap"})).await;
        power.assert_error(409, "ServerStateConflictException");
        assert_eq!(power.details(), [detail]);
        for action in ["/command", "/settings/reinstall"] {
            let answer = fixture.client_post(&fixture.client_path("svc-1", action), &json!({})).await;
            answer.assert_error(409, "ServerStateConflictException");
        }
        let resources = fixture.client_get(&fixture.client_path("svc-1", "/resources")).await;
        resources.assert_error(409, "ServerStateConflictException");
    }
}

#[tokio::test]
async fn an_administrator_watches_an_installation_but_not_a_suspended_server() {
    let fixture = Fixture::with_server().await;
    let path = fixture.client_path("svc-1", "/websocket");
    for (status, answer) in [(ServerStatus::Installing, 200), (ServerStatus::Suspended, 409)] {
        fixture.panel.set_server_status(1, Some(status));
        fixture.client_get(&path).await.assert_status(answer);
    }
    fixture.panel.set_server_status(1, Some(ServerStatus::Installing));
    fixture.panel.add_key("owner", 2, Grant::Client);
    fixture.send("owner", "GET", &path, None).await.assert_error(409, "ServerStateConflictException");
}

#[tokio::test]
async fn maintenance_is_reported_before_an_installation() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_server_status(1, Some(ServerStatus::Installing));
    fixture.panel.edit_node(1, |node| node.maintenance_mode = true);
    let answer = fixture.client_get(&fixture.client_path("svc-1", "/websocket")).await;
    assert!(answer.details()[0].starts_with("The node of this server is currently under maintenance"));
}

#[tokio::test]
async fn power_signals_change_what_runs() {
    let fixture = Fixture::with_server().await;
    let (power, resources) = (fixture.client_path("svc-1", "/power"), fixture.client_path("svc-1", "/resources"));
    for (signal, state) in [("stop", "offline"), ("start", "running"), ("kill", "offline"), ("restart", "running")] {
        fixture.client_post(&power, &json!({ "signal": signal })).await.assert_status(204);
        let stats = fixture.client_get(&resources).await.assert_status(200).json();
        assert_eq!(stats["object"], "stats");
        assert_eq!(stats["attributes"]["current_state"], state);
    }
    let answer = fixture.client_post(&power, &json!({"signal": "zap"})).await;
    answer.assert_violations(&[("signal", "in")]);
    assert_eq!(answer.details(), ["The selected signal is invalid."]);
    fixture.panel.set_wings(WingsMode::Down);
    fixture.client_post(&power, &json!({"signal": "stop"})).await.assert_error(504, "DaemonConnectionException");
}

#[tokio::test]
async fn commands_need_a_running_server() {
    let fixture = Fixture::with_server().await;
    let (power, command) = (fixture.client_path("svc-1", "/power"), fixture.client_path("svc-1", "/command"));
    fixture.client_post(&command, &json!({"command": "say hi"})).await.assert_status(204);
    fixture.client_post(&power, &json!({"signal": "stop"})).await.assert_status(204);
    fixture.client_post(&command, &json!({"command": "say hi"})).await.assert_error(502, "HttpException");
    fixture.client_post(&command, &json!({"command": " "})).await.assert_violations(&[("command", "required")]);
}

#[tokio::test]
async fn the_list_holds_the_users_own_servers_and_more_for_administrators_who_ask() {
    let fixture = Fixture::with_server().await;
    fixture.panel.add_key("owner", 2, Grant::Client);
    let total = |answer: crate::support::Answer| answer.json()["meta"]["pagination"]["total"].clone();
    assert_eq!(total(fixture.client_get("/api/client").await), 0);
    assert_eq!(total(fixture.client_get("/api/client?type=admin").await), 1);
    assert_eq!(total(fixture.client_get("/api/client?type=admin-all").await), 1);
    assert_eq!(total(fixture.send("owner", "GET", "/api/client", None).await), 1);
    assert_eq!(total(fixture.send("owner", "GET", "/api/client?type=admin-all", None).await), 0);
}

#[tokio::test]
async fn owners_see_their_server_and_strangers_do_not() {
    let fixture = Fixture::with_server().await;
    fixture.panel.add_key("owner", 2, Grant::Client);
    fixture.post("/api/application/users", &crate::support::user("eve")).await.assert_status(201);
    fixture.panel.add_key("stranger", 3, Grant::Client);
    let path = fixture.client_path("svc-1", "");
    let own = fixture.send("owner", "GET", &path, None).await.assert_status(200).json();
    assert_eq!(own["attributes"]["server_owner"], true);
    assert_eq!(own["meta"], json!({"is_server_owner": true, "user_permissions": ["*"]}));
    fixture.send("stranger", "GET", &path, None).await.assert_error(404, "NotFoundHttpException");
    let uuid = fixture.panel.server("svc-1").unwrap().uuid;
    fixture.client_get(&format!("/api/client/servers/{uuid}")).await.assert_status(200);
}

#[tokio::test]
async fn hidden_variables_are_not_shown_to_owners() {
    let fixture = Fixture::with_node_and_user().await;
    let mut body = crate::support::server("svc-1");
    body["egg"] = json!(5);
    body["startup"] = json!("run {{DL_PATH}} {{BUILD_NUMBER}} {{SERVER_MEMORY}}");
    body["environment"] = json!({"SERVER_JARFILE": "a.jar", "BUILD_NUMBER": "7", "DL_PATH": "secret"});
    fixture.post("/api/application/servers", &body).await.assert_status(201);
    let shown = fixture.client_get(&fixture.client_path("svc-1", "")).await.attributes();
    assert_eq!(shown["invocation"], "run [hidden] 7 1024");
    let variables = shown["relationships"]["variables"]["data"].as_array().unwrap();
    assert!(variables.iter().all(|variable| variable["attributes"]["env_variable"] != "DL_PATH"));
    assert_eq!(variables.len(), 3);
}
