//! `create`: a new object under a given or generated name.

use serde_json::{Value, json};

use super::Call;
use super::admit;
use super::identity::ensure_namespace;
use super::judge::validate;
use crate::builtin::{self, DEFINITIONS};
use crate::crd;
use crate::garbage;
use crate::managed;
use crate::metadata::{drop_duplicate_owners, generated_name, warn_of_finalizers};
use crate::namespace;
use crate::object::{self, set_field, set_meta};
use crate::request::WriteOptions;
use crate::response::{Answer, Content};
use crate::state::{State, key_of};
use crate::status::ApiError;

/// How often a generated name is drawn again when it is taken.
const ATTEMPTS: usize = 8;

pub(super) fn create(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("CreateOptions")?;
    let mut value = admit::read(call, &options, warnings)?;
    wipe(&mut value);
    ensure_namespace(call, &mut value)?;
    drop_duplicate_owners(&mut value, false, warnings);
    let mut state = call.write()?;
    insert(call, &mut state, value, &options, None, warnings).map(Answer::created)
}

/// Fields that only the server sets.
fn wipe(value: &mut Value) {
    for field in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        set_meta(value, field, Value::Null);
    }
}

/// Stores a new object. `applied` are the managed fields of an apply, which then replace those of an update.
pub(super) fn insert(
    call: &Call,
    state: &mut State,
    mut value: Value,
    options: &WriteOptions,
    applied: Option<Value>,
    warnings: &mut Vec<String>,
) -> Result<Content, ApiError> {
    let resource = &call.resource;
    let now = call.shared.clock.seconds();
    if resource.terminating {
        let mut error = ApiError::method_not_allowed(resource.subject(), "create");
        "create not allowed while custom resource definition is terminating".clone_into(&mut error.message);
        return Err(error);
    }
    match applied {
        Some(fields) => set_meta(&mut value, "managedFields", fields),
        None => managed::track(resource, None, &mut value, &options.manager, "", &now),
    }
    namespace::admits(state, resource, object::namespace(&value), object::name(&value))?;
    check_capacity(call, state)?;
    wipe(&mut value);
    set_meta(&mut value, "uid", json!(uuid::Uuid::new_v4().to_string()));
    set_meta(&mut value, "creationTimestamp", json!(now));
    name(call, state, &mut value)?;
    prepare(call, &mut value);
    validate(resource, &value, None, "")?;
    call.check_size(&value)?;
    if resource.is_custom() {
        warnings.extend(warn_of_finalizers(&value, None));
    }
    if !object::meta_str(&value, "resourceVersion").is_empty() && !options.dry_run {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    if let Some(taken) = state.store.value(&resource.table, &key_of(&value)) {
        let mut error = ApiError::already_exists(resource.subject(), object::name(&value));
        if object::is_deleting(&taken) {
            error.message.insert_str(0, "object is being deleted: ");
        }
        return Err(error);
    }
    if options.dry_run {
        return Ok(value.into());
    }
    let stored = state.put(&resource.table, resource.store_form(value));
    if resource.table == DEFINITIONS {
        let accepted = crd::accept(resource, &stored.value(), &now);
        state.put(&resource.table, accepted);
    }
    garbage::check_owners(state, &resource.table, stored.key(), &now);
    Ok(stored.into())
}

fn prepare(call: &Call, value: &mut Value) {
    let resource = &call.resource;
    if resource.status {
        set_field(value, "status", None);
    }
    builtin::prepare_create(resource, value);
    let generation = if resource.has_generation() { json!(1) } else { Value::Null };
    set_meta(value, "generation", generation);
}

fn name(call: &Call, state: &State, value: &mut Value) -> Result<(), ApiError> {
    let base = object::meta_str(value, "generateName").to_owned();
    if base.is_empty() || !object::name(value).is_empty() {
        return Ok(());
    }
    for _ in 0..ATTEMPTS {
        let name = generated_name(&base);
        if state.store.get(&call.resource.table, &call.resource.key(call.namespace(), &name)).is_none() {
            set_meta(value, "name", json!(name));
            return Ok(());
        }
    }
    Err(ApiError::already_exists(call.resource.subject(), &base))
}

fn check_capacity(call: &Call, state: &State) -> Result<(), ApiError> {
    let limit = call.shared.config.limits.objects;
    if state.store.count() < limit {
        return Ok(());
    }
    let why = format!("the server holds {limit} objects, which is its limit; delete some");
    Err(ApiError::forbidden(call.resource.subject(), call.name(), &why))
}
