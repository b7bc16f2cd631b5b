//! Servers that keep everything in a directory.

#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::path::Path;

use hostwright_apiserver::{Config, Server};
use serde_json::{Value, json};

use crate::common::{self, CONFIG_MAPS, apply, config_map, delete, get, merge, pipelines_definition, post};

pub fn open(directory: &Path) -> Server {
    Server::open(directory, Config::default()).unwrap()
}

/// The same directory in the hands of another server.
pub async fn reopened(server: Server, directory: &Path) -> Server {
    server.close().await;
    open(directory)
}

pub async fn everything(server: &Server) -> Vec<Value> {
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
pub async fn filled(server: &Server) {
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
