//! A server as the application API shows it.

use serde_json::{Map, Value, json};

use super::super::allocations::allocation_item;
use super::super::locations::location_item;
use super::super::nests::{egg_item, nest_item, variable_attributes};
use super::super::nodes::node_item;
use super::super::users::user_item;
use crate::catalogue::Egg;
use crate::clock::atom;
use crate::http::Includes;
use crate::http::envelope::{item, list, null_resource};
use crate::records::{Limits, Server};
use crate::state::State;

pub(crate) fn server_item(state: &State, server: &Server, includes: &Includes) -> Value {
    let mut attributes = json!({
        "id": server.id,
        "external_id": server.external_id,
        "uuid": server.uuid,
        "identifier": server.identifier(),
        "name": server.name,
        "description": server.description,
        "status": status(server),
        "suspended": server.is_suspended(),
        "limits": limits(state, &server.limits),
        "feature_limits": feature_limits(server),
        "user": server.owner,
        "node": server.node,
        "allocation": server.allocation,
        "nest": state.catalogue.egg(server.egg).map(|egg| egg.nest),
        "egg": server.egg,
        "container": {
            "startup_command": server.startup,
            "image": server.image,
            "installed": i32::from(server.is_installed()),
            "environment": environment(state, server),
        },
        "updated_at": atom(server.updated_at),
        "created_at": atom(server.created_at),
    });
    if let (true, Value::Object(members)) = (state.dialect.is_pelican(), &mut attributes) {
        members.remove("nest");
    }
    item("server", attributes, relationships(state, server, includes))
}

pub(crate) fn status(server: &Server) -> Option<&'static str> {
    server.status.map(crate::records::ServerStatus::as_str)
}

pub(crate) fn limits(state: &State, limits: &Limits) -> Value {
    let mut shown = json!({
        "memory": limits.memory,
        "swap": limits.swap,
        "disk": limits.disk,
        "io": limits.io,
        "cpu": limits.cpu,
        "threads": limits.threads,
        "oom_disabled": limits.oom_disabled,
    });
    if let (true, Value::Object(members)) = (state.dialect.is_pelican(), &mut shown) {
        members.insert("oom_killer".to_owned(), json!(!limits.oom_disabled));
    }
    shown
}

pub(crate) fn feature_limits(server: &Server) -> Value {
    json!({
        "databases": server.feature_limits.databases,
        "allocations": server.feature_limits.allocations,
        "backups": server.feature_limits.backups,
    })
}

/// The value of each variable of the egg, its default where the server has none.
pub(crate) fn variable_values<'a>(egg: &'a Egg, server: &'a Server) -> impl Iterator<Item = (&'a str, &'a str)> {
    egg.variables.iter().map(|variable| {
        let value = server.environment.get(&variable.env_variable).unwrap_or(&variable.default_value);
        (variable.env_variable.as_str(), value.as_str())
    })
}

/// The environment of the container: variables of the egg and the panel's own.
fn environment(state: &State, server: &Server) -> Value {
    let mut environment = Map::new();
    if let Some(egg) = state.catalogue.egg(server.egg) {
        environment.extend(variable_values(egg, server).map(|(name, value)| (name.to_owned(), json!(value))));
    }
    environment.insert("STARTUP".to_owned(), json!(server.startup));
    if !state.dialect.is_pelican() {
        let node = state.nodes.get(server.node);
        let location = node.and_then(|node| state.locations.get(node.location)).map(|location| &location.short);
        environment.insert("P_SERVER_LOCATION".to_owned(), json!(location));
    }
    environment.insert("P_SERVER_UUID".to_owned(), json!(server.uuid));
    environment.insert("P_SERVER_ALLOCATION_LIMIT".to_owned(), json!(server.feature_limits.allocations));
    Value::Object(environment)
}

fn relationships(state: &State, server: &Server, includes: &Includes) -> Map<String, Value> {
    let names: &[&str] = if state.dialect.is_pelican() {
        &["allocations", "user", "subusers", "egg", "variables", "node", "databases", "transfer"]
    } else {
        &["allocations", "user", "subusers", "nest", "egg", "variables", "location", "node", "databases", "transfer"]
    };
    let wanted = names.iter().filter(|name| includes.has(name));
    wanted.map(|name| ((*name).to_owned(), related(state, server, name, &includes.within(name)))).collect()
}

fn related(state: &State, server: &Server, name: &str, includes: &Includes) -> Value {
    let egg = || state.catalogue.egg(server.egg);
    let node = || state.nodes.get(server.node);
    let found = match name {
        "allocations" => {
            let allocations = state.allocations_of(server.id);
            Some(list(allocations.map(|allocation| allocation_item(state, allocation, includes))))
        }
        "user" => state.users.get(server.owner).map(|user| user_item(state, user, includes)),
        "nest" => egg().and_then(|egg| state.catalogue.nest(egg.nest)).map(|nest| nest_item(state, nest, includes)),
        "egg" => egg().map(|egg| egg_item(state, egg, includes)),
        "variables" => egg().map(|egg| variables(state, egg, server)),
        "location" => node()
            .and_then(|node| state.locations.get(node.location))
            .map(|location| location_item(state, location, includes)),
        "node" => node().map(|node| node_item(state, node, includes)),
        // Subusers and databases cannot be made here.
        "subusers" | "databases" => Some(list([])),
        _ => None,
    };
    found.unwrap_or_else(null_resource)
}

fn variables(state: &State, egg: &Egg, server: &Server) -> Value {
    list(egg.variables.iter().map(|variable| {
        let mut attributes = variable_attributes(state, egg, variable);
        if let Value::Object(members) = &mut attributes {
            members.insert("server_value".to_owned(), json!(server.environment.get(&variable.env_variable)));
        }
        item("server_variable", attributes, Map::new())
    }))
}
