//! The gate under tokio's paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::TokioClock;

const PLENTY: GateLimits =
    GateLimits { requests_per_minute: 100_000, max_concurrent: 100, max_concurrent_creates: 100 };

fn gate(limits: GateLimits) -> Arc<Gate> {
    let clock = TokioClock::starting_at(Timestamp::UNIX_EPOCH);
    Arc::new(Gate::new(Arc::new(clock), limits))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn down() -> Error {
    Error::new(Class::Unavailable, "connect", "connection refused").scoped(Scope::Instance)
}

async fn answer(gate: &Gate, service: &str, answer: Result<(), Error>) -> Result<(), Error> {
    let permit = gate.admit(CallKind::Mutation).await.unwrap();
    gate.call(permit, service, async { answer }).await
}

async fn open_circuit(gate: &Gate) {
    for service in ["a", "b", "c"] {
        answer(gate, service, Err(down())).await.unwrap_err();
    }
}

/// Starts waiting, and returns once it does.
async fn waiting(gate: &Arc<Gate>, kind: CallKind) -> JoinHandle<Result<Permit, Held>> {
    let waiter = tokio::spawn({
        let gate = gate.clone();
        async move { gate.admit(kind).await }
    });
    settle().await;
    waiter
}

/// Lets every task run until it waits, without letting time pass.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_at_once_than_allowed() {
    let gate = gate(GateLimits { max_concurrent: 2, ..PLENTY });
    let first = gate.admit(CallKind::Mutation).await.unwrap();
    let _second = gate.admit(CallKind::Observation).await.unwrap();
    let third = waiting(&gate, CallKind::Mutation).await;
    assert!(!third.is_finished());
    drop(first);
    assert!(third.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_mutation_overtakes_waiting_observations() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    let running = gate.admit(CallKind::Observation).await.unwrap();
    let observation = waiting(&gate, CallKind::Observation).await;
    let mutation = waiting(&gate, CallKind::Mutation).await;
    drop(running);
    let permit = mutation.await.unwrap().unwrap();
    assert!(!observation.is_finished());
    drop(permit);
    assert!(observation.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_mutation_overtakes_an_observation_that_waits_for_tokens() {
    let gate = gate(GateLimits { requests_per_minute: 1, ..PLENTY });
    for _ in 0..10 {
        drop(gate.admit(CallKind::Observation).await.unwrap());
    }
    let observation = waiting(&gate, CallKind::Observation).await;
    let mutation = waiting(&gate, CallKind::Mutation).await;
    drop(mutation.await.unwrap().unwrap());
    assert!(!observation.is_finished());
    assert!(observation.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn creates_have_their_own_limit_and_hold_nobody_else_up() {
    let gate = gate(GateLimits { max_concurrent_creates: 1, ..PLENTY });
    let first = gate.admit(CallKind::Create).await.unwrap();
    let second = waiting(&gate, CallKind::Create).await;
    assert!(gate.admit(CallKind::Mutation).await.is_ok());
    assert!(gate.admit(CallKind::Observation).await.is_ok());
    assert!(!second.is_finished());
    drop(first);
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_tokens_and_cost_what_they_send() {
    let gate = gate(GateLimits { requests_per_minute: 60, ..PLENTY });
    let start = Instant::now();
    for kind in [CallKind::Create, CallKind::Mutation].repeat(3) {
        drop(gate.admit(kind).await.unwrap());
    }
    assert_eq!(start.elapsed(), Duration::ZERO, "15 tokens are there from the start");
    drop(gate.admit(CallKind::Create).await.unwrap());
    assert_eq!(start.elapsed().as_secs(), 3, "one token a second, three for a create");
}

#[tokio::test(start_paused = true)]
async fn new_limits_count_at_once() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    let _running = gate.admit(CallKind::Mutation).await.unwrap();
    let second = waiting(&gate, CallKind::Mutation).await;
    gate.configure(PLENTY);
    assert!(second.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn limits_of_zero_still_let_one_call_through() {
    let gate = gate(GateLimits { requests_per_minute: 0, max_concurrent: 0, max_concurrent_creates: 0 });
    assert!(gate.admit(CallKind::Create).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_leaks_no_place() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    let running = gate.admit(CallKind::Mutation).await.unwrap();
    let cancelled = waiting(&gate, CallKind::Mutation).await;
    let behind = waiting(&gate, CallKind::Mutation).await;
    cancelled.abort();
    assert!(cancelled.await.is_err());
    drop(running);
    drop(behind.await.unwrap().unwrap());
    let state = gate.shared.state();
    assert_eq!((state.running, state.queue.next(false)), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaks_no_place() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    let call = tokio::spawn({
        let gate = gate.clone();
        async move {
            let permit = gate.admit(CallKind::Create).await.unwrap();
            gate.call(permit, "a", std::future::pending::<Result<(), Error>>()).await
        }
    });
    settle().await;
    call.abort();
    assert!(call.await.is_err());
    assert!(gate.admit(CallKind::Create).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_past_its_deadline_may_have_been_applied_unless_it_only_looks() {
    let gate = gate(PLENTY);
    for (kind, class) in [
        (CallKind::Create, Class::Unknown),
        (CallKind::Mutation, Class::Unknown),
        (CallKind::Observation, Class::Unavailable),
    ] {
        let start = Instant::now();
        let permit = gate.admit(kind).await.unwrap();
        let error = gate.call(permit, "a", std::future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert_eq!((error.class, error.scope), (class, Scope::Instance));
        assert_eq!(start.elapsed().as_secs(), CALL_TIMEOUT.as_secs());
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_becomes_an_error_that_quotes_nothing_and_frees_the_place() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    for (kind, class) in [(CallKind::Mutation, Class::Unknown), (CallKind::Observation, Class::Internal)] {
        let permit = gate.admit(kind).await.unwrap();
        let error = gate.call::<()>(permit, "a", async { panic!("key=s3cret") }).await.unwrap_err();
        assert_eq!(error.class, class);
        assert!(!error.message.contains("s3cret"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttling_provider_is_left_alone_for_as_long_as_it_says_within_limits() {
    for (asked, granted) in [(Some(Duration::from_mins(2)), 120), (None, 60), (Some(Duration::from_hours(10)), 3_600)] {
        let gate = gate(PLENTY);
        let mut throttled = Error::new(Class::RateLimited, "429", "too many requests");
        throttled.retry_after = asked;
        answer(&gate, "a", Err(throttled)).await.unwrap_err();
        for kind in [CallKind::Create, CallKind::Mutation, CallKind::Observation] {
            assert_eq!(gate.admit(kind).await.err(), Some(Held::RateLimited { until: at(granted) }));
        }
        assert_eq!(gate.rate_limited_until(), Some(at(granted)));
        tokio::time::advance(Duration::from_secs(granted.unsigned_abs())).await;
        assert_eq!(gate.rate_limited_until(), None);
        assert!(gate.admit(CallKind::Observation).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_refused_when_the_provider_starts_throttling() {
    let gate = gate(GateLimits { max_concurrent: 1, ..PLENTY });
    let permit = gate.admit(CallKind::Mutation).await.unwrap();
    let behind = waiting(&gate, CallKind::Mutation).await;
    let throttled = Error::new(Class::RateLimited, "429", "too many requests");
    gate.call::<()>(permit, "a", async { Err(throttled) }).await.unwrap_err();
    assert_eq!(behind.await.unwrap().err(), Some(Held::RateLimited { until: at(60) }));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_until_one_trial_succeeds() {
    let gate = gate(PLENTY);
    open_circuit(&gate).await;
    assert_eq!(gate.breaker_state(), BreakerState::Open { until: at(30) });
    assert_eq!(gate.admit(CallKind::Mutation).await.err(), Some(Held::CircuitOpen { until: at(30) }));

    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(gate.breaker_state(), BreakerState::HalfOpen);
    let trial = gate.admit(CallKind::Observation).await.unwrap();
    assert!(matches!(gate.admit(CallKind::Mutation).await, Err(Held::CircuitOpen { .. })));

    gate.call(trial, "d", async { Ok(()) }).await.unwrap();
    assert_eq!(gate.breaker_state(), BreakerState::Closed);
    assert!(gate.admit(CallKind::Mutation).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_was_never_made_is_given_back() {
    let gate = gate(PLENTY);
    open_circuit(&gate).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    drop(gate.admit(CallKind::Mutation).await.unwrap());
    assert!(gate.admit(CallKind::Mutation).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_dead_node_stops_no_other_service() {
    let gate = gate(PLENTY);
    for service in ["a", "b", "c", "d"] {
        let node = Error::new(Class::Unavailable, "node", "node 3 is down").scoped(Scope::Placement);
        answer(&gate, service, Err(node)).await.unwrap_err();
    }
    assert_eq!(gate.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn many_callers_all_get_through_and_never_too_many_at_once() {
    let gate = gate(GateLimits { max_concurrent: 3, ..PLENTY });
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let calls = (0..50).map(|number| {
        let (gate, now, most) = (gate.clone(), now.clone(), most.clone());
        let kind = [CallKind::Observation, CallKind::Mutation, CallKind::Create][number % 3];
        async move {
            let permit = gate.admit(kind).await.unwrap();
            let call = async {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            gate.call(permit, &number.to_string(), call).await
        }
    });
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn the_result_of_a_call_is_passed_on() {
    let gate = gate(PLENTY);
    let (send, receive) = oneshot::channel();
    let permit = gate.admit(CallKind::Mutation).await.unwrap();
    let call = gate.call(permit, "a", async { receive.await.map_err(|_| down()) });
    send.send("done").unwrap();
    assert_eq!(call.await, Ok("done"));
}
