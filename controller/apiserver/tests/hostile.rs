//! Input that is malformed or made to be expensive: a `Status`, always, in bounded time and memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use std::fmt::Write as _;

use common::{
    Answer, CONFIG_MAPS, PIPELINES, THINGS, apply, config_map, define, delete, get, merge, patch, post, send, server,
    thing, thing_definition, with_pipelines,
};
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

async fn one_pipeline() -> (Server, String) {
    let server = with_pipelines().await;
    let pipeline = json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": "one" },
        "spec": { "plugin": "demo" },
    });
    post(&server, PIPELINES, pipeline).await.expect(201);
    (server, format!("{PIPELINES}/one"))
}

#[tokio::test]
async fn bodies_that_are_nothing_are_refused_by_every_verb_that_takes_one() {
    let (server, path) = one_pipeline().await;
    let garbage: [&[u8]; 16] = [
        b"",
        b"{",
        b"}",
        b"\0",
        b"\xff\xfe",
        b"null",
        b"1",
        b"\"x\"",
        b"[]",
        b"[[[[",
        b"{}",
        b"{\"kind\":1}",
        b"{\"metadata\":[]}",
        b"k8s\0\xff\xff\xff\xff\x0f",
        b"\xd9\xd9\xf7\xa1",
        b"- - -",
    ];
    let types = [
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "application/cbor",
        "application/apply-patch+cbor",
        "text/plain",
        "",
        ";;;",
        "\u{ff}",
    ];
    for body in garbage {
        for media in types {
            for (method, path) in [("POST", PIPELINES), ("PUT", &path), ("PATCH", &format!("{path}?fieldManager=m"))] {
                let media_bytes = ("content-type", media);
                let answer = send(&server, method, path, &[media_bytes], body.to_vec()).await;
                let harmless = body == b"{}" && media == "application/merge-patch+json"
                    || (body == b"[]" || body == b"null") && media == "application/json-patch+json";
                if !(method == "PATCH" && harmless) {
                    refused(&answer);
                }
            }
        }
    }
    get(&server, &path).await.expect(200);
}

#[tokio::test]
async fn a_patch_cannot_make_much_out_of_little() {
    let (server, path) = one_pipeline().await;
    let mut doubling = vec![json!({ "op": "add", "path": "/spec/x", "value": "x".repeat(100_000) })];
    doubling.extend((0..60).map(|n| json!({ "op": "copy", "from": "/spec", "path": format!("/spec/a{n}") })));
    refused(&patch(&server, &path, "json-patch", json!(doubling)).await);

    let mut deepening = vec![json!({ "op": "add", "path": "/spec/a", "value": {} })];
    deepening.extend((0..5_000).map(|_| json!({ "op": "copy", "from": "/spec", "path": "/spec/a" })));
    refused(&patch(&server, &path, "json-patch", json!(deepening)).await);

    let mut burying = vec![json!({ "op": "add", "path": "/x", "value": {} })];
    for _ in 0..4_000 {
        burying.push(json!({ "op": "add", "path": "/y", "value": {} }));
        burying.push(json!({ "op": "move", "from": "/x", "path": "/y/x" }));
        burying.push(json!({ "op": "move", "from": "/y", "path": "/x" }));
    }
    burying.truncate(10_000);
    refused(&patch(&server, &path, "json-patch", json!(burying)).await);

    let mut shifting = vec![json!({ "op": "add", "path": "/x", "value": vec![0; 400_000] })];
    shifting.extend((0..9_000).map(|_| json!({ "op": "add", "path": "/x/0", "value": 0 })));
    refused(&patch(&server, &path, "json-patch", json!(shifting)).await);

    let too_many = vec![json!({ "op": "test", "path": "/kind", "value": "Pipeline" }); 10_001];
    assert_eq!(patch(&server, &path, "json-patch", json!(too_many)).await.status, 413);
    for operation in [
        json!({ "op": "add", "path": "/metadata/finalizers/99999999999999999999", "value": "a/b" }),
        json!({ "op": "add", "path": "/a".repeat(100_000), "value": 1 }),
        json!({ "op": "remove", "path": "" }),
        json!({ "op": "replace", "path": "", "value": 1 }),
        json!({ "op": "zap", "path": "/a" }),
        json!({ "op": "move", "from": "/spec", "path": "/spec/plugin/x" }),
        json!({ "op": "test", "path": "/~2", "value": 1 }),
        json!(1),
    ] {
        refused(&patch(&server, &path, "json-patch", json!([operation])).await);
    }
    assert_eq!(get(&server, &path).await.expect(200)["spec"], json!({ "plugin": "demo", "replicas": 1 }));
}

