//! Asking the provider as the controller would, without a pass.

use std::collections::BTreeMap;

use hostwright_crds::{HostingServiceStatus, Identity};
use hostwright_plugin::{Call, Class, Error as CallError, Owner, Plugin};

use super::Question;
use crate::providers::{CALL_TIMEOUT, CallKind, Gate};
use crate::service::order::Order;
use crate::service::{call, due, execute, record};

/// Whom to ask, and about what.
pub(super) struct Asked<'a> {
    gate: &'a Gate,
    pub(super) plugin: &'a dyn Plugin,
    pub(super) call: Call,
}

impl<'a> Asked<'a> {
    /// None where nobody can be asked.
    pub(super) fn of(
        question: &Question<'a>,
        status: &HostingServiceStatus,
        identity: &Identity,
        order: Option<&Order>,
    ) -> Option<Self> {
        let runtime = question.runtime?;
        let (plugin, instance) = (runtime.plugin.as_deref()?, runtime.settings.clone()?);
        let service = question.service;
        let entered = order.map(|order| order.checkout.clone()).unwrap_or_default();
        let (checkout, fields) = call::by_schema(entered, plugin);
        let call = Call {
            external_id: identity.external_id.clone(),
            operation_id: "plan".to_owned(),
            deadline: question.now.saturating_add(CALL_TIMEOUT).unwrap_or(question.now),
            instance,
            config: order.map(|order| order.config.clone()).unwrap_or_default(),
            checkout,
            fields,
            checkout_secrets: BTreeMap::new(),
            credentials: BTreeMap::new(),
            owner: Owner {
                key: identity.owner.clone(),
                email: service.spec.owner.email.clone(),
                name: service.spec.owner.name.clone(),
            },
            paid_until: due::paid_until(service),
            remote: status.remote.as_ref().map(call::handle),
            named: record::adopts(service, Some(status)).map(str::to_owned),
            applied: status.last_applied.as_ref().map(|last| last.config.clone()),
            before: None,
            force: false,
        };
        Some(Self { gate: &runtime.gate, plugin, call })
    }

    /// Asks no harder than the instance may be asked, and tells no secret.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, CallError>> + Send,
    ) -> Result<T, CallError> {
        let held = |_| CallError::new(Class::Unavailable, "held", "the provider asks to be left alone for a while");
        let permit = self.gate.admit(CallKind::Observation).await.map_err(held)?;
        let answer = self.gate.call(permit, &self.call.external_id, question).await;
        answer.map_err(|error| execute::redacted(error, &self.call))
    }
}
