//! Stops calling an instance that is down, and finds out when it is back.

use std::collections::BTreeSet;
use std::time::Duration;

use hostwright_plugin::{Class, Error, Scope};
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

/// Failures of this many different services open it: one broken service proves nothing about the provider.
const SERVICES: usize = 3;
/// How long it stays open at first.
const FIRST_SPAN: Duration = Duration::from_secs(30);
/// The longest it stays open before the next trial.
const LONGEST_SPAN: Duration = Duration::from_mins(5);
/// When to ask again while a trial runs: nobody knows when it will end.
const TRIAL_WAIT: Duration = Duration::from_secs(5);

/// What people are told of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// No call passes.
    Open {
        /// When one call may try.
        until: Timestamp,
    },
    /// One call may try, or is trying.
    HalfOpen,
}

/// How a call gets past a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// As one of many.
    Free,
    /// As the one that finds out whether the instance is back.
    Trial,
}

/// The circuit breaker of one instance.
#[derive(Debug, Default)]
pub struct Breaker {
    /// Whose calls failed since the last success.
    failing: BTreeSet<String>,
    opening: Option<Opening>,
}

#[derive(Debug)]
struct Opening {
    span: Duration,
    until: Instant,
    trial_runs: bool,
}

impl Opening {
    fn from(now: Instant, span: Duration) -> Self {
        Self { span, until: now + span, trial_runs: false }
    }
}

impl Breaker {
    /// Lets a call pass. A trial ends with [`Breaker::record`] or [`Breaker::give_back`].
    ///
    /// # Errors
    /// How long to wait when it may not pass.
    pub fn pass(&mut self, now: Instant) -> Result<Passage, Duration> {
        self.check(now)?;
        let Some(opening) = &mut self.opening else {
            return Ok(Passage::Free);
        };
        opening.trial_runs = true;
        Ok(Passage::Trial)
    }

    /// Says whether a call would pass.
    ///
    /// # Errors
    /// How long to wait when it would not.
    pub fn check(&self, now: Instant) -> Result<(), Duration> {
        match &self.opening {
            Some(opening) if now < opening.until => Err(opening.until - now),
            Some(opening) if opening.trial_runs => Err(TRIAL_WAIT),
            _ => Ok(()),
        }
    }

    /// Takes the result of a call for a service into account. Calls for none, such as connection tests and lists, count as
    /// the service without a name: alone they cannot open it, and their success closes it.
    pub fn record(&mut self, now: Instant, passage: Passage, service: &str, error: Option<&Error>) {
        match error.map_or(Evidence::Up, evidence) {
            Evidence::Up => *self = Self::default(),
            Evidence::Neither => self.give_back(passage),
            Evidence::Down => self.record_failure(now, passage, service),
        }
    }

    /// Ends a trial that proved nothing: another call may be it.
    pub fn give_back(&mut self, passage: Passage) {
        if let (Passage::Trial, Some(opening)) = (passage, &mut self.opening) {
            opening.trial_runs = false;
        }
    }

