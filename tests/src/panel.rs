//! The panel as a test sees it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use demo_panel::{Config, InstallMode, Panel, Server};

use crate::{API_KEY, INSTALLATION, NAMESPACE};

/// The panel.
pub struct PanelSide {
    /// The panel itself: its faults, and changes made behind the API's back.
    pub panel: Panel,
    /// External ids seen so far.
    seen: Mutex<BTreeSet<String>>,
}

impl PanelSide {
    pub(crate) fn new() -> Self {
        let panel = Panel::new(Config { application_key: API_KEY.to_owned(), ..Config::default() });
        add_node(&panel);
        Self { panel, seen: Mutex::default() }
    }

    /// The external id of a service.
    pub fn external_id(service: &str) -> String {
        let (namespace, name) = service.split_once('/').unwrap_or((NAMESPACE, service));
        format!("{INSTALLATION}.{namespace}.{name}")
    }

    /// The server of a service.
    #[track_caller]
    pub fn server(&self, service: &str) -> Server {
        let server = self.panel.server(&Self::external_id(service));
        server.unwrap_or_else(|| panic!("{service} has no server on the panel; there are {:?}", self.hosted()))
    }

    /// External ids of the servers that are there.
    pub fn hosted(&self) -> Vec<String> {
        let servers = self.panel.servers().into_iter();
        servers
            .map(|server| server.external_id.unwrap_or_else(|| format!("without external id: {}", server.name)))
            .collect()
    }

    /// One server for each of these services, and no other.
    #[track_caller]
    pub fn hosts_exactly<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        let mut wanted: Vec<String> = services.into_iter().map(Self::external_id).collect();
        let mut found = self.hosted();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "servers on the panel");
    }

    /// From now on installations do not end by themselves. The panel is reset, so this comes first.
    pub fn holding_installations(&self) {
        self.panel.reset(InstallMode::Hold);
        add_node(&self.panel);
    }

    /// How many requests with this method and a path that ends like this were received.
    pub fn requests(&self, method: &str, path: &str) -> u64 {
        self.panel.requests(method, &format!("/api/application/{path}"))
    }

    /// Fails when a service ever had two servers at once.
    #[track_caller]
    pub(crate) fn never_had_two_of_one(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.extend(self.panel.servers().into_iter().filter_map(|server| server.external_id));
        for id in seen.iter() {
            assert!(self.panel.max_live_per_external_id(id) <= 1, "{id} had two servers at once");
        }
    }
}

/// Room for more than any test orders, and 50 ports.
fn add_node(panel: &Panel) {
    panel.add_node("n1", 1, 1_000_000, 1_000_000, 50);
}
