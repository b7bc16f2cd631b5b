//! A plugin that has schemas, answers what a test tells it to, and counts what it was asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use hostwright_plugin::schema::Schema;
use hostwright_plugin::{
    Call, Capabilities, Connection, CreateUniqueness, Error, Instance, Manifest, Observation, Outcome, Page, Plugin,
    Present, RenewSupport,
};
use serde_json::json;

pub(crate) struct Sample {
    /// What a connection test answers.
    pub(crate) connection: Mutex<Result<Connection, Error>>,
    /// What a list shows.
    pub(crate) remotes: Mutex<Vec<Present>>,
    /// Connection tests and lists so far.
    pub(crate) calls: AtomicUsize,
    manifest: Manifest,
    capabilities: Capabilities,
    /// What the customer fills in.
    pub(crate) checkout: Schema,
    config: Schema,
    package: Schema,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let config = json!({
            "panel_url": {"type": "url", "label": "Panel URL", "rules": "required|url"},
            "api_key": {"type": "password", "label": "API key", "rules": "required|string"},
            "dialect": {"type": "text", "label": "Dialect", "rules": "string", "default": "auto"},
        });
        let package = json!({
            "memory": {"type": "number", "label": "Memory", "rules": "required|integer|min:128"},
            "swap": {"type": "number", "label": "Swap", "rules": "integer", "default": 0},
            "token": {"type": "password", "label": "Token", "rules": "nullable|string"},
        });
        let connection = Connection { identity: "one".into(), version: None, permissions: vec![], note: None };
        Self {
            connection: Mutex::new(Ok(connection)),
            remotes: Mutex::default(),
            calls: AtomicUsize::new(0),
            manifest: Manifest {
                name: "Sample".into(),
                provider: "sample".into(),
                kind: "provisioning".into(),
                version: "1.0.0".into(),
                description: "Nothing".into(),
                author: "Hostwright contributors".into(),
                icon: None,
                protocol_version: 1,
            },
            capabilities: Capabilities {
                create_uniqueness: CreateUniqueness::ByExternalId,
                settle_seconds: 0,
                list: true,
                interruptible: false,
                renew: RenewSupport::Unneeded,
                adopt: false,
                rotate_credentials: false,
                actions: false,
                validate: false,
                plan: false,
                users: false,
                requests_per_minute: Some(60),
                max_concurrent_creates: Some(1),
                shown_attributes: vec![],
            },
            checkout: Schema::from_json(&package).unwrap(),
            config: Schema::from_json(&config).unwrap(),
            package: Schema::from_json(&package).unwrap(),
        }
    }
}

#[async_trait]
impl Plugin for Sample {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn config_schema(&self) -> &Schema {
        &self.config
    }

    fn package_schema(&self) -> &Schema {
        &self.package
    }

    fn checkout_schema(&self) -> &Schema {
        &self.checkout
    }

    async fn test_connection(&self, _: &Instance) -> Result<Connection, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.connection.lock().unwrap().clone()
    }

    async fn list(&self, _: &Instance, _: Option<&str>) -> Result<Page, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let items = self.remotes.lock().unwrap().clone();
        Ok(Page { items, next: None })
    }

    async fn observe(&self, _: &Call) -> Result<Observation, Error> {
        Err(Error::unsupported("observing"))
    }

    async fn create(&self, _: &Call) -> Result<Outcome, Error> {
        Err(Error::unsupported("creating"))
    }

    async fn suspend(&self, _: &Call) -> Result<Outcome, Error> {
        Err(Error::unsupported("suspending"))
    }

    async fn unsuspend(&self, _: &Call) -> Result<Outcome, Error> {
        Err(Error::unsupported("unsuspending"))
    }

    async fn scale(&self, _: &Call) -> Result<Outcome, Error> {
        Err(Error::unsupported("scaling"))
    }

    async fn terminate(&self, _: &Call) -> Result<Outcome, Error> {
        Err(Error::unsupported("terminating"))
    }
}
