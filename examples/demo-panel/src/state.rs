//! Everything the panel remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::catalogue::{Catalogue, Egg};
use crate::clock::Clock;
use crate::config::{Config, Dialect, InstallMode, RateLimits};
use crate::errors::ApiError;
use crate::faults::Faults;
use crate::keys::{self, Key};
use crate::rate_limit::RateLimiter;
use crate::records::{Allocation, Location, Node, NodeId, PowerState, Server, ServerId, ServerStatus, User, UserId};
use crate::table::Table;
use crate::validation::{self, Lookup};
use crate::wings::Wings;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) dialect: Dialect,
    /// When the catalogue was written, the date of nests and eggs.
    pub(crate) seeded_at: Timestamp,
    pub(crate) catalogue: Catalogue,
    pub(crate) keys: Vec<Key>,
    pub(crate) users: Table<User>,
    pub(crate) locations: Table<Location>,
    pub(crate) nodes: Table<Node>,
    pub(crate) allocations: Table<Allocation>,
    pub(crate) servers: Table<Server>,
    pub(crate) install: InstallMode,
    pub(crate) install_delay: Duration,
    pub(crate) wings: Wings,
    pub(crate) faults: Faults,
    pub(crate) limiter: RateLimiter,
    /// Requests seen, by method and path.
    pub(crate) requests: BTreeMap<(String, String), u64>,
    /// The most servers that ever existed at once, by external id.
    pub(crate) most_live: BTreeMap<String, usize>,
}

impl State {
    /// A panel without users, nodes and servers.
    pub(crate) fn empty(config: &Config, install: InstallMode) -> Self {
        let clock = Clock::starting_now();
        Self {
            seeded_at: clock.now(),
            clock,
            dialect: config.dialect,
            catalogue: Catalogue::built_in(),
            keys: keys::configured(config),
            users: Table::default(),
            locations: Table::default(),
            nodes: Table::default(),
            allocations: Table::default(),
            servers: Table::default(),
            install,
            install_delay: config.install_delay,
            wings: Wings::default(),
            faults: Faults::default(),
            limiter: RateLimiter::default(),
            requests: BTreeMap::new(),
            most_live: BTreeMap::new(),
        }
    }

    pub(crate) fn rate_limits(&self) -> RateLimits {
        self.faults.rate_limits.unwrap_or(self.dialect.rate_limits())
    }

