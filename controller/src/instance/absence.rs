//! Whether remotes that a list does not show may be believed to be gone. Pure.

use std::collections::BTreeSet;

use hostwright_crds::{HostingService, RemoteState, Verb, annotation, condition, reason};

use super::memory::Missing;
use super::{references, token};
use crate::providers::{Hold, Snapshot};

/// So many may go missing together without a question.
const FEW: usize = 3;
/// The share of an instance's services, one in so many, that may.
const ONE_IN: usize = 10;

/// What is made of the missing remotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Why no absence is believed.
    pub(super) hold: Option<Hold>,
    /// How many are missing together.
    pub(super) count: usize,
    /// Whether a person confirmed that they are meant to be gone.
    pub(super) confirmed: bool,
}

/// The external id of a service whose remote a list must show: bound on this instance, no ending asked for yet, not
/// known to be missing.
fn expected(service: &HostingService, instance: &str) -> Option<String> {
    let status = service.status.as_ref()?;
    let record = references::record(&service.metadata);
    let home = record.as_ref().map_or(status.provider_instance.as_deref(), |record| Some(record.instance.as_str()));
    let remote = status.remote.as_ref().filter(|remote| remote.bound_at.is_some())?;
    // One that is only meant to be ended counts: its remote was there until somebody else removed it.
    let ending = record.as_ref().is_some_and(|record| record.ended.is_some())
        || status.operation.as_ref().is_some_and(|operation| operation.verb == Verb::Terminate);
    let reported = remote.state == RemoteState::Missing
        || condition::find(&status.conditions, condition::PROVISIONED)
            .is_some_and(|provisioned| provisioned.reason == reason::REMOTE_MISSING);
    if home != Some(instance) || ending || reported {
        return None;
    }
    record.map(|record| record.external_id).or_else(|| status.external_id.clone())
}

/// What a list should have shown and did not, save what was confirmed to be gone. `last_mutation` gives the sequence number
/// of a service's last mutation by UID: a list that is older says nothing about it.
pub(super) fn missing<'a>(
    services: impl Iterator<Item = &'a HostingService>,
    instance: &str,
    list: &Snapshot,
    last_mutation: impl Fn(&str) -> u64,
    confirmed: &BTreeSet<String>,
) -> Missing {
    let not_changed_since = |service: &&HostingService| {
        service.metadata.uid.as_deref().is_none_or(|uid| last_mutation(uid) <= list.started)
    };
    let expected: BTreeSet<String> =
        services.filter(not_changed_since).filter_map(|service| expected(service, instance)).collect();
    let of = expected.len();
    let absent = |id: &String| !list.remotes.contains_key(id) && !confirmed.contains(id);
    Missing { ids: expected.into_iter().filter(absent).collect(), of }
}

