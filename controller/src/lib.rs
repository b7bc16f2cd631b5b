//! Hostwright: drives hosting services at their providers from Kubernetes objects.
//!
//! A room a kind ([`service`], [`instance`], [`package`], [`plugin`]), with the same doors in each: resolve, validate, plan,
//! execute, report. [`manager`] wires them to the watches.

pub mod cli;
pub mod clock;
pub mod context;
pub mod instance;
pub mod kube;
pub mod manager;
pub mod package;
pub mod plugin;
pub mod providers;
pub mod service;
pub mod telemetry;
