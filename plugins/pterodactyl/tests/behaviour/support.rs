//! A panel in process, calls to make on it, and transports that count, alter or script what is exchanged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use demo_panel::{Config, Dialect, InstallMode, Panel};
use hostwright_plugin::{
    Call, Error, Instance, Map, Observation, Outcome, Owner, Plugin as _, Present, Remote, RemoteState, Secret,
};
use hostwright_plugin_pterodactyl::{Pterodactyl, Transport, TransportError};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt as _;

type Result<T> = std::result::Result<T, TransportError>;
type Detour = Box<dyn Fn(&Request<Bytes>) -> Option<Result<Response<Bytes>>> + Send + Sync>;

/// Hands requests straight to a panel's router, and keeps a list of them.
pub struct InProcess {
    router: Router,
    sent: Mutex<Vec<String>>,
    detour: Mutex<Option<Detour>>,
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.sent.lock().unwrap().push(name(&request));
        if let Some(answer) = self.detour.lock().unwrap().as_ref().and_then(|detour| detour(&request)) {
            return answer;
        }
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| TransportError::Interrupted(error.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// Method and path below the application API, with the query.
pub fn name(request: &Request<Bytes>) -> String {
    let path = request.uri().path_and_query().unwrap().as_str();
    format!("{} {}", request.method(), path.strip_prefix("/api/application/").unwrap_or(path))
}

/// A demo panel with one node, and the plugin in front of it.
pub struct Fixture {
    pub panel: Panel,
    pub plugin: Pterodactyl,
    pub transport: Arc<InProcess>,
}

impl Fixture {
    /// A Pterodactyl panel on which installations never end by themselves.
    pub fn new() -> Self {
        Self::with_dialect(Dialect::Pterodactyl)
    }

    pub fn with_dialect(dialect: Dialect) -> Self {
        let panel = Panel::new(Config { install: InstallMode::Hold, ..Config::new(dialect) });
        panel.seed_demo();
        let transport =
            Arc::new(InProcess { router: panel.router(), sent: Mutex::default(), detour: Mutex::default() });
        let plugin = Pterodactyl::with_transport(Arc::clone(&transport) as Arc<dyn Transport>).unwrap();
        Self { panel, plugin, transport }
    }

    /// What was sent since the last time this was asked.
    pub fn sent(&self) -> Vec<String> {
        std::mem::take(&mut *self.transport.sent.lock().unwrap())
    }

    /// Answers some requests in place of the panel.
    pub fn detour(&self, detour: impl Fn(&Request<Bytes>) -> Option<Result<Response<Bytes>>> + Send + Sync + 'static) {
        *self.transport.detour.lock().unwrap() = Some(Box::new(detour));
    }

    /// A request to the panel that is not the plugin's.
    pub async fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://panel.test/api/application/{path}"))
            .header("host", "panel.test")
            .header("accept", "application/json")
            .header("content-type", "application/json")
            .header("authorization", "Bearer ptla_demo")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.transport.router.clone().oneshot(request).await.unwrap();
        let (status, body) = (answer.status(), answer.into_body().collect().await.unwrap().to_bytes());
        assert!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// Makes the server of a call and gives the call what is known of it then.
    pub async fn created(&self, mut call: Call) -> Call {
        let state = done(self.plugin.create(&call).await);
        call.remote = Some(state.remote);
        call.applied = Some(call.config.clone());
        self.sent();
        call
    }

    pub async fn installed(&self, call: Call) -> Call {
        let call = self.created(call).await;
        assert!(self.panel.finish_installation(id(&call), true));
        call
    }

    pub async fn present(&self, call: &Call) -> Present {
        match self.plugin.observe(call).await.unwrap() {
            Observation::Present(present) => *present,
            Observation::Absent => panic!("{} is absent", call.external_id),
        }
    }

    pub fn server(&self, call: &Call) -> demo_panel::Server {
        self.panel.server(&call.external_id).unwrap()
    }
}

pub fn id(call: &Call) -> u64 {
    call.remote.as_ref().unwrap().id.parse().unwrap()
}

/// Answers from a list, in order.
pub struct Script {
    answers: Mutex<VecDeque<Result<Response<Bytes>>>>,
    pub requests: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub fn new(answers: impl IntoIterator<Item = Result<Response<Bytes>>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), requests: Mutex::default() })
    }

    pub fn plugin(self: &Arc<Self>) -> Pterodactyl {
        Pterodactyl::with_transport(Arc::clone(self) as Arc<dyn Transport>).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(name).collect()
    }

    /// The body of a request.
    pub fn body(&self, index: usize) -> Value {
        serde_json::from_slice(self.requests.lock().unwrap()[index].body()).unwrap()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let answer = self.answers.lock().unwrap().pop_front();
        let answer =
            answer.unwrap_or_else(|| panic!("a request that the script has no answer for: {}", name(&request)));
        self.requests.lock().unwrap().push(request);
        answer
    }
}

/// An answer of a panel.
pub fn answer(status: u16, body: &Value) -> Result<Response<Bytes>> {
    raw(status, &[("content-type", "application/json"), ("x-ratelimit-limit", "240")], &body.to_string())
}

