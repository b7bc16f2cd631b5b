//! Every place at which a controller can die, one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Crash, Moment, World, server};

/// Worlds at once: each has a thread and a clock of its own.
const AT_ONCE: usize = 2;
/// Of the pairs of deaths, a real server, on which a story takes many times as long, sees every eighth.
const STEP_ON_A_REAL_SERVER: usize = 8;

/// A story that a controller may die in: it arms the wire where that begins, and checks its own end.
pub trait Story: Sync {
    /// Plays it, with a controller that dies as planned.
    fn play(&self, crashes: &[Crash]) -> impl Future<Output = World>;
}

impl<F, Fut> Story for F
where
    F: Fn(Vec<Crash>) -> Fut + Sync,
    Fut: Future<Output = World>,
{
    fn play(&self, crashes: &[Crash]) -> impl Future<Output = World> {
        self(crashes.to_vec())
    }
}

/// Plays a story once for every request in it, and dies before it, after it, and while a provider works on it.
pub fn at_every_request(name: &str, story: &impl Story) {
    let requests = played(story, &[]);
    assert!(!requests.is_empty(), "{name} makes no request");
    let plans: Vec<_> =
        (1..).zip(&requests).flat_map(|(at, request)| deaths(at, request)).map(|death| vec![death]).collect();
    run(name, story, &plans);
}

/// Plays a story once for every pair of deaths: the second at any request of the successor, while it recovers from the
/// first. None is left out, except on a real server.
pub fn at_every_pair(name: &str, story: &impl Story) {
    at_pairs(name, story, 1);
}

/// As [`at_every_pair`], for one pair of so many: what a story adds to one whose every pair is played. `HOSTWRIGHT_EVERY_PAIR`
/// plays all of this one too.
pub fn at_some_pairs(name: &str, story: &impl Story, one_of: usize) {
    at_pairs(name, story, if std::env::var_os("HOSTWRIGHT_EVERY_PAIR").is_some() { 1 } else { one_of });
}

fn at_pairs(name: &str, story: &impl Story, one_of: usize) {
    let requests = played(story, &[]);
    let mut plans = Vec::new();
    for first in (1..).zip(&requests).flat_map(|(at, request)| deaths(at, request)) {
        // What the successor asks for shows when it is let live.
        let whole = played(story, &[first]);
        let later = (1..).zip(&whole).skip(first.at).flat_map(|(at, request)| deaths(at, request));
        plans.extend(later.map(|second| vec![first, second]));
    }
    let step = if server::is_real() { STEP_ON_A_REAL_SERVER * one_of } else { one_of };
    let plans: Vec<_> = plans.into_iter().step_by(step).collect();
    run(name, story, &plans);
}

/// The deaths at one request. Kubernetes answers at once, and a look changes nothing: only a provider's write has a middle.
fn deaths(at: usize, request: &str) -> Vec<Crash> {
    let has_middle = is_write(request) && !request.starts_with("kubernetes ");
    let moments = [Moment::Before, Moment::During, Moment::After].into_iter();
    moments.filter(|moment| has_middle || *moment != Moment::During).map(|moment| Crash { at, moment }).collect()
}

fn is_write(request: &str) -> bool {
    let verb = request.split(' ').nth(1).unwrap_or_default();
    !["GET", "test", "list", "observe", "poll"].contains(&verb)
}

fn run(name: &str, story: &impl Story, plans: &[Vec<Crash>]) {
    let (next, unreached) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let work = || {
            while let Some(plan) = plans.get(next.fetch_add(1, Ordering::SeqCst)) {
                let _told_on_panic = Told { name, plan };
                let requests = played(story, plan).len();
                if plan.iter().any(|crash| crash.at > requests) {
                    unreached.fetch_add(1, Ordering::SeqCst);
                }
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().expect("a plan failed, see above");
        }
    });
    println!("{name}: {} plans of deaths, {} not reached", plans.len(), unreached.into_inner());
}

/// Plays something in a runtime of its own, whose clock only moves when nothing is left to do.
pub fn in_a_runtime<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(story)
}

/// Plays a story in a runtime of its own; what it asked for.
fn played(story: &impl Story, plan: &[Crash]) -> Vec<String> {
    in_a_runtime(async {
        let world = story.play(plan).await;
        let log = world.wire.log();
        // Where two controllers share the work, how many requests they make depends on who is faster; and after a first death
        // it may be that there is no such request.
        let was_reached = plan.iter().all(|crash| crash.at <= log.len());
        assert!(world.wire.all_crashed() || !was_reached, "the controller did not die");
        log
    })
}

struct Told<'a> {
    name: &'a str,
    plan: &'a [Crash],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: failed with {:?}", self.name, self.plan);
        }
    }
}
