//! Objects by resource, one revision counter over all of them, and the changes that watches replay.
//!
//! All writes go through [`Store::put`] and [`Store::remove`], which also note them for the disk where there is one.

mod replay;
mod stored;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::journal::{Transaction, Write};
use crate::object;

pub(crate) use replay::Replay;
pub(crate) use stored::Stored;

/// Namespace (empty for cluster-scoped objects) and name; lists come in this order.
pub(crate) type Key = (String, String);

/// The objects of one resource.
pub(crate) type Objects = BTreeMap<Key, Arc<Stored>>;

/// One write, as watches see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    /// The object after the write; for a removal the one that was removed.
    pub(crate) object: Arc<Stored>,
    /// The object before the write, absent for a creation.
    pub(crate) previous: Option<Arc<Stored>>,
    pub(crate) removed: bool,
}

/// The objects of one resource and its recent changes.
#[derive(Debug)]
struct Table {
    objects: Objects,
    changes: VecDeque<Change>,
    /// Changes up to this revision are forgotten (or were made before the resource existed).
    compacted: u64,
    /// The revision at which the resource ceased to be served; watches end once they have read what is left.
    closed: Option<u64>,
    revision: Arc<watch::Sender<u64>>,
}

/// Why a revision cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compacted {
    pub(crate) oldest: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    /// The revision of the last write that took place.
    revision: u64,
    /// The highest revision ever given to a write, also to one that was lost on its way to disk.
    spent: u64,
    tables: BTreeMap<String, Table>,
    /// How many changes are kept for each resource.
    history: usize,
    /// What has changed since it was last taken; absent where nothing is kept on disk.
    journal: Option<Transaction>,
}

impl Store {
    /// A store in memory alone.
    pub(crate) fn new(history: usize) -> Self {
        Self { revision: 0, spent: 0, tables: BTreeMap::new(), history: history.max(1), journal: None }
    }

    /// Notes changes for the disk from now on. Watches are then woken by whoever takes them there.
    pub(crate) fn keep_journal(&mut self) {
        self.journal = Some(Transaction::default());
    }

    /// What was changed since the last call.
    pub(crate) fn take_transaction(&mut self) -> Option<Transaction> {
        let journal = self.journal.as_mut().filter(|journal| !journal.is_empty())?;
        Some(std::mem::take(journal))
    }

