//! From what happened to status. Pure: the same finding folds onto whatever the latest status is, so an outcome survives
//! every other writer.

mod answer;
mod attach;
mod credentials;
mod renewal;

#[cfg(test)]
mod tests;

use std::time::Duration;

use hostwright_crds::{
    Carried, HostingServiceStatus, LastError, Operation, OperationOutcome, RemoteState, RemoteStatus, Target, Verb,
    condition, reason,
};
use hostwright_plugin::{Class, CredentialNames, Error, Outcome, Present, Remote, RenewSupport};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::digest;
use super::order::Order;
use super::plan::{Attachment, Conclusion};
use super::retry;
use super::situation::{Look, remote_state};
use crate::providers::Hold;

/// The most a plugin may have remembered for it, in bytes of JSON; more is a bug of the plugin and is dropped.
const REMEMBERED_BYTES: usize = 4_096;

/// Something that happened in a pass.
#[derive(Debug, Clone)]
pub enum Finding {
    /// The service's own remote was looked at.
    Looked(Look),
    /// The look failed; this is what the service needs next.
    LookFailed(Verb, Error),
    /// The remote was taken as this service's.
    Attached(Attachment, Box<Present>),
    /// The last attempt was settled by a look.
    Concluded(Conclusion),
    /// A create may be under way although status does not know of one.
    AssumedAttempt,
    /// Something else removed the remote.
    WentMissing,
    /// The provider confirmed that the remote is gone, and the record says so.
    Ended,
    /// An attempt is about to be made: the write-ahead.
    Began(Operation),
    /// The attempt was not made after all; this was the operation before.
    NotCalled(Option<Operation>),
    /// The provider answered.
    Answered(Operation, Result<Outcome, Error>),
    /// A scale succeeded and these differences are still there.
    StillDiffers(String),
    /// The remote is gone and a new one is to be made.
    Forgot,
    /// Remote, order and what was applied agree.
    Agrees,
    /// It is of the ordered package now, which asks for the same.
    ChangedPackage,
    /// It is paid until this date, and nobody had to be asked.
    NotedRenewal(Timestamp),
    /// A person said what became of a renewal.
    ResolvedRenewal(Conclusion),
    /// These credentials stand in the Secret.
    CredentialsKept(Vec<String>),
    /// These stand in the Secret, where only a person can have put what was lost.
    CredentialsPutBack(Vec<String>),
    /// New credentials were asked for by this token, and the plugin cannot issue any.
    RotationRefused(String),
    /// The operation is not needed any more.
    Dropped,
    /// A request for an attempt was honoured.
    Handled(String),
}

/// Something worth an event and an entry in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One of [`reason`].
    pub reason: &'static str,
    /// In words for people.
    pub message: String,
    /// Whether it is a problem.
    pub warning: bool,
}

/// What findings are folded with.
pub struct Ground<'a> {
    /// The time.
    pub now: Timestamp,
    /// What the service is driven to.
    pub target: Target,
    /// Who or what wants it ended or suspended, where the spec itself does not say it.
    pub because: Option<&'a str>,
    /// What the provider gets.
    pub order: &'a Result<Order, Hold>,
    /// How long after a create its effect may still appear or be rolled back.
    pub settle: Duration,
    /// The name of the instance, for messages.
    pub instance: &'a str,
    /// The name of the package that the spec names.
    pub package: &'a str,
    /// Until when the spec says that it is paid.
    pub paid_until: Option<Timestamp>,
    /// Until when the record says that it was.
    pub recorded_until: Option<Timestamp>,
    /// What renewing means at the provider.
    pub renew: RenewSupport,
    /// The external id.
    pub external_id: &'a str,
    /// UID of the object.
    pub uid: &'a str,
    /// What the record carried here from another cluster.
    pub carried: Option<&'a Carried>,
    /// The names of the credentials of the remote.
    pub credentials: &'a CredentialNames,
    /// The name of the Secret that they are in.
    pub secret_name: String,
    /// The token by which somebody asks for new ones, handled or not.
    pub rotation_requested: Option<&'a str>,
}

