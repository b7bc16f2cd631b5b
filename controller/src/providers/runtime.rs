//! What this process knows of one ProviderInstance.

use std::sync::Arc;

use hostwright_crds::ProviderInstanceSpec;
use hostwright_plugin::{Instance, Plugin};
use k8s_openapi::jiff::Timestamp;

use super::{Gate, Inventory};

/// Why something is not done, for conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// One of [`hostwright_crds::reason`].
    pub reason: &'static str,
    /// In words for people.
    pub message: String,
}

impl Hold {
    /// A hold for this reason.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Whether an instance can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its settings are valid, the last connection test passed, and it is the panel it was before.
    Ready,
    /// It cannot be used, and why. A mutation is never sent.
    NotReady(Hold),
}

/// One ProviderInstance as its controller saw it last. Replaced as a whole whenever something changes; gate and inventory
/// live on.
#[derive(Clone)]
pub struct Runtime {
    /// Name of the ProviderInstance.
    pub name: String,
    /// UID of the ProviderInstance.
    pub uid: String,
    /// Its spec.
    pub spec: ProviderInstanceSpec,
    /// The plugin that talks to it; None when there is no such plugin.
    pub plugin: Option<Arc<dyn Plugin>>,
    /// Validated settings and secrets; None when they are not valid.
    pub settings: Option<Instance>,
    /// Whether it can be used.
    pub standing: Standing,
    /// Which panel it is, as confirmed: what the identity record of a new service gets.
    pub identity: String,
    /// Earlier identities confirmed to be the same panel.
    pub former_identities: Vec<String>,
    /// Why no absence is believed.
    pub absence: Option<Hold>,
    /// Why nothing is ended.
    pub endings: Option<Hold>,
    /// When the last connection test with these settings passed.
    pub verified_at: Option<Timestamp>,
    /// When its settings or secrets became others in this process: what the provider refused before may pass now.
    pub settings_changed_at: Option<Timestamp>,
    /// The gate in front of it.
    pub gate: Arc<Gate>,
    /// Its remotes as listed last.
    pub inventory: Arc<Inventory>,
}

impl Runtime {
    /// Whether a remote recorded under this identity lives on this panel.
    pub fn is_panel(&self, recorded: &str) -> bool {
        recorded == self.identity || self.former_identities.iter().any(|former| former == recorded)
    }
}
