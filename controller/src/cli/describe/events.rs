//! The events about an object, the latest last.

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt as _};

use super::super::cluster::answer;
use super::super::failure::Failure;
use super::super::output::{Output, Tone, age};
use super::heading;

pub(super) async fn show(
    client: &Client,
    object: &DynamicObject,
    now: Timestamp,
    output: &Output,
) -> Result<(), Failure> {
    let uid = object.uid().unwrap_or_default();
    // Events about objects without a namespace are in this one.
    let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
    let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
    let about = ListParams::default().fields(&format!("involvedObject.uid={uid}"));
    let mut events = match answer(api.list(&about)).await {
        Ok(list) => list.items,
        Err(refusal) => return output.line(&format!("\nEvents cannot be read: {refusal}")),
    };
    if events.is_empty() {
        return Ok(());
    }
    events.sort_by_key(last_seen);
    heading("Events", output)?;
    let row = |event: &Event| {
        let tone = if event.type_.as_deref() == Some("Warning") { Tone::Bad } else { Tone::Plain };
        let ago = last_seen(event).map(|at| age(now, at)).unwrap_or_default();
        let count = times(event);
        let ago = if count > 1 { format!("{ago} (x{count})") } else { ago };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            (Tone::Plain, ago),
            (tone, text(&event.type_)),
            (tone, text(&event.reason)),
            (Tone::Plain, text(&event.message)),
        ]
    };
    output.table(&["AGO", "TYPE", "REASON", "MESSAGE"], events.iter().map(row).collect())
}

/// A series has a time and a count of its own.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|at| at.0);
    let last = event.last_timestamp.as_ref().map(|at| at.0);
    series.or(last).or_else(|| event.event_time.as_ref().map(|at| at.0))
}

fn times(event: &Event) -> i32 {
    event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1)
}
