//! Leader election on a `Lease`: of all processes that share it, at most one may change anything.
//!
//! Nobody's wall clock decides. A candidate waits until the leader's record has stood unchanged for the lease's duration
//! on its own monotonic clock; a leader believes in its claim for [`CLAIM`] since it *asked* for it, which ends well before
//! any candidate's wait. A process that is stopped in the middle of a call may still finish that one call later:
//! operation ids make that harmless.
//!
//! When the namespace of the lease is deleted, the lease goes before that which waits for its leader: who led goes on
//! leading until the namespace is gone, as nobody else can make a lease in it.

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::FIELD_MANAGER;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::WriteError;
use super::client::bounded_by;
use crate::clock::Clock;

/// Name of the Lease that the replicas of a controller share.
pub const NAME: &str = "hostwright-controller";
/// How long candidates wait since the leader was last seen to renew.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long a leader believes in its claim since it asked for it.
pub const CLAIM: Duration = Duration::from_secs(10);
/// How often a leader renews.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often a candidate looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How soon a request that failed is made again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The longest that one request may take: a leader outlives one without an answer and one that fails.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whether this process may change anything. Clones share it.
#[derive(Debug, Clone)]
pub struct Leadership {
    standing: Standing,
    /// False while another cluster has the installation; absent where that cannot be.
    acting: Option<watch::Receiver<bool>>,
}

#[derive(Debug, Clone)]
enum Standing {
    Always,
    Until(watch::Receiver<Option<Instant>>),
}

impl Leadership {
    /// That of a process that shares its objects with no other.
    pub fn always() -> Self {
        Self { standing: Standing::Always, acting: None }
    }

    /// The same, while this is true besides.
    #[must_use]
    pub fn while_acting(self, acting: watch::Receiver<bool>) -> Self {
        Self { acting: Some(acting), ..self }
    }

    /// Whether this process leads at this moment.
    pub fn holds(&self) -> bool {
        let leads = match &self.standing {
            Standing::Always => true,
            Standing::Until(claim) => is_valid(*claim.borrow()),
        };
        leads && self.acting.as_ref().is_none_or(|acting| *acting.borrow())
    }

