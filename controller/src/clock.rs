//! The time, as something that tests can step.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Status holds whole seconds, so nothing finer may decide anything.
        whole_seconds(Timestamp::now())
    }
}

/// A clock that follows tokio's, so that pausing and stepping that one steps this one.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    base: Timestamp,
    started: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `base` now.
    pub fn starting_at(base: Timestamp) -> Self {
        Self { base, started: tokio::time::Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        whole_seconds(self.base.saturating_add(self.started.elapsed()).unwrap_or(self.base))
    }
}

/// The time by two clocks: that of this machine and that of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The one that is behind.
    pub earlier: Timestamp,
    /// The one that is ahead.
    pub later: Timestamp,
}

impl Clocks {
    /// How far apart two clocks may be that show the same time.
    const TOLERANCE: Duration = Duration::from_mins(2);

    /// This machine's, and the API server's where that is known.
    pub fn of(local: Timestamp, server: Option<Timestamp>) -> Self {
        let server = server.unwrap_or(local);
        Self { earlier: local.min(server), later: local.max(server) }
    }

    /// Whether what depends on the date may be done.
    pub fn agree(self) -> bool {
        self.earlier.saturating_add(Self::TOLERANCE).is_ok_and(|latest| self.later <= latest)
    }
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_agree_up_to_two_minutes_and_one_alone_with_itself() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(Clocks::of(at(0), None).agree());
        for (local, server, agree) in [(0, 120, true), (120, 0, true), (0, 121, false), (121, 0, false)] {
            let clocks = Clocks::of(at(local), Some(at(server)));
            assert_eq!(clocks.agree(), agree, "{local} {server}");
            assert_eq!((clocks.earlier, clocks.later), (at(0), at(local.max(server))));
        }
    }
}
