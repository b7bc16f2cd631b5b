//! Errors in the form the panel gives them.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::validation::Violation;

/// A failed request: the exception the panel would throw.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    errors: Vec<Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// An error of exception class `code` (without its namespace).
    pub(crate) fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = json!({ "code": code, "status": status.as_str(), "detail": detail.into() });
        Self { status, errors: vec![error], headers: Vec::new() }
    }

    pub(crate) fn validation(violations: Vec<Violation>) -> Self {
        let errors = violations
            .into_iter()
            .map(|violation| {
                json!({
                    "code": "ValidationException",
                    "status": "422",
                    "detail": violation.detail,
                    "meta": { "source_field": violation.field, "rule": violation.rule },
                })
            })
            .collect();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, errors, headers: Vec::new() }
    }

    /// A business rule, shown as it is.
    pub(crate) fn display(detail: impl Into<String>) -> Self {
        Self::new(400, "DisplayException", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "NotFoundHttpException", "The requested resource could not be found on the server.")
    }

    pub(crate) fn route_not_found(path: &str) -> Self {
        let path = path.trim_matches('/');
        Self::new(404, "NotFoundHttpException", format!("The route {path} could not be found."))
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(401, "AuthenticationException", "Unauthenticated.")
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedHttpException", detail)
    }

    /// Anything the panel did not foresee; its text never says what happened.
    pub(crate) fn unexpected(code: &str) -> Self {
        Self::new(500, code, "An unexpected error was encountered while processing this request, please try again.")
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "errors": self.errors }))).into_response();
        response.headers_mut().extend(self.headers);
        response.extensions_mut().insert(Failed);
        response
    }
}

/// Marks a response that stands for an exception, which browsers get as a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;
