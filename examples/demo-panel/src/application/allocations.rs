//! Allocations of nodes.

use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::{Path, State as Extract};
use axum::routing::{delete, get};
use serde_json::{Map, Value, json};

use super::nodes::{bind, node_item};
use super::servers::view::server_item;
use crate::errors::ApiError;
use crate::http::envelope::{item, null_resource};
use crate::http::{Call, Includes, Listing, Reply, Searchable, no_content, ok};
use crate::panel::Panel;
use crate::records::Allocation;
use crate::state::State;
use crate::validation::Field;

/// Largest number of ports in one range.
pub(super) const LARGEST_RANGE: u32 = 1000;
const LAST_PRIVILEGED_PORT: u32 = 1024;

pub(super) fn routes() -> Router<Panel> {
    Router::new()
        .route("/nodes/{id}/allocations", get(index).post(store))
        .route("/nodes/{id}/allocations/{allocation}", delete(destroy))
}

async fn index(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let state = panel.lock();
    let node = bind(&state, &id)?.id;
    call.may_read(&state)?;
    let path = format!("/api/application/nodes/{node}/allocations");
    let listing = Listing { filters: &["ip", "port", "ip_alias", "server_id"], ..Listing::new(&path) };
    let includes = call.includes();
    let allocations = state.allocations.rows().filter(|allocation| allocation.node == node);
    ok(listing.page(&call, allocations, |allocation| allocation_item(&state, allocation, &includes))?)
}

async fn store(Extract(panel): Extract<Panel>, call: Call, Path(id): Path<String>) -> Reply {
    let mut state = panel.lock();
    let node = bind(&state, &id)?.id;
    call.may_write(&state)?;
    call.validate(
        &state,
        &[
            Field::new("ip", "required|string"),
            Field::new("alias", "sometimes|nullable|string|max:191"),
            Field::new("ports", "required|array"),
            Field::new("ports.*", "string"),
        ],
    )?;
    let addresses = addresses(&call.text("ip").unwrap_or_default())?;
    let mut ports = Vec::new();
    for entry in call.texts("ports") {
        ports.extend(ports_of(&entry)?);
    }
    let alias = call.text("alias");
    for ip in addresses {
        state.add_allocations(node, &ip.to_string(), ports.iter().copied(), alias.as_deref());
    }
    no_content()
}

async fn destroy(Extract(panel): Extract<Panel>, call: Call, Path((id, allocation)): Path<(String, String)>) -> Reply {
    let mut state = panel.lock();
    let node = bind(&state, &id)?.id;
    let found = allocation.parse().ok().and_then(|id| state.allocations.get(id));
    let found = found.filter(|allocation| allocation.node == node).ok_or_else(ApiError::not_found)?;
    let (id, assigned) = (found.id, found.server.is_some());
    call.may_write(&state)?;
    if assigned {
        return Err(ApiError::new(
            400,
            "ServerUsingAllocationException",
            "A server is currently assigned to this allocation. An allocation can only be deleted if no server is \
             currently assigned.",
        ));
    }
    state.allocations.remove(id);
    no_content()
}

/// The addresses an `ip` stands for: itself, or those of a network of 25 to 32 bits.
fn addresses(ip: &str) -> Result<Vec<Ipv4Addr>, ApiError> {
    let (address, bits) = match ip.split_once('/') {
        None => (ip, 32),
        Some((address, bits)) => {
            let bits = bits.parse().ok().filter(|bits| (25..=32).contains(bits));
            let detail = "CIDR notation only allows masks between /25 and /32.";
            (address, bits.ok_or_else(|| ApiError::new(400, "CidrOutOfRangeException", detail))?)
        }
    };
    let address: Ipv4Addr = address.parse().map_err(|_| {
        ApiError::display(format!("Could not parse provided allocation IP address ({ip}): Invalid IP address format"))
    })?;
    let size = 1_u32 << (32 - bits);
    let first = u32::from(address) & !(size - 1);
    Ok((0..size).map(|offset| Ipv4Addr::from(first | offset)).collect())
}

/// The ports an entry stands for: one, or a range `first-last`.
fn ports_of(entry: &str) -> Result<Vec<u16>, ApiError> {
    let (first, last) = match port_range(entry) {
        Some(range) => range,
        None if !entry.is_empty() && entry.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = entry.parse().unwrap_or(u32::MAX);
            (port, port)
        }
        None => {
            let detail = format!("The mapping provided for {entry} was invalid and could not be processed.");
            return Err(ApiError::new(400, "InvalidPortMappingException", detail));
        }
    };
    // PHP's range counts downwards too.
    let (low, high) = (first.min(last), first.max(last));
    if high - low >= LARGEST_RANGE {
        let detail = "Adding more than 1000 ports in a single range at once is not supported.";
        return Err(ApiError::new(400, "TooManyPortsInRangeException", detail));
    }
    let out_of_range = || {
        let detail = "Ports in an allocation must be greater than 1024 and less than or equal to 65535.";
        ApiError::new(400, "PortOutOfRangeException", detail)
    };
    if low <= LAST_PRIVILEGED_PORT {
        return Err(out_of_range());
    }
    (low..=high).map(|port| u16::try_from(port).map_err(|_| out_of_range())).collect()
}

/// Reads `first-last`, both of four or five digits.
pub(super) fn port_range(entry: &str) -> Option<(u32, u32)> {
    let (first, last) = entry.split_once('-')?;
    let number = |text: &str| {
        let valid = (4..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| text.parse().ok()).flatten()
    };
    number(first).zip(number(last))
}

/// An allocation as the application API shows it.
pub(crate) fn allocation_item(state: &State, allocation: &Allocation, includes: &Includes) -> Value {
    let attributes = json!({
        "id": allocation.id,
        "ip": allocation.ip,
        "alias": allocation.alias,
        "port": allocation.port,
        "notes": allocation.notes,
        "assigned": allocation.server.is_some(),
    });
    let mut relationships = Map::new();
    if includes.has("node") {
        let nested = includes.within("node");
        let node = state.nodes.get(allocation.node);
        let node = node.map_or_else(null_resource, |node| node_item(state, node, &nested));
        relationships.insert("node".to_owned(), node);
    }
    if includes.has("server") {
        let nested = includes.within("server");
        let server = allocation.server.and_then(|server| state.servers.get(server));
        let server = server.map_or_else(null_resource, |server| server_item(state, server, &nested));
        relationships.insert("server".to_owned(), server);
    }
    item("allocation", attributes, relationships)
}

impl Searchable for Allocation {
    fn column(&self, name: &str) -> Option<String> {
        match name {
            "ip" => Some(self.ip.clone()),
            "port" => Some(self.port.to_string()),
            "ip_alias" => self.alias.clone(),
            "server_id" => self.server.map(|server| server.to_string()),
            _ => None,
        }
    }

    fn is_exact(name: &str) -> bool {
        name != "ip_alias"
    }
}
