//! The credentials of simulated remotes: what the provider accepts, and what it tells once.

use std::collections::BTreeMap;
use std::time::Duration;

use hostwright_plugin::{Call, Class, CredentialNames, Error, Outcome, RemoteState, Secret};
use tokio::time::Instant;

use super::provider::{Inner, Provider, SimulatedRemote};
use super::verbs::{gone, seen};
use crate::{API_KEY, log};

impl Provider {
    pub(super) fn credential_names(&self) -> CredentialNames {
        self.lock().credentials.clone()
    }

    pub(super) fn rotate(&self, call: &Call) -> Result<Outcome, Error> {
        let mut inner = self.settled();
        let credentials = inner.issue(call)?;
        let takes = inner.takes;
        let mut remotes = inner.remotes.iter_mut();
        let remote = remotes.find(|remote| remote.external_id == call.external_id).ok_or_else(|| gone(call))?;
        remote.credentials = credentials;
        remote.untold = true;
        remote.issued_at = Instant::now() + takes;
        if takes.is_zero() {
            return Ok(inner.told(&call.external_id));
        }
        let (token, remote) = (remote.id.to_string(), seen(remote).remote);
        Ok(Outcome::Accepted { token, poll_after: Duration::from_secs(2), remote: Some(remote) })
    }
}

impl Inner {
    /// New ones: those of the call, and those that nobody knows yet.
    pub(super) fn issue(&mut self, call: &Call) -> Result<BTreeMap<String, String>, Error> {
        self.issued += 1;
        let mut credentials = BTreeMap::new();
        for name in &self.credentials.chosen {
            let value = call.credentials.get(name).map(Secret::expose).ok_or_else(|| missing(name))?;
            log::plant(value);
            credentials.insert(name.clone(), value.to_owned());
        }
        for name in &self.credentials.minted {
            credentials.insert(name.clone(), format!("{API_KEY}-{name}-{}", self.issued));
        }
        Ok(credentials)
    }

    /// The remote as it is now, with what it has told nobody.
    pub(super) fn told(&mut self, external_id: &str) -> Outcome {
        let minted = self.credentials.minted.clone();
        let remote = self.remotes.iter_mut().find(|remote| remote.external_id == external_id);
        let remote: &mut SimulatedRemote = remote.expect("it was there a moment ago");
        let untold = std::mem::take(&mut remote.untold);
        let told = remote.credentials.iter().filter(|(name, _)| untold && minted.contains(*name));
        let credentials = told.map(|(name, value)| (name.clone(), Secret::new(value))).collect();
        Outcome::Done(RemoteState { credentials, ..RemoteState::new(seen(remote).remote, remote.state) })
    }
}

fn missing(name: &str) -> Error {
    Error::new(Class::Internal, "nothing chosen", format!("the call holds no {name}"))
}
