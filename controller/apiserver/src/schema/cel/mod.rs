//! The CEL rules (`x-kubernetes-validations`) of a schema, compiled once.
//!
//! The interpreter recurses, knows no limits, and panics on some input. So expressions are limited when they are read
//! ([`source`]) and before they are evaluated ([`cost`]), and both are done with enough stack and caught.

mod cost;
mod source;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::Value;

use super::Schema;
use super::correlate::OldItems;
use crate::field::FieldError;

/// The interpreter needs up to 50 KiB for each level of an expression when it is not optimised.
const EVALUATION_STACK: usize = 2 * source::MAX_DEPTH * 64 * 1024;
/// The most bytes of all expressions of a definition together.
const MAX_TOTAL: usize = 256 * 1024;

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
        if !has_rules(raw) {
            return None;
        }
        let compiled = source::on_large_stack(|| compile_schema(raw))?;
        Some(Self { compiled: Arc::new(compiled) })
    }

    /// Evaluates all rules; those that mention `oldSelf` only where there is an old value.
    pub(crate) fn evaluate(&self, value: &Value, old: Option<&Value>, schema: &Schema) -> Vec<FieldError> {
        if let Err(path) = cost::check(&self.compiled, value, old) {
            let detail = "validation failed due to running out of cost budget, no further validation rules will be run";
            return vec![FieldError::invalid_unprinted(&path, detail)];
        }
        let evaluate = || VALIDATOR.with(|validator| validator.validate_compiled(&self.compiled, value, old));
        let evaluated = stacker::grow(EVALUATION_STACK, || catch_unwind(AssertUnwindSafe(evaluate)));
        let found = match evaluated {
            Ok(Ok(())) => return Vec::new(),
            Ok(Err(found)) => found,
            Err(_) => return vec![FieldError::invalid_unprinted("", "a validation rule cannot be evaluated")],
        };
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
                let items = schema.and_then(|schema| Some((&schema.list_type, schema.items.as_deref()?)));
                let before = item.zip(items).and_then(|(item, (list_type, items))| {
                    OldItems::of(Some(old), list_type, items).continued_by(item)
                });
                (item, before, items.map(|(_, items)| items))
            }
        };
        let (Some(next_value), Some(next_old)) = (next_value, next_old) else {
            return false;
        };
        (value, old, schema) = (next_value, next_old, next_schema);
    }
    value == old
}

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
    let mut rules = Vec::new();
    collect(raw, path, &mut rules);
    let total: usize = rules.iter().map(|(_, text)| text.len()).sum();
    if total > MAX_TOTAL {
        let detail = format!("the rules have {total} bytes together, and the limit is {MAX_TOTAL}");
        return vec![FieldError::invalid_unprinted(path, &detail)];
    }
    let judged = rules.into_iter().filter_map(|(field, text)| Some((field, source::check(text).err()?)));
    judged
        .map(|(field, problem)| FieldError::invalid_unprinted(&field, &format!("compilation failed: {problem}")))
        .collect()
}

/// The expressions of a schema and where they are.
fn collect<'a>(node: &'a Value, path: &str, rules: &mut Vec<(String, &'a str)>) {
    for (index, rule) in node["x-kubernetes-validations"].as_array().into_iter().flatten().enumerate() {
        for field in ["rule", "messageExpression"] {
            let text = rule[field].as_str();
            rules.extend(text.map(|text| (format!("{path}.x-kubernetes-validations[{index}].{field}"), text)));
        }
    }
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        collect(child, &format!("{path}.properties[{name}]"), rules);
    }
    for name in ["items", "additionalProperties", "not"] {
        collect_below(node, name, path, rules);
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for (index, child) in node[name].as_array().into_iter().flatten().enumerate() {
            collect(child, &format!("{path}.{name}[{index}]"), rules);
        }
    }
}

fn collect_below<'a>(node: &'a Value, name: &str, path: &str, rules: &mut Vec<(String, &'a str)>) {
    if let Some(child) = node.get(name).filter(|child| child.is_object()) {
        collect(child, &format!("{path}.{name}"), rules);
    }
}

/// The sentence that stands for the rules that were not evaluated.
pub(crate) fn skipped() -> FieldError {
    let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to \
                  complete validation";
    FieldError::invalid("", &Value::Null, detail)
}
