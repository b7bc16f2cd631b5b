//! Which old value a new one continues (`k8s.io/apiserver/pkg/cel/common`): only items of lists that are maps can be found again.

use std::collections::HashMap;

use serde_json::Value;

use super::{ListType, Schema};

/// The items of a list as it was, by their keys.
pub(crate) struct OldItems<'a> {
    keys: &'a [String],
    schema: &'a Schema,
    items: HashMap<Vec<Option<&'a Value>>, &'a Value>,
}

impl<'a> OldItems<'a> {
    pub(crate) fn of(old: Option<&'a Value>, list_type: &'a ListType, schema: &'a Schema) -> Self {
        let ListType::Map(keys) = list_type else {
            return Self { keys: &[], schema, items: HashMap::new() };
        };
        let list = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // Of several with the same key the first counts.
        let items = list.iter().rev().map(|item| (key_of(item, keys, schema), item)).collect();
        Self { keys, schema, items }
    }

    /// The item that this one continues.
    pub(crate) fn continued_by(&self, item: &Value) -> Option<&'a Value> {
        self.items.get(&key_of(item, self.keys, self.schema)).copied()
    }
}

fn key_of<'a>(item: &'a Value, keys: &[String], schema: &'a Schema) -> Vec<Option<&'a Value>> {
    let default = |key: &String| schema.properties.get(key).and_then(|field| field.default.as_ref());
    keys.iter().map(|key| item.get(key).or_else(|| default(key))).collect()
}
