//! Where a new server goes.

use rand::seq::IteratorRandom;
use serde_json::Value;

use super::super::allocations::{LARGEST_RANGE, port_range};
use crate::errors::ApiError;
use crate::http::Call;
use crate::records::{Allocation, AllocationId, Limits, Node, NodeId};
use crate::state::State;

/// The node of a new server and its default allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) node: NodeId,
    pub(super) allocation: Option<AllocationId>,
}

/// Takes the wanted allocation, or draws one at random from the free ones of the nodes with room.
pub(super) fn place(state: &State, call: &Call, limits: &Limits) -> Result<Placement, ApiError> {
    if is_deployed(call) {
        let nodes = viable_nodes(state, call, limits)?;
        return draw(state, call, &nodes);
    }
    let wanted = call.id("allocation.default").and_then(|id| state.allocations.get(id));
    match wanted {
        Some(allocation) => Ok(Placement { node: allocation.node, allocation: Some(allocation.id) }),
        // Only Pelican's rules let a request without an allocation come this far.
        None => Ok(Placement { node: viable_nodes(state, call, limits)?[0], allocation: None }),
    }
}

/// Whether the panel chooses the allocation.
pub(super) fn is_deployed(call: &Call) -> bool {
    match call.input("deploy") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

/// The public nodes in the wanted locations that have room. Never empty.
fn viable_nodes(state: &State, call: &Call, limits: &Limits) -> Result<Vec<NodeId>, ApiError> {
    let locations = call.ids("deploy.locations");
    let tags = call.texts("deploy.tags");
    let wanted = |node: &&Node| {
        if state.dialect.is_pelican() {
            tags.is_empty() || tags.iter().any(|tag| node.tags.contains(tag))
        } else {
            locations.is_empty() || locations.contains(&node.location)
        }
    };
    let viable: Vec<NodeId> = state
        .nodes
        .rows()
        .filter(|node| node.public)
        .filter(wanted)
        .filter(|node| has_room(state, node, limits))
        .map(|node| node.id)
        .collect();
    if viable.is_empty() { Err(no_viable_node()) } else { Ok(viable) }
}

fn no_viable_node() -> ApiError {
    let detail = "No nodes satisfying the requirements specified for automatic deployment could be found.";
    ApiError::new(400, "NoViableNodeException", detail)
}

fn has_room(state: &State, node: &Node, limits: &Limits) -> bool {
    let used = |part: fn(&Limits) -> i64| -> i128 {
        state.servers_on(node.id).map(|server| i128::from(part(&server.limits))).sum::<i128>()
            + i128::from(part(limits))
    };
    let fits =
        |used: i128, size: i64, overallocate: i64| used * 100 <= i128::from(size) * (100 + i128::from(overallocate));
    fits(used(|limits| limits.memory), node.memory, node.memory_overallocate)
        && fits(used(|limits| limits.disk), node.disk, node.disk_overallocate)
}

fn draw(state: &State, call: &Call, nodes: &[NodeId]) -> Result<Placement, ApiError> {
    let ranges = port_ranges(&call.texts("deploy.port_range"))?;
    let dedicated = call.boolean("deploy.dedicated_ip").unwrap_or_default();
    let fits = |allocation: &&Allocation| {
        let port = u32::from(allocation.port);
        allocation.server.is_none()
            && nodes.contains(&allocation.node)
            && (ranges.is_empty() || ranges.iter().any(|(first, last)| (*first..=*last).contains(&port)))
            && !(dedicated && is_shared(state, allocation))
    };
    let drawn = state.allocations.rows().filter(fits).choose(&mut rand::rng());
    let allocation = drawn.ok_or_else(|| {
        let detail = "No allocations satisfying the requirements for automatic deployment were found.";
        ApiError::new(400, "NoViableAllocationException", detail)
    })?;
    Ok(Placement { node: allocation.node, allocation: Some(allocation.id) })
}

/// Whether some server has an allocation at the same address.
fn is_shared(state: &State, allocation: &Allocation) -> bool {
    state
        .allocations
        .rows()
        .any(|other| other.server.is_some() && other.node == allocation.node && other.ip == allocation.ip)
}

/// Reads single ports and ranges; the panel ignores anything else.
fn port_ranges(entries: &[String]) -> Result<Vec<(u32, u32)>, ApiError> {
    let mut ranges = Vec::new();
    for entry in entries {
        if let Some((first, last)) = port_range(entry) {
            if first.abs_diff(last) > LARGEST_RANGE {
                return Err(ApiError::display(
                    "Adding more than 1000 ports in a single range at once is not supported.",
                ));
            }
            ranges.push((first, last));
        } else if let Ok(port) = entry.parse::<u32>() {
            ranges.push((port, port));
        }
    }
    Ok(ranges)
}
