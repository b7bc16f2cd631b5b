//! Remotes that are not there, or not known to be ours yet.

use hostwright_crds::{OnRemoteMissing, Operation, OperationOutcome, RemoteState, Target, Verb, annotation, reason};

use super::super::record::Record;
use super::super::retry;
use super::super::situation::Situation;
use super::{Attachment, Conclusion, Step, Wait, adopting, ending, existing, has_settled};
use crate::providers::Hold;

/// A create without an answer is settled by looking, never by repeating or deleting blindly.
pub(super) fn unanswered_create(s: &Situation) -> Option<Step> {
    let operation = s.running(Verb::Create).filter(|operation| operation.outcome != OperationOutcome::Refused)?;
    if operation.outcome == OperationOutcome::Accepted {
        return accepted_create(s, operation);
    }
    if s.present().is_some() {
        return Some(Step::Attach(Attachment::OwnAttempt));
    }
    let uniqueness = s.facts()?.capabilities.create_uniqueness;
    if !uniqueness.has_lookup() {
        let resolved = s.annotation(annotation::RESOLVE_CREATE) == Some("absent");
        return Some(if resolved { Step::ResolvedAsAbsent } else { nobody_can_tell() });
    }
    if must_settle(s)
        && let Err(until) = has_settled(s, retry::sent_until(operation))
    {
        let message = "the last create was not answered and may still appear; looking again before anything else";
        return Some(Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message)));
    }
    Some(Step::Conclude(Conclusion::HadNoEffect))
}

/// Whether an attempt without an answer has to be given the time in which it may still land. Where the provider refuses a second
/// remote with our mark, one that lands late makes the next attempt fail, so that absence counts at once; but nothing may be
/// released while one may still land.
pub(super) fn must_settle(s: &Situation) -> bool {
    let enforced = s.facts().is_some_and(|facts| facts.capabilities.create_uniqueness.is_enforced());
    !enforced || s.aim.target == Target::Terminated
}

/// A queued create is not absent because nothing shows yet: the provider is asked, or it counts as unanswered.
fn accepted_create(s: &Situation, operation: &Operation) -> Option<Step> {
    match (s.look.is_some(), s.present()) {
        (true, None) if operation.token.is_some() && !existing::is_overdue(s, operation) => Some(Step::Poll),
        (true, None) => Some(Step::Conclude(Conclusion::HadNoEffect)),
        (_, Some(_)) if s.remote().is_none() => Some(Step::Attach(Attachment::OwnAttempt)),
        _ => None,
    }
}

fn nobody_can_tell() -> Step {
    Wait::for_somebody(Hold::new(
        reason::CREATE_OUTCOME_UNKNOWN,
        format!(
            "a create was not answered and this provider cannot be asked; look there yourself, then annotate {}=absent or ={{remote id}}",
            annotation::RESOLVE_CREATE
        ),
    ))
}

/// The record is there and status knows no remote: status was lost, a backup was restored, the first create was cut off,
/// or the provider said that one exists.
pub(super) fn unattached(s: &Situation) -> Option<Step> {
    let refused = s.operation().filter(|operation| operation.outcome == OperationOutcome::Refused);
    let complete = s.remote().is_some() && s.last_applied().is_some();
    let known = complete && s.replaced().is_none() && matches!(s.record, Record::Ours(_));
    if known || (s.operation().is_some() && refused.is_none()) {
        return None;
    }
    if s.present().is_some() {
        let unanswered = refused.filter(|operation| operation.unanswered_at.is_some());
        return Some(Step::Attach(match unanswered.map(|operation| operation.verb) {
            Some(Verb::Adopt) => Attachment::Adopted,
            None if s.replaced().is_none() => Attachment::Found,
            _ => Attachment::OwnAttempt,
        }));
    }
    // Status that remembers an attempt knows what may be under way; the record alone does not.
    let attempted = refused.is_some_and(|operation| operation.attempted_at.is_some());
    let recorded = matches!(s.record, Record::Ours(_)) || was_never_made(s);
    let lost = recorded && !s.just_recorded && !attempted && s.remote().is_none();
    if !lost {
        return None;
    }
    ending::unbelievable_absence(s).or(Some(Step::AssumeAttempt))
}

/// The remote should exist and does not.
pub(super) fn absent(s: &Situation) -> Option<Step> {
    if s.look.is_none() || s.present().is_some() {
        return None;
    }
    if let Some(id) = s.adopts() {
        return Some(adopting::adopt(s, id));
    }
    let was_ours = s.is_bound() || (matches!(s.record, Record::Restored(_)) && !was_never_made(s));
    if !was_ours {
        return Some(create(s));
    }
    if let Some(step) = ending::unbelievable_absence(s) {
        return Some(step);
    }
    match s.service.spec.on_remote_missing {
        OnRemoteMissing::Recreate => Some(create(s)),
        OnRemoteMissing::Hold if s.remote().is_some_and(|remote| remote.state != RemoteState::Missing) => {
            Some(Step::ReportMissing)
        }
        OnRemoteMissing::Hold => Some(Wait::for_somebody(missing())),
    }
}

/// Whether the record came from another cluster, where no create was ever known to have succeeded.
fn was_never_made(s: &Situation) -> bool {
    let carried = s.identity().and_then(|identity| identity.carried.as_ref());
    carried.is_some_and(|carried| carried.never_made)
}

/// Why a service whose remote something else removed is not Ready.
pub fn missing() -> Hold {
    Hold::new(
        reason::REMOTE_MISSING,
        "the remote is gone and Hostwright did not end it; nothing is called. Make a new, empty one: onRemoteMissing Recreate. Give it up: delete this object",
    )
}

/// Makes the remote, when the order holds: under a record of this very object, and with nothing left of an earlier remote
/// that the new one would be held against.
fn create(s: &Situation) -> Step {
    match s.order {
        Err(problem) => Wait::on(problem.clone()),
        Ok(_) if matches!(s.record, Record::Restored(_)) => Step::Record,
        Ok(_) if s.remote().is_some() => forget(s),
        Ok(_) => Step::Create,
    }
}

fn forget(s: &Situation) -> Step {
    let enforced = s.facts().is_some_and(|facts| facts.capabilities.create_uniqueness.is_enforced());
    match ending::may_land_until(s) {
        Some(until) if !enforced => {
            let message = "an earlier create was not answered and may still appear; a new one waits for that";
            Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message))
        }
        _ => Step::Forget,
    }
}

/// Completes a remote that was made in part.
pub(super) fn complete(s: &Situation) -> Step {
    match s.order {
        Ok(_) => Step::Create,
        Err(problem) => Wait::on(problem.clone()),
    }
}