    /// Waits until this process leads; for ever once the election has ended.
    pub async fn wait_until_held(&self) {
        while !self.holds() {
            let mut ended = false;
            if let Standing::Until(claim) = &self.standing {
                ended |= claim.clone().wait_for(|claim| is_valid(*claim)).await.is_err();
            }
            if let Some(acting) = &self.acting {
                ended |= acting.clone().wait_for(|acting| *acting).await.is_err();
            }
            if ended {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn is_valid(claim: Option<Instant>) -> bool {
    claim.is_some_and(|until| Instant::now() < until)
}

/// Stands for election under a name that no other process has, until `shutdown`; then the lease is released at once, so
/// that no time is lost. Cancel it only after the last reconcile has ended.
pub fn run(
    client: Client,
    namespace: &str,
    name: &str,
    identity: &str,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> (Leadership, JoinHandle<()>) {
    let (claim, standing) = watch::channel(None);
    let candidate = Candidate {
        api: Api::namespaced(client, namespace),
        name: name.to_owned(),
        identity: identity.to_owned(),
        clock,
        claim,
        seen: None,
        held: None,
        trouble: None,
    };
    (Leadership { standing: Standing::Until(standing), acting: None }, tokio::spawn(candidate.stand(shutdown)))
}

struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: Arc<dyn Clock>,
    claim: watch::Sender<Option<Instant>>,
    /// The record of another leader, and since when it has stood so.
    seen: Option<(LeaseSpec, Instant)>,
    /// The lease as this process wrote it last.
    held: Option<Lease>,
    /// What went wrong, until it goes well again: it is told once.
    trouble: Option<WriteError>,
}

impl Candidate {
    async fn stand(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let pause = match self.campaign().await {
                Ok(()) => {
                    self.trouble = None;
                    if self.held.is_some() { RENEW_EVERY } else { LOOK_EVERY }
                }
                Err(error) => {
                    self.tell(error);
                    RETRY_AFTER
                }
            };
            let _ = tokio::time::timeout(pause, shutdown.cancelled()).await;
        }
        self.release().await;
    }

    /// Takes or renews the lease where that is due.
    async fn campaign(&mut self) -> Result<(), WriteError> {
        let asked = Instant::now();
        let found = bounded_by(TIMEOUT, self.api.get_opt(&self.name)).await?;
        let written = match found {
            None => self.create().await,
            Some(lease) if self.may_take(&lease) => self.take(lease).await,
            Some(_) => Err(WriteError::Conflict),
        };
        match written {
            Ok(lease) => self.lead(lease, asked),
            // Another process leads, or was faster.
            Err(WriteError::Conflict) => self.follow(),
            Err(WriteError::NamespaceEnding) if is_valid(*self.claim.borrow()) => {
                self.claim.send_replace(Some(asked + CLAIM));
                return Err(WriteError::NamespaceEnding);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn tell(&mut self, error: WriteError) {
        if self.trouble.as_ref() != Some(&error) {
            let leads = is_valid(*self.claim.borrow());
            tracing::warn!(lease = self.name, %error, leads, "leader election: cannot read or write the lease");
        }
        self.trouble = Some(error);
    }

    /// Whether the lease is ours, free, or has stood unchanged for too long.
    fn may_take(&mut self, lease: &Lease) -> bool {
        let record = lease.spec.clone().unwrap_or_default();
        let holder = record.holder_identity.as_deref().unwrap_or_default();
        if holder.is_empty() || holder == self.identity {
            return true;
        }
        let seconds = record.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let duration = seconds.map_or(LEASE_DURATION, Duration::from_secs);
        match &self.seen {
            Some((seen, since)) if *seen == record => since.elapsed() >= duration,
            _ => {
                self.seen = Some((record, Instant::now()));
                false
            }
        }
    }

    async fn create(&self) -> Result<Lease, WriteError> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(self.record(0)) };
        bounded_by(TIMEOUT, self.api.create(&params(), &lease)).await
    }

    /// Writes on the version that was read, so that of two candidates one fails.
    async fn take(&self, mut lease: Lease) -> Result<Lease, WriteError> {
        let found = lease.spec.take().unwrap_or_default();
        let transitions = found.lease_transitions.unwrap_or_default();
        lease.metadata.managed_fields = None;
        lease.spec = Some(if found.holder_identity.as_deref() == Some(&self.identity) {
            LeaseSpec { renew_time: Some(self.now()), ..found }
        } else {
            self.record(transitions.saturating_add(1))
        });
        bounded_by(TIMEOUT, self.api.replace(&self.name, &params(), &lease)).await
    }

    fn record(&self, transitions: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: LEASE_DURATION.as_secs().try_into().ok(),
            acquire_time: Some(self.now()),
            renew_time: Some(self.now()),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    fn lead(&mut self, lease: Lease, asked: Instant) {
        if !is_valid(*self.claim.borrow()) {
            tracing::info!(lease = self.name, identity = self.identity, "leader election: this process leads");
        }
        self.held = Some(lease);
        self.seen = None;
        self.claim.send_replace(Some(asked + CLAIM));
    }

    fn follow(&mut self) {
        self.claim.send_replace(None);
        if self.held.take().is_some() {
            tracing::warn!(lease = self.name, identity = self.identity, "leader election: another process leads");
        }
    }

    async fn release(mut self) {
        self.claim.send_replace(None);
        if self.held.take().is_none() {
            return;
        }
        // Read anew: its finalizers may have been changed since it was renewed.
        let found = bounded_by(TIMEOUT, self.api.get_opt(&self.name)).await;
        let Ok(Some(mut lease)) = found else { return };
        if lease.spec.as_ref().and_then(|record| record.holder_identity.as_deref()) != Some(&self.identity) {
            return;
        }
        lease.metadata.managed_fields = None;
        if let Some(record) = &mut lease.spec {
            record.holder_identity = Some(String::new());
            record.lease_duration_seconds = Some(1);
            record.renew_time = Some(self.now());
        }
        match bounded_by(TIMEOUT, self.api.replace(&lease.name_any(), &params(), &lease)).await {
            Ok(_) => tracing::info!(lease = self.name, "leader election: released the lease"),
            Err(error) => {
                tracing::warn!(lease = self.name, %error, "leader election: the lease will run out by itself");
            }
        }
    }

    fn now(&self) -> MicroTime {
        MicroTime(self.clock.now())
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

#[cfg(test)]
mod tests;
