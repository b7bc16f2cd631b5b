//! The remotes of an instance as its last complete list showed them. A list only raises suspicion.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hostwright_plugin::Present;
use k8s_openapi::jiff::Timestamp;

/// One complete list.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The sequence number at which its first request started.
    pub started: u64,
    /// When it was complete.
    pub at: Timestamp,
    /// What it showed, by external id.
    pub remotes: HashMap<String, Present>,
}

/// The last complete list of an instance.
#[derive(Debug, Default)]
pub struct Inventory {
    latest: RwLock<Option<Arc<Snapshot>>>,
}

impl Inventory {
    /// The last complete list; None before the first.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the last list by a newer one.
    pub fn replace(&self, snapshot: Snapshot) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }
}
