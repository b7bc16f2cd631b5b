//! Nests and eggs.

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::servers::view::server_item;
use crate::catalogue::{Egg, EggVariable, Nest};
use crate::clock::{atom, zulu};
use crate::errors::ApiError;
use crate::http::envelope::{item, list, null_resource};
use crate::http::{Call, Includes, Listing, Reply, Searchable, ok};
use crate::panel::Panel;
use crate::state::State;

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/nests", get(index))
        .route("/nests/{nest}", get(show))
        .route("/nests/{nest}/eggs", get(eggs_of_nest))
        .route("/nests/{nest}/eggs/{egg}", get(egg_of_nest))
}

/// Pelican has eggs without nests.
pub(super) fn pelican_routes() -> Router<Panel> {
    Router::new().route("/eggs", get(eggs)).route("/eggs/{egg}", get(egg))
}

async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    // Nests are listed without the query builder: they know neither filters nor sorting.
    let rows = state.catalogue.nests.iter();
    let listing = Listing { searchable: false, ..Listing::new("/api/application/nests") };
    let includes = call.includes();
    ok(listing.page(&call, rows, |nest| nest_item(&state, nest, &includes))?)
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(nest): Path<String>) -> Reply {
    let state = panel.lock();
    let nest = bind_nest(&state, &nest)?;
    call.may_read(&state)?;
    ok(nest_item(&state, nest, &call.includes()))
}

async fn eggs_of_nest(Extract(panel): Extract<Panel>, call: Call, Path(nest): Path<String>) -> Reply {
    let state = panel.lock();
    let nest = bind_nest(&state, &nest)?.id;
    call.may_read(&state)?;
    let includes = call.includes();
    let eggs = state.catalogue.eggs.iter().filter(|egg| egg.nest == nest);
    ok(list(eggs.map(|egg| egg_item(&state, egg, &includes))))
}

async fn egg_of_nest(Extract(panel): Extract<Panel>, call: Call, Path((nest, egg)): Path<(String, String)>) -> Reply {
    let state = panel.lock();
    let nest = bind_nest(&state, &nest)?.id;
    let egg = bind_egg(&state, &egg)?;
    if egg.nest != nest {
        return Err(ApiError::not_found());
    }
    call.may_read(&state)?;
    ok(egg_item(&state, egg, &call.includes()))
}

async fn eggs(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let includes = call.includes();
    ok(list(state.catalogue.eggs.iter().map(|egg| egg_item(&state, egg, &includes))))
}

async fn egg(Extract(panel): Extract<Panel>, call: Call, Path(egg): Path<String>) -> Reply {
    let state = panel.lock();
    let egg = bind_egg(&state, &egg)?;
    call.may_read(&state)?;
    ok(egg_item(&state, egg, &call.includes()))
}

fn bind_nest<'a>(state: &'a State, id: &str) -> Result<&'a Nest, ApiError> {
    id.parse().ok().and_then(|id| state.catalogue.nest(id)).ok_or_else(ApiError::not_found)
}

fn bind_egg<'a>(state: &'a State, id: &str) -> Result<&'a Egg, ApiError> {
    id.parse().ok().and_then(|id| state.catalogue.egg(id)).ok_or_else(ApiError::not_found)
}

/// A nest as the application API shows it.
pub(crate) fn nest_item(state: &State, nest: &Nest, includes: &Includes) -> Value {
    let attributes = json!({
        "id": nest.id,
        "uuid": nest.uuid,
        "author": nest.author,
        "name": nest.name,
        "description": nest.description,
        "created_at": atom(state.seeded_at),
        "updated_at": atom(state.seeded_at),
    });
    let mut relationships = Map::new();
    let eggs = || state.catalogue.eggs.iter().filter(|egg| egg.nest == nest.id);
    if includes.has("eggs") {
        let nested = includes.within("eggs");
        relationships.insert("eggs".to_owned(), list(eggs().map(|egg| egg_item(state, egg, &nested))));
    }
    if includes.has("servers") {
        let nested = includes.within("servers");
        let servers = eggs().flat_map(|egg| state.servers.rows().filter(|server| server.egg == egg.id));
        relationships.insert("servers".to_owned(), list(servers.map(|server| server_item(state, server, &nested))));
    }
    item("nest", attributes, relationships)
}

/// An egg as the application API shows it.
pub(crate) fn egg_item(state: &State, egg: &Egg, includes: &Includes) -> Value {
    let mut attributes = json!({
        "id": egg.id,
        "uuid": egg.uuid,
        "name": egg.name,
        "nest": egg.nest,
        "author": egg.author,
        "description": egg.description,
        "docker_image": egg.docker_image,
        "docker_images": egg.docker_images,
        "config": egg.config,
        "startup": egg.startup,
        "script": egg.script,
        "created_at": atom(state.seeded_at),
        "updated_at": atom(state.seeded_at),
    });
    if let (true, Value::Object(members)) = (state.dialect.is_pelican(), &mut attributes) {
        members.remove("nest");
        members.insert("features".to_owned(), json!(egg.features));
        members.insert("tags".to_owned(), json!([]));
    }
    item("egg", attributes, egg_relationships(state, egg, includes))
}

fn egg_relationships(state: &State, egg: &Egg, includes: &Includes) -> Map<String, Value> {
    let mut relationships = Map::new();
    if includes.has("nest") && !state.dialect.is_pelican() {
        let nested = includes.within("nest");
        let nest = state.catalogue.nest(egg.nest);
        let nest = nest.map_or_else(null_resource, |nest| nest_item(state, nest, &nested));
        relationships.insert("nest".to_owned(), nest);
    }
    if includes.has("servers") {
        let nested = includes.within("servers");
        let servers = state.servers.rows().filter(|server| server.egg == egg.id);
        relationships.insert("servers".to_owned(), list(servers.map(|server| server_item(state, server, &nested))));
    }
    if includes.has("variables") {
        let variables = egg.variables.iter().map(|variable| variable_attributes(state, egg, variable));
        let variables = list(variables.map(|attributes| item("egg_variable", attributes, Map::new())));
        relationships.insert("variables".to_owned(), variables);
    }
    relationships
}

/// The database row of a variable, which the application API shows as it is.
pub(crate) fn variable_attributes(state: &State, egg: &Egg, variable: &EggVariable) -> Value {
    json!({
        "id": variable.id,
        "egg_id": egg.id,
        "name": variable.name,
        "description": variable.description,
        "env_variable": variable.env_variable,
        "default_value": variable.default_value,
        "user_viewable": variable.user_viewable,
        "user_editable": variable.user_editable,
        "rules": variable.rules,
        "created_at": zulu(state.seeded_at),
        "updated_at": zulu(state.seeded_at),
    })
}

impl Searchable for Nest {
    fn column(&self, _: &str) -> Option<String> {
        None
    }
}
