//! `get` and `list`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Call, shown};
use crate::field::FieldError;
use crate::object;
use crate::query::Selection;
use crate::query::page::{Continue, expired_token};
use crate::resource::Resource;
use crate::response::Answer;
use crate::state::State;
use crate::status::ApiError;
use crate::store::{Compacted, Key};

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let version = call.parameters.version_of_one()?;
    let state = call.shared.read();
    check_not_ahead(version, &state)?;
    let found = match call.shared.faults.frozen_at(&call.request) {
        Some(revision) => objects_at(call, &state, revision)?.get(&call.key()).map(|stored| shown(call, stored)),
        None => state.read(&call.resource, &call.key()),
    };
    found.map(Answer::ok).ok_or_else(|| call.not_found())
}

pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let selection = Selection::parse(&call.resource, call.path.namespace.as_deref(), None, &call.parameters)?;
    // A negative limit is none.
    let limit = call.parameters.integer("limit")?.unwrap_or(0);
    let limit = usize::try_from(limit).unwrap_or(0);
    let state = call.shared.read();
    let place = place(call, &state)?;
    let objects = objects_at(call, &state, place.revision).map_err(|error| match &place.after {
        Some(after) => expired_token(after.clone(), call.path.namespace.is_some()),
        None => error,
    })?;
    let mut chosen = objects
        .iter()
        .filter(|(key, _)| place.after.as_ref().is_none_or(|after| *key > after))
        .map(|(key, stored)| (key, shown(call, stored)))
        .filter(|(_, object)| selection.matches(object));
    let mut items = Vec::new();
    let mut last = None;
    let mut remaining = 0;
    let (mut bytes, most) = (0, call.shared.config.limits.list);
    for (key, object) in chosen.by_ref() {
        bytes += object::weight(&object);
        if limit == 0 && bytes > most {
            return Err(too_large(most));
        }
        // A page may be shorter than asked for, but not empty.
        let full = bytes > most && !items.is_empty();
        if limit > 0 && (items.len() == limit || full) {
            remaining = 1 + chosen.by_ref().count();
            break;
        }
        last = Some(key.clone());
        items.push(item(&call.resource, object));
    }
    let mut metadata = json!({ "resourceVersion": place.revision.to_string() });
    if let (Some(after), true) = (last, remaining > 0) {
        let token = Continue { revision: Some(place.revision), after };
        metadata["continue"] = json!(token.encode(call.path.namespace.is_some()));
        if !selection.has_selector() {
            metadata["remainingItemCount"] = json!(remaining);
        }
    } else if call.resource.is_custom() {
        metadata["continue"] = json!("");
    }
    Ok(Answer::ok(call.resource.list(&items, &metadata)))
}

fn too_large(limit: usize) -> ApiError {
    let message = format!(
        "Request entity too large: the list would have more than {limit} bytes; ask for pages, with the parameter limit"
    );
    ApiError::new(413, "RequestEntityTooLarge", message)
}

/// Typed lists do not repeat the kind in every item.
pub(super) fn item(resource: &Resource, mut object: Value) -> Value {
    if !resource.is_custom()
        && let Some(map) = object.as_object_mut()
    {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

/// Which revision a list shows, and where it begins.
struct Place {
    revision: u64,
    after: Option<Key>,
}

fn place(call: &Call, state: &State) -> Result<Place, ApiError> {
    let parameters = &call.parameters;
    let refused = |error| Err(ApiError::invalid_options("ListOptions", &[error]));
    let version = parameters.version()?;
    let matching = parameters.get("resourceVersionMatch");
    if parameters.has("sendInitialEvents") {
        return refused(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if let Some(matching) = matching {
        if version.is_none() {
            let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            return refused(FieldError::forbidden("resourceVersionMatch", detail));
        }
        if parameters.get("continue").is_some() {
            let detail = "resourceVersionMatch is forbidden when continue is provided";
            return refused(FieldError::forbidden("resourceVersionMatch", detail));
        }
        if !matches!(matching, "Exact" | "NotOlderThan") {
            let supported = ["Exact".into(), "NotOlderThan".into(), "".into()];
            return refused(FieldError::not_supported("resourceVersionMatch", &matching.into(), &supported));
        }
        if matching == "Exact" && version == Some(0) {
            let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            return refused(FieldError::forbidden("resourceVersionMatch", detail));
        }
    }
    if let Some(token) = parameters.get("continue") {
        if version.is_some_and(|version| version > 0) {
            return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
        }
        let token = Continue::decode(token, call.path.namespace.as_deref())?;
        let revision = token.revision.unwrap_or_else(|| state.store.revision());
        return Ok(Place { revision, after: Some(token.after) });
    }
    check_not_ahead(version, state)?;
    let revision = match (matching, version) {
        (Some("Exact"), Some(version)) => version,
        _ => call.shared.faults.frozen_at(&call.request).unwrap_or_else(|| state.store.revision()),
    };
    Ok(Place { revision, after: None })
}

/// A version from the future is answered like a cache that did not get there in time.
pub(crate) fn check_not_ahead(asked: Option<u64>, state: &State) -> Result<(), ApiError> {
    let current = state.store.revision();
    let Some(asked) = asked.filter(|asked| *asked > current) else {
        return Ok(());
    };
    let message = format!("Too large resource version: {asked}, current: {current}");
    Err(ApiError {
        details: Some(json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        })),
        ..ApiError::new(504, "Timeout", format!("Timeout: {message}"))
    })
}

fn objects_at(call: &Call, state: &State, revision: u64) -> Result<BTreeMap<Key, Arc<Value>>, ApiError> {
    state.store.objects_at(&call.resource.table, revision).map_err(|Compacted { oldest }| {
        ApiError::expired(format!("The resourceVersion for the provided list is too old: {revision} ({oldest})"))
    })
}
