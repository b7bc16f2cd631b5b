//! Asking the provider as the controller would, without a pass.

use hostwright_crds::{HostingServiceStatus, Identity};
use hostwright_plugin::{Call, Error as CallError, Owner, Plugin};

use super::Question;
use crate::instance;
use crate::providers::{CALL_TIMEOUT, CallKind, Runtime};
use crate::service::order::Order;
use crate::service::{call, due, record};

/// Whom to ask, and about what.
pub(super) struct Asked<'a> {
    runtime: &'a Runtime,
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
            owner: Owner {
                key: identity.owner.clone(),
                email: service.spec.owner.email.clone(),
                name: service.spec.owner.name.clone(),
            },
            paid_until: due::paid_until(service),
            remote: status.remote.as_ref().map(call::handle),
            named: record::adopts(service, Some(status)).map(str::to_owned),
            applied: status.last_applied.as_ref().map(|last| last.config.clone()),
            ..Call::default()
        };
        Some(Self { runtime, plugin, call })
    }

    /// Asks no harder than the instance may be asked, and tells no secret.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, CallError>> + Send,
    ) -> Result<T, CallError> {
        instance::ask(self.runtime, CallKind::Observation, &self.call.external_id, question).await
    }
}
