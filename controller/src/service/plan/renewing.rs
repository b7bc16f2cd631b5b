//! What is paid at the provider.

use hostwright_crds::{Operation, Target, Verb, annotation, reason};
use hostwright_plugin::{Present, RenewSupport, State};
use k8s_openapi::jiff::Timestamp;

use super::super::due;
use super::super::retry;
use super::super::situation::Situation;
use super::{Conclusion, Step, Wait, has_settled};
use crate::providers::Hold;

/// The date that the provider is to be renewed to, where that is ahead of what it was renewed to. What was cancelled is
/// not renewed.
pub fn due_until(s: &Situation) -> Option<Timestamp> {
    let until = due::paid_until(s.service)?;
    let ahead = s.status.renewed_until.as_ref().is_none_or(|known| known.0 < until);
    let wanted = s.aim.target != Target::Terminated && s.service.spec.cancellation.is_none();
    (ahead && wanted && s.is_bound() && s.status.renewal_in_doubt.is_none()).then_some(until)
}

/// Whether status alone shows that the provider has to be asked.
pub fn has_work(s: &Situation) -> bool {
    due_until(s).is_some() && !is_unneeded(s)
}

fn support(s: &Situation) -> Option<RenewSupport> {
    s.facts().map(|facts| facts.capabilities.renew)
}

fn is_unneeded(s: &Situation) -> bool {
    support(s).is_none_or(|support| support == RenewSupport::Unneeded)
}

/// What needs no call: a person settled what nobody can look up, or there is nothing to renew at this provider.
pub(super) fn without_a_call(s: &Situation) -> Option<Step> {
    // Also where nothing is in doubt: a word that stayed would answer for another date one day.
    match s.annotation(annotation::RESOLVE_RENEW) {
        Some("renewed") => return Some(Step::ResolveRenewal(Conclusion::TookEffect)),
        Some("repeat") => return Some(Step::ResolveRenewal(Conclusion::HadNoEffect)),
        _ => {}
    }
    let idle = s.operation().is_none() && support(s) == Some(RenewSupport::Unneeded);
    due_until(s).filter(|_| idle).map(Step::NoteRenewal)
}

/// Paid until a later date than the provider was. It goes before a change of the configuration: one that cannot succeed
/// must not cost the customer the period that was paid for.
pub(super) fn renewing(s: &Situation) -> Option<Step> {
    let (until, present) = (due_until(s)?, s.present()?);
    if is_unneeded(s) || !matches!(present.state, State::Active | State::Suspended) {
        return None;
    }
    Some(match present.paid_until {
        Some(paid) if paid >= until && support(s) == Some(RenewSupport::Observable) => Step::NoteRenewal(until),
        _ => Step::Renew,
    })
}

/// Whether a renewal shows at the remote.
pub(super) fn shows(s: &Situation, operation: &Operation, present: &Present) -> bool {
    let wanted = operation.paid_until.as_ref().map(|until| until.0);
    let observable = support(s) == Some(RenewSupport::Observable);
    observable && wanted.is_some_and(|wanted| present.paid_until.is_some_and(|paid| paid >= wanted))
}

/// What becomes of a renewal without an answer that does not show: where a look tells, once it would; where repeating is
/// harmless, it is repeated; elsewhere a person is asked.
pub(super) fn unseen(s: &Situation, operation: &Operation) -> Step {
    match support(s) {
        Some(RenewSupport::None) => Step::Conclude(Conclusion::Unknowable),
        Some(RenewSupport::Observable) if s.expected_verb() == Verb::Renew => {
            match has_settled(s, retry::sent_until(operation)) {
                Ok(()) => Step::Conclude(Conclusion::HadNoEffect),
                Err(until) => Wait::until(until, still_open()),
            }
        }
        _ => Step::Conclude(Conclusion::HadNoEffect),
    }
}

fn still_open() -> Hold {
    let message = "the last renewal was not answered and may still be carried out; looking again before it is repeated";
    Hold::new(reason::OUTCOME_UNKNOWN, message)
}

#[cfg(test)]
mod tests;
