//! The plugin against the demo panel, in process, and against answers no panel should give.

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
mod support;
