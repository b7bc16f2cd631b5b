//! The handle to a running panel.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;

use crate::config::{Config, InstallMode};
use crate::faults::Faults;
use crate::http;
use crate::records::{Allocation, Node, NodeId, Server, User};
use crate::state::State;
use crate::wings::{Wings, WingsFailure, WingsMode};

/// A panel in memory. Clones share one state.
#[derive(Clone, Debug)]
pub struct Panel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    state: Mutex<State>,
}

impl Panel {
    /// A fresh panel: one location, one root administrator, the built-in eggs, and nothing else.
    pub fn new(config: Config) -> Self {
        let state = State::initial(&config, config.install);
        Self { shared: Arc::new(Shared { config, state: Mutex::new(state) }) }
    }

    /// The HTTP API, usable with or without a socket.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// Adds a node `n1` of 8192 MiB memory and 50000 MiB disk with 50 allocations from port 25565.
    pub fn seed_demo(&self) -> NodeId {
        self.lock().add_node("n1", 1, 8192, 50_000, 50)
    }

    /// Returns to the fresh state, with Wings answering normally and without faults.
    pub fn reset(&self, install: InstallMode) {
        *self.lock() = State::initial(&self.shared.config, install);
    }

    /// Makes Wings on every node answer like this.
    pub fn set_wings(&self, mode: WingsMode) {
        let mut state = self.lock();
        state.wings.mode = mode;
        state.wings.by_node.clear();
    }

    /// Makes Wings on one node answer like this, whatever the others do.
    pub fn set_node_wings(&self, node: NodeId, mode: WingsMode) {
        self.lock().wings.by_node.insert(node, mode);
    }

    /// Makes every call to Wings take this long; a server being created is visible meanwhile.
    pub fn set_wings_latency(&self, latency: Duration) {
        self.lock().wings.latency = latency;
    }

    /// Makes installations that start from now on take this long.
    pub fn set_install_delay(&self, delay: Duration) {
        self.lock().install_delay = delay;
    }

    /// Replaces the panel's own misbehaviour.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Changes the panel's own misbehaviour.
    pub fn update_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock().faults);
    }

    /// All servers, in the order of their ids.
    pub fn servers(&self) -> Vec<Server> {
        self.lock().servers.rows().cloned().collect()
    }

    /// The first server with this external id.
    pub fn server(&self, external_id: &str) -> Option<Server> {
        self.lock().servers.rows().find(|server| server.external_id.as_deref() == Some(external_id)).cloned()
    }

    /// All users, in the order of their ids.
    pub fn users(&self) -> Vec<User> {
        self.lock().users.rows().cloned().collect()
    }

    /// All nodes, in the order of their ids.
    pub fn nodes(&self) -> Vec<Node> {
        self.lock().nodes.rows().cloned().collect()
    }

    /// All allocations, in the order of their ids.
    pub fn allocations(&self) -> Vec<Allocation> {
        self.lock().allocations.rows().cloned().collect()
    }

    /// How many servers have this external id now.
    pub fn live_servers(&self, external_id: &str) -> usize {
        self.lock().live_servers(external_id)
    }

    /// The most servers that ever had this external id at once.
    pub fn max_live_per_external_id(&self, external_id: &str) -> usize {
        self.lock().most_live.get(external_id).copied().unwrap_or_default()
    }

    /// How many requests with this method and exactly this path were received, whatever the answer.
    pub fn requests(&self, method: &str, path: &str) -> u64 {
        self.lock().requests.get(&(method.to_ascii_uppercase(), path.to_owned())).copied().unwrap_or_default()
    }

    /// How many requests with this method and a path that begins like this were received, whatever the answer.
    pub fn requests_below(&self, method: &str, prefix: &str) -> u64 {
        let requests = &self.lock().requests;
        requests
            .iter()
            .filter(|((seen_method, path), _)| seen_method.eq_ignore_ascii_case(method) && path.starts_with(prefix))
            .map(|(_, count)| count)
            .sum()
    }

    /// How many API requests were received in all.
    pub fn total_requests(&self) -> u64 {
        self.lock().requests.values().sum()
    }

    /// The state behind its lock, which no await point may be crossed with. A panic elsewhere does not spread.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn public_url(&self) -> Option<&str> {
        self.shared.config.public_url.as_deref()
    }

    /// Calls Wings on a node as it answers at this moment.
    pub(crate) async fn call_wings(&self, node: NodeId) -> Result<(), WingsFailure> {
        let wings: Wings = self.lock().wings.clone();
        wings.call(node).await
    }

    /// Lets Wings finish the installation that just began, unless installations are held.
    pub(crate) fn begin_installation(&self, uuid: &str) {
        let (delay, installation) = {
            let state = self.lock();
            let Some(server) = state.server_by_uuid(uuid) else {
                return;
            };
            if state.install == InstallMode::Hold {
                return;
            }
            (state.install_delay, server.installation)
        };
        let (panel, uuid) = (self.clone(), uuid.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut state = panel.lock();
            if state.server_by_uuid(&uuid).is_some_and(|server| server.installation == installation) {
                state.end_installation(&uuid, None);
            }
        });
    }
}