    /// What people are told, by both clocks: the one that never jumps, and the one on the wall.
    pub fn state(&self, now: Instant, wall: impl FnOnce(Duration) -> Timestamp) -> BreakerState {
        match &self.opening {
            None => BreakerState::Closed,
            Some(opening) if now < opening.until => BreakerState::Open { until: wall(opening.until - now) },
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn record_failure(&mut self, now: Instant, passage: Passage, service: &str) {
        match (&self.opening, passage) {
            (Some(opening), Passage::Trial) => {
                self.opening = Some(Opening::from(now, (opening.span * 2).min(LONGEST_SPAN)));
            }
            // Sent before it opened: old news.
            (Some(_), Passage::Free) => {}
            (None, _) => {
                self.failing.insert(service.to_owned());
                if self.failing.len() >= SERVICES {
                    self.opening = Some(Opening::from(now, FIRST_SPAN));
                }
            }
        }
    }
}

/// What a failure says of the instance.
enum Evidence {
    Up,
    Down,
    Neither,
}

fn evidence(error: &Error) -> Evidence {
    match (error.scope, error.class) {
        (Scope::Instance, Class::Unavailable | Class::Unknown) => Evidence::Down,
        // Refusing one service takes an instance that answers. The plugin alone gives the classes of the last arm.
        (
            Scope::Service,
            Class::Invalid
            | Class::Unauthorized
            | Class::NotFound
            | Class::Conflict
            | Class::Capacity
            | Class::RateLimited,
        ) => Evidence::Up,
        // One dead node is not a dead panel, nor does it show a living one.
        (Scope::Service | Scope::Placement | Scope::Instance, _) => Evidence::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { breaker: Breaker::default(), now: Instant::now() }
        }

        fn opened() -> Self {
            let mut bench = Self::new();
            for service in ["a", "b", "c"] {
                bench.call(service, Some(&down()));
            }
            assert!(bench.is_open());
            bench
        }

        fn call(&mut self, service: &str, error: Option<&Error>) {
            let passage = self.breaker.pass(self.now).unwrap();
            self.breaker.record(self.now, passage, service, error);
        }

        fn is_open(&self) -> bool {
            self.breaker.check(self.now).is_err()
        }

        fn wait(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }
    }

    fn down() -> Error {
        Error::new(Class::Unavailable, "connect", "connection refused").scoped(Scope::Instance)
    }

    #[test]
    fn three_services_in_a_row_open_it_and_one_does_not() {
        let mut bench = Bench::new();
        for _ in 0..9 {
            bench.call("a", Some(&down()));
        }
        bench.call("b", Some(&down()));
        assert!(!bench.is_open());
        bench.call("c", Some(&down()));
        assert!(bench.is_open());
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let mut bench = Bench::new();
        for outcome in [Some(&down()), Some(&down()), None, Some(&down()), Some(&down())] {
            let service = format!("{:?}", bench.breaker.failing.len());
            bench.call(&service, outcome);
        }
        assert!(!bench.is_open());
    }

    #[test]
    fn connection_tests_alone_cannot_open_it_and_a_good_one_closes_it() {
        let mut bench = Bench::new();
        for _ in 0..9 {
            bench.call("", Some(&down()));
        }
        assert!(!bench.is_open());
        let mut bench = Bench::opened();
        bench.wait(30);
        bench.call("", None);
        assert_eq!(bench.breaker.pass(bench.now), Ok(Passage::Free));
    }

    #[test]
    fn one_dead_node_does_not_open_it_for_all() {
        let mut bench = Bench::new();
        for (service, scope) in
            [("a", Scope::Placement), ("b", Scope::Placement), ("c", Scope::Service), ("d", Scope::Service)]
        {
            bench.call(service, Some(&Error::new(Class::Unavailable, "node", "node 3 is down").scoped(scope)));
        }
        assert!(!bench.is_open());
    }

    #[test]
    fn only_an_answer_of_the_panel_proves_that_it_is_up() {
        let rows = [
            (Scope::Service, Class::NotFound, true),
            (Scope::Service, Class::Invalid, true),
            (Scope::Service, Class::Unknown, false),
            (Scope::Service, Class::Unsupported, false),
            (Scope::Service, Class::Internal, false),
            (Scope::Placement, Class::Capacity, false),
        ];
        for (scope, class, closes) in rows {
            let mut bench = Bench::opened();
            bench.wait(30);
            bench.call("a", Some(&Error::new(class, "code", "message").scoped(scope)));
            let expected = if closes { Passage::Free } else { Passage::Trial };
            assert_eq!(bench.breaker.pass(bench.now), Ok(expected), "{scope:?} {class:?}");
        }
    }

    #[test]
    fn half_open_lets_exactly_one_call_through() {
        let mut bench = Bench::opened();
        bench.wait(30);
        assert_eq!(bench.breaker.pass(bench.now), Ok(Passage::Trial));
        assert_eq!(bench.breaker.pass(bench.now), Err(TRIAL_WAIT));
        bench.breaker.give_back(Passage::Trial);
        assert_eq!(bench.breaker.pass(bench.now), Ok(Passage::Trial));
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_five_minutes_and_success_resets_it() {
        let mut bench = Bench::opened();
        for seconds in [30, 60, 120, 240, 300, 300] {
            bench.wait(seconds - 1);
            assert!(bench.is_open());
            bench.wait(1);
            bench.call("a", Some(&down()));
        }
        bench.wait(300);
        bench.call("a", None);
        for service in ["a", "b", "c"] {
            bench.call(service, Some(&down()));
        }
        assert_eq!(bench.breaker.check(bench.now), Err(FIRST_SPAN));
    }

    #[test]
    fn a_call_from_before_the_opening_does_not_count_as_a_failed_trial() {
        let mut bench = Bench::opened();
        bench.breaker.record(bench.now, Passage::Free, "d", Some(&down()));
        assert_eq!(bench.breaker.check(bench.now), Err(FIRST_SPAN));
    }

    #[test]
    fn people_are_told_when_the_next_trial_is() {
        let wall = |wait: Duration| Timestamp::UNIX_EPOCH + wait;
        let mut bench = Bench::new();
        assert_eq!(bench.breaker.state(bench.now, wall), BreakerState::Closed);
        bench = Bench::opened();
        let until = Timestamp::from_second(30).unwrap();
        assert_eq!(bench.breaker.state(bench.now, wall), BreakerState::Open { until });
        bench.wait(30);
        assert_eq!(bench.breaker.state(bench.now, wall), BreakerState::HalfOpen);
    }
}
