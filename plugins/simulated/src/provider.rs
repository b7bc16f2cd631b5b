//! One simulated provider: the verbs, when they do what they are asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hostwright_plugin::{
    Call, Class, Error, Instance, Observation, Outcome, Page, PlannedChange, RemoteState, Scope, State,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::credentials;
use crate::remote::{Change, Operation, Simulated};
use crate::script::{Script, Verb};
use crate::store::Store;

/// Entries of a page of the list.
const PAGE: usize = 100;

/// The provider of one instance.
#[derive(Debug)]
pub(crate) struct Provider {
    store: Store,
    counts: Mutex<BTreeMap<(String, Verb), u64>>,
    /// Held by whoever changes remotes, so that capacity is not given out twice.
    turn: Mutex<()>,
}

impl Provider {
    pub(crate) fn of(instance: &Instance) -> Self {
        Self { store: Store::of(instance), counts: Mutex::default(), turn: Mutex::default() }
    }

    /// Counts a call, and says the how manieth of its verb and service it is, from 1.
    pub(crate) fn count(&self, verb: Verb, external_id: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let count = counts.entry((external_id.to_owned(), verb)).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn identity(&self) -> Result<String, Error> {
        let _turn = lock(&self.turn);
        self.store.identity()
    }

    pub(crate) fn observe(&self, call: &Call, now: Timestamp) -> Result<Observation, Error> {
        let marked = self.find(&call.external_id, now)?;
        let found = match (marked, &call.named) {
            (None, Some(id)) => self.named(id, now)?,
            (marked, _) => marked,
        };
        Ok(found.map_or(Observation::Absent, |remote| Observation::Present(Box::new(remote.seen()))))
    }

    pub(crate) fn page(&self, cursor: Option<&str>, now: Timestamp) -> Result<Page, Error> {
        let after = cursor.unwrap_or_default();
        let remotes = self.store.all()?.into_iter().filter(|remote| remote.key() > after);
        let mut shown: Vec<_> = remotes.filter_map(|remote| remote.at(now)).collect();
        let more = shown.len() > PAGE;
        shown.truncate(PAGE);
        let next = shown.last().filter(|_| more).map(|last| last.key().to_owned());
        Ok(Page { items: shown.iter().map(Simulated::seen).collect(), next })
    }

    pub(crate) fn create(&self, call: &Call, script: &Script, now: Timestamp) -> Result<Outcome, Error> {
        let _turn = lock(&self.turn);
        if let Some(remote) = self.find(&call.external_id, now)? {
            if let Some(running) = remote.running.as_ref().filter(|running| running.token == token(Verb::Create, call))
            {
                return Ok(accepted(&remote, running, now));
            }
            let message = format!("a remote with external id {} exists", call.external_id);
            return Err(Error::new(Class::Conflict, "exists", message));
        }
        if let Some(capacity) = script.capacity {
            let held = self.store.all()?.into_iter().filter_map(|remote| remote.at(now)).count();
            if u64::try_from(held).unwrap_or(u64::MAX) >= capacity {
                let message = format!("scripted: no room, by capacity of the package: {held} of {capacity} are held");
                return Err(Error::new(Class::Capacity, "scripted", message)
                    .scoped(Scope::Placement)
                    .on_field("config.capacity"));
            }
        }
        let vanishes_at = script.vanishes_after.map(|seconds| later(now, std::time::Duration::from_secs(seconds)));
        let remote = Simulated {
            id: Uuid::new_v4().to_string(),
            external_id: Some(call.external_id.clone()),
            owner_key: Some(call.owner.key.clone()),
            state: State::Provisioning,
            config: call.config.clone(),
            paid_until: call.paid_until,
            untold: true,
            credentials: credentials::issue(call)?,
            vanishes_at,
            running: None,
        };
        self.begin(Verb::Create, remote, call, script, Change::Become(State::Active), now)
    }

    /// Puts both marks on a remote that has none.
    pub(crate) fn adopt(&self, call: &Call, now: Timestamp) -> Result<Outcome, Error> {
        let _turn = lock(&self.turn);
        let id = call.remote.as_ref().map(|remote| remote.id.as_str()).unwrap_or_default();
        let remote = match self.find(&call.external_id, now)? {
            Some(marked) => marked,
            None => self.named(id, now)?.ok_or_else(|| gone(call))?,
        };
        let ours = remote.external_id.as_ref() == Some(&call.external_id);
        if remote.id != id || !(ours || remote.external_id.is_none()) {
            let message = format!("remote {id} is not free: {} carries a mark", remote.id);
            return Err(Error::new(Class::Invalid, "AdoptionRefused", message));
        }
        let owner_key = remote.owner_key.clone().or_else(|| Some(call.owner.key.clone()));
        let marked = Simulated { external_id: Some(call.external_id.clone()), owner_key, ..remote };
        // The mark first: what is left of the stranger by a crash in between is hidden by it, and removed by the next attempt.
        self.store.put(&marked)?;
        self.store.remove(id)?;
        Ok(Outcome::Done(RemoteState::new(marked.handle(), marked.state)))
    }

    /// Suspends, unsuspends, scales, renews or issues credentials.
    pub(crate) fn change(
        &self,
        verb: Verb,
        change: Change,
        call: &Call,
        script: &Script,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let _turn = lock(&self.turn);
        let Some(remote) = self.find(&call.external_id, now)? else { return Err(gone(call)) };
        match &remote.running {
            Some(running) if running.token == token(verb, call) => return Ok(accepted(&remote, running, now)),
            Some(running)
                if matches!(verb, Verb::Scale | Verb::Renew | Verb::Rotate) || running.change == Change::End =>
            {
                return Err(busy(running));
            }
            None if remote.clone().changed(change.clone()).as_ref() == Some(&remote) => {
                return Ok(Outcome::Done(RemoteState::new(remote.handle(), remote.state)));
            }
            // Suspending takes the place of what runs, as at a provider that can be interrupted.
            _ => {}
        }
        self.begin(verb, remote, call, script, change, now)
    }

    /// What scaling would do to the remote as it is.
    pub(crate) fn plan(&self, call: &Call, now: Timestamp) -> Result<Vec<PlannedChange>, Error> {
        let Some(remote) = self.find(&call.external_id, now)? else { return Err(gone(call)) };
        Ok(remote.planned(&call.config))
    }

    pub(crate) fn terminate(&self, call: &Call, script: &Script, now: Timestamp) -> Result<Outcome, Error> {
        let _turn = lock(&self.turn);
        let Some(mut remote) = self.find(&call.external_id, now)? else {
            self.store.remove(&call.external_id)?;
            return Ok(Outcome::Gone);
        };
        if let Some(running) = remote.running.as_ref().filter(|running| running.change == Change::End) {
            return Ok(accepted(&remote, running, now));
        }
        if !script.operation.is_zero() {
            remote.state = State::Deleting;
        }
        self.begin(Verb::Terminate, remote, call, script, Change::End, now)
    }

    pub(crate) fn poll(&self, call: &Call, token: &str, now: Timestamp) -> Result<Outcome, Error> {
        let _turn = lock(&self.turn);
        let Some(remote) = self.find(&call.external_id, now)? else {
            return if token.starts_with("terminate/") { Ok(Outcome::Gone) } else { Err(gone(call)) };
        };
        match &remote.running {
            Some(running) if running.token == token => Ok(accepted(&remote, running, now)),
            Some(running) => Err(busy(running)),
            None => self.done(remote),
        }
    }

    /// The remote as it is, and what it tells once.
    fn done(&self, mut remote: Simulated) -> Result<Outcome, Error> {
        let credentials = credentials::tell(&mut remote);
        self.store.put(&remote)?;
        Ok(Outcome::Done(RemoteState { credentials, ..RemoteState::new(remote.handle(), remote.state) }))
    }

    /// Makes a change, at once or after the time that the script asks for.
    fn begin(
        &self,
        verb: Verb,
        mut remote: Simulated,
        call: &Call,
        script: &Script,
        change: Change,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        if !script.operation.is_zero() {
            let running = Operation { token: token(verb, call), done_at: later(now, script.operation), change };
            remote.running = Some(running.clone());
            self.store.put(&remote)?;
            return Ok(accepted(&remote, &running, now));
        }
        remote.running = None;
        let id = remote.id.clone();
        let Some(remote) = remote.changed(change) else {
            self.store.remove(&call.external_id)?;
            self.store.remove(&id)?;
            return Ok(Outcome::Gone);
        };
        self.done(remote)
    }

    /// The one with this id, whatever mark it carries.
    fn named(&self, id: &str, now: Timestamp) -> Result<Option<Simulated>, Error> {
        let named = self.store.all()?.into_iter().find(|remote| remote.id == id);
        Ok(named.and_then(|remote| remote.at(now)))
    }

    fn find(&self, external_id: &str, now: Timestamp) -> Result<Option<Simulated>, Error> {
        let found = self.store.find(external_id)?.filter(|remote| remote.external_id.is_some());
        Ok(found.and_then(|remote| remote.at(now)))
    }
}

fn accepted(remote: &Simulated, running: &Operation, now: Timestamp) -> Outcome {
    Outcome::Accepted {
        token: running.token.clone(),
        poll_after: running.poll_after(now),
        remote: Some(remote.handle()),
    }
}

fn token(verb: Verb, call: &Call) -> String {
    format!("{verb}/{}", call.operation_id)
}

fn later(now: Timestamp, after: std::time::Duration) -> Timestamp {
    now.checked_add(after).unwrap_or(Timestamp::MAX)
}

fn busy(running: &Operation) -> Error {
    let message = format!("the operation {} runs until {}", running.token, running.done_at);
    Error::new(Class::Conflict, "busy", message)
}

fn gone(call: &Call) -> Error {
    Error::new(Class::NotFound, "gone", format!("there is no remote with external id {}", call.external_id))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind it is whole after each statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
