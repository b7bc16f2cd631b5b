//! Whether an applied object has the types of its schema: otherwise nothing could say who owns what in it.
//!
//! The sentences are those of `structured-merge-diff`, which come with status 500.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::{Step, item_step};
use crate::schema::{Additional, ListType, Schema, Type};

/// Everything in the object that its schema does not know or holds differently.
///
/// # Errors
/// With all of it in one sentence.
pub(crate) fn check(value: &Value, schema: &Schema) -> Result<(), String> {
    let mut problems = Vec::new();
    walk(value, schema, "", &mut problems);
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        several => Err(format!("errors:\n  {}", several.join("\n  "))),
    }
}

fn walk(value: &Value, schema: &Schema, path: &str, problems: &mut Vec<String>) {
    let mut refuse = |what: String| problems.push(if path.is_empty() { what } else { format!("{path}: {what}") });
    if value.is_null() {
        return;
    }
    if schema.int_or_string {
        if value.is_object() || value.is_array() {
            refuse(format!("expected any scalar, got &{{{}}}", printed(value)));
        }
        return;
    }
    match (schema.type_, value) {
        (Some(Type::Object), Value::Object(map)) => {
            for (name, child) in map {
                let path = format!("{path}.{name}");
                match schema.field(name) {
                    Some(field) => walk(child, field, &path, problems),
                    None if schema.preserve_unknown || matches!(schema.additional, Additional::Anything) => {}
                    None => {
                        problems.push(format!("{path}: field not declared in schema"));
                        break;
                    }
                }
            }
        }
        (Some(Type::Array), Value::Array(list)) => walk_list(list, schema, path, problems),
        (Some(Type::Object), _) if !schema.preserve_unknown => {
            refuse(format!("expected map, got &{{{}}}", printed(value)));
        }
        (Some(Type::Array), _) => refuse(format!("expected list, got &{{{}}}", printed(value))),
        (Some(Type::String), _) if !value.is_string() => {
            refuse(format!("expected string, got &value.valueUnstructured{{Value:{}}}", in_go(value)));
        }
        (Some(Type::Boolean), _) if !value.is_boolean() => {
            refuse(format!("expected boolean, got &{{{}}}", printed(value)));
        }
        (Some(Type::Integer | Type::Number), _) if !value.is_number() => {
            refuse(format!("expected numeric (int or float), got {}", type_name(value)));
        }
        _ => {}
    }
}

/// Nobody reads more about one object, and a long list may give reason to very many.
const MAX_PROBLEMS: usize = 100;

fn walk_list(list: &[Value], schema: &Schema, path: &str, problems: &mut Vec<String>) {
    let items = schema.items.as_deref();
    let mut seen = BTreeSet::new();
    for (index, item) in list.iter().enumerate() {
        let step = match &schema.list_type {
            ListType::Atomic => Step::Index(index),
            merged => {
                if let Err(why) = can_be_found(item, merged, items) {
                    problems.push(format!("{path}: element {index}: {why}"));
                    return;
                }
                item_step(item, merged, items).unwrap_or(Step::Index(index))
            }
        };
        if problems.len() >= MAX_PROBLEMS {
            return;
        }
        if seen.contains(&step) {
            problems.push(format!("{path}: duplicate entries for key {}", step.display()));
        }
        if let Some(items) = items {
            walk(item, items, &format!("{path}{}", step.display()), problems);
        }
        seen.insert(step);
    }
}

/// An item of a merged list has to say which item it is.
fn can_be_found(item: &Value, list_type: &ListType, items: Option<&Schema>) -> Result<(), String> {
    let refused = |why: &str| Err(why.to_owned());
    let ListType::Map(keys) = list_type else {
        return match item {
            Value::Object(_) => refused("associative list without keys has an element that's a map type"),
            Value::Array(_) => refused("not supported: associative list with lists as elements"),
            Value::Null => refused("associative list without keys has an element that's an explicit null"),
            _ => Ok(()),
        };
    };
    let Some(map) = item.as_object() else {
        return if item.is_null() {
            refused("associative list with keys may not have a null element")
        } else {
            refused("associative list with keys may not have non-map elements")
        };
    };
    let has_default =
        |key: &String| items.is_some_and(|items| items.field(key).is_some_and(|key| key.default.is_some()));
    if keys.iter().any(|key| map.contains_key(key) || has_default(key)) {
        return Ok(());
    }
    let keys = keys.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(" ");
    Err(format!(
        "associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default values for any \
         key fields)"
    ))
}

/// As Go prints a value for people.
pub(crate) fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(name, value)| format!("{name}:{}", printed(value)));
            format!("map[{}]", entries.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// As Go prints a value for programmers.
fn in_go(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[]interface {{}}{{{}}}", list.iter().map(in_go).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(name, value)| format!("{name:?}:{}", in_go(value)));
            format!("map[string]interface {{}}{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_problem_is_named_with_its_place() {
        let schema = Schema::parse(&json!({ "type": "object", "properties": {
            "size": { "type": "integer" }, "text": { "type": "string" },
            "map": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": { "type": "object", "properties": { "name": { "type": "string" } } },
            },
        } }));
        let value = json!({ "size": "x", "text": 5, "map": [{ "name": "a" }, { "name": "a" }] });
        let expected = "errors:\n  .map: duplicate entries for key [name=\"a\"]\n  .size: expected numeric (int or float), got \
                        string\n  .text: expected string, got &value.valueUnstructured{Value:5}";
        assert_eq!(check(&value, &schema).unwrap_err(), expected);
        assert_eq!(check(&json!({ "other": 1 }), &schema).unwrap_err(), ".other: field not declared in schema");
        assert_eq!(check(&json!({ "size": null, "map": [{ "name": "b" }] }), &schema), Ok(()));
    }
}
