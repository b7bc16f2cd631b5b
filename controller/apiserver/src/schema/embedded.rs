//! Objects inside of objects (`x-kubernetes-embedded-resource`): they have a kind, and metadata like any other.

use serde_json::{Value, json};

use super::{Additional, Schema};
use crate::field::{FieldError, child};
use crate::metadata::{self, Names, names};

/// What is wrong with the kind and metadata of every object in the value.
pub(crate) fn problems(value: &Value, schema: &Schema, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(value, schema, path, &mut errors);
    errors
}

fn walk(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(map) => {
            if schema.embedded_resource {
                check(value, path, errors);
            }
            for (name, value) in map {
                match (schema.properties.get(name), &schema.additional) {
                    (Some(field), _) => walk(value, field, &child(path, name), errors),
                    (None, Additional::Schema(field)) => walk(value, field, &format!("{path}[{name}]"), errors),
                    _ => {}
                }
            }
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                if let Some(items) = &schema.items {
                    walk(item, items, &format!("{path}[{index}]"), errors);
                }
            }
        }
        _ => {}
    }
}

fn check(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for field in ["apiVersion", "kind"] {
        let at = child(path, field);
        match value.get(field) {
            None => errors.push(FieldError::required(&at, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid(&at, &json!(""), "must not be empty"));
            }
            Some(Value::String(text)) => {
                errors.extend(syntax_problem(field, text).map(|why| FieldError::invalid(&at, &json!(text), &why)));
            }
            Some(other) => errors.push(FieldError::invalid(&at, other, "must be a string")),
        }
    }
    let Some(metadata) = value.get("metadata") else { return };
    let mut object = json!({ "metadata": metadata });
    if let Err(why) = metadata::normalise(&mut object, true, &mut Vec::new()) {
        errors.push(FieldError::invalid(&child(path, "metadata"), metadata, &why));
        return;
    }
    if crate::object::name(&object).is_empty() {
        object["metadata"]["name"] = json!("unnamed");
    }
    let namespaced = !crate::object::namespace(&object).is_empty();
    for error in metadata::validate(&object, namespaced, Names::PathSegments) {
        errors.push(FieldError { field: child(path, &error.field), ..error });
    }
}

fn syntax_problem(field: &str, text: &str) -> Option<String> {
    if field == "apiVersion" {
        return (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"));
    }
    let problems = names::dns_1035_label(&text.to_lowercase());
    (!problems.is_empty()).then(|| format!("may have mixed case, but should otherwise match: {}", problems.join(",")))
}
