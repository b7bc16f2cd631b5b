//! A whole Hostwright in one process, for tests of its behaviour: the embedded API server, a panel, and the real
//! controller between them, on a clock that only tests move.
//!
//! ```no_run
//! # use hostwright_tests::{World, service};
//! # async fn example() {
//! let world = World::new().with(service("alice")).running();
//! world.settles().await;
//! world.service("alice").is_ready();
//! world.panel.hosts_exactly(["alice"]);
//! # }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a library of tests: it reports by failing"
)]

mod cluster;
pub mod crashes;
mod gateway;
pub mod helm;
pub mod kube;
mod log;
mod manifest;
mod panel;
mod scripted;
mod server;
mod view;
mod wire;
mod world;

pub use cluster::{Cluster, Refusal};
pub use gateway::{KubernetesFault, Request};
pub use manifest::{Manifest, instance, namespace, package, password, secret, service};
pub use panel::PanelSide;
pub use scripted::{Fault, Provider, Scripted, SimulatedRemote};
pub use server::is_real_server;
pub use view::View;
pub use wire::{Crash, Moment, Trouble, Wire};
pub use world::World;

/// The credential of the panel. It is planted: no object, event, log line or error may ever show it.
pub const API_KEY: &str = "ptla_planted-5f2c91";
/// The namespace of services where a test says nothing else.
pub const NAMESPACE: &str = "customers";
/// The namespace of the controller.
pub const SYSTEM: &str = "hostwright-system";
/// The installation id.
pub const INSTALLATION: &str = "test";
