//! From the state of a service to its conditions and phase. Pure: times come from the situation, and what did not change
//! is rendered the same.

#[cfg(test)]
mod tests;

mod aspects;

pub(in crate::service) use aspects::held_by;

use hostwright_crds::{
    HostingServiceStatus, Operation, OperationOutcome, Phase, RemoteState, Target, Verb, condition, reason,
};
use hostwright_plugin::Class;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::due;
use super::plan::existing::{Scaling, scaling_of};
use super::plan::{Step, making, rotating};
use super::record::Record;
use super::retry;
use super::situation::{Provider, Situation};
use crate::providers::Hold;

/// The verdict on a service: the value of `Ready` and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) ready: bool,
    /// Nothing happens until somebody acts.
    pub(super) stalled: bool,
    /// Work is going on, or will by itself.
    pub(super) reconciling: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Verdict {
    fn ready(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { ready: true, stalled: false, reconciling: false, reason: reason.into(), message: message.into() }
    }

    fn working(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { ready: false, stalled: false, reconciling: true, reason: reason.into(), message: message.into() }
    }

    fn stalled(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { ready: false, stalled: true, reconciling: false, reason: reason.into(), message: message.into() }
    }

    fn blocked(hold: &Hold) -> Self {
        if needs_somebody(hold.reason) {
            Self::stalled(hold.reason, hold.message.clone())
        } else {
            Self::working(hold.reason, hold.message.clone())
        }
    }
}

/// Reasons that only an edit can mend.
pub(super) fn needs_somebody(reason: &str) -> bool {
    [
        reason::PACKAGE_INVALID,
        reason::INVALID_CHECKOUT,
        reason::INLINE_SECRET,
        reason::INVALID_SELECTION,
        reason::INVALID_CONFIGURATION,
        reason::NAMESPACE_NOT_ALLOWED,
        reason::DELETION_POLICY_NOT_ALLOWED,
        reason::INSTANCE_MISMATCH,
        reason::FIELD_NOT_CHANGEABLE,
        reason::SCALE_NOT_ALLOWED,
        reason::ADOPTION_NOT_ALLOWED,
        reason::CREDENTIALS_SECRET_TAKEN,
    ]
    .contains(&reason)
}

/// Renders the situation into its status: what was folded in stays, everything derived is replaced.
pub fn render(s: &Situation, step: &Step) -> HostingServiceStatus {
    let mut verdict = verdict(s, step);
    let due = due::now(s);
    if due.in_doubt {
        verdict.message.push_str(
            "; the clocks of controller and API server are more than 2 minutes apart, so nothing is suspended or ended by date",
        );
    }
    let mut status = s.status.clone();
    let generation = s.service.metadata.generation.unwrap_or_default();
    status.observed_generation = Some(generation);
    status.target = Some(s.aim.target);
    status.suspended_by = s.aim.holders.iter().map(|holder| holder.name.clone()).collect();
    status.phase = Some(phase(s, step));
    status.overdue_since = due::overdue_since(s).map(Time);
    let finished = s.aim.deleting || s.identity().is_some_and(|identity| identity.ended.is_some());
    status.next_transition = due.next.filter(|_| !finished);
    if let Some(identity) = s.identity() {
        status.external_id = Some(identity.external_id.clone());
        status.provider_instance = Some(identity.instance.clone());
    }
    let mut set = |kind: &str, value: &str, reason: &str, message: &str| {
        condition::set(&mut status.conditions, condition::new(kind, value, reason, message, generation, s.now));
    };
    set(condition::READY, truth(verdict.ready), &verdict.reason, &verdict.message);
    let (value, reason, message) = aspects::provisioned(s);
    set(condition::PROVISIONED, value, reason, &message);
    if let Some((value, reason, message)) = aspects::accepted(s) {
        set(condition::ACCEPTED, value, reason, &message);
    }
    if let Some((value, reason, message)) = aspects::suspended(s) {
        set(condition::SUSPENDED, value, &reason, &message);
    }
    if let Some((value, reason, message)) = aspects::synced(s) {
        set(condition::SYNCED, value, reason, &message);
    }
    match aspects::credentials_stored(s) {
        Some((value, reason, message)) => set(condition::CREDENTIALS_STORED, value, reason, &message),
        None => condition::remove(&mut status.conditions, condition::CREDENTIALS_STORED),
    }
    let paused = aspects::paused(s, step);
    let only_when_true = [
        (condition::RECONCILING, verdict.reconciling && paused.is_none(), &verdict.reason, &verdict.message),
        (condition::STALLED, verdict.stalled, &verdict.reason, &verdict.message),
    ];
    for (kind, holds, reason, message) in only_when_true {
        let told = condition::new(kind, "True", reason, message.clone(), generation, s.now);
        condition::set_while(holds, &mut status.conditions, told);
    }
    match paused {
        Some(hold) => {
            let paused = condition::new(condition::PAUSED, "True", hold.reason, hold.message, generation, s.now);
            condition::set(&mut status.conditions, paused);
        }
        None => condition::remove(&mut status.conditions, condition::PAUSED),
    }
    keep_unchanged_generations(s, &mut status);
    status
}

