//! Namespaces: what may be created in them, and how they end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::builtin::NAMESPACES;
use crate::garbage::{self, Propagation};
use crate::object;
use crate::resource::Resource;
use crate::shared::Shared;
use crate::state::State;
use crate::status::{ApiError, Subject};
use crate::store::Key;

/// Namespaces every server starts with; `default` also comes back when it is asked for.
pub(crate) const INITIAL: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// How long the contents of a namespace outlive the request to delete it. A real server has a controller see to them, so that
/// whoever deletes a namespace and what is in it by one command finds it all.
const RESPITE: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key {
    (String::new(), name.to_owned())
}

/// Whether something may be created here: the namespace has to exist and must not be ending.
pub(crate) fn admits(state: &State, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
    if !resource.namespaced {
        return Ok(());
    }
    let Some(found) = state.store.value(NAMESPACES, &key(namespace)) else {
        return Err(ApiError::not_found(Subject { group: "", kind: NAMESPACES }, namespace));
    };
    if !object::is_deleting(&found) {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut error = ApiError::forbidden(resource.subject(), name, &why);
    if let Some(details) = &mut error.details {
        details["causes"] = json!([{
            "reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
    }
    Err(error)
}

/// The namespaces without which a cluster does not work cannot be deleted.
pub(crate) fn may_delete(name: &str) -> Result<(), ApiError> {
    if matches!(name, "default" | "kube-system" | "kube-public") {
        let subject = Subject { group: "", kind: NAMESPACES };
        return Err(ApiError::forbidden(subject, name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// Deletes what is in namespaces that are ending, a little later.
pub(crate) fn end_soon(shared: &Arc<Shared>) {
    let shared = shared.clone();
    tokio::spawn(async move {
        tokio::time::sleep(RESPITE).await;
        // Writing may be impossible for a while.
        while !try_to_end_all(&shared) {
            tokio::time::sleep(RESPITE).await;
        }
    });
}

fn try_to_end_all(shared: &Shared) -> bool {
    let ended = shared.write().map(|mut state| end_all(&mut state, &shared.clock.seconds()));
    ended.is_ok()
}

/// Deletes what is in namespaces that are ending.
pub(crate) fn end_all(state: &mut State, now: &str) {
    let ending = state.store.objects(NAMESPACES).filter(|(_, namespace)| is_ending(&namespace.value()));
    let names: Vec<String> = ending.map(|(key, _)| key.1.clone()).collect();
    for name in names {
        delete_contents(state, &name, now);
    }
    garbage::settle(state, now);
}

fn delete_contents(state: &mut State, namespace: &str, now: &str) {
    for (table, key) in contents(state, namespace) {
        garbage::delete(state, &table, &key, Propagation::Background, now);
    }
    remove_if_empty(state, namespace);
}

/// Removes a namespace that is ending and empty.
pub(crate) fn remove_if_empty(state: &mut State, namespace: &str) {
    let ending = state.store.value(NAMESPACES, &key(namespace)).is_some_and(|value| is_ending(&value));
    if ending && contents(state, namespace).is_empty() {
        state.remove(NAMESPACES, &key(namespace));
    }
}

fn is_ending(namespace: &Value) -> bool {
    object::is_deleting(namespace) && object::finalizers(namespace).is_empty()
}

fn contents(state: &State, namespace: &str) -> Vec<(String, Key)> {
    let mut found = Vec::new();
    for table in state.store.table_names() {
        for (key, _) in state.store.objects(table).filter(|(key, _)| key.0 == namespace) {
            found.push((table.clone(), key.clone()));
        }
    }
    found
}
