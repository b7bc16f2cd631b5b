//! New credentials: asked for, or because those of the remote were lost.

use hostwright_crds::{Operation, OperationOutcome, RemoteState, Target, Verb, reason};
use hostwright_plugin::State;

use super::super::retry;
use super::super::situation::Situation;
use super::{Conclusion, Step, Wait, has_settled};
use crate::providers::Hold;

/// Whether status alone shows that new credentials have to be issued.
pub fn has_work(s: &Situation) -> bool {
    let usable = s.remote().is_some_and(|remote| matches!(remote.state, RemoteState::Active | RemoteState::Suspended));
    let begun = s.running(Verb::Rotate).is_some_and(may_have_been_applied);
    usable && is_wanted(s) && is_possible(s) == Some(true) && (begun || are_lost(s) || s.rotation_request().is_some())
}

/// Nobody is given credentials of what is being ended, or of a remote that may be another's.
fn is_wanted(s: &Situation) -> bool {
    s.aim.target != Target::Terminated && s.is_bound()
}

/// Whether the plugin can issue new ones; None while nobody knows.
fn is_possible(s: &Situation) -> Option<bool> {
    s.facts().map(|facts| facts.capabilities.rotate_credentials)
}

/// Whether those in the Secret are incomplete or may be out of date.
pub fn are_lost(s: &Situation) -> bool {
    s.status.credentials.as_ref().is_some_and(|credentials| credentials.lost)
}

/// Whether only a person can replace credentials that were lost.
pub fn needs_somebody(s: &Situation) -> bool {
    are_lost(s) && is_possible(s) == Some(false)
}

fn may_have_been_applied(operation: &Operation) -> bool {
    operation.outcome != OperationOutcome::Refused || operation.unanswered_at.is_some()
}

/// Asked of a plugin that cannot.
pub(super) fn impossible(s: &Situation) -> Option<Step> {
    let asked = s.rotation_request().filter(|_| is_wanted(s) && is_possible(s) == Some(false))?;
    Some(Step::RefuseRotation(asked.to_owned()))
}

/// It goes before a change of the configuration: one that cannot succeed must not keep a customer out.
pub(super) fn rotating(s: &Situation) -> Option<Step> {
    let usable = matches!(s.present()?.state, State::Active | State::Suspended);
    (usable && has_work(s)).then_some(Step::Rotate)
}

/// What becomes of a rotation without an answer: nobody knows the newest credentials, so it is repeated, once an attempt
/// that is still on its way cannot replace those of the next one.
pub(super) fn unseen(s: &Situation, operation: &Operation) -> Step {
    match has_settled(s, retry::sent_until(operation)) {
        Err(until) if s.expected_verb() == Verb::Rotate => {
            let message =
                "new credentials were asked for and not answered; asking again once the first request is over";
            Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message))
        }
        _ => Step::Conclude(Conclusion::HadNoEffect),
    }
}

#[cfg(test)]
mod tests;
