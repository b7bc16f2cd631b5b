//! What definitions say about their objects, and which definitions are refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use common::{THINGS, define, get, merge, post, put, server, thing, thing_definition};
use serde_json::{Value, json};

fn causes(answer: &common::Answer) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let causes = answer.body["details"]["causes"].as_array().cloned().unwrap_or_default();
    causes.iter().map(|cause| (text(&cause["reason"]), text(&cause["field"]), text(&cause["message"]))).collect()
}

/// A field for each kind of violation.
fn violable() -> Value {
    json!({
        "type": "object", "required": ["must"],
        "properties": {
            "must": { "type": "string" },
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "size": { "type": "string", "enum": ["s", "m"] },
            "short": { "type": "string", "maxLength": 3 },
            "long": { "type": "string", "minLength": 2 },
            "word": { "type": "string", "pattern": "^[a-z]+$" },
            "few": { "type": "array", "maxItems": 1, "items": { "type": "string" } },
            "keys": { "type": "object", "maxProperties": 1, "additionalProperties": { "type": "string" } },
            "when": { "type": "string", "format": "date-time" },
            "set": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
            "either": { "x-kubernetes-int-or-string": true },
        },
    })
}

#[tokio::test]
async fn each_violation_is_worded_as_by_the_real_server() {
    let server = server();
    define(&server, thing_definition(violable())).await;
    for (field, value, reason, message) in [
        (
            "count",
            json!(10),
            "FieldValueInvalid",
            "Invalid value: 10: spec.count in body should be less than or equal to 9",
        ),
        (
            "count",
            json!(0),
            "FieldValueInvalid",
            "Invalid value: 0: spec.count in body should be greater than or equal to 1",
        ),
        ("size", json!("x"), "FieldValueNotSupported", "Unsupported value: \"x\": supported values: \"s\", \"m\""),
        ("short", json!("long"), "FieldValueTooLong", "Too long: may not be more than 3 bytes"),
        (
            "long",
            json!("x"),
            "FieldValueInvalid",
            "Invalid value: \"x\": spec.long in body should be at least 2 chars long",
        ),
        ("word", json!("A"), "FieldValueInvalid", "Invalid value: \"A\": spec.word in body should match '^[a-z]+$'"),
        ("few", json!(["a", "b"]), "FieldValueTooMany", "Too many: 2: must have at most 1 items"),
        ("keys", json!({ "a": "", "b": "" }), "FieldValueTooMany", "Too many: 2: must have at most 1 items"),
        (
            "count",
            json!("x"),
            "FieldValueTypeInvalid",
            "Invalid value: \"string\": spec.count in body must be of type integer: \"string\"",
        ),
        (
            "when",
            json!("now"),
            "FieldValueTypeInvalid",
            "Invalid value: \"now\": spec.when in body must be of type date-time: \"now\"",
        ),
    ] {
        let answer = post(&server, THINGS, thing("t", json!({ "must": "", field: value }))).await;
        let expected = (reason.to_owned(), format!("spec.{field}"), message.to_owned());
        assert_eq!((answer.status, causes(&answer)), (422, vec![expected]), "{field}");
    }
    let answer = post(&server, THINGS, thing("t", json!({}))).await;
    assert_eq!(causes(&answer), [("FieldValueRequired".into(), "spec.must".into(), "Required value".into())]);
    let answer = post(&server, THINGS, thing("t", json!({ "must": "", "set": ["a", "a"] }))).await;
    let duplicate = ("FieldValueDuplicate".into(), "spec.set[1]".into(), "Duplicate value: \"a\"".into());
    assert_eq!(causes(&answer), [duplicate]);
    post(&server, THINGS, thing("t", json!({ "must": "", "either": 1 }))).await.expect(201);
    post(&server, THINGS, thing("u", json!({ "must": "", "either": "x" }))).await.expect(201);
    assert_eq!(post(&server, THINGS, thing("v", json!({ "must": "", "either": true }))).await.status, 422);
}

