use axum::body::Body;
use axum::http::{Request, header};
use demo_panel::Grant;
use serde_json::json;

use crate::support::{Answer, Fixture, server, user};

const USERS: &str = "/api/application/users";

async fn raw(fixture: &Fixture, key: &str, accept: &str, path: &str) -> Answer {
    let request = Request::builder()
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .body(Body::empty())
        .unwrap();
    fixture.answer(request).await
}

#[tokio::test]
async fn an_unknown_key_is_refused_with_json_and_sent_to_the_login_page_without() {
    let fixture = Fixture::holding();
    fixture.send("nobody", "GET", USERS, None).await.assert_error(401, "AuthenticationException");
    let redirect = raw(&fixture, "nobody", "*/*", USERS).await.assert_status(302);
    assert_eq!(redirect.header("location"), "http://panel.example/auth/login");
    assert!(!redirect.headers.contains_key("x-ratelimit-limit"));
}

#[tokio::test]
async fn an_unknown_resource_is_a_page_for_those_who_do_not_ask_for_json() {
    let fixture = Fixture::holding();
    let key = fixture.config.application_key.clone();
    let page = raw(&fixture, &key, "text/html", "/api/application/users/99").await.assert_status(404);
    assert!(page.header("content-type").starts_with("text/html"));
    raw(&fixture, &key, "text/html", USERS).await.assert_status(200).json();
}

#[tokio::test]
async fn an_unknown_route_is_not_found_before_the_key_is_looked_at() {
    let fixture = Fixture::holding();
    let answer = fixture.send("nobody", "GET", "/api/application/nothing", None).await;
    answer.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn a_read_only_key_meets_unknown_ids_before_the_refusal_and_the_refusal_before_the_rules() {
    let fixture = Fixture::with_server().await;
    let key = fixture.config.readonly_key.clone();
    let patch = async |path: &str| fixture.send(&key, "PATCH", path, Some(&json!({}))).await;
    patch("/api/application/servers/99/build").await.assert_error(404, "NotFoundHttpException");
    let refused = patch("/api/application/servers/1/build").await;
    refused.assert_error(403, "AccessDeniedHttpException");
    assert_eq!(refused.details(), ["This action is unauthorized."]);
    for path in ["/api/application/servers", "/api/application/users", "/api/application/nodes"] {
        fixture.send(&key, "GET", path, None).await.assert_status(200);
        fixture.send(&key, "POST", path, Some(&json!({}))).await.assert_error(403, "AccessDeniedHttpException");
    }
    let suspend = "/api/application/servers/1/suspend";
    fixture.send(&key, "POST", suspend, None).await.assert_error(403, "AccessDeniedHttpException");
}

#[tokio::test]
async fn an_administrators_client_key_opens_the_application_api_and_others_do_not() {
    let fixture = Fixture::with_node_and_user().await;
    let admin = fixture.config.client_key.clone();
    fixture.send(&admin, "POST", "/api/application/servers", Some(&server("a"))).await.assert_status(201);
    fixture.panel.add_key("owner", 2, Grant::Client);
    fixture.send("owner", "GET", USERS, None).await.assert_error(403, "AccessDeniedHttpException");
    fixture.send("owner", "GET", "/api/client", None).await.assert_status(200);
}

#[tokio::test]
async fn an_application_key_is_refused_by_the_client_api() {
    let fixture = Fixture::with_server().await;
    let key = fixture.config.application_key.clone();
    let path = fixture.client_path("svc-1", "/power");
    fixture.send(&key, "POST", &path, None).await.assert_error(403, "AccessDeniedHttpException");
    fixture.send(&key, "GET", "/api/client/servers/unknown", None).await.assert_error(404, "NotFoundHttpException");
}

#[tokio::test]
async fn malformed_json_is_refused_after_the_key_and_before_anything_else() {
    let fixture = Fixture::holding();
    let send = async |key: &str| {
        let request = Request::builder()
            .method("POST")
            .uri("/api/application/nodes/99/allocations")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(Body::from("{\"ip\": "))
            .unwrap();
        fixture.answer(request).await
    };
    send("nobody").await.assert_error(401, "AuthenticationException");
    send(&fixture.config.application_key).await.assert_error(400, "BadRequestHttpException");
}

#[tokio::test]
async fn a_body_that_is_no_object_has_no_fields() {
    let fixture = Fixture::holding();
    for body in [json!([]), json!("text"), json!(7), json!(null)] {
        let answer = fixture.post(USERS, &body).await;
        answer.assert_violations(&[
            ("email", "required"),
            ("username", "required"),
            ("first_name", "required"),
            ("last_name", "required"),
        ]);
    }
}

#[tokio::test]
async fn a_key_with_an_address_list_is_refused_elsewhere() {
    let fixture = Fixture::holding();
    let key = fixture.config.application_key.clone();
    fixture.panel.restrict_key(&key, &["192.0.2.1".parse().unwrap()]);
    fixture.get(USERS).await.assert_error(403, "AccessDeniedHttpException");
    fixture.panel.restrict_key(&key, &["127.0.0.1".parse().unwrap()]);
    fixture.get(USERS).await.assert_status(200);
}

#[tokio::test(start_paused = true)]
async fn all_keys_of_a_user_share_one_bucket_per_api_and_refusals_count() {
    let fixture = Fixture::holding();
    let readonly = fixture.config.readonly_key.clone();
    let first = fixture.get(USERS).await;
    assert_eq!(first.header("x-ratelimit-limit"), "240");
    assert_eq!(first.header("x-ratelimit-remaining"), "239");
    let refused = fixture.send(&readonly, "POST", USERS, Some(&user("bob"))).await;
    assert_eq!(refused.header("x-ratelimit-remaining"), "238");
    let missing = fixture.get("/api/application/users/99").await;
    assert_eq!(missing.header("x-ratelimit-remaining"), "237");
    let client = fixture.client_get("/api/client").await;
    assert_eq!(client.header("x-ratelimit-limit"), "720");
    assert_eq!(client.header("x-ratelimit-remaining"), "719");
}

#[tokio::test(start_paused = true)]
async fn the_241st_request_of_a_minute_waits_for_the_next_minute() {
    let fixture = Fixture::holding();
    for _ in 0..240 {
        fixture.get(USERS).await.assert_status(200);
    }
    tokio::time::advance(std::time::Duration::from_secs(18)).await;
    let refused = fixture.get(USERS).await;
    refused.assert_error(429, "ThrottleRequestsException");
    assert_eq!(refused.details(), ["Too Many Attempts."]);
    assert_eq!(refused.header("retry-after"), "42");
    assert_eq!(refused.header("x-ratelimit-limit"), "240");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert!(refused.header("x-ratelimit-reset").parse::<i64>().unwrap() > 1_700_000_000);
    fixture.client_get("/api/client").await.assert_status(200);
    tokio::time::advance(std::time::Duration::from_secs(42)).await;
    assert_eq!(fixture.get(USERS).await.assert_status(200).header("x-ratelimit-remaining"), "239");
}
