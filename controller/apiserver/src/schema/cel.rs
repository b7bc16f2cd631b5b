//! The CEL rules (`x-kubernetes-validations`) of a schema, compiled once.

use std::sync::Arc;

use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::Value;

use super::{ListType, Schema, validate::OldItems};
use crate::field::{FieldError, FieldErrorKind};

/// The rules of one version of a definition.
#[derive(Clone)]
pub(crate) struct Rules {
    compiled: Arc<CompiledSchema>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

thread_local! {
    static VALIDATOR: Validator = Validator::new();
}

impl Rules {
    /// Compiles the rules of a schema; nothing where it has none.
    pub(crate) fn compile(raw: &Value) -> Option<Self> {
        has_rules(raw).then(|| Self { compiled: Arc::new(compile_schema(raw)) })
    }

    /// Evaluates all rules; those that mention `oldSelf` only where there is an old value.
    pub(crate) fn evaluate(&self, value: &Value, old: Option<&Value>, schema: &Schema) -> Vec<FieldError> {
        let found = VALIDATOR.with(|validator| validator.validate_compiled(&self.compiled, value, old));
        let Err(found) = found else { return Vec::new() };
        let mut errors: Vec<FieldError> = found
            .into_iter()
            .filter(|error| error.rule.contains("oldSelf") || !is_unchanged(value, old, schema, &error.field_path))
            .map(|error| {
                let path = error.field_path.trim_start_matches('.');
                match error.kind {
                    ErrorKind::ValidationFailure => violation(value, path, error.reason.as_deref(), &error.message),
                    _ => FieldError::invalid_unprinted(
                        path,
                        &format!("{} evaluating rule: {}", error.message, error.rule),
                    ),
                }
            })
            .collect();
        errors.sort_by(|a, b| a.field.cmp(&b.field));
        errors
    }
}

fn violation(root: &Value, path: &str, reason: Option<&str>, message: &str) -> FieldError {
    let value = value_at(root, path);
    match reason {
        Some("FieldValueForbidden") => FieldError::forbidden(path, message),
        Some("FieldValueRequired") => FieldError::required(path, message),
        Some("FieldValueDuplicate") => FieldError::duplicate(path, value.unwrap_or(&Value::Null)),
        _ => match value {
            Some(value) if !value.is_object() && !value.is_array() => FieldError::invalid(path, value, message),
            _ => FieldError::invalid_unprinted(path, message),
        },
    }
}

/// Whether the value a rule complains about was the same before; then the rule is not held against this update.
fn is_unchanged(value: &Value, old: Option<&Value>, schema: &Schema, path: &str) -> bool {
    let Some(mut old) = old else { return false };
    let (mut value, mut schema) = (value, Some(schema));
    for step in steps(path) {
        let (next_value, next_old, next_schema) = match step {
            Step::Field(name) => (value.get(name), old.get(name), schema.and_then(|schema| schema.field(name))),
            Step::Index(index) => {
                let item = value.get(index);
                let list_type = schema.map_or(&ATOMIC, |schema| &schema.list_type);
                let before = item.and_then(|item| OldItems::of(Some(old), list_type).continued_by(item, index));
                (item, before, schema.and_then(|schema| schema.items.as_deref()))
            }
        };
        let (Some(next_value), Some(next_old)) = (next_value, next_old) else {
            return false;
        };
        (value, old, schema) = (next_value, next_old, next_schema);
    }
    value == old
}

static ATOMIC: ListType = ListType::Atomic;

fn value_at<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path).try_fold(root, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })
}

enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

/// Takes `spec.list[2].name` apart.
fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split(['.', '[']).filter(|part| !part.is_empty()).map(|part| match part.strip_suffix(']') {
        Some(index) => index.parse().map_or(Step::Field(index), Step::Index),
        None => Step::Field(part),
    })
}

fn has_rules(raw: &Value) -> bool {
    match raw {
        Value::Object(map) => map.contains_key("x-kubernetes-validations") || map.values().any(has_rules),
        Value::Array(list) => list.iter().any(has_rules),
        _ => false,
    }
}

/// Every rule of the schema that cannot be compiled, with the path of the node that holds it.
pub(crate) fn compile_errors(raw: &Value, path: &str) -> Vec<FieldError> {
    fn walk(node: &CompiledSchema, path: &str, errors: &mut Vec<FieldError>) {
        for (index, rule) in node.validations.iter().enumerate() {
            if let Err(problem) = rule {
                let field = format!("{path}.x-kubernetes-validations[{index}].rule");
                errors.push(FieldError {
                    kind: FieldErrorKind::Invalid,
                    field,
                    message: format!("Invalid value: compilation failed: {problem}"),
                });
            }
        }
        for (name, child) in &node.properties {
            walk(child, &format!("{path}.properties[{name}]"), errors);
        }
        if let Some(items) = &node.items {
            walk(items, &format!("{path}.items"), errors);
        }
        if let Some(additional) = &node.additional_properties {
            walk(additional, &format!("{path}.additionalProperties"), errors);
        }
    }
    let mut errors = Vec::new();
    walk(&compile_schema(raw), path, &mut errors);
    errors.sort_by(|a, b| a.field.cmp(&b.field));
    errors
}

/// The sentence that stands for the rules that were not evaluated.
pub(crate) fn skipped() -> FieldError {
    let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to \
                  complete validation";
    FieldError::invalid("", &Value::Null, detail)
}
