//! Filling in defaults, and dropping nulls that stand for "not set".

use serde_json::Value;

use super::{Additional, Schema};

/// Sets every missing field that has a default, also inside of defaults just set.
pub(crate) fn apply_defaults(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            for (name, field) in &schema.properties {
                let Some(default) = &field.default else { continue };
                let missing = map.get(name).is_none_or(|found| found.is_null() && !field.nullable);
                if missing {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, child) in map.iter_mut() {
                if let Some(field) = schema.field(name) {
                    if child.is_null()
                        && !field.nullable
                        && let Some(default) = &field.default
                    {
                        *child = default.clone();
                    }
                    apply_defaults(child, field);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = &schema.items {
                for item in list {
                    apply_defaults(item, items);
                }
            }
        }
        _ => {}
    }
}

/// Removes nulls from fields that may not be null and have no default, as the real server does before defaulting.
pub(crate) fn drop_nulls(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            map.retain(|name, child| !child.is_null() || keeps_null(schema, name));
            for (name, child) in map.iter_mut() {
                if let Some(field) = schema.field(name) {
                    drop_nulls(child, field);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = &schema.items {
                for item in list {
                    drop_nulls(item, items);
                }
            }
        }
        _ => {}
    }
}

fn keeps_null(schema: &Schema, name: &str) -> bool {
    match (schema.properties.get(name), &schema.additional) {
        (Some(field), _) => field.nullable || field.default.is_some(),
        (None, Additional::Schema(field)) => field.nullable || field.default.is_some(),
        _ => true,
    }
}
