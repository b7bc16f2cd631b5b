//! Who owns which field: `managedFields`, and server-side apply, which is built on them.

mod apply;
mod compare;
mod conform;
mod entries;
mod last_applied;
mod path;
mod prune;
mod set;
mod update;

pub(crate) use apply::apply;
pub(crate) use conform::{check as check_types, printed};
pub(crate) use last_applied::refresh as refresh_last_applied;
pub(crate) use update::{keep_times, track};

use path::Step;
use serde_json::{Value, json};
use set::FieldSet;

use crate::resource::Resource;
use crate::schema::{ListType, Schema, Type};

/// Fields of metadata that the server sets and nobody owns.
const UNOWNED_METADATA: &[&str] = &[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// The schema of a whole object, with what every object has; made once for each resource.
pub(crate) fn typed(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    let text = || Schema::parse(&json!({ "type": "string" }));
    schema.type_ = Some(Type::Object);
    schema.properties.insert("apiVersion".to_owned(), text());
    schema.properties.insert("kind".to_owned(), text());
    schema.properties.insert("metadata".to_owned(), metadata_schema());
    schema
}

fn metadata_schema() -> Schema {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    Schema::parse(&json!({
        "type": "object",
        "properties": {
            "name": text, "generateName": text, "namespace": text, "selfLink": text, "uid": text, "resourceVersion": text,
            "generation": { "type": "integer" }, "creationTimestamp": text, "deletionTimestamp": text,
            "deletionGracePeriodSeconds": { "type": "integer" }, "labels": texts, "annotations": texts,
            "finalizers": { "type": "array", "x-kubernetes-list-type": "set", "items": text },
            "ownerReferences": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                "items": {
                    "type": "object", "x-kubernetes-map-type": "atomic",
                    "properties": {
                        "apiVersion": text, "kind": text, "name": text, "uid": text, "controller": { "type": "boolean" },
                        "blockOwnerDeletion": { "type": "boolean" },
                    },
                },
            },
            "managedFields": { "type": "array", "items": { "x-kubernetes-preserve-unknown-fields": true } },
        },
    }))
}

/// The parts of an object that can be owned.
fn ownable(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|name, _| !UNOWNED_METADATA.contains(&name.as_str()));
            if metadata.is_empty() {
                map.remove("metadata");
            }
        }
    }
    object
}

/// Whether a value is owned as a whole, whatever is in it.
fn is_atomic(value: &Value, schema: Option<&Schema>) -> bool {
    match value {
        Value::Object(map) => map.is_empty() || schema.is_some_and(|schema| schema.atomic),
        Value::Array(list) => list.is_empty() || schema.is_none_or(|schema| schema.list_type == ListType::Atomic),
        _ => true,
    }
}

/// Everything there is to own in an object.
fn all_fields(object: &Value, schema: &Schema) -> FieldSet {
    let mut set = FieldSet::default();
    compare::insert_all(object, Some(schema), &mut set);
    // The root and the metadata are not owned themselves, only what is in them.
    set.disown_metadata();
    set
}

/// Leaves of a set what requests to the subresource may own: the status has its own, and its own owns nothing else.
fn restrict(resource: &Resource, subresource: &str, fields: &mut FieldSet) {
    if subresource == "status" {
        let status = fields.split_field("status");
        *fields = FieldSet::default();
        if let Some(status) = status {
            fields.nodes.insert(Step::Field("status".to_owned()), status);
        }
    } else if resource.status {
        fields.split_field("status");
    }
}
