//! The states a panel begins with.

use crate::config::{Config, InstallMode};
use crate::records::{Allocation, Location, LocationId, Node, NodeId, User};
use crate::state::State;

/// Address of seeded nodes and their allocations, from the range reserved for documentation.
pub(crate) const NODE_ADDRESS: &str = "192.0.2.10";

/// First port of seeded allocations.
const FIRST_PORT: u16 = 25565;

impl State {
    /// A fresh panel: location 1 `lab`, root administrator 1, the built-in nests and eggs, and nothing else.
    pub(crate) fn initial(config: &Config, install: InstallMode) -> Self {
        let mut state = Self::empty(config, install);
        let now = state.clock.now();
        state.users.insert(|id| User {
            id,
            external_id: None,
            uuid: new_uuid(),
            username: "admin".to_owned(),
            email: "admin@example.com".to_owned(),
            first_name: "Panel".to_owned(),
            last_name: "Administrator".to_owned(),
            language: "en".to_owned(),
            timezone: "UTC".to_owned(),
            root_admin: true,
            created_at: now,
            updated_at: now,
        });
        state.add_location("lab");
        state
    }

    pub(crate) fn add_location(&mut self, short: &str) -> LocationId {
        let now = self.clock.now();
        self.locations.insert(|id| Location {
            id,
            short: short.to_owned(),
            long: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Adds a public node with `memory` and `disk` in MiB and `ports` free allocations.
    pub(crate) fn add_node(&mut self, name: &str, location: LocationId, memory: i64, disk: i64, ports: u16) -> NodeId {
        let now = self.clock.now();
        let node = self.nodes.insert(|id| Node {
            id,
            uuid: new_uuid(),
            public: true,
            name: name.to_owned(),
            location,
            tags: Vec::new(),
            fqdn: NODE_ADDRESS.to_owned(),
            scheme: "http".to_owned(),
            behind_proxy: false,
            maintenance_mode: false,
            memory,
            memory_overallocate: 0,
            disk,
            disk_overallocate: 0,
            upload_size: 100,
            daemon_listen: 8080,
            daemon_sftp: 2022,
            daemon_base: "/var/lib/pterodactyl/volumes".to_owned(),
            created_at: now,
            updated_at: now,
        });
        self.add_allocations(node, NODE_ADDRESS, (0..ports).map(|offset| FIRST_PORT.saturating_add(offset)), None);
        node
    }

    /// Adds allocations to a node; pairs it has already are skipped.
    pub(crate) fn add_allocations(
        &mut self,
        node: NodeId,
        ip: &str,
        ports: impl IntoIterator<Item = u16>,
        alias: Option<&str>,
    ) {
        for port in ports {
            let known = self
                .allocations
                .rows()
                .any(|allocation| allocation.node == node && allocation.ip == ip && allocation.port == port);
            if !known {
                self.allocations.insert(|id| Allocation {
                    id,
                    node,
                    ip: ip.to_owned(),
                    alias: alias.map(str::to_owned),
                    port,
                    notes: None,
                    server: None,
                });
            }
        }
    }
}

pub(crate) fn new_uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
