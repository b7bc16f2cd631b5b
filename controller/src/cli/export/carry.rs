//! What of a service's status goes along in its record. Pure.

use std::collections::BTreeMap;

use hostwright_crds::{Carried, HostingServiceStatus, Identity, ProviderInstanceStatus, RemoteState};

/// The record as another cluster needs it: without the status that does not move along, and without the names that the
/// panel had before.
pub(super) fn record(
    identity: Identity,
    uid: &str,
    status: Option<&HostingServiceStatus>,
    panels: &BTreeMap<String, ProviderInstanceStatus>,
) -> Identity {
    let remote_identity = match panels.get(&identity.instance) {
        // Confirmed to be the same panel under another name, which only the status of the instance remembers.
        Some(panel) if panel.former_identities.contains(&identity.remote_identity) => panel.remote_identity.clone(),
        _ => None,
    };
    let carried = match identity.ended {
        Some(_) => None,
        // It was applied here and has not found its remote yet: what it came with still holds.
        None if identity.uid != uid => identity.carried,
        None => status.and_then(carried),
    };
    Identity { carried, remote_identity: remote_identity.unwrap_or(identity.remote_identity), ..identity }
}

fn carried(status: &HostingServiceStatus) -> Option<Carried> {
    let remote = status.remote.as_ref();
    let suspended = remote.is_some_and(|remote| remote.state == RemoteState::Suspended);
    let carried = Carried {
        // A controller has looked, and nothing says that a remote was ever there.
        never_made: status.observed_generation.is_some_and(|seen| seen >= 0)
            && remote.is_none_or(|remote| remote.bound_at.is_none()),
        suspended_at: status.suspended_at.as_ref().filter(|_| suspended).map(|at| at.0.to_string()),
        remembered: status.remembered.clone().filter(|_| suspended),
        renewed_until: status.renewed_until.as_ref().map(|until| until.0.to_string()),
        renewal_in_doubt: status.renewal_in_doubt.as_ref().map(|until| until.0.to_string()),
    };
    (carried != Carried::default()).then_some(carried)
}

#[cfg(test)]
mod tests {
    use hostwright_crds::RemoteStatus;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn identity() -> Identity {
        Identity {
            external_id: "prod.customers.alice".into(),
            for_object: "customers/alice".into(),
            uid: "uid-1".into(),
            instance: "panel-eu".into(),
            remote_identity: "one".into(),
            owner: "prod.customers.cust-1".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        }
    }

    fn status(state: RemoteState, bound: bool) -> HostingServiceStatus {
        let remote =
            RemoteStatus { state, bound_at: bound.then_some(Time(Timestamp::UNIX_EPOCH)), ..RemoteStatus::default() };
        HostingServiceStatus { observed_generation: Some(1), remote: Some(remote), ..HostingServiceStatus::default() }
    }

    fn exported(identity: Identity, status: Option<&HostingServiceStatus>) -> Identity {
        record(identity, "uid-1", status, &BTreeMap::new())
    }

    #[test]
    fn an_ordinary_service_carries_nothing() {
        assert_eq!(exported(identity(), Some(&status(RemoteState::Active, true))), identity());
        assert_eq!(exported(identity(), None), identity(), "nobody has looked: it may have a remote");
    }

    #[test]
    fn one_that_was_never_made_says_so() {
        let never = |status: &HostingServiceStatus| {
            exported(identity(), Some(status)).carried.is_some_and(|carried| carried.never_made)
        };
        assert!(never(&HostingServiceStatus { observed_generation: Some(1), ..HostingServiceStatus::default() }));
        assert!(never(&status(RemoteState::Provisioning, false)));
        assert!(!never(&status(RemoteState::Missing, true)), "something else removed it");
        assert!(!never(&HostingServiceStatus { observed_generation: Some(-1), ..HostingServiceStatus::default() }));
    }

    #[test]
    fn a_suspension_of_ours_goes_along_and_one_of_others_does_not() {
        let mut suspended = status(RemoteState::Suspended, true);
        assert_eq!(exported(identity(), Some(&suspended)).carried, None);
        suspended.suspended_at = Some(Time(Timestamp::UNIX_EPOCH));
        suspended.remembered = Some(serde_json::json!({"installing": true}));
        let carried = exported(identity(), Some(&suspended)).carried.unwrap();
        assert_eq!(carried.suspended_at.as_deref(), Some("1970-01-01T00:00:00Z"));
        assert!(carried.remembered.is_some() && !carried.never_made);
    }

    #[test]
    fn what_was_applied_here_and_not_attached_yet_goes_on_as_it_came() {
        let came = Identity { uid: "uid-0".into(), ..identity() };
        let waiting = HostingServiceStatus { observed_generation: Some(1), ..HostingServiceStatus::default() };
        assert_eq!(exported(came.clone(), Some(&waiting)), came, "it may well have a remote");
    }

    #[test]
    fn a_panel_is_called_by_its_present_name() {
        let panel = |identity: &str, former: &[&str]| ProviderInstanceStatus {
            remote_identity: Some(identity.into()),
            former_identities: former.iter().map(ToString::to_string).collect(),
            ..ProviderInstanceStatus::default()
        };
        let named = |panel| {
            record(identity(), "uid-1", None, &BTreeMap::from([("panel-eu".to_owned(), panel)])).remote_identity
        };
        assert_eq!(named(panel("two", &["one"])), "two");
        assert_eq!(named(panel("two", &["zero"])), "one", "another panel is not called by the name of this one");
    }
}
