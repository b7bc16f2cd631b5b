//! The `scale` subresource: a view on two numbers of the object.

use serde_json::{Value, json};

use super::update::{Tracking, change};
use super::{Call, patch};
use crate::decode;
use crate::field::FieldError;
use crate::object::{self, meta_str, set_at_path};
use crate::request::WriteOptions;
use crate::response::Answer;
use crate::state::State;
use crate::status::{ApiError, Subject};

const SUBJECT: Subject<'static> = Subject { group: "autoscaling", kind: "Scale" };

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let state = call.shared.read();
    let object = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    view(call, &object).map(Answer::ok)
}

pub(super) fn update(call: &Call) -> Result<Answer, ApiError> {
    let options = call.options("UpdateOptions")?;
    let body = decode::body(&call.body, decode::media(&call.content_type)?)?;
    let mut state = call.write()?;
    write(call, &mut state, &body.value, &options).map(Answer::ok)
}

pub(super) fn patch(call: &Call) -> Result<Answer, ApiError> {
    let options = call.options("PatchOptions")?;
    let mut state = call.write()?;
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let scale = view(call, &old)?;
    let patched = patch::patched(call, &scale)?;
    write(call, &mut state, &patched, &options).map(Answer::ok)
}

fn view(call: &Call, object: &Value) -> Result<Value, ApiError> {
    call.resource.scale_of(object).ok_or_else(ApiError::unknown_path)
}

fn write(call: &Call, state: &mut State, scale: &Value, options: &WriteOptions) -> Result<Value, ApiError> {
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let paths = call.resource.scale.as_ref().ok_or_else(ApiError::unknown_path)?;
    let name = meta_str(scale, "name");
    if !name.is_empty() && name != call.name() {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", call.name());
        return Err(ApiError::bad_request(message));
    }
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(ApiError::invalid(SUBJECT, call.name(), &[error]));
    }
    let mut new = old.clone();
    set_at_path(&mut new, &paths.spec_replicas, json!(replicas));
    for field in ["resourceVersion", "uid"] {
        let given = object::meta(scale, field);
        if !given.is_null() {
            object::set_meta(&mut new, field, given.clone());
        }
    }
    let changed = change(call, state, &old, new, options, Tracking::Update)?;
    view(call, &changed)
}
