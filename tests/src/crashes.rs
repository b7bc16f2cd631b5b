//! Every place at which a controller can die, one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Crash, Moment, World};

/// Worlds at once: each has a thread and a clock of its own.
const AT_ONCE: usize = 2;

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

/// Plays a story once for every request in it and every moment of that request.
pub fn at_every_request(name: &str, story: &impl Story) {
    let requests = played(story, &[]);
    assert!(requests > 0, "{name} makes no request");
    run(name, story, &singles(requests));
}

/// Plays a story once for every pair of deaths: the second while the successor recovers from the first.
pub fn at_every_pair(name: &str, story: &impl Story) {
    let requests = played(story, &[]);
    let mut plans = Vec::new();
    for first in singles(requests) {
        // How many requests the successor needs shows when it is let live.
        let whole = played(story, &first);
        for at in first[0].at + 1..=whole {
            for moment in [Moment::Before, Moment::After] {
                plans.push(vec![first[0], Crash { at, moment }]);
            }
        }
    }
    run(name, story, &plans);
}

fn singles(requests: usize) -> Vec<Vec<Crash>> {
    let moments = [Moment::Before, Moment::During, Moment::After];
    (1..=requests)
        .flat_map(|at| moments.map(|moment| vec![Crash { at, moment }]))
        .collect()
}

fn run(name: &str, story: &impl Story, plans: &[Vec<Crash>]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(plan) = plans.get(next.fetch_add(1, Ordering::SeqCst)) {
                let _told_on_panic = Told { name, plan };
                played(story, plan);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().expect("a plan failed, see above");
        }
    });
    println!("{name}: {} plans of deaths", plans.len());
}

/// Plays a story in a runtime of its own; how many requests it took.
fn played(story: &impl Story, plan: &[Crash]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = story.play(plan).await;
        assert!(plan.len() > 1 || world.wire.all_crashed(), "the controller did not die");
        world.wire.numbered()
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
