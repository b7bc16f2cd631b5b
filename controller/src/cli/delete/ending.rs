//! Which remotes end with the objects that are deleted.

use kube::api::{DynamicObject, ListParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use super::super::cluster::answer;
use super::super::failure::Failure;
use super::super::kinds::Kinds;
use super::super::remote::Remote;
use super::Doomed;

/// A line for each: services themselves, those of a namespace, and all where the definition of their kind goes.
pub(super) async fn with(client: &Client, kinds: &Kinds, doomed: &[Doomed]) -> Result<Vec<String>, Failure> {
    let Ok(services) = kinds.services() else { return Ok(Vec::new()) };
    let mut ended: Vec<DynamicObject> = Vec::new();
    for one in doomed {
        let name = one.object.name_any();
        let found = match one.kind.resource.kind.as_str() {
            "HostingService" => vec![one.object.clone()],
            "Namespace" => answer(services.api(client, &name).list(&ListParams::default())).await?.items,
            "CustomResourceDefinition" if name == services.name() => {
                let all = kube::Api::all_with(client.clone(), &services.resource);
                answer(all.list(&ListParams::default())).await?.items
            }
            _ => Vec::new(),
        };
        for service in found {
            if !ended.iter().any(|known| known.uid() == service.uid()) {
                ended.push(service);
            }
        }
    }
    Ok(ended.iter().filter_map(ending).collect())
}

/// What ends with a service; None where nothing does.
fn ending(service: &DynamicObject) -> Option<String> {
    let text = |pointer: &str| service.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let remote = Remote::of(service).filter(|_| text("/spec/deletionPolicy") != "Retain")?;
    let what = if remote.id.is_empty() { "whatever was made".to_owned() } else { format!("remote {}", remote.id) };
    let (owner, person) = (text("/spec/owner/id"), text("/spec/owner/name"));
    Some(format!("{}/{}: {what} on {}, of {owner} ({person})", remote.namespace, remote.name, remote.instance))
}

#[cfg(test)]
mod tests {
    use hostwright_crds::annotation;
    use serde_json::json;

    use super::*;

    fn service(change: impl FnOnce(&mut Value)) -> Option<String> {
        let record = r#"{"externalId":"p.c.alice","for":"customers/alice","uid":"1","instance":"panel-eu","remoteIdentity":"x","owner":"o"}"#;
        let mut object = json!({
            "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
            "metadata": {"name": "alice", "namespace": "customers", "annotations": {annotation::IDENTITY: record}},
            "spec": {"owner": {"id": "cust-1", "name": "Alice"}}, "status": {"remote": {"id": "12"}},
        });
        change(&mut object);
        ending(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn only_what_has_a_remote_and_does_not_retain_it_ends() {
        assert_eq!(service(|_| {}).unwrap(), "customers/alice: remote 12 on panel-eu, of cust-1 (Alice)");
        assert_eq!(service(|object| object["spec"]["deletionPolicy"] = json!("Retain")), None);
        let ended = r#"{"externalId":"p","for":"customers/alice","uid":"1","instance":"e","remoteIdentity":"x","owner":"o","ended":"t"}"#;
        assert_eq!(service(|object| object["metadata"]["annotations"][annotation::IDENTITY] = json!(ended)), None);
        let unknown = service(|object| object["status"] = json!({})).unwrap();
        assert!(unknown.contains("whatever was made on panel-eu"), "{unknown}");
        let none = |object: &mut Value| {
            object["metadata"]["annotations"] = json!({});
            object["status"] = json!({});
        };
        assert_eq!(service(none), None);
    }
}
