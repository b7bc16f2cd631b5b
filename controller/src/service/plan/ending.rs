//! Ending a remote, and what its absence proves.

use std::time::Duration;

use hostwright_crds::{Operation, RemoteState, Target, Verb, reason};
use hostwright_plugin::State;
use k8s_openapi::jiff::Timestamp;

use super::super::retry;
use super::super::situation::Situation;
use super::{ReleaseReason, Step, Wait, existing, has_settled};
use crate::providers::Hold;

/// How old a connection test may be for an absence to be acted on.
const VERIFIED_WITHIN: Duration = Duration::from_mins(1);

/// Why endings are held, for an ending that the brake has not let through before.
fn held<'a>(s: &Situation<'a>) -> Option<&'a Hold> {
    let let_through = s.running(Verb::Terminate).is_some_and(|operation| operation.attempted_at.is_some());
    let hold = s.facts()?.endings.as_ref()?;
    (!(let_through && hold.reason == reason::TERMINATION_HELD)).then_some(hold)
}

/// An ending that is held is not even looked at, nor is a suspension: hundreds may wait.
pub(super) fn held_back(s: &Situation) -> Option<Step> {
    let hold = match s.aim.target {
        Target::Terminated => held(s)?,
        Target::Suspended | Target::Active => suspension_held(s)?,
    };
    (s.is_bound() && s.look.is_none()).then(|| Wait::on(hold.clone()))
}

/// Why a suspension by the overdue policy is held, where the brake has not let it through before.
pub(super) fn suspension_held<'a>(s: &Situation<'a>) -> Option<&'a Hold> {
    let let_through = s.running(Verb::Suspend).is_some_and(|operation| operation.attempted_at.is_some());
    let usable = s.remote().is_some_and(|remote| remote.state == RemoteState::Active);
    let hold = s.facts()?.policy_suspensions.as_ref()?;
    (s.aim.suspended_by_policy() && usable && !let_through).then_some(hold)
}

/// The remote should be gone.
pub(super) fn ending(s: &Situation) -> Option<Step> {
    if s.aim.target != Target::Terminated || s.look.is_none() {
        return None;
    }
    Some(match s.present() {
        Some(present) => end(s, present.state),
        None => gone(s),
    })
}

fn end(s: &Situation, state: State) -> Step {
    let next_look = s.now.saturating_add(retry::POLL).unwrap_or(s.now);
    let working = |message| Wait::until(next_look, Hold::new(reason::TERMINATING, message));
    if state == State::Deleting {
        return working("the provider is removing the remote");
    }
    if let Some(hold) = held(s) {
        return Wait::on(hold.clone());
    }
    if let Some(operation) = s.accepted() {
        if operation.verb == Verb::Terminate && !existing::is_overdue(s, operation) {
            return working("the provider accepted the ending and is working on it");
        }
        if !existing::may_interrupt(s, operation) && state == State::Provisioning {
            return working("the provider cannot interrupt what it is doing; the remote is ended afterwards");
        }
    }
    Step::Terminate { force: must_force(s) }
}

/// Force is used only where the Package says so, after an ordinary ending has failed that long.
fn must_force(s: &Situation) -> bool {
    let since = s.running(Verb::Terminate).and_then(|operation| operation.started_at.as_ref());
    match (s.force_after, since) {
        (Some(after), Some(since)) => since.0.saturating_add(after).is_ok_and(|at| at <= s.now),
        _ => false,
    }
}

fn gone(s: &Situation) -> Step {
    if (s.remote().is_some() || !s.just_recorded)
        && let Some(step) = unbelievable_absence(s)
    {
        return step;
    }
    if let Some(until) = may_land_until(s) {
        let message = "an attempt was not answered and may still land; this object stays until that is certain";
        return Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message));
    }
    if s.aim.deleting { Step::Release(ReleaseReason::Ended) } else { Step::End }
}

/// Until when a create or an adoption that was not answered may still land, when the look was earlier than that.
pub(super) fn may_land_until(s: &Situation) -> Option<Timestamp> {
    // An operation that was never attempted carries what an earlier create left open.
    let may_mark = |operation: &&Operation| {
        matches!(operation.verb, Verb::Create | Verb::Adopt) || operation.attempted_at.is_none()
    };
    let unanswered = s.operation().filter(may_mark).and_then(|operation| operation.unanswered_at.as_ref());
    let attempt = unanswered.and_then(|at| has_settled(s, Some(at.0)).err());
    let earlier = s.remote().and_then(|remote| remote.late_until.as_ref()).map(|until| until.0);
    attempt.or_else(|| earlier.filter(|until| s.look.is_some_and(|look| look.at < *until)))
}

/// An absence is acted on only at a panel known to be the right one, and not when many went missing together.
pub(super) fn unbelievable_absence(s: &Situation) -> Option<Step> {
    let facts = s.facts()?;
    if let Some(hold) = &facts.absence {
        return Some(Wait::on(hold.clone()));
    }
    let earliest = s.now.saturating_sub(VERIFIED_WITHIN).unwrap_or(s.now);
    (facts.verified_at.is_none_or(|at| at < earliest)).then_some(Step::Verify)
}
