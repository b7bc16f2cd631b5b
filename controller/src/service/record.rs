//! Which remote belongs to a service: names, the identity record, and whether to believe it. Pure.

use hostwright_crds::{HostingService, HostingServiceStatus, Identity, OwnerScope, Package, Verb, annotation};
use kube::ResourceExt as _;

use super::{digest, due};
use crate::providers::Runtime;

/// The longest external id, in bytes.
const EXTERNAL_ID_BYTES: usize = 120;

/// What the annotation on a service says, and whether it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// There is none: no remote call was ever made for this object.
    None,
    /// Written for this object.
    Ours(Identity),
    /// Written for an object of this name with another UID: a backup was restored, or the object was made anew.
    Restored(Identity),
    /// Written for an object of another name: a copied manifest. Not believed.
    Copied(Identity),
    /// It cannot be read, and why.
    Unreadable(String),
}

impl Record {
    /// Reads the annotation of a service.
    pub fn of(service: &HostingService) -> Self {
        let Some(text) = service.annotations().get(annotation::IDENTITY) else {
            return Self::None;
        };
        match Identity::parse(text) {
            Err(error) => Self::Unreadable(error.to_string()),
            Ok(identity) if identity.for_object != name_of(service) => Self::Copied(identity),
            Ok(identity) if Some(identity.uid.as_str()) != service.metadata.uid.as_deref() => Self::Restored(identity),
            Ok(identity) => Self::Ours(identity),
        }
    }

    /// The record, where it is believed.
    pub fn believed(&self) -> Option<&Identity> {
        match self {
            Self::Ours(identity) | Self::Restored(identity) => Some(identity),
            Self::None | Self::Copied(_) | Self::Unreadable(_) => None,
        }
    }
}

/// The record of an object that has none.
pub fn derived(
    service: &HostingService,
    installation: &str,
    package: Option<&Package>,
    runtime: Option<&Runtime>,
) -> Identity {
    let (namespace, name) = (service.namespace().unwrap_or_default(), service.name_any());
    let scope = runtime.map(|runtime| runtime.spec.owner_scope).unwrap_or_default();
    let instance = package.map(|package| package.spec.provider_instance_ref.name.clone());
    Identity {
        external_id: external_id(installation, &namespace, &name),
        for_object: name_of(service),
        uid: service.uid().unwrap_or_default(),
        instance: instance.unwrap_or_default(),
        remote_identity: runtime.map(|runtime| runtime.identity.clone()).unwrap_or_default(),
        owner: owner_key(installation, &namespace, &service.spec.owner.id, scope),
        package: package.map(kube::ResourceExt::name_any),
        paid_until: due::paid_until(service).map(|until| until.to_string()),
        changed_to: None,
        ended: None,
        carried: None,
    }
}

/// Whether an order is for another package than those that the record of the service holds a unit of.
pub fn changes_package(identity: &Identity, status: &HostingServiceStatus, ordered: &str) -> bool {
    let applied = status.last_applied.as_ref().map(|last| &last.package).or(identity.package.as_ref());
    applied.is_some_and(|applied| applied != ordered) && identity.changed_to.as_deref() != Some(ordered)
}

/// Whether a change of package is over: applied, or not wanted any more and nothing of it under way.
pub fn has_changed(identity: &Identity, service: &HostingService, status: &HostingServiceStatus) -> bool {
    let Some(next) = &identity.changed_to else { return false };
    let applied = status.last_applied.as_ref().is_some_and(|last| last.package == *next);
    let under_way =
        status.operation.as_ref().is_some_and(|operation| matches!(operation.verb, Verb::Scale | Verb::Create));
    applied || (service.spec.package_ref.name != *next && !under_way)
}

/// The record without what counted for a while only.
pub fn up_to_date(identity: Identity, service: &HostingService, status: &HostingServiceStatus) -> Identity {
    let over = has_changed(&identity, service, status);
    let applied = status.last_applied.as_ref().map(|last| last.package.clone());
    Identity {
        carried: None,
        package: applied.filter(|_| over).or_else(|| identity.package.clone()),
        changed_to: identity.changed_to.clone().filter(|_| !over),
        ..identity
    }
}

