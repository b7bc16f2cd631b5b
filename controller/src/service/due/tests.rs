//! The overdue policy and cancellations by date.

use hostwright_crds::{Cancellation, HostingServiceStatus, Renewal, Target};

use super::*;
use crate::service::aim;
use crate::service::fixture::{at, time};

const PAID_UNTIL: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Suspended three days after the last paid day, ended after ten.
fn lenient() -> Option<Overdue> {
    policy(Some("3d"), Some("10d"))
}

#[expect(clippy::unnecessary_wraps, reason = "as a calendar has it")]
fn policy(suspend: Option<&str>, terminate: Option<&str>) -> Option<Overdue> {
    let span = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    Some(Overdue { suspend_after: span(suspend), terminate_after: span(terminate) })
}

fn calendar(local: i64, server: i64, policy: Option<Overdue>) -> Calendar {
    Calendar { clocks: Clocks::of(at(local), Some(at(server))), policy }
}

fn service() -> HostingService {
    let mut service = HostingService::default();
    service.spec.renewal = Some(Renewal { paid_until: time(PAID_UNTIL), corrects: None });
    service
}

/// Suspended by the policy, which was seen at this second.
fn suspended(since: Option<i64>) -> HostingService {
    let status = HostingServiceStatus {
        suspended_by: vec![POLICY.to_owned()],
        overdue_since: since.map(time),
        ..HostingServiceStatus::default()
    };
    HostingService { status: Some(status), ..service() }
}

fn judged(service: &HostingService, calendar: &Calendar) -> Due {
    let since = service.status.as_ref().and_then(|status| status.overdue_since.as_ref());
    of(service, since.map(|since| since.0), calendar)
}

fn next(due: &Due) -> Option<(Verb, i64, &str)> {
    let next = due.next.as_ref()?;
    Some((next.verb, next.at.as_ref()?.0.as_second(), next.because.as_str()))
}

#[test]
fn it_is_suspended_from_the_very_second_that_the_policy_names() {
    for (second, suspends) in [(0, false), (3 * DAY - 1, false), (3 * DAY, true), (300 * DAY, true)] {
        let now = PAID_UNTIL + second;
        let due = judged(&service(), &calendar(now, now, lenient()));
        assert_eq!(due.suspends, suspends, "{second}");
        assert_eq!(due.ends, None, "nothing is ended that was not seen suspended");
    }
}

/// acceptance 7
#[test]
fn zero_is_at_once_and_absent_is_never() {
    let ends = |policy, now| judged(&suspended(Some(PAID_UNTIL)), &calendar(now, now, policy)).ends;
    let at_once = calendar(PAID_UNTIL, PAID_UNTIL, policy(Some("0s"), Some("0s")));
    assert!(judged(&service(), &at_once).suspends);
    assert!(!judged(&service(), &calendar(PAID_UNTIL - 1, PAID_UNTIL - 1, policy(Some("0s"), None))).suspends);
    assert_eq!(ends(policy(Some("0s"), Some("0s")), PAID_UNTIL), Some(Ending::Overdue));
    assert_eq!(ends(policy(Some("0s"), None), PAID_UNTIL + 10_000 * DAY), None);
    assert!(!judged(&service(), &calendar(PAID_UNTIL + 10_000 * DAY, 0, policy(None, None))).suspends);
}

#[test]
fn a_suspension_that_came_late_still_gets_its_whole_time() {
    let late = PAID_UNTIL + 9 * DAY;
    let due = |now| judged(&suspended(Some(late)), &calendar(now, now, lenient()));
    assert_eq!(next(&due(PAID_UNTIL + 10 * DAY)), Some((Verb::Terminate, late + 7 * DAY, "Overdue")));
    assert_eq!(due(late + 7 * DAY - 1).ends, None);
    assert_eq!(due(late + 7 * DAY).ends, Some(Ending::Overdue));
    let early = |now| judged(&suspended(Some(PAID_UNTIL - DAY)), &calendar(now, now, lenient())).ends;
    assert_eq!((early(PAID_UNTIL + 10 * DAY - 1), early(PAID_UNTIL + 10 * DAY)), (None, Some(Ending::Overdue)));
}

#[test]
fn the_clock_that_is_behind_decides_and_clocks_far_apart_decide_nothing() {
    let due = PAID_UNTIL + 3 * DAY;
    let judge = |service: &HostingService, local, server| judged(service, &calendar(local, server, lenient()));
    assert!(!judge(&service(), due + 60, due - 60).suspends && judge(&service(), due + 60, due).suspends);
    let year = 365 * DAY;
    for (local, server) in [(due + year, due - 10), (due - 10, due + year), (due + year, due + 10)] {
        let fresh = judge(&service(), local, server);
        assert!(!fresh.suspends && fresh.in_doubt, "{local} {server}");
        assert_eq!(next(&fresh), Some((Verb::Suspend, due, "ClocksDisagree")));
    }
    for (local, server) in [(due - year, due + DAY), (due + 8 * DAY, due + year)] {
        let held = judge(&suspended(Some(due)), local, server);
        assert!(held.suspends && held.ends.is_none(), "neither lifted nor ended: {local} {server}");
    }
    assert!(!judge(&service(), due - year, due - 10).in_doubt, "nothing is due by either");
}

#[test]
fn only_a_payment_lifts_it_while_nobody_knows_the_policy_or_the_date() {
    let now = PAID_UNTIL + 4 * DAY;
    let year = 365 * DAY;
    let mut paid = suspended(Some(now));
    paid.spec.renewal = Some(Renewal { paid_until: time(now + 30 * DAY), corrects: None });
    for calendar in [calendar(now, now, None), calendar(now, now - year, lenient())] {
        assert!(judged(&suspended(Some(now)), &calendar).suspends);
        assert!(!judged(&paid, &calendar).suspends);
        assert!(!judged(&service(), &calendar).suspends);
    }
}

#[test]
fn a_cancellation_is_due_at_once_or_on_its_date() {
    let cancelled = |at: Option<i64>| {
        let mut service = service();
        let (reason, requested_by) = ("moving on".to_owned(), "cust-1".to_owned());
        service.spec.cancellation = Some(Cancellation { at: at.map(time), reason, requested_by });
        service
    };
    let judge = |at, local, server| judged(&cancelled(at), &calendar(local, server, lenient()));
    assert_eq!(judge(None, 0, 365 * DAY).ends, Some(Ending::Cancelled), "no clock is asked");
    assert_eq!(judge(Some(100), 99, 100).ends, None);
    assert_eq!(judge(Some(100), 100, 100).ends, Some(Ending::Cancelled));
    assert_eq!(judge(Some(100), 365 * DAY, 50).ends, None);
    assert_eq!(next(&judge(Some(100), 0, 0)), Some((Verb::Terminate, 100, "Cancelled")));
    let aim = aim::of(&cancelled(None), &calendar(0, 0, None));
    assert_eq!((aim.target, aim.because.as_deref()), (Target::Terminated, Some("cancelled by cust-1: moving on")));
}

#[test]
fn the_end_of_what_is_overdue_beats_every_suspension() {
    let mut service = suspended(Some(PAID_UNTIL));
    service.spec.suspensions.insert("abuse-desk".into(), hostwright_crds::Suspension::default());
    let now = PAID_UNTIL + 10 * DAY;
    assert_eq!(aim::of(&service, &calendar(now - 1, now - 1, lenient())).target, Target::Suspended);
    assert_eq!(aim::of(&service, &calendar(now, now, lenient())).target, Target::Terminated);
}
