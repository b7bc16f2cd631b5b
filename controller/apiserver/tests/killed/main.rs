//! A server that is killed again and again while clients write: nothing that anybody was told is lost, torn or reordered.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod clients;
mod ledger;
#[path = "../process/mod.rs"]
mod process;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;

use clients::{Writer, present, watch};
use ledger::Ledger;
use process::Process;

/// How many servers are killed at the same time, each with a directory of its own.
const LANES: u64 = 4;
/// How often each of them is killed.
const KILLS: usize = 50;
const WRITERS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_kills_under_load_lose_nothing_that_was_acknowledged() {
    let seed: u64 = std::env::var("SEED").ok().map_or_else(rand::random, |seed| seed.parse().unwrap());
    println!("repeat with SEED={seed}");
    let lanes = (0..LANES).map(|lane| tokio::spawn(kill_again_and_again(seed.wrapping_add(lane))));
    let told: Vec<usize> =
        futures::future::join_all(lanes).await.into_iter().map(|lane| lane.expect("see above")).collect();
    println!("answers about contents: {told:?}");
}

/// Returns how many revisions somebody was told of.
async fn kill_again_and_again(seed: u64) -> usize {
    let directory = TempDir::new().unwrap();
    let mut random = StdRng::seed_from_u64(seed);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut writers: Vec<Writer> = (1..=WRITERS).map(|id| Writer::new(id, seed)).collect();
    let mut beginning = None;
    for kill in 0..KILLS {
        if random.random_ratio(1, 8) {
            kill_while_it_starts(directory.path(), random.random_range(0..60)).await;
            continue;
        }
        let server = start(directory.path()).await;
        let found = present(&server.client()).await;
        let highest = ledger.lock().unwrap().highest();
        assert!(found.revision >= highest, "kill {kill}: revision {} after {highest} was seen", found.revision);
        for writer in &mut writers {
            writer.compare(&found);
        }

        let from = ledger.lock().unwrap().last_heard().max(*beginning.get_or_insert(found.revision));
        let watching = tokio::spawn(watch(server.client(), ledger.clone(), from, u64::MAX));
        let client = server.client();
        let writing = futures::future::join_all(writers.iter_mut().map(|writer| writer.run(&client, &ledger)));
        // Not a wait for anything: the moment of death is the point of this test.
        let killing = async {
            tokio::time::sleep(Duration::from_millis(random.random_range(10..300))).await;
            server.kill();
        };
        futures::join!(writing, killing);
        watching.await.expect("see above");
    }

    let server = start(directory.path()).await;
    let found = present(&server.client()).await;
    for writer in &mut writers {
        writer.compare(&found);
    }
    let from = ledger.lock().unwrap().last_heard();
    if from < found.revision {
        watch(server.client(), ledger.clone(), from, found.revision).await;
    }
    let ledger = ledger.lock().unwrap();
    ledger.check();
    assert_eq!(ledger.outcome(), found.objects, "the events tell of something else than the list");
    assert!(ledger.told.len() > KILLS, "there was hardly any load");
    ledger.told.len()
}

async fn start(directory: &Path) -> Process {
    let child = Process::spawn(directory);
    tokio::task::spawn_blocking(|| Process::listening(child)).await.unwrap()
}

async fn kill_while_it_starts(directory: &Path, after: u64) {
    let mut child = Process::spawn(directory);
    tokio::time::sleep(Duration::from_millis(after)).await;
    child.kill().unwrap();
    child.wait().unwrap();
}
