//! The driver of `ProviderInstances`: *resolve → validate → test → list → report*.
//!
//! It finds out whether a panel can be used, which one it is and what is on it, and publishes that as a
//! [`crate::providers::Runtime`] for the services. It changes nothing at a provider.

mod absence;
mod brake;
mod connection;
mod finalizers;
mod first_sight;
mod identity;
mod inventory;
mod limits;
mod memory;
mod offline;
mod pace;
mod pages;
mod publish;
mod reach;
mod references;
mod report;
mod resolve;
mod standing;
mod stock;
mod token;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use hostwright_crds::{InstanceMode, ProviderInstance};
use hostwright_plugin::Plugin;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Resource as _, ResourceExt as _};
use tokio::sync::OwnedRwLockReadGuard;

pub use brake::{Brake, Braked, brake_holds, take};
pub use connection::verify;
pub use memory::Memory;
pub use offline::problems_without_secrets;
pub use reach::{ask, reach, redacted, remotes, unreached, users};
pub use references::secret_references;
pub use stock::{reserve, seems_free, tally, wake_those_who_wait};
pub use token::pending_confirmations;

use self::connection::Why;
use self::memory::{FirstSight, Remembered};
use self::publish::Published;
use self::references::Uses;
use self::resolve::Resolved;
use crate::context::{Context, Guarded};
use crate::kube::{InstallationError, WriteError};
use crate::providers::{BreakerState, Standing};

