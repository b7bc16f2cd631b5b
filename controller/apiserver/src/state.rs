//! Everything the server holds behind one lock.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::builtin::DEFINITIONS;
use crate::object;
use crate::registry::Registry;
use crate::resource::Resource;
use crate::schema::apply_defaults;
use crate::store::{Key, Replay, Store, Stored};

/// An object in a table.
pub(crate) type Place = (String, Key);

/// What was removed and may leave something to clean up.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) table: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    /// Its owner references, since an owner may wait for it.
    pub(crate) owners: Value,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    /// Objects by the uid of their owners.
    dependents: HashMap<String, BTreeSet<Place>>,
    /// Removals that garbage collection has not looked at yet.
    pub(crate) removed: Vec<Removed>,
}

impl State {
    pub(crate) fn new(history: usize) -> Self {
        let registry = Registry::builtin();
        let mut store = Store::new(history);
        for resource in registry.all() {
            store.open(&resource.table);
        }
        Self { store, registry, dependents: HashMap::new(), removed: Vec::new() }
    }

    /// Everything that follows from the stored objects: what is served, and who depends on whom.
    pub(crate) fn from_replay(mut replay: Replay, revision: u64) -> Self {
        let mut registry = Registry::builtin();
        for resource in registry.all() {
            replay.open(&resource.table);
        }
        let definitions: Vec<Value> =
            replay.store().objects(DEFINITIONS).map(|(_, definition)| definition.value()).collect();
        for definition in definitions {
            registry.define(&definition);
            replay.open(object::name(&definition));
        }
        let mut dependents: HashMap<String, BTreeSet<Place>> = HashMap::new();
        let store = replay.finish(revision);
        for table in store.table_names() {
            for (key, object) in store.objects(table) {
                for owner in object.owners() {
                    dependents.entry(owner.to_owned()).or_default().insert((table.clone(), key.clone()));
                }
            }
        }
        Self { store, registry, dependents, removed: Vec::new() }
    }

    /// Stores an object, with the defaults of its schema. A stored definition is served from this moment.
    pub(crate) fn put(&mut self, table: &str, mut value: Value) -> Arc<Stored> {
        let resource = self.registry.custom(table, &value);
        if let Some(resource) = &resource {
            apply_defaults(&mut value, &resource.schema);
        }
        if table == DEFINITIONS {
            self.registry.define(&value);
        }
        if let Some(old) = self.store.get(table, &key_of(&value)).cloned() {
            self.forget_owners(table, &old);
        }
        let stored = self.store.put(table, value, resource.map(|resource| resource.id));
        for owner in stored.owners() {
            self.dependents.entry(owner.to_owned()).or_default().insert((table.to_owned(), stored.key().clone()));
        }
        if table == DEFINITIONS {
            self.store.open(&stored.key().1);
        }
        stored
    }

    pub(crate) fn remove(&mut self, table: &str, key: &Key) -> Option<Arc<Stored>> {
        let last = self.store.remove(table, key)?;
        self.forget_owners(table, &last);
        let value = last.value();
        if table == DEFINITIONS {
            self.registry.undefine(&value);
            self.store.close(&key.1);
        }
        self.removed.push(Removed {
            table: table.to_owned(),
            namespace: key.0.clone(),
            uid: object::meta_str(&value, "uid").to_owned(),
            owners: object::meta(&value, "ownerReferences").clone(),
        });
        Some(last)
    }

    fn forget_owners(&mut self, table: &str, stored: &Stored) {
        let place = (table.to_owned(), stored.key().clone());
        for owner in stored.owners() {
            if let Some(places) = self.dependents.get_mut(owner) {
                places.remove(&place);
                if places.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }

    /// Where the objects are that name this owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Place> {
        self.dependents.get(uid).map(|places| places.iter().cloned().collect()).unwrap_or_default()
    }

    /// The object in the words of a version.
    pub(crate) fn read(&self, resource: &Resource, key: &Key) -> Option<Value> {
        self.store.get(&resource.table, key).map(|stored| resource.present(stored))
    }
}

pub(crate) fn key_of(value: &Value) -> Key {
    (object::namespace(value).to_owned(), object::name(value).to_owned())
}
