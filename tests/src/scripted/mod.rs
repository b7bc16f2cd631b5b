//! A plugin whose provider is simulated: everything a provider may do wrong is a switch.

mod credentials;
mod provider;
mod verbs;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hostwright_plugin::schema::Schema;
use hostwright_plugin::{
    Call, Capabilities, Connection, CredentialNames, Error, Instance, Manifest, Map, Observation, Outcome, Page,
    PlannedChange, Plugin,
};

use k8s_openapi::jiff::Timestamp;

pub use provider::{Fault, Provider, SimulatedRemote};

use crate::wire::Line;

const MANIFEST: &str = r#"{"name": "Scripted", "provider": "scripted", "type": "provisioning", "version": "1.0.0",
    "description": "A simulated provider", "author": "Hostwright contributors", "protocolVersion": 1}"#;
/// The settings that the fixtures for the panel give, so that they serve here as well.
const CONFIG: &str = r#"{"panel_url": {"type": "url", "label": "Address", "rules": "required"},
    "api_key": {"type": "password", "label": "Key", "rules": "required"}}"#;
const PACKAGE: &str = r#"{"nest_id": {"type": "number", "label": "Nest", "rules": "nullable|integer", "change": "CreateOnly", "drift": "Ignore"},
    "egg_id": {"type": "number", "label": "Egg", "rules": "nullable|integer", "change": "Disruptive", "drift": "Report"},
    "memory": {"type": "number", "label": "Memory", "rules": "required|integer|min:0", "default": 512, "change": "InPlace", "drift": "Enforce"},
    "disk": {"type": "number", "label": "Disk", "rules": "required|integer|min:0", "default": 1000, "change": "InPlace", "drift": "Enforce"}}"#;
/// A password is asked for where a machine is ordered.
const CHECKOUT: &str = r#"{"server_name": {"type": "text", "label": "Name", "rules": "required|string|max:100"},
    "vps": {"type": "toggle", "label": "A machine", "rules": "nullable|boolean"},
    "root_password": {"type": "password", "label": "Root password", "rules": "required|string|min:8", "change": "CreateOnly",
        "condition": {"field": "vps", "operator": "truthy"}},
    "hostname": {"type": "text", "label": "Host name", "rules": "required|string|max:20", "change": "CreateOnly",
        "condition": {"field": "vps", "operator": "truthy"}}}"#;

/// The plugin. Its provider outlives it.
pub struct Scripted {
    provider: Arc<Provider>,
    line: Arc<Line>,
    manifest: Manifest,
    capabilities: Capabilities,
    config: Schema,
    package: Schema,
    checkout: Schema,
}

impl Scripted {
    pub(crate) fn of(provider: &Arc<Provider>, line: &Arc<Line>) -> Self {
        Self {
            provider: provider.clone(),
            line: line.clone(),
            manifest: Manifest::parse(MANIFEST).unwrap(),
            capabilities: provider.capabilities(),
            config: Schema::parse(CONFIG).unwrap(),
            package: Schema::parse(PACKAGE).unwrap(),
            checkout: Schema::parse(CHECKOUT).unwrap(),
        }
    }

    /// Carries a call over the wire to the provider.
    async fn carry<T: Send + 'static>(
        &self,
        verb: &'static str,
        external_id: &str,
        work: impl FnOnce(&Provider) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (provider, id) = (self.provider.clone(), external_id.to_owned());
        let name = Some(format!("scripted {verb} {id}"));
        self.line.pass(name, async move { provider.answer(verb, &id, work).await }).await
    }

    async fn mutation(
        &self,
        verb: &'static str,
        call: &Call,
        work: impl FnOnce(&Provider, &Call) -> Result<Outcome, Error> + Send + 'static,
    ) -> Result<Outcome, Error> {
        let owned = call.clone();
        self.carry(verb, &call.external_id, move |provider| work(provider, &owned)).await
    }
}

#[async_trait]
impl Plugin for Scripted {
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
        self.carry("test", "", |provider| Ok(provider.connection())).await
    }

    async fn observe(&self, call: &Call) -> Result<Observation, Error> {
        let owned = call.clone();
        self.carry("observe", &call.external_id, move |provider| Ok(provider.observe(&owned))).await
    }

    async fn list(&self, _: &Instance, cursor: Option<&str>) -> Result<Page, Error> {
        let from = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.carry("list", "", move |provider| Ok(provider.page(from))).await
    }

    async fn create(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("create", call, Provider::create).await
    }

    async fn adopt(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("adopt", call, Provider::adopt).await
    }

    async fn suspend(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("suspend", call, |provider, call| provider.switch(call, true)).await
    }

    async fn unsuspend(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("unsuspend", call, |provider, call| provider.switch(call, false)).await
    }

    async fn scale(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("scale", call, Provider::scale).await
    }

    async fn renew(&self, call: &Call, until: Timestamp) -> Result<Outcome, Error> {
        self.mutation("renew", call, move |provider, call| provider.renew(call, until)).await
    }

    async fn terminate(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("terminate", call, |provider, call| Ok(provider.terminate(call))).await
    }

    fn credentials(&self, _: &Map) -> CredentialNames {
        self.provider.credential_names()
    }

    async fn rotate_credentials(&self, call: &Call) -> Result<Outcome, Error> {
        self.mutation("rotate", call, Provider::rotate).await
    }

    async fn validate(&self, call: &Call) -> Result<(), Error> {
        self.carry("validate", &call.external_id, |_| Ok(())).await
    }

    async fn plan(&self, call: &Call) -> Result<Vec<PlannedChange>, Error> {
        let owned = call.clone();
        self.carry("plan", &call.external_id, move |provider| provider.plan(&owned)).await
    }

    async fn poll(&self, call: &Call, token: &str) -> Result<Outcome, Error> {
        let token = token.to_owned();
        self.mutation("poll", call, move |provider, call| provider.poll(call, &token)).await
    }
}

/// Far enough away that it never comes.
pub(crate) const NEVER: Duration = Duration::from_secs(1 << 30);
