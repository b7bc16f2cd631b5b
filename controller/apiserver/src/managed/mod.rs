//! placeholder
use serde_json::Value;
use crate::{request::WriteOptions, resource::Resource, status::ApiError};
pub(crate) fn track(_: &Resource, _: Option<&Value>, _: &mut Value, _: &str, _: &str, _: &str) {}
pub(crate) fn apply(r: &Resource, _: Option<&Value>, _: &Value, _: &WriteOptions, _: &str, _: &str) -> Result<Value, ApiError> { Err(ApiError::method_not_allowed(r.subject(), "apply")) }
