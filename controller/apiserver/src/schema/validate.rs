//! Checking an object against its schema, with the messages of the real server.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{ListType, Schema, Type, format};
use crate::field::{FieldError, FieldErrorKind, child};

/// All violations, in the order of fields. On an update, what is equal in the old object is not judged again
/// (validation ratcheting): an object that became invalid with its schema can still be changed elsewhere.
pub(crate) fn validate(value: &Value, old: Option<&Value>, schema: &Schema) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(value, old, schema, "", &mut errors);
    errors
}

/// Whether the rules of the schema are skipped because of these errors.
pub(crate) fn blocks_rules(errors: &[FieldError]) -> bool {
    use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    errors.iter().any(|error| matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid))
}

/// Nobody reads more errors about one object, and a long list may give reason to very many.
const MAX_ERRORS: usize = 500;

fn check(value: &Value, old: Option<&Value>, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    if errors.len() >= MAX_ERRORS || old == Some(value) || (value.is_null() && schema.nullable) {
        return;
    }
    if !check_type(value, schema, path, errors) {
        return;
    }
    if let Some(allowed) = &schema.enum_values
        && !allowed.contains(value)
    {
        errors.push(FieldError::not_supported(path, value, allowed));
    }
    if let Some(format) = &schema.format
        && !format::matches(format, value)
    {
        errors.push(FieldError::type_invalid(path, value, &must_be(path, format, value)));
    }
    match value {
        Value::String(text) => check_text(text, schema, path, errors),
        Value::Number(_) => check_number(value, schema, path, errors),
        Value::Array(list) => check_list(list, old, schema, path, errors),
        Value::Object(_) => check_map(value, old, schema, path, errors),
        Value::Null | Value::Bool(_) => {}
    }
    check_combinations(value, schema, path, errors);
}

fn must_be(path: &str, wanted: &str, value: &Value) -> String {
    let found = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    format!("{path} in body must be of type {wanted}: {found:?}")
}

