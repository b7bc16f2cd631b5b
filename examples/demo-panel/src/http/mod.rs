//! The HTTP surface common to both APIs.

mod call;
mod control;
mod edge;
pub(crate) mod envelope;
mod filters;
mod gate;
mod includes;
mod listing;
mod remote;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};

pub(crate) use self::call::{Call, Reply, created, no_content, ok};
pub(crate) use self::includes::Includes;
pub(crate) use self::listing::{Listing, Searchable};
use crate::errors::ApiError;
use crate::panel::Panel;
use crate::rate_limit::Api;
use crate::{application, client};

/// All routes of the panel.
pub(crate) fn router(panel: Panel) -> Router {
    let dialect = panel.lock().dialect;
    let gate = |api| from_fn_with_state((panel.clone(), api), gate::gate);
    let api = Router::new()
        .nest("/api/application", application::routes(dialect).route_layer(gate(Api::Application)))
        .nest("/api/client", client::routes().route_layer(gate(Api::Client)))
        .nest("/api/remote", remote::routes())
        .fallback(unknown_route)
        .method_not_allowed_fallback(unsupported_method)
        .layer(from_fn(edge::negotiate))
        .layer(from_fn_with_state(panel.clone(), edge::misbehave));
    Router::new().nest("/control", control::routes()).merge(api).with_state(panel)
}

async fn unknown_route(request: Request) -> Response {
    ApiError::route_not_found(request.uri().path()).into_response()
}

async fn unsupported_method(method: Method, request: Request) -> Response {
    let path = request.uri().path().trim_matches('/').to_owned();
    let detail = format!("The {method} method is not supported for route {path}.");
    ApiError::new(405, "MethodNotAllowedHttpException", detail).into_response()
}
