//! Strategic merge patches: like a JSON merge patch, but lists whose items have a key are merged item by item.

use serde_json::{Map, Value, json};

use crate::schema::Schema;
use crate::status::ApiError;

/// Applies a strategic merge patch.
pub(crate) fn merge(old: &Value, patch: &Value, schema: &Schema) -> Result<Value, ApiError> {
    let Some(patch) = patch.as_object() else {
        return Err(ApiError::bad_request("a strategic merge patch has to be a JSON object"));
    };
    let mut new = old.clone();
    merge_map(&mut new, patch, Some(schema), "")?;
    Ok(new)
}

/// Merge keys of metadata, which is part of every kind.
fn metadata_key(place: &str) -> Option<&'static str> {
    match place {
        ".metadata.ownerReferences" => Some("uid"),
        _ => None,
    }
}

fn merges_as_set(place: &str) -> bool {
    place == ".metadata.finalizers"
}

fn merge_map(
    target: &mut Value,
    patch: &Map<String, Value>,
    schema: Option<&Schema>,
    place: &str,
) -> Result<(), ApiError> {
    if let Some(directive) = patch.get("$patch") {
        match directive.as_str() {
            Some("replace") => {
                let mut whole = patch.clone();
                whole.remove("$patch");
                *target = Value::Object(whole);
                return Ok(());
            }
            Some("delete") => {
                *target = json!({});
                return Ok(());
            }
            Some("merge") => {}
            _ => return Err(ApiError::bad_request(format!("unknown patch type: {directive}"))),
        }
    }
    let map = crate::object::as_map(target);
    for (name, change) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        let place = format!("{place}.{name}");
        let field = schema.and_then(|schema| schema.field(name));
        match change {
            Value::Null => {
                map.remove(name);
            }
            Value::Object(change) => {
                merge_map(map.entry(name).or_insert_with(|| json!({})), change, field, &place)?;
            }
            Value::Array(change) => {
                let target = map.entry(name).or_insert_with(|| json!([]));
                merge_list(target, change, field, &place)?;
            }
            other => {
                map.insert(name.clone(), other.clone());
            }
        }
    }
    for (name, values) in patch {
        if let Some(field) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = values.as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(list) = map.get_mut(field).and_then(Value::as_array_mut) {
                list.retain(|item| !gone.contains(item));
            }
        } else if let Some(field) = name.strip_prefix("$retainKeys") {
            let kept = values.as_array().map(Vec::as_slice).unwrap_or_default();
            if field.is_empty() {
                map.retain(|name, _| kept.contains(&json!(name)));
            }
        }
    }
    Ok(())
}

fn merge_list(target: &mut Value, change: &[Value], schema: Option<&Schema>, place: &str) -> Result<(), ApiError> {
    let Some(list) = target.as_array_mut() else {
        *target = json!(change);
        return Ok(());
    };
    if merges_as_set(place) {
        for item in change {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
        return Ok(());
    }
    let key = metadata_key(place).or_else(|| schema.and_then(|schema| schema.patch_merge_key.as_deref()));
    let Some(key) = key else {
        *list = change.to_vec();
        return Ok(());
    };
    if change.iter().any(|item| item["$patch"] == json!("replace")) {
        *list = change.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    let items = schema.and_then(|schema| schema.items.as_deref());
    for item in change {
        let Some(fields) = item.as_object().filter(|fields| fields.contains_key(key)) else {
            return Err(ApiError::bad_request(format!("map: {item} does not contain declared merge key: {key}")));
        };
        let found = list.iter().position(|old| old[key] == fields[key]);
        match (found, item["$patch"] == json!("delete")) {
            (Some(index), true) => {
                list.remove(index);
            }
            (None, true) => {}
            (Some(index), false) => merge_map(&mut list[index], fields, items, place)?,
            (None, false) => list.push(item.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(old: &Value, patch: &Value) -> Value {
        let schema = Schema::parse(&json!({
            "type": "object",
            "properties": {
                "conditions": { "type": "array", "x-kubernetes-patch-merge-key": "type", "items": { "type": "object" } },
                "plain": { "type": "array", "items": { "type": "string" } },
            },
        }));
        merge(old, patch, &schema).unwrap()
    }

    #[test]
    fn keyed_lists_are_merged_and_others_replaced() {
        let old = json!({ "conditions": [{ "type": "A", "x": 1 }, { "type": "B" }], "plain": ["a"] });
        let patch =
            json!({ "conditions": [{ "type": "A", "y": 2 }, { "type": "B", "$patch": "delete" }], "plain": ["b"] });
        assert_eq!(merged(&old, &patch), json!({ "conditions": [{ "type": "A", "x": 1, "y": 2 }], "plain": ["b"] }));
    }

    #[test]
    fn finalizers_are_added_and_taken_from_a_set() {
        let old = json!({ "metadata": { "finalizers": ["a", "b"] } });
        let patch = json!({ "metadata": { "finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"] } });
        assert_eq!(merged(&old, &patch), json!({ "metadata": { "finalizers": ["b", "c"] } }));
    }

    #[test]
    fn a_map_can_be_replaced() {
        let patch = json!({ "data": { "$patch": "replace", "b": "2" } });
        assert_eq!(merged(&json!({ "data": { "a": "1" } }), &patch), json!({ "data": { "b": "2" } }));
    }
}
