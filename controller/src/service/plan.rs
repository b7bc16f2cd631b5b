//! The only place that decides. Pure: the same situation gives the same step, with no client, no clock, no randomness.
//!
//! The chain of [`plan`] is the table of the design: each check either names the step or passes on to the next.

#[cfg(test)]
mod tests;

pub mod adopting;
mod ending;
pub mod existing;
pub mod making;
pub mod renewing;
pub mod rotating;

use std::time::Duration;

use hostwright_crds::{InstanceMode, Operation, OperationOutcome, RemoteState, Target, Verb, reason};
use k8s_openapi::jiff::Timestamp;

use super::record::{self, Record};
use super::retry;
use super::situation::{Provider, Situation};
use crate::providers::{Hold, Standing};

/// How often it is looked whether another service still claims the same remote.
const CONTESTED: Duration = Duration::from_secs(10);

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Remove the finalizer. No provider is called.
    Release(ReleaseReason),
    /// Nothing can be done now.
    Wait(Wait),
    /// Take our finalizer, under a record that came with the object.
    TakeFinalizer,
    /// Write the identity record.
    Record,
    /// Look at the remote.
    Observe,
    /// Ask the instance which panel it is, before an absence is acted on.
    Verify,
    /// Ask how an accepted operation is doing.
    Poll,
    /// Take the remote that was seen as this service's.
    Attach(Attachment),
    /// Settle the last attempt by what was seen.
    Conclude(Conclusion),
    /// Write down that a create may be under way, because the record alone cannot exclude it.
    AssumeAttempt,
    /// Take a person's word that a create had no effect.
    ResolvedAsAbsent,
    /// Forget a remote that is gone, so that a new one is not held against it.
    Forget,
    /// Write down that something else removed the remote.
    ReportMissing,
    /// Write down that it is of another package now, which asks for the same.
    ChangePackage,
    /// Write down that it is paid until this date, for which nobody has to be asked.
    NoteRenewal(Timestamp),
    /// Take a person's word for what became of a renewal.
    ResolveRenewal(Conclusion),
    /// Say of a request for new credentials, by this token, that the plugin cannot issue any.
    RefuseRotation(String),
    /// Write down for ever that the service ended.
    End,
    /// Make the remote.
    Create,
    /// Take over the one that is named.
    Adopt,
    /// Suspend it.
    Suspend,
    /// Lift the suspension.
    Unsuspend,
    /// Change its configuration.
    Scale,
    /// Extend the paid period.
    Renew,
    /// Issue new credentials.
    Rotate,
    /// End it.
    Terminate {
        /// Whether data may be left behind at the provider.
        force: bool,
    },
    /// The remote is as it should be, or as near as it can get without somebody acting.
    Settled,
}

impl Step {
    /// The verb that this step asks a provider for.
    pub fn verb(&self) -> Option<Verb> {
        match self {
            Self::Create => Some(Verb::Create),
            Self::Adopt => Some(Verb::Adopt),
            Self::Suspend => Some(Verb::Suspend),
            Self::Unsuspend => Some(Verb::Unsuspend),
            Self::Scale => Some(Verb::Scale),
            Self::Renew => Some(Verb::Renew),
            Self::Rotate => Some(Verb::Rotate),
            Self::Terminate { .. } => Some(Verb::Terminate),
            _ => None,
        }
    }
}

/// Why the finalizer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The deletion policy keeps the remote.
    Retained,
    /// There is nothing of this object at the provider.
    NothingThere,
    /// The provider confirmed that the remote is gone.
    Ended,
}

/// How a remote became this service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// An attempt of ours made it, and its answer was lost.
    OwnAttempt,
    /// It was there, with our external id and owner key.
    Found,
    /// It was there, and an attempt of ours put our external id on it.
    Adopted,
}

/// What became of an attempt whose answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// It was applied.
    TookEffect,
    /// It was not.
    HadNoEffect,
    /// Nobody can tell, and it must not be repeated.
    Unknowable,
}

