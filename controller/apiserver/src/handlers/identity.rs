//! Whether an object is the one that the URL names.

use serde_json::Value;
use serde_json::json;

use super::Call;
use crate::object::{self, set_meta};
use crate::status::ApiError;

/// Gives the object the namespace of the URL; another one is refused.
pub(super) fn ensure_namespace(call: &Call, value: &mut Value) -> Result<(), ApiError> {
    let (asked, given) = (call.namespace(), object::namespace(value));
    if given == asked {
        return Ok(());
    }
    if given.is_empty() {
        set_meta(value, "namespace", json!(asked));
    } else if asked.is_empty() {
        set_meta(value, "namespace", Value::Null);
    } else {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}

/// The name of the URL has to be that of the object.
pub(super) fn check_name(call: &Call, value: &Value) -> Result<(), ApiError> {
    let (name, asked) = (object::name(value), call.name());
    if name.is_empty() {
        let why = "name must be provided";
        let message = format!("the name of the object ({asked} based on URL) was undeterminable: {why}");
        return Err(ApiError::bad_request(message));
    }
    if name != asked {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({asked})");
        return Err(ApiError::bad_request(message));
    }
    Ok(())
}
