//! A small embedded Kubernetes API server.
//!
//! It keeps everything in memory, is an [`axum::Router`], and knows no type of the project it serves: custom resources
//! come from the `CustomResourceDefinition`s applied to it. Hand the router to `kube::Client::new` for tests without a
//! socket, or serve it on loopback for kubectl.
//!
//! What it is not: no pods, no nodes, no RBAC, no admission webhooks, and one process.

mod access;
mod builtin;
mod clock;
mod column;
mod crd;
mod credentials;
mod decode;
mod discovery;
mod durable;
mod faults;
mod field;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod garbage;
mod gate;
mod handlers;
mod human;
mod journal;
mod jsonpath;
mod limits;
mod managed;
mod metadata;
mod namespace;
mod object;
mod openapi;
mod patches;
mod protobuf;
mod query;
mod registry;
mod request;
mod resource;
mod response;
mod route;
mod scale;
mod schema;
mod server;
mod shared;
mod state;
mod status;
mod store;
mod syntax;
mod table;
mod transport;
mod warning;
mod watch;

pub use credentials::{Authority, Credentials, CredentialsError, Token, write_private};
pub use durable::{OpenError, backup, restore};
pub use faults::{Fault, Faults, Matcher, Request};
pub use limits::Limits;
pub use server::{Config, Server};
