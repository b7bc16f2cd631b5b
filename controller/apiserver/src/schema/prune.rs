//! Removing what the schema does not name, and remembering it for warnings.

use serde_json::Value;

use super::{Additional, Schema};
use crate::field::child;

/// Nobody reads more of them, and a body may hold very many.
const MAX_UNKNOWN: usize = 100;

/// Removes unknown fields and adds their paths to `unknown`. `is_resource` keeps `apiVersion`, `kind` and `metadata`.
pub(crate) fn prune(value: &mut Value, schema: &Schema, path: &str, is_resource: bool, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let is_resource = is_resource || schema.embedded_resource;
            let own = |name: &str| is_resource && matches!(name, "apiVersion" | "kind" | "metadata");
            map.retain(|name, _| {
                let known = schema.preserve_unknown
                    || own(name)
                    || schema.properties.contains_key(name)
                    || !matches!(schema.additional, Additional::Nothing);
                if !known && unknown.len() < MAX_UNKNOWN {
                    unknown.push(child(path, name));
                }
                known
            });
            for (name, value) in map.iter_mut() {
                if !own(name)
                    && let Some(field) = schema.field(name)
                {
                    prune(value, field, &child(path, name), false, unknown);
                }
            }
        }
        Value::Array(list) => {
            if let Some(items) = &schema.items {
                for (index, item) in list.iter_mut().enumerate() {
                    prune(item, items, &format!("{path}[{index}]"), false, unknown);
                }
            }
        }
        _ => {}
    }
}
