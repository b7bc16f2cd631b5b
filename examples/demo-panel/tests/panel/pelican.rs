use demo_panel::{Config, Dialect, InstallMode, ServerStatus, WingsMode};
use serde_json::{Value, json};

use crate::support::{Fixture, with};

const SERVERS: &str = "/api/application/servers";

async fn pelican() -> Fixture {
    let fixture = Fixture::new(Config { install: InstallMode::Hold, ..Config::new(Dialect::Pelican) });
    fixture.panel.add_node("n1", 1, 4096, 20_000, 3);
    let body = json!({"email": "bob@example.com", "username": "bob-svc", "external_id": "cust-1"});
    fixture.post("/api/application/users", &body).await.assert_status(201);
    fixture
}

fn server(external_id: &str) -> Value {
    json!({
        "external_id": external_id,
        "name": "a server",
        "user": 2,
        "egg": 4,
        "limits": {"memory": 1024, "swap": 0, "disk": 2000, "io": 0, "cpu": 100},
        "feature_limits": {"databases": 1, "backups": 1},
        "deploy": {"tags": [], "dedicated_ip": false},
    })
}

#[tokio::test]
async fn there_are_eggs_without_nests_or_locations() {
    let fixture = pelican().await;
    for path in ["nests", "locations"] {
        fixture.get(&format!("/api/application/{path}")).await.assert_error(404, "NotFoundHttpException");
    }
    let eggs = fixture.get("/api/application/eggs").await.assert_status(200);
    assert_eq!(eggs.header("x-ratelimit-limit"), "256");
    let egg = fixture.get("/api/application/eggs/4?include=variables").await.assert_status(200).attributes();
    assert_eq!(egg["relationships"]["variables"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn users_have_a_timezone_and_no_names() {
    let fixture = pelican().await;
    let user = fixture.get("/api/application/users/2").await.attributes();
    assert_eq!(user["timezone"], "UTC");
    assert!(user.get("first_name").is_none() && user.get("root_admin").is_none());
}

#[tokio::test]
async fn image_startup_and_variables_default_to_the_eggs() {
    let fixture = pelican().await;
    let created = fixture.post(SERVERS, &server("a")).await.assert_status(201).attributes();
    assert!(created["container"]["image"].as_str().unwrap().ends_with("java_21"));
    assert!(created["container"]["startup_command"].as_str().unwrap().starts_with("java "));
    assert_eq!(created["container"]["environment"]["SERVER_JARFILE"], "server.jar");
    assert!(created.get("nest").is_none());
}

#[tokio::test]
async fn a_server_may_have_no_allocation() {
    let fixture = pelican().await;
    let body = crate::support::without(server("a"), "deploy");
    let created = fixture.post(SERVERS, &body).await.assert_status(201).attributes();
    assert!(created["allocation"].is_null());
}

#[tokio::test]
async fn servers_are_placed_by_tags() {
    let fixture = pelican().await;
    let tagged = with(server("a"), json!({"deploy": {"tags": ["fast"], "dedicated_ip": false}}));
    fixture.post(SERVERS, &tagged).await.assert_error(400, "NoViableNodeException");
    fixture.panel.edit_node(1, |node| node.tags = vec!["fast".to_owned()]);
    fixture.post(SERVERS, &tagged).await.assert_status(201);
}

#[tokio::test]
async fn the_oom_killer_is_named_the_other_way_round() {
    let fixture = pelican().await;
    let created = fixture.post(SERVERS, &with(server("a"), json!({"oom_killer": true}))).await.assert_status(201);
    assert_eq!(created.attributes()["limits"]["oom_killer"], true);
    let ignored = fixture.post(SERVERS, &with(server("b"), json!({"oom_disabled": false}))).await.assert_status(201);
    assert_eq!(ignored.attributes()["limits"]["oom_killer"], false);
}

#[tokio::test]
async fn names_may_have_255_characters() {
    let fixture = pelican().await;
    let named = |length: usize| with(server("a"), json!({"name": "n".repeat(length)}));
    fixture.post(SERVERS, &named(256)).await.assert_violations(&[("name", "max")]);
    fixture.post(SERVERS, &named(255)).await.assert_status(201);
}

#[tokio::test]
async fn a_failed_suspension_is_not_put_back() {
    let fixture = pelican().await;
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    fixture.panel.set_wings(WingsMode::Down);
    let path = format!("{SERVERS}/1/suspend");
    fixture.post(&path, &json!({})).await.assert_error(504, "DaemonConnectionException");
    assert_eq!(fixture.panel.servers()[0].status, Some(ServerStatus::Suspended));
}

#[tokio::test]
async fn details_without_an_external_id_clear_it_here_too() {
    let fixture = pelican().await;
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    let body = json!({"name": "renamed", "user": 2});
    let changed = fixture.patch(&format!("{SERVERS}/1/details"), &body).await.assert_status(200);
    assert!(changed.attributes()["external_id"].is_null());
}

#[tokio::test]
async fn limits_at_top_level_are_ignored() {
    let fixture = pelican().await;
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    let body = json!({"feature_limits": {"databases": 1, "backups": 1}, "memory": 1});
    fixture.patch(&format!("{SERVERS}/1/build"), &body).await.assert_status(200);
    assert_eq!(fixture.panel.servers()[0].limits.memory, 1024);
    let filtered = fixture.get(&format!("{SERVERS}?filter[uuid_short]=x")).await.assert_status(200);
    assert_eq!(filtered.json()["data"], json!([]));
}
