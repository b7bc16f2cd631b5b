//! Dotted paths into a JSON body.

use serde_json::Value;

/// The value at a dotted path.
pub(crate) fn find<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |value, key| match value {
        Value::Object(members) => members.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The paths a pattern with `*` stands for; a pattern without one stands for itself.
pub(crate) fn expand(data: &Value, pattern: &str) -> Vec<String> {
    let Some((parent, rest)) = pattern.split_once(".*") else {
        return vec![pattern.to_owned()];
    };
    let keys: Vec<String> = match find(data, parent) {
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        Some(Value::Object(members)) => members.keys().cloned().collect(),
        _ => Vec::new(),
    };
    keys.into_iter().map(|key| format!("{parent}.{key}{rest}")).collect()
}
