//! What a service is driven to, and who wants that. Pure.

use hostwright_crds::{DeletionPolicy, DesiredStatus, HostingService, Target, reason};

use super::due::{self, Calendar, Ending, POLICY};

/// Somebody who wants the service suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key under `spec.suspensions`, `spec`, or `policy`.
    pub name: String,
    /// One word for programs.
    pub reason: String,
    /// Words for people.
    pub message: Option<String>,
}

/// What a service is driven to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// After deletion, desired status and cancellation, the end of what is overdue, and suspensions, in this order.
    pub target: Target,
    /// Who suspends it; kept even while it is being ended.
    pub holders: Vec<Holder>,
    /// The object is being deleted.
    pub deleting: bool,
    /// The object is being deleted and the remote stays.
    pub retained: bool,
    /// No remote call is wanted: by the spec or by annotation, whichever asks for it.
    pub paused: bool,
    /// Who or what wants it ended, or suspended by date, in words; None where the spec itself says it.
    pub because: Option<String>,
}

impl Aim {
    /// Whether the overdue policy alone wants it suspended.
    pub fn suspended_by_policy(&self) -> bool {
        self.target == Target::Suspended && self.holders.iter().all(|holder| holder.name == POLICY)
    }
}

/// Reads it off a service.
pub fn of(service: &HostingService, calendar: &Calendar) -> Aim {
    let spec = &service.spec;
    let deleting = service.metadata.deletion_timestamp.is_some();
    let since = service.status.as_ref().and_then(|status| status.overdue_since.as_ref());
    let due = due::of(service, since.map(|since| since.0), calendar);
    let holders = holders(service, due.suspends);
    let wanted = deleting || spec.desired_status == DesiredStatus::Terminated;
    let target = if wanted || due.ends.is_some() {
        Target::Terminated
    } else if holders.is_empty() {
        Target::Active
    } else {
        Target::Suspended
    };
    let by_policy = target == Target::Suspended && holders.iter().all(|holder| holder.name == POLICY);
    let because = match due.ends.filter(|_| !wanted) {
        Some(Ending::Cancelled) => spec
            .cancellation
            .as_ref()
            .map(|cancellation| format!("cancelled by {}: {}", cancellation.requested_by, cancellation.reason)),
        Some(Ending::Overdue) => Some(paid_until(service)),
        None => by_policy.then(|| paid_until(service)),
    };
    Aim {
        target,
        because,
        holders,
        deleting,
        retained: deleting && spec.deletion_policy == DeletionPolicy::Retain,
        paused: service.is_paused(),
    }
}

fn paid_until(service: &HostingService) -> String {
    due::paid_until(service).map(|paid| format!("paid until {paid}")).unwrap_or_default()
}

fn holders(service: &HostingService, overdue: bool) -> Vec<Holder> {
    let policy = overdue.then(|| Holder {
        name: POLICY.into(),
        reason: reason::OVERDUE.into(),
        message: Some(paid_until(service)),
    });
    let own = (service.spec.desired_status == DesiredStatus::Suspended).then(|| Holder {
        name: "spec".into(),
        reason: reason::SUSPENDED.into(),
        message: Some("desiredStatus is Suspended".into()),
    });
    let others = service.spec.suspensions.iter().map(|(name, suspension)| Holder {
        name: name.clone(),
        reason: suspension.reason.clone(),
        message: suspension.message.clone(),
    });
    others.chain(own).chain(policy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clocks;
    use hostwright_crds::{Suspension, annotation};
    use k8s_openapi::jiff::Timestamp;
    use kube::ResourceExt as _;

    /// Nothing happens by date.
    fn undated() -> Calendar {
        Calendar { clocks: Clocks::of(Timestamp::UNIX_EPOCH, None), policy: None }
    }

    fn service(desired: DesiredStatus, holders: &[&str], deleting: bool) -> HostingService {
        let mut service = HostingService::default();
        service.spec.desired_status = desired;
        for holder in holders {
            let suspension = Suspension { reason: "Abuse".into(), ..Suspension::default() };
            service.spec.suspensions.insert((*holder).to_owned(), suspension);
        }
        service.metadata.deletion_timestamp =
            deleting.then_some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
        service
    }

    #[test]
    fn deletion_beats_termination_beats_suspension_beats_active() {
        use DesiredStatus::{Active, Suspended, Terminated};
        let rows = [
            (Active, vec![], false, Target::Active),
            (Suspended, vec![], false, Target::Suspended),
            (Active, vec!["abuse-desk"], false, Target::Suspended),
            (Terminated, vec!["abuse-desk"], false, Target::Terminated),
            (Active, vec![], true, Target::Terminated),
            (Suspended, vec!["abuse-desk"], true, Target::Terminated),
        ];
        for (desired, holders, deleting, target) in rows {
            assert_eq!(
                of(&service(desired, &holders, deleting), &undated()).target,
                target,
                "{desired:?} {holders:?} {deleting}"
            );
        }
    }

    #[test]
    fn lifting_one_of_two_holders_leaves_the_other() {
        let both = of(&service(DesiredStatus::Suspended, &["abuse-desk"], false), &undated());
        assert_eq!(both.holders.iter().map(|holder| holder.name.as_str()).collect::<Vec<_>>(), ["abuse-desk", "spec"]);
        assert_eq!(of(&service(DesiredStatus::Active, &["abuse-desk"], false), &undated()).target, Target::Suspended);
    }

    #[test]
    fn either_form_of_pause_counts() {
        let mut service = service(DesiredStatus::Active, &[], false);
        assert!(!of(&service, &undated()).paused);
        service.annotations_mut().insert(annotation::PAUSED.into(), "true".into());
        assert!(of(&service, &undated()).paused);
        service.annotations_mut().insert(annotation::PAUSED.into(), "false".into());
        assert!(!of(&service, &undated()).paused);
        service.spec.paused = true;
        assert!(of(&service, &undated()).paused);
    }
}
