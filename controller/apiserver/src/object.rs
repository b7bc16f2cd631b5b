//! Reading and writing the parts of an object that every kind has.

use serde_json::{Map, Value, json};

const NOTHING: &Value = &Value::Null;

pub(crate) fn meta<'a>(object: &'a Value, field: &str) -> &'a Value {
    object.get("metadata").and_then(|metadata| metadata.get(field)).unwrap_or(NOTHING)
}

pub(crate) fn meta_str<'a>(object: &'a Value, field: &str) -> &'a str {
    meta(object, field).as_str().unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    meta_str(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    meta_str(object, "namespace")
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_null()
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    meta(object, "finalizers").as_array().map(|all| all.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// The metadata as a map, made one where it is missing or something else.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    entry(object, "metadata")
}

fn entry<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    as_map(as_map(object).entry(field).or_insert_with(|| json!({})))
}

/// The value as a map; anything else is replaced by an empty one.
pub(crate) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("replaced by a map above"),
    }
}

pub(crate) fn set_meta(object: &mut Value, field: &str, value: Value) {
    if value.is_null() {
        metadata_mut(object).remove(field);
    } else {
        metadata_mut(object).insert(field.to_owned(), value);
    }
}

/// Sets a top-level field, or removes it where there is nothing to set.
pub(crate) fn set_field(object: &mut Value, field: &str, value: Option<Value>) {
    match value {
        Some(value) => as_map(object).insert(field.to_owned(), value),
        None => as_map(object).remove(field),
    };
}

/// Labels as pairs; anything that is no string is skipped.
pub(crate) fn labels(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let labels = meta(object, "labels").as_object();
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// Follows a plain dotted path such as `.spec.replicas`.
pub(crate) fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

/// Sets the value at a plain dotted path, making the maps on the way.
pub(crate) fn set_at_path(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        at = as_map(at).entry(part).or_insert(Value::Null);
    }
    *at = value;
}

/// How deep maps and lists are nested, counted up to `limit` and no further.
pub(crate) fn deeper_than(value: &Value, limit: usize) -> bool {
    let Some(left) = limit.checked_sub(1) else { return true };
    match value {
        Value::Object(map) => map.values().any(|child| deeper_than(child, left)),
        Value::Array(list) => list.iter().any(|child| deeper_than(child, left)),
        _ => false,
    }
}

/// About how many bytes the value has as JSON: what strings need for escapes is not counted.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(list) => 2 + list.iter().map(|item| weight(item) + 1).sum::<usize>(),
        Value::Object(map) => 2 + map.iter().map(|(key, field)| key.len() + 4 + weight(field)).sum::<usize>(),
    }
}

/// How many bytes the value has as JSON, where that is more than the limit.
pub(crate) fn excess(value: &Value, limit: usize) -> Option<usize> {
    /// One byte of a string needs up to six: `\u0000`.
    const LONGEST_ESCAPE: usize = 6;
    if weight(value) * LONGEST_ESCAPE <= limit {
        return None;
    }
    Some(value.to_string().len()).filter(|length| *length > limit)
}
