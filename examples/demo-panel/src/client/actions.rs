//! Power, console, statistics and reinstallation.

use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::access::Access;
use super::view::permissions;
use crate::application::servers;
use crate::errors::ApiError;
use crate::http::{Call, Reply, no_content, ok};
use crate::panel::Panel;
use crate::records::{NodeId, PowerState, Server};
use crate::state::State;
use crate::validation::Field;

/// How long a websocket token is valid, in seconds.
const TOKEN_LIFETIME: i64 = 600;

pub(super) async fn resources(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let (uuid, node) = usable(&panel.lock(), &call, &server)?;
    panel.call_wings(node).await?;
    let state = panel.lock();
    let server = state.server_by_uuid(&uuid).ok_or_else(ApiError::not_found)?;
    let running = server.power == PowerState::Running;
    // A running server uses half of its memory: plausible, and the same at every call.
    let memory = if running { server.limits.memory.saturating_mul(1024 * 1024) / 2 } else { 0 };
    ok(json!({
        "object": "stats",
        "attributes": {
            "current_state": if running { "running" } else { "offline" },
            "is_suspended": server.is_suspended(),
            "resources": {
                "memory_bytes": memory,
                "cpu_absolute": if running { 12.5 } else { 0.0 },
                "disk_bytes": 0,
                "network_rx_bytes": 0,
                "network_tx_bytes": 0,
                "uptime": 0,
            },
        },
    }))
}

pub(super) async fn websocket(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let state = panel.lock();
    let server = Access::Websocket.check(&state, &call, &server)?;
    let node = state.nodes.get(server.node).ok_or_else(ApiError::not_found)?;
    let scheme = if node.scheme == "https" { "wss" } else { "ws" };
    let socket = format!("{scheme}://{}:{}/api/servers/{}/ws", node.fqdn, node.daemon_listen, server.uuid);
    ok(json!({ "data": { "token": token(&state, &call, server), "socket": socket } }))
}

/// A token of the right form. Its signature is random: there is no Wings that could check it.
fn token(state: &State, call: &Call, server: &Server) -> String {
    let now = state.clock.now().as_second();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(&json!({ "typ": "JWT", "alg": "HS256" }));
    let claims = encode(&json!({
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(TOKEN_LIFETIME),
        "user_id": call.user(),
        "server_uuid": server.uuid,
        "permissions": permissions(state, call.user()),
    }));
    let signature = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    format!("{header}.{claims}.{signature}")
}

pub(super) async fn power(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let (uuid, node) = {
        let state = panel.lock();
        let server = usable(&state, &call, &server)?;
        call.validate(&state, &[Field::new("signal", "required|string|in:start,stop,restart,kill")])?;
        server
    };
    panel.call_wings(node).await?;
    let power = match call.text("signal").as_deref() {
        Some("start" | "restart") => PowerState::Running,
        _ => PowerState::Offline,
    };
    if let Some(server) = panel.lock().server_by_uuid_mut(&uuid) {
        server.power = power;
    }
    no_content()
}

pub(super) async fn command(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let (uuid, node) = {
        let state = panel.lock();
        let server = usable(&state, &call, &server)?;
        call.validate(&state, &[Field::new("command", "required|string|min:1")])?;
        server
    };
    panel.call_wings(node).await?;
    let running = panel.lock().server_by_uuid(&uuid).is_some_and(|server| server.power == PowerState::Running);
    if !running {
        return Err(ApiError::new(502, "HttpException", "Server must be online in order to send commands."));
    }
    no_content()
}

pub(super) async fn reinstall(Extract(panel): Extract<Panel>, call: Call, Path(server): Path<String>) -> Reply {
    let (uuid, _) = usable(&panel.lock(), &call, &server)?;
    servers::reinstall(&panel, &uuid).await?;
    Ok((StatusCode::ACCEPTED, Json(json!([]))).into_response())
}

/// The uuid and node of a server that is ready to be used.
fn usable(state: &State, call: &Call, server: &str) -> Result<(String, NodeId), ApiError> {
    Access::Use.check(state, call, server).map(|server| (server.uuid.clone(), server.node))
}
