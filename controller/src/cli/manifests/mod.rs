//! Manifests: YAML and JSON as people write them, and how they reach a cluster.

mod apply;
pub(super) mod document;
pub(super) mod faults;
mod read;
pub(super) mod scan;

pub(super) use apply::Applying;
pub(super) use read::{Manifest, order, read_all};
