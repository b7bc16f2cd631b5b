//! What happens around every API request: counting, faults, and pages for clients that do not ask for JSON.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use futures::stream;

use crate::errors::{ApiError, Failed};
use crate::faults::AnswerFault;
use crate::panel::Panel;

/// Counts the request, delays it, and spoils its answer where a fault says so.
///
/// The work goes on when the client hangs up, as PHP's does.
pub(super) async fn misbehave(State(panel): State<Panel>, request: Request, next: Next) -> Response {
    let answer = tokio::spawn(answer(panel, request, next)).await;
    answer.unwrap_or_else(|_| ApiError::unexpected("ErrorException").into_response())
}

async fn answer(panel: Panel, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let latency = {
        let mut state = panel.lock();
        *state.requests.entry((method.clone(), path.clone())).or_default() += 1;
        state.faults.latency
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let response = next.run(request).await;
    let fault = panel.lock().faults.take(&method, &path);
    match fault {
        None => response,
        Some(AnswerFault::ServerError) => ApiError::unexpected("ErrorException").into_response(),
        Some(AnswerFault::Lost) => lost(),
    }
}

/// An answer whose body breaks off before its first byte, upon which the HTTP server drops the connection.
fn lost() -> Response {
    let broken = stream::once(async { Err::<String, _>(std::io::Error::other("the connection was lost")) });
    Response::new(Body::from_stream(broken))
}

/// Gives a page instead of an error in JSON to clients that did not ask for JSON.
pub(super) async fn negotiate(request: Request, next: Next) -> Response {
    let wants_json = wants_json(request.headers());
    let response = next.run(request).await;
    if wants_json || response.extensions().get::<Failed>().is_none() {
        return response;
    }
    match response.status() {
        StatusCode::UNAUTHORIZED => redirect_to_login(&response),
        status => page(status, response),
    }
}

/// Laravel's `wantsJson`: the first accepted type is some JSON.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepted.split(',').next().unwrap_or_default();
    first.contains("/json") || first.contains("+json")
}

fn redirect_to_login(response: &Response) -> Response {
    let target = response.extensions().get::<LoginPage>().map_or("/auth/login", |page| page.0.as_str());
    let location = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static("/auth/login"));
    (StatusCode::FOUND, [(header::LOCATION, location)], Html("<!DOCTYPE html><title>Redirecting</title>"))
        .into_response()
}

/// Address of the login page, attached to refusals of unknown keys.
#[derive(Clone, Debug)]
pub(super) struct LoginPage(pub(super) String);

fn page(status: StatusCode, response: Response) -> Response {
    let (parts, _errors) = response.into_parts();
    let reason = status.canonical_reason().unwrap_or("Error");
    let title = format!(
        "<!DOCTYPE html><html lang=\"en\"><title>{reason}</title><h1>{} | {reason}</h1></html>",
        status.as_u16()
    );
    let mut page = (status, Html(title)).into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    page
}
