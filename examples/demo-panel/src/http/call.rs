//! A request that passed the gate, and the answers to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::includes::Includes;
use crate::errors::ApiError;
use crate::keys::{Grant, Key};
use crate::rate_limit::Api;
use crate::records::UserId;
use crate::state::State;
use crate::validation::{self, Field};

/// What a handler returns.
pub(crate) type Reply = Result<Response, ApiError>;

/// A request that passed the gate.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    api: Api,
    key: Key,
    input: Value,
    query: Vec<(String, String)>,
    base_url: String,
}

impl Call {
    pub(super) fn new(
        api: Api,
        key: Key,
        input: Map<String, Value>,
        query: Vec<(String, String)>,
        base_url: String,
    ) -> Self {
        Self { inner: Arc::new(Inner { api, key, input: Value::Object(input), query, base_url }) }
    }

    pub(crate) fn user(&self) -> UserId {
        self.inner.key.user
    }

    pub(crate) fn query(&self) -> &[(String, String)] {
        &self.inner.query
    }

    /// The last value of a query parameter; an empty one counts as not given.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        let found = self.inner.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// An absolute address on this panel.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.inner.base_url)
    }

    pub(crate) fn includes(&self) -> Includes {
        Includes::parse(self.query_value("include").unwrap_or_default())
    }

    /// Whether the key may read.
    pub(crate) fn may_read(&self, state: &State) -> Result<(), ApiError> {
        self.may(state, |_| true)
    }

    /// Whether the key may write.
    pub(crate) fn may_write(&self, state: &State) -> Result<(), ApiError> {
        self.may(state, |grant| grant != Grant::ApplicationReadOnly)
    }

    fn may(&self, state: &State, granted: impl Fn(Grant) -> bool) -> Result<(), ApiError> {
        let grant = self.inner.key.grant;
        match self.inner.api {
            Api::Client if !grant.is_client() => Err(ApiError::forbidden(
                "You are attempting to use an application API key on an endpoint that requires a client API key.",
            )),
            Api::Application if !state.is_root_admin(self.user()) => {
                Err(ApiError::forbidden("This account does not have permission to access the API."))
            }
            Api::Application if !granted(grant) => Err(ApiError::forbidden("This action is unauthorized.")),
            _ => Ok(()),
        }
    }

    /// Checks the body against `fields`.
    pub(crate) fn validate(&self, state: &State, fields: &[Field]) -> Result<(), ApiError> {
        validation::validate(&self.inner.input, fields, state).map_err(ApiError::validation)
    }

    /// The value at a dotted path of the body.
    pub(crate) fn input(&self, path: &str) -> Option<&Value> {
        validation::find(&self.inner.input, path)
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        match self.input(path)? {
            Value::Null => None,
            value => validation::text(value),
        }
    }

    /// An integer; PHP accepts numerals in texts and cuts fractions off.
    pub(crate) fn integer(&self, path: &str) -> Option<i64> {
        integer(self.input(path)?)
    }

    pub(crate) fn id(&self, path: &str) -> Option<u64> {
        self.integer(path).and_then(|id| u64::try_from(id).ok())
    }

    pub(crate) fn ids(&self, path: &str) -> Vec<u64> {
        let items = self.input(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(integer).filter_map(|id| u64::try_from(id).ok()).collect()
    }

    pub(crate) fn texts(&self, path: &str) -> Vec<String> {
        let items = self.input(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(validation::text).collect()
    }

    pub(crate) fn boolean(&self, path: &str) -> Option<bool> {
        match self.input(path)? {
            Value::Null => None,
            Value::Bool(value) => Some(*value),
            value => validation::text(value).map(|text| text == "1" || text == "true"),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "PHP cuts fractions off; Rust's cast saturates beyond that")]
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|number| number as i64))
        }
        Value::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // The gate in front of every route that takes a call puts it there.
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthenticated)
    }
}

/// 200 with a body.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(crate) fn ok(body: Value) -> Reply {
    Ok(Json(body).into_response())
}

/// 201 with a body.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(crate) fn created(body: Value) -> Reply {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(crate) fn no_content() -> Reply {
    Ok(StatusCode::NO_CONTENT.into_response())
}
