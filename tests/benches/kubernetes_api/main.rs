//! The embedded API beside a real control plane: `just benchmark`.
//!
//! Both run on this machine at the same time, keep their data on the same disk, have every write on it before they answer,
//! and are asked by the same clients over HTTPS. They take turns, so that whatever else the machine does disturbs both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails does so by a panic"
)]

mod contestant;
mod measure;
mod service;
mod table;

use std::path::PathBuf;

use contestant::Contestant;
use measure::{Memory, creates, latency, list, statuses};
use table::{Row, Unit};

/// How many services there are in the end.
const SERVICES: usize = 10_000;
/// How many of them one client creates, alone.
const ALONE: usize = 1_000;
const ROUNDS: usize = 5;
const CLIENTS: usize = 16;
/// How many changes a watch is timed by.
const CHANGES: usize = 500;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match (arguments.next().as_deref(), arguments.next()) {
        (Some(contestant::SERVE), Some(directory)) => runtime.block_on(contestant::serve(PathBuf::from(directory))),
        _ => runtime.block_on(compare()),
    }
}

async fn compare() {
    let directory = tempfile::tempdir().unwrap();
    let contestants = [Contestant::embedded(directory.path()), Contestant::real()];
    let mut empty = Vec::new();
    for contestant in &contestants {
        contestant.prepare().await;
        empty.push(contestant.memory());
    }
    let mut rows = Vec::new();
    let alone = take_turns(&contestants, "create, 1 client", async |contestant, round| {
        creates(contestant, 1, part(0, ALONE, round)).await
    });
    rows.push(Row::new("creates, 1 client", Unit::PerSecond, &alone.await));
    let together = take_turns(&contestants, "create, 16 clients", async |contestant, round| {
        creates(contestant, CLIENTS, part(ALONE, SERVICES, round)).await
    });
    rows.push(Row::new("creates, 16 clients", Unit::PerSecond, &together.await));
    let written = take_turns(&contestants, "status, 16 clients", async |contestant, round| {
        statuses(contestant, CLIENTS, part(0, SERVICES, round)).await
    });
    rows.push(Row::new("status patches, 16 clients", Unit::PerSecond, &written.await));
    let listed = take_turns(&contestants, "list", async |contestant, _| list(contestant, SERVICES, "").await);
    rows.push(Row::new("list of 10,000 services", Unit::Milliseconds, &listed.await));
    let cached = take_turns(&contestants, "list from cache", async |contestant, _| {
        list(contestant, SERVICES, "?resourceVersion=0").await
    });
    rows.push(Row::new("the same with resourceVersion=0", Unit::Milliseconds, &cached.await));
    let noticed: Vec<Vec<f64>> =
        take_turns(&contestants, "watch", async |contestant, round| latency(contestant, part(0, CHANGES, round)).await)
            .await;
    let all = |share: f64| noticed.iter().map(|all| vec![measure::quantile(all, share)]).collect::<Vec<_>>();
    rows.push(Row::new("from a write to its watch event, median", Unit::Milliseconds, &all(0.5)));
    rows.push(Row::new("the same, 99th of 100", Unit::Milliseconds, &all(0.99)));

    let full: Vec<Memory> = contestants.iter().map(Contestant::memory).collect();
    let megabytes =
        |of: &dyn Fn(&Memory) -> f64, all: &[Memory]| all.iter().map(|memory| vec![of(memory)]).collect::<Vec<_>>();
    rows.push(Row::new("memory at the start", Unit::Megabytes, &megabytes(&|memory| memory.resident, &empty)));
    rows.push(Row::new("memory with 10,000 services", Unit::Megabytes, &megabytes(&|memory| memory.resident, &full)));
    rows.push(Row::new(
        "the same without mapped files",
        Unit::Megabytes,
        &megabytes(&|memory| memory.anonymous, &full),
    ));
    rows.push(Row::new("memory at its highest", Unit::Megabytes, &megabytes(&|memory| memory.peak, &full)));
    println!("{}", table::markdown(&contestants.map(|contestant| contestant.name), &rows));
}

/// Which services a round is about, of those from `start` to `end`.
fn part(start: usize, end: usize, round: usize) -> std::ops::Range<usize> {
    let at = |round: usize| start + (end - start) * round / ROUNDS;
    at(round)..at(round + 1)
}

/// Measures all of them in each round; all figures of each.
async fn take_turns<'a, F, T>(contestants: &'a [Contestant; 2], what: &str, measure: F) -> Vec<Vec<f64>>
where
    F: AsyncFn(&'a Contestant, usize) -> T,
    T: IntoIterator<Item = f64>,
{
    let mut figures = vec![Vec::new(); contestants.len()];
    for round in 0..ROUNDS {
        for (contestant, figures) in contestants.iter().zip(&mut figures) {
            figures.extend(measure(contestant, round).await);
        }
        eprintln!("{what}: round {} of {ROUNDS}", round + 1);
    }
    figures
}
