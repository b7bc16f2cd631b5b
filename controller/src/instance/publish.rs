//! Makes what was found out about an instance known to the services, and wakes those it concerns.

use std::sync::Arc;

use hostwright_crds::ProviderInstance;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;

use super::memory::Remembered;
use super::references;
use super::standing::{self, Conclusion};
use crate::context::Context;
use crate::providers::Runtime;

/// What was made known.
pub(super) struct Published {
    /// What follows from the facts.
    pub(super) conclusion: Conclusion,
    /// Whether services may act differently than before.
    pub(super) changed: bool,
}

/// Publishes the conclusion from the latest facts. Services are woken when it differs from the one before, and once after
/// a start.
pub(super) fn publish(instance: &ProviderInstance, ctx: &Context, remembered: &Remembered) -> Published {
    let name = instance.name_any();
    let before = ctx.providers.runtime(&name);
    let conclusion = {
        // Under the lock, so that of two at once the one with the newer facts is last.
        let mut facts = remembered.facts();
        let conclusion = standing::conclude(instance, &facts);
        facts.panel = Some(conclusion.panel.clone());
        ctx.providers.publish(Arc::new(Runtime {
            name: name.clone(),
            uid: instance.metadata.uid.clone().unwrap_or_default(),
            spec: instance.spec.clone(),
            plugin: ctx.providers.plugin(&instance.spec.plugin_ref.name),
            settings: facts.usable().map(|settings| settings.instance.clone()),
            standing: conclusion.standing.clone(),
            identity: conclusion.panel.identity.clone(),
            former_identities: conclusion.panel.former.clone(),
            absence: conclusion.absence.clone(),
            endings: conclusion.endings.clone(),
            verified_at: conclusion.verified_at,
            settings_changed_at: facts.settings_changed_at,
            gate: remembered.gate(ctx),
            inventory: remembered.inventory.clone(),
        }));
        conclusion
    };
    let settings_changed_at = remembered.facts().settings_changed_at;
    let changed = before.is_none_or(|before| {
        before.settings_changed_at != settings_changed_at || differs(&before, instance, &conclusion)
    });
    if changed {
        for service in references::served_by(&name, &ctx.caches) {
            // Fails only while the process ends.
            let _ = ctx.wakers.services.send(ObjectRef::from_obj(service.as_ref()));
        }
    }
    Published { conclusion, changed }
}

/// Whether anything differs that a service acts on.
fn differs(before: &Runtime, instance: &ProviderInstance, now: &Conclusion) -> bool {
    Some(&before.uid) != instance.metadata.uid.as_ref()
        || before.spec.mode != instance.spec.mode
        || before.spec.namespace_selector != instance.spec.namespace_selector
        || before.spec.adoption != instance.spec.adoption
        || before.spec.limits.max_services != instance.spec.limits.max_services
        || before.standing != now.standing
        || before.identity != now.panel.identity
        || before.former_identities != now.panel.former
        || before.absence != now.absence
        || before.endings != now.endings
}
