//! From a body to an object: kind, unknown fields, nulls, defaults.

use serde_json::{Value, json};

use super::Call;
use crate::builtin;
use crate::decode;
use crate::field::FieldError;
use crate::metadata::{self, go_name};
use crate::request::{FieldValidation, WriteOptions};
use crate::resource::Resource;
use crate::schema::{apply_defaults, drop_nulls, prune};
use crate::status::{ApiError, Subject};

/// How Go prints the type into which the kind and version of a body are read.
const TYPE_META: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
/// The part of a body that an error repeats.
const SUMMARY: usize = 30;

/// Where an object comes from; a bad one is refused in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'a> {
    Body,
    /// With the text that errors repeat, where that is not the outcome.
    Patch(Option<&'a str>),
}

/// Reads the object in the body of a create or an update.
pub(super) fn read(call: &Call, options: &WriteOptions, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let media = decode::media(&call.content_type)?;
    let unrecognized = |why: &str| unrecognized(resource, why, &call.body);
    let no_type = |why: &str| unrecognized(&format!("couldn't get version/kind; json parse error: {why}"));
    let body = decode::body(&call.body, media).map_err(|error| no_type(&error.message))?;
    let mut value = if body.value.is_null() { json!({}) } else { body.value };
    if !value.is_object() {
        return Err(no_type(&format!("json: cannot unmarshal {} into Go value of type {TYPE_META}", go_name(&value))));
    }
    for field in ["apiVersion", "kind"] {
        let found = value.get(field).unwrap_or(&Value::Null);
        if !found.is_string() && !found.is_null() {
            let found = go_name(found);
            return Err(no_type(&format!(
                "json: cannot unmarshal {found} into Go struct field .{field} of type string"
            )));
        }
    }
    if resource.is_custom() {
        if text(&value, "kind").is_empty() {
            let body = String::from_utf8_lossy(&call.body);
            return Err(unrecognized(&format!("Object 'Kind' is missing in '{body}'")));
        }
    } else {
        fill_type(resource, &mut value);
    }
    let complaints = body.duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
    admit(call, value, complaints, options, Source::Body, warnings)
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Built-in kinds need not be named: the URL does.
fn fill_type(resource: &Resource, value: &mut Value) {
    for (field, own) in [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())] {
        if text(value, field).is_empty() {
            value[field] = json!(own);
        }
    }
}

fn unrecognized(resource: &Resource, why: &str, body: &[u8]) -> ApiError {
    let kind = &resource.kind;
    let summary = summary(body);
    ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({summary})"))
}

fn summary(body: &[u8]) -> String {
    let beginning = &body[..body.len().min(SUMMARY)];
    let rest = if body.len() > SUMMARY { " ..." } else { "" };
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{rest}", String::from_utf8_lossy(beginning)),
        Some(_) => beginning.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")) + rest,
    }
}

/// Brings an object into the form of the resource. Fields it does not know go, with a warning or a refusal.
pub(super) fn admit(
    call: &Call,
    mut value: Value,
    mut complaints: Vec<String>,
    options: &WriteOptions,
    source: Source<'_>,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let cannot = |value: &Value, why: &str| match source {
        Source::Body => cannot_handle(resource, value, why),
        Source::Patch(shown) => invalid_patch(&shown.map_or_else(|| value.to_string(), ToOwned::to_owned), why),
    };
    check_type(call, &value).map_err(|why| cannot(&value, &why))?;
    let mut unknown = Vec::new();
    let before = value.clone();
    metadata::normalise(&mut value, resource.is_custom(), &mut unknown).map_err(|why| cannot(&before, &why))?;
    if has_own_kind(resource, &value) {
        prune(&mut value, &resource.schema, "", true, &mut unknown);
        drop_nulls(&mut value, &resource.schema);
        check_builtin_types(resource, &value).map_err(|why| cannot(&before, &why))?;
    }
    unknown.sort();
    complaints.extend(unknown.iter().map(|path| format!("unknown field \"{path}\"")));
    match options.field_validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(complaints),
        FieldValidation::Strict if complaints.is_empty() => {}
        FieldValidation::Strict => {
            return Err(cannot(&before, &format!("strict decoding error: {}", complaints.join(", "))));
        }
    }
    if source == Source::Body {
        check_version(resource, &value)?;
    }
    if has_own_kind(resource, &value) {
        apply_defaults(&mut value, &resource.schema);
    }
    builtin::default(resource.family, &mut value);
    builtin::shape(resource.family, &mut value);
    Ok(value)
}

fn has_own_kind(resource: &Resource, value: &Value) -> bool {
    text(value, "kind") == resource.kind && text(value, "apiVersion") == resource.api_version()
}

fn cannot_handle(resource: &Resource, value: &Value, why: &str) -> ApiError {
    let version = text(value, "apiVersion");
    let version = version.rsplit_once('/').map_or(version, |(_, version)| version);
    let kind = text(value, "kind");
    let expected = &resource.kind;
    ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {expected}: {why}"))
}

/// A patch is judged by its outcome.
pub(super) fn invalid_patch(shown: &str, why: &str) -> ApiError {
    let error = FieldError::invalid("patch", &json!(shown), why);
    ApiError::invalid(Subject { group: "", kind: "" }, "", &[error])
}

/// The type a built-in kind is decoded into has to be its own; custom resources are judged later.
fn check_type(call: &Call, value: &Value) -> Result<(), String> {
    let resource = &call.resource;
    if resource.is_custom() || has_own_kind(resource, value) {
        return Ok(());
    }
    let (version, kind) = (text(value, "apiVersion"), text(value, "kind"));
    let short = |group: &str| if group.is_empty() { "core".to_owned() } else { group.replace(".k8s.io", "") };
    if let Some(other) = call.shared.read().registry.by_kind(version, kind).filter(|other| !other.is_custom()) {
        let wanted = format!("({}.{})", short(&resource.group), resource.kind);
        return Err(format!("converting ({}.{kind}) to {wanted}: unknown conversion", other.version));
    }
    let scheme = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30";
    Err(format!("no kind {kind:?} is registered for version {version:?} in scheme {scheme:?}"))
}

/// The version of the URL has to be that of the object.
fn check_version(resource: &Resource, value: &Value) -> Result<(), ApiError> {
    let (found, expected) = (text(value, "apiVersion"), resource.api_version());
    if found == expected {
        return Ok(());
    }
    let message = format!("the API version in the data ({found}) does not match the expected API version ({expected})");
    Err(ApiError::bad_request(message))
}

/// Built-in kinds are decoded into types by the real server, so that a value of a wrong type never gets further.
fn check_builtin_types(resource: &Resource, value: &Value) -> Result<(), String> {
    if resource.is_custom() {
        return Ok(());
    }
    builtin::mismatch(value, &resource.schema, &resource.kind).map_or(Ok(()), Err)
}
