//! `hostwright backup` and `hostwright restore`, as a person uses them beside a running server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::collections::BTreeMap;
use std::path::Path;

use hostwright_apiserver::{Config, Server};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use tempfile::TempDir;
use tokio::process::Command;

/// What was said on standard output; on standard error where it failed.
async fn hostwright(arguments: &[&str]) -> Result<String, String> {
    let done = Command::new(env!("CARGO_BIN_EXE_hostwright")).args(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

fn maps(server: &Server) -> Api<ConfigMap> {
    Api::default_namespaced(Client::new(server.router(), "default"))
}

async fn create(server: &Server, name: &str) {
    let metadata = kube::api::ObjectMeta { name: Some(name.to_owned()), ..Default::default() };
    maps(server).create(&PostParams::default(), &ConfigMap { metadata, ..Default::default() }).await.unwrap();
}

async fn uids(server: &Server) -> BTreeMap<String, String> {
    let list = maps(server).list(&ListParams::default()).await.unwrap();
    list.iter().map(|map| (map.name_any(), map.uid().unwrap())).collect()
}

fn open(directory: &Path) -> Server {
    Server::open(directory, Config::default()).unwrap()
}

#[tokio::test]
async fn a_backup_of_a_server_under_load_becomes_another_server() {
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (original, copy, file) = (path("original"), path("copy"), path("backup"));
    let server = open(original.as_ref());
    create(&server, "before").await;
    let before = uids(&server).await;
    let writing = tokio::spawn({
        let server = server.clone();
        async move {
            for number in 0.. {
                create(&server, &format!("during-{number}")).await;
            }
        }
    });
    let arguments = ["backup", "--data-dir", &original, "--to", &file];
    let said = hostwright(&arguments).await.unwrap();
    assert!(said.contains(&file) && said.contains(&original), "{said}");
    writing.abort();
    let said = hostwright(&arguments).await.unwrap_err();
    assert!(said.contains(&format!("{file} exists already")), "{said}");

    let said = hostwright(&["restore", "--from", &file, "--data-dir", &copy]).await.unwrap();
    assert!(said.contains(&format!("hostwright standalone --data-dir {copy}")), "{said}");
    let said = hostwright(&["restore", "--from", &file, "--data-dir", &copy]).await.unwrap_err();
    assert!(said.contains(&format!("{copy} is not empty")), "{said}");
    let restored = uids(&open(copy.as_ref())).await;
    let original = uids(&server).await;
    assert!(before.iter().chain(&restored).all(|(name, uid)| original.get(name) == Some(uid)));
    assert!(before.keys().all(|name| restored.contains_key(name)));
}
