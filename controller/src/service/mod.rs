//! HostingService: one customer's service, from what is wanted to what is so.

mod aim;
mod beforehand;
mod call;
mod changes;
pub(crate) mod checkout;
mod credentials;
mod digest;
mod due;
mod effective;
mod execute;
#[cfg(test)]
mod fixture;
mod fold;
pub(crate) mod foresee;
mod memory;
#[cfg(test)]
mod model;
mod mutate;
mod order;
mod pass;
mod passwords;
mod plan;
mod publish;
mod record;
mod refused;
mod report;
mod resolve;
mod retry;
mod situation;

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::HostingService;
use hostwright_plugin::Present;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;

pub(crate) use changes::changes_by;
pub(crate) use effective::effective;
pub use memory::Memory;
pub(crate) use order::{deletion_policy_is_allowed, not_admitted};
pub use record::{external_id, owner_key};

use crate::context::{Context, Guarded};
use crate::kube::{WriteError, fenced};
use execute::Flow;
use pass::Pass;
use plan::Step;

/// The code of an error that a connection test contradicts: the credentials work, this request is not permitted.
pub(crate) const FORBIDDEN_CODE: &str = "Forbidden";

/// The most steps of one pass. Each step but a wait settles something, so a pass that needs more has a bug.
const STEPS: usize = 16;

/// How often a replica that does not lead looks whether it does.
const NOT_LEADING: Duration = Duration::from_secs(10);
/// The pause after a race that another writer won.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a pass ended early. Another one starts from the latest object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A write to the cluster did not land.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another replica leads.
    #[error("another replica leads")]
    NotLeading,
    /// A pass did not come to an end.
    #[error("the plan did not come to an end within {STEPS} steps; the last was {0}")]
    Endless(String),
}

/// Brings one service closer to what its spec asks for; called again until nothing is left to do.
///
/// # Errors
/// When the pass could not be finished; the caller tries again.
pub async fn reconcile(seen: Arc<Guarded<HostingService>>, ctx: Arc<Context>) -> Result<Action, Error> {
    match &seen.0 {
        Err(invalid) => {
            publish::unreadable(seen.as_ref(), &invalid.error, &ctx).await;
            Ok(Action::await_change())
        }
        Ok(_) if !ctx.leadership.holds() => Ok(Action::requeue(NOT_LEADING)),
        Ok(service) => match Box::pin(one_pass(service, &ctx)).await {
            // Somebody else wrote first, so the plan is void. The next pass starts from what they wrote.
            Err(Error::Write(WriteError::Conflict) | Error::NotLeading) => Ok(Action::requeue(AGAIN)),
            outcome => outcome,
        },
    }
}

async fn one_pass(cached: &HostingService, ctx: &Arc<Context>) -> Result<Action, Error> {
    let Some(service) = newest(cached, ctx).await? else {
        return Ok(Action::await_change());
    };
    // resolve (cluster) and validate (pure)
    let mut pass = Pass::begin(service, ctx.clone()).await?;
    passwords::look_again(&mut pass).await?;
    // plan (pure) and execute (provider): one mutation at most
    let end = match credentials::finish(&mut pass).await {
        Some(end) => end,
        None => advance(&mut pass).await?,
    };
    // report (fold pure, one write): what happened and what is so
    Box::pin(publish::publish(&mut pass, &end)).await
}

async fn advance(pass: &mut Pass) -> Result<Flow, Error> {
    let mut step = Step::Settled;
    for _ in 0..STEPS {
        step = pass.plan();
        tracing::debug!(service = pass.name(), ?step, "planned");
        match execute::execute(pass, step.clone()).await? {
            Flow::Again => {}
            end => return Ok(end),
        }
    }
    Err(Error::Endless(format!("{step:?}")))
}

/// The service as it is: a cached copy older than our own last write is read live.
async fn newest(cached: &HostingService, ctx: &Context) -> Result<Option<HostingService>, WriteError> {
    let uid = cached.metadata.uid.as_deref().unwrap_or_default();
    if !ctx.memory.of(uid).is_stale(cached.metadata.resource_version.as_deref()) {
        return Ok(Some(cached.clone()));
    }
    let live = fenced::live(&ctx.client, &cached.namespace().unwrap_or_default(), &cached.name_any()).await?;
    Ok(live.filter(|live| live.metadata.uid == cached.metadata.uid))
}

/// Whether a list contradicts what status says of a service. A look of its own confirms it before anything is done.
pub fn suspicion(service: &HostingService, listed: Option<&Present>) -> bool {
    pass::contradiction(service, listed).is_some()
}
