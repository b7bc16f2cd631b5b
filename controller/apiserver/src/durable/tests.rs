//! What only shows from the inside: commits that fail, requests that fail halfway.

use std::sync::OnceLock;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::server::Config;
use crate::shared::Shared;

const TABLE: &str = "configmaps";

/// A server without its router, and a hand on its database.
struct World {
    shared: Arc<Shared>,
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// The database is prepared before the writer has it.
    fn with(prepare: impl FnOnce(&rusqlite::Connection)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (state, disk, writer) = open(directory.path(), 100, |_| {}).unwrap();
        prepare(&writer.database.connection);
        let shared = Arc::new(Shared::new(Config::default(), Clock::start(), state, Some(disk)));
        writer.start(&shared).unwrap();
        Self { shared, directory }
    }

    /// Writes an object of this size, and says under which revision.
    async fn put(&self, name: &str, size: usize) -> Result<u64, String> {
        let ticket = OnceLock::new();
        let revision = self.change(name, size, Some(&ticket))?;
        ticket.into_inner().unwrap().await.unwrap()?;
        Ok(revision)
    }

    fn change(&self, name: &str, size: usize, ticket: Option<&OnceLock<Ticket>>) -> Result<u64, String> {
        let mut state = self.shared.write_for(ticket).map_err(|error| error.message)?;
        let object = json!({ "metadata": { "name": name, "namespace": "n" }, "data": "x".repeat(size) });
        Ok(state.put(TABLE, object).revision())
    }

    async fn has(&self, name: &str) -> bool {
        let key = ("n".to_owned(), name.to_owned());
        settled(&self.shared, || self.shared.read().store.get(TABLE, &key).is_some()).await.unwrap()
    }

    async fn recovers(&self) {
        let progress = &self.shared.disk().unwrap().progress;
        progress.durable.subscribe().wait_for(|_| progress.outage().is_none()).await.unwrap();
    }

    /// Keeps the writer from writing for as long as this lives.
    fn blocked(&self) -> rusqlite::Connection {
        let path = directory::database_in(self.directory.path());
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other
    }
}

#[tokio::test]
async fn a_full_disk_takes_back_what_does_not_fit_and_writing_goes_on_when_there_is_room() {
    // Room for something small, not for the large object.
    let world = World::with(|database| database.pragma_update(None, "max_page_count", 100).unwrap());
    let first = world.put("first", 10).await.unwrap();
    let error = world.put("large", 1_000_000).await.unwrap_err();
    assert!(error.contains(world.directory.path().to_str().unwrap()) && error.contains("make room on it"), "{error}");
    assert!(world.has("first").await && !world.has("large").await);
    assert_eq!(world.shared.read().store.revision(), first);
    world.recovers().await;
    assert!(world.put("second", 10).await.unwrap() > first + 1, "the lost write's revision was given to another");
    assert!(world.has("second").await);
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_is_named_and_reads_go_on() {
    let world = World::with(|database| database.pragma_update(None, "query_only", true).unwrap());
    let error = world.put("first", 10).await.unwrap_err();
    assert!(error.contains("read-only"), "{error}");
    assert_eq!(world.change("second", 10, None).unwrap_err(), format!("Internal error occurred: {error}"));
    assert!(!world.has("first").await);
}

#[tokio::test]
async fn what_is_not_on_disk_yet_is_seen_by_nobody() {
    let world = World::new();
    world.put("first", 10).await.unwrap();
    let blocked = world.blocked();
    let revision = world.change("second", 10, None).unwrap();
    let mut reading = Box::pin(world.has("second"));
    assert!(futures::poll!(&mut reading).is_pending());
    assert!(world.shared.durable(&world.shared.read()) < revision);
    drop(blocked);
    assert!(reading.await);
    assert_eq!(world.shared.durable(&world.shared.read()), revision);
}

#[tokio::test]
async fn a_request_that_fails_halfway_changes_nothing() {
    let world = World::new();
    let first = world.put("first", 10).await.unwrap();
    let shared = world.shared.clone();
    let failed = std::thread::spawn(move || {
        let mut state = shared.write().unwrap();
        state.put(TABLE, json!({ "metadata": { "name": "half", "namespace": "n" } }));
        panic!("halfway");
    });
    failed.join().unwrap_err();
    world.recovers().await;
    assert!(world.has("first").await && !world.has("half").await);
    assert!(world.put("second", 10).await.unwrap() > first);
}
