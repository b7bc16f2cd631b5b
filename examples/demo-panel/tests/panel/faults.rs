use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use demo_panel::{RequestMatch, WingsMode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::support::{Fixture, server, user};

const SERVERS: &str = "/api/application/servers";

async fn control(fixture: &Fixture, action: &str, body: &Value) {
    fixture.post(&format!("/control/{action}"), body).await.assert_status(204);
}

#[tokio::test]
async fn the_daemon_is_switched_over_http() {
    let fixture = Fixture::with_node_and_user().await;
    for (mode, status) in [("error500", 500), ("down", 504), ("missing404", 404), ("ok", 201)] {
        control(&fixture, "wings", &json!({ "mode": mode })).await;
        fixture.post(SERVERS, &server("a")).await.assert_status(status);
    }
    control(&fixture, "wings", &json!({"mode": "down", "node": 1})).await;
    fixture.delete("/api/application/servers/4").await.assert_status(504);
    fixture.post("/control/wings", &json!({"mode": "sleepy"})).await.assert_status(400);
}

#[tokio::test]
async fn a_reset_returns_to_the_fresh_state_and_chooses_how_installations_end() {
    let fixture = Fixture::with_server().await;
    control(&fixture, "wings", &json!({"mode": "down"})).await;
    control(&fixture, "reset", &json!({"install": "auto"})).await;
    assert!(fixture.panel.nodes().is_empty() && fixture.panel.servers().is_empty());
    assert_eq!(fixture.panel.users().len(), 1);
    let answer = fixture.get("/api/application/locations").await.assert_status(200);
    assert_eq!(answer.json()["data"][0]["attributes"]["short"], "lab");
    assert_eq!(answer.header("x-ratelimit-remaining"), "239");
    fixture.panel.seed_demo();
    fixture.post("/api/application/users", &user("bob")).await.assert_status(201);
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
}

#[tokio::test(start_paused = true)]
async fn the_length_of_an_installation_is_chosen_over_http() {
    let fixture = Fixture::with_node_and_user().await;
    control(&fixture, "reset", &json!({})).await;
    control(&fixture, "seed", &json!({})).await;
    control(&fixture, "faults", &json!({"install_delay_ms": 60_000})).await;
    fixture.post("/api/application/users", &user("bob")).await.assert_status(201);
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert!(fixture.panel.server("a").unwrap().status.is_some());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(fixture.panel.server("a").unwrap().status.is_none());
}

#[tokio::test(start_paused = true)]
async fn latency_delays_a_request_before_it_takes_effect() {
    let fixture = Fixture::with_node_and_user().await;
    control(&fixture, "faults", &json!({"latency_ms": 3000})).await;
    let begin = tokio::time::Instant::now();
    fixture.post(SERVERS, &server("a")).await.assert_status(201);
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_lost_reply_breaks_off_in_process_after_the_effect() {
    let fixture = Fixture::with_node_and_user().await;
    control(
        &fixture,
        "faults",
        &json!({"lose_reply": {"method": "POST", "path": "^/api/application/servers$", "count": 1}}),
    )
    .await;
    let request = Request::builder()
        .method("POST")
        .uri(SERVERS)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", fixture.config.application_key))
        .body(Body::from(server("a").to_string()))
        .unwrap();
    let response = fixture.router.clone().oneshot(request).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(fixture.panel.live_servers("a"), 1);
    fixture.post(SERVERS, &server("a")).await.assert_violations(&[("external_id", "unique")]);
}

#[tokio::test]
async fn a_lost_reply_closes_the_connection_without_a_byte() {
    let fixture = Fixture::holding();
    let lost = RequestMatch::new("GET", "users", 1).unwrap();
    fixture.panel.update_faults(|faults| faults.lose_reply.push(lost));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(axum::serve(listener, fixture.router.clone()).into_future());
    let exchange = async || {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let key = &fixture.config.application_key;
        let request = format!(
            "GET /api/application/users HTTP/1.1\r\nHost: panel.example\r\nAccept: application/json\r\nAuthorization: \
             Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap_or_default();
        answer
    };
    assert_eq!(exchange().await, "");
    assert!(exchange().await.starts_with("HTTP/1.1 200"));
    serving.abort();
}

#[tokio::test]
async fn a_server_error_hides_an_effect() {
    let fixture = Fixture::with_node_and_user().await;
    let failing = json!({"server_error": {"method": "POST", "path": "/servers$", "count": 1}});
    control(&fixture, "faults", &failing).await;
    let answer = fixture.post(SERVERS, &server("a")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.details(),
        ["An unexpected error was encountered while processing this request, please try again."]
    );
    assert_eq!(fixture.panel.live_servers("a"), 1);
}

#[tokio::test]
async fn rate_limits_are_chosen_over_http() {
    let fixture = Fixture::holding();
    control(&fixture, "faults", &json!({"rate_limits": {"application": 1, "client": 2}})).await;
    fixture.get("/api/application/users").await.assert_status(200);
    fixture.get("/api/application/users").await.assert_error(429, "ThrottleRequestsException");
}

#[tokio::test(start_paused = true)]
async fn a_create_goes_on_when_its_client_hangs_up() {
    let fixture = Fixture::with_node_and_user().await;
    fixture.panel.set_wings(WingsMode::Error500);
    fixture.panel.set_wings_latency(Duration::from_secs(5));
    let hung_up = tokio::time::timeout(Duration::from_secs(1), fixture.post(SERVERS, &server("a"))).await;
    assert!(hung_up.is_err());
    assert_eq!(fixture.panel.live_servers("a"), 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(fixture.panel.live_servers("a"), 0);
}

#[tokio::test]
async fn requests_are_counted_by_method_and_path() {
    let fixture = Fixture::with_server().await;
    for _ in 0..3 {
        fixture.get("/api/application/servers/1?include=user").await;
    }
    fixture.send("nobody", "GET", "/api/application/servers/1", None).await;
    assert_eq!(fixture.panel.requests("get", "/api/application/servers/1"), 4);
    assert_eq!(fixture.panel.requests_below("POST", "/api/application"), 2);
    assert_eq!(fixture.panel.total_requests(), 6);
    let seen = fixture.get("/control/requests").await.json();
    assert!(
        seen.as_array().unwrap().contains(&json!({"method": "GET", "path": "/api/application/servers/1", "count": 4}))
    );
}
