//! A server that keeps everything on disk: what is there after a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::path::Path;

use common::{CONFIG_MAPS, apply, config_map, delete, get, merge, pipelines_definition, post};
use hostwright_apiserver::{Config, OpenError, Server, backup, restore};
use serde_json::{Value, json};
use tempfile::TempDir;

fn open(directory: &Path) -> Server {
    Server::open(directory, Config::default()).unwrap()
}

/// The same directory in the hands of another server.
async fn reopened(server: Server, directory: &Path) -> Server {
    server.close().await;
    open(directory)
}

async fn everything(server: &Server) -> Vec<Value> {
    let mut lists = Vec::new();
    for path in [
        "/api/v1/namespaces",
        "/api/v1/configmaps",
        "/apis/training.example.dev/v1alpha1/pipelines",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ] {
        lists.push(get(server, path).await.expect(200));
    }
    lists
}

/// Objects of several kinds, changed in several ways.
async fn filled(server: &Server) {
    common::define(server, pipelines_definition()).await;
    for name in ["a", "b", "c", "d"] {
        post(server, CONFIG_MAPS, config_map(name, json!({ "number": "1" }))).await.expect(201);
    }
    merge(server, &format!("{CONFIG_MAPS}/b"), json!({ "data": { "number": "2" } })).await.expect(200);
    delete(server, &format!("{CONFIG_MAPS}/c"), json!({})).await.expect(200);
    let pipeline = json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": "p" },
        "spec": { "plugin": "demo" },
    });
    apply(server, &format!("{}/p", common::PIPELINES), "tester", pipeline).await.expect(201);
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    filled(&server).await;
    let before = everything(&server).await;
    let server = reopened(server, directory.path()).await;
    assert_eq!(everything(&server).await, before);
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    let _first = open(directory.path());
    let error = Server::open(directory.path(), Config::default()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { process: Some(id), .. } if id == std::process::id()), "{error}");
}

#[tokio::test]
async fn a_backup_holds_what_was_there_and_a_restored_server_counts_on_far_ahead() {
    let place = TempDir::new().unwrap();
    let (original, copy) = (place.path().join("original"), place.path().join("copy"));
    let file = place.path().join("backup");
    let server = open(&original);
    filled(&server).await;
    let before = everything(&server).await;
    server.backup(&file).unwrap();
    assert!(matches!(server.backup(&file), Err(OpenError::Occupied { .. })));
    backup(&original, &place.path().join("another")).unwrap();

    restore(&file, &copy).unwrap();
    let restored = open(&copy);
    let after = everything(&restored).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["items"], after["items"]);
        let version = |list: &Value| list["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(version(after) > version(before) + 999_999_999);
    }
}
