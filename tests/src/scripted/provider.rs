//! The simulated provider: what it has, what it was asked, and what it does wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use hostwright_plugin::{
    Call, Capabilities, Class, Connection, CreateUniqueness, Error, Listed, Map, Observation, Outcome, Page, Present,
    Remote, RemoteState, RenewSupport, State,
};
use tokio::time::Instant;

use super::NEVER;
use crate::{INSTALLATION, NAMESPACE};

/// Entries of a page of the list.
const PAGE: usize = 100;

/// What happens to one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused with this error, without effect.
    Refused(Error),
    /// It takes effect, and this error is the answer.
    RefusedAfterEffect(Error),
    /// The plugin panics, without effect.
    Panic,
    /// It takes effect, and then the plugin panics.
    PanicAfterEffect,
    /// It takes effect, and no answer ever comes.
    NoAnswer,
    /// It takes effect this much later; the answer is that nobody knows.
    LandsLate(Duration),
    /// It takes effect, and the answer takes this long.
    AnsweredLate(Duration),
}

/// A remote at the provider.
#[derive(Debug, Clone)]
pub struct SimulatedRemote {
    /// Its id.
    pub id: u64,
    /// The external id on it.
    pub external_id: String,
    /// The owner key on it.
    pub owner: String,
    /// Its state.
    pub state: State,
    /// Its configuration.
    pub config: Map,
    /// When the provider is done with it.
    done_at: Instant,
    /// What it becomes then.
    becomes: State,
}

struct Ordered {
    verb: &'static str,
    external_id: Option<String>,
    fault: Fault,
    left: usize,
}

struct Inner {
    capabilities: Capabilities,
    takes: Duration,
    identity: String,
    remotes: Vec<SimulatedRemote>,
    next_id: u64,
    most_live: BTreeMap<String, usize>,
    faults: Vec<Ordered>,
    hidden: BTreeSet<String>,
    stubborn: bool,
    blind: bool,
    calls: Vec<(String, String)>,
}

/// The simulated provider. It outlives every controller.
pub struct Provider {
    inner: Mutex<Inner>,
    itself: Weak<Self>,
}

impl Provider {
    /// A provider that finishes at once, lists, can be interrupted, and protects from doubles in this way.
    pub fn new(uniqueness: CreateUniqueness) -> Arc<Self> {
        let capabilities = Capabilities {
            create_uniqueness: uniqueness,
            settle_seconds: 0,
            list: true,
            interruptible: true,
            renew: RenewSupport::None,
            adopt: false,
            rotate_credentials: false,
            actions: false,
            requests_per_minute: Some(100_000),
            max_concurrent_creates: None,
            shown_attributes: Vec::new(),
        };
        let inner = Inner {
            capabilities,
            takes: Duration::ZERO,
            identity: "simulated-1".to_owned(),
            remotes: Vec::new(),
            next_id: 1,
            most_live: BTreeMap::new(),
            faults: Vec::new(),
            hidden: BTreeSet::new(),
            stubborn: false,
            blind: false,
            calls: Vec::new(),
        };
        Arc::new_cyclic(|itself| Self { inner: Mutex::new(inner), itself: itself.clone() })
    }

    /// The same with other capabilities; before the first controller.
    #[must_use]
    pub fn able(self: Arc<Self>, change: impl FnOnce(&mut Capabilities)) -> Arc<Self> {
        change(&mut self.lock().capabilities);
        self
    }

    /// The same, accepting creates and finishing them after this time.
    #[must_use]
    pub fn taking(self: Arc<Self>, time: Duration) -> Arc<Self> {
        self.lock().takes = time;
        self
    }

    /// From now on it is another provider behind the same address.
    pub fn becomes(&self, identity: &str) {
        identity.clone_into(&mut self.lock().identity);
    }

    /// The next `times` calls of this verb go wrong. Verbs are those of plugins, `test` for the connection test.
    pub fn fails(&self, verb: &'static str, times: usize, fault: Fault) {
        self.lock().faults.push(Ordered { verb, external_id: None, fault, left: times });
    }

    /// As [`Self::fails`], for one service.
    pub fn fails_for(&self, service: &str, verb: &'static str, times: usize, fault: Fault) {
        let external_id = Some(external_id(service));
        self.lock().faults.push(Ordered { verb, external_id, fault, left: times });
    }