/// A status that says the same of a newer generation is still news; one that says the same of the same is not.
fn keep_unchanged_generations(s: &Situation, status: &mut HostingServiceStatus) {
    let order = [
        condition::READY,
        condition::PROVISIONED,
        condition::ACCEPTED,
        condition::SUSPENDED,
        condition::SYNCED,
        condition::CREDENTIALS_STORED,
        condition::RECONCILING,
        condition::STALLED,
        condition::PAUSED,
    ];
    let place = |kind: &str| order.iter().position(|known| *known == kind).unwrap_or(order.len());
    status.conditions.sort_by_key(|known| place(&known.type_));
    for rendered in &mut status.conditions {
        let Some(before) = condition::find(&s.status.conditions, &rendered.type_) else {
            continue;
        };
        if before.status == rendered.status {
            rendered.last_transition_time = before.last_transition_time.clone();
        }
    }
}

fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn verdict(s: &Situation, step: &Step) -> Verdict {
    match step {
        Step::Wait(wait) => match &wait.hold {
            Some(hold) if hold.reason == reason::PAUSED && is_as_wanted(s) => as_it_is(s),
            Some(hold) if wait.stalled => Verdict::stalled(hold.reason, hold.message.clone()),
            Some(hold) => Verdict::blocked(&with_attempt(s, hold)),
            None => under_way(s),
        },
        Step::Settled => as_it_is(s),
        _ if s.operation().is_none() && is_as_wanted(s) && step.verb().is_none() => as_it_is(s),
        _ => under_way_with(s, step.verb()),
    }
}

/// The instance's own trouble, and what it means for this service.
fn with_attempt(s: &Situation, hold: &Hold) -> Hold {
    let instance_trouble =
        [reason::PROVIDER_UNAVAILABLE, reason::PROVIDER_UNAUTHORIZED, reason::RATE_LIMITED, reason::CIRCUIT_OPEN];
    if !instance_trouble.contains(&hold.reason) || s.remote().is_some() || s.operation().is_some() {
        return hold.clone();
    }
    Hold::new(hold.reason, format!("{}; nothing was created", hold.message))
}

/// Whether the remote is in the state that is wanted, whatever its configuration.
fn is_as_wanted(s: &Situation) -> bool {
    let state = s.remote().map(|remote| remote.state);
    match s.aim.target {
        Target::Active => state == Some(RemoteState::Active),
        Target::Suspended => state == Some(RemoteState::Suspended),
        Target::Terminated => s.identity().is_some_and(|identity| identity.ended.is_some()),
    }
}

