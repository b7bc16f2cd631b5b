//! Folding a remote in that was found, or that an attempt of ours had made.

use std::time::Duration;

use hostwright_crds::{
    HostingServiceStatus, LastApplied, Operation, OperationOutcome, RemoteState, RemoteStatus, Target, reason,
};
use hostwright_plugin::Present;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::changes;
use super::super::digest;
use super::super::order::Order;
use super::super::plan::Attachment;
use super::super::retry;
use super::super::situation::remote_state;
use super::{Ground, Notice, credentials, remote_status, renewal};

/// A remote that was there becomes this service's.
pub(super) fn attached(
    status: &mut HostingServiceStatus,
    how: Attachment,
    present: &Present,
    ground: &Ground,
) -> Notice {
    let state = remote_state(present.state);
    // No create made it, so none is waited for.
    let adopted = how == Attachment::Adopted;
    status.remote = Some(RemoteStatus {
        state,
        seen_at: Some(ground.time()),
        late_until: (!adopted).then(|| ground.after(ground.settle)),
        bound_at: (adopted || ground.settle == Duration::ZERO).then(|| ground.time()),
        ..remote_status(&present.remote)
    });
    status.renewed_until = renewal::bought(status, how, present, ground).map(Time);
    let unchanged = status.operation.as_ref().is_some_and(|operation| operation.inputs == ground.digest());
    let applied = as_applied(present, ground);
    if how != Attachment::OwnAttempt {
        status.attached_differences = differences_when_found(&applied, ground);
    }
    status.last_applied = Some(match ground.order {
        Ok(order) if how == Attachment::OwnAttempt && unchanged => applied_order(order, ground),
        _ => applied,
    });
    if state == RemoteState::Suspended {
        let since = ground.carried.and_then(|carried| carried.suspended_at.as_deref()?.parse().ok()).map(Time);
        status.suspended_at = since.or_else(|| (ground.target == Target::Suspended).then(|| ground.time()));
        status.remembered = ground.carried.and_then(|carried| carried.remembered.clone());
    } else {
        status.suspended_at = None;
    }
    status.operation = match how {
        // Completing it is the same operation.
        Attachment::OwnAttempt if state == RemoteState::Incomplete => status
            .operation
            .take()
            .map(|operation| Operation { outcome: OperationOutcome::Refused, next_attempt_at: None, ..operation }),
        Attachment::OwnAttempt if state == RemoteState::Provisioning => {
            status.operation.take().map(|operation| Operation {
                outcome: OperationOutcome::Accepted,
                next_attempt_at: Some(ground.after(retry::POLL)),
                last_error: None,
                ..operation
            })
        }
        _ => {
            // Those of a remote that was there before are known to whoever uses it. With the Secret of a create it is ours.
            if how == Attachment::OwnAttempt || status.credentials.is_some() {
                credentials::made(status, ground);
            } else {
                credentials::taken_over(status, ground);
            }
            status.epoch += 1;
            None
        }
    };
    let (reason, verb) = match how {
        Attachment::OwnAttempt => (reason::CREATED, "recovered"),
        Attachment::Found => (reason::ATTACHED, "attached"),
        Attachment::Adopted => (reason::ADOPTED, "adopted"),
    };
    let message = format!("{verb} remote {} on {}", present.remote.id, ground.instance);
    Notice { reason, message, warning: false }
}

/// What the remote is configured to, under everything the order would set besides.
fn as_applied(present: &Present, ground: &Ground) -> LastApplied {
    let ordered = ground.order.as_ref().ok();
    let mut config = ordered.map(|order| order.config.clone()).unwrap_or_default();
    config.extend(present.applied.clone());
    LastApplied {
        package: ordered.map_or_else(|| ground.package.to_owned(), |order| order.package.clone()),
        package_generation: ordered.map(|order| order.package_generation).unwrap_or_default(),
        config,
        checkout: ordered.map(|order| order.checkout.clone()).unwrap_or_default(),
        at: Some(ground.time()),
    }
}

/// The hash by which somebody accepts that an attached remote is brought to the order.
fn differences_when_found(applied: &LastApplied, ground: &Ground) -> Option<String> {
    let Ok(order) = ground.order else {
        return Some(digest::of_value(&serde_json::Value::Object(applied.config.clone())));
    };
    let differs = |(key, wanted): (&String, &serde_json::Value)| {
        applied.config.get(key).is_some_and(|found| !changes::same(found, wanted))
    };
    let differing: Vec<_> = order.config.iter().filter(|entry| differs(*entry)).map(|(key, _)| key.as_str()).collect();
    let shown = serde_json::json!([differing, applied.config, order.config]);
    (!differing.is_empty()).then(|| digest::of_value(&shown))
}

/// An order as it is remembered once a provider accepted it.
pub(super) fn applied_order(order: &Order, ground: &Ground) -> LastApplied {
    LastApplied {
        package: order.package.clone(),
        package_generation: order.package_generation,
        config: order.config.clone(),
        checkout: order.checkout.clone(),
        at: Some(ground.time()),
    }
}
