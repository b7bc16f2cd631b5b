//! The panel as its clients see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation of a helper fails the test")]

mod access;
mod changes;
mod client_api;
mod creation;
mod faults;
mod lifecycle;
mod lists;
mod nodes;
mod pelican;
mod recorded;
mod support;
mod users;
