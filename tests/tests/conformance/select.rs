//! Parts of answers, and where two answers differ.

use serde_json::Value;

/// The part at a path such as `resources[name=things].verbs`; null where there is none.
pub fn select(value: &Value, path: &str) -> Value {
    let mut at = value;
    let mut rest = path;
    while !rest.is_empty() {
        let next = if let Some(condition) = rest.strip_prefix('[') {
            let (condition, after) = condition.split_once(']').expect("a condition ends with ]");
            rest = after.strip_prefix('.').unwrap_or(after);
            find(at, condition)
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            rest = after.strip_prefix('.').unwrap_or(after);
            at.get(name)
        };
        let Some(next) = next else { return Value::Null };
        at = next;
    }
    at.clone()
}

/// The item in which `a.b=c`, or the field of this name, which may contain dots.
fn find<'a>(value: &'a Value, condition: &str) -> Option<&'a Value> {
    let Some((field, wanted)) = condition.split_once('=') else {
        return value.get(condition);
    };
    let pointer = format!("/{}", field.replace('.', "/"));
    value.as_array()?.iter().find(|item| item.pointer(&pointer).and_then(Value::as_str).unwrap_or_default() == wanted)
}

/// In what two answers differ, field by field.
pub fn differences(embedded: &Value, real: &Value, path: &str) -> Vec<String> {
    match (embedded, real) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            names.flat_map(|name| field_differences(a.get(name), b.get(name), &format!("{path}.{name}"))).collect()
        }
        (Value::Array(a), Value::Array(b)) => {
            let places = 0..a.len().max(b.len());
            places.flat_map(|at| field_differences(a.get(at), b.get(at), &format!("{path}[{at}]"))).collect()
        }
        _ if embedded == real => Vec::new(),
        _ => vec![format!("{path}: the embedded server says {embedded}, a real one {real}")],
    }
}

fn field_differences(embedded: Option<&Value>, real: Option<&Value>, path: &str) -> Vec<String> {
    match (embedded, real) {
        (Some(embedded), Some(real)) => differences(embedded, real, path),
        (Some(embedded), None) => vec![format!("{path}: only the embedded server says {embedded}")],
        (None, Some(real)) => vec![format!("{path}: only a real server says {real}")],
        (None, None) => Vec::new(),
    }
}
