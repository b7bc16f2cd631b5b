//! `PATCH /servers/{id}/startup`: command, image, egg and variables. Wings is not called.

use axum::extract::{Path, State as Extract};
use serde_json::Value;

use super::view::server_item;
use super::{fields, variables};
use crate::config::Dialect;
use crate::errors::ApiError;
use crate::http::{Call, Reply, ok};
use crate::panel::Panel;
use crate::validation::Field;

pub(super) async fn update(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let (id, current_egg) = state.server(&id).map(|server| (server.id, server.egg))?;
    call.may_write(&state)?;
    call.validate(&state, &rules(state.dialect))?;
    let egg = call.id("egg").unwrap_or(current_egg);
    // An empty environment changes and checks nothing.
    let environment = match call.input("environment") {
        Some(environment @ Value::Object(members)) if !members.is_empty() => {
            Some(variables::check(&state, state.egg(egg)?, environment)?)
        }
        _ => None,
    };
    let now = state.clock.now();
    let server = state.servers.get_mut(id).ok_or_else(ApiError::not_found)?;
    server.environment.extend(environment.unwrap_or_default());
    server.egg = egg;
    server.startup = call.text("startup").unwrap_or_else(|| server.startup.clone());
    server.image = call.text("image").unwrap_or_else(|| server.image.clone());
    server.skip_scripts = call.boolean("skip_scripts").unwrap_or(server.skip_scripts);
    server.updated_at = now;
    let server = state.servers.get(id).ok_or_else(ApiError::not_found)?;
    ok(server_item(&state, server, &call.includes()))
}

/// The rules, in the order in which their failures are reported.
fn rules(dialect: Dialect) -> Vec<Field> {
    let (startup, environment, egg, skip_scripts) = match dialect {
        Dialect::Pterodactyl => ("required|string", "present|array", "required|exists:eggs,id", "present|boolean"),
        Dialect::Pelican => ("sometimes|string", "sometimes|array", "sometimes|exists:eggs,id", "sometimes|boolean"),
    };
    vec![
        Field::new("startup", startup),
        Field::new("environment", environment),
        Field::new("egg", egg),
        fields::image("image", dialect),
        Field::new("skip_scripts", skip_scripts),
    ]
}
