//! Folding in until when the provider was paid.

use hostwright_crds::{HostingServiceStatus, Operation, Verb, reason};
use hostwright_plugin::{Present, RenewSupport};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::super::plan::{Attachment, Conclusion};
use super::super::retry;
use super::{Ground, Notice};

/// The period that an attempt of a verb asks for. A create that may land twice buys the same one each time, so that what
/// was bought is known.
pub(super) fn asked_for(verb: Verb, status: &HostingServiceStatus, ground: &Ground) -> Option<Time> {
    let open = |operation: &&Operation| operation.verb == Verb::Create && operation.unanswered_at.is_some();
    match (verb, status.operation.as_ref().filter(open)) {
        (Verb::Create, Some(earlier)) => earlier.paid_until.clone(),
        (Verb::Create, None) => ground.paid_until.map(Time),
        (Verb::Renew, _) => next_until(status, ground).map(Time),
        _ => None,
    }
}

/// The date that the next renewal asks for. One that may have been carried out is finished first: arriving late, it would
/// otherwise set a later date back.
pub(super) fn next_until(status: &HostingServiceStatus, ground: &Ground) -> Option<Timestamp> {
    let may_arrive = |operation: &&Operation| {
        let class = retry::failed_with(operation);
        operation.verb == Verb::Renew
            && operation.unanswered_at.is_some()
            && class.is_none_or(hostwright_plugin::Class::may_have_been_applied)
    };
    let open = status.operation.as_ref().filter(may_arrive).and_then(|operation| operation.paid_until.as_ref());
    open.map(|until| until.0).or(ground.paid_until)
}

/// The period of a finished operation is bought. It never becomes shorter.
pub(super) fn reached(status: &mut HostingServiceStatus, operation: &Operation) {
    let until = operation.paid_until.as_ref().map(|until| until.0);
    extend(status, until);
}

fn extend(status: &mut HostingServiceStatus, until: Option<Timestamp>) {
    let known = status.renewed_until.as_ref().map(|known| known.0);
    status.renewed_until = known.max(until).map(Time);
}

/// ` until 2027-01-01T00:00:00Z`, for the end of a sentence.
pub(super) fn until(status: &HostingServiceStatus) -> String {
    status.renewed_until.as_ref().map(|until| format!(" until {}", until.0)).unwrap_or_default()
}

/// Nobody had to be asked: there is nothing to renew at all, or the remote shows the date already.
pub(super) fn noted(status: &mut HostingServiceStatus, date: Timestamp, ground: &Ground) -> Notice {
    extend(status, Some(date));
    status.operation = None;
    let message = format!("paid{}; {} has nothing to renew", until(status), ground.instance);
    Notice { reason: reason::RENEWED, message, warning: false }
}

/// The period that a remote has which became this service's: what moved along, what the provider shows, what its create
/// was given, what the record says of the first one. Whether more was bought since is in doubt where that must not be
/// repeated.
pub(super) fn bought(
    status: &mut HostingServiceStatus,
    how: Attachment,
    present: &Present,
    ground: &Ground,
) -> Option<Timestamp> {
    if let Some(carried) = ground.carried {
        let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        status.renewal_in_doubt = date(&carried.renewal_in_doubt).map(Time);
        return date(&carried.renewed_until);
    }
    let known = status.renewed_until.as_ref().map(|known| known.0).or(present.paid_until);
    if known.is_some() {
        return known;
    }
    let create = status.operation.as_ref().filter(|operation| operation.verb == Verb::Create);
    let given = match (how, create) {
        (Attachment::OwnAttempt, Some(create)) => create.paid_until.as_ref().map(|until| until.0),
        _ => ground.recorded_until,
    };
    // An attempt that was only assumed, because status was lost, says nothing of what the last one asked for.
    if ground.renew == RenewSupport::None && ground.paid_until > given {
        status.renewal_in_doubt = ground.paid_until.map(Time);
    }
    given
}

/// A renewal that may have been carried out, at a provider that cannot tell. It leaves the slot to what is more urgent.
pub(super) fn in_doubt(status: &mut HostingServiceStatus, operation: &Operation, ground: &Ground) -> Notice {
    status.renewal_in_doubt.clone_from(&operation.paid_until);
    status.operation = None;
    let date = operation.paid_until.as_ref().map(|until| until.0.to_string()).unwrap_or_default();
    let message = format!("the renewal on {} until {date} was not answered; it is not repeated", ground.instance);
    Notice { reason: reason::RENEW_OUTCOME_UNKNOWN, message, warning: true }
}

/// A person looked at the provider.
pub(super) fn resolved(status: &mut HostingServiceStatus, told: Conclusion, ground: &Ground) -> Option<Notice> {
    let date = status.renewal_in_doubt.take()?;
    if told != Conclusion::TookEffect {
        return None;
    }
    extend(status, Some(date.0));
    let message = format!("renewed on {}{}, as somebody found there", ground.instance, until(status));
    Some(Notice { reason: reason::RENEWED, message, warning: false })
}

#[cfg(test)]
mod tests;
