//! The checks before every request of the two APIs: key, JSON syntax, address, rate limit, kind of key.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::call::Call;
use super::edge::LoginPage;
use crate::errors::ApiError;
use crate::keys::Key;
use crate::panel::Panel;
use crate::rate_limit::{Admission, Api};
use crate::records::UserId;

const LARGEST_BODY: usize = 8 * 1024 * 1024;
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");

pub(super) async fn gate(State((panel, api)): State<(Panel, Api)>, request: Request, next: Next) -> Response {
    let base_url = base_url(&panel, request.headers());
    let Some(key) = authenticate(&panel, request.headers()) else {
        let mut response = ApiError::unauthenticated().into_response();
        response.extensions_mut().insert(LoginPage(format!("{base_url}/auth/login")));
        return response;
    };
    let (mut parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else {
        return ApiError::new(413, "PostTooLargeException", "The POST data is too large.").into_response();
    };
    let input = match read_body(&parts.headers, &bytes) {
        Ok(input) => input,
        Err(error) => return error.into_response(),
    };
    let remote = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if let Err(error) = check_address(&key, remote.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))) {
        return error.into_response();
    }
    let budget = match admit(&panel, api, key.user) {
        Ok(budget) => budget,
        Err(error) => return error.into_response(),
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default();
    parts.extensions.insert(Call::new(api, key, input, query, base_url));
    let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
    response.headers_mut().insert(LIMIT, HeaderValue::from(budget.limit));
    response.headers_mut().insert(REMAINING, HeaderValue::from(budget.remaining));
    response
}

fn base_url(panel: &Panel, headers: &HeaderMap) -> String {
    if let Some(url) = panel.public_url() {
        return url.to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("panel.example");
    format!("http://{host}")
}

fn authenticate(panel: &Panel, headers: &HeaderMap) -> Option<Key> {
    let credentials = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = credentials.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    panel.lock().key(token.trim()).cloned()
}

fn check_address(key: &Key, address: IpAddr) -> Result<(), ApiError> {
    if key.allowed_ips.is_empty() || key.allowed_ips.contains(&address) {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "This IP address ({address}) does not have permission to access the API using these credentials."
    )))
}

struct Budget {
    limit: u32,
    remaining: u32,
}

fn admit(panel: &Panel, api: Api, user: UserId) -> Result<Budget, ApiError> {
    let mut state = panel.lock();
    let limits = state.rate_limits();
    let limit = match api {
        Api::Application => limits.application,
        Api::Client => limits.client,
    };
    match state.limiter.admit(api, user, limit) {
        Admission::Admitted { remaining } => Ok(Budget { limit, remaining }),
        Admission::Refused { retry_after } => Err(too_many(limit, retry_after, state.clock.now().as_second())),
    }
}

fn too_many(limit: u32, retry_after: Duration, now: i64) -> ApiError {
    // Rounded up, so that a client waiting this long is admitted.
    let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
    let reset = now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    ApiError::new(429, "ThrottleRequestsException", "Too Many Attempts.")
        .with_header("x-ratelimit-limit", limit)
        .with_header("x-ratelimit-remaining", 0)
        .with_header("retry-after", seconds)
        .with_header("x-ratelimit-reset", reset)
}

/// The members of a JSON body, strings trimmed and empty ones made null. A body that is no object has no members.
fn read_body(headers: &HeaderMap, bytes: &Bytes) -> Result<Map<String, Value>, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if bytes.is_empty() || !(kind.contains("/json") || kind.contains("+json")) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(clean_members(members)),
        Ok(_) => Ok(Map::new()),
        Err(_) => Err(ApiError::new(
            400,
            "BadRequestHttpException",
            "The JSON data passed in the request appears to be malformed. err_code: 4 err_message: \"Syntax error\"",
        )),
    }
}

fn clean_members(members: Map<String, Value>) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, value)| {
            let value = if name == "password" { value } else { clean(value) };
            (name, value)
        })
        .collect()
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => {
            match text.trim_matches(|character: char| character.is_whitespace() || character == '\0') {
                "" => Value::Null,
                trimmed => Value::String(trimmed.to_owned()),
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(members) => Value::Object(clean_members(members)),
        other => other,
    }
}
