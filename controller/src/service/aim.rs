//! What a service is driven to, and who wants that. Pure.

use hostwright_crds::{DeletionPolicy, DesiredStatus, HostingService, Target, annotation, reason};
use kube::ResourceExt as _;

/// Somebody who wants the service suspended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key under `spec.suspensions`, or `spec`.
    pub name: String,
    /// One word for programs.
    pub reason: String,
    /// Words for people.
    pub message: Option<String>,
}

/// What a service is driven to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// After deletion, desired status and suspensions, in this order.
    pub target: Target,
    /// Who suspends it; kept even while it is being ended.
    pub holders: Vec<Holder>,
    /// The object is being deleted.
    pub deleting: bool,
    /// The object is being deleted and the remote stays.
    pub retained: bool,
    /// No remote call is wanted: by the spec or by annotation, whichever asks for it.
    pub paused: bool,
}

/// Reads it off a service.
pub fn of(service: &HostingService) -> Aim {
    let spec = &service.spec;
    let deleting = service.metadata.deletion_timestamp.is_some();
    let holders = holders(service);
    let target = if deleting || spec.desired_status == DesiredStatus::Terminated {
        Target::Terminated
    } else if holders.is_empty() {
        Target::Active
    } else {
        Target::Suspended
    };
    let annotated = service.annotations().get(annotation::PAUSED).is_some_and(|value| value != "false");
    Aim {
        target,
        holders,
        deleting,
        retained: deleting && spec.deletion_policy == DeletionPolicy::Retain,
        paused: spec.paused || annotated,
    }
}

fn holders(service: &HostingService) -> Vec<Holder> {
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
    others.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::Suspension;

    fn service(desired: DesiredStatus, holders: &[&str], deleting: bool) -> HostingService {
        let mut service = HostingService::default();
        service.spec.desired_status = desired;
        for holder in holders {
            let suspension = Suspension { reason: "Abuse".into(), ..Suspension::default() };
            service.spec.suspensions.insert((*holder).to_owned(), suspension);
        }
        service.metadata.deletion_timestamp = deleting
            .then_some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH));
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
            assert_eq!(of(&service(desired, &holders, deleting)).target, target, "{desired:?} {holders:?} {deleting}");
        }
    }

    #[test]
    fn lifting_one_of_two_holders_leaves_the_other() {
        let both = of(&service(DesiredStatus::Suspended, &["abuse-desk"], false));
        assert_eq!(both.holders.iter().map(|holder| holder.name.as_str()).collect::<Vec<_>>(), ["abuse-desk", "spec"]);
        assert_eq!(of(&service(DesiredStatus::Active, &["abuse-desk"], false)).target, Target::Suspended);
    }

    #[test]
    fn either_form_of_pause_counts() {
        let mut service = service(DesiredStatus::Active, &[], false);
        assert!(!of(&service).paused);
        service.annotations_mut().insert(annotation::PAUSED.into(), "true".into());
        assert!(of(&service).paused);
        service.annotations_mut().insert(annotation::PAUSED.into(), "false".into());
        assert!(!of(&service).paused);
        service.spec.paused = true;
        assert!(of(&service).paused);
    }
}
