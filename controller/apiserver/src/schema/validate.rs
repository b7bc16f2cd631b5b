//! Checking an object against its schema, with the messages of the real server.

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

fn check(value: &Value, old: Option<&Value>, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    if old == Some(value) || (value.is_null() && schema.nullable) {
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
    if limits.unique_items && (1..list.len()).any(|at| list[..at].contains(&list[at])) {
        errors.push(FieldError::invalid_unprinted(path, &format!("{path} in body shouldn't contain duplicates")));
    }
    if let Some(items) = &schema.items {
        for (index, item) in list.iter().enumerate() {
            let old = old.and_then(|old| same_item(&schema.list_type, item, old, index));
            check(item, old, items, &format!("{path}[{index}]"), errors);
        }
    }
    check_duplicates(list, schema, path, errors);
}

/// The item of the old list that this item continues: by key in a map, by equality in a set, by place otherwise.
pub(super) fn same_item<'a>(list_type: &ListType, item: &Value, old: &'a Value, index: usize) -> Option<&'a Value> {
    let old = old.as_array()?;
    match list_type {
        ListType::Map(keys) => old.iter().find(|old| keys.iter().all(|key| old.get(key) == item.get(key))),
        ListType::Set => old.iter().find(|old| *old == item),
        ListType::Atomic => old.get(index),
    }
}

fn check_duplicates(list: &[Value], schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    for (index, item) in list.iter().enumerate() {
        let before = &list[..index];
        match &schema.list_type {
            ListType::Set if before.contains(item) => {
                errors.push(FieldError::duplicate(&format!("{path}[{index}]"), item));
            }
            ListType::Map(keys) => {
                let key_of = |item: &Value| -> Value {
                    keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect()
                };
                if before.iter().any(|other| key_of(other) == key_of(item)) {
                    errors.push(FieldError::duplicate(&format!("{path}[{index}]"), &key_of(item)));
                }
            }
            _ => {}
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
    if !schema.any_of.is_empty() && !schema.any_of.iter().any(|part| failures(part).is_empty()) {
        let detail = format!("{path:?} must validate at least one schema (anyOf)");
        errors.push(FieldError::invalid(path, &json!(""), &detail));
        errors.extend(schema.any_of.iter().map(failures).min_by_key(Vec::len).unwrap_or_default());
    }
    if !schema.one_of.is_empty() {
        let fitting = schema.one_of.iter().filter(|part| failures(part).is_empty()).count();
        if fitting != 1 {
            let found =
                if fitting == 0 { "Found none valid".into() } else { format!("Found {fitting} valid alternatives") };
            let detail = format!("{path:?} must validate one and only one schema (oneOf). {found}");
            errors.push(FieldError::invalid(path, &json!(""), &detail));
            if fitting == 0 {
                errors.extend(schema.one_of.iter().map(failures).min_by_key(Vec::len).unwrap_or_default());
            }
        }
    }
    if let Some(not) = &schema.not
        && failures(not).is_empty()
    {
        let detail = format!("{path:?} must not validate the schema (not)");
        errors.push(FieldError::invalid(path, &json!(""), &detail));
    }
}
