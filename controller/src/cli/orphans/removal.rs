//! Removing one orphan: looked for, agreed to, looked at once more, and only then removed.

use hostwright_crds::InstanceMode;
use hostwright_plugin::{Call, Class, Error as CallError, Observation, Outcome, Owner, Present};
use k8s_openapi::jiff::Timestamp;

use super::super::agreement;
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::panel::{Panel, Whose};
use super::{orphaned, ownerless};
use crate::providers::{CALL_TIMEOUT, CallKind};

/// How far a person has agreed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consent {
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

/// Ends one remote.
pub(super) async fn remote(panel: &Panel, id: &str, consent: Consent, output: &Output) -> Result<(), Failure> {
    may_be_changed(panel).await?;
    let present = find(panel, id).await?;
    let title = title(panel, &present);
    if consent.dry_run {
        return output.line(&format!("{title} would be ended, and everything on it lost. Nothing was changed."));
    }
    let warning = format!("{title} is ended, and everything on it is lost. That cannot be undone.");
    agreement::ask(&warning, consent.yes, output).await?;
    may_be_changed(panel).await?;
    let Some(seen) = look_again(panel, &present).await? else {
        return output.line(&format!("{title} is gone already"));
    };
    let call = call(panel, &seen);
    match ask(panel, &call, CallKind::Mutation, panel.plugin.terminate(&call)).await {
        Ok(Outcome::Accepted { .. }) => {
            output.line(&format!("{title}: the provider accepted the ending and is working on it"))
        }
        Ok(Outcome::Done(_) | Outcome::Gone) => match observe(panel, &call).await {
            Ok(Observation::Absent) => output.line(&format!("{title} was ended")),
            Ok(Observation::Present(_)) => output
                .line(&format!("{title}: the provider says that it is ended, and still shows it; look again later")),
            Err(error) => Err(failed(panel, &format!("{title} was ended, but the look afterwards failed"), &error)),
        },
        Err(error) if error.class == Class::NotFound => output.line(&format!("{title} is gone already")),
        Err(error) if error.class.may_have_been_applied() => Err(failed(
            panel,
            &format!("{title} may have been ended; list the orphans again to see whether it was"),
            &error,
        )),
        Err(error) => Err(failed(panel, &format!("{title} was not ended"), &error)),
    }
}

/// Removes one user. The provider itself refuses one who owns something.
pub(super) async fn user(panel: &Panel, id: &str, consent: Consent, output: &Output) -> Result<(), Failure> {
    may_be_changed(panel).await?;
    let found = find_user(panel, id).await?;
    let title = format!("user {id} on {}, marked {}", panel.name(), found);
    if consent.dry_run {
        return output.line(&format!("{title} would be removed. Nothing was changed."));
    }
    agreement::ask(&format!("{title} is removed. That cannot be undone."), consent.yes, output).await?;
    may_be_changed(panel).await?;
    if find_user(panel, id).await? != found {
        return Err(Failure::failed(format!("{title} was changed meanwhile; nothing was removed")));
    }
    let settings = panel.runtime.settings.clone().unwrap_or_default();
    let permit = panel.runtime.gate.admit(CallKind::Mutation).await.map_err(|_| throttled(panel))?;
    let removing = panel.plugin.remove_user(&settings, id, &found);
    match panel.runtime.gate.call(permit, id, removing).await {
        Ok(()) => output.line(&format!("{title} was removed")),
        Err(error) if error.class == Class::NotFound => output.line(&format!("{title} is gone already")),
        Err(error) if error.class.may_have_been_applied() => Err(failed(
            panel,
            &format!("{title} may have been removed; list the orphans again to see whether it was"),
            &error,
        )),
        Err(error) => Err(failed(panel, &format!("{title} was not removed"), &error)),
    }
}

/// Whether the instance, as it is at this moment, may be changed, and leads to the panel that the controller knows.
async fn may_be_changed(panel: &Panel) -> Result<(), Failure> {
    let (name, instance) = (panel.name(), panel.instance_now().await?);
    if instance.spec.mode != InstanceMode::Active {
        let mode = instance.spec.mode;
        return Err(Failure::failed(format!("ProviderInstance {name} has mode {mode:?}, so nothing is changed there")));
    }
    let known = instance.status.and_then(|status| status.remote_identity);
    if known.is_some_and(|known| known != panel.runtime.identity) {
        return Err(Failure::failed(format!(
            "ProviderInstance {name} leads to another panel than the one that the controller knows; nothing was changed"
        )));
    }
    Ok(())
}

fn title(panel: &Panel, present: &Present) -> String {
    let mark = present.external_id.as_deref().unwrap_or_default();
    format!("remote {} on {}, marked {mark}", present.remote.id, panel.name())
}

