//! From a body to an object: identity, unknown fields, nulls, defaults.

use serde_json::{Value, json};

use crate::field::{FieldError, FieldErrorKind};
use crate::metadata;
use crate::object;
use crate::request::{FieldValidation, WriteOptions};
use crate::resource::Resource;
use crate::schema::{self, apply_defaults, blocks_rules, cel, drop_nulls, prune};
use crate::status::{ApiError, Subject};

/// Where an object comes from; a bad one is refused in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Body,
    Patch,
}

/// Brings a body into the form of the resource. Fields it does not know go, with a warning or a refusal.
pub(super) fn admit(
    resource: &Resource,
    mut value: Value,
    duplicates: &[String],
    options: &WriteOptions,
    source: Source,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    check_kind(resource, &value)?;
    let mut unknown = Vec::new();
    metadata::normalise(&mut value, &mut unknown).map_err(|why| cannot_handle(resource, &why))?;
    drop_nulls(&mut value, &resource.schema);
    prune(&mut value, &resource.schema, "", true, &mut unknown);
    check_builtin_types(resource, &value)?;
    let mut complaints: Vec<String> = duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
    complaints.extend(unknown.iter().map(|path| format!("unknown field \"{path}\"")));
    match options.field_validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(complaints),
        FieldValidation::Strict if complaints.is_empty() => {}
        FieldValidation::Strict => {
            let why = format!("strict decoding error: {}", complaints.join(", "));
            return Err(match source {
                Source::Body => cannot_handle(resource, &why),
                Source::Patch => ApiError::invalid(
                    Subject { group: "", kind: "" },
                    "",
                    &[FieldError::invalid("patch", &json!(value.to_string()), &why)],
                ),
            });
        }
    }
    apply_defaults(&mut value, &resource.schema);
    Ok(value)
}

fn cannot_handle(resource: &Resource, why: &str) -> ApiError {
    let Resource { kind, version, .. } = resource;
    ApiError::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
}

fn check_kind(resource: &Resource, value: &Value) -> Result<(), ApiError> {
    let expected = resource.api_version();
    if !value.is_object() {
        let message = format!("the object provided is unrecognized (must be of type {}): not an object", resource.kind);
        return Err(ApiError::bad_request(message));
    }
    match value.get("kind").and_then(Value::as_str) {
        None | Some("") => return Err(ApiError::bad_request("Object 'Kind' is missing in the body")),
        Some(kind) if kind != resource.kind => {
            let message = format!("the kind in the data ({kind}) does not match the expected kind ({})", resource.kind);
            return Err(ApiError::bad_request(message));
        }
        Some(_) => {}
    }
    let found = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if found != expected {
        let message =
            format!("the API version in the data ({found}) does not match the expected API version ({expected})");
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// Built-in kinds are decoded into types by the real server, so that a value of a wrong type never gets further.
fn check_builtin_types(resource: &Resource, value: &Value) -> Result<(), ApiError> {
    if resource.is_custom() {
        return Ok(());
    }
    let problems = schema::validate(value, None, &resource.schema);
    match problems.iter().find(|problem| problem.kind == FieldErrorKind::TypeInvalid) {
        Some(problem) => Err(cannot_handle(resource, &problem.to_string())),
        None => Ok(()),
    }
}

/// Everything that may be wrong with the content of an object.
pub(super) fn validate(resource: &Resource, value: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    let is_namespace = resource.family == crate::resource::Family::Namespace;
    let mut errors = metadata::validate(value, resource.namespaced, is_namespace);
    if let Some(old) = old {
        errors.extend(metadata::validate_update(value, old));
    }
    if resource.is_custom() {
        errors.extend(schema::validate(value, old, &resource.schema));
    } else {
        errors.extend(crate::builtin::validate(resource, value, old));
    }
    if let Some(rules) = &resource.rules {
        if blocks_rules(&errors) {
            errors.push(cel::skipped());
        } else {
            errors.extend(rules.evaluate(value, old, &resource.schema));
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(resource.kind_subject(), object::name(value), &errors))
}
