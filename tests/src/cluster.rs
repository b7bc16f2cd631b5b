//! The API server as a test uses it: at once, past every fault of the wire, and told apart from the controller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::{Gateway, Rule};
use crate::server::ApiServer;
use crate::{KubernetesFault, Manifest, NAMESPACE, Request, SYSTEM};

/// The `User-Agent` of tests.
const TEST: &str = "test";

/// A real server serves a changed definition after a second or two.
const PATIENCE: Duration = Duration::from_mins(1);
/// A garbage collector gets to know kinds that are defined while it runs twice a minute.
const COLLECTED: Duration = Duration::from_mins(5);

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
    /// The way of controllers to the server.
    pub(crate) gateway: Arc<Gateway>,
    /// When a test changed something last.
    changed: Mutex<Option<Instant>>,
}

impl Cluster {
    /// A cluster with the definitions of all kinds and the namespaces that tests use.
    pub(crate) fn new() -> Self {
        let cluster = Self { gateway: Arc::new(Gateway::new(ApiServer::chosen())), changed: Mutex::default() };
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

    /// Whether the server would store an object, which it does not.
    pub fn would_accept(&self, manifest: &Manifest) -> bool {
        let path =
            collection(manifest.text("/apiVersion"), manifest.text("/kind"), manifest.text("/metadata/namespace"));
        self.call("POST", &format!("{path}?dryRun=All"), &manifest.0).is_ok()
    }

    /// Changes the versions of a definition, and waits until the server judges an object by them: the embedded one does so at
    /// once, a real one soon.
    #[track_caller]
    pub fn redefine(&self, definition: &str, versions: &Value, probe: &Manifest, accepted: bool) {
        self.patch("CustomResourceDefinition", definition, &json!({"spec": {"versions": versions}}));
        let start = std::time::Instant::now();
        while self.would_accept(probe) != accepted {
            assert!(start.elapsed() < PATIENCE, "{definition} is not served as it was changed");
            std::thread::yield_now();
        }
    }

    /// Waits until an object is removed whose owner is gone: the embedded server does so at once, a real one soon, whatever the
    /// clock of the test says.
    pub async fn collects(&self, kind: &str, name: &str) {
        let start = std::time::Instant::now();
        while self.get(kind, name).is_some() {
            assert!(start.elapsed() < COLLECTED, "{kind} {name} is not collected");
            tokio::task::yield_now().await;
        }
    }

    /// Applies an object as this field manager, which takes over what others have where it conflicts.
    ///
    /// # Errors
    /// What the server refused.
    pub fn try_apply_as(&self, manager: &str, manifest: &Manifest) -> Result<Value, Refusal> {
        let path =
            collection(manifest.text("/apiVersion"), manifest.text("/kind"), manifest.text("/metadata/namespace"));
        let path = format!("{path}/{}?fieldManager={manager}&force=true", manifest.text("/metadata/name"));
        self.send("PATCH", &path, "application/apply-patch+yaml", &manifest.0)
    }

    /// Merges into an object.
    ///
    /// # Errors
    /// What the server refused.
    pub fn try_patch(&self, kind: &str, name: &str, patch: &Value) -> Result<Value, Refusal> {
        self.call("PATCH", &object(kind, name), patch)
    }

    /// Merges into an object as this field manager.
    #[track_caller]
    pub fn patch_as(&self, manager: &str, kind: &str, name: &str, patch: &Value) {
        self.call("PATCH", &format!("{}?fieldManager={manager}", object(kind, name)), patch).unwrap();
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
        self.gateway.requests()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.gateway.forget_requests();
    }

    /// The next `times` requests of controllers with this verb about this resource go wrong: `"update"`,
    /// `"hostingservices/status"`.
    pub fn fails(&self, verb: &str, resource: &str, fault: KubernetesFault, times: usize) {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let [verb, resource, subresource] = [verb, resource, subresource].map(ToOwned::to_owned);
        self.gateway.add_rule(Rule { verb, resource, subresource, fault, left: times });
    }

    /// From now on caches see the objects of this kind as they are now; a look at one by its name still sees the present.
    #[track_caller]
    pub fn freeze(&self, kind: &str) {
        let now = self.call("GET", &collection(version(kind), kind, ""), &Value::Null).unwrap();
        let revision = now["metadata"]["resourceVersion"].as_str().and_then(|revision| revision.parse().ok());
        self.gateway.freeze(&plural(kind), revision.expect("a list has a revision"));
    }

    /// Ends that.
    pub fn thaw(&self) {
        self.gateway.thaw();
    }

    /// What the controllers wrote so far, as `verb resource[/subresource] name`, leases apart.
    pub fn writes(&self) -> Vec<String> {
        let writes = self.requests().into_iter().filter(|request| request.is_write() && request.resource != "leases");
        writes.map(|request| request.described()).collect()
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refusal> {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, kind, body)
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, Refusal> {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = http::Request::builder().method(method).uri(path).header("user-agent", TEST);
        let request = request.header("content-type", kind).header("accept", "application/json").body(body).unwrap();
        if method != "GET" {
            *self.changed.lock().unwrap() = Some(Instant::now());
        }
        let (parts, bytes) = self.gateway.server.call(request).into_parts();
        let status = parts.status;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        Err(Refusal { code: status.as_u16(), message: answer["message"].as_str().unwrap_or_default().to_owned() })
    }
}

/// A use of a cluster that ends with this value, however the test ends.
pub(crate) struct Lease(pub(crate) Arc<Cluster>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.gateway.server.give_back();
    }
}

fn version(kind: &str) -> &'static str {
    match kind {
        "HostingService" | "Package" | "ProviderInstance" | "Plugin" => "hostwright.dev/v1alpha1",
        "Event" => "events.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        _ => "v1",
    }
}

fn plural(kind: &str) -> String {
    format!("{}s", kind.to_lowercase())
}

fn collection(version: &str, kind: &str, namespace: &str) -> String {
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let plural = plural(kind);
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
