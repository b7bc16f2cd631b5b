//! What one client may cost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{CONFIG_MAPS, config_map, get, merge, post, put, send, server};
use futures::StreamExt as _;
use hostwright_apiserver::{Config, Limits, Server};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

fn limited(limits: Limits) -> Server {
    Server::new(Config { limits, ..Config::default() })
}

fn small() -> Limits {
    Limits { object: 20_000, list: 30_000, ..Limits::default() }
}

#[tokio::test]
async fn addresses_headers_and_bodies_have_a_length_above_which_they_are_refused() {
    let server = server();
    let limits = Limits::default();
    let long = |bytes: usize| format!("{CONFIG_MAPS}?x={}", "a".repeat(bytes));
    assert_eq!(get(&server, &long(limits.url / 2)).await.status, 200);
    let refused = get(&server, &long(limits.url)).await;
    assert_eq!(
        refused.message(),
        format!("Request-URI too long: it has {} bytes, and the limit is 32768", 32768 + CONFIG_MAPS.len() + 3)
    );
    refused.expect(414);

    let value = "v".repeat(limits.headers / 2);
    assert_eq!(send(&server, "GET", CONFIG_MAPS, &[("a", &value)], Vec::new()).await.status, 200);
    let refused = send(&server, "GET", CONFIG_MAPS, &[("a", &value), ("b", &value)], Vec::new()).await;
    assert!(refused.message().starts_with("Request header fields too large"), "{}", refused.message());
    refused.expect(431);
    let many = vec![("a", "b"); limits.header_count + 1];
    send(&server, "GET", CONFIG_MAPS, &many, Vec::new()).await.expect(431);

    for bytes in [limits.body + 1, 4 * limits.body] {
        for method in ["POST", "DELETE"] {
            let path = if method == "DELETE" { format!("{CONFIG_MAPS}/a") } else { CONFIG_MAPS.to_owned() };
            let refused =
                send(&server, method, &path, &[("content-type", "application/json")], vec![b' '; bytes]).await;
            assert_eq!(refused.message(), "Request entity too large: limit is 3145728");
            assert_eq!(refused.reason(), "RequestEntityTooLarge");
            refused.expect(413);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let body = Body::from_stream(futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let request = http::Request::post(CONFIG_MAPS).body(body).unwrap();
    let before = tokio::time::Instant::now();
    let response = server().router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 504);
    assert_eq!(before.elapsed(), Limits::default().body_time);
}

#[tokio::test]
async fn an_object_has_a_size_it_cannot_grow_beyond_by_any_write() {
    let server = limited(small());
    let text = |bytes: usize| "x".repeat(bytes);
    let refused = post(&server, CONFIG_MAPS, config_map("a", json!({ "a": text(20_000) }))).await;
    assert_eq!(refused.reason(), "RequestEntityTooLarge");
    refused.expect(413);
    post(&server, CONFIG_MAPS, config_map("a", json!({ "a": text(15_000) }))).await.expect(201);
    let path = format!("{CONFIG_MAPS}/a");
    merge(&server, &path, json!({ "data": { "b": text(10_000) } })).await.expect(413);
    common::apply(&server, &path, "m", config_map("a", json!({ "b": text(10_000) }))).await.expect(413);
    common::apply(&server, &format!("{CONFIG_MAPS}/b"), "m", config_map("b", json!({ "b": text(20_000) })))
        .await
        .expect(413);
    let mut changed = get(&server, &path).await.expect(200);
    changed["data"]["a"] = json!("\0".repeat(3_500));
    let refused = put(&server, &path, changed).await;
    assert!(refused.message().contains("the limit is 20000"), "{}", refused.message());
    refused.expect(413);
    assert_eq!(get(&server, &path).await.expect(200)["data"]["a"], text(15_000));
}

#[tokio::test]
async fn a_list_that_is_too_large_as_a_whole_comes_in_pages() {
    let server = limited(small());
    for number in 0..4 {
        let name = format!("m{number}");
        post(&server, CONFIG_MAPS, config_map(&name, json!({ "a": "x".repeat(10_000) }))).await.expect(201);
    }
    let refused = get(&server, CONFIG_MAPS).await;
    assert!(refused.message().contains("ask for pages"), "{}", refused.message());
    refused.expect(413);

    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let page = get(&server, &format!("{CONFIG_MAPS}?limit=500&continue={token}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!((1..=2).contains(&items.len()));
        names.extend(items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()));
        token = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["m0", "m1", "m2", "m3"]);
}

async fn watch(server: &Server, query: &str) -> http::Response<Body> {
    let request = http::Request::get(format!("{CONFIG_MAPS}?watch=1{query}")).body(Body::empty()).unwrap();
    server.router().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn there_are_so_many_watches_and_no_more() {
    let server = limited(Limits { watches: 2, ..Limits::default() });
    let first = watch(&server, "").await;
    let _second = watch(&server, "").await;
    let refused = watch(&server, "").await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    let body: Value = serde_json::from_slice(&refused.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body["reason"], "TooManyRequests");
    drop(first);
    assert_eq!(watch(&server, "").await.status(), 200);
}

/// The types of the frames that come until the watch has nothing more to say.
async fn rest_of(mut stream: axum::body::BodyDataStream) -> Vec<String> {
    let mut types = Vec::new();
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_mins(1), stream.next()).await {
        let frame: Value = serde_json::from_slice(&frame.unwrap()).unwrap();
        types.push(frame["type"].as_str().unwrap().to_owned());
    }
    types
}

#[tokio::test(start_paused = true)]
async fn a_watch_holds_a_few_frames_for_a_client_that_does_not_read_and_no_more() {
    let server = Server::new(Config { history: 300, ..Config::default() });
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    let path = format!("{CONFIG_MAPS}/a");
    let change = async |number: usize| {
        let data = json!({ "data": { "a": format!("{number}{}", "x".repeat(10_000)) } });
        merge(&server, &path, data).await.expect(200);
    };
    let mut stream = watch(&server, "&allowWatchBookmarks=true").await.into_body().into_data_stream();
    stream.next().await.unwrap().unwrap();
    for number in 0..200 {
        change(number).await;
    }
    stream.next().await.unwrap().unwrap();
    for number in 200..600 {
        change(number).await;
    }
    let types = rest_of(stream).await;
    assert_eq!(types.last().unwrap(), "ERROR");
    assert!(types.len() < 20, "{}", types.len());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_asked_to_last_for_ages_lasts_a_day() {
    let server = server();
    let before = tokio::time::Instant::now();
    watch(&server, "&timeoutSeconds=9223372036854775807").await.into_body().collect().await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_hours(24));
    let beyond = watch(&server, "&timeoutSeconds=18446744073709551615").await;
    assert_eq!(beyond.status(), 400);
}

#[tokio::test]
async fn a_bug_ends_one_request_and_not_the_server() {
    let server = server();
    server.faults().intercept(|request| if request.name == "bug" { panic!("a bug") } else { Vec::new() });
    let answer = get(&server, &format!("{CONFIG_MAPS}/bug")).await;
    assert_eq!(answer.reason(), "InternalError");
    assert!(answer.message().contains("caused apiserver to panic"), "{}", answer.message());
    answer.expect(500);
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
}
