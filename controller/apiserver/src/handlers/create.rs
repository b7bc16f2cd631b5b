//! `create`: a new object under a given or generated name.

use serde_json::{Value, json};

use super::admit::{Source, admit, validate};
use super::{Call, shown};
use crate::builtin;
use crate::decode;
use crate::managed;
use crate::metadata::generated_name;
use crate::namespace;
use crate::object::{self, set_field, set_meta};
use crate::request::WriteOptions;
use crate::response::Answer;
use crate::state::{State, key_of};
use crate::status::ApiError;

/// How often a generated name is drawn again when it is taken.
const ATTEMPTS: usize = 8;

pub(super) fn create(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("CreateOptions")?;
    let body = decode::body(&call.body, decode::media(&call.content_type)?)?;
    let value = admit(&call.resource, body.value, &body.duplicates, &options, Source::Body, warnings)?;
    let mut state = call.write()?;
    insert(call, &mut state, value, &options, None).map(Answer::created)
}

/// Stores a new object. `applied` are the managed fields of an apply, which then replace those of an update.
pub(super) fn insert(
    call: &Call,
    state: &mut State,
    mut value: Value,
    options: &WriteOptions,
    applied: Option<Value>,
) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let now = call.shared.clock.seconds();
    if resource.terminating {
        let mut error = ApiError::method_not_allowed(resource.subject(), "create");
        "create not allowed while custom resource definition is terminating".clone_into(&mut error.message);
        return Err(error);
    }
    if !object::meta_str(&value, "resourceVersion").is_empty() {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    place(call, &mut value)?;
    namespace::admits(state, resource, object::namespace(&value), object::name(&value))?;
    check_capacity(call, state)?;
    if resource.status {
        set_field(&mut value, "status", None);
        // The status may have defaults of its own.
        crate::schema::apply_defaults(&mut value, &resource.schema);
    }
    builtin::prepare_create(resource, &mut value, &now);
    for field in ["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        set_meta(&mut value, field, Value::Null);
    }
    set_meta(&mut value, "uid", json!(uuid::Uuid::new_v4().to_string()));
    set_meta(&mut value, "creationTimestamp", json!(now));
    if resource.has_generation() {
        set_meta(&mut value, "generation", json!(1));
    }
    name(call, state, &mut value)?;
    match applied {
        Some(fields) => set_meta(&mut value, "managedFields", fields),
        None => managed::track(resource, None, &mut value, &options.manager, "", &now),
    }
    validate(resource, &value, None)?;
    call.check_size(&value)?;
    if state.store.get(&resource.table, &key_of(&value)).is_some() {
        return Err(ApiError::already_exists(resource.subject(), object::name(&value)));
    }
    if options.dry_run {
        return Ok(value);
    }
    let stored = state.put(&resource.table, resource.store_form(value));
    Ok(shown(call, &stored))
}

/// The namespace of the URL is that of the object.
fn place(call: &Call, value: &mut Value) -> Result<(), ApiError> {
    let (asked, given) = (call.namespace(), object::namespace(value));
    if call.resource.namespaced && given.is_empty() {
        set_meta(value, "namespace", json!(asked));
    } else if given != asked {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
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
