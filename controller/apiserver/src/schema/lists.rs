//! Lists that are sets or maps hold each item once.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::Value;

use super::{Additional, ListType, Schema};
use crate::field::{FieldError, child};

/// Every item that is there already.
pub(crate) fn duplicates(value: &Value, schema: &Schema, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(value, schema, path, &mut errors);
    errors
}

fn walk(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match (schema.properties.get(name), &schema.additional) {
                    (Some(field), _) => walk(value, field, &child(path, name), errors),
                    (None, Additional::Schema(field)) => walk(value, field, &format!("{path}[{name}]"), errors),
                    _ => {}
                }
            }
        }
        Value::Array(list) => {
            match &schema.list_type {
                ListType::Atomic => {}
                ListType::Set => check_set(list, path, errors),
                ListType::Map(keys) => check_map(list, keys, path, errors),
            }
            if let Some(items) = &schema.items {
                for (index, item) in list.iter().enumerate() {
                    walk(item, items, &format!("{path}[{index}]"), errors);
                }
            }
        }
        _ => {}
    }
}

/// Of items that are there several times, the second is named.
fn check_set(list: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let second = repeated(list.iter());
    errors.extend(second.map(|index| FieldError::duplicate(&format!("{path}[{index}]"), &list[index])));
}

fn check_map(list: &[Value], keys: &[String], path: &str, errors: &mut Vec<FieldError>) {
    let wrong = list.iter().position(|item| !item.is_object() && !item.is_null());
    if let Some(index) = wrong {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(&format!("{path}[{index}]"), &list[index], detail));
        return;
    }
    let second = repeated(list.iter().map(|item| keys.iter().map(|key| item.get(key)).collect::<Vec<_>>()));
    errors.extend(second.map(|index| {
        let key = keys.iter().filter_map(|key| Some((key.clone(), list[index].get(key)?.clone()))).collect();
        FieldError::duplicate(&format!("{path}[{index}]"), &key)
    }));
}

/// Where something is for the second time.
fn repeated<T: Hash + Eq>(items: impl Iterator<Item = T>) -> impl Iterator<Item = usize> {
    let mut times: HashMap<T, usize> = HashMap::new();
    let count = move |item: T| {
        let times = times.entry(item).or_default();
        *times += 1;
        *times
    };
    items.map(count).enumerate().filter(|(_, times)| *times == 2).map(|(index, _)| index)
}
