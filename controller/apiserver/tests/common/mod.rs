//! A server without a socket, and requests to it.

#![allow(clippy::needless_pass_by_value, reason = "callers write json!(..) in place")]
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use axum::body::Body;
use hostwright_apiserver::{Config, Server};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const PIPELINES: &str = "/apis/training.example.dev/v1alpha1/namespaces/default/pipelines";

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub warnings: Vec<String>,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// The answer, which has to have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// The frames of a watch.
    pub fn frames(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub fn server() -> Server {
    Server::new(Config::default())
}

pub fn pipelines_definition() -> Value {
    serde_json::from_str(include_str!("../fixtures/pipelines.json")).unwrap()
}

/// A server on which the type of the recordings exists.
pub async fn with_pipelines() -> Server {
    let server = server();
    define(&server, pipelines_definition()).await;
    server
}

pub async fn define(server: &Server, definition: Value) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    post(server, path, definition).await.expect(201);
}

/// A definition of `Thing` in `g.example.dev/v1`, with this schema for its spec.
pub fn thing_definition(spec: Value) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "things.g.example.dev" },
        "spec": {
            "group": "g.example.dev", "scope": "Namespaced", "names": { "plural": "things", "kind": "Thing" },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": spec,
                    "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                } } },
            }],
        },
    })
}

pub const THINGS: &str = "/apis/g.example.dev/v1/namespaces/default/things";

pub fn thing(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "g.example.dev/v1", "kind": "Thing", "metadata": { "name": name }, "spec": spec })
}

pub fn config_map(name: &str, data: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
}

pub const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

pub async fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = server.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let warnings =
        response.headers().get_all("warning").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, warnings, body, text }
}

const AGENT: (&str, &str) = ("user-agent", "golden/1.0");

pub async fn get(server: &Server, path: &str) -> Answer {
    send(server, "GET", path, &[AGENT], Vec::new()).await
}

pub async fn post(server: &Server, path: &str, body: Value) -> Answer {
    send(server, "POST", path, &[AGENT, ("content-type", "application/json")], body.to_string().into_bytes()).await
}

pub async fn put(server: &Server, path: &str, body: Value) -> Answer {
    send(server, "PUT", path, &[AGENT, ("content-type", "application/json")], body.to_string().into_bytes()).await
}

pub async fn patch(server: &Server, path: &str, kind: &str, body: Value) -> Answer {
    let media = match kind {
        "apply" => "application/apply-patch+yaml".to_owned(),
        kind => format!("application/{kind}+json"),
    };
    send(server, "PATCH", path, &[AGENT, ("content-type", &media)], body.to_string().into_bytes()).await
}

pub async fn merge(server: &Server, path: &str, body: Value) -> Answer {
    patch(server, path, "merge-patch", body).await
}

pub async fn apply(server: &Server, path: &str, manager: &str, body: Value) -> Answer {
    let separator = if path.contains('?') { '&' } else { '?' };
    patch(server, &format!("{path}{separator}fieldManager={manager}"), "apply", body).await
}

pub async fn delete(server: &Server, path: &str, options: Value) -> Answer {
    send(server, "DELETE", path, &[AGENT, ("content-type", "application/json")], options.to_string().into_bytes()).await
}
