//! What is measured, and how.

use std::ops::Range;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Instant;

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::Request;
use kube::Client;
use serde_json::Value;

use crate::contestant::Contestant;
use crate::service::{self, SERVICES};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

fn write(method: &str, path: &str, media: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    Request::builder().method(method).uri(path).header("content-type", media).body(body).unwrap()
}

/// How many services a second are created.
pub async fn creates(contestant: &Contestant, clients: usize, numbers: Range<usize>) -> Option<f64> {
    let requests = numbers.map(|number| write("POST", SERVICES, JSON, service::ordered(number))).collect();
    Some(rate(contestant, clients, requests).await)
}

/// How many statuses a second are written.
pub async fn statuses(contestant: &Contestant, clients: usize, numbers: Range<usize>) -> Option<f64> {
    let path = |number| format!("{SERVICES}/{}/status", service::name(number));
    let requests = numbers.map(|number| write("PATCH", &path(number), MERGE_PATCH, service::status(number))).collect();
    Some(rate(contestant, clients, requests).await)
}

/// Each client sends the next request when the one before is answered.
async fn rate(contestant: &Contestant, clients: usize, mut requests: Vec<Request<Vec<u8>>>) -> f64 {
    let count = requests.len();
    requests.reverse();
    let waiting = Mutex::new(requests);
    let mut connected: Vec<Client> = Vec::new();
    for _ in 0..clients {
        connected.push(contestant.client().await);
    }
    let start = Instant::now();
    futures::future::join_all(connected.iter().map(async |client| {
        let next = || waiting.lock().unwrap().pop();
        while let Some(request) = next() {
            client.request_text(request).await.unwrap();
        }
    }))
    .await;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = count as f64;
    count / start.elapsed().as_secs_f64()
}

/// How long it takes until the last byte of a list has come, in milliseconds.
pub async fn list(contestant: &Contestant, services: usize, query: &str) -> Option<f64> {
    let client = contestant.client().await;
    let request = Request::get(format!("{SERVICES}{query}")).body(Vec::new()).unwrap();
    let start = Instant::now();
    let text = client.request_text(request).await.unwrap();
    let milliseconds = start.elapsed().as_secs_f64() * 1_000.0;
    let list: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), services);
    Some(milliseconds)
}

/// How long it takes from sending a write until a watch tells of it, in milliseconds; one figure for each change.
pub async fn latency(contestant: &Contestant, numbers: Range<usize>) -> Vec<f64> {
    let (writer, watcher) = (contestant.client().await, contestant.client().await);
    let request = Request::get(format!("{SERVICES}?limit=1")).body(Vec::new()).unwrap();
    let list: Value = writer.request(request).await.unwrap();
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let request = Request::get(format!("{SERVICES}?watch=true&resourceVersion={version}")).body(Vec::new()).unwrap();
    let mut events = pin!(watcher.request_stream(request).await.unwrap().lines());
    let mut figures = Vec::new();
    for number in numbers {
        let path = format!("{SERVICES}/{}", service::name(number));
        let request = write("PATCH", &path, MERGE_PATCH, service::renamed(number));
        let start = Instant::now();
        let told = async {
            let line = events.next().await.unwrap().unwrap();
            let elapsed = start.elapsed().as_secs_f64() * 1_000.0;
            assert!(line.contains(&service::name(number)), "{line}");
            elapsed
        };
        let (written, elapsed) = futures::join!(writer.request_text(request), told);
        written.unwrap();
        figures.push(elapsed);
    }
    figures
}

/// The value below which this share of the figures lies.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a short list"
    )]
    let index = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[index]
}

/// What processes use, in megabytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub resident: f64,
    /// Without files that are mapped into memory, the program itself among them.
    pub anonymous: f64,
    /// The most that was resident.
    pub peak: f64,
}

impl Memory {
    pub fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let kilobytes: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap();
            kilobytes * 1_024.0 / 1_000_000.0
        };
        Self { resident: field("VmRSS"), anonymous: field("RssAnon"), peak: field("VmHWM") }
    }
}

impl std::iter::Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            resident: sum.resident + one.resident,
            anonymous: sum.anonymous + one.anonymous,
            peak: sum.peak + one.peak,
        })
    }
}
