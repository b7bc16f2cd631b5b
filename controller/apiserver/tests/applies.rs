//! Server-side apply and who owns which field.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use common::{CONFIG_MAPS, THINGS, apply, config_map, define, get, merge, post, server, thing, thing_definition};
use hostwright_apiserver::Server;
use serde_json::{Value, json};

async fn with_things() -> Server {
    let server = server();
    let schema = json!({
        "type": "object",
        "properties": {
            "a": { "type": "string" }, "b": { "type": "string", "default": "b" },
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": { "type": "object", "required": ["name"], "properties": {
                    "name": { "type": "string" }, "port": { "type": "integer" },
                } },
            },
            "tags": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
            "whole": { "type": "array", "items": { "type": "string" } },
        },
    });
    define(&server, thing_definition(schema)).await;
    server
}

fn one() -> String {
    format!("{THINGS}/t")
}

fn owner(object: &Value, manager: &str) -> Value {
    let all = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    all.iter().find(|entry| entry["manager"] == manager).map(|entry| entry["fieldsV1"].clone()).unwrap_or_default()
}

#[tokio::test]
async fn managers_own_items_of_keyed_lists_and_sets() {
    let server = with_things().await;
    let spec = json!({ "ports": [{ "name": "x", "port": 1 }], "tags": ["m"] });
    apply(&server, &one(), "one", thing("t", spec)).await.expect(201);
    let spec = json!({ "ports": [{ "name": "y", "port": 2 }], "tags": ["n"] });
    let object = apply(&server, &one(), "two", thing("t", spec)).await.expect(200);
    assert_eq!(object["spec"]["ports"], json!([{ "name": "x", "port": 1 }, { "name": "y", "port": 2 }]));
    assert_eq!(object["spec"]["tags"], json!(["m", "n"]));
    let expected = json!({ "f:spec": {
        "f:ports": { "k:{\"name\":\"y\"}": { ".": {}, "f:name": {}, "f:port": {} } }, "f:tags": { "v:\"n\"": {} },
    } });
    assert_eq!(owner(&object, "two"), expected);
    let object = apply(&server, &one(), "one", thing("t", json!({ "a": "only" }))).await.expect(200);
    assert_eq!(object["spec"]["ports"], json!([{ "name": "y", "port": 2 }]));
    assert_eq!(object["spec"]["tags"], json!(["n"]));
}

#[tokio::test]
async fn an_atomic_list_has_one_owner() {
    let server = with_things().await;
    apply(&server, &one(), "one", thing("t", json!({ "whole": ["a"] }))).await.expect(201);
    let answer = apply(&server, &one(), "two", thing("t", json!({ "whole": ["b"] }))).await;
    assert_eq!((answer.status, answer.reason()), (409, "Conflict"));
    assert_eq!(answer.message(), "Apply failed with 1 conflict: conflict with \"one\": .spec.whole");
    let path = format!("{}?force=true", one());
    let object = apply(&server, &path, "two", thing("t", json!({ "whole": ["b"] }))).await.expect(200);
    assert_eq!((&object["spec"]["whole"], owner(&object, "one")), (&json!(["b"]), Value::Null));
}

#[tokio::test]
async fn several_conflicts_are_listed_by_manager() {
    let server = with_things().await;
    apply(&server, &one(), "one", thing("t", json!({ "a": "1", "b": "1" }))).await.expect(201);
    let answer = apply(&server, &one(), "two", thing("t", json!({ "a": "2", "b": "2" }))).await;
    let expected = "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.a\n- .spec.b";
    assert_eq!((answer.message(), answer.body["details"]["causes"].as_array().unwrap().len()), (expected, 2));
}

#[tokio::test]
async fn equal_values_are_owned_together_and_stay_when_one_lets_go() {
    let server = with_things().await;
    apply(&server, &one(), "one", thing("t", json!({ "a": "same" }))).await.expect(201);
    apply(&server, &one(), "two", thing("t", json!({ "a": "same" }))).await.expect(200);
    let object = apply(&server, &one(), "one", thing("t", json!({}))).await.expect(200);
    assert_eq!(object["spec"]["a"], "same");
    let object = apply(&server, &one(), "two", thing("t", json!({ "b": "x" }))).await.expect(200);
    assert!(object["spec"].get("a").is_none(), "{object}");
}

#[tokio::test]
async fn a_field_let_go_falls_back_to_its_default_that_nobody_owns() {
    let server = with_things().await;
    apply(&server, &one(), "one", thing("t", json!({ "a": "1", "b": "mine" }))).await.expect(201);
    let object = apply(&server, &one(), "one", thing("t", json!({ "a": "1" }))).await.expect(200);
    assert_eq!(object["spec"]["b"], "b");
    assert_eq!(owner(&object, "one"), json!({ "f:spec": { "f:a": {} } }));
}

#[tokio::test]
async fn applying_the_same_again_changes_nothing() {
    let server = with_things().await;
    let first = apply(&server, &one(), "one", thing("t", json!({ "a": "1" }))).await.expect(201);
    let again = apply(&server, &one(), "one", thing("t", json!({ "a": "1" }))).await.expect(200);
    assert_eq!(first, again);
}

#[tokio::test]
async fn the_status_is_applied_apart() {
    let server = with_things().await;
    post(&server, THINGS, thing("t", json!({ "a": "1" }))).await.expect(201);
    let mut object = thing("t", json!({ "a": "ignored" }));
    object["status"] = json!({ "phase": "Up", "left": 1 });
    let found = apply(&server, &format!("{}/status", one()), "c", object).await.expect(200);
    assert_eq!((&found["status"], &found["spec"]["a"]), (&json!({ "phase": "Up", "left": 1 }), &json!("1")));
    let mut object = thing("t", json!({}));
    object["status"] = json!({ "phase": "Up" });
    let found = apply(&server, &format!("{}/status", one()), "c", object).await.expect(200);
    assert_eq!(found["status"], json!({ "phase": "Up" }));
    let entries = found["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!((&entries[0]["operation"], &entries[0]["subresource"]), (&json!("Apply"), &json!("status")));
}

#[tokio::test]
async fn core_kinds_are_applied_too_and_plain_writes_take_fields_over() {
    let server = server();
    let path = format!("{CONFIG_MAPS}/a");
    apply(&server, &path, "one", config_map("a", json!({ "x": "1", "y": "1" }))).await.expect(201);
    let object = merge(&server, &path, json!({ "data": { "x": "2" } })).await.expect(200);
    assert_eq!(owner(&object, "one"), json!({ "f:data": { "f:y": {} } }));
    assert_eq!(owner(&object, "golden"), json!({ "f:data": { "f:x": {} } }));
    let answer = apply(&server, &path, "one", config_map("a", json!({ "x": "1" }))).await;
    assert_eq!(answer.message(), "Apply failed with 1 conflict: conflict with \"golden\" using v1: .data.x");
    assert_eq!(get(&server, &path).await.expect(200)["data"], json!({ "x": "2", "y": "1" }));
}
