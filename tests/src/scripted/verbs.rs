//! What the simulated provider does when it does what it is asked.

use std::time::Duration;

use hostwright_plugin::{
    Call, Class, Connection, Error, Map, Observation, Outcome, Page, PlannedChange, Present, Remote, RemoteState,
    RenewSupport, State,
};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::NEVER;
use super::provider::{Provider, SimulatedRemote};

/// Entries of a page of the list.
const PAGE: usize = 100;

impl Provider {
    pub(super) fn connection(&self) -> Connection {
        Connection { identity: self.lock().identity.clone(), version: None, permissions: Vec::new(), note: None }
    }

    pub(super) fn observe(&self, call: &Call) -> Observation {
        let inner = self.settled();
        let known = call.remote.as_ref().map(|remote| remote.id.clone()).or_else(|| call.named.clone());
        let marked = inner.remotes.iter().find(|remote| !inner.blind && remote.external_id == call.external_id);
        let found = marked.or_else(|| inner.remotes.iter().find(|remote| Some(remote.id.to_string()) == known));
        let shows_the_date = inner.capabilities.renew == RenewSupport::Observable;
        found.map_or(Observation::Absent, |remote| {
            let paid_until = remote.paid.last().copied().filter(|_| shows_the_date);
            Observation::Present(Box::new(Present { paid_until, ..seen(remote) }))
        })
    }

    pub(super) fn page(&self, from: usize) -> Page {
        let inner = self.settled();
        let shown = inner.remotes.iter().filter(|remote| !inner.hidden.contains(&remote.external_id));
        let items: Vec<_> = shown.skip(from).take(PAGE).map(seen).collect();
        let next = (inner.remotes.len() > from + PAGE).then(|| (from + PAGE).to_string());
        Page { items, next }
    }

    pub(super) fn create(&self, call: &Call) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        let exists = inner.remotes.iter().any(|remote| remote.external_id == call.external_id);
        if exists && inner.capabilities.create_uniqueness.is_enforced() {
            return Err(Error::new(Class::Conflict, "exists", "a remote with this external id exists"));
        }
        let credentials = inner.issue(call)?;
        let (id, takes, secretive) = (inner.next_id, inner.takes, inner.secretive);
        inner.next_id += 1;
        let remote = SimulatedRemote {
            id,
            external_id: call.external_id.clone(),
            owner: call.owner.key.clone(),
            state: if takes.is_zero() { State::Active } else { State::Provisioning },
            config: call.config.clone(),
            paid: call.paid_until.into_iter().collect(),
            checkout: call.checkout.clone(),
            fields: call.fields.clone(),
            passwords: call.checkout_secrets.clone(),
            untold: !credentials.is_empty(),
            credentials,
            issued_at: Instant::now(),
            done_at: Instant::now() + if takes.is_zero() { NEVER } else { takes },
            becomes: State::Active,
        };
        let found = seen(&remote).remote;
        inner.remotes.push(remote);
        inner.count_live(&call.external_id);
        if takes.is_zero() {
            return Ok(inner.told(&call.external_id));
        }
        let remote = (!secretive).then_some(found);
        Ok(Outcome::Accepted { token: id.to_string(), poll_after: Duration::from_secs(2), remote })
    }

    pub(super) fn poll(&self, call: &Call, token: &str) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        if inner.forgetful {
            return Err(Error::new(Class::NotFound, "token", "no such operation"));
        }
        let remote = inner.remotes.iter().find(|remote| remote.id.to_string() == token).ok_or_else(|| gone(call))?;
        if remote.state != State::Provisioning && remote.issued_at <= Instant::now() {
            return Ok(inner.told(&call.external_id));
        }
        let remote = (!inner.secretive).then(|| seen(remote).remote);
        Ok(Outcome::Accepted { token: token.to_owned(), poll_after: Duration::from_secs(2), remote })
    }

    /// Puts the external id on what has none, and leaves its owner as it is.
    pub(super) fn adopt(&self, call: &Call) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        let id = call.remote.as_ref().map(|remote| remote.id.clone());
        let remote = inner.remotes.iter_mut().find(|remote| Some(remote.id.to_string()) == id);
        let remote = remote.ok_or_else(|| gone(call))?;
        if !(remote.external_id.is_empty() || remote.external_id == call.external_id) {
            return Err(Error::new(Class::Invalid, "AdoptionRefused", "it carries another mark"));
        }
        remote.external_id.clone_from(&call.external_id);
        let answer = Outcome::Done(RemoteState::new(seen(remote).remote, remote.state));
        inner.count_live(&call.external_id);
        Ok(answer)
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

    /// A smaller disk loses what is on it.
    pub(super) fn plan(&self, call: &Call) -> Result<Vec<PlannedChange>, Error> {
        let inner = self.settled();
        let mut remotes = inner.remotes.iter();
        let remote = remotes.find(|remote| remote.external_id == call.external_id).ok_or_else(|| gone(call))?;
        let size = |config: &Map| config.get("disk").and_then(Value::as_u64).unwrap_or_default();
        let (found, wanted) = (size(&remote.config), size(&call.config));
        let what = format!("the disk goes from {found} to {wanted} MB");
        let changes =
            (found != wanted).then_some(PlannedChange { what, disruptive: false, destructive: wanted < found });
        Ok(changes.into_iter().collect())
    }

    /// Each call buys a period, so that one too many shows.
    pub(super) fn renew(&self, call: &Call, until: Timestamp) -> Result<Outcome, Error> {
        self.change(call, |remote| remote.paid.push(until))
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
}

pub(super) fn gone(call: &Call) -> Error {
    Error::new(Class::NotFound, "gone", format!("there is no remote with external id {}", call.external_id))
}

pub(super) fn seen(remote: &SimulatedRemote) -> Present {
    let handle = Remote { id: remote.id.to_string(), ..Remote::default() };
    let told = |mark: &String| (!mark.is_empty()).then(|| mark.clone());
    let present = Present::new(handle, remote.state, told(&remote.owner));
    Present { external_id: told(&remote.external_id), applied: remote.config.clone(), ..present }
}
