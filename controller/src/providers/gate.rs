//! The gate in front of an instance: every call to its provider passes here, and nowhere else.

mod queue;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use hostwright_plugin::{Class, Error, Scope};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use self::queue::{Queue, Ticket};
use super::breaker::{Breaker, BreakerState, Passage};
use super::limiter::Limiter;
use crate::clock::Clock;

/// The longest that one call may take; waiting at the gate does not count. Plugins give up earlier on their own.
pub const CALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a provider is left alone that throttles without saying for how long.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_mins(1);
/// The longest that a provider is believed when it says how long to wait.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// Makes a remote.
    Create,
    /// Changes or ends one.
    Mutation,
    /// Looks only. Waits until no mutation waits.
    Observation,
}

impl CallKind {
    /// Tokens that a call takes. A call makes several requests: a create looks for its owner and a place first, a
    /// mutation looks at the remote before it changes it. Counted ahead, since nobody counts them at the provider's door.
    const fn cost(self) -> u32 {
        match self {
            Self::Create => 3,
            Self::Mutation => 2,
            Self::Observation => 1,
        }
    }
}

/// How hard a provider may be driven. None of anything counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// Requests a minute.
    pub requests_per_minute: u32,
    /// Calls at once.
    pub max_concurrent: usize,
    /// Creates at once.
    pub max_concurrent_creates: usize,
}

/// Why a call is not let through. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The provider asked to be left alone.
    RateLimited {
        /// Until then.
        until: Timestamp,
    },
    /// The provider is down.
    CircuitOpen {
        /// When one call may try.
        until: Timestamp,
    },
}

/// The gate in front of one instance: requests a minute, calls at once, circuit breaker, deadline, panic isolation.
pub struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Wakes everybody who waits: few do, as few as there are reconciles at once.
    changed: Notify,
}

struct State {
    limits: GateLimits,
    limiter: Limiter,
    breaker: Breaker,
    left_alone_until: Option<Instant>,
    running: usize,
    creating: usize,
    queue: Queue,
}

impl Gate {
    /// A gate with these limits, its bucket full and its breaker closed.
    pub fn new(clock: Arc<dyn Clock>, limits: GateLimits) -> Self {
        let state = State {
            limits,
            limiter: Limiter::new(limits.requests_per_minute, Instant::now()),
            breaker: Breaker::default(),
            left_alone_until: None,
            running: 0,
            creating: 0,
            queue: Queue::default(),
        };
        Self { shared: Arc::new(Shared { clock, state: Mutex::new(state), changed: Notify::new() }) }
    }

    /// Changes the limits. Running calls go on.
    pub fn configure(&self, limits: GateLimits) {
        let mut state = self.shared.state();
        state.limits = limits;
        state.limiter.set_rate(limits.requests_per_minute, Instant::now());
        self.shared.changed.notify_waiters();
    }

    /// Waits for tokens and a free slot. Mutations overtake waiting observations; within each, who came first goes first,
    /// save that a create waiting for another create stops nobody else.
    ///
    /// # Errors
    /// [`Held`] when the provider wants or needs to be left alone, be it now or while this waits.
    pub async fn admit(&self, kind: CallKind) -> Result<Permit, Held> {
        let place = Place::take(&self.shared, kind);
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            // Before looking, so that no change falls between looking and waiting.
            changed.as_mut().enable();
            match self.shared.try_admit(kind, place.ticket)? {
                Attempt::Admitted(passage) => {
                    return Ok(Permit { shared: self.shared.clone(), kind, passage });
                }
                Attempt::WaitForChange => changed.await,
                // When there is no change meanwhile, the time itself is the change.
                Attempt::WaitForTokens(wait) => drop(tokio::time::timeout(wait, changed).await),
            }
        }
    }

    /// Carries out a call for a service; empty for a connection test or a list. Frees the permit's place afterwards.
    ///
    /// # Errors
    /// The call's own. One that takes longer than [`CALL_TIMEOUT`] or panics is [`Class::Unknown`] where it may have
    /// changed something; else a late one is [`Class::Unavailable`] and a panic [`Class::Internal`].
    pub async fn call<T>(
        &self,
        mut permit: Permit,
        service: &str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let guarded = AssertUnwindSafe(call).catch_unwind();
        let result = match tokio::time::timeout(CALL_TIMEOUT, guarded).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(panicked(permit.kind)),
            Err(_elapsed) => Err(timed_out(permit.kind)),
        };
        permit.record(service, result.as_ref().err());
        result
    }

    /// Until when the provider asked to be left alone; None when it did not, or the time is over.
    pub fn rate_limited_until(&self) -> Option<Timestamp> {
        let now = Instant::now();
        let wait = self.shared.state().left_alone_for(now)?;
        Some(self.shared.in_future(wait))
    }

    /// The state of the breaker.
    pub fn breaker_state(&self) -> BreakerState {
        self.shared.state().breaker.state(Instant::now(), |wait| self.shared.in_future(wait))
    }
}

