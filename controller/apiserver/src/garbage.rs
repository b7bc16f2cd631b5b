//! Deleting, and what a deletion brings about: dependents, contents of namespaces, objects of definitions.
//!
//! A real cluster does this in the background; here it is done before the request is answered, so that whoever sees the
//! deletion sees its consequences. Only the contents of namespaces follow a little later.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::builtin::{DEFINITIONS, NAMESPACES};
use crate::crd;
use crate::namespace;
use crate::object;
use crate::state::{Place, State};
use crate::store::{Key, Stored};

/// Holds an object until what it owns is gone.
const FOREGROUND: &str = "foregroundDeletion";
/// Holds an object until what it owned has forgotten it.
const ORPHAN: &str = "orphan";

/// What happens to the objects that the deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// What a deletion did to the object.
#[derive(Debug)]
pub(crate) enum Deletion {
    Removed,
    /// Finalizers hold it.
    Marked(Arc<Stored>),
}

/// Deletes one object, or marks it where finalizers hold it. Follow with [`settle`].
pub(crate) fn delete(state: &mut State, table: &str, key: &Key, policy: Propagation, now: &str) -> Option<Deletion> {
    let stored = state.store.get(table, key)?.clone();
    let before = stored.value();
    let uid = object::meta_str(&before, "uid").to_owned();
    let Some(value) = marked(&before, table, policy, now) else {
        return state.remove(table, key).map(|_| Deletion::Removed);
    };
    let held_by = |finalizer: &str| object::finalizers(&value).contains(&finalizer);
    let (orphans, waits) = (held_by(ORPHAN), held_by(FOREGROUND));
    let marked = if value == before { stored } else { state.put(table, value) };
    if table == DEFINITIONS {
        delete_objects(state, &key.1, now);
    } else if orphans {
        orphan_dependents(state, &uid);
        release(state, table, key, ORPHAN);
    } else if waits {
        for (table, key) in state.dependents(&uid) {
            delete(state, &table, &key, Propagation::Background, now);
        }
        finish_foreground(state, &(table.to_owned(), key.clone()));
    }
    Some(Deletion::Marked(marked))
}

/// What an object is once it is to be deleted; nothing where nothing holds it.
pub(crate) fn marked(stored: &Value, table: &str, policy: Propagation, now: &str) -> Option<Value> {
    let mut value = stored.clone();
    let holds = hold(&mut value, table, policy);
    if holds {
        mark(&mut value, table, now);
    }
    holds.then_some(value)
}

/// Adds the finalizers of the server itself and says whether anything holds the object.
fn hold(value: &mut Value, table: &str, policy: Propagation) -> bool {
    let own = match (table, policy) {
        (DEFINITIONS, _) => Some(crd::CLEANUP_FINALIZER),
        (NAMESPACES, _) | (_, Propagation::Background) => None,
        (_, Propagation::Foreground) => Some(FOREGROUND),
        (_, Propagation::Orphan) => Some(ORPHAN),
    };
    let mut finalizers: Vec<String> = object::finalizers(value).into_iter().map(ToOwned::to_owned).collect();
    if let Some(own) = own
        && !finalizers.iter().any(|one| one == own)
    {
        finalizers.push(own.to_owned());
        object::set_meta(value, "finalizers", json!(finalizers));
    }
    // A namespace is held by its contents, which `spec.finalizers` stands for.
    table == NAMESPACES || !finalizers.is_empty()
}

fn mark(value: &mut Value, table: &str, now: &str) {
    if object::is_deleting(value) {
        return;
    }
    object::set_meta(value, "deletionTimestamp", json!(now));
    if table == NAMESPACES {
        value["status"]["phase"] = json!("Terminating");
        return;
    }
    object::set_meta(value, "deletionGracePeriodSeconds", json!(0));
    if let Some(generation) = object::meta(value, "generation").as_i64().filter(|generation| *generation > 0) {
        object::set_meta(value, "generation", json!(generation + 1));
    }
    if table == DEFINITIONS {
        crd::set_terminating(value, now);
    }
}

fn delete_objects(state: &mut State, table: &str, now: &str) {
    let keys: Vec<Key> = state.store.objects(table).map(|(key, _)| key.clone()).collect();
    for key in keys {
        delete(state, table, &key, Propagation::Background, now);
    }
}

/// Takes the owner out of every dependent.
fn orphan_dependents(state: &mut State, uid: &str) {
    for (table, key) in state.dependents(uid) {
        let Some(mut value) = state.store.value(&table, &key) else {
            continue;
        };
        drop_owner(&mut value, uid);
        state.put(&table, value);
    }
}

fn drop_owner(value: &mut Value, uid: &str) {
    let owners = object::meta(value, "ownerReferences").as_array().cloned().unwrap_or_default();
    let left: Vec<Value> = owners.into_iter().filter(|owner| owner["uid"] != json!(uid)).collect();
    object::set_meta(value, "ownerReferences", if left.is_empty() { Value::Null } else { json!(left) });
}

