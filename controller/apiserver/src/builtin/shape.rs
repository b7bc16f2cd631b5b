//! The form that typed objects take when Go writes them: empty maps, lists and texts are left out, some structs never are.

use serde_json::{Value, json};

use crate::object::as_map;
use crate::resource::Family;

/// Fields that are left out when they are empty.
fn omitted(family: Family) -> &'static [&'static str] {
    match family {
        Family::ConfigMap => &["data", "binaryData"],
        Family::Secret => &["data", "stringData", "type"],
        _ => &[],
    }
}

/// Structs that are there even when nothing is in them.
fn always(family: Family) -> &'static [&'static str] {
    match family {
        Family::Namespace => &["spec", "status"],
        Family::Lease => &["spec"],
        _ => &[],
    }
}

/// Brings an object into this form.
pub(crate) fn shape(family: Family, value: &mut Value) {
    let map = as_map(value);
    for field in omitted(family) {
        let is_empty = match map.get(*field) {
            Some(Value::Object(found)) => found.is_empty(),
            Some(Value::Array(found)) => found.is_empty(),
            Some(Value::String(found)) => found.is_empty(),
            Some(Value::Null) => true,
            _ => false,
        };
        if is_empty {
            map.remove(*field);
        }
    }
    for field in always(family) {
        map.entry(*field).or_insert_with(|| json!({}));
    }
}

/// Removes the structs that are there although nothing is in them: nobody owns those.
pub(crate) fn drop_empty_structs(family: Family, value: &mut Value) {
    let map = as_map(value);
    for field in always(family) {
        if map.get(*field) == Some(&json!({})) {
            map.remove(*field);
        }
    }
}
