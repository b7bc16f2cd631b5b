//! OpenAPI documents: v3 for each group and version, and v2 for clients that know nothing else.
//!
//! kubectl needs them for `explain`, to see that the server validates fields itself, and to choose how to patch.

use axum::body::Body;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::builtin;
use crate::registry::Registry;
use crate::resource::Resource;
use crate::response;

/// Answers below `/openapi`.
pub(crate) fn answer(registry: &Registry, path: &[&str]) -> Option<Response<Body>> {
    match path {
        ["v2"] => Some(response::json(200, &v2(registry), &[])),
        ["v3"] => Some(typed(&index(registry), "text/plain; charset=utf-8")),
        ["v3", "api", version] => document(registry, "", version),
        ["v3", "apis", group, version] => document(registry, group, version),
        _ => None,
    }
}

fn document(registry: &Registry, group: &str, version: &str) -> Option<Response<Body>> {
    Some(typed(&v3(registry, group, version)?, "application/json"))
}

/// JSON under the media type of a real server.
fn typed(value: &Value, media: &'static str) -> Response<Body> {
    let mut response = response::json(200, value, &[]);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

/// Where the documents are. The hash makes clients notice a new one.
fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    for (group, versions) in registry.groups() {
        for version in versions {
            let place = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            let text = v3(registry, group, version).map(|document| document.to_string()).unwrap_or_default();
            let hash =
                Sha256::digest(text).iter().take(16).fold(String::new(), |hash, byte| hash + &format!("{byte:02X}"));
            paths.insert(place.clone(), json!({ "serverRelativeURL": format!("/openapi/v3/{place}?hash={hash}") }));
        }
    }
    json!({ "paths": paths })
}

fn v3(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let resources = registry.of_version(group, version);
    if resources.is_empty() {
        return None;
    }
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert(METADATA.to_owned(), builtin::metadata_schema().clone());
    for resource in &resources {
        schemas.insert(schema_name(resource), schema(resource, "#/components/schemas/"));
        add_paths(&mut paths, resource, |name| {
            json!({ "description": "OK", "content": { "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{name}") },
            } } })
        });
    }
    Some(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "v1.36.0" }, "paths": paths,
        "components": { "schemas": schemas },
    }))
}

fn v2(registry: &Registry) -> Value {
    let mut paths = Map::new();
    let mut definitions = Map::new();
    definitions.insert(METADATA.to_owned(), builtin::metadata_schema().clone());
    for resource in registry.all() {
        definitions.insert(schema_name(resource), schema(resource, "#/definitions/"));
        add_paths(
            &mut paths,
            resource,
            |name| json!({ "description": "OK", "schema": { "$ref": format!("#/definitions/{name}") } }),
        );
    }
    json!({
        "swagger": "2.0", "info": { "title": "Kubernetes", "version": "v1.36.0" }, "paths": paths,
        "definitions": definitions,
    })
}

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Named like the real server's: `io.k8s.api.core.v1.Secret`, `dev.example.v1.Thing`.
fn schema_name(resource: &Resource) -> String {
    let Resource { group, version, kind, .. } = resource;
    if resource.is_custom() {
        let reversed: Vec<&str> = group.rsplit('.').collect();
        return format!("{}.{version}.{kind}", reversed.join("."));
    }
    let group = match group.as_str() {
        "" => "api.core",
        "apiextensions.k8s.io" => "apiextensions-apiserver.pkg.apis.apiextensions",
        "coordination.k8s.io" => "api.coordination",
        _ => "api.events",
    };
    format!("io.k8s.{group}.{version}.{kind}")
}

fn group_version_kind(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn schema(resource: &Resource, prefix: &str) -> Value {
    let mut schema = resource.raw_schema.clone();
    if !schema.is_object() {
        schema = json!({ "type": "object" });
    }
    let fields =
        crate::object::as_map(crate::object::as_map(&mut schema).entry("properties").or_insert_with(|| json!({})));
    for name in ["apiVersion", "kind"] {
        fields.insert(name.to_owned(), json!({ "type": "string", "description": builtin::type_description(name) }));
    }
    let metadata = json!({
        "description": "Standard object's metadata.", "allOf": [{ "$ref": format!("{prefix}{METADATA}") }], "default": {},
    });
    // Version 2 knows a reference only alone.
    let metadata = if prefix == "#/definitions/" {
        json!({ "description": "Standard object's metadata.", "$ref": format!("{prefix}{METADATA}") })
    } else {
        metadata
    };
    fields.insert("metadata".to_owned(), metadata);
    schema["x-kubernetes-group-version-kind"] = json!([group_version_kind(resource)]);
    schema
}

/// The operations on one resource, with the parameters that clients look for.
fn add_paths(paths: &mut Map<String, Value>, resource: &Resource, answer: impl Fn(&str) -> Value) {
    let Resource { group, version, plural, .. } = resource;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let place = if resource.namespaced {
        format!("{root}/namespaces/{{namespace}}/{plural}")
    } else {
        format!("{root}/{plural}")
    };
    let operation = |action: &str, parameters: &[&str]| {
        let parameters: Vec<Value> = parameters
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }))
            .collect();
        json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": group_version_kind(resource),
            "parameters": parameters, "responses": { "200": answer(&schema_name(resource)) },
        })
    };
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    paths.insert(
        place.clone(),
        json!({
            "get": operation("list", &["labelSelector", "fieldSelector", "limit", "continue", "watch"]),
            "post": operation("post", &write), "delete": operation("deletecollection", &["dryRun"]),
        }),
    );
    paths.insert(
        format!("{place}/{{name}}"),
        json!({
            "get": operation("get", &[]), "put": operation("put", &write),
            "patch": operation("patch", &["dryRun", "fieldManager", "fieldValidation", "force"]),
            "delete": operation("delete", &["dryRun", "propagationPolicy"]),
        }),
    );
}