/// Removes an object that waits for its dependents, once none is left that blocks it.
fn finish_foreground(state: &mut State, (table, key): &Place) {
    let Some(waiting) = state.store.value(table, key) else {
        return;
    };
    let uid = object::meta_str(&waiting, "uid");
    let blocks = |place: &Place| {
        let dependent = state.store.value(&place.0, &place.1);
        let owners = dependent.map(|dependent| object::meta(&dependent, "ownerReferences").clone()).unwrap_or_default();
        let blocking = |owner: &Value| owner["uid"] == json!(uid) && owner["blockOwnerDeletion"] == json!(true);
        owners.as_array().is_some_and(|owners| owners.iter().any(blocking))
    };
    if !object::finalizers(&waiting).contains(&FOREGROUND) || state.dependents(uid).iter().any(blocks) {
        return;
    }
    release(state, table, key, FOREGROUND);
}

/// Takes one finalizer away, and with the last one the object.
fn release(state: &mut State, table: &str, key: &Key, finalizer: &str) {
    let Some(mut value) = state.store.value(table, key) else {
        return;
    };
    let left: Vec<&str> = object::finalizers(&value).into_iter().filter(|one| *one != finalizer).collect();
    if left.is_empty() {
        state.remove(table, key);
    } else {
        let left = json!(left);
        object::set_meta(&mut value, "finalizers", left);
        state.put(table, value);
    }
}

/// Follows up every removal until nothing more comes of it.
pub(crate) fn settle(state: &mut State, now: &str) {
    while let Some(removed) = state.removed.pop() {
        for (table, key) in state.dependents(&removed.uid) {
            collect(state, &table, &key, &removed.uid, now);
        }
        finish_owners(state, &removed.owners, &removed.namespace);
        if !removed.namespace.is_empty() {
            namespace::remove_if_empty(state, &removed.namespace);
        }
        let definition = (String::new(), removed.table.clone());
        let waiting =
            state.store.value(DEFINITIONS, &definition).is_some_and(|definition| object::is_deleting(&definition));
        if waiting {
            remove_definition_if_empty(state, &removed.table);
        }
    }
}

/// Removes a definition that is being deleted, once none of its objects is left.
pub(crate) fn remove_definition_if_empty(state: &mut State, name: &str) {
    if state.store.objects(name).next().is_none() {
        release(state, DEFINITIONS, &(String::new(), name.to_owned()), crd::CLEANUP_FINALIZER);
    }
}

/// Looks after an object that was written with owners: those that do not exist are no owners, and without any it goes.
pub(crate) fn check_owners(state: &mut State, table: &str, key: &Key, now: &str) {
    let Some(mut value) = state.store.value(table, key) else { return };
    let owners = object::meta(&value, "ownerReferences").as_array().cloned().unwrap_or_default();
    let absent: Vec<&Value> = owners.iter().filter(|owner| !owner_exists(state, owner, &key.0)).collect();
    if absent.is_empty() || object::is_deleting(&value) {
        return;
    }
    if absent.len() == owners.len() {
        delete(state, table, key, Propagation::Background, now);
        settle(state, now);
        return;
    }
    for owner in absent {
        drop_owner(&mut value, owner["uid"].as_str().unwrap_or_default());
    }
    state.put(table, value);
}

/// Deletes a dependent none of whose owners exists any more; of several owners the gone one is taken out.
fn collect(state: &mut State, table: &str, key: &Key, uid: &str, now: &str) {
    let Some(mut value) = state.store.value(table, key) else {
        return;
    };
    let owners = object::meta(&value, "ownerReferences").as_array().cloned().unwrap_or_default();
    let exists = |owner: &Value| owner["uid"] != json!(uid) && owner_exists(state, owner, &key.0);
    if owners.iter().any(exists) {
        drop_owner(&mut value, uid);
        state.put(table, value);
    } else {
        delete(state, table, key, Propagation::Background, now);
    }
}

fn owner_exists(state: &State, owner: &Value, namespace: &str) -> bool {
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    // An owner of a kind that is not served cannot be looked up, and counts as existing.
    let Some(resource) = state.registry.by_kind(text("apiVersion"), text("kind")) else {
        return true;
    };
    if resource.namespaced && namespace.is_empty() {
        // Nobody knows in which namespace such an owner would be.
        return true;
    }
    let found = state.store.value(&resource.table, &resource.key(namespace, text("name")));
    found.is_some_and(|found| object::meta(&found, "uid") == &owner["uid"])
}

/// Lets go the owners that waited for an object of this namespace.
fn finish_owners(state: &mut State, owners: &Value, namespace: &str) {
    for owner in owners.as_array().into_iter().flatten() {
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        if let Some(resource) = state.registry.by_kind(text("apiVersion"), text("kind")) {
            let key = resource.key(namespace, text("name"));
            finish_foreground(state, &(resource.table.clone(), key));
        }
    }
}
