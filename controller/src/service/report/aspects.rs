//! The conditions beside Ready, one function each. None leaves the condition as it is: nothing new is known.

use hostwright_crds::{LastError, Operation, OperationOutcome, RemoteState, Target, Verb, reason};
use hostwright_plugin::Class;

use super::super::aim::Holder;
use super::super::changes;
use super::super::due;
use super::super::plan::existing::{Scaling, scaling_of};
use super::super::plan::{self, Step, adopting, rotating};
use super::super::retry;
use super::super::situation::{Provider, Situation};
use crate::providers::Hold;

type Aspect<R> = Option<(&'static str, R, String)>;

/// `held by abuse-desk: mail flood`, or until when it was paid and when it ends.
pub(in super::super) fn held_by(s: &Situation, holder: &Holder) -> String {
    if holder.name == due::POLICY {
        let next = due::now(s).next.filter(|next| next.verb == Verb::Terminate && next.because == reason::OVERDUE);
        let ends = next.and_then(|next| next.at).map(|at| format!("; terminates {} unless paid", at.0));
        return format!("{}{}", holder.message.as_deref().unwrap_or_default(), ends.unwrap_or_default());
    }
    match &holder.message {
        Some(message) => format!("held by {}: {message}", holder.name),
        None => format!("held by {}", holder.name),
    }
}

/// The remote exists and is set up.
pub(super) fn provisioned(s: &Situation) -> (&'static str, &'static str, String) {
    if s.identity().is_some_and(|identity| identity.ended.is_some()) {
        return ("False", reason::TERMINATED, "the remote was ended".into());
    }
    if let Some(id) = s.adopts() {
        return ("False", reason::PENDING, format!("remote {id} is not taken over yet"));
    }
    let Some(remote) = s.remote() else {
        return match s.running(Verb::Create).map(|operation| operation.outcome) {
            Some(OperationOutcome::Unknown) => {
                ("Unknown", reason::OUTCOME_UNKNOWN, "a create was asked for and not answered".into())
            }
            Some(OperationOutcome::Accepted) => {
                ("False", reason::PROVISIONING, "the provider accepted the create".into())
            }
            Some(OperationOutcome::Refused) | None => {
                ("False", reason::PENDING, "nothing exists at the provider".into())
            }
        };
    };
    let id = &remote.id;
    match remote.state {
        RemoteState::Provisioning | RemoteState::Incomplete => {
            ("False", reason::PROVISIONING, format!("remote {id} is being set up"))
        }
        RemoteState::Active | RemoteState::Suspended => ("True", reason::UP_TO_DATE, format!("remote {id} exists")),
        RemoteState::Failed => ("False", reason::REMOTE_FAILED, format!("remote {id} failed at the provider")),
        RemoteState::Deleting => ("False", reason::REMOTE_DELETING, format!("remote {id} is going away")),
        RemoteState::Missing => ("False", reason::REMOTE_MISSING, format!("remote {id} is gone")),
    }
}

/// References resolve, the configuration validates, and there is room.
pub(super) fn accepted(s: &Situation) -> Aspect<&'static str> {
    if matches!(s.provider, Provider::Starting) || s.aim.target == Target::Terminated {
        return None;
    }
    if let Some(hold) = plan::unbelieved(s).as_ref().or(s.order.as_ref().err()) {
        return Some(("False", hold.reason, hold.message.clone()));
    }
    if let Scaling::NotChangeable(differences) = scaling_of(s) {
        let fields = changes::in_words(&differences, "now");
        return Some(("False", reason::FIELD_NOT_CHANGEABLE, format!("{fields}; that counts only at creation")));
    }
    let no_room = |operation: &&Operation| retry::failed_with(operation) == Some(Class::Capacity);
    if let Some(error) = s.operation().filter(no_room).and_then(|operation| operation.last_error.as_ref()) {
        return Some(("False", reason::NO_CAPACITY, error.message.clone()));
    }
    if let Some((reason, error)) = refused_order(s) {
        return Some(("False", reason, error.message.clone()));
    }
    if let Some(id) = s.adopts() {
        if let Some(other) = s.claimed_by {
            let hold = adopting::claimed(id, other);
            return Some(("False", hold.reason, hold.message));
        }
        // Only a look tells.
        s.look?;
        if let Some(hold) = s.present().is_none().then(|| adopting::refused(s, id)).flatten() {
            return Some(("False", hold.reason, hold.message));
        }
    }
    Some(("True", reason::UP_TO_DATE, "references resolve and the configuration is valid".into()))
}

/// Why the provider takes no such order, by its answer to a create or an adoption, or to the question before it.
fn refused_order<'s>(s: &Situation<'s>) -> Option<(&'static str, &'s LastError)> {
    let operation = s.operation().filter(|_| s.remote().is_none())?;
    let error = operation.last_error.as_ref()?;
    let (reason, _) = super::reason_of(retry::failed_with(operation)?, &error.code);
    let refusal = matches!(operation.verb, Verb::Create | Verb::Adopt)
        && operation.outcome == OperationOutcome::Refused
        && [reason::PROVIDER_REFUSED, reason::ADOPTION_REFUSED].contains(&reason);
    refusal.then_some((reason, error))
}