/// Nothing can be done now.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Why; None while the process is still getting to know the instance, which is nothing to report.
    pub hold: Option<Hold>,
    /// Whether somebody has to act.
    pub stalled: bool,
    /// When to look again by itself.
    pub until: Option<Timestamp>,
}

impl Wait {
    fn silently() -> Step {
        Step::Wait(Self { hold: None, stalled: false, until: None })
    }

    fn on(hold: Hold) -> Step {
        Step::Wait(Self { hold: Some(hold), stalled: false, until: None })
    }

    fn until(until: Timestamp, hold: Hold) -> Step {
        Step::Wait(Self { hold: Some(hold), stalled: false, until: Some(until) })
    }

    fn for_somebody(hold: Hold) -> Step {
        Step::Wait(Self { hold: Some(hold), stalled: true, until: None })
    }
}

/// Chooses the next step.
pub fn plan(situation: &Situation) -> Step {
    let s = situation;
    let step = retained(s)
        .or_else(|| believes_the_record(s))
        .or_else(|| never_existed(s))
        .or_else(|| unheld(s))
        .or_else(|| outdated(s))
        .or_else(|| protected(s))
        .or_else(|| paused(s))
        .or_else(|| existing::changing_package(s))
        .or_else(|| renewing::without_a_call(s))
        .or_else(|| rotating::impossible(s))
        .or_else(|| settled(s))
        .or_else(|| unusable_provider(s))
        .or_else(|| contested(s))
        .or_else(|| unrecorded(s))
        .or_else(|| ending::held_back(s))
        .or_else(|| backing_off(s))
        .or_else(|| unseen(s))
        .or_else(|| adopting::misnamed(s))
        .or_else(|| existing::foreign(s))
        .or_else(|| making::unanswered_create(s))
        .or_else(|| adopting::unanswered(s))
        .or_else(|| existing::unanswered(s))
        .or_else(|| making::unattached(s))
        .or_else(|| ending::ending(s))
        .or_else(|| making::absent(s))
        .or_else(|| existing::suspending(s))
        .or_else(|| existing::transition(s))
        .or_else(|| existing::unsuspending(s))
        .or_else(|| renewing::renewing(s))
        .or_else(|| rotating::rotating(s))
        .or_else(|| existing::scaling(s))
        .unwrap_or(Step::Settled);
    only_looking(s, step)
}

/// Deleted with Retain: nothing is called, whatever else is wrong.
fn retained(s: &Situation) -> Option<Step> {
    s.aim.retained.then_some(Step::Release(ReleaseReason::Retained))
}

fn believes_the_record(s: &Situation) -> Option<Step> {
    match s.record {
        Record::Copied(_) if s.aim.deleting => Some(Step::Release(ReleaseReason::NothingThere)),
        Record::Copied(_) | Record::Unreadable(_) => unbelieved(s).map(Wait::for_somebody),
        Record::Ours(identity) | Record::Restored(identity) if identity.ended.is_some() => Some(ended(s)),
        Record::None | Record::Ours(_) | Record::Restored(_) => None,
    }
}

/// Why the record is not believed, where it is not.
pub fn unbelieved(s: &Situation) -> Option<Hold> {
    let key = hostwright_crds::annotation::IDENTITY;
    match s.record {
        Record::Copied(other) => Some(Hold::new(
            reason::IDENTITY_COPIED,
            format!(
                "annotation {key} was written for {}, so this manifest was copied with it and nothing is touched; remove it: kubectl annotate hsvc {} {key}-",
                other.for_object,
                s.service.metadata.name.as_deref().unwrap_or_default(),
            ),
        )),
        Record::Unreadable(error) => Some(Hold::new(
            reason::IDENTITY_INVALID,
            format!("{error}; restore it from a backup of this object, or remove it if nothing was ever created"),
        )),
        Record::None | Record::Ours(_) | Record::Restored(_) => None,
    }
}

fn ended(s: &Situation) -> Step {
    match s.aim.target {
        _ if s.aim.deleting => Step::Release(ReleaseReason::Ended),
        Target::Terminated => Step::Settled,
        Target::Active | Target::Suspended => Wait::for_somebody(Hold::new(
            reason::ALREADY_TERMINATED,
            "this service was ended, which is final; delete the object and apply it again for a new, empty one",
        )),
    }
}

