//! A server in this process to put requests to, and what has to hold for every answer.

use axum::body::Body;
use hostwright_apiserver::{Config, Server};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// No answer to so small a request is larger.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Objects of a custom and of two core kinds: the path of the collection, and a stored object.
pub const COLLECTIONS: [&str; 6] = [
    "/apis/fuzz.example.dev/v1/namespaces/default/things",
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/namespaces/default/secrets",
    "/api/v1/namespaces/default/events",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
];

/// Where [`COLLECTIONS`] have an object called `one`.
pub const OBJECTS: [&str; 3] = [
    "/apis/fuzz.example.dev/v1/namespaces/default/things/one",
    "/api/v1/namespaces/default/configmaps/one",
    "/api/v1/namespaces/default/secrets/one",
];

pub struct Api {
    server: Server,
    runtime: Runtime,
}

impl Api {
    /// A server with a definition that uses most of what schemas can say, and an object of each kind.
    pub fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let api = Self { server: Server::new(Config::default()), runtime };
        api.create(COLLECTIONS[5], &definition());
        api.create(
            COLLECTIONS[0],
            &json!({
                "apiVersion": "fuzz.example.dev/v1", "kind": "Thing",
                "metadata": { "name": "one", "labels": { "a": "b" }, "finalizers": ["a.b/c"] },
                "spec": { "set": ["a", "b"], "map": [{ "key": "a", "value": 1 }], "free": { "x": [1] }, "count": 2 },
            }),
        );
        api.create(
            COLLECTIONS[1],
            &json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one", "finalizers": ["a.b/c"] },
                "data": { "a": "b" },
            }),
        );
        api.create(
            COLLECTIONS[2],
            &json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "one" }, "data": { "a": "Yg==" },
            }),
        );
        api
    }

    fn create(&self, path: &str, object: &Value) {
        let (status, text) = self.send("POST", path, "application/json", object.to_string().as_bytes());
        assert_eq!(status, 201, "{text}");
    }

    /// Puts a request and judges the answer.
    ///
    /// # Panics
    /// When the answer is none that a client can work with.
    pub fn ask(&self, method: &str, path: &str, media: &str, body: &[u8]) {
        let (status, text) = self.send(method, path, media, body);
        assert!(text.len() <= MAX_ANSWER, "the answer has {} bytes", text.len());
        let answer: Value = serde_json::from_str(&text).unwrap();
        if status >= 400 {
            assert_eq!((&answer["kind"], &answer["code"]), (&json!("Status"), &json!(status)), "{text}");
        }
        assert!(!text.contains("caused apiserver to panic"), "{text}");
    }

    fn send(&self, method: &str, path: &str, media: &str, body: &[u8]) -> (u16, String) {
        let request = http::Request::builder().method(method).uri(path).header("content-type", media);
        let request = request.header("user-agent", "fuzz/1").body(Body::from(body.to_vec())).unwrap();
        self.runtime.block_on(async {
            let response = self.server.router().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(bytes.to_vec()).unwrap())
        })
    }
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "things.fuzz.example.dev" },
        "spec": {
            "group": "fuzz.example.dev", "scope": "Namespaced", "names": { "plural": "things", "kind": "Thing" },
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": {
                        "type": "object",
                        "x-kubernetes-validations": [{ "rule": "!has(self.count) || self.count < 100 || oldSelf.count < 100" }],
                        "properties": {
                            "set": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
                            "map": {
                                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"],
                                "items": { "type": "object", "required": ["key"], "properties": {
                                    "key": { "type": "string" }, "value": { "type": "integer", "default": 3 },
                                } },
                            },
                            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                            "texts": { "type": "object", "additionalProperties": { "type": "string", "maxLength": 20 } },
                            "count": { "type": "integer", "format": "int32", "minimum": 0, "default": 1 },
                            "port": { "x-kubernetes-int-or-string": true },
                            "name": { "type": "string", "pattern": "^[a-z]+$", "nullable": true },
                            "when": { "type": "string", "format": "date-time" },
                            "mode": { "type": "string", "enum": ["a", "b"] },
                            "either": { "type": "integer", "anyOf": [{ "maximum": 3 }, { "minimum": 7 }] },
                            "embedded": {
                                "type": "object", "x-kubernetes-embedded-resource": true,
                                "x-kubernetes-preserve-unknown-fields": true,
                            },
                        },
                    },
                    "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                } } },
            }],
        },
    })
}

/// Takes the first byte off as a choice among so many.
pub fn choose(data: &[u8], among: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = data.split_first()?;
    Some((usize::from(*first) % among, rest))
}
