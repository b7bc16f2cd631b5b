//! Real clients: kube without a socket, with and without faults.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{CONFIG_MAPS, config_map, get, post, server};
use futures::StreamExt as _;
use hostwright_apiserver::{Fault, Matcher, Server};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, Discovery};
use serde_json::json;

fn maps(server: &Server) -> Api<ConfigMap> {
    Api::default_namespaced(Client::new(server.router(), "default"))
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(config_map(name, json!({ "a": "1" }))).unwrap()
}

#[tokio::test]
async fn kube_creates_patches_applies_and_deletes() {
    let server = server();
    let api = maps(&server);
    api.create(&PostParams::default(), &map("a")).await.unwrap();
    let params = PatchParams::apply("test");
    api.patch("a", &params, &Patch::Apply(config_map("a", json!({ "b": "2" })))).await.unwrap();
    let patched = api.patch("a", &params, &Patch::Merge(json!({ "data": { "c": "3" } }))).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 3);
    assert!(api.create(&PostParams::default(), &map("a")).await.unwrap_err().to_string().contains("already exists"));
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
    Discovery::new(Client::new(server.router(), "default")).run_aggregated().await.unwrap();
    Discovery::new(Client::new(server.router(), "default")).run().await.unwrap();
}

#[tokio::test]
async fn the_watcher_lists_streams_and_follows() {
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let server = server();
        let api = maps(&server);
        api.create(&PostParams::default(), &map("a")).await.unwrap();
        let mut events = pin!(watcher::watcher(api.clone(), config));
        let mut seen = Vec::new();
        while seen.last().is_none_or(|last| last != "done") {
            seen.push(match events.next().await.unwrap().unwrap() {
                Event::Init => "init".to_owned(),
                Event::InitApply(map) => map.metadata.name.unwrap(),
                Event::InitDone => "done".to_owned(),
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(seen, ["init", "a", "done"]);
        api.create(&PostParams::default(), &map("b")).await.unwrap();
        assert!(
            matches!(events.next().await.unwrap().unwrap(), Event::Apply(map) if map.metadata.name.as_deref() == Some("b"))
        );
        // The dropped stream is taken up where it ended.
        server.faults().drop_watches();
        api.delete("b", &DeleteParams::default()).await.unwrap();
        loop {
            match events.next().await.unwrap() {
                Ok(Event::Delete(map)) => break assert_eq!(map.metadata.name.as_deref(), Some("b")),
                Ok(other) => panic!("{other:?}"),
                Err(_) => {}
            }
        }
    }
}

#[tokio::test]
async fn faults_before_the_effect_leave_no_trace_and_faults_after_it_do() {
    let create = || Matcher::any().verb("create").resource("configmaps");
    for (fault, status, effect) in [
        (Fault::Conflict, 409, false),
        (Fault::TooManyRequests(Duration::from_secs(2)), 429, false),
        (Fault::ErrorBefore, 500, false),
        (Fault::ErrorAfter, 500, true),
    ] {
        let server = server();
        server.faults().once(create(), fault.clone());
        assert_eq!(post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.status, status);
        assert_eq!(get(&server, &format!("{CONFIG_MAPS}/a")).await.status == 200, effect, "{fault:?}");
        let again = post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.status;
        assert_eq!(again, if effect { 409 } else { 201 }, "{fault:?} happens once");
    }
    for (fault, effect) in [(Fault::DisconnectBefore, false), (Fault::DisconnectAfter, true)] {
        let server = server();
        let api = maps(&server);
        server.faults().once(create(), fault);
        assert!(api.create(&PostParams::default(), &map("a")).await.is_err());
        assert_eq!(api.get_opt("a").await.unwrap().is_some(), effect);
    }
}

#[tokio::test(start_paused = true)]
async fn latency_passes_on_the_paused_clock() {
    let server = server();
    server.faults().always(Matcher::any().verb("get"), Fault::Latency(Duration::from_hours(1)));
    let before = tokio::time::Instant::now();
    get(&server, &format!("{CONFIG_MAPS}/a")).await.expect(404);
    assert_eq!(before.elapsed(), Duration::from_hours(1));
}

#[tokio::test]
async fn frozen_reads_show_the_past_until_they_are_released() {
    let server = server();
    server.freeze_reads(Matcher::any().resource("configmaps"));
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    get(&server, &format!("{CONFIG_MAPS}/a")).await.expect(404);
    assert_eq!(get(&server, CONFIG_MAPS).await.expect(200)["items"], json!([]));
    let mut events = pin!(watcher::watcher(maps(&server), watcher::Config::default()));
    assert!(matches!(events.next().await.unwrap().unwrap(), Event::Init));
    assert!(matches!(events.next().await.unwrap().unwrap(), Event::InitDone));
    server.faults().release_reads();
    assert!(matches!(events.next().await.unwrap().unwrap(), Event::Apply(_)));
    get(&server, &format!("{CONFIG_MAPS}/a")).await.expect(200);
}

#[tokio::test]
async fn requests_are_recorded_and_writes_counted() {
    let server = server();
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    post(&server, &format!("{CONFIG_MAPS}?dryRun=All"), config_map("b", json!({}))).await.expect(201);
    get(&server, &format!("{CONFIG_MAPS}/a")).await.expect(200);
    assert_eq!((server.requests().len(), server.faults().writes()), (3, 1));
    let last = server.requests().pop().unwrap();
    assert_eq!(
        (last.verb.as_str(), last.resource.as_str(), last.name.as_str(), last.status),
        ("get", "configmaps", "a", 200)
    );
    assert_eq!((last.namespace.as_str(), last.user_agent.as_str()), ("default", "golden/1.0"));
    assert_eq!(server.faults().count(&Matcher::any().verb("create")), 2);
}
