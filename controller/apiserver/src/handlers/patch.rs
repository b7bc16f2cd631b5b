//! `patch`: JSON patch, merge patch, strategic merge patch for core kinds, and server-side apply.

use serde_json::{Value, json};

use super::admit::{Source, admit};
use super::identity::{check_name, ensure_namespace};
use super::update::{Tracking, change};
use super::{Call, create};
use crate::decode;
use crate::managed;
use crate::metadata::go_name;
use crate::object;
use crate::patches;
use crate::request::{FieldValidation, WriteOptions};
use crate::response::Answer;
use crate::schema::Schema;
use crate::status::ApiError;

const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";

/// The most operations of a JSON patch (`maxJSONPatchOperations`).
const MAX_OPERATIONS: usize = 10_000;

pub(super) fn patch(call: &Call, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let kind = Kind::of(call)?;
    let options = call.patch_options(kind == Kind::Apply)?;
    if kind == Kind::Apply {
        return apply(call, &options, warnings);
    }
    let mut state = call.write()?;
    let old = state.read(&call.resource, &call.key()).ok_or_else(|| call.not_found())?;
    let Patched { value, complaints, shown } = patched(call, kind, &old, &call.resource.schema)?;
    let mut new = admit(call, value, complaints, &options, Source::Patch(shown.as_deref()), warnings)?;
    ensure_namespace(call, &mut new)?;
    check_name(call, &new)?;
    change(call, &mut state, &old, new, &options, Tracking::Update, warnings).map(Answer::ok)
}

/// The kinds of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Kind {
    /// Custom resources have no types of Go, and so no strategic merge.
    pub(super) fn of(call: &Call) -> Result<Self, ApiError> {
        let is_custom = call.resource.is_custom();
        Ok(match call.content_type.split(';').next().unwrap_or_default() {
            JSON_PATCH => Self::Json,
            MERGE_PATCH => Self::Merge,
            STRATEGIC_PATCH if !is_custom => Self::Strategic,
            APPLY_PATCH => Self::Apply,
            _ if is_custom => return Err(ApiError::unsupported_media_type(&[JSON_PATCH, MERGE_PATCH, APPLY_PATCH])),
            // The router of the real server refuses these before anything looks at them.
            _ => return Err(ApiError::unrouted_media_type()),
        })
    }
}

/// An object after a patch, and what is odd about the patch.
pub(super) struct Patched {
    pub(super) value: Value,
    pub(super) complaints: Vec<String>,
    /// The patch as errors repeat it; of other patches they repeat the outcome.
    shown: Option<String>,
}

pub(super) fn patched(call: &Call, kind: Kind, old: &Value, schema: &Schema) -> Result<Patched, ApiError> {
    let undecodable = |why: &str| ApiError::bad_request(format!("error decoding patch: {why}"));
    let decode::Body { value: patch, duplicates } =
        decode::body(&call.body, decode::Media::Json).map_err(|error| match kind {
            Kind::Strategic => error,
            _ => undecodable(&error.message),
        })?;
    let mut complaints: Vec<String> = duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
    let mut value = old.clone();
    let shown = (kind == Kind::Strategic).then(|| managed::printed(&patch));
    match (kind, patch) {
        (Kind::Json, patch) => {
            let operations = operations(&patch, &mut complaints).map_err(|why| undecodable(&why))?;
            if operations.len() > MAX_OPERATIONS {
                let count = operations.len();
                let message =
                    format!("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}");
                return Err(ApiError::new(
                    413,
                    "RequestEntityTooLarge",
                    format!("Request entity too large: {message}"),
                ));
            }
            let complain = |complaint: String| format!("json patch {complaint}");
            complaints = complaints.into_iter().map(complain).collect();
            patches::json::apply(&mut value, operations).map_err(|_| does_not_apply())?;
        }
        (_, Value::Null) => return Err(ApiError::bad_request("Invalid JSON Patch")),
        (Kind::Merge, Value::Object(patch)) => patches::merge::merge(object::as_map(&mut value), patch),
        (_, Value::Object(patch)) => value = patches::strategic::merge(old, &patch, schema)?,
        (_, other) => {
            let why =
                format!("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", go_name(&other));
            return Err(if kind == Kind::Strategic { ApiError::bad_request(why) } else { undecodable(&why) });
        }
    }
    Ok(Patched { value, complaints, shown })
}