    /// Lists from now on miss the remote of this service, as they do when pages shift; a look still finds it.
    pub fn hides_from_lists(&self, service: &str) {
        self.lock().hidden.insert(external_id(service));
    }

    /// From now on it says yes to a scale and changes nothing.
    pub fn ignores_scales(&self) {
        self.lock().stubborn = true;
    }

    /// From now on it finds a remote by its own id only, as providers do that keep no external id.
    pub fn is_blind(&self) {
        self.lock().blind = true;
    }

    /// Ends all faults.
    pub fn heals(&self) {
        self.lock().faults.clear();
    }

    /// What was asked so far, as `verb external-id`.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.iter().map(|(verb, id)| format!("{verb} {id}").trim_end().to_owned()).collect()
    }

    /// The remote of a service.
    #[track_caller]
    pub fn remote(&self, service: &str) -> SimulatedRemote {
        let found = self.remotes().into_iter().find(|remote| remote.external_id == external_id(service));
        found.unwrap_or_else(|| panic!("{service} has no remote"))
    }

    /// Changes the remote of a service behind the controller's back.
    pub fn meddles_with(&self, service: &str, change: impl FnOnce(&mut SimulatedRemote)) {
        if let Some(remote) =
            self.settled().remotes.iter_mut().find(|remote| remote.external_id == external_id(service))
        {
            change(remote);
        }
    }

    /// Removes the remote of a service behind the controller's back.
    pub fn loses(&self, service: &str) {
        self.settled().remotes.retain(|remote| remote.external_id != external_id(service));
    }

    /// Puts a remote back that was there before.
    pub fn puts_back(&self, remote: SimulatedRemote) {
        self.settled().remotes.push(remote);
    }

    /// How often a verb was asked for.
    pub fn count(&self, verb: &str) -> usize {
        self.lock().calls.iter().filter(|(called, _)| called == verb).count()
    }

    /// Forgets what was asked.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// What is there now.
    pub fn remotes(&self) -> Vec<SimulatedRemote> {
        self.settled().remotes.clone()
    }

    /// One remote for each of these services, and no other.
    #[track_caller]
    pub fn hosts_exactly<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        let mut wanted: Vec<String> = services.into_iter().map(external_id).collect();
        let mut found: Vec<String> = self.remotes().into_iter().map(|remote| remote.external_id).collect();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "remotes at the provider");
    }

    #[track_caller]
    pub(crate) fn never_had_two_of_one(&self) {
        for (id, most) in &self.lock().most_live {
            assert!(*most <= 1, "{id} had {most} remotes at once");
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.lock().capabilities.clone()
    }

    pub(super) async fn answer<T: Send>(
        &self,
        verb: &'static str,
        external_id: &str,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match self.take_fault(verb, external_id) {
            None => work(self),
            Some(Fault::Refused(error)) => Err(error),
            Some(Fault::RefusedAfterEffect(error)) => {
                drop(work(self));
                Err(error)
            }
            Some(Fault::Panic) => panic!("an ordered panic, which may quote {}", crate::API_KEY),
            Some(Fault::PanicAfterEffect) => {
                drop(work(self));
                panic!("an ordered panic after the effect");
            }
            Some(Fault::NoAnswer) => {
                drop(work(self));
                std::future::pending().await
            }
            Some(Fault::AnsweredLate(after)) => {
                let answer = work(self);
                tokio::time::sleep(after).await;
                answer
            }
            Some(Fault::LandsLate(after)) => {
                let provider = self.itself.upgrade().unwrap();
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    drop(work(&provider));
                });
                Err(Error::new(Class::Unknown, "lost", "the connection broke"))
            }
        }
    }

    fn take_fault(&self, verb: &'static str, external_id: &str) -> Option<Fault> {
        let mut inner = self.lock();
        inner.calls.push((verb.to_owned(), external_id.to_owned()));
        let ordered = inner.faults.iter_mut().find(|ordered| {
            ordered.left > 0
                && ordered.verb == verb
                && ordered.external_id.as_deref().is_none_or(|wanted| wanted == external_id)
        })?;
        ordered.left -= 1;
        Some(ordered.fault.clone())
    }

    pub(super) fn connection(&self) -> Connection {
        Connection { identity: self.lock().identity.clone(), version: None, permissions: Vec::new(), note: None }
    }

    pub(super) fn observe(&self, call: &Call) -> Observation {
        let inner = self.settled();
        let known = call.remote.as_ref().map(|remote| remote.id.clone());
        let found = inner.remotes.iter().find(|remote| {
            Some(remote.id.to_string()) == known || (!inner.blind && remote.external_id == call.external_id)
        });
        found.map_or(Observation::Absent, |remote| Observation::Present(Box::new(seen(remote))))
    }

    pub(super) fn page(&self, from: usize) -> Page {
        let inner = self.settled();
        let listed =
            |remote: &SimulatedRemote| Listed { external_id: Some(remote.external_id.clone()), present: seen(remote) };
        let shown = inner.remotes.iter().filter(|remote| !inner.hidden.contains(&remote.external_id));
        let items: Vec<_> = shown.skip(from).take(PAGE).map(listed).collect();
        let next = (inner.remotes.len() > from + PAGE).then(|| (from + PAGE).to_string());
        Page { items, next }
    }

    pub(super) fn create(&self, call: &Call) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        let exists = inner.remotes.iter().any(|remote| remote.external_id == call.external_id);
        if exists && inner.capabilities.create_uniqueness.is_enforced() {
            return Err(Error::new(Class::Conflict, "exists", "a remote with this external id exists"));
        }
        let (id, takes) = (inner.next_id, inner.takes);
        inner.next_id += 1;
        let remote = SimulatedRemote {
            id,
            external_id: call.external_id.clone(),
            owner: call.owner.key.clone(),
            state: if takes.is_zero() { State::Active } else { State::Provisioning },
            config: call.config.clone(),
            done_at: Instant::now() + if takes.is_zero() { NEVER } else { takes },
            becomes: State::Active,
        };
        let found = seen(&remote).remote;
        inner.remotes.push(remote);
        let live = inner.remotes.iter().filter(|remote| remote.external_id == call.external_id).count();
        let most = inner.most_live.entry(call.external_id.clone()).or_default();
        *most = live.max(*most);
        if takes.is_zero() {
            return Ok(Outcome::Done(RemoteState::new(found, State::Active)));
        }
        Ok(Outcome::Accepted { token: id.to_string(), poll_after: Duration::from_secs(2), remote: Some(found) })
    }

    pub(super) fn poll(&self, call: &Call, token: &str) -> Result<Outcome, Error> {
        let inner = self.settled();
        let remote = inner.remotes.iter().find(|remote| remote.id.to_string() == token).ok_or_else(|| gone(call))?;
        let found = seen(remote);
        Ok(match remote.state {
            State::Provisioning => Outcome::Accepted {
                token: token.to_owned(),
                poll_after: Duration::from_secs(2),
                remote: Some(found.remote),
            },
            state => Outcome::Done(RemoteState::new(found.remote, state)),
        })
    }

    pub(super) fn switch(&self, call: &Call, suspended: bool) -> Result<Outcome, Error> {
        self.change(call, |remote| remote.state = if suspended { State::Suspended } else { State::Active })
    }

    pub(super) fn scale(&self, call: &Call) -> Result<Outcome, Error> {
        let stubborn = self.lock().stubborn;
        self.change(call, |remote| {
            if !stubborn {
                remote.config.clone_from(&call.config);
            }
        })
    }

    pub(super) fn terminate(&self, call: &Call) -> Outcome {
        self.settled().remotes.retain(|remote| remote.external_id != call.external_id);
        Outcome::Gone
    }

    fn change(&self, call: &Call, change: impl FnOnce(&mut SimulatedRemote)) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        let mut remotes = inner.remotes.iter_mut();
        let remote = remotes.find(|remote| remote.external_id == call.external_id).ok_or_else(|| gone(call))?;
        change(remote);
        Ok(Outcome::Done(RemoteState::new(seen(remote).remote, remote.state)))
    }

    /// What is there, with everything finished that is due.
    fn settled(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let now = Instant::now();
        for remote in inner.remotes.iter_mut().filter(|remote| remote.state == State::Provisioning) {
            if remote.done_at <= now {
                remote.state = remote.becomes;
            }
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

fn external_id(service: &str) -> String {
    format!("{INSTALLATION}.{NAMESPACE}.{service}")
}

fn gone(call: &Call) -> Error {
    Error::new(Class::NotFound, "gone", format!("there is no remote with external id {}", call.external_id))
}

fn seen(remote: &SimulatedRemote) -> Present {
    let handle = Remote { id: remote.id.to_string(), ..Remote::default() };
    Present { applied: remote.config.clone(), ..Present::new(handle, remote.state, Some(remote.owner.clone())) }
}
