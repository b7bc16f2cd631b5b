//! placeholder
use axum::body::Body;
use http::Response;
use crate::registry::Registry;
pub(crate) fn answer(_: &Registry, _: &[&str]) -> Option<Response<Body>> { None }