#[tokio::test]
async fn defaults_are_filled_in_deeply_and_also_when_an_older_object_is_read() {
    let server = server();
    let spec = |with_default: bool| {
        let mut schema = json!({
            "type": "object", "properties": {
                "inner": { "type": "object", "default": {}, "properties": { "a": { "type": "integer", "default": 3 } } },
                "list": { "type": "array", "items": { "type": "object", "properties": { "b": { "type": "string", "default": "x" } } } },
                "later": { "type": "string" },
            },
        });
        if with_default {
            schema["properties"]["later"]["default"] = json!("now");
        }
        schema
    };
    define(&server, thing_definition(spec(false))).await;
    let created = post(&server, THINGS, thing("t", json!({ "list": [{}] }))).await.expect(201);
    assert_eq!(created["spec"], json!({ "inner": { "a": 3 }, "list": [{ "b": "x" }] }));
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.g.example.dev";
    let mut definition = get(&server, path).await.expect(200);
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = spec(true);
    put(&server, path, definition).await.expect(200);
    let read = get(&server, &format!("{THINGS}/t")).await.expect(200);
    assert_eq!(read["spec"]["later"], "now");
    assert_eq!(read["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn unknown_fields_stay_where_the_schema_keeps_them() {
    let server = server();
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    define(&server, thing_definition(json!({ "type": "object", "properties": { "open": open } }))).await;
    let spec = json!({ "open": { "a": { "b": [1] } }, "gone": 1 });
    let created = post(&server, THINGS, thing("t", spec)).await.expect(201);
    assert_eq!(created["spec"], json!({ "open": { "a": { "b": [1] } } }));
}

#[tokio::test]
async fn nulls_stay_only_where_they_are_allowed() {
    let server = server();
    let properties = json!({
        "may": { "type": "string", "nullable": true }, "not": { "type": "string" },
        "filled": { "type": "string", "default": "x" },
    });
    define(&server, thing_definition(json!({ "type": "object", "properties": properties }))).await;
    let created =
        post(&server, THINGS, thing("t", json!({ "may": null, "not": null, "filled": null }))).await.expect(201);
    assert_eq!(created["spec"], json!({ "may": null, "filled": "x" }));
}

#[tokio::test]
async fn rules_see_old_values_and_word_their_own_messages() {
    let server = server();
    define(
        &server,
        thing_definition(json!({
            "type": "object",
            "properties": {
                "fixed": { "type": "string", "x-kubernetes-validations": [
                    { "rule": "self == oldSelf", "message": "is immutable", "reason": "FieldValueForbidden" },
                ] },
                "low": { "type": "integer" }, "high": { "type": "integer" },
            },
            "x-kubernetes-validations": [{
                "rule": "!has(self.low) || !has(self.high) || self.low <= self.high",
                "messageExpression": "'low ' + string(self.low) + ' is above ' + string(self.high)", "fieldPath": ".low",
            }],
        })),
    )
    .await;
    let answer = post(&server, THINGS, thing("t", json!({ "low": 2, "high": 1 }))).await;
    assert_eq!(answer.status, 422);
    let (_, field, message) = causes(&answer).remove(0);
    assert_eq!(field, "spec.low");
    assert!(message.ends_with("low 2 is above 1"), "{message}");
    post(&server, THINGS, thing("t", json!({ "fixed": "a" }))).await.expect(201);
    let answer = merge(&server, &format!("{THINGS}/t"), json!({ "spec": { "fixed": "b" } })).await;
    let expected = ("FieldValueForbidden".into(), "spec.fixed".into(), "Forbidden: is immutable".into());
    assert_eq!(causes(&answer), [expected]);
}

#[tokio::test]
async fn rules_are_not_evaluated_on_values_of_a_wrong_type() {
    let server = common::with_pipelines().await;
    let object = json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": "a" },
        "spec": { "plugin": 5 },
    });
    let answer = post(&server, common::PIPELINES, object).await;
    let found = causes(&answer);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].0, "FieldValueTypeInvalid");
    assert!(found[1].2.contains("some validation rules were not checked"), "{found:?}");
}

#[tokio::test]
async fn an_object_that_became_invalid_can_be_changed_elsewhere() {
    let server = server();
    let spec = |limit: u64| {
        let properties = json!({ "word": { "type": "string", "maxLength": limit }, "other": { "type": "string" } });
        json!({ "type": "object", "properties": properties })
    };
    define(&server, thing_definition(spec(10))).await;
    post(&server, THINGS, thing("t", json!({ "word": "abcdefgh" }))).await.expect(201);
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.g.example.dev";
    let mut definition = get(&server, path).await.expect(200);
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = spec(3);
    put(&server, path, definition).await.expect(200);
    merge(&server, &format!("{THINGS}/t"), json!({ "spec": { "other": "x" } })).await.expect(200);
    let answer = merge(&server, &format!("{THINGS}/t"), json!({ "spec": { "word": "changed" } })).await;
    assert_eq!(answer.status, 422);
}

