//! Servers.

mod build;
mod create;
mod details;
mod fields;
mod lifecycle;
mod placement;
mod startup;
mod variables;
pub(crate) mod view;

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::{delete, get, patch, post};

pub(crate) use self::lifecycle::reinstall;
use self::view::server_item;
use crate::errors::ApiError;
use crate::http::{Call, Listing, Reply, Searchable, ok};
use crate::panel::Panel;
use crate::records::Server;

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/servers", get(index).post(create::store))
        .route("/servers/{id}", get(show).delete(lifecycle::destroy))
        .route("/servers/{id}/{force}", delete(lifecycle::destroy_by_force))
        .route("/servers/external/{external_id}", get(external))
        .route("/servers/{id}/details", patch(details::update))
        .route("/servers/{id}/build", patch(build::update))
        .route("/servers/{id}/startup", patch(startup::update))
        .route("/servers/{id}/suspend", post(lifecycle::suspend))
        .route("/servers/{id}/unsuspend", post(lifecycle::unsuspend))
        .route("/servers/{id}/reinstall", post(lifecycle::reinstall_by_id))
}

async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let short_uuid = if state.dialect.is_pelican() { "uuid_short" } else { "uuidShort" };
    let listing = Listing {
        filters: &["uuid", short_uuid, "name", "description", "image", "external_id"],
        sorts: &["id", "uuid"],
        ..Listing::new("/api/application/servers")
    };
    let includes = call.includes();
    ok(listing.page(&call, state.servers.rows(), |server| server_item(&state, server, &includes))?)
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let state = panel.lock();
    let server = state.server(&id)?;
    call.may_read(&state)?;
    ok(server_item(&state, server, &call.includes()))
}

async fn external(Extract(panel): Extract<Panel>, call: Call, Path(external_id): Path<String>) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let wanted = external_id.to_lowercase();
    let mut servers = state.servers.rows();
    let server = servers.find(|server| server.external_id.as_ref().is_some_and(|id| id.to_lowercase() == wanted));
    ok(server_item(&state, server.ok_or_else(ApiError::not_found)?, &call.includes()))
}

impl Searchable for Server {
    fn column(&self, name: &str) -> Option<String> {
        match name {
            "uuid" => Some(self.uuid.clone()),
            "uuidShort" | "uuid_short" => Some(self.identifier().to_owned()),
            "name" => Some(self.name.clone()),
            "description" => Some(self.description.clone()),
            "image" => Some(self.image.clone()),
            "external_id" => self.external_id.clone(),
            // The client API's search over several columns, values separated by spaces.
            "*" => {
                let external_id = self.external_id.as_deref().unwrap_or_default();
                Some(format!("{} {} {external_id}", self.uuid, self.name))
            }
            _ => None,
        }
    }

    fn compare(&self, other: &Self, name: &str) -> std::cmp::Ordering {
        match name {
            "id" => self.id.cmp(&other.id),
            _ => self.column(name).cmp(&other.column(name)),
        }
    }
}
