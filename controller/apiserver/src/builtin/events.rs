//! Events exist once and are served by two groups in different words; here they are translated.
//!
//! The pairs of fields are those of `k8s.io/kubernetes/pkg/apis/events/v1/conversion.go`.

use serde_json::{Value, json};

use crate::object::{as_map, set_field};

/// Field selectors of `v1` events.
pub(crate) const CORE_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// Field selectors of `events.k8s.io/v1` events.
pub(crate) const GROUP_FIELDS: &[&str] = &[
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
];

const PAIRS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

pub(crate) fn to_core(event: &mut Value) {
    for (core, group) in PAIRS {
        if let Some(value) = as_map(event).remove(*group) {
            set_field(event, core, Some(value));
        }
    }
    event["apiVersion"] = json!("v1");
    event["kind"] = json!("Event");
    for (field, empty) in [
        ("involvedObject", json!({})),
        ("source", json!({})),
        ("reportingComponent", json!("")),
        ("reportingInstance", json!("")),
    ] {
        as_map(event).entry(field).or_insert(empty);
    }
    for field in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        as_map(event).entry(field).or_insert(Value::Null);
    }
}

pub(crate) fn to_events_group(event: &mut Value) {
    for (core, group) in PAIRS {
        if let Some(value) = as_map(event).remove(*core) {
            let is_empty = value.is_null() || value == json!("") || value == json!({});
            set_field(event, group, (!is_empty).then_some(value));
        }
    }
    event["apiVersion"] = json!("events.k8s.io/v1");
    event["kind"] = json!("Event");
    as_map(event).entry("eventTime").or_insert(Value::Null);
    if event.get("reportingInstance") == Some(&json!("")) {
        set_field(event, "reportingInstance", None);
    }
}
