//! The Hostwright plugin for [Pterodactyl](https://pterodactyl.io) and its fork [Pelican](https://pelican.dev).
//!
//! One remote is one server. Its `external_id` on the panel is the service's external id, and the `external_id` of the
//! user it belongs to is the owner key. The panel refuses a second server with the same external id.
#![warn(missing_docs)]

mod adopt;
mod answer;
mod client;
mod connection;
mod create;
mod creates;
mod definitions;
mod dialect;
mod digest;
mod eggs;
mod errors;
mod lifecycle;
mod list;
mod observe;
mod owner;
mod request;
mod scale;
mod server;
mod settings;
mod transport;
mod users;

use std::sync::Arc;

use async_trait::async_trait;
use hostwright_plugin::{
    Call, Capabilities, Connection, Definitions, Error, Instance, Manifest, Observation, Outcome, Page, Plugin,
    UserPage, schema::Schema,
};

pub use definitions::SetupError;
pub use transport::{Transport, TransportError};

use client::Client;
use creates::Creates;
use dialect::Dialects;
use eggs::Eggs;
use transport::Network;

/// The plugin. One value serves all panels.
pub struct Pterodactyl {
    definitions: Definitions,
    capabilities: Capabilities,
    transport: Arc<dyn Transport>,
    dialects: Dialects,
    eggs: Eggs,
    creates: Creates,
}

impl Pterodactyl {
    /// The plugin, speaking over the network.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_transport(Arc::new(Network::new()?))
    }

    /// The plugin, speaking through the given transport.
    ///
    /// # Errors
    /// When the built-in manifest or a schema is refused, which a test rules out.
    pub fn with_transport(transport: Arc<dyn Transport>) -> Result<Self, SetupError> {
        Ok(Self {
            definitions: definitions::read()?,
            capabilities: definitions::capabilities(),
            transport,
            dialects: Dialects::default(),
            eggs: Eggs::default(),
            creates: Creates::default(),
        })
    }

    fn client(&self, call: &Call) -> Result<Client, Error> {
        Client::for_call(&self.transport, call)
    }

    fn client_for(&self, instance: &Instance) -> Result<Client, Error> {
        Client::for_instance(&self.transport, instance)
    }
}

#[async_trait]
impl Plugin for Pterodactyl {
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
        connection::test(self, instance).await
    }

    async fn observe(&self, call: &Call) -> Result<Observation, Error> {
        observe::observe(self, call).await
    }

    async fn list(&self, instance: &Instance, cursor: Option<&str>) -> Result<Page, Error> {
        list::list(self, instance, cursor).await
    }

    async fn create(&self, call: &Call) -> Result<Outcome, Error> {
        create::create(self, call).await
    }

    async fn suspend(&self, call: &Call) -> Result<Outcome, Error> {
        lifecycle::suspend(self, call).await
    }

    async fn unsuspend(&self, call: &Call) -> Result<Outcome, Error> {
        lifecycle::unsuspend(self, call).await
    }

    async fn scale(&self, call: &Call) -> Result<Outcome, Error> {
        scale::scale(self, call).await
    }

    async fn terminate(&self, call: &Call) -> Result<Outcome, Error> {
        lifecycle::terminate(self, call).await
    }

    async fn adopt(&self, call: &Call) -> Result<Outcome, Error> {
        adopt::adopt(self, call).await
    }

    async fn list_users(&self, instance: &Instance, cursor: Option<&str>) -> Result<UserPage, Error> {
        users::list(self, instance, cursor).await
    }

    async fn remove_user(&self, instance: &Instance, id: &str, owner_key: &str) -> Result<(), Error> {
        users::remove(self, instance, id, owner_key).await
    }

    async fn validate(&self, call: &Call) -> Result<(), Error> {
        create::validate(self, call).await
    }
}