fn check_type(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) -> bool {
    if schema.int_or_string {
        if !value.is_string() && !is_integer(value) {
            let detail = format!("{path} in body must be of type integer,string: {:?}", type_name(value));
            errors.push(FieldError::type_invalid(path, &json!(type_name(value)), &detail));
            return false;
        }
        return true;
    }
    let Some(wanted) = schema.type_ else { return true };
    let fits = match wanted {
        Type::Object => value.is_object(),
        Type::Array => value.is_array(),
        Type::String => value.is_string(),
        Type::Boolean => value.is_boolean(),
        Type::Number => value.is_number(),
        Type::Integer => is_integer(value),
    };
    if !fits {
        let found = type_name(value);
        let detail = format!("{path} in body must be of type {}: {found:?}", wanted.name());
        errors.push(FieldError::type_invalid(path, &json!(found), &detail));
    }
    fits
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if is_integer(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_text(text: &str, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let length = text.chars().count() as u64;
    if let Some(limit) = limits.max_length
        && length > limit
    {
        errors.push(FieldError::too_long(path, limit));
    }
    if let Some(limit) = limits.min_length
        && length < limit
    {
        let detail = format!("{path} in body should be at least {limit} chars long");
        errors.push(FieldError::invalid(path, &json!(text), &detail));
    }
    if let Some(pattern) = &limits.pattern
        && !pattern.is_match(text)
    {
        let detail = format!("{path} in body should match '{pattern}'");
        errors.push(FieldError::invalid(path, &json!(text), &detail));
    }
}

fn check_number(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let Some(number) = value.as_f64() else { return };
    let mut refuse = |sentence: String| {
        errors.push(FieldError::invalid(path, value, &format!("{path} in body should be {sentence}")));
    };
    if let Some(limit) = limits.maximum {
        if limits.exclusive_maximum && number >= limit {
            refuse(format!("less than {limit}"));
        } else if number > limit {
            refuse(format!("less than or equal to {limit}"));
        }
    }
    if let Some(limit) = limits.minimum {
        if limits.exclusive_minimum && number <= limit {
            refuse(format!("greater than {limit}"));
        } else if number < limit {
            refuse(format!("greater than or equal to {limit}"));
        }
    }
    if let Some(step) = limits.multiple_of
        && step > 0.0
        && (number / step).fract() != 0.0
    {
        refuse(format!("a multiple of {step}"));
    }
}

fn check_list(list: &[Value], old: Option<&Value>, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let length = list.len() as u64;
    if let Some(limit) = limits.max_items
        && length > limit
    {
        errors.push(FieldError::too_many(path, list.len(), limit));
    }
    if let Some(limit) = limits.min_items
        && length < limit
    {
        let detail = format!("{path} in body should have at least {limit} items");
        errors.push(FieldError::invalid(path, &json!(length), &detail));
    }
    if limits.unique_items && list.iter().collect::<HashSet<_>>().len() < list.len() {
        errors.push(FieldError::invalid_unprinted(path, &format!("{path} in body shouldn't contain duplicates")));
    }
    if let Some(items) = &schema.items {
        let old = OldItems::of(old, &schema.list_type);
        for (index, item) in list.iter().enumerate() {
            check(item, old.continued_by(item, index), items, &format!("{path}[{index}]"), errors);
        }
    }
    check_duplicates(list, schema, path, errors);
}

/// The items of the list as it was, to find the one that an item continues: by key in a map, by equality in a set, by
/// place otherwise.
pub(super) enum OldItems<'a> {
    Places(&'a [Value]),
    Equals(HashSet<&'a Value>),
    Keys(&'a [String], HashMap<Vec<Option<&'a Value>>, &'a Value>),
}

impl<'a> OldItems<'a> {
    pub(super) fn of(old: Option<&'a Value>, list_type: &'a ListType) -> Self {
        let list = old.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        match list_type {
            ListType::Atomic => Self::Places(list),
            ListType::Set => Self::Equals(list.iter().collect()),
            // Of several with the same key the first counts.
            ListType::Map(keys) => Self::Keys(keys, list.iter().rev().map(|item| (key_of(item, keys), item)).collect()),
        }
    }

    pub(super) fn continued_by(&self, item: &Value, index: usize) -> Option<&'a Value> {
        match self {
            Self::Places(list) => list.get(index),
            Self::Equals(items) => items.get(item).copied(),
            Self::Keys(keys, items) => items.get(&key_of(item, keys)).copied(),
        }
    }
}

fn key_of<'a>(item: &'a Value, keys: &[String]) -> Vec<Option<&'a Value>> {
    keys.iter().map(|key| item.get(key)).collect()
}

fn check_duplicates(list: &[Value], schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |index: usize, what: &Value| {
        errors.push(FieldError::duplicate(&format!("{path}[{index}]"), what));
    };
    match &schema.list_type {
        ListType::Atomic => {}
        ListType::Set => {
            let mut seen = HashSet::new();
            for (index, item) in list.iter().enumerate().filter(|(_, item)| !seen.insert(*item)) {
                refuse(index, item);
            }
        }
        ListType::Map(keys) => {
            let mut seen = HashSet::new();
            for (index, item) in list.iter().enumerate().filter(|(_, item)| !seen.insert(key_of(item, keys))) {
                let key = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect();
                refuse(index, &key);
            }
        }
    }
}

fn check_map(value: &Value, old: Option<&Value>, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let Some(map) = value.as_object() else { return };
    for name in schema.required.iter().filter(|name| !map.contains_key(*name)) {
        errors.push(FieldError::required(&child(path, name), ""));
    }
    if let Some(limit) = schema.limits.max_properties
        && map.len() as u64 > limit
    {
        errors.push(FieldError::too_many(path, map.len(), limit));
    }
    if let Some(limit) = schema.limits.min_properties
        && (map.len() as u64) < limit
    {
        let detail = format!("{path} in body should have at least {limit} properties");
        errors.push(FieldError::invalid(path, &json!(map.len()), &detail));
    }
    for (name, value) in map {
        let old = old.and_then(|old| old.get(name));
        if let Some(field) = schema.field(name) {
            check(value, old, field, &child(path, name), errors);
        }
    }
    if schema.embedded_resource {
        for name in ["apiVersion", "kind"] {
            if map.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
                errors.push(FieldError::required(&child(path, name), "must not be empty"));
            }
        }
    }
}

fn check_combinations(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let failures = |schema: &Schema| {
        let mut found = Vec::new();
        check(value, None, schema, path, &mut found);
        found
    };
    for part in &schema.all_of {
        errors.extend(failures(part));
    }
    if !schema.any_of.is_empty()
        && let Some(closest) = closest_failure(schema.any_of.iter().map(failures))
    {
        let detail = format!("{path:?} must validate at least one schema (anyOf)");
        errors.push(FieldError::invalid(path, &json!(""), &detail));
        errors.extend(closest);
    }
    if !schema.one_of.is_empty() {
        // Each part is tried once: parts within parts would otherwise be tried more often with every level.
        let tried: Vec<_> = schema.one_of.iter().map(failures).collect();
        let fitting = tried.iter().filter(|found| found.is_empty()).count();
        if fitting != 1 {
            let found =
                if fitting == 0 { "Found none valid".into() } else { format!("Found {fitting} valid alternatives") };
            let detail = format!("{path:?} must validate one and only one schema (oneOf). {found}");
            errors.push(FieldError::invalid(path, &json!(""), &detail));
            errors.extend(closest_failure(tried.into_iter()).unwrap_or_default());
        }
    }
    if let Some(not) = &schema.not
        && failures(not).is_empty()
    {
        let detail = format!("{path:?} must not validate the schema (not)");
        errors.push(FieldError::invalid(path, &json!(""), &detail));
    }
}

/// The shortest of several lists of errors; nothing when one of them is empty, and the rest is then not looked at.
fn closest_failure(tried: impl Iterator<Item = Vec<FieldError>>) -> Option<Vec<FieldError>> {
    let mut closest: Option<Vec<FieldError>> = None;
    for found in tried {
        if found.is_empty() {
            return None;
        }
        if closest.as_ref().is_none_or(|closest| found.len() < closest.len()) {
            closest = Some(found);
        }
    }
    closest
}
