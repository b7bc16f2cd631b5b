//! `PATCH /servers/{id}/details`: names and owner. What is omitted is cleared, the external id included.

use axum::extract::{Path, State as Extract};

use super::fields;
use super::view::server_item;
use crate::errors::ApiError;
use crate::http::{Call, Reply, ok};
use crate::panel::Panel;
use crate::validation::Field;

pub(super) async fn update(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let id = state.server(&id)?.id;
    call.may_write(&state)?;
    let rules = [
        fields::external_id(state.dialect, Some(id)),
        fields::name(state.dialect).label("Server Name"),
        Field::new("user", "required|integer|exists:users,id").label("User ID"),
        Field::new("description", "nullable|string"),
    ];
    call.validate(&state, &rules)?;
    let now = state.clock.now();
    let external_id = call.text("external_id");
    let server = state.servers.get_mut(id).ok_or_else(ApiError::not_found)?;
    server.external_id.clone_from(&external_id);
    server.name = call.text("name").unwrap_or_default();
    server.owner = call.id("user").unwrap_or_default();
    server.description = call.text("description").unwrap_or_default();
    server.updated_at = now;
    if let Some(external_id) = external_id {
        state.note_live(&external_id);
    }
    let server = state.servers.get(id).ok_or_else(ApiError::not_found)?;
    ok(server_item(&state, server, &call.includes()))
}
