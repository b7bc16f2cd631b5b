//! Remotes that are not there, or not known to be ours yet.

use hostwright_crds::{OnRemoteMissing, OperationOutcome, RemoteState, Target, Verb, annotation, reason};

use super::super::record::Record;
use super::super::situation::Situation;
use super::{Attachment, Conclusion, Step, Wait, ending, has_settled};
use crate::providers::Hold;

/// A create without an answer is settled by looking, never by repeating or deleting blindly.
pub(super) fn unanswered_create(s: &Situation) -> Option<Step> {
    let operation = s.running(Verb::Create).filter(|operation| operation.outcome != OperationOutcome::Refused)?;
    if operation.outcome == OperationOutcome::Accepted {
        let unknown_remote = s.remote().is_none() && s.present().is_some();
        return unknown_remote.then_some(Step::Attach(Attachment::OwnAttempt));
    }
    if s.present().is_some() {
        return Some(Step::Attach(Attachment::OwnAttempt));
    }
    let uniqueness = s.facts()?.capabilities.create_uniqueness;
    if !uniqueness.has_lookup() {
        let resolved = s.annotation(annotation::RESOLVE_CREATE) == Some("absent");
        return Some(if resolved { Step::Conclude(Conclusion::HadNoEffect) } else { nobody_can_tell() });
    }
    // Where the provider refuses a second remote, a create that lands late makes the next one fail, so absence counts at
    // once; but nothing may be released while one may still land.
    let must_settle = !uniqueness.is_enforced() || s.aim.target == Target::Terminated;
    if must_settle && let Err(until) = has_settled(s, operation.attempted_at.as_ref().map(|at| at.0)) {
        let message = "the last create was not answered and may still appear; looking again before anything else";
        return Some(Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message)));
    }
    Some(Step::Conclude(Conclusion::HadNoEffect))
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
    let known = s.remote().is_some() && s.last_applied().is_some();
    if known || (s.operation().is_some() && refused.is_none()) {
        return None;
    }
    if s.present().is_some() {
        let ours = refused.is_some_and(|operation| operation.unanswered_at.is_some());
        return Some(Step::Attach(if ours { Attachment::OwnAttempt } else { Attachment::Found }));
    }
    if refused.is_some() {
        return None;
    }
    // The record alone cannot exclude that a create is under way.
    let may_be_under_way = matches!(s.record, Record::Ours(_)) && !s.just_recorded;
    may_be_under_way.then_some(Step::AssumeAttempt)
}

/// The remote should exist and does not.
pub(super) fn absent(s: &Situation) -> Option<Step> {
    if s.look.is_none() || s.present().is_some() {
        return None;
    }
    let was_ours = s.is_bound() || matches!(s.record, Record::Restored(_));
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

/// Why a service whose remote something else removed is not Ready.
pub fn missing() -> Hold {
    Hold::new(
        reason::REMOTE_MISSING,
        "the remote is gone and Hostwright did not end it; nothing is called. Make a new, empty one: onRemoteMissing Recreate. Give it up: delete this object",
    )
}

/// Makes the remote, when the order holds.
pub(super) fn create(s: &Situation) -> Step {
    match s.order {
        Ok(_) => Step::Create,
        Err(problem) => Wait::on(problem.clone()),
    }
}
