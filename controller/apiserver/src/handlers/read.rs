//! `get` and `list`.

use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::json;

use super::Call;
use crate::field::FieldError;
use crate::query::Selection;
use crate::query::page::{Continue, expired_token};
use crate::response::{Answer, Content};
use crate::state::State;
use crate::status::ApiError;
use crate::store::{Compacted, Key, Objects, Stored};

pub(super) fn get(call: &Call) -> Result<Answer, ApiError> {
    let version = call.parameters.version_of_one()?;
    let state = call.shared.read();
    check_not_ahead(version, &state)?;
    let found = match call.shared.faults.frozen_at(&call.request) {
        Some(revision) => objects_at(call, &state, revision)?.get(&call.key()).cloned(),
        None => state.store.get(&call.resource.table, &call.key()).cloned(),
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
    let start = place.after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut chosen = objects
        .range((start, Bound::Unbounded))
        .map(|(_, stored)| stored)
        .filter(|stored| selection.selects(&call.resource, stored));
    let mut items: Vec<Arc<Stored>> = Vec::new();
    let mut remaining = 0;
    let (mut bytes, most) = (0, call.shared.config.limits.list);
    for stored in chosen.by_ref() {
        bytes += stored.text().len();
        if limit == 0 && bytes > most {
            return Err(too_large(most));
        }
        // A page may be shorter than asked for, but not empty.
        let full = bytes > most && !items.is_empty();
        if limit > 0 && (items.len() == limit || full) {
            remaining = 1 + chosen.by_ref().count();
            break;
        }
        items.push(stored.clone());
    }
    let mut metadata = json!({ "resourceVersion": place.revision.to_string() });
    if let (Some(last), true) = (items.last(), remaining > 0) {
        let token = Continue { revision: Some(place.revision), after: last.key().clone() };
        metadata["continue"] = json!(token.encode(call.path.namespace.is_some()));
        if !selection.has_selector() {
            metadata["remainingItemCount"] = json!(remaining);
        }
    } else if call.resource.is_custom() {
        metadata["continue"] = json!("");
    }
    Ok(Answer::ok(Content::List(metadata, items)))
}

fn too_large(limit: usize) -> ApiError {
    let message = format!(
        "Request entity too large: the list would have more than {limit} bytes; ask for pages, with the parameter limit"
    );
    ApiError::new(413, "RequestEntityTooLarge", message)
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

fn objects_at<'a>(call: &Call, state: &'a State, revision: u64) -> Result<Cow<'a, Objects>, ApiError> {
    state.store.objects_at(&call.resource.table, revision).map_err(|Compacted { oldest }| {
        ApiError::expired(format!("The resourceVersion for the provided list is too old: {revision} ({oldest})"))
    })
}
