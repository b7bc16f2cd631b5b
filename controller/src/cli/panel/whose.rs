//! Whose a remote is, by its mark and by what the objects of the cluster know. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hostwright_crds::{HostingService, Identity, OwnerScope, annotation};
use hostwright_plugin::Present;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

use crate::context::Guarded;
use crate::service::{external_id, owner_key};

/// Whose a remote is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Whose {
    /// This service knows it.
    Ours(String),
    /// It has no mark, and this service is to take it over.
    Claimed(String),
    /// It has our mark, and no object knows it.
    Orphaned,
    /// It has another mark.
    Others,
    /// It has no mark.
    Unmarked,
}

impl Whose {
    /// One word.
    pub(in super::super) fn word(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Claimed(_) => "claimed",
            Self::Orphaned => "orphaned",
            Self::Others => "others'",
            Self::Unmarked => "unmarked",
        }
    }

    /// The service that knows it, or wants it.
    pub(in super::super) fn service(&self) -> Option<&str> {
        match self {
            Self::Ours(service) | Self::Claimed(service) => Some(service),
            Self::Orphaned | Self::Others | Self::Unmarked => None,
        }
    }
}

/// What the objects of a cluster know of one instance. An object that says something unclear counts as knowing.
#[derive(Debug, Default)]
pub(in super::super) struct Known {
    installation: String,
    /// The service by external id.
    marks: BTreeMap<String, String>,
    /// The service by the id of a remote on this instance.
    remotes: BTreeMap<String, String>,
    /// The service by the id of a remote that it is to take over.
    claims: BTreeMap<String, String>,
    owners: BTreeSet<String>,
    /// An object that cannot be read may have any owner.
    has_unknown_owner: bool,
    names: BTreeSet<String>,
}

impl Known {
    /// `instances` tells the instance of each package.
    pub(super) fn of(
        services: &[Guarded<HostingService>],
        instances: &BTreeMap<String, String>,
        instance: &str,
        installation: &str,
    ) -> Self {
        let mut known = Self { installation: installation.to_owned(), ..Self::default() };
        for service in services {
            match &service.0 {
                Ok(service) => known.add(service, instances, instance),
                Err(invalid) => known.add_unreadable(&invalid.metadata),
            }
        }
        known
    }

    fn add(&mut self, service: &HostingService, instances: &BTreeMap<String, String>, instance: &str) {
        let name = name_of(&service.metadata);
        self.names.insert(name.clone());
        let identity = identity(&service.metadata);
        if is_ended(&service.metadata) {
            return;
        }
        self.add_record(&service.metadata);
        let (namespace, owner) = (service.namespace().unwrap_or_default(), &service.spec.owner.id);
        let derived = external_id(&self.installation, &namespace, &service.name_any());
        self.marks.entry(derived).or_insert_with(|| name.clone());
        let scopes = [OwnerScope::Namespace, OwnerScope::Installation];
        self.owners.extend(scopes.map(|scope| owner_key(&self.installation, &namespace, owner, scope)));
        let status = service.status.clone().unwrap_or_default();
        self.marks.extend(status.external_id.map(|id| (id, name.clone())));
        let ordered = instances.get(&service.spec.package_ref.name);
        let on = identity.as_ref().map(|identity| &identity.instance).or(status.provider_instance.as_ref()).or(ordered);
        if on.is_none_or(|on| on != instance) {
            return;
        }
        match (&status.remote, &service.spec.adopt) {
            (Some(remote), _) => drop(self.remotes.insert(remote.id.clone(), name)),
            (None, Some(adopt)) => drop(self.claims.insert(adopt.remote_id.clone(), name)),
            (None, None) => {}
        }
    }

    /// Its record is in the metadata, which can be read; without one it may have any owner.
    fn add_unreadable(&mut self, metadata: &ObjectMeta) {
        let name = name_of(metadata);
        self.names.insert(name.clone());
        if is_ended(metadata) {
            return;
        }
        self.add_record(metadata);
        self.has_unknown_owner |= identity(metadata).is_none();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let derived = external_id(&self.installation, &text(&metadata.namespace), &text(&metadata.name));
        self.marks.entry(derived).or_insert(name);
    }

    fn add_record(&mut self, metadata: &ObjectMeta) {
        let Some(identity) = identity(metadata).filter(|identity| identity.ended.is_none()) else { return };
        self.marks.insert(identity.external_id, name_of(metadata));
        self.owners.insert(identity.owner);
    }

    /// Whose a remote of the instance is.
    pub(in super::super) fn whose(&self, present: &Present) -> Whose {
        let id = &present.remote.id;
        match &present.external_id {
            Some(mark) => match self.marks.get(mark) {
                Some(service) => Whose::Ours(service.clone()),
                None if self.is_own(mark) => Whose::Orphaned,
                None => Whose::Others,
            },
            None => match (self.remotes.get(id), self.claims.get(id)) {
                // Somebody took the mark away.
                (Some(service), _) => Whose::Ours(service.clone()),
                (None, Some(service)) => Whose::Claimed(service.clone()),
                (None, None) => Whose::Unmarked,
            },
        }
    }

