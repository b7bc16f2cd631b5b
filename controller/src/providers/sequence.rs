//! A process-wide order of requests.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers requests in the order they *start*: an observation that started before a mutation is older than it, whenever
/// its answer arrives.
#[derive(Debug, Default)]
pub struct Sequence(AtomicU64);

impl Sequence {
    /// The next number; the first is 1.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}
