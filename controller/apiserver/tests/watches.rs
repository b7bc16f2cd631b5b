//! Watches: what they send, when they end, and how they recover.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::time::Duration;

use common::{CONFIG_MAPS, config_map, delete, get, merge, post, send, server};
use hostwright_apiserver::{Config, Server};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Reads a watch to its end while the test goes on.
fn watch(server: &Server, query: &str) -> JoinHandle<Vec<Value>> {
    let (server, path) = (server.clone(), format!("{CONFIG_MAPS}?watch=true&{query}"));
    tokio::spawn(async move { get(&server, &path).await.frames() })
}

fn kinds(frames: &[Value]) -> Vec<String> {
    let text = |frame: &Value| {
        let name = frame["object"]["metadata"]["name"].as_str().unwrap_or("-").to_owned();
        format!("{} {name}", frame["type"].as_str().unwrap())
    };
    frames.iter().map(text).collect()
}

async fn version(server: &Server) -> String {
    get(server, CONFIG_MAPS).await.expect(200)["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn without_a_version_a_watch_begins_with_what_exists() {
    let server = server();
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    for query in ["timeoutSeconds=1", "timeoutSeconds=1&resourceVersion=0"] {
        assert_eq!(kinds(&watch(&server, query).await.unwrap()), ["ADDED a"]);
    }
    let now = version(&server).await;
    assert!(watch(&server, &format!("timeoutSeconds=1&resourceVersion={now}")).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_leaves_the_selection_is_deleted_and_one_that_enters_added() {
    let server = server();
    let now = version(&server).await;
    let watching = watch(&server, &format!("timeoutSeconds=1&resourceVersion={now}&labelSelector=in%3Dyes"));
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    let path = format!("{CONFIG_MAPS}/a");
    for label in [json!("yes"), json!("no"), json!("yes")] {
        merge(&server, &path, json!({ "metadata": { "labels": { "in": label } } })).await.expect(200);
    }
    delete(&server, &path, json!({})).await.expect(200);
    let frames = watching.await.unwrap();
    assert_eq!(kinds(&frames), ["ADDED a", "DELETED a", "ADDED a", "DELETED a"]);
    assert_eq!(frames[1]["object"]["metadata"]["labels"]["in"], "yes");
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_regularly_and_before_the_end() {
    let server = Server::new(Config { bookmark_interval: Duration::from_secs(10), ..Config::default() });
    let now = version(&server).await;
    let query = format!("timeoutSeconds=35&allowWatchBookmarks=true&labelSelector=none&resourceVersion={now}");
    let watching = watch(&server, &query);
    tokio::time::advance(Duration::from_secs(1)).await;
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    assert_eq!(kinds(&watching.await.unwrap()), ["BOOKMARK -"; 4]);
    // Where nothing has happened since, there is nothing that the client does not know.
    assert!(watch(&server, &query).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_forgotten_is_answered_with_one_expired_frame() {
    let server = Server::new(Config { history: 2, ..Config::default() });
    let start = version(&server).await;
    for name in ["a", "b", "c"] {
        post(&server, CONFIG_MAPS, config_map(name, json!({}))).await.expect(201);
    }
    let frames = watch(&server, &format!("timeoutSeconds=1&resourceVersion={start}")).await.unwrap();
    assert_eq!((frames.len(), &frames[0]["type"], &frames[0]["object"]["code"]), (1, &json!("ERROR"), &json!(410)));
}

#[tokio::test(start_paused = true)]
async fn streaming_lists_end_with_an_annotated_bookmark() {
    let server = server();
    for name in ["b", "a"] {
        post(&server, CONFIG_MAPS, config_map(name, json!({}))).await.expect(201);
    }
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    let frames = watch(&server, &format!("{query}&allowWatchBookmarks=true")).await.unwrap();
    assert_eq!(kinds(&frames)[..3], ["ADDED a", "ADDED b", "BOOKMARK -"]);
    assert_eq!(frames[2]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(kinds(&watch(&server, query).await.unwrap()), ["ADDED a", "ADDED b"]);
    for query in [
        "sendInitialEvents=true",
        "resourceVersionMatch=NotOlderThan",
        "sendInitialEvents=true&resourceVersionMatch=Exact",
    ] {
        let answer = get(&server, &format!("{CONFIG_MAPS}?watch=true&{query}")).await;
        assert_eq!(
            (answer.status, &answer.body["details"]["causes"][0]["field"]),
            (422, &json!("resourceVersionMatch"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_can_send_tables() {
    let server = server();
    post(&server, CONFIG_MAPS, config_map("a", json!({ "x": "1" }))).await.expect(201);
    post(&server, CONFIG_MAPS, config_map("b", json!({}))).await.expect(201);
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    let path = format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1");
    let frames = send(&server, "GET", &path, &accept, Vec::new()).await.frames();
    assert_eq!(frames[0]["object"]["rows"][0]["cells"], json!(["a", 1, "0s"]));
    assert_eq!(frames[0]["object"]["columnDefinitions"][0]["name"], "Name");
    assert_eq!(frames[1]["object"]["columnDefinitions"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_definition_after_the_deletions() {
    let server = common::with_pipelines().await;
    let object = json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": "p" }, "spec": {},
    });
    post(&server, common::PIPELINES, object).await.expect(201);
    let watching = tokio::spawn({
        let server = server.clone();
        async move { get(&server, &format!("{}?watch=true", common::PIPELINES)).await.frames() }
    });
    tokio::task::yield_now().await;
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pipelines.training.example.dev";
    delete(&server, definition, json!({})).await.expect(200);
    assert_eq!(kinds(&watching.await.unwrap()), ["ADDED p", "DELETED p"]);
}
