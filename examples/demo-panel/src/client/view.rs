//! A server as the client API shows it.

use serde_json::{Map, Value, json};

use crate::application::servers::view::{feature_limits, limits, status, variable_values};
use crate::catalogue::Egg;
use crate::http::envelope::{item, list};
use crate::records::{Server, UserId};
use crate::state::State;

pub(super) fn client_server_item(state: &State, server: &Server, viewer: UserId) -> Value {
    let node = state.nodes.get(server.node);
    let egg = state.catalogue.egg(server.egg);
    let attributes = json!({
        "server_owner": server.owner == viewer,
        "identifier": server.identifier(),
        "internal_id": server.id,
        "uuid": server.uuid,
        "name": server.name,
        "node": node.map(|node| &node.name),
        "is_node_under_maintenance": node.is_some_and(|node| node.maintenance_mode),
        "sftp_details": { "ip": node.map(|node| &node.fqdn), "port": node.map(|node| node.daemon_sftp) },
        "description": server.description,
        "limits": limits(state, &server.limits),
        "invocation": egg.map_or_else(|| server.startup.clone(), |egg| invocation(state, server, egg)),
        "docker_image": server.image,
        "egg_features": egg.map(|egg| &egg.features),
        "feature_limits": feature_limits(server),
        "status": status(server),
        "is_suspended": server.is_suspended(),
        "is_installing": !server.is_installed(),
        "is_transferring": server.transferring,
    });
    let mut relationships = Map::new();
    relationships.insert("allocations".to_owned(), allocations(state, server));
    relationships.insert("variables".to_owned(), egg.map_or_else(|| list([]), |egg| variables(egg, server)));
    item("server", attributes, relationships)
}

/// What the viewer may do: owners everything, administrators also watch what goes on inside.
pub(super) fn permissions(state: &State, viewer: UserId) -> Vec<&'static str> {
    if state.is_root_admin(viewer) {
        vec!["*", "admin.websocket.errors", "admin.websocket.install", "admin.websocket.transfer"]
    } else {
        vec!["*"]
    }
}

/// The start command with its placeholders filled; values of hidden variables stay hidden.
fn invocation(state: &State, server: &Server, egg: &Egg) -> String {
    let allocation = server.allocation.and_then(|allocation| state.allocations.get(allocation));
    let mut invocation = server
        .startup
        .replace("{{SERVER_MEMORY}}", &server.limits.memory.to_string())
        .replace("{{SERVER_IP}}", allocation.map_or("", |allocation| allocation.ip.as_str()))
        .replace("{{SERVER_PORT}}", &allocation.map_or_else(String::new, |allocation| allocation.port.to_string()));
    for (variable, (name, value)) in egg.variables.iter().zip(variable_values(egg, server)) {
        let shown = if variable.user_viewable { value } else { "[hidden]" };
        invocation = invocation.replace(&format!("{{{{{name}}}}}"), shown);
    }
    invocation
}

fn allocations(state: &State, server: &Server) -> Value {
    list(state.allocations_of(server.id).map(|allocation| {
        let attributes = json!({
            "id": allocation.id,
            "ip": allocation.ip,
            "ip_alias": allocation.alias,
            "port": allocation.port,
            "notes": allocation.notes,
            "is_default": server.allocation == Some(allocation.id),
        });
        item("allocation", attributes, Map::new())
    }))
}

fn variables(egg: &Egg, server: &Server) -> Value {
    let values = egg.variables.iter().zip(variable_values(egg, server));
    let viewable = values.filter(|(variable, _)| variable.user_viewable);
    list(viewable.map(|(variable, (_, value))| {
        let attributes = json!({
            "name": variable.name,
            "description": variable.description,
            "env_variable": variable.env_variable,
            "default_value": variable.default_value,
            "server_value": value,
            "is_editable": variable.user_editable,
            "rules": variable.rules,
        });
        item("egg_variable", attributes, Map::new())
    }))
}
