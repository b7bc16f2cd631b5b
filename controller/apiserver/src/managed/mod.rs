//! Who owns which field: `managedFields`, and server-side apply, which is built on them.

mod apply;
mod compare;
mod entries;
mod path;
mod set;
mod update;

pub(crate) use apply::apply;
pub(crate) use update::track;

use serde_json::{Value, json};
use set::FieldSet;

use crate::schema::{ListType, Schema};

/// Fields of metadata that the server sets and nobody owns.
const UNOWNED_METADATA: &[&str] = &[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The schema of a whole object, metadata included; made once for each resource.
pub(crate) fn typed(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    schema.properties.insert("metadata".to_owned(), metadata_schema());
    schema
}

fn metadata_schema() -> Schema {
    Schema::parse(&json!({
        "type": "object",
        "properties": {
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "annotations": { "type": "object", "additionalProperties": { "type": "string" } },
            "finalizers": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
            "ownerReferences": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"],
                "items": { "type": "object", "x-kubernetes-map-type": "atomic" },
            },
            "generateName": { "type": "string" },
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