/// The remote is suspended, and by whom.
pub(super) fn suspended(s: &Situation) -> Aspect<String> {
    let state = s.remote()?.state;
    let holder = s.aim.holders.first();
    Some(match (state, holder) {
        (RemoteState::Suspended, Some(holder)) => ("True", holder.reason.clone(), held_by(s, holder)),
        (RemoteState::Suspended, None) if s.status.suspended_at.is_some() => {
            ("True", reason::UNSUSPENDING.into(), "no holder is left; the suspension is being lifted".into())
        }
        (RemoteState::Suspended, None) => {
            ("True", reason::EXTERNAL.into(), "suspended on the panel, not by Hostwright".into())
        }
        (_, Some(holder)) if s.aim.target == Target::Suspended => {
            ("False", reason::SUSPENDING.into(), format!("{}; not suspended yet", held_by(s, holder)))
        }
        _ => ("False", reason::NOT_SUSPENDED.into(), "no holder suspends it".into()),
    })
}

/// The last look agrees with what was applied last.
pub(super) fn synced(s: &Situation) -> Aspect<&'static str> {
    s.remote()?;
    match scaling_of(s) {
        Scaling::NotAccepted(hash, differences) => {
            let fields = changes::in_words(&differences, "on the attached remote");
            return Some(("False", reason::ATTACHED_WITH_DIFFERENCES, format!("{fields}; accept them by {hash}")));
        }
        Scaling::NotConverging(differences) => {
            let fields = changes::in_words(&differences, "on the panel");
            return Some((
                "False",
                reason::NOT_CONVERGING,
                format!("{fields}, after a scale that succeeded; not repeated"),
            ));
        }
        Scaling::Unneeded | Scaling::Needed(_) | Scaling::NotChangeable(_) => {}
    }
    if s.status.not_converging.is_some() && s.look.is_none() {
        return None;
    }
    let drift: Vec<_> = s.drift.enforced.iter().chain(&s.drift.reported).cloned().collect();
    if !drift.is_empty() {
        return Some(("False", reason::DRIFTED, changes::in_words(&drift, "on the panel")));
    }
    if let Some(since) = s.unseen_since {
        return Some(("Unknown", reason::OBSERVATION_STALE, format!("not seen since {since}")));
    }
    s.seen_lately.then(|| ("True", reason::UP_TO_DATE, "the last look agrees with what was applied".into()))
}

/// The credentials of the remote are where customers find them.
pub(super) fn credentials_stored(s: &Situation) -> Aspect<&'static str> {
    let credentials = s.status.credentials.as_ref().filter(|_| s.remote().is_some())?;
    let secret = &credentials.secret_name;
    if rotating::needs_somebody(s) {
        return Some(("False", reason::CREDENTIALS_LOST, lost_for_good(s)));
    }
    if credentials.lost {
        return Some(("False", reason::CREDENTIALS_LOST, lost_for_now(s)));
    }
    let keys = credentials.keys.join(", ");
    (!keys.is_empty()).then(|| ("True", reason::UP_TO_DATE, format!("in Secret {secret}: {keys}")))
}

/// What happens to credentials that were lost at a provider that issues new ones.
pub(super) fn lost_for_now(s: &Situation) -> String {
    let secret = s.status.credentials.as_ref().map(|credentials| credentials.secret_name.as_str()).unwrap_or_default();
    format!("the credentials in Secret {secret} are incomplete or out of date; new ones are issued")
}

/// What a person is to do about credentials that were lost at a provider that issues them once.
pub(super) fn lost_for_good(s: &Situation) -> String {
    let id = s.remote().map(|remote| remote.id.as_str()).unwrap_or_default();
    let secret = s.status.credentials.as_ref().map(|credentials| credentials.secret_name.as_str()).unwrap_or_default();
    format!(
        "the credentials of remote {id} were lost before they were stored, and this plugin cannot issue new ones; set them at \
         the provider, put them into Secret {secret}, then: hostwright reconcile {}",
        s.service.metadata.name.as_deref().unwrap_or_default()
    )
}

/// No remote call is made on purpose.
pub(super) fn paused(s: &Situation, step: &Step) -> Option<Hold> {
    if s.aim.paused {
        return Some(Hold::new(reason::PAUSED, "paused: no remote call is made"));
    }
    match step {
        Step::Wait(wait) => wait
            .hold
            .clone()
            .filter(|hold| [reason::INSTANCE_DISABLED, reason::INSTANCE_OBSERVE_ONLY].contains(&hold.reason)),
        _ => None,
    }
}
