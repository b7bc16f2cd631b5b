//! Everything that is Kubernetes plumbing: the client, fenced writes, events, leader election, the installation's record.

pub mod client;
mod error;
mod events;
pub mod fenced;
pub mod installation;
pub mod lease;
mod secret;
mod server_time;

pub use client::{REQUEST_TIMEOUT, bounded};
pub use error::WriteError;
pub use events::{EventType, Events};
pub use installation::{Installation, InstallationError, check_installation_id, recorded_installation_id};
pub use lease::Leadership;
pub use secret::{NoValue, value_of};
pub use server_time::ServerTime;

#[cfg(test)]
mod scripted;
