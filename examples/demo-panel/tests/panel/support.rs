//! A panel and a client of it, in one process.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use demo_panel::{Config, InstallMode, Panel};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// `(source_field, rule)` of every validation error.
    pub fn violations(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, 422, "{}", self.text);
        let errors = self.json();
        let errors = errors["errors"].as_array().unwrap().clone();
        let text = |error: &Value, name: &str| error["meta"][name].as_str().unwrap().to_owned();
        errors.iter().map(|error| (text(error, "source_field"), text(error, "rule"))).collect()
    }

    #[track_caller]
    pub fn assert_violations(&self, expected: &[(&str, &str)]) {
        let violations = self.violations();
        let violations: Vec<(&str, &str)> =
            violations.iter().map(|(field, rule)| (field.as_str(), rule.as_str())).collect();
        assert_eq!(violations, expected);
    }

    pub fn details(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| error["detail"].as_str().unwrap().to_owned()).collect()
    }

    /// Asserts the status and exception class of a single error.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["errors"][0]["code"], code);
        assert_eq!(body["errors"][0]["status"], status.to_string());
        assert_eq!(body["errors"].as_array().unwrap().len(), 1);
    }

    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub fn attributes(&self) -> Value {
        self.json()["attributes"].clone()
    }
}

/// A panel with its router.
#[derive(Clone)]
pub struct Fixture {
    pub panel: Panel,
    pub router: Router,
    pub config: Config,
}

impl Fixture {
    pub fn new(config: Config) -> Self {
        let panel = Panel::new(config.clone());
        Self { router: panel.router(), panel, config }
    }

    /// A fresh panel whose installations do not end by themselves.
    pub fn holding() -> Self {
        Self::new(Config { install: InstallMode::Hold, ..Config::default() })
    }

    /// A panel with node 1 (4096 MiB memory, 20000 MiB disk, three allocations) and user 2.
    pub async fn with_node_and_user() -> Self {
        let fixture = Self::holding();
        fixture.panel.add_node("n1", 1, 4096, 20_000, 3);
        fixture.post("/api/application/users", &user("bob")).await.assert_status(201);
        fixture
    }

    /// As above, with ready server 1 of external id `svc-1`.
    pub async fn with_server() -> Self {
        let fixture = Self::with_node_and_user().await;
        fixture.post("/api/application/servers", &server("svc-1")).await.assert_status(201);
        fixture.panel.finish_installation(1, true);
        fixture
    }

    pub async fn send(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
        };
        self.answer(request.unwrap()).await
    }

    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&self.config.application_key, "GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(&self.config.application_key, "POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(&self.config.application_key, "PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(&self.config.application_key, "DELETE", path, None).await
    }

    pub async fn client_get(&self, path: &str) -> Answer {
        self.send(&self.config.client_key, "GET", path, None).await
    }

    pub async fn client_post(&self, path: &str, body: &Value) -> Answer {
        self.send(&self.config.client_key, "POST", path, Some(body)).await
    }

    /// Path of a server in the client API.
    pub fn client_path(&self, external_id: &str, action: &str) -> String {
        let server = self.panel.server(external_id).unwrap();
        format!("/api/client/servers/{}{action}", server.identifier())
    }
}

/// The body that creates a user.
pub fn user(name: &str) -> Value {
    json!({
        "email": format!("{name}@example.com"),
        "username": format!("{name}-svc"),
        "first_name": name,
        "last_name": "C",
        "external_id": format!("cust-{name}"),
    })
}

/// The body that creates a server of user 2.
pub fn server(external_id: &str) -> Value {
    json!({
        "external_id": external_id,
        "name": "a server",
        "user": 2,
        "egg": 4,
        "docker_image": "images.example/java:21",
        "startup": "java -jar {{SERVER_JARFILE}}",
        "environment": { "SERVER_JARFILE": "server.jar", "VANILLA_VERSION": "latest" },
        "limits": { "memory": 1024, "swap": 0, "disk": 2000, "io": 500, "cpu": 100 },
        "feature_limits": { "databases": 1, "backups": 1, "allocations": 1 },
        "deploy": { "locations": [1], "dedicated_ip": false, "port_range": [] },
        "start_on_completion": true,
    })
}

/// `base` with the members of `change` in place of its own.
pub fn with(mut base: Value, change: Value) -> Value {
    let (Value::Object(members), Value::Object(changes)) = (&mut base, change) else { panic!("not objects") };
    for (name, value) in changes {
        members.insert(name, value);
    }
    base
}

/// `base` without a member.
pub fn without(mut base: Value, name: &str) -> Value {
    base.as_object_mut().unwrap().remove(name).unwrap();
    base
}
