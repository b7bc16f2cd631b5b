//! What all requests share, and how one of them gets to change it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::credentials::Authority;
use crate::durable::{Disk, Ticket};
use crate::faults::Faults;
use crate::server::Config;
use crate::state::State;
use crate::status::ApiError;

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    /// One permit for each watch that may still begin.
    pub(crate) watches: Arc<Semaphore>,
    state: RwLock<State>,
    /// Where the objects are kept beyond this process; nowhere in memory mode.
    disk: Option<Disk>,
    /// Made when it is first needed: servers without a socket need none.
    authority: OnceLock<Authority>,
}

impl std::fmt::Debug for Shared {
    /// Without the objects: some of them are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("disk", &self.disk).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(config: Config, clock: Clock, state: State, disk: Option<Disk>) -> Self {
        let (state, authority) = (RwLock::new(state), OnceLock::new());
        let watches = Arc::new(Semaphore::new(config.limits.watches));
        let faults = Faults::remembering(config.remembered_requests);
        Self { config, clock, faults, watches, state, disk, authority }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state to change it; refused while changes cannot be kept.
    pub(crate) fn write(&self) -> Result<Writing<'_>, ApiError> {
        self.write_for(None)
    }

    /// The same, with a place for the ticket that tells when the changes are kept.
    pub(crate) fn write_for<'a>(&'a self, ticket: Option<&'a OnceLock<Ticket>>) -> Result<Writing<'a>, ApiError> {
        let state = self.lock();
        match self.disk.as_ref().and_then(Disk::outage) {
            Some(outage) => Err(ApiError::internal(outage.message)),
            None => Ok(Writing { state, disk: self.disk.as_ref(), ticket }),
        }
    }

    /// The lock alone, for whoever keeps the disk and the state together.
    pub(crate) fn lock(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// The authority that vouches for this server.
    ///
    /// # Errors
    /// When one has to be made and cannot.
    pub(crate) fn authority(&self) -> std::io::Result<&Authority> {
        if let Some(authority) = self.config.authority.as_ref().or(self.authority.get()) {
            return Ok(authority);
        }
        let authority = Authority::generate()?;
        Ok(self.authority.get_or_init(|| authority))
    }

    /// The latest revision that a crash cannot take back.
    pub(crate) fn durable(&self, state: &State) -> u64 {
        self.disk.as_ref().map_or_else(|| state.store.revision(), Disk::durable)
    }
}

/// The state while one request changes it. What it has changed is on its way to disk when this is dropped.
pub(crate) struct Writing<'a> {
    state: RwLockWriteGuard<'a, State>,
    disk: Option<&'a Disk>,
    ticket: Option<&'a OnceLock<Ticket>>,
}

impl Deref for Writing<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let (Some(disk), Some(transaction)) = (self.disk, self.state.store.take_transaction()) else {
            return;
        };
        if std::thread::panicking() {
            disk.take_back_half();
            return;
        }
        // Still under the lock, so that transactions reach the disk in the order of their revisions.
        let submitted = disk.submit(transaction);
        if let Some(ticket) = self.ticket {
            ticket.set(submitted).ok();
        }
    }
}
