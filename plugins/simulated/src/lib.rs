//! A Hostwright plugin whose provider has no servers: for trying, for load, and for proofs.
//!
//! Remotes live in memory, or in a directory that the instance names. The configuration of a package says how slow, full
//! and broken the provider is for its services; the same seed breaks the same calls.
#![warn(missing_docs)]

mod credentials;
mod definitions;
mod provider;
mod remote;
mod script;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hostwright_plugin::{
    Call, Capabilities, Connection, CredentialNames, Definitions, DefinitionsError, Error, Instance, Manifest, Map,
    Observation, Outcome, Page, PlannedChange, Plugin, State, schema::Schema,
};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use provider::Provider;
use remote::Change;
use script::{Script, Verb};

/// The plugin. One value serves all instances.
pub struct Simulated {
    definitions: Definitions,
    capabilities: Capabilities,
    /// By name and directory of the instance.
    providers: Mutex<BTreeMap<(String, String), Arc<Provider>>>,
    /// The time of day at a moment of the clock that also measures latency, so that a test steps both.
    started: (Timestamp, Instant),
}

impl Simulated {
    /// The plugin, without any remote in memory.
    ///
    /// # Errors
    /// When the built-in manifest or a schema is refused, which a test rules out.
    pub fn new() -> Result<Self, DefinitionsError> {
        let started = (Timestamp::now(), Instant::now());
        let (definitions, capabilities) = (definitions::read()?, definitions::capabilities());
        Ok(Self { definitions, capabilities, providers: Mutex::default(), started })
    }

    fn provider(&self, instance: &Instance) -> Arc<Provider> {
        let key = (instance.name.clone(), instance.text("directory").unwrap_or_default().to_owned());
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        providers.entry(key).or_insert_with(|| Arc::new(Provider::of(instance))).clone()
    }

    fn now(&self) -> Timestamp {
        let (time, moment) = self.started;
        time.checked_add(moment.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// Carries out a verb as slowly and as badly as the package says.
    async fn act<T: Send>(
        &self,
        verb: Verb,
        call: &Call,
        work: impl FnOnce(&Provider, &Script, Timestamp) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        let script = Script::read(&call.config)?;
        let provider = self.provider(&call.instance);
        let failure = script.failure(verb, &call.external_id, provider.count(verb, &call.external_id));
        sleep(script.latency).await;
        match failure {
            None => work(&provider, &script, self.now()),
            Some(failure) => {
                if failure.effect {
                    // What it answers is lost, by order.
                    drop(work(&provider, &script, self.now()));
                }
                Err(failure.error)
            }
        }
    }

    async fn change(&self, verb: Verb, call: &Call, change: Change) -> Result<Outcome, Error> {
        self.act(verb, call, |provider, script, now| provider.change(verb, change, call, script, now)).await
    }
}

#[async_trait]
impl Plugin for Simulated {
    fn manifest(&self) -> &Manifest {
        &self.definitions.manifest
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn config_schema(&self) -> &Schema {
        &self.definitions.config
    }

    fn package_schema(&self) -> &Schema {
        &self.definitions.package
    }

    fn checkout_schema(&self) -> &Schema {
        &self.definitions.checkout
    }

    async fn test_connection(&self, instance: &Instance) -> Result<Connection, Error> {
        let identity = self.provider(instance).identity()?;
        Ok(Connection { identity: format!("simulated:{identity}"), version: None, permissions: Vec::new(), note: None })
    }

    async fn observe(&self, call: &Call) -> Result<Observation, Error> {
        self.act(Verb::Observe, call, |provider, _, now| provider.observe(call, now)).await
    }

    async fn list(&self, instance: &Instance, cursor: Option<&str>) -> Result<Page, Error> {
        self.provider(instance).page(cursor, self.now())
    }

    async fn create(&self, call: &Call) -> Result<Outcome, Error> {
        self.act(Verb::Create, call, |provider, script, now| provider.create(call, script, now)).await
    }

    async fn adopt(&self, call: &Call) -> Result<Outcome, Error> {
        self.act(Verb::Adopt, call, |provider, _, now| provider.adopt(call, now)).await
    }

    async fn suspend(&self, call: &Call) -> Result<Outcome, Error> {
        self.change(Verb::Suspend, call, Change::Become(State::Suspended)).await
    }

    async fn unsuspend(&self, call: &Call) -> Result<Outcome, Error> {
        self.change(Verb::Unsuspend, call, Change::Become(State::Active)).await
    }

    async fn scale(&self, call: &Call) -> Result<Outcome, Error> {
        self.change(Verb::Scale, call, Change::Configure(call.config.clone())).await
    }

    async fn renew(&self, call: &Call, until: Timestamp) -> Result<Outcome, Error> {
        self.change(Verb::Renew, call, Change::PayUntil(until)).await
    }

    fn credentials(&self, config: &Map) -> CredentialNames {
        credentials::names(config)
    }

    async fn rotate_credentials(&self, call: &Call) -> Result<Outcome, Error> {
        let issued = credentials::issue(call)?;
        self.change(Verb::Rotate, call, Change::Issue(issued)).await
    }

    async fn terminate(&self, call: &Call) -> Result<Outcome, Error> {
        self.act(Verb::Terminate, call, |provider, script, now| provider.terminate(call, script, now)).await
    }

    async fn poll(&self, call: &Call, token: &str) -> Result<Outcome, Error> {
        self.act(Verb::Poll, call, |provider, _, now| provider.poll(call, token, now)).await
    }

    async fn validate(&self, call: &Call) -> Result<(), Error> {
        self.act(Verb::Validate, call, |_, _, _| Ok(())).await
    }

    async fn plan(&self, call: &Call) -> Result<Vec<PlannedChange>, Error> {
        self.act(Verb::Plan, call, |provider, _, now| provider.plan(call, now)).await
    }
}