/// Whether absences are believed. Before the first list of this process what status recorded still counts.
pub(super) fn judge(instance: &str, missing: Option<&Missing>, recorded: Option<i32>, confirmed: &[&str]) -> Judgement {
    let Some(missing) = missing else {
        let count = recorded.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        let text = format!(
            "{instance}: {count} remotes were missing together when they were listed last; no absence is believed and \
             nothing is ended until they are listed again"
        );
        return Judgement { hold: (count > 0).then(|| Hold::new(reason::MASS_ABSENCE, text)), count, confirmed: false };
    };
    let count = missing.ids.len();
    if count <= FEW.max(missing.of / ONE_IN) {
        return Judgement { count, ..Judgement::default() };
    }
    let parts: Vec<&str> = ["absence", instance].into_iter().chain(missing.ids.iter().map(String::as_str)).collect();
    let token = token::of(&parts);
    if confirmed.contains(&token.as_str()) {
        return Judgement { count, confirmed: true, hold: None };
    }
    let text = format!(
        "{instance}: {count} of {} remotes went missing together; no absence is believed and nothing is ended. Intended: \
         annotate {}={token}. Not intended: put them back on the panel",
        missing.of,
        annotation::CONFIRM
    );
    Judgement { hold: Some(Hold::new(reason::MASS_ABSENCE, text)), count, confirmed: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_crds::{HostingServiceStatus, Identity, Operation, RemoteStatus};
    use hostwright_plugin::{Present, Remote, State};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use k8s_openapi::jiff::Timestamp;
    use kube::ResourceExt as _;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn service(name: &str) -> HostingService {
        let record = Identity {
            external_id: format!("prod.customers.{name}"),
            for_object: format!("customers/{name}"),
            uid: "uid".into(),
            instance: "panel-eu".into(),
            remote_identity: "one".into(),
            owner: "prod.customers.cust-1".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        let mut service = HostingService::default();
        service.metadata.name = Some(name.into());
        service.metadata.namespace = Some("customers".into());
        service.annotations_mut().insert(annotation::IDENTITY.into(), record.to_text());
        let remote = RemoteStatus { id: "1".into(), bound_at: Some(Time(at(100))), ..RemoteStatus::default() };
        service.status = Some(HostingServiceStatus { remote: Some(remote), ..HostingServiceStatus::default() });
        service
    }

    fn list(names: &[&str]) -> Snapshot {
        let present = || Present::new(Remote::default(), State::Active, None);
        let remotes = names.iter().map(|name| (format!("prod.customers.{name}"), present())).collect();
        Snapshot { started: 20, remotes, ..Snapshot::default() }
    }

    fn absent(service: &HostingService) -> bool {
        let missing = missing(std::iter::once(service), "panel-eu", &list(&[]), |_| 10, &BTreeSet::new());
        !missing.ids.is_empty()
    }

    fn gone(count: usize, of: usize) -> Missing {
        Missing { ids: (0..count).map(|number| format!("prod.customers.{number}")).collect(), of }
    }

    #[test]
    fn a_list_must_show_what_is_bound_and_nothing_else() {
        let plain = service("alice");
        let mut deleted = plain.clone();
        deleted.metadata.deletion_timestamp = Some(Time(at(150)));
        assert!(absent(&plain) && absent(&deleted));
        let changes: [(&str, Change); 4] = [
            ("being ended", |service| status(service).operation = Some(ending())),
            ("not bound", |service| remote(service).bound_at = None),
            ("seen to be missing", |service| {
                remote(service).state = RemoteState::Missing;
            }),
            ("known to be missing", |service| {
                status(service).conditions = vec![known_to_be_missing()];
            }),
        ];
        for (case, change) in changes {
            let mut service = plain.clone();
            change(&mut service);
            assert!(!absent(&service), "{case}");
        }
    }

    type Change = fn(&mut HostingService);

    fn status(service: &mut HostingService) -> &mut HostingServiceStatus {
        service.status.as_mut().unwrap()
    }

    fn remote(service: &mut HostingService) -> &mut RemoteStatus {
        status(service).remote.as_mut().unwrap()
    }

    fn ending() -> Operation {
        Operation { verb: Verb::Terminate, ..Operation::default() }
    }

    fn known_to_be_missing() -> Condition {
        condition::new(condition::PROVISIONED, "False", reason::REMOTE_MISSING, "", 1, at(150))
    }

    #[test]
    fn what_the_list_shows_or_a_person_confirmed_is_not_missing() {
        let services = [service("alice"), service("bob"), service("carol")];
        let confirmed = BTreeSet::from(["prod.customers.bob".to_owned()]);
        let missing = missing(services.iter(), "panel-eu", &list(&["alice"]), |_| 10, &confirmed);
        assert_eq!(missing, Missing { ids: BTreeSet::from(["prod.customers.carol".to_owned()]), of: 3 });
    }

    #[test]
    fn a_list_says_nothing_about_what_was_changed_since_it_began() {
        let mut service = service("alice");
        service.metadata.uid = Some("uid".into());
        let missing = missing(std::iter::once(&service), "panel-eu", &list(&[]), |_| 21, &BTreeSet::new());
        assert_eq!(missing, Missing::default());
    }

    #[test]
    fn more_than_three_and_more_than_a_tenth_is_not_believed() {
        for (count, of, held) in
            [(3, 3, false), (4, 4, true), (4, 40, false), (5, 40, true), (10, 100, false), (11, 100, true)]
        {
            assert_eq!(judge("p", Some(&gone(count, of)), None, &[]).hold.is_some(), held, "{count} of {of}");
        }
    }

    #[test]
    fn the_token_in_the_message_confirms_exactly_these() {
        let hold = judge("p", Some(&gone(10, 30)), None, &[]).hold.unwrap();
        let token = hold.message.split("confirm=").nth(1).unwrap().split('.').next().unwrap();
        let confirmed = judge("p", Some(&gone(10, 30)), None, &[token]);
        assert!(confirmed.confirmed && confirmed.hold.is_none());
        assert!(judge("p", Some(&gone(11, 30)), None, &[token]).hold.is_some());
    }

    #[test]
    fn a_restart_forgets_no_mass_absence_until_the_next_list() {
        assert!(judge("p", None, Some(10), &[]).hold.is_some());
        assert!(judge("p", None, None, &[]).hold.is_none());
        assert!(judge("p", Some(&gone(0, 30)), Some(10), &[]).hold.is_none());
    }
}
