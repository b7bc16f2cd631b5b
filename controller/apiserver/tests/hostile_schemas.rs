//! Definitions and objects that are made to be expensive to validate, or to break what validates them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use common::{Answer, THINGS, apply, define, get, post, put, server, thing, thing_definition};
use hostwright_apiserver::Server;
use serde_json::{Value, json};

async fn with_things(spec: Value) -> Server {
    let server = server();
    define(&server, thing_definition(spec)).await;
    server
}

/// Whatever was sent, the answer is a `Status` of a failure that is the client's.
#[track_caller]
fn refused(answer: &Answer) {
    assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text);
    assert_eq!(answer.body["kind"], "Status", "{}", answer.text);
}

#[tokio::test]
async fn long_lists_of_sets_and_maps_are_compared_in_good_time() {
    let list = |kind: &str, items: Value| {
        let mut schema = json!({ "type": "array", "items": items, "x-kubernetes-list-type": kind });
        if kind == "map" {
            schema["x-kubernetes-list-map-keys"] = json!(["k"]);
        }
        schema
    };
    let server = with_things(json!({ "type": "object", "properties": {
        "set": list("set", json!({ "type": "integer" })),
        "map": list("map", json!({
            "type": "object", "required": ["k"], "properties": { "k": { "type": "integer" }, "v": { "type": "integer" } },
        })),
        "unique": { "type": "array", "items": { "type": "integer" } },
    } })).await;
    let numbers: Vec<usize> = (0..8_000).collect();
    let entries: Vec<Value> = numbers.iter().map(|k| json!({ "k": k, "v": 1 })).collect();
    post(&server, THINGS, thing("a", json!({ "set": numbers, "map": entries }))).await.expect(201);
    let path = format!("{THINGS}/a");
    let mut changed = get(&server, &path).await.expect(200);
    changed["spec"]["set"][0] = json!(100_000);
    changed["spec"]["map"][0]["v"] = json!(2);
    put(&server, &path, changed.clone()).await.expect(200);
    apply(
        &server,
        &format!("{path}?force=true"),
        "m",
        json!({
            "apiVersion": "g.example.dev/v1", "kind": "Thing", "spec": { "set": numbers, "map": entries },
        }),
    )
    .await
    .expect(200);
    let duplicated = json!({ "set": [1, 2, 1], "map": [{ "k": 1 }, { "k": 1 }] });
    let answer = post(&server, THINGS, thing("b", duplicated)).await;
    let fields: Vec<&str> = answer.body["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["spec.map[1]", "spec.set[2]"]);
}

#[tokio::test]
async fn parts_of_schemas_within_parts_are_tried_once() {
    let mut nested = json!({ "maximum": 1 });
    for _ in 0..35 {
        nested = json!({ "anyOf": [nested, { "maximum": 0 }], "oneOf": [{ "maximum": 0 }] });
    }
    nested["type"] = json!("integer");
    let server = with_things(json!({ "type": "object", "properties": { "n": nested } })).await;
    refused(&post(&server, THINGS, thing("a", json!({ "n": 5 }))).await);
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

fn ruled(rule: &str) -> Value {
    json!({
        "type": "object", "x-kubernetes-validations": [{ "rule": rule }],
        "properties": {
            "items": { "type": "array", "items": { "type": "integer" } },
            "names": { "type": "array", "items": { "type": "string" } },
            "text": { "type": "string" },
        },
    })
}

#[tokio::test]
async fn a_definition_is_stored_only_when_its_rules_can_be_evaluated() {
    let server = server();
    for rule in [
        "(".repeat(40),
        "(".repeat(1_000) + "true" + &")".repeat(1_000),
        "1+".repeat(2_000) + "1 > 0",
        "self?self:".repeat(400) + "self",
        "Type{a: 1}.a == 1".to_owned(),
        "self.items.zap()".to_owned(),
        "other.items.size() > 0".to_owned(),
        "lists.range(99999999999).size() > 0".to_owned(),
        "@#$%".repeat(500),
        "x".repeat(1_000_000),
        String::new(),
    ] {
        let answer = post(&server, DEFINITIONS, thing_definition(ruled(&rule))).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.text.len() < 10_000, "{}", answer.text.len());
    }
    let many = json!({
        "type": "object", "x-kubernetes-validations": vec![json!({ "rule": "self.text == 'a'" }); 20_000],
        "properties": { "text": { "type": "string" } },
    });
    assert_eq!(post(&server, DEFINITIONS, thing_definition(many)).await.status, 422);
}

#[tokio::test]
async fn rules_that_would_take_too_long_on_an_object_refuse_it() {
    for rule in [
        "self.items.all(x, self.items.all(y, self.items.all(z, true)))",
        "self.items.map(x, x).size() >= 0",
        "self.names.all(x, x in self.names)",
        "self.names.all(x, self.text.matches(x))",
        "self.text.replace('a', self.text).size() > 0",
    ] {
        let server = with_things(ruled(rule)).await;
        let spec = |length: usize| {
            let names: Vec<String> = (0..length).map(|number| format!("n{number}")).collect();
            json!({ "items": vec![1; length], "names": names, "text": "a".repeat(length) })
        };
        let answer = post(&server, THINGS, thing("large", spec(40_000))).await;
        assert!(answer.message().contains("running out of cost budget"), "{rule}: {}", answer.text);
        answer.expect(422);
        let small = post(&server, THINGS, thing("small", spec(20))).await;
        assert!(!small.message().contains("budget"), "{rule}: {}", small.text);
    }
}

#[tokio::test]
async fn deep_rules_are_evaluated_and_rules_that_fail_oddly_refuse_the_object() {
    let nested = |open: &str, depth: usize| open.repeat(depth) + "true" + &")".repeat(depth);
    for (rule, status) in [
        (nested("!(!(", 0), 201),
        ("1+".repeat(90) + "1 > 0", 201),
        (nested("self.items.all(x, ", 20), 201),
        ("self.text.substring(5, 2) == ''".to_owned(), 422),
        ("self.text.charAt(99999999999) == ''".to_owned(), 422),
        ("self.items[-1] == 1".to_owned(), 422),
        ("9223372036854775807 + self.items[0] > 0".to_owned(), 422),
        ("1 / (self.items[0] - 1) == 0".to_owned(), 422),
        ("timestamp('9999999-01-01T00:00:00Z') > timestamp('x')".to_owned(), 422),
        ("'%.99999999999f'.format([1.0]) == ''".to_owned(), 422),
        ("'%.70000f'.format([1.0]) == ''".to_owned(), 422),
        ("self.text.matches('(((((a{1000}){1000}){1000})))')".to_owned(), 422),
        ("self.text".to_owned(), 422),
    ] {
        let server = with_things(ruled(&rule)).await;
        let answer = post(&server, THINGS, thing("a", json!({ "items": [1], "text": "äöü😀" }))).await;
        assert_eq!(answer.status, status, "{rule}: {}", answer.text);
    }
}

#[tokio::test]
async fn patterns_are_small_and_few() {
    let server = server();
    let patterned =
        |pattern: &str| json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": pattern } } });
    for pattern in ["(a{1000}){1000}", "(", "\\w{100000}", "((\\pL{50}){50}){50}"] {
        assert_eq!(post(&server, DEFINITIONS, thing_definition(patterned(pattern))).await.status, 422, "{pattern}");
        let within = json!({ "type": "object", "properties": { "a": {
            "type": "string", "anyOf": [{ "not": { "pattern": pattern } }, { "allOf": [{ "minLength": 1 }] }],
        } } });
        assert_eq!(post(&server, DEFINITIONS, thing_definition(within)).await.status, 422, "{pattern}");
    }
    let properties: serde_json::Map<String, Value> =
        (0..2_000).map(|number| (format!("p{number}"), json!({ "type": "string", "pattern": "^a$" }))).collect();
    let many = json!({ "type": "object", "properties": properties });
    assert_eq!(post(&server, DEFINITIONS, thing_definition(many)).await.status, 422);
    define(&server, thing_definition(patterned("^(a|a)*(a|aa)*b$"))).await;
    refused(&post(&server, THINGS, thing("a", json!({ "a": "a".repeat(500_000) }))).await);
}
