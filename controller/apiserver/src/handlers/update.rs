//! `update`, and what every change of an existing object has in common.

use serde_json::{Value, json};

use super::admit;
use super::identity::{check_name, ensure_namespace};
use super::judge::validate;
use super::{Call, create};
use crate::builtin::{self, NAMESPACES};
use crate::field::FieldError;
use crate::garbage;
use crate::managed;
use crate::metadata::{drop_duplicate_owners, warn_of_finalizers};
use crate::namespace;
use crate::object::{self, meta, meta_str, set_field, set_meta};
use crate::request::WriteOptions;
use crate::resource::Resource;
use crate::response::{Answer, Content};
use crate::state::State;
use crate::status::ApiError;

pub(super) fn replace(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("UpdateOptions")?;
    let mut value = admit::read(call, &options, warnings)?;
    ensure_namespace(call, &mut value)?;
    check_name(call, &value)?;
    drop_duplicate_owners(&mut value, false, warnings);
    let mut state = call.write()?;
    let Some(old) = state.read(&call.resource, &call.key()) else {
        if call.resource.create_on_update() && call.subresource().is_empty() {
            return create::insert(call, &mut state, value, &options, None, warnings).map(Answer::created);
        }
        return Err(call.not_found());
    };
    check_uid(call, &old, &value)?;
    change(call, &mut state, &old, value, &options, Tracking::Update, warnings).map(Answer::ok)
}

/// Whoever names an uid means that very object.
fn check_uid(call: &Call, old: &Value, new: &Value) -> Result<(), ApiError> {
    let (before, after) = (meta_str(old, "uid"), meta_str(new, "uid"));
    if after.is_empty() || after == before {
        return Ok(());
    }
    let key = call.resource.storage_key(call.namespace(), call.name());
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in \
         precondition: {after}, UID in object meta: {before}"
    );
    Err(ApiError::conflict(call.resource.subject(), call.name(), &why))
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
    mut new: Value,
    options: &WriteOptions,
    tracking: Tracking,
    warnings: &mut Vec<String>,
) -> Result<Content, ApiError> {
    let resource = &call.resource;
    let now = call.shared.clock.seconds();
    if tracking == Tracking::Update {
        managed::track(resource, Some(old), &mut new, &options.manager, call.subresource(), &now);
    }
    drop_duplicate_owners(&mut new, true, warnings);
    check_version(call, old, &mut new)?;
    let mut new = within_subresource(resource, call.subresource(), old, new);
    keep_system_fields(old, &mut new);
    if call.subresource().is_empty() {
        builtin::prepare_update(resource, &mut new, old);
    }
    count_generation(resource, old, &mut new);
    validate(resource, &new, Some(old), call.subresource())?;
    call.check_size(&new)?;
    if resource.is_custom() {
        warnings.extend(warn_of_finalizers(&new, Some(old)));
    }
    managed::keep_times(old, &mut new);
    if new == *old || options.dry_run {
        return Ok(new.into());
    }
    if ends(resource, &new) {
        state.remove(&resource.table, &call.key());
        garbage::settle(state, &now);
        return Ok(new.into());
    }
    let changes_owners = meta(old, "ownerReferences") != meta(&new, "ownerReferences");
    let stored = state.put(&resource.table, resource.store_form(new));
    if resource.table == NAMESPACES {
        namespace::remove_if_empty(state, call.name());
        garbage::settle(state, &now);
    }
    if changes_owners {
        garbage::check_owners(state, &resource.table, &call.key(), &now);
    }
    Ok(stored.into())
}

/// Whether nothing holds an object any more that is to be deleted.
fn ends(resource: &Resource, object: &Value) -> bool {
    let held_by_spec =
        resource.finalizes() && object["spec"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
    object::is_deleting(object) && object::finalizers(object).is_empty() && !held_by_spec
}

/// The version a client started from has to be the current one; some kinds may be changed without naming one.
fn check_version(call: &Call, old: &Value, new: &mut Value) -> Result<(), ApiError> {
    let (resource, current) = (&call.resource, meta_str(old, "resourceVersion"));
    let asked = meta_str(new, "resourceVersion").to_owned();
    if asked == current {
        return Ok(());
    }
    if !asked.is_empty() && asked.parse::<u64>().is_err() {
        let message = format!("strconv.ParseUint: parsing {asked:?}: invalid syntax");
        return Err(ApiError::new(500, "", message));
    }
    match asked.trim_start_matches('0') {
        "" if resource.unconditional_update() => {
            set_meta(new, "resourceVersion", json!(current));
            Ok(())
        }
        "" => {
            let error = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            Err(ApiError::invalid(resource.subject(), call.name(), &[error]))
        }
        _ => Err(ApiError::modified(resource.subject(), call.name())),
    }
}

/// The status is changed by its subresource only, and the subresource changes nothing else.
fn within_subresource(resource: &Resource, subresource: &str, old: &Value, mut new: Value) -> Value {
    let own = match subresource {
        "status" => "status",
        "finalize" => "spec",
        _ => {
            if resource.status {
                set_field(&mut new, "status", old.get("status").cloned());
            }
            return new;
        }
    };
    let mut kept = old.clone();
    set_field(&mut kept, own, new.get(own).cloned());
    set_meta(&mut kept, "managedFields", meta(&new, "managedFields").clone());
    kept
}

/// What an update cannot change, whatever it says. What it may not even try is left for the validation.
fn keep_system_fields(old: &Value, new: &mut Value) {
    for field in ["generation", "creationTimestamp"] {
        set_meta(new, field, meta(old, field).clone());
    }
    for field in ["deletionTimestamp", "selfLink"] {
        if !meta(old, field).is_null() {
            set_meta(new, field, meta(old, field).clone());
        }
    }
    for field in ["uid", "deletionGracePeriodSeconds"] {
        if meta(new, field).is_null() {
            set_meta(new, field, meta(old, field).clone());
        }
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
