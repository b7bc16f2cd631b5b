//! Whether a controller runs: it would take hold again of what is let go.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{Api, Client};
use tokio::time::Instant;

use super::super::cluster::found;
use super::super::failure::Failure;
use super::super::installed::Installed;
use super::super::output::Output;
use super::finalizers::Held;
use crate::kube::lease;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A controller that sees an object let go takes hold of it within this time.
const REACTION: Duration = Duration::from_secs(3);

/// Refuses while a controller renews its lease. One that was killed leaves its name in it, so the lease is watched for as
/// long as it is good for: nobody's wall clock decides.
pub(super) async fn refuse_while_running(
    client: &Client,
    namespace: Option<&str>,
    output: &Output,
) -> Result<(), Failure> {
    let installed = Installed::find(client, namespace).await?;
    if installed.handed_over().is_some() {
        // The controller of this cluster does nothing, whether it runs or not.
        return Ok(());
    }
    let api: Api<Lease> = Api::namespaced(client.clone(), installed.namespace());
    let Some(first) = holder(&api).await? else { return Ok(()) };
    let seconds = first.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let good_for = seconds.map_or(lease::LEASE_DURATION, Duration::from_secs);
    let name = first.holder_identity.clone().unwrap_or_default();
    output.remark(&format!("Looking for up to {} s whether the controller {name} still runs…", good_for.as_secs()));
    let start = Instant::now();
    while start.elapsed() < good_for {
        tokio::time::sleep(LOOK_EVERY).await;
        match holder(&api).await? {
            None => return Ok(()),
            Some(now) if now != first => {
                return Err(Failure::failed(format!(
                    "the controller {} runs, and would take hold again of everything at once; stop it first (kubectl scale \
                     deployment, systemctl stop), or let go all the same with --while-running. Nothing was let go",
                    now.holder_identity.unwrap_or_default()
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The lease, while anybody has it.
async fn holder(api: &Api<Lease>) -> Result<Option<LeaseSpec>, Failure> {
    let record = found(api.get(lease::NAME)).await?.and_then(|lease| lease.spec);
    Ok(record.filter(|record| record.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty())))
}

/// A controller without leader election has no lease, and shows by what it does.
pub(super) async fn check_that_nobody_took_hold_again(held: &[Held]) -> Result<(), Failure> {
    tokio::time::sleep(REACTION).await;
    let mut again = 0;
    for object in held {
        again += usize::from(object.is_held_again().await?);
    }
    if again == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "a controller runs and has taken hold again of {again} of {} objects; stop it (hostwright run or hostwright \
         standalone), then run this again",
        held.len()
    )))
}
