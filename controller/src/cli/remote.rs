//! The server of a service at its provider, as the object knows it.

use hostwright_crds::{Identity, annotation};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::{Value, json};

/// A server that is, or may be, at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) namespace: String,
    /// Name of the service.
    pub(super) name: String,
    pub(super) instance: String,
    /// The provider's id; empty while nobody knows it.
    pub(super) id: String,
    pub(super) external_id: String,
    /// The service is being deleted.
    pub(super) deleted: bool,
}

impl Remote {
    pub(super) const HEADERS: [&str; 6] = ["NAMESPACE", "NAME", "INSTANCE", "REMOTE-ID", "EXTERNAL-ID", "NOTE"];

    /// The remote of a service; None where there certainly is none.
    pub(super) fn of(service: &DynamicObject) -> Option<Self> {
        let text = |pointer: &str| service.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any());
        let record = service.annotations().get(annotation::IDENTITY).and_then(|record| Identity::parse(record).ok());
        // A record that was copied from another object says nothing of this one.
        let record = record.filter(|record| record.for_object == name);
        let id = text("/status/remote/id");
        let has_ended = record.as_ref().is_some_and(|record| record.ended.is_some());
        if has_ended || (id.is_empty() && (record.is_none() || was_refused(service))) {
            return None;
        }
        let status = (text("/status/providerInstance"), text("/status/externalId"));
        let (instance, external_id) = record.map_or(status, |record| (record.instance, record.external_id));
        Some(Self {
            namespace: service.namespace().unwrap_or_default(),
            name: service.name_any(),
            instance,
            id,
            external_id,
            deleted: service.metadata.deletion_timestamp.is_some(),
        })
    }

    pub(super) fn cells(&self) -> [&str; 6] {
        let note = match (self.deleted, self.id.is_empty()) {
            (true, _) => "was being deleted",
            (false, true) => "not known whether it was made",
            (false, false) => "",
        };
        [&self.namespace, &self.name, &self.instance, &self.id, &self.external_id, note]
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { namespace, name, instance, id, external_id, deleted } = self;
        json!({
            "namespace": namespace, "name": name, "instance": instance, "remoteId": id, "externalId": external_id,
            "deleted": deleted,
        })
    }
}

/// Whether the provider refused every create that it was asked for.
fn was_refused(service: &DynamicObject) -> bool {
    let operation = &service.data["status"]["operation"];
    operation["verb"] == "Create" && operation["outcome"] == "Refused" && operation["unansweredAt"].is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(change: impl FnOnce(&mut Value)) -> Option<Remote> {
        let record = Identity {
            external_id: "prod.customers.alice".into(),
            for_object: "customers/alice".into(),
            uid: "1".into(),
            instance: "panel-eu".into(),
            remote_identity: "x".into(),
            owner: "o".into(),
            ended: None,
            carried: None,
            package: None,
            paid_until: None,
            changed_to: None,
        };
        let mut object = json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": "alice", "namespace": "customers", "annotations": {annotation::IDENTITY: record.to_text()}},
            "spec": {}, "status": {"remote": {"id": "12"}},
        });
        change(&mut object);
        Remote::of(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_service_has_a_server_unless_that_certainly_ended_or_never_was() {
        let record = |object: &mut Value, key: &str, value: &str| {
            let mut record: Value =
                serde_json::from_str(object["metadata"]["annotations"][annotation::IDENTITY].as_str().unwrap())
                    .unwrap();
            record[key] = json!(value);
            object["metadata"]["annotations"][annotation::IDENTITY] = json!(record.to_string());
        };
        let alice = service(|_| {}).unwrap();
        assert_eq!(alice.cells(), ["customers", "alice", "panel-eu", "12", "prod.customers.alice", ""]);
        assert_eq!(service(|object| record(object, "ended", "then")), None);
        assert!(service(|object| object["status"] = json!({})).unwrap().cells()[5].contains("not known"));
        let refused = |more: Value| {
            service(move |object| {
                object["status"] = json!({"operation": {"verb": "Create", "outcome": "Refused"}});
                object["status"]["operation"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            })
        };
        assert_eq!(refused(json!({})), None);
        assert!(
            refused(json!({"unansweredAt": "2026-01-01T00:00:00Z"})).is_some(),
            "an earlier attempt may have landed"
        );
        let copied = |object: &mut Value| {
            record(object, "for", "customers/bob");
            object["status"] = json!({});
        };
        assert_eq!(service(copied), None);
        let unrecorded = |object: &mut Value| object["metadata"]["annotations"] = json!({});
        assert_eq!(service(unrecorded).unwrap().id, "12");
    }
}
