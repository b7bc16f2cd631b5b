//! The server answers recorded requests as the kube-apiserver 1.36 did that they were recorded from.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::collections::HashMap;

use common::{PIPELINES, send, with_pipelines};
use hostwright_apiserver::Server;
use serde_json::{Value, json};

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("fixtures/recorded.json")).unwrap()
}

/// What differs in each run: uids, versions, times, generated names and tokens.
#[derive(Default)]
struct Live {
    /// From the recording's values to those of this run.
    values: HashMap<String, String>,
}

impl Live {
    /// Puts this run's values into a recorded request.
    fn adapt(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(live) = self.values.get(text) {
                    live.clone_into(text);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|item| self.adapt(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.adapt(item)),
            _ => {}
        }
    }

    /// Compares an answer with the recorded one and learns this run's values from it.
    fn compare(&mut self, recorded: &Value, found: &Value, path: &str) {
        match (recorded, found) {
            (Value::Object(a), Value::Object(b)) => {
                let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
                assert_eq!(keys(a), keys(b), "fields of {path} in {found}");
                for (name, recorded) in a {
                    self.compare(recorded, &b[name], &format!("{path}.{name}"));
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len(), "length of {path} in {found}");
                for (index, (recorded, found)) in a.iter().zip(b).enumerate() {
                    self.compare(recorded, found, &format!("{path}[{index}]"));
                }
            }
            (Value::String(a), Value::String(b)) => self.compare_text(a, b, path),
            _ => assert_eq!(recorded, found, "{path}"),
        }
    }

    fn compare_text(&mut self, recorded: &str, found: &str, path: &str) {
        let field = path.rsplit('.').next().unwrap_or_default();
        if matches!(field, "uid" | "resourceVersion") || (field == "name" && recorded.starts_with("gen-")) {
            // The same value in the recording is the same value here, and a new one is a new one.
            let live = self.values.entry(recorded.to_owned()).or_insert_with(|| found.to_owned());
            assert_eq!(live, found, "{path}: recorded as {recorded}");
            return;
        }
        if matches!(field, "creationTimestamp" | "deletionTimestamp" | "time" | "continue") {
            assert_eq!(recorded.is_empty(), found.is_empty(), "{path}");
            // Requests that send a time back are all about the object that was created first.
            self.values.entry(recorded.to_owned()).or_insert_with(|| found.to_owned());
            return;
        }
        // Messages may quote an uid.
        let mut expected = recorded.to_owned();
        for (recorded, live) in self.values.iter().filter(|(recorded, _)| recorded.len() == 36) {
            expected = expected.replace(recorded, live);
        }
        assert_eq!(expected, found, "{path}");
    }
}

async fn replay(server: &Server, exchange: &Value, live: &Live) -> common::Answer {
    let mut request = exchange["request"].clone();
    live.adapt(&mut request);
    let body = if request.is_null() { Vec::new() } else { request.to_string().into_bytes() };
    let headers = [("user-agent", "golden"), ("content-type", exchange["contentType"].as_str().unwrap())];
    send(server, exchange["method"].as_str().unwrap(), exchange["path"].as_str().unwrap(), &headers, body).await
}

/// What the requests answer whose answers were not kept, by the documented rules of the real server.
fn check_by_rule(n: u64, answer: &common::Answer) {
    let details = &answer.body["details"];
    match n {
        3 => {
            assert_eq!((answer.status, answer.reason()), (409, "AlreadyExists"));
            assert_eq!(answer.message(), "pipelines.training.example.dev \"g1\" already exists");
            assert_eq!(details["kind"], "pipelines");
        }
        4 => {
            assert_eq!(answer.status, 201);
            assert!(answer.body.get("status").is_none(), "the status is dropped: {}", answer.text);
        }
        7 => {
            assert_eq!((answer.status, answer.reason()), (422, "Invalid"));
            let cause = json!({
                "reason": "FieldValueInvalid", "field": "spec",
                "message": "Invalid value: minReplicas must not exceed replicas",
            });
            assert_eq!(details["causes"], json!([cause]));
            assert_eq!(details["kind"], "Pipeline");
        }
        9 => {
            assert_eq!((answer.status, answer.reason()), (400, "BadRequest"));
            assert_eq!(details, &Value::Null);
            assert!(answer.message().contains("strict decoding error: unknown field \"spec.bogus\""));
        }
        11 => {
            assert_eq!(answer.status, 201);
            assert!(answer.body["metadata"]["uid"].is_string());
            assert!(answer.body["metadata"].get("resourceVersion").is_none());
        }
        16 => {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body["metadata"]["generation"], 2);
        }
        20 => {
            assert_eq!((answer.status, answer.reason()), (422, "Invalid"));
            assert_eq!(details, &json!({}));
            assert_eq!(answer.message(), "the server rejected our request due to an error in our request");
        }
        23 => {
            assert_eq!(answer.status, 200);
            let owners = answer.body["metadata"]["managedFields"].as_array().unwrap();
            assert_eq!(owners[0]["fieldsV1"], json!({ "f:spec": { "f:plugin": {}, "f:replicas": {} } }));
            assert_eq!(owners[1]["fieldsV1"], json!({ "f:spec": { ".": {}, "f:plugin": {} } }));
        }
        27 => assert_eq!((answer.status, answer.reason()), (404, "NotFound")),
        29 => {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.body["metadata"]["generation"], 6);
            assert_eq!(answer.body["metadata"]["deletionGracePeriodSeconds"], 0);
        }
        34 => {
            assert_eq!((answer.status, answer.body["status"].as_str()), (200, Some("Success")));
            assert_eq!((&details["name"], &details["kind"]), (&json!("ssanew"), &json!("pipelines")));
            assert!(details["uid"].is_string());
        }
        38 => {
            assert_eq!((answer.status, answer.reason()), (400, "BadRequest"));
            assert_eq!(answer.message(), "field label not supported: spec.replicas");
        }
        other => panic!("no rule for request {other}"),
    }
}

