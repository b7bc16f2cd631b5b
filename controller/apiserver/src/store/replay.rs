//! Reading a store back from where it was kept.

use std::sync::Arc;

use serde_json::Value;

use super::{Change, Key, Store, under_revision};

/// A store that repeats the writes of an earlier one.
#[derive(Debug)]
pub(crate) struct Replay {
    store: Store,
    /// Of no table anything up to this revision is known.
    floor: u64,
}

impl Replay {
    /// Begins with an empty store that keeps a journal: what `history` no longer has room for is noted as forgotten.
    pub(crate) fn new(history: usize, floor: u64) -> Self {
        let mut store = Store::new(history);
        store.keep_journal();
        Self { store, floor }
    }

    pub(crate) fn open(&mut self, table: &str) {
        self.store.open_at(table, self.floor);
    }

    /// The history of a table is forgotten up to this revision. Say so before its writes.
    pub(crate) fn compacted(&mut self, table: &str, revision: u64) {
        self.open(table);
        if let Some(table) = self.store.tables.get_mut(table) {
            table.compacted = table.compacted.max(revision);
        }
    }

    /// Repeats a write or, without an object, a removal; in the order of their revisions.
    pub(crate) fn write(&mut self, name: &str, key: Key, revision: u64, object: Option<Value>) {
        self.open(name);
        let history = self.store.history;
        let Some(table) = self.store.tables.get_mut(name) else { return };
        let object = object.map(Arc::new);
        let previous = match &object {
            Some(object) => table.objects.insert(key, object.clone()),
            None => table.objects.remove(&key),
        };
        let removed = object.is_none();
        let last = object.or_else(|| previous.as_ref().map(|previous| under_revision(previous, revision)));
        if let Some(object) = last.filter(|_| revision > table.compacted) {
            table.record(name, Change { revision, object, previous, removed }, history, self.store.journal.as_mut());
        }
        self.store.revision = revision;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The store, which goes on counting after `revision`.
    pub(crate) fn finish(mut self, revision: u64) -> Store {
        self.store.revision = self.store.revision.max(revision);
        self.store.spent = self.store.revision;
        self.store
    }
}