/// The reason stays in the server: the real one answers in these general words too.
fn does_not_apply() -> ApiError {
    ApiError {
        details: Some(json!({})),
        ..ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request")
    }
}

/// The operations of a JSON patch, whose members have to have the types they should.
fn operations<'a>(patch: &'a Value, complaints: &mut Vec<String>) -> Result<&'a [Value], String> {
    let wrong =
        |found: &Value, wanted: &str| Err(format!("json: cannot unmarshal {} into Go {wanted}", go_name(found)));
    let Some(operations) = patch.as_array() else {
        return if patch.is_null() { Ok(&[]) } else { wrong(patch, "value of type []handlers.jsonPatchOp") };
    };
    for (index, operation) in operations.iter().enumerate() {
        let Some(members) = operation.as_object() else {
            return wrong(operation, "value of type handlers.jsonPatchOp");
        };
        for (name, member) in members {
            match name.as_str() {
                "op" | "path" | "from" if !member.is_string() && !member.is_null() => {
                    return wrong(member, &format!("struct field jsonPatchOp.{name} of type string"));
                }
                "op" | "path" | "from" | "value" => {}
                _ => complaints.push(format!("unknown field \"[{index}].{name}\"")),
            }
        }
    }
    Ok(operations)
}

/// Server-side apply: creates the object where it is missing, and owns what it was given.
fn apply(call: &Call, options: &WriteOptions, warnings: &mut Vec<String>) -> Result<Answer, ApiError> {
    let resource = &call.resource;
    let config = configuration(call)?;
    let now = call.shared.clock.seconds();
    let mut state = call.write()?;
    let old = state.read(resource, &call.key());
    if old.is_none() && !call.subresource().is_empty() {
        return Err(call.not_found());
    }
    let mut new = managed::apply(resource, old.as_ref(), &config, options, call.subresource(), &now)?;
    managed::refresh_last_applied(&mut new, &config, &options.manager);
    if old.is_none() && !object::meta_str(&new, "uid").is_empty() {
        let uid = object::meta_str(&new, "uid");
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(ApiError::conflict(resource.subject(), call.name(), &why));
    }
    ensure_namespace(call, &mut new)?;
    check_name(call, &new)?;
    let owners = object::meta(&new, "managedFields").clone();
    // A patch has no duplicates: what it says about fields, the schema has judged already.
    let quiet = WriteOptions { field_validation: FieldValidation::Ignore, ..options.clone() };
    object::set_meta(&mut new, "managedFields", Value::Null);
    let mut new = admit(call, new, Vec::new(), &quiet, Source::Patch(None), warnings)?;
    match old {
        None => create::insert(call, &mut state, new, options, Some(owners), warnings).map(Answer::created),
        Some(old) => {
            object::set_meta(&mut new, "managedFields", owners);
            change(call, &mut state, &old, new, options, Tracking::Applied, warnings).map(Answer::ok)
        }
    }
}

/// The body of an apply, which has to have the types of its schema.
fn configuration(call: &Call) -> Result<Value, ApiError> {
    let resource = &call.resource;
    let config = decode::yaml(&call.body)?;
    if !config.is_object() && !config.is_null() {
        let why =
            format!("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", go_name(&config));
        return Err(ApiError::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}"
        )));
    }
    let text = |field: &str| config.get(field).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let is_own = version == resource.api_version() && kind == resource.kind;
    let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
    if !is_own {
        return Err(ApiError::bad_request(format!("invalid object type: {version}, Kind={kind}")));
    }
    if !object::meta(&config, "managedFields").is_null() {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    managed::check_types(&config, &resource.typed_schema).map_err(|why| {
        let (namespace, name) = (object::namespace(&config), object::name(&config));
        let message =
            format!("failed to create typed patch object ({namespace}/{name}; {version}, Kind={kind}): {why}");
        ApiError::new(500, "", message)
    })?;
    Ok(config)
}