#[tokio::test]
async fn forty_requests_are_answered_as_recorded() {
    let server = with_pipelines().await;
    let mut live = Live::default();
    for exchange in recorded() {
        let n = exchange["n"].as_u64().unwrap();
        let answer = replay(&server, &exchange, &live).await;
        let Some(status) = exchange["status"].as_u64() else {
            check_by_rule(n, &answer);
            continue;
        };
        assert_eq!(u64::from(answer.status), status, "{n}: {}", answer.text);
        let warning = exchange["warning"].as_str();
        assert_eq!(answer.warnings.first().map(String::as_str), warning, "{n}");
        live.compare(&exchange["response"], &answer.body, &format!("{n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn watches_send_the_recorded_frames() {
    let server = with_pipelines().await;
    let mut live = Live::default();
    for exchange in recorded() {
        let answer = replay(&server, &exchange, &live).await;
        if exchange["status"].is_u64() {
            live.compare(&exchange["response"], &answer.body, "setup");
        }
    }
    let frames: Vec<Value> = serde_json::from_str(include_str!("fixtures/recorded_watch.json")).unwrap();
    let of =
        |stream: &str| -> Vec<Value> { frames.iter().filter(|frame| frame["stream"] == *stream).cloned().collect() };
    let path = |frames: &[Value]| format!("{PIPELINES}{}", frames[0]["query"].as_str().unwrap());

    let initial = of("A");
    let found = common::get(&server, &path(&initial)).await.frames();
    for (recorded, found) in initial.iter().zip(&found) {
        live.compare(&recorded["event"], found, "A");
    }
    assert!(found.iter().skip(initial.len()).all(|frame| frame["type"] == "BOOKMARK"), "{found:?}");

    let outdated = common::get(&server, &path(&of("B"))).await;
    assert_eq!(outdated.status, 200);
    let frames = outdated.frames();
    assert_eq!((&frames[0]["type"], &frames[0]["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!((frames.len(), &frames[0]["object"]["reason"]), (1, &json!("Expired")));

    let refused = of("C");
    let answer = common::get(&server, &path(&refused)).await;
    assert_eq!(u64::from(answer.status), refused[0]["httpStatus"].as_u64().unwrap());
    live.compare(&refused[0]["body"], &answer.body, "C");

    let changes = of("D");
    let now = live.values["497"].clone();
    let watch = path(&changes).replace("resourceVersion=497", &format!("resourceVersion={now}"));
    let watching = tokio::spawn({
        let server = server.clone();
        async move { common::get(&server, &watch).await.frames() }
    });
    tokio::task::yield_now().await;
    let object = json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": "wv" },
        "spec": { "plugin": "demo" },
    });
    let one = format!("{PIPELINES}/wv");
    let golden = [("user-agent", "golden"), ("content-type", "application/json")];
    send(&server, "POST", PIPELINES, &golden, object.to_string().into_bytes()).await.expect(201);
    let label = json!({ "metadata": { "labels": { "a": "b" } } });
    let golden_merge = [("user-agent", "golden"), ("content-type", "application/merge-patch+json")];
    send(&server, "PATCH", &one, &golden_merge, label.to_string().into_bytes()).await.expect(200);
    send(&server, "DELETE", &one, &golden, Vec::new()).await.expect(200);
    let found = watching.await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);
    for (recorded, found) in changes.iter().zip(&found).filter(|(recorded, _)| recorded["event"].is_object()) {
        live.compare(&recorded["event"], found, "D");
    }
    let (modified, deleted) = (&found[1]["object"]["metadata"], &found[2]["object"]["metadata"]);
    assert_eq!(modified["labels"], deleted["labels"]);
    assert_ne!(modified["resourceVersion"], deleted["resourceVersion"]);
    assert_eq!(found[3]["object"]["metadata"]["resourceVersion"], deleted["resourceVersion"]);
}
