//! The plugin against the demo panel, in process, and against answers no panel should give.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its fixtures too")]

mod adopt;
mod connection;
mod create;
mod errors;
mod lifecycle;
mod list;
mod network;
mod observe;
mod owner;
mod pelican;
mod scale;
mod schemas;
mod support;
