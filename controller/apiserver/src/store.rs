//! Objects by resource, one revision counter over all of them, and the changes that watches replay.
//!
//! All writes go through [`Store::put`] and [`Store::remove`]: whatever keeps objects on disk needs no other door.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::object;

/// Namespace (empty for cluster-scoped objects) and name; lists come in this order.
pub(crate) type Key = (String, String);

/// One write, as watches see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    /// The object after the write; for a removal its last state under the revision of the removal.
    pub(crate) object: Arc<Value>,
    /// The object before the write, absent for a creation.
    pub(crate) previous: Option<Arc<Value>>,
    pub(crate) removed: bool,
}

/// The objects of one resource and its recent changes.
#[derive(Debug)]
struct Table {
    objects: BTreeMap<Key, Arc<Value>>,
    changes: VecDeque<Change>,
    /// Changes up to this revision are forgotten (or were made before the resource existed).
    compacted: u64,
    /// The resource is no longer served; watches end once they have read what is left.
    closed: bool,
    revision: watch::Sender<u64>,
}

/// Why a revision cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compacted {
    pub(crate) oldest: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    tables: BTreeMap<String, Table>,
    /// How many changes are kept for each resource.
    history: usize,
}

impl Store {
    pub(crate) fn new(history: usize) -> Self {
        Self { revision: 0, tables: BTreeMap::new(), history: history.max(1) }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Makes room for a resource; its history begins now.
    pub(crate) fn open(&mut self, table: &str) {
        let compacted = self.revision;
        let table = self.tables.entry(table.to_owned()).or_insert_with(|| Table {
            objects: BTreeMap::new(),
            changes: VecDeque::new(),
            compacted,
            closed: false,
            revision: watch::Sender::new(compacted),
        });
        if table.closed {
            table.closed = false;
            table.changes.clear();
            table.compacted = compacted;
        }
    }

    /// Ends a resource: its watches read what is left and end.
    pub(crate) fn close(&mut self, table: &str) {
        if let Some(table) = self.tables.get_mut(table) {
            table.closed = true;
            table.revision.send_replace(self.revision);
        }
    }

    pub(crate) fn is_closed(&self, table: &str) -> bool {
        self.tables.get(table).is_none_or(|table| table.closed)
    }

    pub(crate) fn get(&self, table: &str, key: &Key) -> Option<&Arc<Value>> {
        self.tables.get(table)?.objects.get(key)
    }

    pub(crate) fn objects(&self, table: &str) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.tables.get(table).into_iter().flat_map(|table| &table.objects)
    }

    pub(crate) fn count(&self) -> usize {
        self.tables.values().map(|table| table.objects.len()).sum()
    }

    pub(crate) fn table_names(&self) -> impl Iterator<Item = &String> {
        self.tables.keys()
    }

    /// Stores an object under a new revision, which it carries from then on.
    pub(crate) fn put(&mut self, table: &str, mut value: Value) -> Arc<Value> {
        self.revision += 1;
        object::set_meta(&mut value, "resourceVersion", json!(self.revision.to_string()));
        let key = (object::namespace(&value).to_owned(), object::name(&value).to_owned());
        let value = Arc::new(value);
        self.open(table);
        if let Some(open) = self.tables.get_mut(table) {
            let previous = open.objects.insert(key, value.clone());
            open.record(
                Change { revision: self.revision, object: value.clone(), previous, removed: false },
                self.history,
            );
        }
        value
    }

    /// Removes an object under a new revision; watches get its last state.
    pub(crate) fn remove(&mut self, table: &str, key: &Key) -> Option<Arc<Value>> {
        let open = self.tables.get_mut(table)?;
        let previous = open.objects.remove(key)?;
        self.revision += 1;
        let mut last = (*previous).clone();
        object::set_meta(&mut last, "resourceVersion", json!(self.revision.to_string()));
        let last = Arc::new(last);
        let previous = Some(previous);
        open.record(Change { revision: self.revision, object: last.clone(), previous, removed: true }, self.history);
        Some(last)
    }

    /// The objects as they were after `revision`, by undoing later changes.
    pub(crate) fn objects_at(&self, table: &str, revision: u64) -> Result<BTreeMap<Key, Arc<Value>>, Compacted> {
        let Some(table) = self.tables.get(table) else {
            return Ok(BTreeMap::new());
        };
        if revision < table.compacted {
            return Err(Compacted { oldest: table.compacted });
        }
        let mut objects = table.objects.clone();
        for change in table.changes.iter().rev().take_while(|change| change.revision > revision) {
            let key = (object::namespace(&change.object).to_owned(), object::name(&change.object).to_owned());
            match &change.previous {
                Some(previous) => objects.insert(key, previous.clone()),
                None => objects.remove(&key),
            };
        }
        Ok(objects)
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn changes_after(&self, table: &str, revision: u64) -> Result<Vec<Change>, Compacted> {
        let Some(table) = self.tables.get(table) else {
            return Ok(Vec::new());
        };
        if revision < table.compacted {
            return Err(Compacted { oldest: table.compacted });
        }
        let from = table.changes.partition_point(|change| change.revision <= revision);
        Ok(table.changes.range(from..).cloned().collect())
    }

    /// Wakes whenever the resource changes; ends when the resource goes.
    pub(crate) fn subscribe(&self, table: &str) -> Option<watch::Receiver<u64>> {
        Some(self.tables.get(table)?.revision.subscribe())
    }

    /// Forgets all changes so far, as a real server does after a while.
    pub(crate) fn compact(&mut self) {
        for table in self.tables.values_mut() {
            table.changes.clear();
            table.compacted = self.revision;
        }
    }
}

impl Table {
    fn record(&mut self, change: Change, history: usize) {
        let revision = change.revision;
        self.changes.push_back(change);
        while self.changes.len() > history {
            if let Some(forgotten) = self.changes.pop_front() {
                self.compacted = forgotten.revision;
            }
        }
        self.revision.send_replace(revision);
    }
}
