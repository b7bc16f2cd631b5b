//! Kubernetes events, for people who describe an object.

use std::time::Duration;

use hostwright_crds::{FIELD_MANAGER, condition::cut};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, Recorder, Reporter};

pub use kube::runtime::events::EventType;

use super::client::bounded_by;

/// The longest that writing one may take: nobody waits for an event.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest reason and action that the API accepts, in bytes.
const REASON_BYTES: usize = 128;
/// The longest note that the API accepts, in bytes.
const NOTE_BYTES: usize = 1024;

/// Writes events. Clones share what makes a series out of repeats.
///
/// Within six minutes a repeat of the same type, reason and action for the same object counts the first one up and **keeps
/// its note**: what must be read stands in the status as well.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// Writes events in the name of this process: its Pod, where it has one.
    pub fn new(client: Client, process: Option<String>) -> Self {
        let reporter = Reporter { controller: FIELD_MANAGER.to_owned(), instance: process };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Writes an event about an object. One that cannot be written is logged, and nothing else depends on it.
    pub async fn publish(&self, reference: ObjectReference, kind: EventType, reason: &str, action: &str, note: &str) {
        let event = Event {
            type_: kind,
            reason: cut(reason.to_owned(), REASON_BYTES),
            action: cut(action.to_owned(), REASON_BYTES),
            note: Some(cut(note.to_owned(), NOTE_BYTES)),
            secondary: None,
        };
        if let Err(error) = bounded_by(TIMEOUT, self.recorder.publish(&event, &reference)).await {
            let object = reference.name.as_deref().unwrap_or_default();
            let namespace = reference.namespace.as_deref().unwrap_or_default();
            tracing::warn!(namespace, object, reason, %error, "an event could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::kube::scripted::{Scripted, Trouble};

    fn alice() -> ObjectReference {
        ObjectReference {
            name: Some("alice".to_owned()),
            namespace: Some("customers".to_owned()),
            ..ObjectReference::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_stays_within_what_the_api_accepts() {
        let server = Scripted::default();
        let events = Events::new(server.client(), Some("pod-1".to_owned()));
        events.publish(alice(), EventType::Warning, &"R".repeat(500), "Create", &"ä".repeat(900)).await;
        let (uri, event) = server.requests(&Method::POST).remove(0);
        assert_eq!(uri.path(), "/apis/events.k8s.io/v1/namespaces/customers/events");
        assert_eq!((&event["type"], &event["reportingInstance"]), (&"Warning".into(), &"pod-1".into()));
        assert!(event["reason"].as_str().unwrap().len() <= REASON_BYTES);
        assert!(event["note"].as_str().unwrap().len() <= NOTE_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_become_a_series_across_clones() {
        let server = Scripted::default();
        let events = Events::new(server.client(), None);
        for events in [events.clone(), events] {
            events.publish(alice(), EventType::Normal, "Created", "Create", "server 12").await;
        }
        let (_, repeat) = server.requests(&Method::PATCH).remove(0);
        assert_eq!((server.requests(&Method::POST).len(), &repeat["series"]["count"]), (1, &2.into()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_cannot_be_written_holds_nobody_up_for_long() {
        let server = Scripted::default();
        server.trouble(&Method::POST, [Trouble::Refuse(403), Trouble::Hang]);
        let events = Events::new(server.client(), None);
        let start = tokio::time::Instant::now();
        events.publish(alice(), EventType::Normal, "Created", "Create", "server 12").await;
        events.publish(alice(), EventType::Normal, "Created", "Create", "server 12").await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
