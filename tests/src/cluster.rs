//! The API server as a test uses it: at once, past every fault of the wire, and told apart from the controller.

use std::sync::Mutex;

use axum::body::Body;
use futures::FutureExt as _;
use hostwright_apiserver::{Config, Request, Server};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::{Manifest, NAMESPACE, SYSTEM};

/// The `User-Agent` of tests.
const TEST: &str = "test";

/// What the API server refused.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The server's words.
    pub message: String,
}

/// The API server.
pub struct Cluster {
    /// The server itself: its faults, its frozen reads.
    pub server: Server,
    /// When a test changed something last.
    changed: Mutex<Option<Instant>>,
}

impl Cluster {
    /// A cluster with the definitions of all kinds and the namespaces that tests use.
    pub(crate) fn new() -> Self {
        let cluster = Self { server: Server::new(Config::default()), changed: Mutex::default() };
        for definition in hostwright_crds::manifests::all() {
            cluster.apply(&Manifest(json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": definition.metadata, "spec": definition.spec,
            })));
        }
        for name in [NAMESPACE, SYSTEM] {
            cluster.apply(&crate::namespace(name));
        }
        cluster
    }

    /// Makes an object, or merges into the one that is there.
    #[track_caller]
    pub fn apply(&self, manifest: &Manifest) {
        self.try_apply(manifest).unwrap();
    }

    /// As [`Self::apply`].
    ///
    /// # Errors
    /// What the server refused.
    pub fn try_apply(&self, manifest: &Manifest) -> Result<Value, Refusal> {
        let path =
            collection(manifest.text("/apiVersion"), manifest.text("/kind"), manifest.text("/metadata/namespace"));
        match self.call("POST", &path, &manifest.0) {
            Err(refusal) if refusal.code == 409 => {
                self.call("PATCH", &format!("{path}/{}", manifest.text("/metadata/name")), &manifest.0)
            }
            answer => answer,
        }
    }

    /// An object as it is; None when there is none.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.call("GET", &object(kind, name), &Value::Null).ok()
    }

    /// Merges into an object.
    #[track_caller]
    pub fn patch(&self, kind: &str, name: &str, patch: &Value) -> Value {
        self.call("PATCH", &object(kind, name), patch).unwrap()
    }

    /// Replaces the status of an object, as a person with too many rights would.
    #[track_caller]
    pub fn replace_status(&self, kind: &str, name: &str, status: &Value) {
        let path = format!("{}/status", object(kind, name));
        let mut whole = self.get(kind, name).unwrap();
        whole["status"] = status.clone();
        self.call("PUT", &path, &whole).unwrap();
    }

    /// Deletes an object; it stays while it has finalizers.
    #[track_caller]
    pub fn delete(&self, kind: &str, name: &str) {
        self.call("DELETE", &object(kind, name), &Value::Null).unwrap();
    }

    /// All objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let list = self.call("GET", &collection(version(kind), kind, ""), &Value::Null).unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// When a test changed something last.
    pub(crate) fn last_change(&self) -> Option<Instant> {
        *self.changed.lock().unwrap()
    }

    /// Requests of the controllers so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests().into_iter().filter(|request| request.user_agent != TEST).collect()
    }

    /// What the controllers wrote so far, as `verb resource[/subresource] name`, leases apart.
    pub fn writes(&self) -> Vec<String> {
        let writes = self
            .requests()
            .into_iter()
            .filter(|request| request.is_write() && request.resource != "leases.coordination.k8s.io");
        writes.map(|request| described(&request)).collect()
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refusal> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(path).header("user-agent", TEST);
        let request = request.header("content-type", kind).header("accept", "application/json").body(body).unwrap();
        let exchange = async {
            let answer = self.server.router().oneshot(request).await.unwrap();
            let status = answer.status();
            (status, answer.into_body().collect().await.unwrap().to_bytes())
        };
        if method != "GET" {
            *self.changed.lock().unwrap() = Some(Instant::now());
        }
        let (status, bytes) = exchange.now_or_never().expect("the embedded API answers at once");
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        Err(Refusal { code: status.as_u16(), message: answer["message"].as_str().unwrap_or_default().to_owned() })
    }
}

/// `update hostingservices/status alice`
pub(crate) fn described(request: &Request) -> String {
    let resource = request.resource.split('.').next().unwrap_or_default();
    let slash = if request.subresource.is_empty() { "" } else { "/" };
    format!("{} {resource}{slash}{} {}", request.verb, request.subresource, request.name).trim_end().to_owned()
}

fn version(kind: &str) -> &'static str {
    match kind {
        "HostingService" | "Package" | "ProviderInstance" | "Plugin" => "hostwright.dev/v1alpha1",
        "Event" => "events.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        _ => "v1",
    }
}

fn collection(version: &str, kind: &str, namespace: &str) -> String {
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let plural = format!("{}s", kind.to_lowercase());
    if namespace.is_empty() { format!("{root}/{plural}") } else { format!("{root}/namespaces/{namespace}/{plural}") }
}

fn object(kind: &str, name: &str) -> String {
    let default = match kind {
        "HostingService" => NAMESPACE,
        "Secret" | "ConfigMap" => SYSTEM,
        _ => "",
    };
    let (namespace, name) = name.split_once('/').unwrap_or((default, name));
    format!("{}/{name}", collection(version(kind), kind, namespace))
}
