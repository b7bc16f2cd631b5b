//! What every request passes before it is looked at: the limits of its head, the token, the limits of its body. And what
//! catches a bug, so that it ends one request and not the server.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extract;
use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;

use crate::limits::Limits;
use crate::shared::Shared;
use crate::status::ApiError;
use crate::{response, server};

/// The way in for clients that have to show the token, where there is one.
pub(crate) async fn authenticated(shared: Extract<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    match authenticate(&shared, request.headers()) {
        Ok(()) => trusted(shared, request).await,
        Err(error) => response::error(&error, &[]),
    }
}

/// The way in for this process itself.
pub(crate) async fn trusted(Extract(shared): Extract<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answered = AssertUnwindSafe(async {
        match admit(&shared.config.limits, &parts, body).await {
            Ok(body) => server::answer(&shared, &parts, body).await,
            Err(error) => response::error(&error, &[]),
        }
    });
    answered.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(method = %parts.method, path = parts.uri.path(), "a request made the server panic; this is a bug");
        let message = "This request caused apiserver to panic. Look in the logs for details.";
        response::error(&ApiError::internal(message), &[])
    })
}

fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(token) = &shared.config.token else {
        return Ok(());
    };
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if token.accepts(given) { Ok(()) } else { Err(ApiError::new(401, "Unauthorized", "Unauthorized")) }
}

async fn admit(limits: &Limits, parts: &Parts, body: Body) -> Result<Bytes, ApiError> {
    let url = parts.uri.path_and_query().map_or(0, |url| url.as_str().len());
    if url > limits.url {
        let message = format!("Request-URI too long: it has {url} bytes, and the limit is {}", limits.url);
        return Err(ApiError::new(414, "", message));
    }
    let count = parts.headers.len();
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if count > limits.header_count || headers > limits.headers {
        let Limits { header_count, headers: bytes, .. } = limits;
        let message = format!(
            "Request header fields too large: there are {count} with {headers} bytes, and the limits are {header_count} and {bytes}"
        );
        return Err(ApiError::new(431, "", message));
    }
    match tokio::time::timeout(limits.body_time, read(body, limits.body)).await {
        Ok(body) => body,
        Err(_) => Err(ApiError::new(504, "Timeout", "Timeout: request did not complete within requested timeout")),
    }
}

/// Reads a body up to a limit. What is beyond it is read on for a while, and forgotten: a client hears an answer only once
/// it has sent its request.
async fn read(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let (mut kept, mut seen) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ApiError::bad_request(format!("the body broke off: {error}")))?;
        let Some(data) = frame.data_ref() else { continue };
        seen += data.len();
        if seen <= limit {
            kept.extend_from_slice(data);
        } else if seen > 2 * limit {
            break;
        }
    }
    if seen > limit { Err(ApiError::too_large(limit)) } else { Ok(kept.freeze()) }
}
