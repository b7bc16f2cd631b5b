//! A server that keeps everything on disk: what is there after a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;
mod on_disk;

use std::time::Duration;

use common::{CONFIG_MAPS, config_map, delete, get, merge, pipelines_definition, post};
use hostwright_apiserver::{Config, Server};
use on_disk::{everything, filled, open, reopened};
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test]
async fn a_restart_keeps_everything() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    filled(&server).await;
    let before = everything(&server).await;
    let server = reopened(server, directory.path()).await;
    assert_eq!(everything(&server).await, before);
}

async fn version(server: &Server) -> String {
    get(server, CONFIG_MAPS).await.expect(200)["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

/// What a watch from this version on has to tell of what was so far.
async fn watched(server: &Server, query: &str) -> Vec<String> {
    let frames = get(server, &format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&{query}")).await.frames();
    let text = |frame: &Value| {
        let (object, kind) = (&frame["object"], frame["type"].as_str().unwrap());
        match object["code"].as_u64() {
            Some(code) => format!("{kind} {code}"),
            None => format!("{kind} {}", object["metadata"]["name"].as_str().unwrap()),
        }
    };
    frames.iter().map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_across_a_restart() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    let start = version(&server).await;
    filled(&server).await;
    let middle = version(&server).await;
    let server = reopened(server, directory.path()).await;
    merge(&server, &format!("{CONFIG_MAPS}/a"), json!({ "metadata": { "labels": { "in": "yes" } } })).await.expect(200);
    let all = ["ADDED a", "ADDED b", "ADDED c", "ADDED d", "MODIFIED b", "DELETED c", "MODIFIED a"];
    assert_eq!(watched(&server, &format!("resourceVersion={start}")).await, all);
    assert_eq!(watched(&server, &format!("resourceVersion={middle}")).await, ["MODIFIED a"]);
    // What an object was before its change is known, too.
    let selected = format!("resourceVersion={start}&labelSelector=in%3Dyes");
    assert_eq!(watched(&server, &selected).await, ["ADDED a"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_before_a_restart_is_forgotten_after_it() {
    let directory = TempDir::new().unwrap();
    let server = Server::open(directory.path(), Config { history: 4, ..Config::default() }).unwrap();
    let start = version(&server).await;
    post(&server, CONFIG_MAPS, config_map("z", json!({}))).await.expect(201);
    filled(&server).await;
    let server = reopened(server, directory.path()).await;
    assert_eq!(watched(&server, &format!("resourceVersion={start}")).await, ["ERROR 410"]);
}

#[tokio::test]
async fn pages_of_a_list_go_on_across_a_restart() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    filled(&server).await;
    let first = get(&server, &format!("{CONFIG_MAPS}?limit=1")).await.expect(200);
    delete(&server, &format!("{CONFIG_MAPS}/d"), json!({})).await.expect(200);
    let server = reopened(server, directory.path()).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let rest = get(&server, &format!("{CONFIG_MAPS}?continue={token}")).await.expect(200);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let names: Vec<&str> =
        rest["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "d"], "the page shows what was there when the list began");
}

#[tokio::test]
async fn history_grows_neither_on_disk_nor_in_memory() {
    let directory = TempDir::new().unwrap();
    let server = Server::open(directory.path(), Config { history_age: Duration::ZERO, ..Config::default() }).unwrap();
    let start = version(&server).await;
    let rows = || {
        let database = rusqlite::Connection::open(directory.path().join("apiserver.db")).unwrap();
        database.query_row("SELECT count(*) FROM versions", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = rows();
    for number in 0..20 {
        post(&server, CONFIG_MAPS, config_map("a", json!({ "number": number.to_string() }))).await.expect(201);
        delete(&server, &format!("{CONFIG_MAPS}/a"), json!({})).await.expect(200);
    }
    // The first watch that hears of it ends this: until then each one waits for the next change.
    let watching = format!("{CONFIG_MAPS}?watch=true&timeoutSeconds=1&resourceVersion={start}");
    while get(&server, &watching).await.frames()[0]["type"] != "ERROR" {}
    assert_eq!(rows(), before);
    assert!(!watched(&server, "").await.contains(&"ERROR 410".to_owned()));
}

#[tokio::test]
async fn a_removed_definition_takes_its_objects_along_for_good() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    filled(&server).await;
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pipelines.training.example.dev";
    delete(&server, definition, json!({})).await.expect(200);
    let server = reopened(server, directory.path()).await;
    get(&server, common::PIPELINES).await.expect(404);
    common::define(&server, pipelines_definition()).await;
    assert_eq!(get(&server, common::PIPELINES).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn owners_are_known_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    let owner = post(&server, CONFIG_MAPS, config_map("owner", json!({}))).await.expect(201);
    let mut dependent = config_map("dependent", json!({}));
    dependent["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"] }]);
    post(&server, CONFIG_MAPS, dependent).await.expect(201);
    let server = reopened(server, directory.path()).await;
    delete(&server, &format!("{CONFIG_MAPS}/owner"), json!({})).await.expect(200);
    get(&server, &format!("{CONFIG_MAPS}/dependent")).await.expect(404);
}

#[tokio::test]
async fn numbers_come_back_exactly() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    common::define(
        &server,
        common::thing_definition(json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })),
    )
    .await;
    let spec = json!({ "numbers": [0.1, 1e300, 2.5e-8, 0.238_347_588_131_543_66, 0.972_658_383_200_263_1, 122_416_294_033_786_585_u64, -1, 1.5, u64::MAX] });
    let before = post(&server, common::THINGS, common::thing("a", spec.clone())).await.expect(201);
    assert_eq!(before["spec"], spec);
    let server = reopened(server, directory.path()).await;
    assert_eq!(get(&server, &format!("{}/a", common::THINGS)).await.expect(200), before);
}

#[tokio::test]
async fn after_the_end_nothing_is_written_and_the_directory_is_free() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    server.close().await;
    server.close().await;
    let refused = post(&server, CONFIG_MAPS, config_map("a", json!({}))).await;
    assert_eq!((refused.status, refused.reason()), (500, "InternalError"));
    assert!(refused.message().contains("shutting down"), "{}", refused.message());
    get(&server, "/readyz").await;
    assert_eq!((get(&server, "/readyz").await.status, get(&server, "/livez").await.status), (500, 200));
    assert!(!directory.path().join("apiserver.db-wal").exists(), "all of it is in one file");
    open(directory.path());
}
