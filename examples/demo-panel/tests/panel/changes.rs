use demo_panel::WingsMode;
use serde_json::{Value, json};

use crate::support::{Fixture, server, with, without};

const BUILD: &str = "/api/application/servers/1/build";
const STARTUP: &str = "/api/application/servers/1/startup";
const DETAILS: &str = "/api/application/servers/1/details";

fn build(fixture: &Fixture) -> Value {
    json!({
        "allocation": fixture.panel.servers()[0].allocation,
        "limits": {"memory": 2048, "swap": 0, "disk": 3000, "io": 500, "cpu": 200},
        "feature_limits": {"databases": 5, "backups": 2, "allocations": 1},
    })
}

/// An allocation of the node that no server has.
fn free_allocation(fixture: &Fixture) -> u64 {
    fixture.panel.allocations().iter().find(|allocation| allocation.server.is_none()).unwrap().id
}

#[tokio::test]
async fn an_omitted_allocation_limit_becomes_null() {
    let fixture = Fixture::with_server().await;
    let body = with(build(&fixture), json!({"feature_limits": {"databases": 5, "backups": 2}}));
    let built = fixture.patch(BUILD, &body).await.assert_status(200).attributes();
    assert_eq!(built["feature_limits"], json!({"databases": 5, "allocations": null, "backups": 2}));
    assert!(built["container"]["environment"]["P_SERVER_ALLOCATION_LIMIT"].is_null());
    assert_eq!(built["limits"]["memory"], 2048);
}

#[tokio::test]
async fn an_empty_build_is_refused_in_the_declared_order() {
    let fixture = Fixture::with_server().await;
    let answer = fixture.patch(BUILD, &json!({})).await;
    answer.assert_violations(&[
        ("allocation", "required"),
        ("memory", "required_without"),
        ("swap", "required_without"),
        ("io", "required_without"),
        ("cpu", "required_without"),
        ("disk", "required_without"),
        ("feature_limits", "required"),
        ("feature_limits.databases", "present"),
        ("feature_limits.backups", "present"),
    ]);
    assert_eq!(answer.details()[1], "The memory field is required when limits is not present.");
    assert_eq!(answer.details()[7], "The Database Limit field must be present.");
}

#[tokio::test]
async fn limits_at_top_level_are_accepted_as_of_old() {
    let fixture = Fixture::with_server().await;
    let old = with(
        without(build(&fixture), "limits"),
        json!({"memory": 512, "swap": 1, "disk": 2, "io": 10, "cpu": 3, "threads": "0-1"}),
    );
    let built = fixture.patch(BUILD, &old).await.assert_status(200).attributes();
    let expected =
        json!({"memory": 512, "swap": 1, "disk": 2, "io": 10, "cpu": 3, "threads": "0-1", "oom_disabled": true});
    assert_eq!(built["limits"], expected);
}

#[tokio::test]
async fn a_build_may_exceed_the_node_and_survives_a_dead_daemon() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_wings(WingsMode::Down);
    let mut body = build(&fixture);
    body["limits"]["memory"] = json!(999_999);
    let built = fixture.patch(BUILD, &body).await.assert_status(200).attributes();
    assert_eq!(built["limits"]["memory"], 999_999);
}

#[tokio::test]
async fn the_default_allocation_must_belong_to_the_server() {
    let fixture = Fixture::with_server().await;
    let free = free_allocation(&fixture);
    let body = with(build(&fixture), json!({ "allocation": free }));
    let answer = fixture.patch(BUILD, &body).await;
    answer.assert_error(400, "DisplayException");
    assert_eq!(answer.details(), ["The requested default allocation is not currently assigned to this server."]);
    let answer = fixture.patch(BUILD, &with(build(&fixture), json!({"allocation": 99}))).await;
    answer.assert_violations(&[("allocation", "exists")]);
    fixture.post("/api/application/servers", &server("svc-2")).await.assert_status(201);
    let other = fixture.panel.server("svc-2").unwrap().allocation;
    let answer = fixture.patch(BUILD, &with(build(&fixture), json!({ "allocation": other }))).await;
    answer.assert_violations(&[("allocation", "unique")]);
    assert_eq!(fixture.panel.servers()[0].limits.memory, 1024);
}

