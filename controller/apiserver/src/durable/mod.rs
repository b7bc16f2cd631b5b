//! Keeping the objects on disk.
//!
//! Requests read and change the state in memory, as they do without a disk. What a request has changed goes, as one
//! transaction and in the order of the changes, to a writer thread, which commits all that wait in one go. No answer
//! leaves before everything it has seen is on disk, and watches deliver nothing else: a crash takes back only what
//! nobody was told.
//!
//! When a commit fails, the state is read back from disk, so that it never runs ahead of it; until writing works again,
//! writes are refused and reads go on.

mod backup;
mod database;
mod directory;
mod error;
mod settle;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::{oneshot, watch};

use crate::journal::Transaction;
use crate::state::State;

#[cfg(test)]
mod tests;

use database::Database;
use directory::Directory;

pub use backup::{backup, restore};
pub use error::OpenError;
pub(crate) use settle::{answered, settled};
pub(crate) use writer::Writer;

/// Tells a request whether its changes are on disk; an error says why not.
pub(crate) type Ticket = oneshot::Receiver<Result<(), String>>;

#[derive(Debug)]
enum Message {
    Commit(Transaction, oneshot::Sender<Result<(), String>>),
    /// Replaces the state, part of which is wrong, by what is on disk.
    ReadBack,
    Close(oneshot::Sender<()>),
}

/// Why nothing can be written for now.
#[derive(Debug, Clone)]
pub(crate) struct Outage {
    pub(crate) message: String,
    /// The state in memory may not be shown either, since it could not be read back.
    pub(crate) unreadable: bool,
}

/// The way to the disk. Transactions are submitted, and outages begin and end, under the write lock of the state.
#[derive(Debug)]
pub(crate) struct Disk {
    directory: PathBuf,
    queue: mpsc::Sender<Message>,
    progress: Arc<Progress>,
}

/// How far the writer has come.
#[derive(Debug)]
struct Progress {
    /// Everything up to this revision is on disk.
    durable: watch::Sender<u64>,
    /// How often an outage has begun.
    epoch: AtomicU64,
    outage: Mutex<Option<Outage>>,
}

impl Disk {
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn submit(&self, transaction: Transaction) -> Ticket {
        let (done, ticket) = oneshot::channel();
        // A writer that is gone drops the sender, which the holder of the ticket notices.
        self.queue.send(Message::Commit(transaction, done)).ok();
        ticket
    }

    /// A request failed halfway through its changes: nobody may see them, and they are taken back.
    pub(crate) fn take_back_half(&self) {
        let message = "a request failed in the middle of a change, which is being taken back; try again".to_owned();
        self.progress.begin_outage(Outage { message, unreadable: true });
        self.queue.send(Message::ReadBack).ok();
    }

    pub(crate) fn durable(&self) -> u64 {
        *self.progress.durable.borrow()
    }

    pub(crate) fn outage(&self) -> Option<Outage> {
        self.progress.outage()
    }

    /// Writes what is left and lets go of the directory.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).is_ok() {
            closed.await.ok();
        }
    }
}

impl Progress {
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn outage(&self) -> Option<Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on nothing is written, and what was seen of the state may have been taken back.
    fn begin_outage(&self, outage: Outage) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = Some(outage);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        // Whoever waits looks at the epoch, too.
        self.durable.send_modify(|_| {});
    }

    fn end_outage(&self) {
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.durable.send_modify(|_| {});
    }

    fn reach(&self, revision: u64) {
        self.durable.send_replace(revision);
    }

    /// Waits until what was seen at this revision is on disk; false when it was taken back instead.
    async fn reached(&self, epoch: u64, revision: u64) -> bool {
        let settled = |durable: &u64| *durable >= revision || self.epoch() != epoch;
        self.durable.subscribe().wait_for(settled).await.is_ok() && self.epoch() == epoch
    }
}

/// Opens a data directory: what it holds, the way to its disk, and the writer, which is still to be started.
pub(crate) fn open(
    directory: &Path,
    history: usize,
    prepare: impl FnOnce(&mut State),
) -> Result<(State, Disk, Writer), OpenError> {
    let directory = Directory::lock(directory)?;
    let mut database = Database::open(&directory)?;
    let mut state = database.load(history)?;
    prepare(&mut state);
    if let Some(transaction) = state.store.take_transaction() {
        database.append(&[transaction]).map_err(OpenError::database(&directory.database()))?;
    }
    let progress = Arc::new(Progress {
        durable: watch::Sender::new(state.store.revision()),
        epoch: AtomicU64::new(0),
        outage: Mutex::new(None),
    });
    let (queue, messages) = mpsc::channel();
    let disk = Disk { directory: directory.path().to_owned(), queue, progress: progress.clone() };
    Ok((state, disk, Writer::new(database, directory, messages, progress)))
}