    pub(crate) fn key(&self, token: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.token == token && self.users.get(key.user).is_some())
    }

    pub(crate) fn is_root_admin(&self, user: UserId) -> bool {
        self.users.get(user).is_some_and(|user| user.root_admin)
    }

    pub(crate) fn egg(&self, id: u64) -> Result<&Egg, ApiError> {
        self.catalogue.egg(id).ok_or_else(ApiError::not_found)
    }

    /// The server an id in a path names.
    pub(crate) fn server(&self, id: &str) -> Result<&Server, ApiError> {
        id.parse().ok().and_then(|id| self.servers.get(id)).ok_or_else(ApiError::not_found)
    }

    pub(crate) fn server_by_uuid(&self, uuid: &str) -> Option<&Server> {
        self.servers.rows().find(|server| server.uuid == uuid)
    }

    pub(crate) fn server_by_uuid_mut(&mut self, uuid: &str) -> Option<&mut Server> {
        self.servers.rows_mut().find(|server| server.uuid == uuid)
    }

    pub(crate) fn allocations_of(&self, server: ServerId) -> impl Iterator<Item = &Allocation> {
        self.allocations.rows().filter(move |allocation| allocation.server == Some(server))
    }

    pub(crate) fn servers_on(&self, node: NodeId) -> impl Iterator<Item = &Server> {
        self.servers.rows().filter(move |server| server.node == node)
    }

    pub(crate) fn live_servers(&self, external_id: &str) -> usize {
        self.servers.rows().filter(|server| server.external_id.as_deref() == Some(external_id)).count()
    }

    /// Inserts a server and assigns its allocations to it.
    pub(crate) fn insert_server(&mut self, build: impl FnOnce(ServerId) -> Server, additional: &[u64]) -> ServerId {
        let id = self.servers.insert(build);
        let Some(server) = self.servers.get(id) else { return id };
        let (default, external_id) = (server.allocation, server.external_id.clone());
        for allocation in self.allocations.rows_mut() {
            if default == Some(allocation.id) || additional.contains(&allocation.id) {
                allocation.server = Some(id);
            }
        }
        if let Some(external_id) = external_id {
            self.note_live(&external_id);
        }
        id
    }

    /// Keeps the high-water mark of an external id.
    pub(crate) fn note_live(&mut self, external_id: &str) {
        let live = self.live_servers(external_id);
        let most = self.most_live.entry(external_id.to_owned()).or_default();
        *most = live.max(*most);
    }

    /// Removes a server and frees its allocations. Returns whether it existed.
    pub(crate) fn remove_server(&mut self, uuid: &str) -> bool {
        let Some(id) = self.server_by_uuid(uuid).map(|server| server.id) else {
            return false;
        };
        for allocation in self.allocations.rows_mut().filter(|allocation| allocation.server == Some(id)) {
            allocation.server = None;
            allocation.notes = None;
        }
        self.servers.remove(id).is_some()
    }

    /// Sets the status of a server, if it still exists.
    pub(crate) fn set_status(&mut self, uuid: &str, status: Option<ServerStatus>) {
        let now = self.clock.now();
        if let Some(server) = self.server_by_uuid_mut(uuid) {
            if status != server.status {
                server.updated_at = now;
            }
            if status == Some(ServerStatus::Suspended) {
                server.power = PowerState::Offline;
            }
            server.status = status;
        }
    }

    /// What Wings' report of a finished installation leads to. A suspended server stays suspended.
    pub(crate) fn end_installation(&mut self, uuid: &str, outcome: Option<ServerStatus>) {
        let Some(server) = self.server_by_uuid_mut(uuid) else {
            return;
        };
        let suspended = server.is_suspended();
        if outcome.is_none() && !suspended && server.start_on_completion {
            server.power = PowerState::Running;
        }
        self.set_status(uuid, if suspended { Some(ServerStatus::Suspended) } else { outcome });
    }
}

impl Lookup for State {
    fn contains(&self, table: &str, column: &str, value: &Value, except: Option<u64>) -> bool {
        let Some(wanted) = validation::text(value) else {
            return false;
        };
        // The database's collation ignores case.
        let same = |text: &str| text.to_lowercase() == wanted.to_lowercase();
        let same_id = |id: u64| wanted.trim() == id.to_string();
        let other = |id: u64| except != Some(id);
        match (table, column) {
            ("users", "id") => self.users.rows().any(|user| same_id(user.id)),
            ("users", "email") => self.users.rows().any(|user| other(user.id) && same(&user.email)),
            ("users", "username") => self.users.rows().any(|user| other(user.id) && same(&user.username)),
            ("users", "external_id") => {
                self.users.rows().any(|user| other(user.id) && user.external_id.as_deref().is_some_and(same))
            }
            ("servers", "external_id") => {
                self.servers.rows().any(|server| other(server.id) && server.external_id.as_deref().is_some_and(same))
            }
            ("servers", "allocation_id") => {
                self.servers.rows().any(|server| other(server.id) && server.allocation.is_some_and(same_id))
            }
            ("eggs", "id") => self.catalogue.eggs.iter().any(|egg| same_id(egg.id)),
            ("locations", "id") => self.locations.rows().any(|location| same_id(location.id)),
            ("locations", "short") => self.locations.rows().any(|location| other(location.id) && same(&location.short)),
            ("allocations", "id") => self.allocations.rows().any(|allocation| same_id(allocation.id)),
            ("free_allocations", "id") => {
                self.allocations.rows().any(|allocation| allocation.server.is_none() && same_id(allocation.id))
            }
            _ => false,
        }
    }
}
