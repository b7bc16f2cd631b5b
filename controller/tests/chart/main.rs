//! The Helm chart, with the real helm against a real Kubernetes API server: what it renders and refuses, its life from install
//! to uninstall, and that it grants the controller exactly what it asks for.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod cluster;
mod life;
#[path = "../markdown/mod.rs"]
#[allow(dead_code, reason = "only the tests of the documentation follow links")]
mod markdown;
mod nodes;
mod rights;
mod values;
