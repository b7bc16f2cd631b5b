//! Creating, changing and deleting objects.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use common::{
    CONFIG_MAPS, PIPELINES, THINGS, config_map, define, delete, get, merge, patch, post, put, server, thing,
    thing_definition, with_pipelines,
};
use serde_json::{Value, json};

fn pipeline(name: &str) -> Value {
    json!({
        "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "metadata": { "name": name },
        "spec": { "plugin": "demo" },
    })
}

#[tokio::test]
async fn a_namespaced_object_needs_its_namespace() {
    let server = server();
    let answer = post(&server, "/api/v1/namespaces/nowhere/configmaps", config_map("a", json!({}))).await;
    assert_eq!((answer.status, answer.message()), (404, "namespaces \"nowhere\" not found"));
}

#[tokio::test]
async fn unknown_resources_and_methods_are_refused_with_a_status() {
    let server = server();
    for path in ["/api/v1/pods", "/apis/no.such.group/v1/things", "/nothing", "/api/v1/namespaces/default/pods/x"] {
        let answer = get(&server, path).await;
        assert_eq!((answer.status, answer.body["kind"].as_str()), (404, Some("Status")), "{path}");
    }
    let answer = put(&server, CONFIG_MAPS, config_map("a", json!({}))).await;
    assert_eq!((answer.status, answer.reason()), (405, "MethodNotAllowed"));
}

