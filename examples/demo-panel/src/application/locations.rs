//! Locations.

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::nodes::node_item;
use super::servers::view::server_item;
use crate::clock::atom;
use crate::errors::ApiError;
use crate::http::envelope::{item, list, with_resource_link};
use crate::http::{Call, Includes, Listing, Reply, Searchable, created, ok};
use crate::panel::Panel;
use crate::records::Location;
use crate::state::State;
use crate::validation::Field;

pub(super) fn routes() -> Router<Panel> {
    Router::new().route("/locations", get(index).post(store)).route("/locations/{id}", get(show))
}

async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let listing = Listing { filters: &["short", "long"], sorts: &["id"], ..Listing::new("/api/application/locations") };
    let includes = call.includes();
    ok(listing.page(&call, state.locations.rows(), |location| location_item(&state, location, &includes))?)
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let state = panel.lock();
    let location = id.parse().ok().and_then(|id| state.locations.get(id)).ok_or_else(ApiError::not_found)?;
    call.may_read(&state)?;
    ok(location_item(&state, location, &call.includes()))
}

async fn store(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let mut state = panel.lock();
    call.may_write(&state)?;
    call.validate(
        &state,
        &[
            Field::new("short", "required|string|between:1,60|unique:locations,short"),
            Field::new("long", "string|nullable|between:1,191"),
        ],
    )?;
    let id = state.add_location(&call.text("short").unwrap_or_default());
    if let Some(location) = state.locations.get_mut(id) {
        location.long = call.text("long");
    }
    let location = state.locations.get(id).ok_or_else(ApiError::not_found)?;
    let body = location_item(&state, location, &call.includes());
    created(with_resource_link(body, &call.link(&format!("/api/application/locations/{id}"))))
}

/// A location as the application API shows it.
pub(crate) fn location_item(state: &State, location: &Location, includes: &Includes) -> Value {
    let attributes = json!({
        "id": location.id,
        "short": location.short,
        "long": location.long,
        "updated_at": atom(location.updated_at),
        "created_at": atom(location.created_at),
    });
    let mut relationships = Map::new();
    let nodes = || state.nodes.rows().filter(|node| node.location == location.id);
    if includes.has("nodes") {
        let nested = includes.within("nodes");
        relationships.insert("nodes".to_owned(), list(nodes().map(|node| node_item(state, node, &nested))));
    }
    if includes.has("servers") {
        let nested = includes.within("servers");
        let servers = nodes().flat_map(|node| state.servers_on(node.id));
        relationships.insert("servers".to_owned(), list(servers.map(|server| server_item(state, server, &nested))));
    }
    item("location", attributes, relationships)
}

impl Searchable for Location {
    fn column(&self, name: &str) -> Option<String> {
        match name {
            "short" => Some(self.short.clone()),
            "long" => self.long.clone(),
            _ => None,
        }
    }

    fn compare(&self, other: &Self, _: &str) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}
