//! Lists, pages, selectors, tables, discovery and the token.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;

use common::{
    CONFIG_MAPS, PIPELINES, config_map, define, delete, get, merge, post, send, server, thing_definition,
    with_pipelines,
};
use hostwright_apiserver::{Config, Server};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn five_maps(server: &Server) {
    for name in ["c", "a", "e", "b", "d"] {
        post(server, CONFIG_MAPS, config_map(name, json!({}))).await.expect(201);
    }
}

#[tokio::test]
async fn pages_of_one_list_show_one_revision() {
    let server = server();
    five_maps(&server).await;
    let first = get(&server, &format!("{CONFIG_MAPS}?limit=2")).await.expect(200);
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a".into(), "b".into()], &json!(3)));
    delete(&server, &format!("{CONFIG_MAPS}/c"), json!({})).await.expect(200);
    post(&server, CONFIG_MAPS, config_map("cc", json!({}))).await.expect(201);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = get(&server, &format!("{CONFIG_MAPS}?limit=9&continue={token}")).await.expect(200);
    assert_eq!(names(&second), ["c", "d", "e"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    server.compact();
    let answer = get(&server, &format!("{CONFIG_MAPS}?limit=2&continue={token}")).await;
    assert_eq!((answer.status, answer.reason()), (410, "Expired"));
    assert_eq!(get(&server, &format!("{CONFIG_MAPS}?continue=nonsense")).await.status, 400);
}

#[tokio::test]
async fn a_list_at_an_exact_version_shows_the_past() {
    let server = server();
    five_maps(&server).await;
    let version =
        get(&server, CONFIG_MAPS).await.expect(200)["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    merge(&server, &format!("{CONFIG_MAPS}/a"), json!({ "data": { "x": "1" } })).await.expect(200);
    let path = format!("{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact");
    assert_eq!(get(&server, &path).await.expect(200)["items"][0]["data"], Value::Null);
    for (query, status) in [
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("resourceVersion=1&resourceVersionMatch=Sometime", 422),
        ("resourceVersion=99999", 504),
        ("resourceVersion=x", 400),
        ("limit=-1", 200),
        ("labelSelector=%3D%3D", 400),
        ("fieldSelector=data.x%3D1", 400),
    ] {
        assert_eq!(get(&server, &format!("{CONFIG_MAPS}?{query}")).await.status, status, "{query}");
    }
}

#[tokio::test]
async fn selectors_choose_among_objects() {
    let server = with_pipelines().await;
    for (name, plugin) in [("a", "x"), ("b", "y")] {
        let object = json!({
            "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline",
            "metadata": { "name": name, "labels": { "plugin": plugin } }, "spec": { "plugin": plugin },
        });
        post(&server, PIPELINES, object).await.expect(201);
    }
    for (query, expected) in [
        ("labelSelector=plugin+in+(x,z)", vec!["a"]),
        ("labelSelector=plugin!%3Dx", vec!["b"]),
        ("fieldSelector=spec.plugin%3Dy", vec!["b"]),
        ("fieldSelector=metadata.name!%3Da,metadata.namespace%3Ddefault", vec!["b"]),
    ] {
        assert_eq!(names(&get(&server, &format!("{PIPELINES}?{query}")).await.expect(200)), expected, "{query}");
    }
    let page = get(&server, &format!("{PIPELINES}?labelSelector=plugin&limit=1")).await.expect(200);
    assert!(page["metadata"].get("remainingItemCount").is_none());
}

#[tokio::test(start_paused = true)]
async fn tables_print_the_columns_of_the_definition() {
    let server = server();
    let mut definition = thing_definition(json!({ "type": "object", "properties": { "size": { "type": "integer" } } }));
    definition["spec"]["versions"][0]["additionalPrinterColumns"] = json!([
        { "name": "Size", "type": "integer", "jsonPath": ".spec.size" },
        { "name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status" },
        { "name": "Detail", "type": "string", "jsonPath": ".spec.none", "priority": 1 },
        { "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" },
    ]);
    define(&server, definition).await;
    post(&server, common::THINGS, common::thing("t", json!({ "size": 3 }))).await.expect(201);
    let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    merge(&server, &format!("{}/t/status", common::THINGS), status).await.expect(200);
    tokio::time::advance(std::time::Duration::from_secs(90)).await;
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let table = send(&server, "GET", common::THINGS, &accept, Vec::new()).await.expect(200);
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(table["rows"][0]["cells"], json!(["t", 3, "True", null, "90s"]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let columns: Vec<&str> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(columns, ["Name", "Size", "Ready", "Detail", "Age"]);
    let path = format!("{}?includeObject=Object", common::THINGS);
    let table = send(&server, "GET", &path, &accept, Vec::new()).await.expect(200);
    assert_eq!(table["rows"][0]["object"]["spec"]["size"], 3);
    let accept = [("accept", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")];
    let list = send(&server, "GET", common::THINGS, &accept, Vec::new()).await.expect(200);
    assert_eq!((&list["kind"], list["items"][0].get("spec")), (&json!("PartialObjectMetadataList"), None));
}

#[tokio::test]
async fn events_are_one_store_in_two_groups() {
    let server = server();
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "e" },
        "regarding": { "kind": "ConfigMap", "name": "a", "namespace": "default" }, "note": "made it", "reason": "Made",
        "type": "Normal", "action": "Create", "reportingController": "test.dev/c", "reportingInstance": "c-0",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    });
    post(&server, "/apis/events.k8s.io/v1/namespaces/default/events", event).await.expect(201);
    let query = "fieldSelector=involvedObject.name%3Da,involvedObject.namespace%3Ddefault,type%3DNormal";
    let list = get(&server, &format!("/api/v1/namespaces/default/events?{query}")).await.expect(200);
    let found = &list["items"][0];
    assert_eq!((&found["message"], &found["reportingComponent"]), (&json!("made it"), &json!("test.dev/c")));
    let back = get(&server, "/apis/events.k8s.io/v1/namespaces/default/events/e").await.expect(200);
    assert_eq!((&back["note"], &back["regarding"]["name"]), (&json!("made it"), &json!("a")));
}

#[tokio::test]
async fn discovery_is_plain_or_aggregated() {
    let server = with_pipelines().await;
    let groups = get(&server, "/apis").await.expect(200);
    let group_names: Vec<&str> =
        groups["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert!(group_names.contains(&"training.example.dev") && group_names.contains(&"coordination.k8s.io"));
    assert_eq!(get(&server, "/api").await.expect(200)["versions"], json!(["v1"]));
    let core = get(&server, "/api/v1").await.expect(200);
    assert!(core["resources"].as_array().unwrap().iter().any(|resource| resource["name"] == "namespaces/status"));
    let accept = [("accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json")];
    let all = send(&server, "GET", "/apis", &accept, Vec::new()).await.expect(200);
    assert_eq!(all["kind"], "APIGroupDiscoveryList");
    let ours =
        all["items"].as_array().unwrap().iter().find(|group| group["metadata"]["name"] == "training.example.dev");
    let resource = &ours.unwrap()["versions"][0]["resources"][0];
    assert_eq!((&resource["resource"], resource["subresources"].as_array().unwrap().len()), (&json!("pipelines"), 2));
    let older =
        [("accept", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json")];
    assert_eq!(send(&server, "GET", "/apis", &older, Vec::new()).await.expect(200)["kind"], "APIGroupList");
    assert_eq!(get(&server, "/version").await.expect(200)["minor"], "36");
    assert_eq!(get(&server, "/readyz").await.text, "ok");
}

#[tokio::test]
async fn openapi_says_that_the_server_validates_fields() {
    let server = with_pipelines().await;
    let index = get(&server, "/openapi/v3").await.expect(200);
    let place = index["paths"]["apis/training.example.dev/v1alpha1"]["serverRelativeURL"].as_str().unwrap();
    let document = get(&server, place).await.expect(200);
    let one = "/apis/training.example.dev/v1alpha1/namespaces/{namespace}/pipelines/{name}";
    let parameters = document["paths"][one]["patch"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
    let schema = &document["components"]["schemas"]["dev.example.training.v1alpha1.Pipeline"];
    assert_eq!(schema["properties"]["spec"]["properties"]["replicas"]["type"], "integer");
    assert_eq!(get(&server, "/openapi/v2").await.expect(200)["swagger"], "2.0");
}

#[tokio::test]
async fn without_the_token_every_path_is_unauthorized() {
    let server = Server::new(Config { token: Some("secret".into()), ..Config::default() });
    for path in ["/api", CONFIG_MAPS, "/nothing", "/version"] {
        for header in ["", "Bearer wrong", "Basic secret"] {
            let answer = send(&server, "GET", path, &[("authorization", header)], Vec::new()).await;
            assert_eq!((answer.status, answer.reason()), (401, "Unauthorized"), "{path}");
        }
    }
    let answer = send(&server, "GET", CONFIG_MAPS, &[("authorization", "Bearer secret")], Vec::new()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn whoever_asks_may_do_everything() {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": { "verb": "get", "resource": "secrets" } },
    });
    let answer = post(&server(), "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).await.expect(201);
    assert_eq!(answer["status"]["allowed"], true);
}

#[tokio::test]
async fn a_list_is_whole_however_long_it_is() {
    let server = with_pipelines().await;
    for number in 0..20 {
        post(&server, CONFIG_MAPS, config_map(&format!("map-{number:02}"), json!({ "filler": "x".repeat(6_000) })))
            .await
            .expect(201);
        let filler = json!({ "filler": "x".repeat(6_000) });
        let pipeline = json!({
            "apiVersion": "training.example.dev/v1alpha1", "kind": "Pipeline", "spec": {},
            "metadata": { "name": format!("map-{number:02}"), "annotations": filler },
        });
        post(&server, PIPELINES, pipeline).await.expect(201);
    }
    // Lists are sent in parts of 64 KiB: around that length, too, nothing may be missing.
    for length in (59_000..66_000).step_by(97) {
        let patch = json!({ "data": { "filler": "x".repeat(length) } });
        merge(&server, &format!("{CONFIG_MAPS}/map-00"), patch).await.expect(200);
        for query in ["?limit=1", "?limit=2", ""] {
            let list = get(&server, &format!("{CONFIG_MAPS}{query}")).await.expect(200);
            assert_eq!(list["items"][0]["data"]["filler"].as_str().unwrap().len(), length);
            assert!(list["metadata"]["resourceVersion"].is_string());
        }
    }
    for path in [CONFIG_MAPS, PIPELINES] {
        let list = get(&server, path).await.expect(200);
        let names: Vec<&str> =
            list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, (0..20).map(|number| format!("map-{number:02}")).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn objects_follow_their_definition_when_it_changes() {
    let server = server();
    let schema = |level: Value| json!({ "type": "object", "properties": { "level": level } });
    common::define(&server, common::thing_definition(schema(json!({ "type": "integer" })))).await;
    post(&server, common::THINGS, common::thing("a", json!({}))).await.expect(201);
    let level = async || {
        let object = get(&server, &format!("{}/a", common::THINGS)).await.expect(200);
        let list = get(&server, common::THINGS).await.expect(200);
        let frames = get(&server, &format!("{}?watch=1&timeoutSeconds=1", common::THINGS)).await.frames();
        assert_eq!(list["items"][0], object);
        assert_eq!(frames[0]["object"], object);
        object["spec"]["level"].clone()
    };
    assert_eq!(level().await, Value::Null);
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.g.example.dev";
    let changed = common::thing_definition(schema(json!({ "type": "integer", "default": 7 })));
    merge(&server, path, json!({ "spec": changed["spec"] })).await.expect(200);
    assert_eq!(level().await, 7);
}
