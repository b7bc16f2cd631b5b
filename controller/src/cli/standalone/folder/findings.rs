//! What the controller found about the objects of the folder: a file can be right for the API, and still ask for what
//! cannot be.

use std::collections::BTreeMap;
use std::fmt;
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
    Is(Key, Option<Finding>),
    /// Nothing of interest.
    Nothing,
}

/// Why nothing will happen to an object until somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    generation: Option<i64>,
    reason: String,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl Finding {
    /// The field of the object that the message begins with, where it does.
    pub(super) fn field(&self) -> Option<&str> {
        let (field, _) = self.message.split_once(": ")?;
        let is_path = field.starts_with("spec.") && !field.contains(char::is_whitespace);
        is_path.then_some(field)
    }
}

/// The findings as they are now.
#[derive(Debug, Default)]
pub(super) struct Findings {
    stalled: BTreeMap<Key, Finding>,
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

    /// What is found about an object since it has this generation, if it can be mended in its own file. A service whose
    /// package is broken is not at fault; a panel that refuses its key is nowhere else.
    pub(super) fn about(&self, key: &Key, generation: Option<i64>) -> Option<&Finding> {
        let finding = self.stalled.get(key).filter(|finding| finding.generation >= generation)?;
        (finding.field().is_some() || key.kind == "ProviderInstance").then_some(finding)
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

/// What the controller says about the object, if it has seen it as it is now.
fn finding(object: &DynamicObject) -> Option<Finding> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    let is = |condition: &&Value| condition["type"] == condition::STALLED && condition["status"] == "True";
    let stalled = conditions.iter().find(is)?;
    let generation = object.metadata.generation;
    let text = |field: &str| stalled[field].as_str().map(str::to_owned);
    let finding = Finding { generation, reason: text("reason")?, message: text("message")? };
    (stalled["observedGeneration"].as_i64() == generation).then_some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str) -> Key {
        Key { group: "hostwright.dev".into(), kind: kind.into(), namespace: String::new(), name: "a".into() }
    }

    /// Whether something is said about an object of generation 2.
    fn is_said(kind: &str, message: &str, generation: i64) -> bool {
        let finding = Finding { generation: Some(generation), reason: "Because".into(), message: message.into() };
        let mut findings = Findings::default();
        assert!(findings.note(Change::Is(key(kind), Some(finding.clone()))));
        assert!(!findings.note(Change::Is(key(kind), Some(finding))), "it is no change");
        findings.about(&key(kind), Some(2)).is_some()
    }

    #[test]
    fn what_is_said_can_be_mended_in_the_file() {
        let rows = [
            ("HostingService", "spec.checkout.sever_name: unknown field", true),
            ("HostingService", "Package small: spec.provisioning.cpuu: unknown field", false),
            ("Package", "spec.provisioning.cpuu: unknown field", true),
            ("ProviderInstance", "panel-eu refuses its API key (401); fix key api_key", true),
        ];
        for (kind, message, expected) in rows {
            assert_eq!(is_said(kind, message, 2), expected, "{kind}: {message}");
            assert!(!is_said(kind, message, 1), "{kind}: what was found before the last edit");
        }
    }

    #[test]
    fn what_is_listed_anew_is_forgotten_first() {
        let mut findings = Findings::default();
        let finding = Finding { generation: None, reason: String::new(), message: "spec.a: b".into() };
        findings.note(Change::Is(key("Package"), Some(finding)));
        assert!(!findings.note(Change::Anew(ApiResource::erase::<HostingService>(&()))));
        assert!(findings.note(Change::Anew(ApiResource::erase::<Package>(&()))));
        assert!(findings.about(&key("Package"), None).is_none());
    }
}