async fn find(panel: &Panel, id: &str) -> Result<Present, Failure> {
    let remotes = panel.remotes().await?;
    let known = panel.known().await?;
    let Some(present) = remotes.iter().find(|present| present.remote.id == id).cloned() else {
        return Err(Failure::failed(format!("{} has no remote {id}", panel.name())));
    };
    match known.whose(&present) {
        Whose::Orphaned => Ok(present),
        Whose::Ours(service) => Err(not_orphaned(panel, id, &format!("HostingService {service} knows it"))),
        Whose::Claimed(service) => {
            Err(not_orphaned(panel, id, &format!("HostingService {service} is to take it over")))
        }
        Whose::Others => Err(not_orphaned(panel, id, "it carries another mark")),
        Whose::Unmarked => Err(not_orphaned(panel, id, "nobody has marked it")),
    }
}

fn not_orphaned(panel: &Panel, id: &str, why: &str) -> Failure {
    Failure::failed(format!("remote {id} on {} is no orphan: {why}; nothing was changed", panel.name()))
}

/// The owner key of an orphaned user.
async fn find_user(panel: &Panel, id: &str) -> Result<String, Failure> {
    if !panel.plugin.capabilities().users {
        let (name, plugin) = (panel.name(), &panel.plugin.manifest().name);
        return Err(Failure::failed(format!("ProviderInstance {name}: plugin {plugin} has no users")));
    }
    let users = panel.users().await?;
    let known = panel.known().await?;
    let orphan = ownerless(users, &known).into_iter().find(|user| user.id == id).and_then(|user| user.owner_key);
    orphan.ok_or_else(|| {
        let message = format!("user {id} on {} is no orphan: nothing was changed", panel.name());
        Failure::failed(message)
    })
}

/// The look right before it is removed: the same remote, the same mark, and still no object that knows it.
async fn look_again(panel: &Panel, present: &Present) -> Result<Option<Present>, Failure> {
    let title = title(panel, present);
    let changed = || Failure::failed(format!("{title} was changed meanwhile; nothing was ended"));
    let seen = match observe(panel, &call(panel, present)).await {
        Ok(Observation::Present(seen)) => *seen,
        Ok(Observation::Absent) => return Ok(None),
        Err(error) => return Err(failed(panel, &format!("{title} cannot be looked at"), &error)),
    };
    let same = seen.remote.id == present.remote.id && seen.external_id == present.external_id;
    let still = same && !orphaned(vec![seen.clone()], &panel.known().await?).is_empty();
    if still { Ok(Some(seen)) } else { Err(changed()) }
}

/// What a plugin needs to look at a remote that no object knows, and to end it.
fn call(panel: &Panel, present: &Present) -> Call {
    let (now, mark) = (Timestamp::now(), present.external_id.clone().unwrap_or_default());
    Call {
        operation_id: format!("orphan/{mark}/{}", present.remote.id),
        external_id: mark,
        deadline: now.saturating_add(CALL_TIMEOUT).unwrap_or(now),
        instance: panel.runtime.settings.clone().unwrap_or_default(),
        config: present.applied.clone(),
        checkout: hostwright_plugin::Map::new(),
        fields: hostwright_plugin::Map::new(),
        checkout_secrets: std::collections::BTreeMap::new(),
        credentials: std::collections::BTreeMap::new(),
        owner: Owner { key: present.owner_key.clone().unwrap_or_default(), ..Owner::default() },
        paid_until: None,
        remote: Some(present.remote.clone()),
        named: None,
        applied: Some(present.applied.clone()),
        before: None,
        force: false,
    }
}

async fn observe(panel: &Panel, call: &Call) -> Result<Observation, CallError> {
    match ask(panel, call, CallKind::Observation, panel.plugin.observe(call)).await {
        Err(error) if error.class == Class::NotFound => Ok(Observation::Absent),
        answer => answer,
    }
}

async fn ask<T>(
    panel: &Panel,
    call: &Call,
    kind: CallKind,
    question: impl Future<Output = Result<T, CallError>> + Send,
) -> Result<T, CallError> {
    let held = |_| CallError::new(Class::Unavailable, "held", "the provider asks to be left alone for a while");
    let permit = panel.runtime.gate.admit(kind).await.map_err(held)?;
    panel.runtime.gate.call(permit, &call.external_id, question).await
}

fn throttled(panel: &Panel) -> Failure {
    Failure::failed(format!("{} asks to be left alone for a while; nothing was removed", panel.name()))
}

fn failed(panel: &Panel, what: &str, error: &CallError) -> Failure {
    let secrets = panel.runtime.settings.as_ref().map(|settings| settings.secrets.values()).into_iter().flatten();
    let message = hostwright_plugin::Redactor::new(secrets).redact(&error.message);
    Failure::failed(format!("{what}: {message}"))
}
