//! Reading a store back from where it was kept.

use std::sync::Arc;

use super::{Change, Key, Store, Stored, Table};

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
        self.table(table);
    }

    /// The history of a table is forgotten up to this revision. Say so before its writes.
    pub(crate) fn compacted(&mut self, table: &str, revision: u64) {
        let table = self.table(table);
        table.compacted = table.compacted.max(revision);
    }

    /// Repeats a write; in the order of their revisions, as all of these.
    pub(crate) fn write(&mut self, name: &str, object: Arc<Stored>) {
        let (key, revision) = (object.key().clone(), object.revision());
        let previous = self.table(name).objects.insert(key, object.clone());
        self.change(name, Change { revision, object, previous, removed: false });
    }

    /// Repeats a removal.
    pub(crate) fn remove(&mut self, name: &str, key: &Key, revision: u64) {
        if let Some(last) = self.table(name).objects.remove(key) {
            self.change(name, Change { revision, object: last.clone(), previous: Some(last), removed: true });
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        self.store.revision = change.revision;
        let (history, mut journal) = (self.store.history, self.store.journal.take());
        let table = self.table(name);
        if change.revision > table.compacted {
            table.record(name, change, history, journal.as_mut());
        }
        self.store.journal = journal;
    }

    fn table(&mut self, name: &str) -> &mut Table {
        self.store.table_at(name, self.floor)
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