#[expect(clippy::unnecessary_wraps, reason = "scripts mix answers with failures to answer")]
pub fn raw(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response<Bytes>> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

pub fn html(status: u16) -> Result<Response<Bytes>> {
    raw(status, &[("content-type", "text/html; charset=UTF-8")], "<!DOCTYPE html><title>Welcome</title>")
}

pub fn refusal(status: u16, code: &str, detail: &str) -> Result<Response<Bytes>> {
    answer(status, &json!({"errors": [{"code": code, "status": status.to_string(), "detail": detail}]}))
}

/// Broken rules, as `(field, rule)`.
pub fn broken(rules: &[(&str, &str)]) -> Result<Response<Bytes>> {
    let entry = |(field, rule): &(&str, &str)| {
        json!({
            "code": "ValidationException", "status": "422", "detail": format!("The {field} broke {rule}."),
            "meta": {"source_field": field, "rule": rule},
        })
    };
    answer(422, &json!({"errors": rules.iter().map(entry).collect::<Vec<_>>()}))
}

pub fn not_found() -> Result<Response<Bytes>> {
    refusal(404, "NotFoundHttpException", "The requested resource could not be found on the server.")
}

pub fn user(id: u64, external_id: Option<&str>, email: &str) -> Value {
    json!({"object": "user", "attributes": {"id": id, "external_id": external_id, "uuid": format!("user-{id}"), "email": email}})
}

pub fn page_of(items: &[Value], current: u32, total: u32) -> Value {
    json!({
        "object": "list", "data": items,
        "meta": {"pagination": {"total": 0, "count": items.len(), "per_page": 100, "current_page": current,
            "total_pages": total, "links": {}}},
    })
}

/// A ready server of Alice's, with the changes of `edit`.
pub fn server(edit: impl FnOnce(&mut Value)) -> Value {
    let mut attributes = json!({
        "id": 7, "external_id": "prod.customers.alice", "uuid": "aaaabbbb-0000-4000-8000-000000000000",
        "identifier": "aaaabbbb", "name": "Alice's server", "description": "hers", "status": null, "suspended": false,
        "limits": {"memory": 1024, "swap": 0, "disk": 2000, "io": 500, "cpu": 100, "threads": null, "oom_disabled": false},
        "feature_limits": {"databases": 1, "allocations": 1, "backups": 1},
        "user": 2, "node": 1, "allocation": 5, "nest": 1, "egg": 4,
        "container": {"startup_command": "java -jar {{SERVER_JARFILE}}", "image": "java_21", "installed": 1,
            "environment": {"SERVER_JARFILE": "server.jar", "STARTUP": "java", "P_SERVER_UUID": "aaaabbbb"}},
    });
    edit(&mut attributes);
    json!({"object": "server", "attributes": attributes})
}

pub fn known_remote() -> Remote {
    Remote {
        id: "7".to_owned(),
        url: None,
        attributes: [("uuid".to_owned(), "aaaabbbb-0000-4000-8000-000000000000".to_owned())].into(),
    }
}

pub fn map(value: Value) -> Map {
    serde_json::from_value(value).unwrap()
}

pub fn instance() -> Instance {
    Instance {
        name: "panel-eu".to_owned(),
        settings: map(json!({"panel_url": "http://panel.test/", "dialect": "pterodactyl", "adopt_by_email": false})),
        secrets: [("api_key".to_owned(), Secret::new("ptla_demo"))].into(),
    }
}

/// An order of Alice's for a vanilla Minecraft server.
pub fn call() -> Call {
    Call {
        external_id: "prod.customers.alice".to_owned(),
        operation_id: "operation-1".to_owned(),
        deadline: Timestamp::MAX,
        instance: instance(),
        config: map(json!({
            "nest_id": 1, "egg_id": 4, "memory": 1024, "swap": 0, "disk": 2000, "io": 500, "cpu": 100,
            "databases": 1, "allocations": 1, "backups": 1, "oom_killer": true, "skip_scripts": false,
            "start_on_completion": true, "dedicated_ip": false,
        })),
        checkout: map(json!({"server_name": "Alice's server"})),
        fields: map(json!({})),
        checkout_secrets: [].into(),
        credentials: [].into(),
        owner: Owner {
            key: "prod.customers.cust-1".to_owned(),
            email: "alice@example.com".to_owned(),
            name: "Alice Archer".to_owned(),
        },
        paid_until: None,
        remote: None,
        named: None,
        applied: None,
        before: None,
        force: false,
    }
}

/// The call with one setting of the package changed.
pub fn with(mut call: Call, key: &str, value: impl Into<Value>) -> Call {
    call.config.insert(key.to_owned(), value.into());
    call
}

/// The call for another service of the same owner.
pub fn named(mut call: Call, external_id: &str) -> Call {
    external_id.clone_into(&mut call.external_id);
    call
}

pub fn done(outcome: std::result::Result<Outcome, Error>) -> RemoteState {
    match outcome.unwrap() {
        Outcome::Done(state) => state,
        other => panic!("expected a finished call, got {other:?}"),
    }
}

pub fn is_gone(outcome: std::result::Result<Outcome, Error>) -> bool {
    matches!(outcome.unwrap(), Outcome::Gone)
}
