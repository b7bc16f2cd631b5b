//! What is due by date: the overdue policy of the package, and cancellations. Pure.
//!
//! Two clocks have to agree before anything is suspended or ended by date, and the one that is behind decides.

use hostwright_crds::{HostingService, NextTransition, Overdue, RemoteState, Verb, reason};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use super::situation::Situation;
use crate::clock::Clocks;

/// The holder that stands for the overdue policy.
pub const POLICY: &str = "policy";

/// What dates are judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The time.
    pub clocks: Clocks,
    /// The policy of the package; None while the package is not there.
    pub policy: Option<Overdue>,
}

/// Why a service ends by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was cancelled.
    Cancelled,
    /// It was not paid.
    Overdue,
}

/// What is due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Due {
    /// The overdue policy suspends it.
    pub suspends: bool,
    /// It is to end.
    pub ends: Option<Ending>,
    /// What is due next.
    pub next: Option<NextTransition>,
    /// Something is due by one clock, and the other one does not agree.
    pub in_doubt: bool,
}

impl Calendar {
    fn is_due(&self, at: Timestamp) -> bool {
        self.clocks.agree() && at <= self.clocks.earlier
    }

    fn is_in_doubt(&self, at: Timestamp) -> bool {
        !self.clocks.agree() && at <= self.clocks.later
    }
}

/// Until when a service is paid.
pub fn paid_until(service: &HostingService) -> Option<Timestamp> {
    service.spec.renewal.as_ref().map(|renewal| renewal.paid_until.0)
}

/// What is due of a service. `since` is when the policy's suspension was seen.
pub fn of(service: &HostingService, since: Option<Timestamp>, calendar: &Calendar) -> Due {
    let paid_until = paid_until(service);
    let policy = calendar.policy.as_ref();
    let suspend_at = paid_until.and_then(|paid| Some(after(paid, policy?.suspend_after?)));
    let suspends = is_suspended(service, paid_until, suspend_at, calendar);
    let end_at = paid_until.filter(|_| suspends).and_then(|paid| end_at(paid, policy?, since?));
    let cancelled_at = service.spec.cancellation.as_ref().map(|cancellation| cancellation.at.as_ref());
    let ends = if cancelled_at.is_some_and(|at| at.is_none_or(|at| calendar.is_due(at.0))) {
        Some(Ending::Cancelled)
    } else {
        end_at.is_some_and(|at| calendar.is_due(at)).then_some(Ending::Overdue)
    };
    let cancellation = cancelled_at.flatten().map(|at| (at.0, Verb::Terminate, reason::CANCELLED));
    let suspension = suspend_at.filter(|_| !suspends).map(|at| (at, Verb::Suspend, reason::OVERDUE));
    let ending = end_at.map(|at| (at, Verb::Terminate, reason::OVERDUE));
    let candidates = [cancellation, ending, suspension].into_iter().flatten();
    let next = candidates.min_by_key(|(at, _, _)| *at).filter(|_| ends.is_none());
    let in_doubt = next.is_some_and(|(at, _, _)| calendar.is_in_doubt(at));
    let next = next.map(|(at, verb, because)| NextTransition {
        verb,
        at: Some(Time(at)),
        because: if in_doubt { reason::CLOCKS_DISAGREE } else { because }.to_owned(),
    });
    Due { suspends, ends, next, in_doubt }
}

/// Whether the policy suspends it. While nobody knows the date, or the policy, only a payment changes that.
fn is_suspended(
    service: &HostingService,
    paid_until: Option<Timestamp>,
    suspend_at: Option<Timestamp>,
    calendar: &Calendar,
) -> bool {
    let status = service.status.as_ref();
    let was = status.is_some_and(|status| status.suspended_by.iter().any(|holder| holder == POLICY));
    let past = |at: Timestamp| at <= calendar.clocks.later;
    if calendar.policy.is_none() {
        return was && paid_until.is_some_and(past);
    }
    suspend_at.is_some_and(|at| if calendar.clocks.agree() { calendar.is_due(at) } else { was && past(at) })
}

/// Nobody is ended who could not see the suspension for as long as the policy promises.
fn end_at(paid_until: Timestamp, policy: &Overdue, since: Timestamp) -> Option<Timestamp> {
    let (suspend, terminate) = (policy.suspend_after?, policy.terminate_after?);
    let notice = since.saturating_add(terminate.get().saturating_sub(suspend.get())).unwrap_or(Timestamp::MAX);
    Some(after(paid_until, terminate).max(notice))
}

fn after(date: Timestamp, span: hostwright_crds::Duration) -> Timestamp {
    date.saturating_add(span.get()).unwrap_or(Timestamp::MAX)
}

/// Since when the policy's suspension is seen: kept while it lasts, and begun only by clocks that agree.
pub fn overdue_since(s: &Situation) -> Option<Timestamp> {
    let held = s.aim.holders.iter().any(|holder| holder.name == POLICY);
    let suspended = s.remote().is_some_and(|remote| remote.state == RemoteState::Suspended);
    let known = s.status.overdue_since.as_ref().map(|since| since.0);
    let begun = (suspended && s.calendar.clocks.agree()).then_some(s.now);
    known.or(begun).filter(|_| held)
}

/// What is due of the service of a situation, what this pass has seen included.
pub fn now(s: &Situation) -> Due {
    of(s.service, overdue_since(s), s.calendar)
}

#[cfg(test)]
mod tests;