    /// The highest revision that was given to a write, whether the write lasted or not.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Gives no revision up to this one to a write.
    pub(crate) fn spend(&mut self, revision: u64) {
        self.spent = self.spent.max(revision);
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Makes room for a resource; its history begins now.
    pub(crate) fn open(&mut self, name: &str) {
        let revision = self.revision;
        let mut journal = self.journal.take();
        let table = self.table_at(name, revision);
        if table.closed.take().is_some() {
            table.forget_all(name, revision, journal.as_mut());
        }
        self.journal = journal;
    }

    /// The table, made where it is missing, with a history that begins at a revision.
    fn table_at(&mut self, name: &str, compacted: u64) -> &mut Table {
        self.tables.entry(name.to_owned()).or_insert_with(|| Table {
            objects: Objects::new(),
            changes: VecDeque::new(),
            compacted,
            closed: None,
            revision: Arc::new(watch::Sender::new(compacted)),
        })
    }

    /// Ends a resource: its watches read what is left and end.
    pub(crate) fn close(&mut self, table: &str) {
        if let Some(table) = self.tables.get_mut(table) {
            table.closed = Some(self.revision);
            table.announce(self.revision, self.journal.as_mut());
        }
    }

    /// Whether the resource was no longer served at this revision.
    pub(crate) fn is_closed(&self, table: &str, revision: u64) -> bool {
        self.tables.get(table).is_none_or(|table| table.closed.is_some_and(|closed| closed <= revision))
    }

    pub(crate) fn get(&self, table: &str, key: &Key) -> Option<&Arc<Stored>> {
        self.tables.get(table)?.objects.get(key)
    }

    /// The object as a tree.
    pub(crate) fn value(&self, table: &str, key: &Key) -> Option<Value> {
        self.get(table, key).map(|stored| stored.value())
    }

    pub(crate) fn objects(&self, table: &str) -> impl Iterator<Item = (&Key, &Arc<Stored>)> {
        self.tables.get(table).into_iter().flat_map(|table| &table.objects)
    }

    pub(crate) fn count(&self) -> usize {
        self.tables.values().map(|table| table.objects.len()).sum()
    }

    pub(crate) fn table_names(&self) -> impl Iterator<Item = &String> {
        self.tables.keys()
    }

    /// Stores an object under a new revision, which it carries from then on. `shown_by` is the resource whose clients may be
    /// sent it as it is.
    pub(crate) fn put(&mut self, table: &str, mut value: Value, shown_by: Option<u64>) -> Arc<Stored> {
        let revision = self.next_revision();
        object::set_meta(&mut value, "resourceVersion", json!(revision.to_string()));
        let stored = Arc::new(Stored::new(&value, revision, shown_by));
        self.open(table);
        let key = stored.key().clone();
        self.note(|| Write { revision, table: table.to_owned(), key: key.clone(), object: Some(stored.clone()) });
        if let Some(open) = self.tables.get_mut(table) {
            let previous = open.objects.insert(key, stored.clone());
            let change = Change { revision, object: stored.clone(), previous, removed: false };
            open.record(table, change, self.history, self.journal.as_mut());
        }
        stored
    }

    /// Removes an object under a new revision; the object as it was.
    pub(crate) fn remove(&mut self, table: &str, key: &Key) -> Option<Arc<Stored>> {
        let last = self.tables.get_mut(table)?.objects.remove(key)?;
        let revision = self.next_revision();
        self.note(|| Write { revision, table: table.to_owned(), key: key.clone(), object: None });
        let change = Change { revision, object: last.clone(), previous: Some(last.clone()), removed: true };
        self.tables.get_mut(table)?.record(table, change, self.history, self.journal.as_mut());
        Some(last)
    }

    fn next_revision(&mut self) -> u64 {
        self.spent += 1;
        self.revision = self.spent;
        self.revision
    }

    fn note(&mut self, write: impl FnOnce() -> Write) {
        if let Some(journal) = &mut self.journal {
            journal.writes.push(write());
        }
    }

    /// The objects as they were after `revision`, by undoing later changes.
    pub(crate) fn objects_at(&self, table: &str, revision: u64) -> Result<Cow<'_, Objects>, Compacted> {
        let Some(table) = self.tables.get(table) else {
            return Ok(Cow::Owned(Objects::new()));
        };
        if revision < table.compacted {
            return Err(Compacted { oldest: table.compacted });
        }
        let mut objects = Cow::Borrowed(&table.objects);
        for change in table.changes.iter().rev().take_while(|change| change.revision > revision) {
            let key = change.object.key();
            match &change.previous {
                Some(previous) => objects.to_mut().insert(key.clone(), previous.clone()),
                None => objects.to_mut().remove(key),
            };
        }
        Ok(objects)
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn changes_after(
        &self,
        table: &str,
        revision: u64,
    ) -> Result<impl Iterator<Item = &Change> + use<'_>, Compacted> {
        let table = self.tables.get(table);
        if let Some(table) = table.filter(|table| revision < table.compacted) {
            return Err(Compacted { oldest: table.compacted });
        }
        let changes = table.into_iter().flat_map(move |table| {
            let from = table.changes.partition_point(|change| change.revision <= revision);
            table.changes.range(from..)
        });
        Ok(changes)
    }

    /// Wakes whenever the resource changes; ends when the resource goes.
    pub(crate) fn subscribe(&self, table: &str) -> Option<watch::Receiver<u64>> {
        Some(self.tables.get(table)?.revision.subscribe())
    }

    /// Forgets all changes so far, as a real server does after a while.
    pub(crate) fn compact(&mut self) {
        for (name, table) in &mut self.tables {
            table.forget_all(name, self.revision, self.journal.as_mut());
        }
    }

    /// Forgets the changes up to this revision.
    pub(crate) fn forget_until(&mut self, revision: u64) {
        for (name, table) in &mut self.tables {
            while table.changes.front().is_some_and(|oldest| oldest.revision <= revision) {
                table.forget_oldest(name, self.journal.as_mut());
            }
        }
    }
}

impl Table {
    fn record(&mut self, name: &str, change: Change, history: usize, mut journal: Option<&mut Transaction>) {
        let revision = change.revision;
        self.changes.push_back(change);
        while self.changes.len() > history {
            self.forget_oldest(name, journal.as_deref_mut());
        }
        self.announce(revision, journal);
    }

    /// Tells watches that there is something new, at once or when it is on disk.
    fn announce(&self, revision: u64, journal: Option<&mut Transaction>) {
        match journal {
            Some(journal) => journal.wake_later(&self.revision, revision),
            None => _ = self.revision.send_replace(revision),
        }
    }

    fn forget_oldest(&mut self, name: &str, journal: Option<&mut Transaction>) {
        let Some(oldest) = self.changes.pop_front() else { return };
        self.compacted = oldest.revision;
        if let Some(journal) = journal {
            journal.compacted.insert(name.to_owned(), oldest.revision);
            journal.forgotten.extend(oldest.previous.map(|previous| previous.revision()));
            journal.forgotten.extend(oldest.removed.then_some(oldest.revision));
        }
    }

    fn forget_all(&mut self, name: &str, revision: u64, mut journal: Option<&mut Transaction>) {
        while !self.changes.is_empty() {
            self.forget_oldest(name, journal.as_deref_mut());
        }
        self.compacted = revision;
        if let Some(journal) = journal {
            journal.compacted.insert(name.to_owned(), revision);
        }
    }
}