#[tokio::test]
async fn merge_patches_cannot_take_the_identity_of_an_object() {
    let (server, path) = one_pipeline().await;
    for body in [
        json!({ "metadata": null }),
        json!({ "metadata": "x" }),
        json!({ "metadata": { "name": null } }),
        json!({ "metadata": { "labels": "x" } }),
        json!({ "metadata": { "labels": { "a": 1 } } }),
        json!({ "metadata": { "managedFields": "x" } }),
        json!({ "kind": null }),
        json!({ "kind": "Zap" }),
        json!({ "apiVersion": 1 }),
        json!("x"),
        json!([]),
        json!(null),
    ] {
        refused(&merge(&server, &path, body).await);
    }
    let deep = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    refused(&send(&server, "PATCH", &path, &[("content-type", "application/merge-patch+json")], deep.into()).await);
    get(&server, &path).await.expect(200);
}

#[tokio::test]
async fn forged_managed_fields_do_no_harm() {
    let (server, path) = one_pipeline().await;
    let nested = (0..80).fold(json!({}), |inner, _| json!({ "f:a": inner }));
    for fields in [
        json!({ "f:a": 1 }),
        json!({ "zap": { "k:": {} }, "k:{bad": {}, "v:": {}, "i:x": {}, "i:-1": {}, ":": {}, "f:": {} }),
        json!({ "f:spec": { "k:{\"a\":[[[]]]}": {}, "v:{\"x\":null}": {}, "i:18446744073709551615": {} } }),
        json!([]),
        json!("x"),
        nested,
    ] {
        let entry = json!({
            "manager": "x", "operation": "Update", "apiVersion": "training.example.dev/v1alpha1", "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
        // Refused or put right; what matters is that the object stays usable.
        merge(&server, &path, json!({ "metadata": { "managedFields": [entry] } })).await;
        let answer = apply(
            &server,
            &format!("{path}?force=true"),
            "m",
            json!({
                "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "spec": { "plugin": "p" },
            }),
        )
        .await;
        answer.expect(200);
        merge(&server, &path, json!({ "spec": { "plugin": "q" } })).await.expect(200);
    }
}

#[tokio::test]
async fn applied_yaml_is_held_to_what_a_body_may_be() {
    let (server, path) = one_pipeline().await;
    let url = format!("{path}?fieldManager=m&force=true");
    let head = "apiVersion: training.example.dev/v1alpha1\nkind: Pipeline\n";
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![previous; 9].join(",")).unwrap();
    }
    for body in [
        format!("{head}{bomb}"),
        format!("{head}spec: {{plugin: &a {}, x: [{}]}}", "x".repeat(500_000), "*a,".repeat(10_000)),
        format!("{head}spec: {}", "[".repeat(100_000)),
        format!("{head}---\n{head}"),
        format!("{head}spec:\n\t- tab"),
        format!("{head}spec: {{replicas: .nan}}"),
        format!("{head}spec: {{? [a] : b}}"),
        format!("{head}spec: *unknown"),
        format!("{head}metadata: {{managedFields: [{{manager: x}}]}}"),
        "a".repeat(2_000_000),
        "x: ".repeat(100_000),
    ] {
        let answer =
            send(&server, "PATCH", &url, &[("content-type", "application/apply-patch+yaml")], body.into()).await;
        refused(&answer);
        assert!(answer.text.len() < 10_000, "{}", answer.text.len());
    }
    let body = format!("{head}spec: {{plugin: \"{}\"}}", "line ".repeat(10_000));
    send(&server, "PATCH", &url, &[("content-type", "application/apply-patch+yaml")], body.into()).await.expect(200);
}

#[tokio::test]
async fn a_strategic_patch_merges_lists_of_a_sensible_length() {
    let server = server();
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
    let path = format!("{CONFIG_MAPS}/a");
    let finalizers: Vec<String> = (0..100_000).map(|number| format!("a.b/{number}")).collect();
    for change in [
        json!({ "metadata": { "finalizers": finalizers } }),
        json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": finalizers, "finalizers": ["a.b/c"] } }),
    ] {
        merge(&server, &path, json!({ "metadata": { "finalizers": ["a.b/c"] } })).await.expect(200);
        refused(&patch(&server, &path, "strategic-merge-patch", change).await);
    }
    let few = json!({ "metadata": { "finalizers": finalizers[..500] } });
    patch(&server, &path, "strategic-merge-patch", few).await.expect(200);
}

#[tokio::test]
async fn very_many_problems_are_told_in_a_readable_answer() {
    let server = with_things(json!({ "type": "object", "properties": {
        "list": { "type": "array", "items": { "type": "integer", "maximum": 1 } },
    } }))
    .await;
    let unknown: serde_json::Map<String, Value> = (0..50_000).map(|n| (format!("u{n}"), json!(1))).collect();
    let answer = post(&server, THINGS, thing("a", Value::Object(unknown.clone()))).await;
    assert!(answer.warnings.iter().map(String::len).sum::<usize>() < 8_000);
    answer.expect(201);
    let answer = post(&server, &format!("{THINGS}?fieldValidation=Strict"), thing("b", Value::Object(unknown))).await;
    assert!(answer.text.len() < 10_000, "{}", answer.text.len());
    refused(&answer);
    let answer = post(&server, THINGS, thing("c", json!({ "list": vec![2; 200_000] }))).await;
    assert!(answer.text.len() < 500_000, "{}", answer.text.len());
    refused(&answer);
}