fn never_existed(s: &Situation) -> Option<Step> {
    if *s.record != Record::None || s.status.external_id.is_some() {
        return None;
    }
    match s.aim.target {
        _ if s.aim.deleting => Some(Step::Release(ReleaseReason::NothingThere)),
        Target::Terminated => Some(Step::End),
        Target::Active | Target::Suspended => None,
    }
}

/// Deleted without our finalizer, an object with a record would leave its remote behind. So it takes that first, whatever
/// else is wrong: one that was restored or moved has none, and somebody may have taken it away.
fn unheld(s: &Situation) -> Option<Step> {
    let recorded = matches!(s.record, Record::Ours(_) | Record::Restored(_));
    (recorded && !s.aim.deleting && !has_finalizer(s)).then_some(Step::TakeFinalizer)
}

/// What the record says for a while only goes: what it carried here once status has it, and the other package once a change
/// is over.
fn outdated(s: &Situation) -> Option<Step> {
    let Record::Ours(identity) = s.record else { return None };
    let written = s.service.status.as_ref()?;
    let has_landed = identity.carried.is_some() && written.remote.is_some();
    (has_landed || record::has_changed(identity, s.service, written)).then_some(Step::Record)
}

/// Protection holds every ending.
fn protected(s: &Situation) -> Option<Step> {
    if s.aim.target != Target::Terminated || !s.service.spec.termination_protection {
        return None;
    }
    let by_date = s.aim.because.as_deref().unwrap_or("desiredStatus is Terminated");
    let cause = if s.aim.deleting { "deleted" } else { by_date };
    Some(Wait::for_somebody(Hold::new(
        reason::TERMINATION_PROTECTED,
        format!("{cause}, protection is on. End it: set terminationProtection false. Keep it: deletionPolicy Retain"),
    )))
}

fn paused(s: &Situation) -> Option<Step> {
    s.aim.paused.then(|| Wait::on(Hold::new(reason::PAUSED, "paused: no remote call is made until that is lifted")))
}

/// Nothing to do that a look would be needed for. A remote that is not certainly ours yet is looked at once more, after the
/// provider's settling time.
fn settled(s: &Situation) -> Option<Step> {
    let remote = s.remote()?;
    let as_wanted = match (s.aim.target, remote.state) {
        (Target::Active, RemoteState::Suspended) => s.status.suspended_at.is_none(),
        (Target::Active, RemoteState::Active | RemoteState::Failed) | (Target::Suspended, RemoteState::Suspended) => {
            true
        }
        (Target::Active | Target::Suspended, RemoteState::Missing) => {
            s.service.spec.on_remote_missing == hostwright_crds::OnRemoteMissing::Hold
        }
        _ => false,
    };
    let quiet = s.operation().is_none() && !s.suspicion && s.request().is_none() && s.look.is_none();
    let ours = matches!(s.record, Record::Ours(_)) && s.last_applied().is_some();
    let unchanged = remote.state == RemoteState::Missing
        || !(existing::has_work(s) || renewing::has_work(s) || rotating::has_work(s));
    if !(as_wanted && quiet && ours && unchanged) {
        return None;
    }
    if s.is_bound() {
        return Some(Step::Settled);
    }
    let until = s.binds_at().filter(|until| *until > s.now)?;
    Some(Step::Wait(Wait { hold: None, stalled: false, until: Some(until) }))
}

fn unusable_provider(s: &Situation) -> Option<Step> {
    let facts = match s.provider {
        Provider::Missing(hold) => return Some(Wait::on(hold.clone())),
        Provider::Starting => return Some(Wait::silently()),
        Provider::Known(facts) => facts,
    };
    if facts.mode == InstanceMode::Disabled {
        let message =
            format!("ProviderInstance {} has mode Disabled; nothing is called and nothing is lost", facts.name);
        return Some(Wait::on(Hold::new(reason::INSTANCE_DISABLED, message)));
    }
    if let Standing::NotReady(hold) = &facts.standing {
        return Some(Wait::on(hold.clone()));
    }
    (!facts.same_panel).then(|| {
        Wait::on(Hold::new(
            reason::REMOTE_CHANGED,
            format!(
                "ProviderInstance {} leads to another panel than the one that has this remote; nothing is touched",
                facts.name
            ),
        ))
    })
}

