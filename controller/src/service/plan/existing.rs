//! Remotes that are there.

use hostwright_crds::{Operation, OperationOutcome, Target, Verb, annotation, reason};
use hostwright_plugin::{Difference, Observation, Present, State};

use super::super::changes;
use super::super::retry;
use super::super::situation::Situation;
use super::{Conclusion, ReleaseReason, Step, Wait, making, renewing, rotating};
use crate::providers::Hold;

/// A remote with our external id that belongs to somebody else is never touched.
pub(super) fn foreign(s: &Situation) -> Option<Step> {
    let (present, identity) = (s.present()?, s.identity()?);
    // An attempt of ours may have put the mark there.
    let tried = |operation: &Operation| {
        matches!(operation.verb, Verb::Create | Verb::Adopt)
            && (operation.outcome != OperationOutcome::Refused || operation.unanswered_at.is_some())
    };
    let named = s.adopts() == Some(&present.remote.id);
    let known = s.remote().is_some() || named || s.operation().is_some_and(tried);
    // Unless a create of ours may have landed late: then what stands there with our marks is that.
    let replaced = s.replaced().filter(|remote| remote.bound_at.is_some() && remote.late_until.is_none());
    let whose = match (&present.owner_key, replaced) {
        (Some(owner), _) if *owner != identity.owner => format!("belongs to owner {owner}, not {}", identity.owner),
        (None, _) if !known => format!("carries no owner key, {} expected", identity.owner),
        (_, Some(remote)) => format!("stands in the place of remote {}, which was this service's", remote.id),
        _ => return None,
    };
    match s.aim.target {
        // Another owner's mark proves that it is not ours; a missing one proves nothing.
        Target::Terminated if !known && present.owner_key.is_some() && s.aim.deleting => {
            Some(Step::Release(ReleaseReason::NothingThere))
        }
        Target::Terminated if !known && present.owner_key.is_some() => Some(Step::End),
        _ => Some(Wait::for_somebody(Hold::new(
            reason::REMOTE_EXISTS,
            format!(
                "remote {} with external id {} {whose}; nothing is called. Use another name, or settle the ownership at the provider",
                present.remote.id, identity.external_id
            ),
        ))),
    }
}

/// Whether a running operation may be cut short by what is wanted now.
pub(super) fn may_interrupt(s: &Situation, operation: &Operation) -> bool {
    let against = match operation.verb {
        Verb::Create | Verb::Scale | Verb::Unsuspend => s.aim.target != Target::Active,
        Verb::Adopt | Verb::Suspend | Verb::Renew | Verb::Rotate => s.aim.target == Target::Terminated,
        Verb::Terminate => false,
    };
    let interruptible = s.facts().is_some_and(|facts| facts.capabilities.interruptible);
    let overdue = s.aim.target == Target::Terminated && is_overdue(s, operation);
    against && (interruptible || overdue)
}

/// Whether the provider should have finished by now.
pub(super) fn is_overdue(s: &Situation, operation: &Operation) -> bool {
    operation.deadline.as_ref().is_some_and(|deadline| deadline.0 <= s.now)
}

/// The last attempt of any other verb is settled by what was seen.
pub(super) fn unanswered(s: &Situation) -> Option<Step> {
    let operation = s.operation()?;
    let look = s.look?;
    match (operation.outcome, &look.seen) {
        // An earlier attempt of it may have landed late.
        (OperationOutcome::Refused, Observation::Present(present)) if operation.unanswered_at.is_some() => {
            let late = operation.verb != Verb::Create && took_effect(s, operation, present);
            late.then_some(Step::Conclude(Conclusion::TookEffect))
        }
        (OperationOutcome::Refused, _) => None,
        (_, Observation::Absent) if operation.verb == Verb::Terminate => None,
        (OperationOutcome::Accepted, Observation::Present(present)) => match accepted(s, operation, present)? {
            Conclusion::HadNoEffect if operation.verb == Verb::Renew => Some(renewing::unseen(s, operation)),
            conclusion => Some(Step::Conclude(conclusion)),
        },
        (OperationOutcome::Unknown, Observation::Present(present)) if took_effect(s, operation, present) => {
            Some(Step::Conclude(Conclusion::TookEffect))
        }
        (OperationOutcome::Unknown, Observation::Present(_)) if operation.verb == Verb::Renew => {
            Some(renewing::unseen(s, operation))
        }
        (OperationOutcome::Unknown, Observation::Present(_)) if operation.verb == Verb::Rotate => {
            Some(rotating::unseen(s, operation))
        }
        (OperationOutcome::Accepted, Observation::Absent) | (OperationOutcome::Unknown, _) => {
            Some(Step::Conclude(Conclusion::HadNoEffect))
        }
    }
}

/// What became of an accepted operation: None while the provider may still be working on it.
fn accepted(s: &Situation, operation: &Operation, present: &Present) -> Option<Conclusion> {
    if took_effect(s, operation, present) {
        return Some(Conclusion::TookEffect);
    }
    let working = matches!(present.state, State::Provisioning | State::Deleting);
    let ordered_anew = operation.verb == Verb::Scale && !working && s.impatience().inputs_changed;
    let given_up = operation.verb != Verb::Terminate && is_overdue(s, operation) && !working;
    (ordered_anew || given_up).then_some(Conclusion::HadNoEffect)
}

