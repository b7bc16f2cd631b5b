//! `update`, and what every change of an existing object has in common.

use serde_json::{Value, json};

use super::admit::{Source, admit, validate};
use super::{Call, create, shown};
use crate::builtin;
use crate::decode;
use crate::field::FieldError;
use crate::garbage;
use crate::managed;
use crate::object::{self, meta, meta_str, set_field, set_meta};
use crate::request::WriteOptions;
use crate::resource::Resource;
use crate::response::Answer;
use crate::state::State;
use crate::status::ApiError;

pub(super) fn replace(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("UpdateOptions")?;
    let body = decode::body(&call.body, decode::media(&call.content_type)?)?;
    let value = admit(&call.resource, body.value, &body.duplicates, &options, Source::Body, warnings)?;
    check_identity(call, &value)?;
    let mut state = call.write()?;
    let Some(old) = state.read(&call.resource, &call.key()) else {
        if call.resource.create_on_update() && call.subresource().is_empty() {
            return create::insert(call, &mut state, value, &options, None).map(Answer::created);
        }
        return Err(call.not_found());
    };
    if meta_str(&value, "resourceVersion").is_empty() && !call.resource.unconditional_update() {
        let field = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        return Err(ApiError::invalid(call.resource.subject(), call.name(), &[field]));
    }
    change(call, &mut state, &old, value, &options, Tracking::Update).map(Answer::ok)
}

fn check_identity(call: &Call, value: &Value) -> Result<(), ApiError> {
    let (name, namespace) = (object::name(value), object::namespace(value));
    if name != call.name() {
        let asked = call.name();
        let message = format!("the name of the object ({name}) does not match the name on the URL ({asked})");
        return Err(ApiError::bad_request(message));
    }
    if !namespace.is_empty() && namespace != call.namespace() {
        let asked = call.namespace();
        let message =
            format!("the namespace of the object ({namespace}) does not match the namespace on the URL ({asked})");
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// Who records the owners of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracking {
    /// The change itself shows what the manager set.
    Update,
    /// A server-side apply has written `managedFields` already.
    Applied,
}

/// Puts `new` in the place of `old`, as far as the subresource allows. Equal objects are not written.
pub(super) fn change(
    call: &Call,
    state: &mut State,
    old: &Value,
    new: Value,
    options: &WriteOptions,
    tracking: Tracking,
) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let now = call.shared.clock.seconds();
    check_preconditions(call, old, &new)?;
    let mut new = within_subresource(resource, call.subresource(), old, new);
    keep_system_fields(old, &mut new);
    if call.subresource() != "status" {
        builtin::prepare_update(resource, &mut new, old, &now);
    }
    count_generation(resource, old, &mut new);
    if tracking == Tracking::Update {
        managed::track(resource, Some(old), &mut new, &options.manager, call.subresource(), &now);
    }
    validate(resource, &new, Some(old))?;
    call.check_size(&new)?;
    if new == *old {
        return Ok(new);
    }
    if options.dry_run {
        return Ok(new);
    }
    let ends = object::is_deleting(&new) && object::finalizers(&new).is_empty() && !object::finalizers(old).is_empty();
    if ends {
        state.remove(&resource.table, &call.key());
        garbage::settle(state, &now);
        return Ok(new);
    }
    let stored = state.put(&resource.table, resource.store_form(new));
    Ok(shown(call, &stored))
}

fn check_preconditions(call: &Call, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (name, resource) = (call.name(), &call.resource);
    let (before, after) = (meta_str(old, "uid"), meta_str(new, "uid"));
    if !after.is_empty() && after != before {
        let why = format!("Precondition failed: UID in precondition: {after}, UID in object meta: {before}");
        return Err(ApiError::conflict(resource.subject(), name, &why));
    }
    let version = meta_str(new, "resourceVersion");
    if !version.is_empty() && version != meta_str(old, "resourceVersion") {
        return Err(ApiError::modified(resource.subject(), name));
    }
    Ok(())
}

/// The status is changed by its subresource only, and the subresource changes nothing else.
fn within_subresource(resource: &Resource, subresource: &str, old: &Value, mut new: Value) -> Value {
    if subresource == "status" {
        let mut kept = old.clone();
        set_field(&mut kept, "status", new.get("status").cloned());
        set_meta(&mut kept, "managedFields", meta(&new, "managedFields").clone());
        return kept;
    }
    if resource.status {
        set_field(&mut new, "status", old.get("status").cloned());
    }
    new
}

fn keep_system_fields(old: &Value, new: &mut Value) {
    for field in [
        "name",
        "namespace",
        "uid",
        "selfLink",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
    ] {
        set_meta(new, field, meta(old, field).clone());
    }
    if meta(new, "creationTimestamp").is_null() {
        set_meta(new, "creationTimestamp", meta(old, "creationTimestamp").clone());
    }
    if meta(new, "generateName").is_null() {
        set_meta(new, "generateName", meta(old, "generateName").clone());
    }
}

/// Any change outside of metadata, and of a status that is a subresource, counts.
fn count_generation(resource: &Resource, old: &Value, new: &mut Value) {
    if !resource.has_generation() {
        return;
    }
    let content = |value: &Value| -> Vec<(String, Value)> {
        let fields = value.as_object().into_iter().flatten();
        let counts = |name: &str| name != "metadata" && !(resource.status && name == "status");
        fields.filter(|(name, _)| counts(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    if content(old) != content(new) {
        let generation = meta(old, "generation").as_i64().unwrap_or_default();
        set_meta(new, "generation", json!(generation + 1));
    }
}