/// Two services claim one remote: neither changes it.
fn contested(s: &Situation) -> Option<Step> {
    let other = s.claimed_by?;
    let hold = s.adopts().map_or_else(
        || {
            let message = format!(
                "{other} claims the same remote; neither changes it until one of the two is deleted with deletionPolicy Retain"
            );
            Hold::new(reason::REMOTE_CLAIMED_TWICE, message)
        },
        |id| adopting::claimed(id, other),
    );
    // Nothing tells this one when the other gives way, and looking costs no call.
    let until = s.now.saturating_add(CONTESTED).ok();
    Some(Step::Wait(Wait { hold: Some(hold), stalled: true, until }))
}

/// Before anything is asked of a provider the record is written, and before that the order must hold.
fn unrecorded(s: &Situation) -> Option<Step> {
    if *s.record != Record::None {
        return None;
    }
    if let Some(facts) = s.facts().filter(|facts| facts.deleting && s.status.external_id.is_none()) {
        let message = format!("ProviderInstance {} is being deleted and takes no new services", facts.name);
        return Some(Wait::on(Hold::new(reason::INSTANCE_NOT_READY, message)));
    }
    match s.order {
        Err(problem) if s.status.external_id.is_none() => Some(Wait::on(problem.clone())),
        _ => Some(Step::Record),
    }
}

fn has_finalizer(s: &Situation) -> bool {
    s.service.metadata.finalizers.iter().flatten().any(|known| known == hostwright_crds::FINALIZER)
}

/// The persisted time of the next attempt binds everything that the same verb would ask for.
fn backing_off(s: &Situation) -> Option<Step> {
    let operation = s.operation().filter(|_| s.look.is_none())?;
    let due = retry::due_at(operation, s.now, s.impatience())?;
    let overtaken = match operation.outcome {
        OperationOutcome::Unknown => false,
        OperationOutcome::Refused => operation.verb != s.expected_verb(),
        OperationOutcome::Accepted => operation.last_error.is_none() && existing::may_interrupt(s, operation),
    };
    (!overtaken).then_some(Step::Wait(Wait { hold: None, stalled: false, until: Some(due) }))
}

fn unseen(s: &Situation) -> Option<Step> {
    if s.look.is_some() {
        return None;
    }
    let pollable = |operation: &Operation| {
        operation.token.is_some() && !existing::is_overdue(s, operation) && !existing::may_interrupt(s, operation)
    };
    Some(if s.accepted().is_some_and(pollable) { Step::Poll } else { Step::Observe })
}

/// An instance in ObserveOnly is looked at and not changed.
fn only_looking(s: &Situation, step: Step) -> Step {
    let observe_only = s.facts().is_some_and(|facts| facts.mode == InstanceMode::ObserveOnly);
    // A record of this object is kept in order whatever the mode.
    let begins = step == Step::Record && !matches!(s.record, Record::Ours(_));
    if observe_only && (step.verb().is_some() || begins) {
        let message = "the ProviderInstance has mode ObserveOnly; the remote is looked at and not changed";
        return Wait::on(Hold::new(reason::INSTANCE_OBSERVE_ONLY, message));
    }
    step
}

/// Whether enough time has passed since an attempt for its effect to have appeared or been rolled back, judged at the
/// moment of the look.
fn has_settled(s: &Situation, since: Option<Timestamp>) -> Result<(), Timestamp> {
    let Some(since) = since else { return Ok(()) };
    let settled = since.saturating_add(s.settle()).unwrap_or(s.now);
    match s.look {
        Some(look) if look.at >= settled => Ok(()),
        _ => Err(settled.max(s.now.saturating_add(Duration::from_secs(1)).unwrap_or(s.now))),
    }
}