#[tokio::test]
async fn generated_names_have_five_letters_or_digits() {
    let server = server();
    let mut object = config_map("", json!({}));
    object["metadata"] = json!({ "generateName": "job-" });
    let created = post(&server, CONFIG_MAPS, object).await.expect(201);
    let name = created["metadata"]["name"].as_str().unwrap();
    let suffix = name.strip_prefix("job-").unwrap();
    assert!(suffix.len() == 5 && suffix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{name}");
}

#[tokio::test]
async fn invalid_names_and_labels_are_named() {
    let server = server();
    for (metadata, field) in [
        (json!({ "name": "Upper" }), "metadata.name"),
        (json!({ "name": "a", "labels": { "bad key": "x" } }), "metadata.labels"),
        (json!({ "name": "a", "labels": { "k": "bad value" } }), "metadata.labels"),
        (json!({ "name": "a", "finalizers": ["not qualified!"] }), "metadata.finalizers"),
        (json!({ "name": "a", "annotations": { "k": "x".repeat(300_000) } }), "metadata.annotations"),
        (json!({}), "metadata.name"),
    ] {
        let mut object = config_map("a", json!({}));
        object["metadata"] = metadata;
        let answer = post(&server, CONFIG_MAPS, object).await;
        assert_eq!((answer.status, &answer.body["details"]["causes"][0]["field"]), (422, &json!(field)));
    }
}

#[tokio::test]
async fn an_update_without_a_version_is_invalid_and_with_an_old_one_a_conflict() {
    let server = with_pipelines().await;
    let created = post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let answer = put(&server, &path, pipeline("a")).await;
    assert_eq!((answer.status, &answer.body["details"]["kind"]), (422, &json!("pipelines")));
    assert_eq!(answer.body["details"]["causes"][0]["field"], "metadata.resourceVersion");
    let mut changed = created.clone();
    changed["spec"]["replicas"] = json!(2);
    put(&server, &path, changed.clone()).await.expect(200);
    let answer = put(&server, &path, changed).await;
    assert_eq!((answer.status, answer.reason()), (409, "Conflict"));
}

#[tokio::test]
async fn only_changes_of_the_spec_raise_the_generation() {
    let server = with_pipelines().await;
    post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    for (patched, path, generation) in [
        (json!({ "spec": { "replicas": 2 } }), path.clone(), 2),
        (json!({ "metadata": { "labels": { "a": "b" } } }), path.clone(), 2),
        (json!({ "metadata": { "finalizers": ["x.dev/f"] } }), path.clone(), 2),
        (json!({ "status": { "replicas": 2 } }), format!("{path}/status"), 2),
        (json!({ "spec": { "replicas": 3 } }), path.clone(), 3),
    ] {
        let object = merge(&server, &path, patched).await.expect(200);
        assert_eq!(object["metadata"]["generation"], generation, "{object}");
    }
}

#[tokio::test]
async fn the_status_changes_by_its_subresource_alone() {
    let server = with_pipelines().await;
    post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let object = merge(&server, &path, json!({ "status": { "replicas": 5 } })).await.expect(200);
    assert!(object.get("status").is_none());
    let both =
        json!({ "status": { "replicas": 5 }, "spec": { "replicas": 9 }, "metadata": { "labels": { "a": "b" } } });
    let object = merge(&server, &format!("{path}/status"), both).await.expect(200);
    assert_eq!((&object["status"]["replicas"], &object["spec"]["replicas"]), (&json!(5), &json!(1)));
    assert!(object["metadata"].get("labels").is_none());
}

#[tokio::test]
async fn what_changes_nothing_keeps_the_version() {
    let server = with_pipelines().await;
    let created = post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let same = merge(&server, &path, json!({ "spec": { "replicas": 1 } })).await.expect(200);
    assert_eq!(same, created);
    assert_eq!(put(&server, &path, created.clone()).await.expect(200), created);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let server = with_pipelines().await;
    let created = post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let tried = merge(&server, &format!("{path}?dryRun=All"), json!({ "spec": { "replicas": 7 } })).await.expect(200);
    assert_eq!(tried["spec"]["replicas"], 7);
    delete(&server, &path, json!({ "dryRun": ["All"] })).await.expect(200);
    assert_eq!(get(&server, &path).await.expect(200), created);
}

#[tokio::test]
async fn the_uid_in_a_write_is_a_precondition() {
    let server = with_pipelines().await;
    post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let mut other = pipeline("a");
    other["metadata"]["uid"] = json!("other");
    let answer = put(&server, &path, other).await;
    assert_eq!((answer.status, answer.reason()), (409, "Conflict"));
    let answer = delete(&server, &path, json!({ "preconditions": { "resourceVersion": "1" } })).await;
    assert_eq!((answer.status, answer.reason()), (409, "Conflict"));
}

#[tokio::test]
async fn finalizers_hold_a_deleted_object_until_they_are_gone() {
    let server = with_pipelines().await;
    let mut object = pipeline("a");
    object["metadata"]["finalizers"] = json!(["x.dev/a", "x.dev/b"]);
    post(&server, PIPELINES, object).await.expect(201);
    let path = format!("{PIPELINES}/a");
    let marked = delete(&server, &path, json!({})).await.expect(200);
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(delete(&server, &path, json!({})).await.expect(200), marked);
    merge(&server, &path, json!({ "metadata": { "finalizers": ["x.dev/b"] } })).await.expect(200);
    get(&server, &path).await.expect(200);
    merge(&server, &path, json!({ "metadata": { "finalizers": [] } })).await.expect(200);
    get(&server, &path).await.expect(404);
}

#[tokio::test]
async fn dependents_go_with_their_owner_unless_they_are_orphaned() {
    let server = server();
    for (policy, left) in [("Background", false), ("Foreground", false), ("Orphan", true)] {
        let owner = post(&server, CONFIG_MAPS, config_map("owner", json!({}))).await.expect(201);
        let mut dependent = config_map("dependent", json!({}));
        dependent["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": true,
        }]);
        post(&server, CONFIG_MAPS, dependent).await.expect(201);
        delete(&server, &format!("{CONFIG_MAPS}/owner"), json!({ "propagationPolicy": policy })).await.expect(200);
        get(&server, &format!("{CONFIG_MAPS}/owner")).await.expect(404);
        let answer = get(&server, &format!("{CONFIG_MAPS}/dependent")).await;
        assert_eq!(answer.status == 200, left, "{policy}");
        if left {
            assert!(answer.body["metadata"].get("ownerReferences").is_none());
        }
    }
}