fn took_effect(s: &Situation, operation: &Operation, present: &Present) -> bool {
    match operation.verb {
        Verb::Create => matches!(present.state, State::Active | State::Suspended | State::Failed),
        Verb::Suspend => present.state == State::Suspended,
        // What was remembered may still have to be put back: an installation that was cut off is not finished by lifting
        // the suspension alone.
        Verb::Unsuspend => match present.state {
            State::Suspended => false,
            State::Provisioning => true,
            _ => operation.before.is_none(),
        },
        Verb::Scale => s.order.as_ref().is_ok_and(|order| {
            let shown = present.applied.iter().filter_map(|(key, found)| Some((found, order.config.get(key)?)));
            operation.inputs == order.digest && shown.into_iter().all(|(found, wanted)| changes::same(found, wanted))
        }),
        Verb::Renew => renewing::shows(s, operation, present),
        // No look shows a credential, and a remote that is not attached yet is judged elsewhere.
        Verb::Adopt | Verb::Rotate | Verb::Terminate => false,
    }
}

/// Should be suspended and is not.
pub(super) fn suspending(s: &Situation) -> Option<Step> {
    let state = s.present()?.state;
    let can = match state {
        State::Active | State::Failed => true,
        State::Provisioning => s.facts()?.capabilities.interruptible,
        State::Incomplete | State::Suspended | State::Deleting => false,
    };
    (s.aim.target == Target::Suspended && can).then_some(Step::Suspend)
}

/// Something is going on at the provider.
pub(super) fn transition(s: &Situation) -> Option<Step> {
    let state = s.present()?.state;
    let next_look = s.now.saturating_add(retry::POLL).unwrap_or(s.now);
    match state {
        State::Incomplete => Some(making::complete(s)),
        State::Deleting => {
            let message = "the provider is removing it; a new one waits until that is done";
            Some(Wait::until(next_look, Hold::new(reason::REMOTE_DELETING, message)))
        }
        State::Failed => Some(Step::Settled),
        State::Provisioning => Some(Step::Wait(Wait { hold: None, stalled: false, until: Some(next_look) })),
        State::Active | State::Suspended => {
            s.accepted().map(|_| Step::Wait(Wait { hold: None, stalled: false, until: Some(next_look) }))
        }
    }
}

/// Suspended and should not be. A suspension made by others stays.
pub(super) fn unsuspending(s: &Situation) -> Option<Step> {
    let ours = s.present()?.state == State::Suspended && s.status.suspended_at.is_some();
    let half_done = s.running(Verb::Unsuspend).is_some_and(|operation| operation.before.is_some());
    (s.aim.target == Target::Active && (ours || half_done)).then_some(Step::Unsuspend)
}

/// What keeps the remote from being scaled, or what a scale would bring about.
#[derive(Debug, Clone, PartialEq)]
pub enum Scaling {
    /// Nothing differs.
    Unneeded,
    /// A scale brings about these differences.
    Needed(Vec<Difference>),
    /// These count only at creation.
    NotChangeable(Vec<Difference>),
    /// The remote was attached with differences, and nobody accepted them by this hash.
    NotAccepted(String, Vec<Difference>),
    /// A scale succeeded and left these differences; it is not repeated.
    NotConverging(Vec<Difference>),
}

/// Judges the differences, those of the look included where there is one.
pub fn scaling_of(s: &Situation) -> Scaling {
    if !s.changes.fixed.is_empty() {
        return Scaling::NotChangeable(s.changes.fixed.clone());
    }
    let differences: Vec<_> = s.changes.scalable.iter().chain(&s.drift.enforced).cloned().collect();
    if differences.is_empty() {
        return Scaling::Unneeded;
    }
    if let Some(hash) = &s.status.attached_differences
        && s.annotation(annotation::ACCEPT_DIFFERENCES) != Some(hash)
    {
        return Scaling::NotAccepted(hash.clone(), differences);
    }
    if s.status.not_converging.as_ref() == Some(&changes::digest_of(&differences)) {
        return Scaling::NotConverging(differences);
    }
    Scaling::Needed(differences)
}

/// Whether status and order alone show that a scale is needed.
pub(super) fn has_work(s: &Situation) -> bool {
    s.order.is_ok() && matches!(scaling_of(s), Scaling::Needed(_))
}

/// Another package is ordered, and nothing differs: there is nothing to call.
pub(super) fn changing_package(s: &Situation) -> Option<Step> {
    let (Ok(order), Some(last), None) = (s.order, s.last_applied(), s.operation()) else { return None };
    let same = s.changes.fixed.is_empty() && s.changes.scalable.is_empty() && !last.config.is_empty();
    let wanted = s.aim.target != Target::Terminated && order.package != last.package;
    (wanted && same && s.is_bound()).then_some(Step::ChangePackage)
}

/// Differs from what should be applied.
pub(super) fn scaling(s: &Situation) -> Option<Step> {
    let scalable = matches!(s.present()?.state, State::Active | State::Suspended);
    (scalable && has_work(s)).then_some(Step::Scale)
}