#[tokio::test]
async fn paths_parameters_and_headers_of_any_kind_are_answered() {
    let (server, _) = one_pipeline().await;
    for path in [
        "/api/v1/namespaces/%zz",
        "/api/v1/namespaces/%ff%fe",
        "/api/v1/namespaces/a%2fb",
        "/api/v1/namespaces/%00",
        "//api/v1/namespaces",
        "/api//v1",
        "/api/v1/../v1/namespaces",
        "/apis/a/b/c/d/e/f/g/h",
        "/%2e%2e/%2e%2e",
        "/openapi/v3/%ff",
        "/apis/%00",
        "/api/%F0%9F%98%80",
    ] {
        assert!(get(&server, path).await.status < 500, "{path}");
    }
    let long = "x,".repeat(15_000);
    for query in [
        "limit=-1",
        "limit=99999999999999999999",
        "limit=x",
        "continue=x",
        "continue=e30",
        "continue=%ff",
        "resourceVersion=-1",
        "resourceVersion=99999999999999999999",
        "resourceVersion=x",
        "labelSelector=((((",
        "labelSelector=a%00b",
        "labelSelector=%ff=1",
        "labelSelector=a%3E99999999999999999999",
        "labelSelector=,,,,",
        "labelSelector=a+in+()",
        "labelSelector=%F0%9F%98%80=1",
        "fieldSelector===",
        "fieldSelector=%5c",
        "fieldSelector=a%5c",
        "watch=1&timeoutSeconds=-1",
        "watch=1&timeoutSeconds=x&sendInitialEvents=zap",
        "%zz=%zz",
        "a;b;c",
        "&&&===",
        &format!("labelSelector={long}"),
        &format!("fieldSelector={long}"),
        &format!("labelSelector=x+in+({long})"),
        &format!("labelSelector={}", "(".repeat(30_000)),
    ] {
        let answer = get(&server, &format!("{PIPELINES}?timeoutSeconds=1&{query}")).await;
        assert!(answer.status < 500 || answer.reason() == "Timeout", "{query}: {}", answer.text);
    }
    for (name, value) in [
        ("accept", "\u{ff};;=,,;q=zap"),
        ("accept", "application/json;as=Table;v=\u{ff};g=;;"),
        ("content-type", ";"),
        ("user-agent", "\u{ff}/\u{fe}"),
        ("user-agent", "////"),
        ("content-length", "x"),
        ("expect", "zap"),
    ] {
        assert!(send(&server, "GET", PIPELINES, &[(name, value)], Vec::new()).await.status < 500, "{name}: {value}");
    }
    for options in
        [json!(1), json!([]), json!({ "propagationPolicy": 1 }), json!({ "preconditions": [] }), json!({ "dryRun": 1 })]
    {
        assert!(delete(&server, &format!("{PIPELINES}/missing"), options).await.status < 500);
    }
    for method in ["TRACE", "OPTIONS", "ZAP", "CONNECT", "HEAD"] {
        assert!(send(&server, method, PIPELINES, &[], Vec::new()).await.status < 500, "{method}");
    }
}

#[tokio::test]
async fn core_kinds_refuse_values_of_any_wrong_type() {
    let server = server();
    let odd = [
        json!(null),
        json!(1),
        json!("x"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({ "a": { "b": {} } }),
        json!(1e300),
    ];
    let places = [
        ("/api/v1/namespaces", "v1", "Namespace"),
        (CONFIG_MAPS, "v1", "ConfigMap"),
        ("/api/v1/namespaces/default/secrets", "v1", "Secret"),
        ("/api/v1/namespaces/default/events", "v1", "Event"),
        ("/apis/events.k8s.io/v1/namespaces/default/events", "events.k8s.io/v1", "Event"),
        ("/apis/coordination.k8s.io/v1/namespaces/default/leases", "coordination.k8s.io/v1", "Lease"),
        (
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
        ),
        (
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
        ),
    ];
    for (path, version, kind) in places {
        for value in &odd {
            for field in
                ["metadata", "data", "stringData", "spec", "status", "type", "immutable", "involvedObject", "regarding"]
            {
                let mut object = json!({ "apiVersion": version, "kind": kind, "metadata": { "generateName": "x-" } });
                object[field] = value.clone();
                assert!(post(&server, path, object).await.status < 500, "{kind}.{field}: {value}");
            }
            let object = json!({ "apiVersion": version, "kind": kind, "metadata": { "name": value, "labels": value,
                "annotations": value, "finalizers": value, "ownerReferences": value, "creationTimestamp": value,
                "deletionTimestamp": value, "generateName": value, "resourceVersion": value, "uid": value } });
            assert!(post(&server, path, object).await.status <= 500, "{kind}: {value}");
        }
    }
    post(&server, CONFIG_MAPS, config_map("a", json!({}))).await.expect(201);
}
