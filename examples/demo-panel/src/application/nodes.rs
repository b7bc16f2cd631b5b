//! Nodes.

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::allocations::allocation_item;
use super::locations::location_item;
use super::servers::view::server_item;
use crate::clock::atom;
use crate::errors::ApiError;
use crate::http::envelope::{item, list, null_resource, with_resource_link};
use crate::http::{Call, Includes, Listing, Reply, Searchable, created, no_content, ok};
use crate::panel::Panel;
use crate::records::{LocationId, Node};
use crate::seed::new_uuid;
use crate::state::State;
use crate::validation::{Field, Rule};

pub(super) fn routes() -> Router<Panel> {
    Router::new().route("/nodes", get(index).post(store)).route("/nodes/{id}", get(show).patch(update).delete(destroy))
}

async fn index(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let state = panel.lock();
    call.may_read(&state)?;
    let listing = Listing {
        filters: &["uuid", "name", "fqdn", "daemon_token_id"],
        sorts: &["id", "uuid", "memory", "disk"],
        ..Listing::new("/api/application/nodes")
    };
    let includes = call.includes();
    ok(listing.page(&call, state.nodes.rows(), |node| node_item(&state, node, &includes))?)
}

async fn show(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let state = panel.lock();
    let node = bind(&state, &id)?;
    call.may_read(&state)?;
    ok(node_item(&state, node, &call.includes()))
}

async fn store(Extract(panel): Extract<Panel>, call: Call) -> Reply {
    let mut state = panel.lock();
    call.may_write(&state)?;
    call.validate(&state, &fields(&state))?;
    let location = call.id("location_id").unwrap_or_default();
    let id = state.add_node(&call.text("name").unwrap_or_default(), location, 0, 0, 0);
    let now = state.clock.now();
    if let Some(node) = state.nodes.get_mut(id) {
        node.uuid = new_uuid();
        apply(node, &call, location);
        node.created_at = now;
    }
    let node = state.nodes.get(id).ok_or_else(ApiError::not_found)?;
    let body = node_item(&state, node, &call.includes());
    created(with_resource_link(body, &call.link(&format!("/api/application/nodes/{id}"))))
}

async fn update(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let (id, location) = bind(&state, &id).map(|node| (node.id, node.location))?;
    call.may_write(&state)?;
    call.validate(&state, &fields(&state))?;
    let now = state.clock.now();
    if let Some(node) = state.nodes.get_mut(id) {
        apply(node, &call, call.id("location_id").unwrap_or(location));
        node.updated_at = now;
    }
    let node = state.nodes.get(id).ok_or_else(ApiError::not_found)?;
    ok(node_item(&state, node, &call.includes()))
}

/// Takes over what the body has.
fn apply(node: &mut Node, call: &Call, location: LocationId) {
    let text = |member: &mut String, path: &str| {
        if let Some(value) = call.text(path) {
            *member = value;
        }
    };
    text(&mut node.name, "name");
    text(&mut node.fqdn, "fqdn");
    text(&mut node.scheme, "scheme");
    text(&mut node.daemon_base, "daemon_base");
    let number = |member: &mut i64, path: &str| *member = call.integer(path).unwrap_or(*member);
    number(&mut node.memory, "memory");
    number(&mut node.memory_overallocate, "memory_overallocate");
    number(&mut node.disk, "disk");
    number(&mut node.disk_overallocate, "disk_overallocate");
    number(&mut node.upload_size, "upload_size");
    number(&mut node.daemon_listen, "daemon_listen");
    number(&mut node.daemon_sftp, "daemon_sftp");
    let flag = |member: &mut bool, path: &str| *member = call.boolean(path).unwrap_or(*member);
    flag(&mut node.public, "public");
    flag(&mut node.behind_proxy, "behind_proxy");
    flag(&mut node.maintenance_mode, "maintenance_mode");
    node.location = location;
    if call.input("tags").is_some() {
        node.tags = call.texts("tags");
    }
}

async fn destroy(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let id = bind(&state, &id)?.id;
    call.may_write(&state)?;
    if state.servers_on(id).next().is_some() {
        let detail = "A node must have no servers linked to it in order to be deleted.";
        return Err(ApiError::new(400, "HasActiveServersException", detail));
    }
    let orphans: Vec<u64> =
        state.allocations.rows().filter(|allocation| allocation.node == id).map(|allocation| allocation.id).collect();
    for allocation in orphans {
        state.allocations.remove(allocation);
    }
    state.nodes.remove(id);
    no_content()
}

