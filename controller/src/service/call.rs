//! Builds what a plugin gets. The only place where secrets meet a service.

use hostwright_crds::{RemoteStatus, annotation};
use hostwright_plugin::{Call, Map, Owner, Plugin, Remote};
use kube::ResourceExt as _;

use super::due;
use super::pass::Pass;
use super::record;
use super::retry;
use crate::providers::{CALL_TIMEOUT, Runtime};

/// What a verb or a look gets. None while the instance has no valid settings.
pub(super) fn call(pass: &Pass, runtime: &Runtime, force: bool) -> Option<Call> {
    let identity = pass.record.believed()?;
    let (service, status) = (&pass.service, &pass.status);
    let last = status.last_applied.as_ref();
    let order = pass.order.as_ref().ok();
    let operation = status.operation.as_ref();
    let config = order.map(|order| order.config.clone()).or_else(|| last.map(|last| last.config.clone()));
    let entered = order.map(|order| order.checkout.clone()).or_else(|| last.map(|last| last.checkout.clone()));
    let (checkout, fields) = by_schema(entered.unwrap_or_default(), runtime.plugin.as_deref()?);
    let now = pass.ctx.clock.now();
    Some(Call {
        external_id: identity.external_id.clone(),
        operation_id: operation.map_or_else(|| looking(pass), |operation| operation.id.clone()),
        deadline: now.saturating_add(CALL_TIMEOUT).unwrap_or(now),
        instance: runtime.settings.clone()?,
        config: config.unwrap_or_default(),
        checkout,
        fields,
        checkout_secrets: pass.passwords.clone().unwrap_or_default(),
        credentials: pass.credentials.clone().unwrap_or_default(),
        owner: Owner {
            key: identity.owner.clone(),
            email: service.spec.owner.email.clone(),
            name: service.spec.owner.name.clone(),
        },
        paid_until: due::paid_until(service),
        remote: remote(pass),
        named: record::adopts(service, Some(status)).map(str::to_owned),
        applied: last.map(|last| -> Map { last.config.clone() }),
        before: operation.and_then(|operation| operation.before.clone()).or_else(|| status.remembered.clone()),
        force,
    })
}

/// What the customer entered in the plugin's own fields and in those that the package adds. The latter must not meet the plugin
/// where it sends on what it gets.
pub(super) fn by_schema(entered: Map, plugin: &dyn Plugin) -> (Map, Map) {
    let own = plugin.checkout_schema();
    entered.into_iter().partition(|(key, _)| own.field(key).is_some())
}

/// How a plugin finds the remote that status knows.
pub(super) fn handle(known: &RemoteStatus) -> Remote {
    Remote { id: known.id.clone(), url: known.url.clone(), attributes: known.attributes.clone() }
}

/// The id of a look: it belongs to no operation.
fn looking(pass: &Pass) -> String {
    pass.with_ground(|ground| retry::operation_id(ground.external_id, ground.uid, hostwright_crds::Verb::Create, "", 0))
}

/// What is known of the remote: by status, else by what an operator found out.
fn remote(pass: &Pass) -> Option<Remote> {
    if let Some(known) = &pass.status.remote {
        return Some(handle(known));
    }
    let resolved = pass.service.annotations().get(annotation::RESOLVE_CREATE)?;
    (resolved != "absent").then(|| Remote { id: resolved.clone(), ..Remote::default() })
}