    /// Whether this owner key is of this installation, and no object has that owner.
    pub(in super::super) fn is_orphaned_owner(&self, key: &str) -> bool {
        self.is_own(key) && !self.owners.contains(key) && !self.has_unknown_owner
    }

    /// Whether a service of this name is there, in whatever state.
    pub(in super::super) fn has(&self, namespace: &str, name: &str) -> bool {
        self.names.contains(&format!("{namespace}/{name}"))
    }

    /// Namespace and name of the service that would have this mark, where they can be told.
    pub(in super::super) fn place_of(&self, mark: &str) -> Option<(String, String)> {
        let (namespace, name) = self.own_part(mark)?.split_once('.')?;
        (external_id(&self.installation, namespace, name) == mark).then(|| (namespace.to_owned(), name.to_owned()))
    }

    /// The owner id in an owner key, for a service of this namespace; none where the key is of another one.
    pub(in super::super) fn owner_in(&self, key: &str, namespace: &str, scope: OwnerScope) -> Option<String> {
        let part = self.own_part(key)?;
        match scope {
            OwnerScope::Namespace => part.strip_prefix(namespace)?.strip_prefix('.').map(str::to_owned),
            OwnerScope::Installation => Some(part.to_owned()),
        }
    }

    fn is_own(&self, mark: &str) -> bool {
        self.own_part(mark).is_some()
    }

    fn own_part<'a>(&self, mark: &'a str) -> Option<&'a str> {
        mark.strip_prefix(&self.installation)?.strip_prefix('.')
    }
}

/// The record, for whichever object it was written: one that was copied may belong to what is restored next.
fn identity(metadata: &ObjectMeta) -> Option<Identity> {
    Identity::parse(metadata.annotations.as_ref()?.get(annotation::IDENTITY)?).ok()
}

/// Whether the record says so of this very object: one that was copied says nothing of the copy.
fn is_ended(metadata: &ObjectMeta) -> bool {
    let own = |identity: &Identity| identity.for_object == name_of(metadata);
    identity(metadata).filter(own).is_some_and(|identity| identity.ended.is_some())
}

