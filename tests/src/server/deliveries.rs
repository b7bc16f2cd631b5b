//! What watches have delivered. The clock of a test stands still until a write has reached every watch that is to see it: as
//! in one process, and unlike in a network, nothing happens between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use crate::gateway::Request;

/// A watch that does not deliver so long has lost its connection, and the controller will find out by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a write did, and by which watches it will be seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Stored { place: Place, revision: u64 },
    Removed { place: Place, uid: String },
}

/// A collection of objects, or its part in one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    group: String,
    resource: String,
    /// Empty for all of them, and for what has none.
    namespace: String,
}

#[derive(Debug)]
struct Delivered {
    place: Place,
    revision: u64,
    removed: BTreeSet<String>,
}

/// All open watches by number.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    watches: watch::Sender<BTreeMap<usize, Delivered>>,
}

impl Deliveries {
    /// A watch that will deliver what is later than `revision`.
    pub(super) fn open(&self, place: Place, revision: u64) -> usize {
        let mut number = 0;
        self.watches.send_modify(|watches| {
            number = watches.keys().next_back().map_or(0, |last| last + 1);
            watches.insert(number, Delivered { place, revision, removed: BTreeSet::new() });
        });
        number
    }

    /// A watch has handed on a frame.
    pub(super) fn delivered(&self, number: usize, frame: &Bytes) {
        let frame: Value = serde_json::from_slice(frame).unwrap_or_default();
        self.watches.send_modify(|watches| {
            let Some(delivered) = watches.get_mut(&number) else { return };
            delivered.revision = delivered.revision.max(revision_in(&frame));
            if frame["type"] == "DELETED" {
                delivered.removed.insert(text(&frame["object"]["metadata"]["uid"]));
            }
        });
    }

    pub(super) fn close(&self, number: usize) {
        self.watches.send_modify(|watches| {
            watches.remove(&number);
        });
    }

    /// Waits until every watch that is to see a write has seen it.
    pub(super) async fn caught_up(&self, effect: &Effect) {
        let mut watches = self.watches.subscribe();
        let seen = watches.wait_for(|watches| watches.values().all(|delivered| delivered.has_seen(effect)));
        if tokio::time::timeout(PATIENCE, seen).await.is_err() {
            eprintln!("a watch has not seen {effect:?} after {} s: {:?}", PATIENCE.as_secs(), self.watches.borrow());
        }
    }
}

impl Delivered {
    fn has_seen(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Stored { place, revision } => !self.place.contains(place) || self.revision >= *revision,
            Effect::Removed { place, uid } => !self.place.contains(place) || self.removed.contains(uid),
        }
    }
}

impl Place {
    pub(super) fn of(request: &Request) -> Self {
        Self { group: request.group.clone(), resource: request.resource.clone(), namespace: request.namespace.clone() }
    }

    fn contains(&self, other: &Self) -> bool {
        let same_kind = self.group == other.group && self.resource == other.resource;
        same_kind && (self.namespace.is_empty() || self.namespace == other.namespace)
    }
}

impl Effect {
    /// What a request did, by its successful answer; nothing where nothing can be told.
    pub(super) fn of(request: &Request, answer: &Value) -> Option<Self> {
        let place = Place::of(request);
        let metadata = &answer["metadata"];
        let is_removal = request.verb == "delete" && answer["kind"] == "Status";
        let was_last_finalizer = !metadata["deletionTimestamp"].is_null() && metadata["finalizers"].is_null();
        if is_removal {
            return Some(Self::Removed { place, uid: text(&answer["details"]["uid"]) });
        }
        // A namespace is held by what is in it, and not by finalizers that show here.
        if was_last_finalizer && request.resource != "namespaces" {
            return Some(Self::Removed { place, uid: text(&metadata["uid"]) });
        }
        let revision = metadata["resourceVersion"].as_str()?.parse().ok()?;
        Some(Self::Stored { place, revision })
    }
}

/// The revision of the object in a frame of a watch; 0 where there is none.
pub(crate) fn revision_of(frame: &Bytes) -> u64 {
    revision_in(&serde_json::from_slice(frame).unwrap_or_default())
}

fn revision_in(frame: &Value) -> u64 {
    frame["object"]["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(verb: &str) -> Request {
        let text = |text: &str| text.to_owned();
        Request { verb: text(verb), resource: text("secrets"), namespace: text("shop"), ..Request::default() }
    }

    fn place(namespace: &str) -> Place {
        Place { group: String::new(), resource: "secrets".to_owned(), namespace: namespace.to_owned() }
    }

    #[tokio::test]
    async fn a_write_has_caught_up_when_every_watch_of_its_place_has_seen_it() {
        let deliveries = Deliveries::default();
        let (all, shop, _other) =
            (deliveries.open(place(""), 3), deliveries.open(place("shop"), 3), deliveries.open(place("other"), 3));
        let stored = Effect::of(&request("create"), &json!({"metadata": {"resourceVersion": "7"}})).unwrap();
        let mut caught_up = Box::pin(deliveries.caught_up(&stored));
        let frame = Bytes::from(json!({"type": "ADDED", "object": {"metadata": {"resourceVersion": "7"}}}).to_string());
        assert!(futures::poll!(&mut caught_up).is_pending());
        deliveries.delivered(all, &frame);
        assert!(futures::poll!(&mut caught_up).is_pending());
        deliveries.delivered(shop, &frame);
        caught_up.await;
    }

    #[test]
    fn the_last_finalizer_taken_is_a_removal() {
        let answer =
            json!({"metadata": {"uid": "u", "resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let removed = Effect::Removed { place: place("shop"), uid: "u".to_owned() };
        assert_eq!(Effect::of(&request("patch"), &answer), Some(removed));
    }
}