/// The node an id in a path names.
pub(super) fn bind<'a>(state: &'a State, id: &str) -> Result<&'a Node, ApiError> {
    id.parse().ok().and_then(|id| state.nodes.get(id)).ok_or_else(ApiError::not_found)
}

fn fields(state: &State) -> Vec<Field> {
    let mut fields = vec![Field::new("name", "required").rule(Rule::Regex(r"/^([\w .-]{1,100})$/".to_owned()))];
    if state.dialect.is_pelican() {
        fields.push(Field::new("tags", "sometimes|array"));
        fields.push(Field::new("tags.*", "string"));
    } else {
        fields.push(Field::new("location_id", "required|exists:locations,id").label("Location"));
    }
    fields.extend([
        Field::new("public", "boolean").label("Node Visibility"),
        Field::new("fqdn", "required|string"),
        Field::new("scheme", "required"),
        Field::new("behind_proxy", "boolean"),
        Field::new("memory", "required|numeric|min:1"),
        Field::new("memory_overallocate", "required|numeric|min:-1"),
        Field::new("disk", "required|numeric|min:1"),
        Field::new("disk_overallocate", "required|numeric|min:-1"),
        Field::new("daemon_base", "sometimes|required")
            .rule(Rule::Regex(r"/^([\/][\d\w.\-\/]+)$/".to_owned()))
            .label("Daemon Base Path"),
        Field::new("daemon_sftp", "required|numeric|between:1,65535"),
        Field::new("daemon_listen", "required|numeric|between:1,65535"),
        Field::new("maintenance_mode", "boolean"),
        Field::new("upload_size", "int|between:1,1024").label("File Upload Size Limit"),
    ]);
    fields
}

/// A node as the application API shows it.
pub(crate) fn node_item(state: &State, node: &Node, includes: &Includes) -> Value {
    let sum = |part: fn(&crate::records::Limits) -> i64| -> i64 {
        state.servers_on(node.id).map(|server| part(&server.limits)).fold(0, i64::saturating_add)
    };
    let mut attributes = json!({
        "id": node.id,
        "uuid": node.uuid,
        "public": node.public,
        "name": node.name,
        "description": null,
        "location_id": node.location,
        "fqdn": node.fqdn,
        "scheme": node.scheme,
        "behind_proxy": node.behind_proxy,
        "maintenance_mode": node.maintenance_mode,
        "memory": node.memory,
        "memory_overallocate": node.memory_overallocate,
        "disk": node.disk,
        "disk_overallocate": node.disk_overallocate,
        "upload_size": node.upload_size,
        "daemon_listen": node.daemon_listen,
        "daemon_sftp": node.daemon_sftp,
        "daemon_base": node.daemon_base,
        "created_at": atom(node.created_at),
        "updated_at": atom(node.updated_at),
        "allocated_resources": { "memory": sum(|limits| limits.memory), "disk": sum(|limits| limits.disk) },
    });
    if let (true, Value::Object(members)) = (state.dialect.is_pelican(), &mut attributes) {
        members.remove("location_id");
        members.insert("tags".to_owned(), json!(node.tags));
    }
    item("node", attributes, relationships(state, node, includes))
}

fn relationships(state: &State, node: &Node, includes: &Includes) -> Map<String, Value> {
    let mut relationships = Map::new();
    if includes.has("allocations") {
        let nested = includes.within("allocations");
        let allocations = state.allocations.rows().filter(|allocation| allocation.node == node.id);
        let allocations = list(allocations.map(|allocation| allocation_item(state, allocation, &nested)));
        relationships.insert("allocations".to_owned(), allocations);
    }
    if includes.has("location") && !state.dialect.is_pelican() {
        let nested = includes.within("location");
        let location = state.locations.get(node.location);
        let location = location.map_or_else(null_resource, |location| location_item(state, location, &nested));
        relationships.insert("location".to_owned(), location);
    }
    if includes.has("servers") {
        let nested = includes.within("servers");
        let servers = list(state.servers_on(node.id).map(|server| server_item(state, server, &nested)));
        relationships.insert("servers".to_owned(), servers);
    }
    relationships
}

impl Searchable for Node {
    fn column(&self, name: &str) -> Option<String> {
        match name {
            "uuid" => Some(self.uuid.clone()),
            "name" => Some(self.name.clone()),
            "fqdn" => Some(self.fqdn.clone()),
            _ => None,
        }
    }

    fn compare(&self, other: &Self, name: &str) -> std::cmp::Ordering {
        match name {
            "id" => self.id.cmp(&other.id),
            "memory" => self.memory.cmp(&other.memory),
            "disk" => self.disk.cmp(&other.disk),
            _ => self.column(name).cmp(&other.column(name)),
        }
    }
}