fn name_of(metadata: &ObjectMeta) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", text(&metadata.namespace), text(&metadata.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hostwright_plugin::{Remote, State};
    use serde_json::{Value, json};

    fn service(name: &str, more: Value) -> Guarded<HostingService> {
        let mut object = json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": name, "namespace": "customers", "uid": name},
            "spec": {"packageRef": {"name": "small"}, "desiredStatus": "Active",
                "owner": {"id": format!("cust-{name}"), "email": "a@example.com", "name": "A"}},
        });
        json_patch(&mut object, more);
        serde_json::from_value(object).unwrap()
    }

    fn json_patch(target: &mut Value, patch: Value) {
        match (target, patch) {
            (Value::Object(target), Value::Object(patch)) => {
                for (key, value) in patch {
                    json_patch(target.entry(key).or_insert(Value::Null), value);
                }
            }
            (target, patch) => *target = patch,
        }
    }

    fn recorded(name: &str, id: &str, ended: bool) -> Value {
        let identity = Identity {
            external_id: id.to_owned(),
            for_object: format!("customers/{name}"),
            uid: name.to_owned(),
            instance: "panel-eu".into(),
            remote_identity: "p".into(),
            owner: "prod.customers.cust-recorded".into(),
            ended: ended.then(|| "2026-01-01T00:00:00Z".to_owned()),
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        json!({"metadata": {"annotations": {annotation::IDENTITY: identity.to_text()}}})
    }

    fn known(services: &[Guarded<HostingService>]) -> Known {
        let instances = BTreeMap::from([("small".to_owned(), "panel-eu".to_owned())]);
        Known::of(services, &instances, "panel-eu", "prod")
    }

    fn remote(id: &str, mark: Option<&str>) -> Present {
        let handle = Remote { id: id.to_owned(), ..Remote::default() };
        Present { external_id: mark.map(str::to_owned), ..Present::new(handle, State::Active, None) }
    }

    #[test]
    fn a_mark_is_ours_orphaned_or_somebody_else_s() {
        let known = known(&[service("alice", json!({})), service("moved", recorded("moved", "prod.old.name", false))]);
        let ours = |service: &str| Whose::Ours(format!("customers/{service}"));
        let rows = [
            (Some("prod.customers.alice"), ours("alice")),
            (Some("prod.old.name"), ours("moved")),
            (Some("prod.customers.gone"), Whose::Orphaned),
            (Some("production.customers.alice"), Whose::Others),
            (Some("4711"), Whose::Others),
            (None, Whose::Unmarked),
        ];
        for (mark, whose) in rows {
            assert_eq!(known.whose(&remote("1", mark)), whose, "{mark:?}");
        }
    }

    #[test]
    fn what_an_ended_service_left_is_known_to_nobody() {
        let known = known(&[service("alice", recorded("alice", "prod.customers.alice", true))]);
        assert_eq!(known.whose(&remote("1", Some("prod.customers.alice"))), Whose::Orphaned);
        assert!(known.is_orphaned_owner("prod.customers.cust-alice"));
        assert!(known.has("customers", "alice"), "its name is taken all the same");
    }

    #[test]
    fn the_record_of_an_ended_service_says_nothing_of_what_it_was_copied_to() {
        let mut copied = recorded("alice", "prod.customers.alice", true);
        copied["status"] = json!({"externalId": "prod.customers.restored"});
        let known = known(&[service("bob", copied)]);
        for mark in ["prod.customers.bob", "prod.customers.restored"] {
            assert_eq!(known.whose(&remote("1", Some(mark))), Whose::Ours("customers/bob".to_owned()), "{mark}");
        }
        assert!(!known.is_orphaned_owner("prod.customers.cust-bob"));
    }

    #[test]
    fn an_object_that_cannot_be_read_and_has_no_record_counts_as_knowing() {
        let mut broken = json!(service("alice", json!({})).0.unwrap());
        broken["spec"]["desiredStatus"] = json!("Gone");
        let known = known(&[serde_json::from_value(broken).unwrap()]);
        assert_eq!(known.whose(&remote("1", Some("prod.customers.alice"))), Whose::Ours("customers/alice".to_owned()));
        assert!(known.has("customers", "alice") && !known.is_orphaned_owner("prod.customers.cust-gone"));
    }

    #[test]
    fn an_object_that_cannot_be_read_knows_what_its_record_says() {
        let broken = service("alice", recorded("alice", "prod.customers.alice", false));
        let mut broken = json!(broken.0.unwrap());
        broken["spec"]["desiredStatus"] = json!("Gone");
        let known = known(&[serde_json::from_value(broken).unwrap()]);
        let ours = Whose::Ours("customers/alice".to_owned());
        assert_eq!(known.whose(&remote("1", Some("prod.customers.alice"))), ours);
        assert!(!known.is_orphaned_owner("prod.customers.cust-recorded"));
    }

    #[test]
    fn a_remote_without_a_mark_may_be_known_or_wanted_by_its_id_on_its_own_instance() {
        let lost = json!({"status": {"providerInstance": "panel-eu", "remote": {"id": "1", "state": "Active"}}});
        let wants = |id: &str| json!({"spec": {"adopt": {"remoteId": id}}});
        let elsewhere = json!({"spec": {"adopt": {"remoteId": "3"}, "packageRef": {"name": "other"}}});
        let known = known(&[service("lost", lost), service("wants", wants("2")), service("elsewhere", elsewhere)]);
        let whose = |id: &str| known.whose(&remote(id, None));
        assert_eq!(whose("1"), Whose::Ours("customers/lost".to_owned()));
        assert_eq!(whose("2"), Whose::Claimed("customers/wants".to_owned()));
        assert_eq!(whose("3"), Whose::Unmarked);
    }

    #[test]
    fn an_owner_is_orphaned_when_it_is_ours_and_no_service_is_theirs() {
        let known = known(&[service("alice", recorded("alice", "prod.customers.alice", false))]);
        let rows = [
            ("prod.customers.cust-alice", false),
            ("prod.cust-alice", false),
            ("prod.customers.cust-recorded", false),
            ("prod.customers.cust-gone", true),
            ("production.customers.cust-gone", false),
            ("17", false),
        ];
        for (key, orphaned) in rows {
            assert_eq!(known.is_orphaned_owner(key), orphaned, "{key}");
        }
    }

    #[test]
    fn the_place_of_an_orphan_is_in_its_mark_also_where_that_was_shortened() {
        let known = known(&[]);
        let place = |mark: &str| known.place_of(mark);
        assert_eq!(place("prod.customers.a.b"), Some(("customers".to_owned(), "a.b".to_owned())));
        let shortened = external_id("prod", "customers", &"a".repeat(200));
        let (namespace, name) = place(&shortened).unwrap();
        assert_eq!(external_id("prod", &namespace, &name), shortened);
        assert_eq!(place("4711"), None);
    }

    #[test]
    fn the_owner_in_a_key_is_told_only_where_the_key_is_of_that_namespace() {
        let known = known(&[]);
        let rows = [
            ("prod.customers.cust-1", OwnerScope::Namespace, Some("cust-1")),
            ("prod.shop.cust-1", OwnerScope::Namespace, None),
            ("prod.customers.x", OwnerScope::Installation, Some("customers.x")),
            ("17", OwnerScope::Installation, None),
        ];
        for (key, scope, owner) in rows {
            assert_eq!(known.owner_in(key, "customers", scope).as_deref(), owner, "{key}");
        }
    }
}
