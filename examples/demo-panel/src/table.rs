//! A table with ids that are never used twice, as a database's auto-increment column.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, T>,
    last_id: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), last_id: 0 }
    }
}

impl<T> Table<T> {
    /// Inserts the row `build` makes for the next id and returns that id.
    pub(crate) fn insert(&mut self, build: impl FnOnce(u64) -> T) -> u64 {
        self.last_id += 1;
        self.rows.insert(self.last_id, build(self.last_id));
        self.last_id
    }

    pub(crate) fn get(&self, id: u64) -> Option<&T> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        self.rows.remove(&id)
    }

    /// All rows in the order of their ids.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut()
    }
}