#[tokio::test]
async fn definitions_are_established_at_once() {
    let server = server();
    define(&server, thing_definition(json!({ "type": "object" }))).await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.g.example.dev";
    let definition = get(&server, path).await.expect(200);
    let conditions = definition["status"]["conditions"].as_array().unwrap();
    let types: Vec<&str> = conditions.iter().map(|condition| condition["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["NamesAccepted", "Established"]);
    assert_eq!(definition["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(definition["status"]["acceptedNames"]["listKind"], "ThingList");
}

#[tokio::test]
async fn unsound_definitions_are_refused_with_the_field() {
    let server = server();
    let schema = "spec.versions[0].schema.openAPIV3Schema.properties[spec]";
    let bad_schemas = [
        (json!({}), format!("{schema}.type")),
        (json!({ "type": "object", "properties": { "a": {} } }), format!("{schema}.properties[a].type")),
        (json!({ "type": "array" }), format!("{schema}.items")),
        (json!({ "type": "object", "additionalProperties": false }), format!("{schema}.additionalProperties")),
        (json!({ "type": "string", "pattern": "(" }), format!("{schema}.pattern")),
        (json!({ "type": "integer", "default": "x" }), format!("{schema}.default")),
        (json!({ "type": "strange" }), format!("{schema}.type")),
        (
            json!({ "type": "object", "x-kubernetes-validations": [{ "rule": "self.a >=" }] }),
            format!("{schema}.x-kubernetes-validations[0].rule"),
        ),
    ];
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (spec, field) in bad_schemas {
        let answer = post(&server, path, thing_definition(spec)).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.text);
        assert!(causes(&answer).iter().any(|cause| cause.1 == field), "{field}: {}", answer.text);
    }
    let mut misnamed = thing_definition(json!({ "type": "object" }));
    misnamed["metadata"]["name"] = json!("other.g.example.dev");
    let answer = post(&server, path, misnamed).await;
    assert_eq!(causes(&answer)[0].1, "metadata.name");
    let mut two = thing_definition(json!({ "type": "object" }));
    let mut second = two["spec"]["versions"][0].clone();
    second["name"] = json!("v2");
    two["spec"]["versions"].as_array_mut().unwrap().push(second);
    assert_eq!(causes(&post(&server, path, two).await)[0].1, "spec.versions");
}

#[tokio::test]
async fn every_served_version_shows_the_object() {
    let server = server();
    let mut definition = thing_definition(json!({ "type": "object", "properties": { "a": { "type": "integer" } } }));
    let mut old = definition["spec"]["versions"][0].clone();
    old["name"] = json!("v1beta1");
    old["storage"] = json!(false);
    old["deprecated"] = json!(true);
    definition["spec"]["versions"].as_array_mut().unwrap().push(old);
    define(&server, definition).await;
    post(&server, THINGS, thing("t", json!({ "a": 1 }))).await.expect(201);
    let answer = get(&server, "/apis/g.example.dev/v1beta1/namespaces/default/things/t").await;
    assert_eq!((&answer.body["apiVersion"], &answer.body["spec"]["a"]), (&json!("g.example.dev/v1beta1"), &json!(1)));
    assert_eq!(answer.warnings, ["299 - \"g.example.dev/v1beta1 Thing is deprecated\""]);
    let group = get(&server, "/apis/g.example.dev").await.expect(200);
    assert_eq!(group["preferredVersion"]["version"], "v1");
}

#[tokio::test]
async fn a_defaulted_status_shows_from_the_start_and_has_no_owner() {
    let server = server();
    let mut definition = thing_definition(json!({ "type": "object" }));
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    schema["default"] = json!({ "observedGeneration": -1 });
    define(&server, definition).await;
    let mut object = thing("t", json!({}));
    object["status"] = json!({ "observedGeneration": 7 });
    let created = post(&server, THINGS, object).await.expect(201);
    assert_eq!(created["status"], json!({ "observedGeneration": -1 }));
    assert!(!created["metadata"]["managedFields"].to_string().contains("f:status"), "{created}");
}