impl Ground<'_> {
    fn time(&self) -> Time {
        Time(self.now)
    }

    fn digest(&self) -> String {
        self.order.as_ref().map(|order| order.digest.clone()).unwrap_or_default()
    }

    /// The generation of the package that a verb brings about.
    fn package_generation(&self, verb: Verb) -> Option<i64> {
        self.order.as_ref().ok().filter(|_| verb == Verb::Scale).map(|order| order.package_generation)
    }

    /// The digest of what a verb is to bring about.
    fn inputs(&self, verb: Verb) -> String {
        if verb == Verb::Rotate { rotation_inputs(self.rotation_requested) } else { self.digest() }
    }

    fn after(&self, pause: Duration) -> Time {
        Time(self.now.saturating_add(pause).unwrap_or(self.now))
    }

    /// `: cancelled by cust-1: moving on`, for the end of a sentence.
    fn cause(&self) -> String {
        self.because.map(|because| format!(": {because}")).unwrap_or_default()
    }

    /// The operation id of a verb now. That of a renewal follows from its date alone, so that no period is bought twice.
    pub fn operation_id(&self, verb: Verb, status: &HostingServiceStatus) -> String {
        match (verb, renewal::next_until(status, self)) {
            (Verb::Renew, Some(until)) => retry::operation_id(self.external_id, self.uid, verb, &until.to_string(), 0),
            _ => retry::operation_id(self.external_id, self.uid, verb, &self.inputs(verb), status.epoch),
        }
    }
}

/// Folds one finding onto a status.
pub fn fold(status: &mut HostingServiceStatus, finding: &Finding, ground: &Ground) -> Option<Notice> {
    let notice = match finding {
        Finding::Looked(look) => {
            looked(status, look, ground);
            None
        }
        Finding::LookFailed(verb, error) => {
            look_failed(status, *verb, error, ground);
            None
        }
        Finding::Attached(how, present) => Some(attach::attached(status, *how, present, ground)),
        Finding::Concluded(conclusion) => concluded(status, *conclusion, ground),
        Finding::AssumedAttempt => {
            status.operation = Some(assumed(status, ground));
            None
        }
        Finding::WentMissing => Some(went_missing(status)),
        Finding::Ended => ended(status, ground),
        Finding::Began(operation) => began(status, operation, ground),
        Finding::NotCalled(before) => {
            status.operation.clone_from(before);
            None
        }
        Finding::Answered(operation, result) => answer::answered(status, operation, result, ground),
        Finding::StillDiffers(digest) => {
            status.not_converging = Some(digest.clone());
            None
        }
        Finding::Forgot => {
            forgot(status, ground);
            None
        }
        Finding::Agrees => {
            status.attached_differences = None;
            status.not_converging = None;
            None
        }
        Finding::ChangedPackage => changed_package(status, ground),
        Finding::NotedRenewal(until) => Some(renewal::noted(status, *until, ground)),
        Finding::ResolvedRenewal(conclusion) => renewal::resolved(status, *conclusion, ground),
        Finding::CredentialsKept(keys) => {
            credentials::kept(status, keys, ground);
            None
        }
        Finding::CredentialsPutBack(keys) => {
            credentials::put_back(status, keys, ground);
            None
        }
        Finding::RotationRefused(token) => Some(credentials::refused(status, token, ground)),
        Finding::Dropped => {
            status.operation = None;
            None
        }
        Finding::Handled(token) => {
            status.last_handled_reconcile_at = Some(handled(token));
            None
        }
    };
    if let Some(notice) = &notice {
        status.record(ground.time(), notice.reason, notice.message.clone());
    }
    notice
}

fn changed_package(status: &mut HostingServiceStatus, ground: &Ground) -> Option<Notice> {
    let (Ok(order), Some(last)) = (ground.order, &mut status.last_applied) else { return None };
    let message = format!("changed from package {} to {}, which asks for the same", last.package, order.package);
    last.package.clone_from(&order.package);
    last.package_generation = order.package_generation;
    Some(Notice { reason: reason::SCALED, message, warning: false })
}

/// A request's token as status keeps it.
pub fn handled(token: &str) -> String {
    condition::cut(token.to_owned(), 256)
}

/// The digest of what a rotation was asked for by.
pub fn rotation_inputs(token: Option<&str>) -> String {
    digest::of(&[token.unwrap_or_default()])
}

/// The operation as its next attempt is about to be made.
pub fn next_attempt(status: &HostingServiceStatus, verb: Verb, seen: Option<&Present>, ground: &Ground) -> Operation {
    let id = ground.operation_id(verb, status);
    let earlier = status.operation.as_ref().filter(|operation| operation.verb == verb);
    let small = |remember: &serde_json::Value| remember.to_string().len() <= REMEMBERED_BYTES;
    let before = seen.and_then(|present| present.remember.clone()).filter(small);
    Operation {
        id,
        verb,
        attempt: earlier.map_or(0, |operation| operation.attempt).saturating_add(1),
        outcome: OperationOutcome::Unknown,
        inputs: ground.inputs(verb),
        package_generation: ground.package_generation(verb),
        paid_until: renewal::asked_for(verb, status, ground),
        before: earlier.and_then(|operation| operation.before.clone()).or(before).or_else(|| status.remembered.clone()),
        attempted_at: Some(ground.time()),
        unanswered_at: earlier.and_then(|operation| operation.unanswered_at.clone()),
        started_at: earlier.and_then(|operation| operation.started_at.clone()).or_else(|| Some(ground.time())),
        deadline: Some(ground.after(retry::OPERATION_DEADLINE)),
        token: None,
        next_attempt_at: None,
        last_error: earlier.and_then(|operation| operation.last_error.clone()),
    }
}

