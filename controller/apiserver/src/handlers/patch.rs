//! `patch`: JSON patch, merge patch, strategic merge patch for core kinds, and server-side apply.

use serde_json::{Value, json};

use super::admit::{Source, admit};
use super::update::{Tracking, change};
use super::{Call, create};
use crate::decode;
use crate::field::FieldError;
use crate::managed;
use crate::object;
use crate::response::Answer;
use crate::status::ApiError;
use crate::strategic;

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// The most operations of a JSON patch (`maxJSONPatchOperations`).
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn patch(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    if essence(call) == APPLY_PATCH {
        return apply(call, warnings);
    }
    let options = call.options("PatchOptions")?;
    let mut state = call.write()?;
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let patched = patched(call, &old)?;
    let new = admit(&call.resource, patched, &[], &options, Source::Patch, warnings)?;
    if object::name(&new) != call.name() {
        let field = FieldError::invalid("metadata.name", object::meta(&new, "name"), "field is immutable");
        return Err(ApiError::invalid(call.resource.kind_subject(), call.name(), &[field]));
    }
    change(call, &mut state, &old, new, &options, Tracking::Update).map(Answer::ok)
}

fn essence(call: &Call) -> &str {
    call.content_type.split(';').next().unwrap_or_default().trim()
}

/// The object after the patch of the body.
pub(super) fn patched(call: &Call, old: &Value) -> Result<Value, ApiError> {
    let body = || decode::body(&call.body, decode::Media::Json).map(|body| body.value);
    match essence(call) {
        JSON_PATCH => json_patched(&body()?, old),
        MERGE_PATCH => {
            let patch = body()?;
            if !patch.is_object() {
                return Err(ApiError::bad_request("a merge patch has to be a JSON object"));
            }
            let mut new = old.clone();
            json_patch::merge(&mut new, &patch);
            Ok(new)
        }
        STRATEGIC_PATCH if !call.resource.is_custom() => strategic::merge(old, &body()?, &call.resource.schema),
        _ => Err(ApiError::unsupported_media_type(accepted(call))),
    }
}

fn accepted(call: &Call) -> &'static [&'static str] {
    if call.resource.is_custom() {
        &[JSON_PATCH, MERGE_PATCH, APPLY_PATCH]
    } else {
        &[JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH]
    }
}

fn json_patched(patch: &Value, old: &Value) -> Result<Value, ApiError> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    if patch.0.len() > MAX_OPERATIONS {
        let count = patch.0.len();
        let message = format!("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}");
        return Err(ApiError { code: 413, ..ApiError::new(413, "RequestEntityTooLarge", message) });
    }
    let mut new = old.clone();
    // The reason stays in the server: the real one answers in these general words too.
    json_patch::patch(&mut new, &patch).map_err(|_| ApiError {
        details: Some(json!({})),
        ..ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
    })?;
    Ok(new)
}

/// Server-side apply: creates the object where it is missing, and owns what it was given.
fn apply(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("PatchOptions")?;
    if !options.explicit_manager {
        let error = FieldError::required("fieldManager", "is required for apply patch");
        return Err(ApiError::invalid_options("PatchOptions", error));
    }
    let resource = &call.resource;
    let config = configuration(call, &options, warnings)?;
    let now = call.shared.clock.seconds();
    let mut state = call.write()?;
    let old = state.read(resource, &call.key());
    let Some(old) = old else {
        if !call.subresource().is_empty() {
            return Err(call.not_found());
        }
        if !object::meta_str(&config, "uid").is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {}, and no existing object was found",
                object::meta_str(&config, "uid")
            );
            return Err(ApiError::conflict(resource.subject(), call.name(), &why));
        }
        let applied = managed::apply(resource, None, &config, &options, "", &now)?;
        let fields = object::meta(&applied, "managedFields").clone();
        let mut value = applied;
        crate::schema::apply_defaults(&mut value, &resource.schema);
        return create::insert(call, &mut state, value, &options, Some(fields)).map(Answer::created);
    };
    let mut new = managed::apply(resource, Some(&old), &config, &options, call.subresource(), &now)?;
    crate::schema::drop_nulls(&mut new, &resource.schema);
    crate::schema::apply_defaults(&mut new, &resource.schema);
    change(call, &mut state, &old, new, &options, Tracking::Applied).map(Answer::ok)
}

/// The body of an apply, without what the schema does not know.
fn configuration(
    call: &Call,
    options: &crate::request::WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let mut config = decode::yaml(&call.body)?;
    if object::deeper_than(&config, 100) {
        return Err(ApiError::bad_request("the body is nested deeper than 100 levels"));
    }
    if !config.is_object() {
        return Err(ApiError::bad_request("an apply patch has to be an object"));
    }
    if !object::meta(&config, "managedFields").is_null() {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let name = object::meta(&config, "name");
    if !name.is_null() && name.as_str() != Some(call.name()) {
        let message = format!("name in URL does not match name in the object: {} {name}", call.name());
        return Err(ApiError::bad_request(message));
    }
    object::set_meta(&mut config, "name", json!(call.name()));
    if resource.namespaced {
        object::set_meta(&mut config, "namespace", json!(call.namespace()));
    }
    let mut bare = config.clone();
    // Admission fills in defaults, which the applier does not own; so it only judges, and the bare form goes on.
    admit(resource, config, &[], options, Source::Body, warnings)?;
    let mut unknown = Vec::new();
    crate::metadata::normalise(&mut bare, &mut unknown).map_err(ApiError::bad_request)?;
    crate::schema::prune(&mut bare, &resource.schema, "", true, &mut unknown);
    Ok(bare)
}
