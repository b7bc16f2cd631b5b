//! The one thread that writes to the database.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::database::Database;
use super::directory::Directory;
use super::error::explain;
use super::{Message, Outage, Progress};
use crate::journal::Transaction;
use crate::shared::Shared;
use crate::state::State;

/// The most requests that are committed in one go.
const BATCH: usize = 1_000;
/// How often old history is looked for, and how often writing is tried again while it does not work.
const TICK: Duration = Duration::from_secs(1);
/// Into how many parts the age of history is divided, to forget it part by part.
const AGES: u32 = 10;

type Done = oneshot::Sender<Result<(), String>>;

pub(crate) struct Writer {
    pub(super) database: Database,
    messages: Receiver<Message>,
    progress: Arc<Progress>,
    /// When which revision was the present one, oldest first.
    ages: VecDeque<(Instant, u64)>,
    /// Who waits for the end.
    closing: Vec<oneshot::Sender<()>>,
    /// Held until the database is closed.
    directory: Directory,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        directory: Directory,
        messages: Receiver<Message>,
        progress: Arc<Progress>,
    ) -> Self {
        Self { database, messages, progress, ages: VecDeque::new(), closing: Vec::new(), directory }
    }

    /// Starts the thread. It ends with the server, or when it is asked to.
    ///
    /// # Errors
    /// When there are no threads left.
    pub(crate) fn start(self, shared: &Arc<Shared>) -> std::io::Result<()> {
        let shared = Arc::downgrade(shared);
        thread::Builder::new().name("apiserver-disk".to_owned()).spawn(move || self.run(&shared)).map(drop)
    }

    fn run(mut self, shared: &Weak<Shared>) {
        let mut tick = Instant::now() + TICK;
        while self.closing.is_empty() {
            match self.messages.recv_timeout(tick.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message, shared),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= tick {
                if let Some(shared) = shared.upgrade() {
                    self.keep_house(&shared);
                }
                tick = Instant::now() + TICK;
            }
        }
        self.finish(shared);
    }

    /// Carries out a message together with those that have come in behind it.
    fn take(&mut self, first: Message, shared: &Weak<Shared>) {
        let mut transactions = Vec::new();
        let mut waiting = Vec::new();
        let mut read_back = false;
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message {
                Message::Commit(transaction, done) => {
                    transactions.push(transaction);
                    waiting.push(done);
                    next = (waiting.len() < BATCH).then(|| self.messages.try_recv().ok()).flatten();
                }
                Message::ReadBack => read_back = true,
                Message::Close(done) => self.closing.push(done),
            }
        }
        let committed = transactions.is_empty() || self.commit(&transactions, waiting, shared);
        if let (true, Some(shared)) = (committed && read_back, shared.upgrade()) {
            let mut state = shared.lock();
            if self.read_back(&shared, &mut state) {
                self.progress.end_outage();
            }
        }
    }

    fn commit(&mut self, transactions: &[Transaction], waiting: Vec<Done>, shared: &Weak<Shared>) -> bool {
        let appended = self.database.append(transactions);
        let committed = appended.is_ok();
        match appended {
            Ok(()) => {
                let revision = transactions.iter().filter_map(Transaction::revision).max();
                if let Some(revision) = revision {
                    self.progress.reach(revision);
                }
                for transaction in transactions {
                    transaction.wake();
                }
                answer(waiting, &Ok(()));
            }
            Err(error) => match shared.upgrade() {
                Some(shared) => self.take_back(&shared, waiting, &error),
                None => answer(waiting, &Err(explain(&error))),
            },
        }
        committed
    }

    /// After a failed commit: brings the state back to what is on disk, and lets nobody write until that works again.
    fn take_back(&mut self, shared: &Shared, mut waiting: Vec<Done>, error: &rusqlite::Error) {
        let directory = self.directory.path().display().to_string();
        tracing::error!(directory, error = explain(error), "cannot write; refusing writes until it works again");
        let message = format!("nothing was written, the disk of {directory} takes no data: {}", explain(error));
        let mut state = shared.lock();
        // What came in meanwhile builds on what is lost.
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Commit(_, done) => waiting.push(done),
                Message::ReadBack => {}
                Message::Close(done) => self.closing.push(done),
            }
        }
        let unreadable = !self.read_back(shared, &mut state);
        self.progress.begin_outage(Outage { message: message.clone(), unreadable });
        drop(state);
        answer(waiting, &Err(message));
    }

    /// Replaces the state by what is on disk; false where that cannot be read.
    fn read_back(&mut self, shared: &Shared, state: &mut State) -> bool {
        match self.database.load_committed(shared.config.history) {
            Ok(read) => {
                let spent = state.store.spent();
                *state = read;
                // A revision that somebody may have been about to see is never given to another write.
                state.store.spend(spent);
                self.progress.reach(state.store.revision());
                true
            }
            Err(error) => {
                tracing::error!(%error, "cannot read the objects back; refusing all requests until it works again");
                false
            }
        }
    }

    fn keep_house(&mut self, shared: &Shared) {
        match self.progress.outage() {
            Some(outage) => self.try_again(shared, &outage),
            None => self.forget_the_old(shared),
        }
    }

    fn try_again(&mut self, shared: &Shared, outage: &Outage) {
        if self.database.probe().is_err() {
            return;
        }
        let mut state = shared.lock();
        if outage.unreadable && !self.read_back(shared, &mut state) {
            return;
        }
        self.progress.end_outage();
        tracing::info!(directory = %self.directory.path().display(), "writing works again");
    }

    fn forget_the_old(&mut self, shared: &Shared) {
        let (now, age) = (Instant::now(), shared.config.history_age);
        if self.ages.back().is_some_and(|(last, _)| now.duration_since(*last) < age / AGES) {
            return;
        }
        let revision = shared.read().store.revision();
        self.ages.push_back((now, revision));
        let mut horizon = None;
        while let Some((_, revision)) = self.ages.pop_front_if(|(then, _)| now.duration_since(*then) >= age) {
            horizon = Some(revision);
        }
        if let (Some(horizon), Ok(mut state)) = (horizon, shared.write()) {
            state.store.forget_until(horizon);
        }
    }

    /// Commits what is left, refuses what comes later, and lets go of the directory.
    fn finish(mut self, shared: &Weak<Shared>) {
        if let Some(shared) = shared.upgrade() {
            let state = shared.lock();
            let message = "the server is shutting down".to_owned();
            self.progress.begin_outage(Outage { message, unreadable: false });
            drop(state);
        }
        while let Ok(message) = self.messages.try_recv() {
            self.take(message, shared);
        }
        self.database.close();
        drop(self.directory);
        for done in self.closing {
            done.send(()).ok();
        }
    }
}

fn answer(waiting: Vec<Done>, outcome: &Result<(), String>) {
    for done in waiting {
        // A client that has gone away hears of nothing.
        done.send(outcome.clone()).ok();
    }
}