/// How often a deleted instance looks whether it is still used.
const RELEASE_CHECK: Duration = Duration::from_secs(15);
/// The longest between two passes of an instance in use: so late an open circuit breaker shows at the latest.
const BREAKER_CHECK: Duration = Duration::from_mins(1);
/// The longest between two passes of one that is not.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How soon a pass is repeated that others were faster than.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a pass failed; it is repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something could not be read from the Kubernetes API.
    #[error("cannot read what the ProviderInstance needs: {0}")]
    Read(#[source] WriteError),
    /// Something could not be written to it.
    #[error("cannot write what was found out about the ProviderInstance: {0}")]
    Write(#[from] WriteError),
    /// The installation's record could not be written.
    #[error(transparent)]
    Installation(#[from] InstallationError),
}

/// Brings what is known of one `ProviderInstance` up to date.
///
/// # Errors
/// When the Kubernetes API could not be read or written. What a provider answers is never an error here: it is status.
pub async fn reconcile(seen: Arc<Guarded<ProviderInstance>>, ctx: Arc<Context>) -> Result<Action, Error> {
    let instance = match &seen.0 {
        Ok(instance) => instance,
        Err(invalid) => {
            let name = invalid.metadata.name.as_deref().unwrap_or_default();
            tracing::warn!(
                instance = name,
                error = invalid.error,
                "a ProviderInstance cannot be read; it is left as it is"
            );
            return Ok(Action::await_change());
        }
    };
    match pass(instance, &ctx).await {
        // Somebody else wrote first, often the brake: the newer version is on its way.
        Err(Error::Write(WriteError::Conflict)) => Ok(Action::requeue(AGAIN)),
        result => result,
    }
}

async fn pass(instance: &ProviderInstance, ctx: &Context) -> Result<Action, Error> {
    let uses = match keep(instance, ctx).await? {
        Kept::Gone => {
            ctx.providers.forget(&instance.name_any());
            ctx.providers.memory.forget(&instance.name_any());
            return Ok(Action::await_change());
        }
        Kept::Deleted(uses) => Some(uses),
        Kept::Held(Some(written)) => return look(&written, ctx, None).await,
        Kept::Held(None) => None,
    };
    look(instance, ctx, uses).await
}

/// Leave to write the first record of a service on an instance, which does not go before this is dropped. None when it is
/// going, or not known yet.
pub async fn may_record(ctx: &Context, name: &str) -> Option<OwnedRwLockReadGuard<()>> {
    let remembered = ctx.providers.memory.get(name)?;
    let leave = remembered.recording.clone().read_owned().await;
    let instance = ctx.caches.instances.get(&ObjectRef::new(name))?;
    instance.meta().deletion_timestamp.is_none().then_some(leave)
}

/// Takes note that a service found a remote which was there before it. One that is found before the first list has shown
/// all of them was there before this cluster saw the instance.
pub fn note_found(ctx: &Context, name: &str) {
    let Some(remembered) = ctx.providers.memory.get(name).filter(|_| !ctx.installation.knows(name)) else {
        return;
    };
    let mut facts = remembered.facts();
    if facts.first_sight == FirstSight::Unclear {
        facts.first_sight = FirstSight::AlreadyThere(0);
        // Fails only while the process ends.
        let _ = ctx.wakers.instances.send(ObjectRef::new(name));
    }
}

/// What became of the object itself.
enum Kept {
    /// It is deleted and nothing uses it any more.
    Gone,
    /// It is deleted and this still uses it.
    Deleted(Uses),
    /// It stays; as written where the finalizer was missing.
    Held(Option<Box<ProviderInstance>>),
}

async fn keep(instance: &ProviderInstance, ctx: &Context) -> Result<Kept, Error> {
    let is_deleted = instance.metadata.deletion_timestamp.is_some();
    if !is_deleted && ctx.leadership.holds() {
        // Whoever uses an instance will need a controller in the end.
        ctx.installation.hold().await?;
    }
    match (is_deleted, finalizers::is_held(instance)) {
        (false, false) if ctx.leadership.holds() => {
            let written = finalizers::hold(instance, ctx).await?;
            Ok(Kept::Held(Some(Box::new(written))))
        }
        (false, _) => Ok(Kept::Held(None)),
        // Without our finalizer it is leaving already, and others hold it.
        (true, false) => Ok(Kept::Gone),
        (true, true) => {
            let name = instance.name_any();
            // A record that is being written now is seen afterwards, and none is begun until the object is gone.
            let remembered = ctx.providers.memory.of(instance);
            let _alone = remembered.recording.write().await;
            let uses = finalizers::uses(&name, ctx).await?;
            if !uses.is_none() || !ctx.leadership.holds() {
                return Ok(Kept::Deleted(uses));
            }
            finalizers::release(instance, ctx).await?;
            Ok(Kept::Gone)
        }
    }
}

async fn look(instance: &ProviderInstance, ctx: &Context, uses: Option<Uses>) -> Result<Action, Error> {
    let remembered = ctx.providers.memory.of(instance);
    // resolve (cluster)
    let resolved = resolve::resolve(instance, ctx).await.map_err(Error::Read)?;
    keep_secrets(instance, &resolved, ctx, &remembered).await?;
    // validate (pure)
    validate(instance, &resolved, ctx, &remembered);
    // test, list (provider)
    let listed = match &resolved.plugin {
        Some(plugin) if instance.spec.mode != InstanceMode::Disabled => {
            test_and_list(instance, ctx, &remembered, plugin.as_ref()).await?
        }
        _ => false,
    };
    // report
    let Published { conclusion, .. } = publish::publish(instance, ctx, &remembered);
    if let Some(list) = remembered.inventory.latest().filter(|_| listed) {
        inventory::wake_suspects(&instance.name_any(), ctx, &list, conclusion.absence.is_none());
    }
    let deleted = uses.is_some();
    report::publish(instance, ctx, &conclusion, uses).await?;
    if conclusion.confirmed {
        remember_confirmed(instance, ctx, &remembered).await?;
    }
    Ok(Action::requeue(next_pass(instance, ctx.clock.now(), &remembered, deleted)))
}

/// Secrets in use are held; those no longer referred to are let go once for every edit of the spec, and after a start.
async fn keep_secrets(
    instance: &ProviderInstance,
    resolved: &Resolved,
    ctx: &Context,
    remembered: &Remembered,
) -> Result<(), Error> {
    if !ctx.leadership.holds() {
        return Ok(());
    }
    finalizers::hold_secrets(&resolved.secrets, ctx).await?;
    let generation = instance.metadata.generation;
    if remembered.facts().swept != generation {
        finalizers::release_secrets(ctx, None).await?;
        remembered.facts().swept = generation;
    }
    Ok(())
}

fn validate(instance: &ProviderInstance, resolved: &Resolved, ctx: &Context, remembered: &Remembered) {
    let plugin = resolved.plugin.as_deref();
    let known: Vec<&str> = ctx.providers.plugins().map(|(slug, _)| slug.as_str()).collect();
    let namespace = &ctx.settings.credentials_namespace;
    let settings =
        validate::validate(&instance.name_any(), &instance.spec, plugin, &known, &resolved.values, namespace);
    remembered.facts().take_settings(settings, ctx.clock.now());
    let limits = limits::of(&instance.spec.limits, plugin.map(Plugin::capabilities));
    remembered.gate(ctx).configure(limits);
}

/// Answers whether there is a new list.
async fn test_and_list(
    instance: &ProviderInstance,
    ctx: &Context,
    remembered: &Remembered,
    plugin: &dyn Plugin,
) -> Result<bool, Error> {
    let request = connection::request(instance, &remembered.facts()).cloned();
    let why = if request.is_some() { Why::Requested } else { Why::Schedule };
    if request.is_some() {
        let mut facts = remembered.facts();
        facts.requested = request;
        facts.list_due = None;
    }
    if matches!(remembered.gate(ctx).breaker_state(), BreakerState::Open { .. }) {
        // Services found the panel down before a test did.
        let mut facts = remembered.facts();
        if facts.current_test().is_some_and(|test| test.answer.is_ok()) {
            facts.test_due = Some(ctx.clock.now());
        }
    }
    connection::keep_tested(instance, ctx, remembered, plugin, why).await;

    // Lists are compared with the records only on the very panel that these speak of.
    let (standing, settings) = {
        let facts = remembered.facts();
        (standing::conclude(instance, &facts).standing, facts.usable().cloned())
    };
    let Some(settings) = settings.filter(|_| standing == Standing::Ready) else {
        return Ok(false);
    };
    let listed = inventory::keep_listed(instance, ctx, remembered, plugin, &settings).await;
    let list = remembered.inventory.latest();
    first_sight::settle(instance, ctx, remembered, list.as_deref(), plugin.capabilities().list).await?;
    Ok(listed)
}

/// What a person confirmed stays confirmed when later lists show other remotes.
async fn remember_confirmed(instance: &ProviderInstance, ctx: &Context, remembered: &Remembered) -> Result<(), Error> {
    let tokens = token::confirmed(instance.annotations());
    let name = instance.name_any();
    let sight = {
        let mut facts = remembered.facts();
        if absence::judge(&name, facts.missing.as_ref(), None, &tokens).confirmed {
            let missing = facts.missing.clone().unwrap_or_default();
            facts.confirmed_missing.extend(missing.ids);
        }
        facts.first_sight
    };
    if sight != FirstSight::Known && first_sight::judge(instance, sight, &tokens).confirmed {
        first_sight::welcome(ctx, remembered, &name).await?;
    }
    Ok(())
}

/// When the next test or list is due.
fn next_pass(instance: &ProviderInstance, now: Timestamp, remembered: &Remembered, deleted: bool) -> Duration {
    let facts = remembered.facts();
    let is_used = matches!(facts.settings, Some(Ok(_))) && instance.spec.mode != InstanceMode::Disabled;
    // Otherwise nothing is asked: an edit, or a change of a Secret, brings the next pass.
    let (looks, longest) =
        if is_used { ([facts.test_due, facts.list_due], BREAKER_CHECK) } else { ([None, None], LONGEST_WAIT) };
    let until = |due: Timestamp| Duration::try_from(due.duration_since(now)).unwrap_or_default();
    let release = deleted.then_some(RELEASE_CHECK);
    let next = looks.into_iter().flatten().map(until).chain(release).min();
    next.unwrap_or(longest).clamp(AGAIN, longest)
}

#[cfg(test)]
mod tests;