/// A create that something more urgent interrupts was answered all the same.
fn began(status: &mut HostingServiceStatus, operation: &Operation, ground: &Ground) -> Option<Notice> {
    let earlier = status.operation.replace(operation.clone())?;
    if operation.verb != Verb::Rotate {
        credentials::displaced(status, &earlier, ground);
    }
    let interrupted = earlier.verb == Verb::Create && earlier.outcome == OperationOutcome::Accepted;
    let id = status.remote.as_ref().filter(|_| interrupted && operation.verb != Verb::Create)?.id.clone();
    let message = format!("created remote {id} on {}; its set-up is interrupted", ground.instance);
    Some(Notice { reason: reason::CREATED, message, warning: false })
}

fn looked(status: &mut HostingServiceStatus, look: &Look, ground: &Ground) {
    let Some(present) = look.present() else { return };
    let Some(known) = status.remote.as_mut() else { return };
    if known.bound_at.is_some() && known.id != present.remote.id {
        return;
    }
    let settled = known.seen_at.as_ref().and_then(|seen| seen.0.saturating_add(ground.settle).ok());
    if known.bound_at.is_none() && settled.is_some_and(|settled| look.at >= settled) {
        known.bound_at = Some(Time(look.at));
    }
    *known = RemoteStatus {
        state: remote_state(present.state),
        seen_at: known.seen_at.clone(),
        late_until: known.late_until.clone(),
        bound_at: known.bound_at.clone(),
        ..remote_status(&present.remote)
    };
    let state = known.state;
    if state != RemoteState::Suspended {
        status.suspended_at = None;
    }
    if state == RemoteState::Active && status.operation.is_none() {
        // Others lifted the suspension and finished what it had cut off.
        status.remembered = None;
    }
}

fn look_failed(status: &mut HostingServiceStatus, verb: Verb, error: &Error, ground: &Ground) {
    let overtaken = |known: &Operation| known.outcome == OperationOutcome::Refused && known.verb != verb;
    let (overtaken, current): (Vec<_>, Vec<_>) = status.operation.iter().cloned().partition(overtaken);
    let may_land = overtaken.first().filter(|known| known.verb == Verb::Create && known.unanswered_at.is_some());
    let mut operation = current.into_iter().next().unwrap_or_else(|| Operation {
        id: ground.operation_id(verb, status),
        verb,
        outcome: OperationOutcome::Refused,
        inputs: ground.inputs(verb),
        package_generation: ground.package_generation(verb),
        unanswered_at: may_land.and_then(|known| known.unanswered_at.clone()),
        paid_until: may_land.and_then(|known| known.paid_until.clone()),
        ..Operation::default()
    });
    operation.attempt = operation.attempt.saturating_add(1);
    if operation.outcome == OperationOutcome::Refused {
        // What was edited since the last attempt has had its early look.
        operation.inputs = ground.inputs(verb);
        operation.package_generation = ground.package_generation(verb);
        if verb == Verb::Renew {
            operation.paid_until = ground.paid_until.map(Time);
        }
    }
    failed(&mut operation, error, ground);
    status.operation = Some(operation);
}

/// Writes down an error and when to try again.
fn failed(operation: &mut Operation, error: &Error, ground: &Ground) {
    let pause = retry::pause(error.class, operation.attempt, error.retry_after, &operation.id);
    operation.next_attempt_at = Some(ground.after(pause));
    operation.last_error = Some(LastError {
        class: retry::class_name(error.class),
        code: condition::cut(error.code.clone(), 128),
        message: condition::cut(told(error, ground.instance).to_owned(), 512),
    });
}

/// What the provider said, without the instance's name and the full stop: the sentences around it bring their own.
fn told<'a>(error: &'a Error, instance: &str) -> &'a str {
    let without_name = error.message.strip_prefix(instance).and_then(|rest| rest.strip_prefix(": "));
    without_name.unwrap_or(&error.message).trim_end_matches('.')
}

