//! What makes an object invalid.

use serde_json::Value;

use super::admit::text;
use crate::builtin;
use crate::field::FieldError;
use crate::metadata::{self, Names};
use crate::object;
use crate::resource::{Family, Resource};
use crate::schema::{self, blocks_rules, cel};
use crate::status::{ApiError, Subject};

/// Refuses an object that is invalid, or that an update to `subresource` makes so.
pub(super) fn validate(
    resource: &Resource,
    value: &Value,
    old: Option<&Value>,
    subresource: &str,
) -> Result<(), ApiError> {
    let errors = problems(resource, value, old, subresource);
    if errors.is_empty() {
        return Ok(());
    }
    let (group, kind) = (text(value, "apiVersion"), text(value, "kind"));
    let group = group.split_once('/').map_or("", |(group, _)| group);
    Err(ApiError::invalid(Subject { group, kind }, object::name(value), &errors))
}

fn problems(resource: &Resource, value: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(old) = old {
        // What every kind is held to on an update, before its own rules, which repeat some of it.
        errors.extend(metadata::validate(value, resource.namespaced, Names::PathSegments));
        errors.extend(metadata::validate_update(value, old));
    }
    if resource.is_custom() {
        let wrong_kind = kind_problems(resource, value);
        if wrong_kind.is_empty() {
            errors.extend(custom_problems(resource, value, old, subresource));
        } else {
            errors.extend(wrong_kind);
        }
    } else {
        errors.extend(builtin_problems(resource, value, old));
    }
    errors
}

fn kind_problems(resource: &Resource, value: &Value) -> Vec<FieldError> {
    let expected = [("kind", resource.kind.clone()), ("apiVersion", resource.api_version())];
    let wrong = expected.into_iter().filter(|(field, expected)| text(value, field) != expected);
    wrong.map(|(field, expected)| FieldError::invalid(field, &value[field], &format!("must be {expected}"))).collect()
}

fn custom_problems(resource: &Resource, value: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
    let mut errors = match old {
        None => metadata::validate(value, resource.namespaced, Names::Subdomains),
        Some(old) => metadata::validate_update(value, old),
    };
    let schema = &resource.schema;
    if subresource == "status" {
        // The status is judged alone, and names its fields without where it is.
        if let (Some(status), Some(field)) = (value.get("status"), schema.field("status")) {
            let old = old.and_then(|old| old.get("status"));
            errors.extend(schema::validate(status, old, field, "status"));
        }
    } else {
        errors.extend(schema::validate(value, old, schema, ""));
        errors.extend(resource.scale.iter().filter_map(|scale| scale.spec_problems(value)));
    }
    errors.extend(resource.scale.iter().flat_map(|scale| scale.status_problems(value)));
    errors.extend(schema::embedded::problems(value, schema, ""));
    if old.is_none_or(|old| schema::lists::duplicates(old, schema, "").is_empty()) {
        errors.extend(schema::lists::duplicates(value, schema, ""));
    }
    if let Some(rules) = &resource.rules {
        if blocks_rules(&errors) {
            errors.push(cel::skipped());
        } else {
            errors.extend(rules.evaluate(value, old, schema));
        }
    }
    errors
}

fn builtin_problems(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let names = if resource.family == Family::Namespace { Names::Labels } else { Names::Subdomains };
    let mut errors = old.map(|old| metadata::validate_update(value, old)).unwrap_or_default();
    if old.is_none() || resource.is_judged_whole() {
        errors.extend(metadata::validate(value, resource.namespaced, names));
        errors.extend(metadata::check_qualified_finalizers(value));
    }
    errors.extend(builtin::validate(resource, value, old));
    errors
}