/// Nothing is being done: what is so?
fn as_it_is(s: &Situation) -> Verdict {
    if s.identity().is_some_and(|identity| identity.ended.is_some()) {
        return Verdict::ready(
            reason::TERMINATED,
            "the service was ended, and the provider confirmed that nothing is left",
        );
    }
    let Some(remote) = s.remote() else { return under_way(s) };
    match remote.state {
        RemoteState::Missing => {
            let hold = making::missing();
            return Verdict::stalled(hold.reason, hold.message);
        }
        RemoteState::Failed => {
            return Verdict::stalled(
                reason::REMOTE_FAILED,
                format!("remote {} failed at the provider, for instance its installation; mend it there", remote.id),
            );
        }
        RemoteState::Suspended if s.aim.target == Target::Active => {
            return Verdict::stalled(
                reason::EXTERNAL,
                "suspended on the panel, not by Hostwright; it stays until that is lifted there",
            );
        }
        _ => {}
    }
    if let Err(hold) = s.order
        && !matches!(s.provider, Provider::Starting)
    {
        return Verdict::blocked(hold);
    }
    if let Some(date) = &s.status.renewal_in_doubt {
        return Verdict::stalled(
            reason::RENEW_OUTCOME_UNKNOWN,
            format!(
                "a renewal until {} was not answered and this provider cannot be asked; look there yourself, then annotate {}=renewed or =repeat",
                date.0,
                hostwright_crds::annotation::RESOLVE_RENEW
            ),
        );
    }
    if rotating::needs_somebody(s) {
        return Verdict::stalled(reason::CREDENTIALS_LOST, aspects::lost_for_good(s));
    }
    if rotating::are_lost(s) {
        return Verdict::working(reason::CREDENTIALS_LOST, aspects::lost_for_now(s));
    }
    match scaling_of(s) {
        Scaling::NotChangeable(differences) => {
            let fields = super::changes::in_words(&differences, "now");
            return Verdict::stalled(
                reason::FIELD_NOT_CHANGEABLE,
                format!("{fields}; that counts only at creation, the old configuration stays"),
            );
        }
        Scaling::NotAccepted(hash, differences) => {
            let fields = super::changes::in_words(&differences, "on the attached remote");
            let accept = hostwright_crds::annotation::ACCEPT_DIFFERENCES;
            return Verdict::stalled(
                reason::ATTACHED_WITH_DIFFERENCES,
                format!("{fields}; to bring it to the package annotate {accept}={hash}"),
            );
        }
        Scaling::NotConverging(_) => return not_converging(s),
        // The difference shows only in a look, and is there until one says otherwise.
        Scaling::Unneeded if s.status.not_converging.is_some() && s.look.is_none() => return not_converging(s),
        Scaling::Unneeded | Scaling::Needed(_) => {}
    }
    let instance = s.identity().map(|identity| identity.instance.as_str()).unwrap_or_default();
    match (s.aim.target, s.aim.holders.first()) {
        (Target::Suspended, Some(holder)) => Verdict::ready(holder.reason.clone(), aspects::held_by(s, holder)),
        _ => Verdict::ready(reason::UP_TO_DATE, format!("matches {instance}, server {}", remote.id)),
    }
}

/// A scale succeeded, and the difference is there again.
fn not_converging(s: &Situation) -> Verdict {
    let seen = aspects::synced(s).filter(|(_, reason, _)| *reason == reason::NOT_CONVERGING);
    let seen = seen.map(|(_, _, message)| message);
    let told = || condition::find(&s.status.conditions, condition::SYNCED).map(|told| told.message.clone());
    Verdict::stalled(reason::NOT_CONVERGING, seen.or_else(told).unwrap_or_default())
}

/// Something is being done, or waits for its next attempt.
fn under_way(s: &Situation) -> Verdict {
    under_way_with(s, None)
}

fn under_way_with(s: &Situation, next: Option<Verb>) -> Verdict {
    if let Some(verdict) = s.operation().and_then(|operation| after_an_error(s, operation)) {
        return verdict;
    }
    if s.operation().is_none_or(|operation| operation.verb == Verb::Create) && is_as_wanted(s) && next.is_none() {
        return as_it_is(s);
    }
    let installing = s.remote().is_some_and(|remote| remote.state == RemoteState::Provisioning);
    if installing && s.aim.target == Target::Active {
        return Verdict::working(reason::PROVISIONING, "the provider is setting the remote up");
    }
    let verb = next.or_else(|| s.operation().map(|operation| operation.verb)).unwrap_or_else(|| s.expected_verb());
    let drift = super::changes::in_words(&s.drift.enforced, "on the panel");
    let (reason, message) = match verb {
        Verb::Create => (reason::CREATING, "the remote is being made".to_owned()),
        Verb::Adopt => (reason::ADOPTING, format!("remote {} is being taken over", s.adopts().unwrap_or_default())),
        Verb::Suspend => (reason::SUSPENDING, "the remote is being suspended".to_owned()),
        Verb::Unsuspend => (reason::UNSUSPENDING, "the suspension is being lifted".to_owned()),
        Verb::Scale if !drift.is_empty() => {
            (reason::DRIFTED, format!("{drift}; changed outside Hostwright; correcting"))
        }
        Verb::Scale => (reason::UPDATING, "the remote is being brought to the package".to_owned()),
        Verb::Rotate => (reason::ROTATING, "new credentials are being issued".to_owned()),
        Verb::Renew => (reason::RENEWING, "the paid period is being extended".to_owned()),
        Verb::Terminate => (reason::TERMINATING, "the remote is being ended".to_owned()),
    };
    Verdict::working(reason, message)
}

