//! The time as the server sees it: the wall clock at start, advanced by tokio's clock.

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that stands still while tokio's clock is paused, so that tests decide when time passes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    wall: Timestamp,
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { wall: Timestamp::now(), started: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.wall.checked_add(self.started.elapsed()).unwrap_or(self.wall)
    }

    /// The present second as `metadata` times are written, for example `2026-11-23T15:34:10Z`.
    pub(crate) fn seconds(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}
