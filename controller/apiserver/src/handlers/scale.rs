//! The `scale` subresource: a view on two numbers of the object.

use serde_json::{Value, json};

use super::Call;
use super::admit::invalid_patch;
use super::identity::{check_name, ensure_namespace};
use super::patch::{self, Kind};
use super::update::{Tracking, change};
use crate::builtin;
use crate::decode;
use crate::object::{self, set_at_path};
use crate::request::WriteOptions;
use crate::response::Answer;
use crate::schema::Schema;
use crate::state::State;
use crate::status::ApiError;

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let state = call.shared.read();
    let object = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    view(call, &object).map(Answer::ok)
}

pub(super) fn update(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let options = call.options("UpdateOptions")?;
    let mut scale = decode::body(&call.body, decode::media(&call.content_type)?)?.value;
    check_types(&scale)
        .map_err(|why| ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {why}")))?;
    ensure_namespace(call, &mut scale)?;
    check_name(call, &scale)?;
    let mut state = call.write()?;
    write(call, &mut state, &scale, &options, warnings).map(Answer::ok)
}

pub(super) fn patch(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let kind = Kind::of(call)?;
    if kind == Kind::Apply {
        let message =
            "a server-side apply of a scale is not supported; apply spec of the object itself, or patch the scale";
        return Err(ApiError::bad_request(message));
    }
    let options = call.patch_options(false)?;
    let mut state = call.write()?;
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let scale = view(call, &old)?;
    let mut patched = patch::patched(call, kind, &scale, &Schema::default())?.value;
    check_types(&patched).map_err(|why| invalid_patch(&patched.to_string(), &why))?;
    ensure_namespace(call, &mut patched)?;
    check_name(call, &patched)?;
    write(call, &mut state, &patched, &options, warnings).map(Answer::ok)
}

fn check_types(scale: &Value) -> Result<(), String> {
    let schema = Schema::parse(&json!({ "type": "object", "properties": { "spec": {
        "type": "object", "properties": { "replicas": { "type": "integer", "format": "int32" } },
    } } }));
    builtin::mismatch(scale, &schema, "Scale").map_or(Ok(()), Err)
}

fn view(call: &Call, object: &Value) -> Result<Value, ApiError> {
    call.resource.scale.as_ref().map(|scale| scale.of(object)).ok_or_else(ApiError::unknown_path)
}

fn write(
    call: &Call,
    state: &mut State,
    scale: &Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<Value, ApiError> {
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let paths = call.resource.scale.as_ref().ok_or_else(ApiError::unknown_path)?;
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
    let mut new = old.clone();
    set_at_path(&mut new, &paths.spec_replicas, json!(replicas));
    for field in ["resourceVersion", "uid"] {
        let given = object::meta(scale, field);
        if !given.is_null() {
            object::set_meta(&mut new, field, given.clone());
        }
    }
    let changed = change(call, state, &old, new, options, Tracking::Update, warnings)?;
    view(call, &changed.into_value(&call.resource))
}
