//! The simulated provider: what it has, what it was asked, and what it does wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use hostwright_plugin::{
    Capabilities, Class, CreateUniqueness, CredentialNames, Error, Map, RenewSupport, Secret, State,
};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::{INSTALLATION, NAMESPACE};

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
    /// The external id on it; empty where it carries none.
    pub external_id: String,
    /// The owner key on it; empty where it carries none.
    pub owner: String,
    /// Its state.
    pub state: State,
    /// Its configuration.
    pub config: Map,
    /// Every period that was bought for it, by the date of its end.
    pub paid: Vec<Timestamp>,
    /// What came with the create that the customer entered.
    pub checkout: Map,
    /// The same in the fields that the package adds.
    pub fields: Map,
    /// And secretly.
    pub passwords: BTreeMap<String, Secret>,
    /// The credentials that it accepts now, by name.
    pub credentials: BTreeMap<String, String>,
    /// It issued some that it has told nobody yet.
    pub(super) untold: bool,
    /// When it is done with issuing them.
    pub(super) issued_at: Instant,
    /// When the provider is done with it.
    pub(super) done_at: Instant,
    /// What it becomes then.
    pub(super) becomes: State,
}

struct Ordered {
    verb: &'static str,
    external_id: Option<String>,
    fault: Fault,
    left: usize,
}

#[expect(clippy::struct_excessive_bools, reason = "independent switches of a provider")]
pub(super) struct Inner {
    pub(super) capabilities: Capabilities,
    pub(super) takes: Duration,
    pub(super) identity: String,
    pub(super) remotes: Vec<SimulatedRemote>,
    pub(super) next_id: u64,
    pub(super) most_live: BTreeMap<String, usize>,
    faults: Vec<Ordered>,
    pub(super) hidden: BTreeSet<String>,
    pub(super) stubborn: bool,
    pub(super) blind: bool,
    pub(super) credentials: CredentialNames,
    pub(super) issued: u64,
    pub(super) forgetful: bool,
    pub(super) secretive: bool,
    calls: Vec<(String, String)>,
}

impl Inner {
    /// Remembers how many remotes carry this mark at once.
    pub(super) fn count_live(&mut self, external_id: &str) {
        let live = self.remotes.iter().filter(|remote| remote.external_id == external_id).count();
        let most = self.most_live.entry(external_id.to_owned()).or_default();
        *most = live.max(*most);
    }
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
            renew: RenewSupport::Unneeded,
            adopt: true,
            rotate_credentials: false,
            actions: false,
            validate: false,
            plan: false,
            users: false,
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
            credentials: CredentialNames::default(),
            issued: 0,
            forgetful: false,
            secretive: false,
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

    /// The same with remotes whose credentials of these names the caller chooses, and of those it makes up.
    #[must_use]
    pub fn issuing(self: Arc<Self>, chosen: &[&str], minted: &[&str]) -> Arc<Self> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.lock().credentials = CredentialNames { chosen: set(chosen), minted: set(minted) };
        self
    }

    /// The same that knows no token of an operation any more when it is asked for it.
    #[must_use]
    pub fn forgetting_tokens(self: Arc<Self>) -> Arc<Self> {
        self.lock().forgetful = true;
        self
    }

    /// The same that accepts a create without saying what it makes.
    #[must_use]
    pub fn naming_no_remote(self: Arc<Self>) -> Arc<Self> {
        self.lock().secretive = true;
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

    /// Has a remote that nobody marked, with this configuration; its id.
    pub fn has_stranger(&self, config: Value) -> String {
        let mut inner = self.settled();
        let id = inner.next_id;
        inner.next_id += 1;
        inner.remotes.push(SimulatedRemote {
            id,
            external_id: String::new(),
            owner: String::new(),
            state: State::Active,
            config: serde_json::from_value(config).unwrap(),
            paid: Vec::new(),
            checkout: Map::new(),
            fields: Map::new(),
            passwords: BTreeMap::new(),
            credentials: BTreeMap::new(),
            untold: false,
            issued_at: Instant::now(),
            done_at: Instant::now(),
            becomes: State::Active,
        });
        id.to_string()
    }

    /// The remote with this id.
    #[track_caller]
    pub fn remote_of(&self, id: &str) -> SimulatedRemote {
        let found = self.remotes().into_iter().find(|remote| remote.id.to_string() == id);
        found.unwrap_or_else(|| panic!("there is no remote {id}"))
    }

    /// Changes the remote with this id behind the controller's back.
    #[track_caller]
    pub fn changes(&self, id: &str, change: impl FnOnce(&mut SimulatedRemote)) {
        let mut inner = self.settled();
        let found = inner.remotes.iter_mut().find(|remote| remote.id.to_string() == id);
        change(found.unwrap_or_else(|| panic!("there is no remote {id}")));
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

    /// What is there, with everything finished that is due.
    pub(super) fn settled(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        let now = Instant::now();
        for remote in inner.remotes.iter_mut().filter(|remote| remote.state == State::Provisioning) {
            if remote.done_at <= now {
                remote.state = remote.becomes;
            }
        }
        inner
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

fn external_id(service: &str) -> String {
    format!("{INSTALLATION}.{NAMESPACE}.{service}")
}
