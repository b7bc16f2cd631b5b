//! Changes made behind the API's back, as an administrator at the panel's pages would make them.

use std::net::IpAddr;

use crate::keys::{Grant, Key};
use crate::panel::Panel;
use crate::records::{LocationId, Node, NodeId, Server, ServerId, ServerStatus, UserId};

impl Panel {
    /// Deletes a server without asking Wings. Returns whether it existed.
    pub fn delete_server(&self, id: ServerId) -> bool {
        let mut state = self.lock();
        let uuid = state.servers.get(id).map(|server| server.uuid.clone());
        uuid.is_some_and(|uuid| state.remove_server(&uuid))
    }

    /// Suspends a server. Returns whether it exists.
    pub fn suspend_server(&self, id: ServerId) -> bool {
        self.set_server_status(id, Some(ServerStatus::Suspended))
    }

    /// Sets the status of a server. Returns whether it exists.
    pub fn set_server_status(&self, id: ServerId, status: Option<ServerStatus>) -> bool {
        let mut state = self.lock();
        let Some(uuid) = state.servers.get(id).map(|server| server.uuid.clone()) else {
            return false;
        };
        state.set_status(&uuid, status);
        true
    }

    /// Sets memory and disk of a server, both in MiB. Returns whether it exists.
    pub fn resize_server(&self, id: ServerId, memory: i64, disk: i64) -> bool {
        self.edit_server(id, |server| {
            server.limits.memory = memory;
            server.limits.disk = disk;
        })
    }

    /// Changes a server. Returns whether it exists.
    pub fn edit_server(&self, id: ServerId, change: impl FnOnce(&mut Server)) -> bool {
        let mut state = self.lock();
        let now = state.clock.now();
        let Some(server) = state.servers.get_mut(id) else {
            return false;
        };
        change(server);
        server.updated_at = now;
        if let Some(external_id) = server.external_id.clone() {
            state.note_live(&external_id);
        }
        true
    }

    /// Ends the running installation of a server. Returns whether the server exists.
    pub fn finish_installation(&self, id: ServerId, successful: bool) -> bool {
        let mut state = self.lock();
        let Some(uuid) = state.servers.get(id).map(|server| server.uuid.clone()) else {
            return false;
        };
        state.end_installation(&uuid, (!successful).then_some(ServerStatus::InstallFailed));
        true
    }

    /// Adds a location and returns its id.
    pub fn add_location(&self, short: &str) -> LocationId {
        self.lock().add_location(short)
    }

    /// Adds a public node with `memory` and `disk` in MiB and `ports` free allocations, and returns its id.
    pub fn add_node(&self, name: &str, location: LocationId, memory: i64, disk: i64, ports: u16) -> NodeId {
        self.lock().add_node(name, location, memory, disk, ports)
    }

    /// Sets memory and disk of a node, both in MiB. Returns whether it exists.
    pub fn set_node_capacity(&self, id: NodeId, memory: i64, disk: i64) -> bool {
        self.edit_node(id, |node| {
            node.memory = memory;
            node.disk = disk;
        })
    }

    /// Changes a node. Returns whether it exists.
    pub fn edit_node(&self, id: NodeId, change: impl FnOnce(&mut Node)) -> bool {
        let mut state = self.lock();
        let now = state.clock.now();
        let Some(node) = state.nodes.get_mut(id) else {
            return false;
        };
        change(node);
        node.updated_at = now;
        true
    }

    /// Adds a key of a user.
    pub fn add_key(&self, token: &str, user: UserId, grant: Grant) {
        self.lock().keys.push(Key { token: token.to_owned(), user, grant, allowed_ips: Vec::new() });
    }

    /// Lets only these addresses use a key.
    pub fn restrict_key(&self, token: &str, addresses: &[IpAddr]) {
        for key in self.lock().keys.iter_mut().filter(|key| key.token == token) {
            key.allowed_ips = addresses.to_vec();
        }
    }
}
