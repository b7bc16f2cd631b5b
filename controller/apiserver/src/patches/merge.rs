//! JSON merge patches (RFC 7396), as `evanphx/json-patch` does them.

use serde_json::{Map, Value};

/// Applies a merge patch to a map.
pub(crate) fn merge(map: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match (map.get_mut(&name), change) {
            (_, Value::Null) => {
                map.remove(&name);
            }
            (Some(Value::Object(old)), Value::Object(change)) => merge(old, change),
            (_, mut change) => {
                drop_nulls(&mut change);
                map.insert(name, change);
            }
        }
    }
}

/// What is new has nothing to remove: its nulls go, in maps inside of lists too.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, child| !child.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_remove_and_maps_are_merged() {
        let mut value = json!({ "a": { "b": 1, "c": 2 }, "d": [1], "e": 5 });
        let patch = json!({ "a": { "b": null, "x": 3 }, "d": [{ "y": null, "z": 1 }], "e": { "f": null } });
        merge(value.as_object_mut().unwrap(), patch.as_object().unwrap().clone());
        assert_eq!(value, json!({ "a": { "c": 2, "x": 3 }, "d": [{ "z": 1 }], "e": {} }));
    }
}