#[tokio::test]
async fn an_owner_deleted_in_the_foreground_waits_for_dependents_with_finalizers() {
    let server = server();
    let owner = post(&server, CONFIG_MAPS, config_map("owner", json!({}))).await.expect(201);
    let mut dependent = config_map("dependent", json!({}));
    dependent["metadata"]["finalizers"] = json!(["x.dev/f"]);
    dependent["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true,
    }]);
    post(&server, CONFIG_MAPS, dependent).await.expect(201);
    delete(&server, &format!("{CONFIG_MAPS}/owner"), json!({ "propagationPolicy": "Foreground" })).await.expect(200);
    let waiting = get(&server, &format!("{CONFIG_MAPS}/owner")).await.expect(200);
    assert_eq!(waiting["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    merge(&server, &format!("{CONFIG_MAPS}/dependent"), json!({ "metadata": { "finalizers": null } }))
        .await
        .expect(200);
    get(&server, &format!("{CONFIG_MAPS}/owner")).await.expect(404);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_ends_when_its_contents_have_ended() {
    let server = server();
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" } });
    post(&server, "/api/v1/namespaces", namespace).await.expect(201);
    let maps = "/api/v1/namespaces/team/configmaps";
    let mut held = config_map("held", json!({}));
    held["metadata"]["finalizers"] = json!(["x.dev/f"]);
    post(&server, maps, held).await.expect(201);
    post(&server, maps, config_map("free", json!({}))).await.expect(201);
    let ending = delete(&server, "/api/v1/namespaces/team", json!({})).await.expect(200);
    assert_eq!(ending["status"]["phase"], "Terminating");
    get(&server, &format!("{maps}/free")).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    get(&server, &format!("{maps}/free")).await.expect(404);
    let answer = post(&server, maps, config_map("late", json!({}))).await;
    assert_eq!((answer.status, answer.reason()), (403, "Forbidden"));
    merge(&server, &format!("{maps}/held"), json!({ "metadata": { "finalizers": null } })).await.expect(200);
    get(&server, "/api/v1/namespaces/team").await.expect(404);
}

#[tokio::test]
async fn a_definition_goes_with_its_objects() {
    let server = with_pipelines().await;
    let mut object = pipeline("held");
    object["metadata"]["finalizers"] = json!(["x.dev/f"]);
    post(&server, PIPELINES, object).await.expect(201);
    post(&server, PIPELINES, pipeline("free")).await.expect(201);
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pipelines.training.example.dev";
    delete(&server, definition, json!({})).await.expect(200);
    get(&server, &format!("{PIPELINES}/free")).await.expect(404);
    assert_eq!(post(&server, PIPELINES, pipeline("late")).await.status, 405);
    merge(&server, &format!("{PIPELINES}/held"), json!({ "metadata": { "finalizers": null } })).await.expect(200);
    get(&server, definition).await.expect(404);
    get(&server, PIPELINES).await.expect(404);
}

#[tokio::test]
async fn secrets_are_encoded_typed_and_can_be_made_immutable() {
    let server = server();
    let path = "/api/v1/namespaces/default/secrets";
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "key": "value" }, "immutable": true,
    });
    let created = post(&server, path, secret).await.expect(201);
    assert_eq!((&created["data"]["key"], &created["type"]), (&json!("dmFsdWU="), &json!("Opaque")));
    assert!(created.get("stringData").is_none());
    let answer = merge(&server, &format!("{path}/s"), json!({ "stringData": { "key": "other" } })).await;
    assert_eq!((answer.status, &answer.body["details"]["causes"][0]["field"]), (422, &json!("data")));
    let answer = get(&server, &format!("{path}?fieldSelector=type%3DOpaque")).await.expect(200);
    assert_eq!(answer["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn strategic_patches_are_for_core_kinds() {
    let server = server();
    post(&server, CONFIG_MAPS, config_map("a", json!({ "x": "1", "y": "2" }))).await.expect(201);
    let change = json!({ "data": { "x": null, "z": "3" } });
    let object = patch(&server, &format!("{CONFIG_MAPS}/a"), "strategic-merge-patch", change).await.expect(200);
    assert_eq!(object["data"], json!({ "y": "2", "z": "3" }));
}

#[tokio::test]
async fn duplicate_and_unknown_fields_warn_or_refuse() {
    let server = server();
    define(&server, thing_definition(json!({ "type": "object", "properties": { "a": { "type": "integer" } } }))).await;
    let body = br#"{"apiVersion":"g.example.dev/v1","kind":"Thing","metadata":{"name":"t","typo":1},"spec":{"a":1,"a":2,"b":3}}"#;
    let headers = [("content-type", "application/json")];
    let strict =
        common::send(&server, "POST", &format!("{THINGS}?fieldValidation=Strict"), &headers, body.to_vec()).await;
    assert_eq!(strict.status, 400);
    for complaint in ["duplicate field \"spec.a\"", "unknown field \"metadata.typo\"", "unknown field \"spec.b\""] {
        assert!(strict.message().contains(complaint), "{}", strict.text);
    }
    let warned = common::send(&server, "POST", THINGS, &headers, body.to_vec()).await;
    assert_eq!((warned.status, warned.warnings.len()), (201, 3));
    assert_eq!(warned.body["spec"], json!({ "a": 2 }));
    let silent = thing("u", json!({ "b": 1 }));
    assert!(post(&server, &format!("{THINGS}?fieldValidation=Ignore"), silent).await.warnings.is_empty());
}

#[tokio::test]
async fn bodies_have_limits_and_have_to_be_readable() {
    let server = server();
    let headers = [("content-type", "application/json")];
    let huge = vec![b' '; 4 * 1024 * 1024];
    assert_eq!(common::send(&server, "POST", CONFIG_MAPS, &headers, huge).await.status, 413);
    for body in [&b"{"[..], b"[]", b"\"x\"", b"\xff\xfe", b"{\"kind\":\"Secret\"}", b"{\"a\":1e999}"] {
        let answer = common::send(&server, "POST", CONFIG_MAPS, &headers, body.to_vec()).await;
        assert_eq!((answer.status, answer.body["kind"].as_str()), (400, Some("Status")), "{body:?}: {}", answer.text);
    }
    let answer = common::send(&server, "POST", CONFIG_MAPS, &[("content-type", "text/html")], b"x".to_vec()).await;
    assert_eq!(answer.status, 415);
    let answer = common::send(&server, "GET", CONFIG_MAPS, &[("accept", "text/html")], Vec::new()).await;
    assert_eq!(answer.status, 406);
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let server = server();
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut object = config_map(name, json!({}));
        object["metadata"]["labels"] = json!({ "tier": tier });
        post(&server, CONFIG_MAPS, object).await.expect(201);
    }
    delete(&server, &format!("{CONFIG_MAPS}?labelSelector=tier%3Dx"), json!({})).await.expect(200);
    let left = get(&server, CONFIG_MAPS).await.expect(200);
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["metadata"]["name"], "b");
}

#[tokio::test]
async fn scaling_writes_the_replicas_of_the_object() {
    let server = with_pipelines().await;
    post(&server, PIPELINES, pipeline("a")).await.expect(201);
    let path = format!("{PIPELINES}/a/scale");
    let scale = merge(&server, &path, json!({ "spec": { "replicas": 4 } })).await.expect(200);
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(4)));
    let object = get(&server, &format!("{PIPELINES}/a")).await.expect(200);
    assert_eq!((&object["spec"]["replicas"], &object["metadata"]["generation"]), (&json!(4), &json!(2)));
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|entry| entry["subresource"] == "scale"), "{managers:?}");
    let refused = merge(&server, &path, json!({ "spec": { "replicas": 65 } })).await;
    assert_eq!(refused.status, 422);
}
