//! What requests change, on its way to disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::store::{Key, Stored};

/// One object written or removed under a revision of its own.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) revision: u64,
    pub(crate) table: String,
    pub(crate) key: Key,
    /// The object after the write; none for a removal.
    pub(crate) object: Option<Arc<Stored>>,
}

/// All that one request brought about. It takes place as a whole or not at all.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) writes: Vec<Write>,
    /// Revisions that no watch and no page of a list can ask for any more.
    pub(crate) forgotten: Vec<u64>,
    /// How far the history of a table is forgotten.
    pub(crate) compacted: BTreeMap<String, u64>,
    /// Watches of these wait for the changes to be durable.
    wake: Vec<(Arc<watch::Sender<u64>>, u64)>,
}

impl Transaction {
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.forgotten.is_empty() && self.compacted.is_empty() && self.wake.is_empty()
    }

    /// The revision of the last write.
    pub(crate) fn revision(&self) -> Option<u64> {
        self.writes.last().map(|write| write.revision)
    }

    pub(crate) fn wake_later(&mut self, watches: &Arc<watch::Sender<u64>>, revision: u64) {
        match self.wake.last_mut() {
            Some((last, at)) if Arc::ptr_eq(last, watches) => *at = revision,
            _ => self.wake.push((watches.clone(), revision)),
        }
    }

    /// Tells the watches that there is something new.
    pub(crate) fn wake(&self) {
        for (watches, revision) in &self.wake {
            watches.send_replace(*revision);
        }
    }
}
