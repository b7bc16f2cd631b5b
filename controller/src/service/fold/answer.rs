//! Folding what a provider answered to a mutation.

use std::time::Duration;

use hostwright_crds::{
    HostingServiceStatus, Operation, OperationOutcome, RemoteState, RemoteStatus, Verb, condition, reason,
};
use hostwright_plugin::{Error, Outcome, RemoteState as Answered, State};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::retry;
use super::super::situation::remote_state;
use super::attach::applied_order;
use super::{Ground, Notice, credentials, failed, is_unanswered, remote_status, renewal};

/// A provider that asks to be polled sooner is polled this late.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

/// Folds the answer of one attempt.
pub(super) fn answered(
    status: &mut HostingServiceStatus,
    operation: &Operation,
    result: &Result<Outcome, Error>,
    ground: &Ground,
) -> Option<Notice> {
    match result {
        Ok(Outcome::Done(state)) => done(status, operation, state, ground),
        Ok(Outcome::Accepted { token, poll_after, remote }) => {
            if let (Verb::Create, Some(remote)) = (operation.verb, remote) {
                bind(status, remote_status(remote), RemoteState::Provisioning, operation, ground);
                remember_order(status, operation, ground);
            }
            status.operation = Some(Operation {
                token: Some(condition::cut(token.clone(), 1024)),
                next_attempt_at: Some(ground.after((*poll_after).clamp(SHORTEST_POLL, retry::LONGEST_THROTTLE))),
                ..accepted(operation, ground)
            });
            None
        }
        Ok(Outcome::Gone) => {
            if operation.verb == Verb::Terminate
                && let Some(remote) = status.remote.as_mut()
            {
                remote.state = RemoteState::Deleting;
            }
            status.operation = Some(unconfirmed(operation, ground));
            None
        }
        Err(error) => refused(status, operation, error, ground),
    }
}

fn done(
    status: &mut HostingServiceStatus,
    operation: &Operation,
    answer: &Answered,
    ground: &Ground,
) -> Option<Notice> {
    let state = remote_state(answer.state);
    if operation.verb == Verb::Adopt {
        status.operation = Some(unconfirmed(operation, ground));
        return None;
    }
    if operation.verb == Verb::Rotate
        && let Some(error) = credentials::untold(answer, ground)
    {
        credentials::in_doubt(status, ground);
        return refused(status, operation, &error, ground);
    }
    match operation.verb {
        Verb::Create => bind(status, remote_status(&answer.remote), state, operation, ground),
        _ => {
            if let Some(remote) = status.remote.as_mut() {
                remote.state = state;
            }
        }
    }
    if is_finished(operation.verb, answer.state) {
        return took_effect(status, operation, ground);
    }
    remember_order(status, operation, ground);
    status.operation = Some(accepted(operation, ground));
    None
}

fn is_finished(verb: Verb, state: State) -> bool {
    match verb {
        Verb::Create | Verb::Scale => !matches!(state, State::Provisioning | State::Incomplete | State::Deleting),
        Verb::Suspend => state == State::Suspended,
        Verb::Unsuspend => state != State::Suspended,
        Verb::Renew | Verb::Rotate => true,
        Verb::Adopt | Verb::Terminate => false,
    }
}

/// The create was answered: the remote certainly belongs to this service. An earlier attempt may still land.
fn bind(
    status: &mut HostingServiceStatus,
    remote: RemoteStatus,
    state: RemoteState,
    operation: &Operation,
    ground: &Ground,
) {
    let unanswered = operation.unanswered_at.as_ref().and_then(|at| at.0.saturating_add(ground.settle).ok());
    status.remote = Some(RemoteStatus {
        state,
        seen_at: Some(ground.time()),
        late_until: unanswered.map(Time),
        bound_at: Some(ground.time()),
        ..remote
    });
}

/// What a provider claims is believed once a look confirms it.
fn unconfirmed(operation: &Operation, ground: &Ground) -> Operation {
    Operation { outcome: OperationOutcome::Unknown, token: None, next_attempt_at: None, ..accepted(operation, ground) }
}

fn accepted(operation: &Operation, ground: &Ground) -> Operation {
    Operation {
        outcome: OperationOutcome::Accepted,
        next_attempt_at: Some(ground.after(retry::POLL)),
        last_error: None,
        unanswered_at: None,
        ..operation.clone()
    }
}

/// The order of an accepted create or scale is what a later difference is measured against. One that was edited meanwhile
/// is not: the difference is then found by looking.
fn remember_order(status: &mut HostingServiceStatus, operation: &Operation, ground: &Ground) {
    let making = matches!(operation.verb, Verb::Create | Verb::Scale);
    if let (true, Ok(order)) = (making, ground.order)
        && operation.inputs == order.digest
    {
        status.last_applied = Some(applied_order(order, ground));
    }
}

/// A verb was certainly carried out.
pub(super) fn took_effect(status: &mut HostingServiceStatus, operation: &Operation, ground: &Ground) -> Option<Notice> {
    remember_order(status, operation, ground);
    status.operation = None;
    status.epoch += 1;
    let id = status.remote.as_ref().map(|remote| remote.id.clone()).unwrap_or_default();
    let on = ground.instance;
    let (reason, message) = match operation.verb {
        Verb::Create => {
            renewal::reached(status, operation);
            credentials::made(status, ground);
            (reason::CREATED, format!("created remote {id} on {on}"))
        }
        Verb::Renew => {
            renewal::reached(status, operation);
            (reason::RENEWED, format!("renewed remote {id} on {on}{}", renewal::until(status)))
        }
        Verb::Suspend => {
            status.suspended_at = Some(ground.time());
            status.remembered.clone_from(&operation.before);
            (reason::SUSPENDED, format!("suspended remote {id} on {on}{}", ground.cause()))
        }
        Verb::Unsuspend => {
            status.suspended_at = None;
            status.remembered = None;
            (reason::UNSUSPENDED, format!("unsuspended remote {id} on {on}"))
        }
        Verb::Scale => {
            status.attached_differences = None;
            status.not_converging = None;
            (reason::SCALED, format!("scaled remote {id} on {on} to package {}", ground.package))
        }
        Verb::Rotate => credentials::rotated(status, operation, ground),
        // A look has the last word.
        Verb::Adopt | Verb::Terminate => return None,
    };
    Some(Notice { reason, message, warning: false })
}

fn refused(status: &mut HostingServiceStatus, operation: &Operation, error: &Error, ground: &Ground) -> Option<Notice> {
    let mut operation = operation.clone();
    let unanswered = is_unanswered(error);
    operation.outcome = if unanswered { OperationOutcome::Unknown } else { OperationOutcome::Refused };
    if unanswered {
        operation.unanswered_at = Some(ground.time());
        if operation.verb == Verb::Rotate {
            credentials::in_doubt(status, ground);
        }
    }
    let repeated = operation
        .last_error
        .as_ref()
        .is_some_and(|last| last.class == retry::class_name(error.class) && last.code == error.code);
    failed(&mut operation, error, ground);
    let verb = operation.verb;
    status.operation = Some(operation);
    (!repeated).then(|| {
        let (reason, _) = super::super::report::reason_of(error.class, &error.code);
        Notice {
            reason,
            message: format!("{verb:?} on {}: {}", ground.instance, super::told(error, ground.instance)),
            warning: true,
        }
    })
}
