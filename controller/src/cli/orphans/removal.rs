//! Removing one orphan: looked for, agreed to, looked at once more, and only then removed.

use hostwright_crds::{InstanceMode, ProviderInstance};
use hostwright_plugin::{Call, Class, Error as CallError, Observation, Outcome, Owner, Present};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::super::agreement;
use super::super::failure::Failure;
use super::super::output::Output;
use super::super::panel::{Panel, Whose};
use super::super::program;
use super::{orphaned, ownerless};
use crate::instance;
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
    match instance::ask(&panel.runtime, CallKind::Mutation, &call.external_id, panel.plugin.terminate(&call)).await {
        Ok(Outcome::Accepted { .. }) => {
            output.line(&format!("{title}: the provider accepted the ending and is working on it"))
        }
        Ok(Outcome::Done(_) | Outcome::Gone) => match observe(panel, &call).await {
            Ok(Observation::Absent) => output.line(&format!("{title} was ended")),
            Ok(Observation::Present(_)) => output
                .line(&format!("{title}: the provider says that it is ended, and still shows it; look again later")),
            Err(error) => Err(failed(&format!("{title} was ended, but the look afterwards failed"), &error)),
        },
        Err(error) if error.class == Class::NotFound => output.line(&format!("{title} is gone already")),
        Err(error) if error.class.may_have_been_applied() => {
            Err(failed(&format!("{title} may have been ended; list the orphans again to see whether it was"), &error))
        }
        Err(error) => Err(failed(&format!("{title} was not ended"), &error)),
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
    let removing = panel.plugin.remove_user(&settings, id, &found);
    match instance::ask(&panel.runtime, CallKind::Mutation, id, removing).await {
        Ok(()) => output.line(&format!("{title} was removed")),
        Err(error) if error.class == Class::NotFound => output.line(&format!("{title} is gone already")),
        Err(error) if error.class.may_have_been_applied() => {
            Err(failed(&format!("{title} may have been removed; list the orphans again to see whether it was"), &error))
        }
        Err(error) => Err(failed(&format!("{title} was not removed"), &error)),
    }
}

/// Whether the instance, as it is at this moment, may be changed.
async fn may_be_changed(panel: &Panel) -> Result<(), Failure> {
    match obstacle(&panel.instance_now().await?, &panel.runtime.identity) {
        None => Ok(()),
        Some(why) => Err(Failure::failed(format!("ProviderInstance {} {why}; nothing was changed", panel.name()))),
    }
}

/// Why nothing is removed at an instance: it has to be in use, and known to its controller as the panel that answers, with nothing
/// that a person has to confirm first. The controller of a copied cluster knows nothing of what is there either.
fn obstacle(instance: &ProviderInstance, identity: &str) -> Option<String> {
    let mode = instance.spec.mode;
    if mode != InstanceMode::Active {
        return Some(format!("has mode {mode:?}"));
    }
    if let Some((reason, _)) = instance::pending_confirmations(instance).first() {
        let confirm = format!("{} confirm {}", program::name(), instance.name_any());
        return Some(format!("waits for a confirmation, {reason}: {confirm}"));
    }
    match instance.status.as_ref().and_then(|status| status.remote_identity.as_deref()) {
        Some(known) if known == identity => None,
        Some(_) => Some("leads to another panel than the one that the controller knows".to_owned()),
        None => Some("was not looked at by a controller yet".to_owned()),
    }
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
        Err(error) => return Err(failed(&format!("{title} cannot be looked at"), &error)),
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
        owner: Owner { key: present.owner_key.clone().unwrap_or_default(), ..Owner::default() },
        remote: Some(present.remote.clone()),
        applied: Some(present.applied.clone()),
        ..Call::default()
    }
}

async fn observe(panel: &Panel, call: &Call) -> Result<Observation, CallError> {
    match instance::ask(&panel.runtime, CallKind::Observation, &call.external_id, panel.plugin.observe(call)).await {
        Err(error) if error.class == Class::NotFound => Ok(Observation::Absent),
        answer => answer,
    }
}

fn failed(what: &str, error: &CallError) -> Failure {
    Failure::failed(format!("{what}: {}", error.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn instance(mode: &str, status: &Value) -> ProviderInstance {
        serde_json::from_value(json!({"apiVersion": "hostwright.dev/v1alpha1", "kind": "ProviderInstance",
            "metadata": {"name": "panel-eu"}, "spec": {"pluginRef": {"name": "simulated"}, "mode": mode}, "status": status}))
        .unwrap()
    }

    #[test]
    fn nothing_is_removed_where_the_controller_itself_would_end_nothing() {
        let asks = "remotes were here before; hostwright.dev/confirm=0123456789";
        let pending = json!({"remoteIdentity": "p", "conditions": [{"type": "Ready", "status": "True", "reason": "FirstSight",
            "message": asks, "lastTransitionTime": "2026-01-01T00:00:00Z"}]});
        let rows = [
            ("Active", json!({"remoteIdentity": "p"}), None),
            ("ObserveOnly", json!({"remoteIdentity": "p"}), Some("has mode ObserveOnly")),
            ("Active", json!({"remoteIdentity": "q"}), Some("leads to another panel")),
            ("Active", json!({}), Some("was not looked at")),
            ("Active", pending, Some("waits for a confirmation, FirstSight: ")),
        ];
        for (mode, status, expected) in rows {
            let found = obstacle(&instance(mode, &status), "p");
            let fits =
                expected.map_or(found.is_none(), |words| found.as_ref().is_some_and(|why| why.starts_with(words)));
            assert!(fits, "{mode}: {found:?}, expected {expected:?}");
        }
    }
}
