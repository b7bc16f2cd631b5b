//! What the controller found about the objects of the folder: a file can be right for the API, and still ask for what
//! cannot be.

use std::collections::BTreeMap;
use std::pin::Pin;

use futures::stream::SelectAll;
use futures::{Stream, StreamExt as _};
use hostwright_crds::{HostingService, Package, ProviderInstance, condition};
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client};
use serde_json::Value;

use super::target::Key;

/// What a watch tells.
pub(super) enum Change {
    /// A kind is listed anew.
    Anew(ApiResource),
    /// What is found about an object now.
    Is(Key, Option<String>),
    /// Nothing of interest.
    Nothing,
}

/// The findings as they are now.
#[derive(Debug, Default)]
pub(super) struct Findings {
    stalled: BTreeMap<Key, String>,
}

impl Findings {
    /// Takes note of a change, and answers whether it is one.
    pub(super) fn note(&mut self, change: Change) -> bool {
        match change {
            Change::Anew(kind) => {
                let before = self.stalled.len();
                self.stalled.retain(|key, _| (&key.group, &key.kind) != (&kind.group, &kind.kind));
                self.stalled.len() != before
            }
            Change::Is(key, Some(finding)) => self.stalled.insert(key, finding.clone()) != Some(finding),
            Change::Is(key, None) => self.stalled.remove(&key).is_some(),
            Change::Nothing => false,
        }
    }

    /// What is found about an object, as `InvalidCheckout: spec.checkout.sever_name: unknown field`.
    pub(super) fn about(&self, key: &Key) -> Option<&str> {
        self.stalled.get(key).map(String::as_str)
    }
}

/// What changes about the kinds that files ask for. It does not end.
pub(super) fn changes(client: &Client) -> SelectAll<Changes> {
    let kinds = [
        ApiResource::erase::<ProviderInstance>(&()),
        ApiResource::erase::<Package>(&()),
        ApiResource::erase::<HostingService>(&()),
    ];
    kinds.map(|kind| changes_of(client, kind)).into_iter().collect()
}

type Changes = Pin<Box<dyn Stream<Item = Change> + Send>>;

fn changes_of(client: &Client, kind: ApiResource) -> Changes {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let events = watch(api, watcher::Config::default()).default_backoff();
    let change = move |event| match event {
        Ok(Event::Init) => Change::Anew(kind.clone()),
        Ok(Event::InitApply(object) | Event::Apply(object)) => Change::Is(key(&kind, &object), finding(&object)),
        Ok(Event::Delete(object)) => Change::Is(key(&kind, &object), None),
        // The watch begins again by itself.
        Ok(Event::InitDone) | Err(_) => Change::Nothing,
    };
    events.map(change).boxed()
}

fn key(kind: &ApiResource, object: &DynamicObject) -> Key {
    Key {
        group: kind.group.clone(),
        kind: kind.kind.clone(),
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// Why nothing will happen to the object until somebody acts, if the controller has seen it as it is now.
fn finding(object: &DynamicObject) -> Option<String> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    let is = |condition: &&Value| condition["type"] == condition::STALLED && condition["status"] == "True";
    let stalled = conditions.iter().find(is)?;
    let is_current = stalled["observedGeneration"].as_i64() == object.metadata.generation;
    let (reason, message) = (stalled["reason"].as_str()?, stalled["message"].as_str()?);
    is_current.then(|| format!("{reason}: {message}"))
}

/// The field that a finding begins with, where it does.
pub(super) fn field_of(finding: &str) -> Option<&str> {
    let (_reason, message) = finding.split_once(": ")?;
    let (field, _) = message.split_once(": ")?;
    let is_path = field.contains('.') && !field.contains(char::is_whitespace);
    is_path.then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_that_at_the_beginning_of_the_message() {
        let rows = [
            ("InvalidCheckout: spec.checkout.sever_name: unknown field", Some("spec.checkout.sever_name")),
            ("ProviderUnauthorized: panel-eu refuses its API key (401); fix key api_key", None),
            ("Forbidden: panel-eu: it says no", None),
            ("RemoteExists: the panel has: one", None),
        ];
        for (finding, expected) in rows {
            assert_eq!(field_of(finding), expected, "{finding}");
        }
    }
}