fn after_an_error(s: &Situation, operation: &Operation) -> Option<Verdict> {
    let error = operation.last_error.as_ref()?;
    let (reason, stalled) = reason_of(retry::failed_with(operation)?, &error.code);
    let instance = s.identity().map(|identity| identity.instance.as_str()).unwrap_or_default();
    let consequence = match (operation.outcome, operation.verb) {
        (OperationOutcome::Refused, Verb::Create) if s.remote().is_none() => "; nothing was created",
        (OperationOutcome::Unknown, _) => "; it may have been applied, so the remote is looked at first",
        _ => "",
    };
    let next = operation.next_attempt_at.as_ref().map(|at| format!(", next {}", at.0)).unwrap_or_default();
    let message = format!("{instance}: {}{consequence}; attempt {}{next}", error.message, operation.attempt);
    Some(if stalled { Verdict::stalled(reason, message) } else { Verdict::working(reason, message) })
}

/// What a plugin answers to the adoption of what is somebody else's.
const ADOPTION_CODE: &str = "AdoptionRefused";

/// The reason for a class of error, and whether somebody has to act.
pub fn reason_of(class: Class, code: &str) -> (&'static str, bool) {
    if code == "OwnerEmailTaken" {
        return (reason::OWNER_EMAIL_TAKEN, true);
    }
    if code == ADOPTION_CODE {
        return (reason::ADOPTION_REFUSED, true);
    }
    if code == super::FORBIDDEN_CODE {
        return (reason::FORBIDDEN, true);
    }
    if code == super::beforehand::DESTRUCTIVE_CODE {
        return (reason::DESTRUCTIVE_CHANGE, true);
    }
    match class {
        Class::Invalid => (reason::PROVIDER_REFUSED, true),
        Class::Unauthorized => (reason::PROVIDER_UNAUTHORIZED, false),
        Class::NotFound | Class::Conflict => (reason::PROVIDER_BUSY, false),
        Class::Capacity => (reason::NO_CAPACITY, false),
        Class::RateLimited => (reason::RATE_LIMITED, false),
        Class::Unavailable => (reason::PROVIDER_UNAVAILABLE, false),
        Class::Unknown => (reason::OUTCOME_UNKNOWN, false),
        Class::Unsupported => (reason::UNSUPPORTED, true),
        Class::Internal => (reason::PLUGIN_ERROR, false),
    }
}

fn phase(s: &Situation, step: &Step) -> Phase {
    if s.identity().is_some_and(|identity| identity.ended.is_some()) {
        return Phase::Terminated;
    }
    if s.aim.target == Target::Terminated && *s.record != Record::None {
        return Phase::Terminating;
    }
    let changing = step.verb() == Some(Verb::Scale) || s.running(Verb::Scale).is_some();
    match s.remote().map(|remote| remote.state) {
        None | Some(RemoteState::Missing | RemoteState::Deleting) => match s.running(Verb::Create) {
            Some(operation) if operation.outcome == OperationOutcome::Accepted => Phase::Provisioning,
            _ => Phase::Pending,
        },
        Some(RemoteState::Provisioning | RemoteState::Incomplete | RemoteState::Failed) => Phase::Provisioning,
        Some(RemoteState::Suspended) => Phase::Suspended,
        Some(RemoteState::Active) if changing => Phase::Updating,
        Some(RemoteState::Active) => Phase::Active,
    }
}