fn concluded(status: &mut HostingServiceStatus, conclusion: Conclusion, ground: &Ground) -> Option<Notice> {
    let operation = status.operation.clone()?;
    if operation.verb == Verb::Rotate {
        credentials::in_doubt(status, ground);
    }
    match (conclusion, operation.outcome) {
        (Conclusion::TookEffect, _) => answer::took_effect(status, &operation, ground),
        (Conclusion::Unknowable, _) => Some(renewal::in_doubt(status, &operation, ground)),
        (Conclusion::HadNoEffect, OperationOutcome::Accepted) if operation.verb == Verb::Create => {
            status.operation = Some(Operation {
                outcome: OperationOutcome::Unknown,
                unanswered_at: Some(ground.time()),
                token: None,
                next_attempt_at: None,
                ..operation
            });
            None
        }
        (Conclusion::HadNoEffect, OperationOutcome::Accepted) => {
            status.operation = None;
            status.epoch += 1;
            None
        }
        (Conclusion::HadNoEffect, _) => {
            // The provider claimed success, and the look says otherwise: it may need a moment.
            let claimed = matches!(operation.verb, Verb::Terminate | Verb::Adopt);
            let unconfirmed = claimed && operation.last_error.is_none();
            let again = retry::pause(Class::Conflict, operation.attempt, None, &operation.id);
            status.operation = Some(Operation {
                outcome: OperationOutcome::Refused,
                unanswered_at: retry::sent_until(&operation).map(Time),
                next_attempt_at: unconfirmed.then(|| ground.after(again)),
                ..operation
            });
            None
        }
    }
}

fn assumed(status: &HostingServiceStatus, ground: &Ground) -> Operation {
    Operation {
        id: ground.operation_id(Verb::Create, status),
        verb: Verb::Create,
        attempt: 1,
        outcome: OperationOutcome::Unknown,
        inputs: ground.digest(),
        paid_until: ground.recorded_until.map(Time),
        attempted_at: Some(ground.time()),
        unanswered_at: Some(ground.time()),
        started_at: Some(ground.time()),
        ..Operation::default()
    }
}

/// What is known to be gone is not what a new remote is compared with. Nothing of it is under way, so the create that
/// follows is known to be the first; what an earlier one left open is kept.
fn forgot(status: &mut HostingServiceStatus, ground: &Ground) {
    let earlier = status.remote.take().and_then(|remote| remote.late_until);
    let unanswered_at = earlier.and_then(|until| until.0.saturating_sub(ground.settle).ok()).map(Time);
    status.epoch += 1;
    status.suspended_at = None;
    status.remembered = None;
    status.renewed_until = None;
    status.renewal_in_doubt = None;
    status.credentials = None;
    status.operation = Some(Operation {
        id: ground.operation_id(Verb::Create, status),
        verb: Verb::Create,
        outcome: OperationOutcome::Refused,
        inputs: ground.digest(),
        paid_until: unanswered_at.as_ref().and(ground.recorded_until).map(Time),
        attempted_at: Some(ground.time()),
        unanswered_at,
        ..Operation::default()
    });
}

fn went_missing(status: &mut HostingServiceStatus) -> Notice {
    let id = status.remote.as_ref().map(|remote| remote.id.clone()).unwrap_or_default();
    if let Some(remote) = status.remote.as_mut() {
        remote.state = RemoteState::Missing;
    }
    status.suspended_at = None;
    status.operation = None;
    Notice {
        reason: reason::REMOTE_MISSING,
        message: format!("remote {id} was removed by something else"),
        warning: true,
    }
}

fn ended(status: &mut HostingServiceStatus, ground: &Ground) -> Option<Notice> {
    let remote = status.remote.take();
    status.operation = None;
    status.suspended_at = None;
    status.remembered = None;
    status.credentials = None;
    status.epoch += 1;
    let message = format!("remote {} was ended{}", remote?.id, ground.cause());
    Some(Notice { reason: reason::TERMINATED, message, warning: false })
}

/// A remote as status carries it, bounded.
fn remote_status(remote: &Remote) -> RemoteStatus {
    const ATTRIBUTES: usize = 32;
    RemoteStatus {
        id: condition::cut(remote.id.clone(), 256),
        url: remote.url.clone().filter(|url| url.len() <= 1024),
        attributes: remote
            .attributes
            .iter()
            .take(ATTRIBUTES)
            .map(|(key, value)| (key.clone(), condition::cut(value.clone(), 256)))
            .collect(),
        ..RemoteStatus::default()
    }
}

/// True when an error leaves open whether the request was applied.
fn is_unanswered(error: &Error) -> bool {
    matches!(error.class, Class::Unknown)
}
