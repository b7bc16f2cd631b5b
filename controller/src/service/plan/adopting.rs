//! Remotes that are there already and are to be taken over. Nothing is ever created in place of one.

use hostwright_crds::{OperationOutcome, Target, Verb, reason};
use hostwright_plugin::{Present, State};

use super::super::record::Record;
use super::super::retry;
use super::super::situation::Situation;
use super::{Attachment, Conclusion, Step, Wait, existing, has_settled, making};
use crate::providers::Hold;

/// What has our mark is not what is to be taken over.
pub(super) fn misnamed(s: &Situation) -> Option<Step> {
    let (wanted, present) = (s.adopts()?, s.present()?);
    if s.aim.target == Target::Terminated || present.remote.id == wanted {
        return None;
    }
    let message = format!(
        "spec.adopt.remoteId: found {wanted}, but remote {} carries this service's mark already; name that one, or remove \
         the mark at the provider",
        present.remote.id
    );
    Some(Wait::for_somebody(Hold::new(reason::ADOPTION_REFUSED, message)))
}

/// An attempt without a definite answer is settled by looking whether our mark is there.
pub(super) fn unanswered(s: &Situation) -> Option<Step> {
    let operation = s.running(Verb::Adopt).filter(|operation| operation.outcome != OperationOutcome::Refused)?;
    s.look?;
    if s.present().is_some() {
        return Some(Step::Attach(Attachment::Adopted));
    }
    if operation.outcome == OperationOutcome::Accepted
        && operation.token.is_some()
        && !existing::is_overdue(s, operation)
        && !existing::may_interrupt(s, operation)
    {
        return Some(Step::Poll);
    }
    // A mark that lands late would be one that no object knows, or a second one where the id was corrected meanwhile.
    if making::must_settle(s)
        && let Err(until) = has_settled(s, retry::sent_until(operation))
    {
        let message = "the last attempt to take a remote over was not answered and may still land; looking again before anything else";
        return Some(Wait::until(until, Hold::new(reason::OUTCOME_UNKNOWN, message)));
    }
    Some(Step::Conclude(Conclusion::HadNoEffect))
}

/// Takes over what is named, when it is there and nobody else's.
pub(super) fn adopt(s: &Situation, id: &str) -> Step {
    if let Err(problem) = s.order {
        return Wait::on(problem.clone());
    }
    if let Some(hold) = refused(s, id) {
        return Wait::for_somebody(hold);
    }
    match s.candidate().map(|candidate| candidate.state) {
        Some(State::Deleting) => {
            let next_look = s.now.saturating_add(retry::POLL).unwrap_or(s.now);
            Wait::until(next_look, Hold::new(reason::REMOTE_DELETING, format!("the provider is removing remote {id}")))
        }
        _ if matches!(s.record, Record::Restored(_)) => Step::Record,
        _ => Step::Adopt,
    }
}

/// Why what was seen is not taken over.
pub fn refused(s: &Situation, id: &str) -> Option<Hold> {
    let instance = s.identity().map(|identity| identity.instance.as_str()).unwrap_or_default();
    let Some(candidate) = s.candidate() else {
        let message = format!(
            "spec.adopt.remoteId: {instance} has no remote {id}, and nothing is created in its place; `hostwright import \
             {instance}` lists what is there. Correct the id, or remove spec.adopt to have a new one made"
        );
        return Some(Hold::new(reason::REMOTE_NOT_FOUND, message));
    };
    let whose = whose(s, candidate)?;
    let message =
        format!("spec.adopt.remoteId: remote {id} on {instance} {whose}; nothing is called and nothing is created");
    Some(Hold::new(reason::ADOPTION_REFUSED, message))
}

fn whose(s: &Situation, candidate: &Present) -> Option<String> {
    let owner = s.identity().map(|identity| identity.owner.as_str()).unwrap_or_default();
    match (&candidate.external_id, &candidate.owner_key) {
        (Some(mark), _) => {
            Some(format!("carries the mark {mark:?}; remove that at the provider if it is no longer true"))
        }
        (None, Some(other)) if other != owner => Some(format!("belongs to owner {other}, not {owner}")),
        _ => None,
    }
}

/// Why nothing is taken over that another service claims.
pub fn claimed(id: &str, other: &str) -> Hold {
    let message = format!(
        "spec.adopt.remoteId: {other} claims remote {id} as well; nothing is called. Delete the one of the two that is wrong, or \
         correct its remoteId"
    );
    Hold::new(reason::ADOPTION_REFUSED, message)
}
