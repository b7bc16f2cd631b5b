//! The plugins, and what this process knows of each ProviderInstance: settings, standing, gate and inventory.

mod breaker;
mod gate;
mod inventory;
mod limiter;
mod runtime;
mod sequence;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use hostwright_plugin::Plugin;

pub use breaker::{Breaker, BreakerState};
pub use gate::{CALL_TIMEOUT, CallKind, Gate, GateLimits, Held, Permit};
pub use inventory::{Inventory, Snapshot};
pub use limiter::Limiter;
pub use runtime::{Hold, Runtime, Standing};
pub use sequence::Sequence;

/// All plugins by slug, and the runtimes of the instances by name.
pub struct Providers {
    plugins: BTreeMap<String, Arc<dyn Plugin>>,
    runtimes: RwLock<HashMap<String, Arc<Runtime>>>,
    /// Numbers requests in the order they start, over all instances.
    pub sequence: Sequence,
    /// What the instances' own controller remembers of them.
    pub memory: crate::instance::Memory,
}

impl Providers {
    /// A registry of these plugins, without any instance yet.
    pub fn new(plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        let plugins = plugins.into_iter().map(|plugin| (plugin.manifest().provider.clone(), plugin)).collect();
        Self {
            plugins,
            runtimes: RwLock::default(),
            sequence: Sequence::default(),
            memory: crate::instance::Memory::default(),
        }
    }

    /// The plugin with this slug.
    pub fn plugin(&self, slug: &str) -> Option<Arc<dyn Plugin>> {
        self.plugins.get(slug).cloned()
    }

    /// Every plugin, by slug.
    pub fn plugins(&self) -> impl Iterator<Item = (&String, &Arc<dyn Plugin>)> {
        self.plugins.iter()
    }

    /// What is known of an instance; None until its controller has looked at it in this process.
    pub fn runtime(&self, instance: &str) -> Option<Arc<Runtime>> {
        self.runtimes.read().unwrap_or_else(PoisonError::into_inner).get(instance).cloned()
    }

    /// Replaces what is known of an instance.
    pub fn publish(&self, runtime: Arc<Runtime>) {
        self.runtimes.write().unwrap_or_else(PoisonError::into_inner).insert(runtime.name.clone(), runtime);
    }

    /// Forgets an instance that is gone.
    pub fn forget(&self, instance: &str) {
        self.runtimes.write().unwrap_or_else(PoisonError::into_inner).remove(instance);
    }
}
