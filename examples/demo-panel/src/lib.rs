//! A stateful stand-in for the HTTP API of a Pterodactyl panel, for demonstrations and tests.
//!
//! It keeps users, nodes, allocations and servers in memory and answers the application API (`/api/application`) and
//! the client API (`/api/client`) as Pterodactyl 1.11 does: the same envelopes, the same order of checks, the same
//! error classes and texts, and the same surprises (an omitted `external_id` is set to null, a failed suspension
//! leaves no status, filters match substrings, and so on). With [`Dialect::Pelican`] it answers as Pelican does.
//!
//! There is no daemon behind it. [`WingsMode`] says how the daemon would answer, installations finish by themselves
//! after a delay, and [`Faults`] makes the panel slow, forgetful or broken.
//!
//! All time comes from `tokio::time`: a paused clock steps installations, delays and rate limits.
//!
//! ```
//! # async fn example() {
//! use demo_panel::{Config, Panel};
//!
//! let panel = Panel::new(Config::default());
//! panel.seed_demo();
//! let router = panel.router(); // serve it, or call it in process
//! assert_eq!(panel.live_servers("service-1"), 0);
//! # let _ = router;
//! # }
//! ```

mod application;
mod catalogue;
mod client;
mod clock;
mod config;
mod errors;
mod faults;
mod http;
mod keys;
mod manipulation;
mod panel;
mod rate_limit;
mod records;
mod seed;
mod state;
mod table;
mod validation;
mod wings;

pub use config::{Config, Dialect, InstallMode, RateLimits};
pub use faults::{Faults, RequestMatch};
pub use keys::Grant;
pub use panel::Panel;
pub use records::{
    Allocation, AllocationId, FeatureLimits, Limits, Location, LocationId, Node, NodeId, PowerState, Server, ServerId,
    ServerStatus, User, UserId,
};
pub use wings::WingsMode;