#[tokio::test]
async fn allocations_are_added_and_removed_and_the_default_is_replaced() {
    let fixture = Fixture::with_server().await;
    let default = fixture.panel.servers()[0].allocation.unwrap();
    let removal = json!({"remove_allocations": [default]});
    let answer = fixture.patch(BUILD, &with(build(&fixture), removal.clone())).await;
    answer.assert_error(400, "DisplayException");
    let free = free_allocation(&fixture);
    let body = with(with(build(&fixture), removal), json!({"add_allocations": [free, 999]}));
    let built = fixture.patch(BUILD, &body).await.assert_status(200).attributes();
    assert_eq!(built["allocation"], free);
    let allocations = fixture.panel.allocations();
    let owned: Vec<u64> =
        allocations.iter().filter(|allocation| allocation.server == Some(1)).map(|allocation| allocation.id).collect();
    assert_eq!(owned, [free]);
}

#[tokio::test]
async fn the_start_settings_are_required_together() {
    let fixture = Fixture::with_server().await;
    let answer = fixture.patch(STARTUP, &json!({"environment": {}})).await;
    answer.assert_violations(&[
        ("startup", "required"),
        ("egg", "required"),
        ("image", "required"),
        ("skip_scripts", "present"),
    ]);
}

#[tokio::test]
async fn an_empty_environment_checks_nothing_and_another_is_checked_whole() {
    let fixture = Fixture::with_server().await;
    fixture.panel.set_wings(WingsMode::Down);
    let body = json!({
        "startup": "java", "egg": 4, "image": "images.example/java:17", "skip_scripts": false, "environment": {},
    });
    let started = fixture.patch(STARTUP, &body).await.assert_status(200).attributes();
    assert_eq!(started["container"]["startup_command"], "java");
    assert_eq!(started["container"]["image"], "images.example/java:17");
    assert_eq!(started["container"]["environment"]["SERVER_JARFILE"], "server.jar");
    let partial = with(body.clone(), json!({"environment": {"SERVER_JARFILE": "b.jar"}}));
    let answer = fixture.patch(STARTUP, &partial).await;
    answer.assert_violations(&[("environment.VANILLA_VERSION", "required")]);
    let whole = with(body, json!({"environment": {"SERVER_JARFILE": "b.jar", "VANILLA_VERSION": "1.20"}}));
    let started = fixture.patch(STARTUP, &whole).await.assert_status(200).attributes();
    assert_eq!(started["container"]["environment"]["SERVER_JARFILE"], "b.jar");
}

#[tokio::test]
async fn omitted_details_are_cleared_the_external_id_included() {
    let fixture = Fixture::with_server().await;
    let full = json!({"name": "renamed", "user": 2, "external_id": "svc-1", "description": "mine"});
    let changed = fixture.patch(DETAILS, &full).await.assert_status(200).attributes();
    assert_eq!(changed["description"], "mine");
    let changed = fixture.patch(DETAILS, &json!({"name": "renamed", "user": 2})).await.assert_status(200).attributes();
    assert!(changed["external_id"].is_null());
    assert_eq!(changed["description"], "");
    let lookup = fixture.get("/api/application/servers/external/svc-1").await;
    lookup.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn details_name_their_fields_in_the_panels_words() {
    let fixture = Fixture::with_server().await;
    let answer = fixture.patch(DETAILS, &json!({})).await;
    answer.assert_violations(&[("name", "required"), ("user", "required")]);
    assert_eq!(answer.details(), ["The Server Name field is required.", "The User ID field is required."]);
    let answer = fixture.patch(DETAILS, &json!({"name": "n", "user": 99})).await;
    answer.assert_violations(&[("user", "exists")]);
}
