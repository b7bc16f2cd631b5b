//! Lists the remotes of an instance, page by page. A list only raises suspicion.

use std::collections::HashMap;

use futures::FutureExt as _;
use hostwright_crds::{HostingService, ProviderInstance};
use hostwright_plugin::{Instance, Plugin, Present};
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;

use super::memory::Remembered;
use super::pages::{self, Failed};
use super::validate::Settings;
use super::{absence, pace, references};
use crate::context::Context;
use crate::providers::{Gate, Held, Snapshot};

/// Lists when that is due, and compares with what should be there. Answers whether there is a new list.
pub(super) async fn keep_listed(
    instance: &ProviderInstance,
    ctx: &Context,
    remembered: &Remembered,
    plugin: &dyn Plugin,
    settings: &Settings,
) -> bool {
    let not_due = |due| due > ctx.clock.now();
    if !plugin.capabilities().list || remembered.facts().list_due.is_some_and(not_due) {
        return false;
    }
    // An empty cache would make nothing missing. Fails only while the process ends.
    if ctx.caches.services_listed.clone().wait_for(|listed| *listed).await.is_err() {
        return false;
    }
    let name = instance.name_any();
    let started = ctx.providers.sequence.next();
    let gate = remembered.gate(ctx);
    let listed = remotes(&gate, plugin, &settings.instance).await;

    let now = ctx.clock.now();
    let mut facts = remembered.facts();
    match listed {
        Ok(listed) => {
            let remotes = collapse(listed, &format!("{}.", ctx.settings.installation));
            let list = Snapshot { started, at: now, remotes };
            let services = ctx.caches.services.state();
            let readable = services.iter().filter_map(|service| service.0.as_ref().ok());
            let last_mutation = |uid: &str| ctx.memory.of(uid).last_mutation;
            facts.missing = Some(absence::missing(readable, &name, &list, last_mutation, &facts.confirmed_missing));
            facts.list_due = Some(pace::next_look(instance, now));
            facts.list_failures = 0;
            facts.list_error = None;
            remembered.inventory.replace(list);
            true
        }
        Err(Failed::Held(Held::RateLimited { until } | Held::CircuitOpen { until })) => {
            facts.list_due = Some(until);
            false
        }
        Err(Failed::Page(error)) => {
            facts.list_failures += 1;
            let text = settings.redactor.redact(&error.message);
            tracing::warn!(instance = name, error = text, "remotes cannot be listed");
            facts.list_error = Some(text);
            facts.list_due = Some(pace::after_failure(&name, facts.list_failures, error.retry_after, now));
            // Whether the panel as a whole is to blame shows in a test.
            facts.test_due = Some(now);
            false
        }
    }
}

/// Everything that a plugin lists.
pub(super) async fn remotes(gate: &Gate, plugin: &dyn Plugin, instance: &Instance) -> Result<Vec<Present>, Failed> {
    let page = |cursor: Option<String>| {
        async move {
            let page = plugin.list(instance, cursor.as_deref()).await?;
            Ok((page.items, page.next))
        }
        .boxed()
    };
    pages::all(gate, page).await
}

/// The remotes of this installation, each once: pages shift while others come and go, so the last look at one counts.
fn collapse(listed: Vec<Present>, prefix: &str) -> HashMap<String, Present> {
    listed
        .into_iter()
        .filter_map(|item| Some((item.external_id.clone().filter(|id| id.starts_with(prefix))?, item)))
        .collect()
}

/// Wakes the services that the last list raises doubts about. While no absence is believed, absent ones are left alone.
pub(super) fn wake_suspects(instance: &str, ctx: &Context, list: &Snapshot, absence_believed: bool) {
    for service in ctx.caches.services.state() {
        let Ok(readable) = &service.0 else { continue };
        if is_suspect(readable, instance, list, absence_believed) {
            // Fails only while the process ends.
            let _ = ctx.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
        }
    }
}

fn is_suspect(service: &HostingService, instance: &str, list: &Snapshot, absence_believed: bool) -> bool {
    let Some(record) = references::record(&service.metadata) else {
        return false;
    };
    let present = list.remotes.get(&record.external_id);
    record.instance == instance
        && record.ended.is_none()
        && (present.is_some() || absence_believed)
        && crate::service::suspicion(service, present)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_plugin::{Remote, State};

    fn listed(external_id: Option<&str>, state: State) -> Present {
        let external_id = external_id.map(ToOwned::to_owned);
        Present { external_id, ..Present::new(Remote::default(), state, None) }
    }

    #[test]
    fn only_remotes_of_this_installation_are_kept_and_each_once() {
        let pages = vec![
            listed(Some("prod.a.x"), State::Provisioning),
            listed(Some("prod-2.a.x"), State::Active),
            listed(None, State::Active),
            listed(Some("prod.a.x"), State::Active),
            listed(Some("prod.a.y"), State::Active),
        ];
        let remotes = collapse(pages, "prod.");
        assert_eq!(remotes.len(), 2);
        assert_eq!(remotes["prod.a.x"].state, State::Active);
    }
}