/// What came of asking for a permit.
enum Attempt {
    Admitted(Passage),
    WaitForTokens(Duration),
    WaitForChange,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_admit(&self, kind: CallKind, ticket: Ticket) -> Result<Attempt, Held> {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(wait) = state.left_alone_for(now) {
            return Err(Held::RateLimited { until: self.in_future(wait) });
        }
        let circuit_open = |wait| Held::CircuitOpen { until: self.in_future(wait) };
        state.breaker.check(now).map_err(circuit_open)?;
        if !state.is_next(ticket) {
            return Ok(Attempt::WaitForChange);
        }
        // Tokens last: once taken they are spent.
        if let Err(wait) = state.limiter.take(now, kind.cost()) {
            return Ok(Attempt::WaitForTokens(wait));
        }
        let passage = state.breaker.pass(now).map_err(circuit_open)?;
        state.running += 1;
        state.creating += usize::from(kind == CallKind::Create);
        Ok(Attempt::Admitted(passage))
    }

    /// The time on the wall after a wait, in whole seconds as the clock has them, and not before the wait is over.
    fn in_future(&self, wait: Duration) -> Timestamp {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let now = self.clock.now();
        now.saturating_add(SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX))).unwrap_or(now)
    }
}

impl State {
    fn left_alone_for(&self, now: Instant) -> Option<Duration> {
        let until = self.left_alone_until.filter(|until| *until > now)?;
        Some(until - now)
    }

    fn is_next(&self, ticket: Ticket) -> bool {
        let creates_are_full = self.creating >= self.limits.max_concurrent_creates.max(1);
        self.running < self.limits.max_concurrent.max(1) && self.queue.next(creates_are_full) == Some(ticket)
    }
}

/// A place in the queue, given up when dropped: by being admitted, refused or cancelled.
struct Place<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl<'a> Place<'a> {
    fn take(shared: &'a Shared, kind: CallKind) -> Self {
        let ticket = shared.state().queue.enter(kind);
        Self { shared, ticket }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.state().queue.leave(self.ticket);
        self.shared.changed.notify_waiters();
    }
}

/// Leave to make one call. Dropped without a call it frees its place; the tokens stay spent.
#[must_use = "a permit that is dropped is given back"]
pub struct Permit {
    shared: Arc<Shared>,
    kind: CallKind,
    passage: Passage,
}

impl Permit {
    fn record(&mut self, service: &str, error: Option<&Error>) {
        let now = Instant::now();
        let mut state = self.shared.state();
        state.breaker.record(now, self.passage, service, error);
        self.passage = Passage::Free;
        if let Some(error) = error.filter(|error| error.class == Class::RateLimited) {
            let wait = error.retry_after.unwrap_or(DEFAULT_RETRY_AFTER).min(LONGEST_RETRY_AFTER);
            state.left_alone_until = state.left_alone_until.max(Some(now + wait));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.running -= 1;
        state.creating -= usize::from(self.kind == CallKind::Create);
        state.breaker.give_back(self.passage);
        drop(state);
        self.shared.changed.notify_waiters();
    }
}

fn timed_out(kind: CallKind) -> Error {
    let seconds = CALL_TIMEOUT.as_secs();
    let (class, message) = match kind {
        CallKind::Observation => (Class::Unavailable, format!("no answer within {seconds} s")),
        CallKind::Create | CallKind::Mutation => {
            (Class::Unknown, format!("no answer within {seconds} s; it may have been carried out all the same"))
        }
    };
    Error::new(class, "deadline", message).scoped(Scope::Instance)
}

/// What the panic said is in the process's log: it may quote anything, so it goes no further.
fn panicked(kind: CallKind) -> Error {
    let (class, message) = match kind {
        CallKind::Observation => (Class::Internal, "the plugin crashed; its log says where"),
        CallKind::Create | CallKind::Mutation => {
            (Class::Unknown, "the plugin crashed during the call, which may have been carried out; its log says where")
        }
    };
    Error::new(class, "panic", message)
}

#[cfg(test)]
mod tests;
