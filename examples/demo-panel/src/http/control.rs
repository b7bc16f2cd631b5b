//! Switches for tests: how Wings answers, a reset, and faults. They need no key, so the panel belongs on loopback.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::config::{InstallMode, RateLimits};
use crate::faults::RequestMatch;
use crate::panel::Panel;
use crate::records::NodeId;
use crate::wings::WingsMode;

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/wings", post(wings))
        .route("/reset", post(reset))
        .route("/seed", post(seed))
        .route("/faults", post(faults))
        .route("/requests", get(requests))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WingsSwitch {
    mode: WingsMode,
    /// Every node when absent.
    node: Option<NodeId>,
}

async fn wings(State(panel): State<Panel>, body: Bytes) -> Response {
    apply(&body, |switch: WingsSwitch| {
        match switch.node {
            Some(node) => panel.set_node_wings(node, switch.mode),
            None => panel.set_wings(switch.mode),
        }
        Ok(())
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    install: InstallMode,
}

async fn reset(State(panel): State<Panel>, body: Bytes) -> Response {
    apply(&body, |reset: Reset| {
        panel.reset(reset.install);
        Ok(())
    })
}

async fn seed(State(panel): State<Panel>) -> StatusCode {
    panel.seed_demo();
    StatusCode::NO_CONTENT
}

/// Changes the faults that are given and leaves the others.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FaultSwitch {
    install_delay_ms: Option<u64>,
    latency_ms: Option<u64>,
    wings_latency_ms: Option<u64>,
    lose_reply: Option<RequestSwitch>,
    server_error: Option<RequestSwitch>,
    rate_limits: Option<RateLimits>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestSwitch {
    method: String,
    /// Regular expression of the path.
    path: String,
    count: u32,
}

impl RequestSwitch {
    fn parse(&self) -> Result<RequestMatch, String> {
        RequestMatch::new(&self.method, &self.path, self.count)
            .map_err(|error| format!("path {:?}: {error}", self.path))
    }
}

async fn faults(State(panel): State<Panel>, body: Bytes) -> Response {
    apply(&body, |switch: FaultSwitch| {
        let lose_reply = switch.lose_reply.as_ref().map(RequestSwitch::parse).transpose()?;
        let server_error = switch.server_error.as_ref().map(RequestSwitch::parse).transpose()?;
        if let Some(delay) = switch.install_delay_ms {
            panel.set_install_delay(Duration::from_millis(delay));
        }
        if let Some(latency) = switch.wings_latency_ms {
            panel.set_wings_latency(Duration::from_millis(latency));
        }
        panel.update_faults(|faults| {
            if let Some(latency) = switch.latency_ms {
                faults.latency = Duration::from_millis(latency);
            }
            faults.lose_reply.extend(lose_reply);
            faults.server_error.extend(server_error);
            faults.rate_limits = switch.rate_limits.or(faults.rate_limits);
        });
        Ok(())
    })
}

/// How often each method and path was requested.
async fn requests(State(panel): State<Panel>) -> Json<Value> {
    let state = panel.lock();
    let requests = state.requests.iter();
    Json(requests.map(|((method, path), count)| json!({ "method": method, "path": path, "count": count })).collect())
}

/// Reads the body as `T`, an empty one as `{}`, and answers 204, or 400 with what is wrong.
fn apply<T: DeserializeOwned>(body: &Bytes, action: impl FnOnce(T) -> Result<(), String>) -> Response {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    let result = serde_json::from_slice(body).map_err(|error| error.to_string()).and_then(action);
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}