/// The id of the remote that a service is to take over in place of making one, until it has its remote.
pub fn adopts<'a>(service: &'a HostingService, status: Option<&HostingServiceStatus>) -> Option<&'a str> {
    let has_remote = status.is_some_and(|status| status.remote.is_some() || status.last_applied.is_some());
    let adopt = service.spec.adopt.as_ref().filter(|_| !has_remote);
    adopt.map(|adopt| adopt.remote_id.as_str())
}

/// `namespace/name` of a service.
pub fn name_of(service: &HostingService) -> String {
    format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any())
}

/// The id of a service at its provider: `<installation>.<namespace>.<name>`, the tail hashed where that is longer than 120
/// bytes. Neither an installation nor a namespace contains a dot, so different services never share one.
pub fn external_id(installation: &str, namespace: &str, name: &str) -> String {
    let full = format!("{installation}.{namespace}.{name}");
    if full.len() <= EXTERNAL_ID_BYTES {
        return full;
    }
    let tail = digest::of(&[&full]);
    let head = &full[..EXTERNAL_ID_BYTES - tail.len() - 1];
    format!("{}-{tail}", head.trim_end_matches(['.', '-']))
}

/// The mark on the remote user.
pub fn owner_key(installation: &str, namespace: &str, owner: &str, scope: OwnerScope) -> String {
    match scope {
        OwnerScope::Namespace => format!("{installation}.{namespace}.{owner}"),
        OwnerScope::Installation => format!("{installation}.{owner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, uid: &str, record: Option<&str>) -> HostingService {
        let mut service = HostingService::default();
        service.metadata.name = Some(name.into());
        service.metadata.namespace = Some("customers".into());
        service.metadata.uid = Some(uid.into());
        if let Some(text) = record {
            service.annotations_mut().insert(annotation::IDENTITY.into(), text.into());
        }
        service
    }

    fn identity(name: &str, uid: &str) -> Identity {
        Identity {
            external_id: format!("prod.customers.{name}"),
            for_object: format!("customers/{name}"),
            uid: uid.into(),
            instance: "panel".into(),
            remote_identity: "p1".into(),
            owner: "prod.customers.cust-1".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        }
    }

    #[test]
    fn a_record_is_believed_only_for_the_name_it_was_written_for() {
        let alice = identity("alice", "uid-1");
        let text = alice.to_text();
        assert_eq!(Record::of(&service("alice", "uid-1", None)), Record::None);
        assert_eq!(Record::of(&service("alice", "uid-1", Some(&text))), Record::Ours(alice.clone()));
        assert_eq!(Record::of(&service("alice", "uid-2", Some(&text))), Record::Restored(alice.clone()));
        assert_eq!(Record::of(&service("bob", "uid-3", Some(&text))), Record::Copied(alice));
        assert!(matches!(Record::of(&service("bob", "uid-3", Some("{"))), Record::Unreadable(_)));
    }

    #[test]
    fn long_names_keep_their_external_ids_apart_and_short() {
        assert_eq!(external_id("prod-eu", "customers", "alice"), "prod-eu.customers.alice");
        let long = "a".repeat(200);
        let one = external_id("prod", "customers", &format!("{long}1"));
        let other = external_id("prod", "customers", &format!("{long}2"));
        assert_ne!(one, other);
        assert!(one.len() <= EXTERNAL_ID_BYTES && one.starts_with("prod.customers.aaa"), "{one}");
    }

    #[test]
    fn one_owner_id_in_two_namespaces_is_two_owners_unless_the_instance_says_otherwise() {
        let key = |namespace, scope| owner_key("prod", namespace, "cust-1", scope);
        assert_ne!(key("a", OwnerScope::Namespace), key("b", OwnerScope::Namespace));
        assert_eq!(key("a", OwnerScope::Installation), key("b", OwnerScope::Installation));
    }
}
