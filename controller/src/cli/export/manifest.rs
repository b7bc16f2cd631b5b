//! An object as a manifest: what people wrote, and nothing that only the server it comes from knows. Pure.

use hostwright_crds::annotation;
use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

/// Annotations that do not go along: what kubectl or a folder applied here, and what a person allowed once.
const LEFT: [&str; 5] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    annotation::APPLIED_FROM,
    annotation::RELEASE_ENDINGS,
    annotation::RELEASE_SUSPENSIONS,
    annotation::RESOLVE_CREATE,
];

/// What follows from where an object is, and is the same everywhere.
const IMPLIED_LABEL: &str = "kubernetes.io/metadata.name";

/// The manifest of an object: kind, name, labels, annotations, and these parts of it.
pub(super) fn of(version: &str, kind: &str, object: &DynamicObject, parts: &[&str]) -> Value {
    let metadata = &object.metadata;
    let mut kept = Map::new();
    for (key, value) in [("name", &metadata.name), ("namespace", &metadata.namespace)] {
        if let Some(value) = value {
            kept.insert(key.to_owned(), json!(value));
        }
    }
    let labels: Map<String, Value> = pairs(metadata.labels.as_ref(), &[IMPLIED_LABEL]);
    let annotations = pairs(metadata.annotations.as_ref(), &LEFT);
    for (key, map) in [("labels", labels), ("annotations", annotations)] {
        if !map.is_empty() {
            kept.insert(key.to_owned(), Value::Object(map));
        }
    }
    let mut manifest = json!({"apiVersion": version, "kind": kind, "metadata": kept});
    for part in parts {
        if let Some(value) = object.data.get(*part).filter(|value| !value.is_null()) {
            manifest[*part] = value.clone();
        }
    }
    manifest
}

fn pairs(map: Option<&std::collections::BTreeMap<String, String>>, left: &[&str]) -> Map<String, Value> {
    let kept = map.into_iter().flatten().filter(|(key, _)| !left.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), json!(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_nothing_that_only_its_server_knows() {
        let object = json!({
            "metadata": {
                "name": "alice", "namespace": "customers", "uid": "1", "resourceVersion": "7", "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["hostwright.dev/finalizer"],
                "managedFields": [{"manager": "kubectl"}], "labels": {"tier": "gold"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "2"}],
                "annotations": {
                    "hostwright.dev/accept-diff": "hash", "hostwright.dev/release-endings": "312",
                    "hostwright.dev/resolve-create": "absent", "hostwright.dev/applied-from": "/etc/hostwright/manifests",
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                },
            },
            "spec": {"desiredStatus": "Active"}, "status": {"phase": "Active"},
        });
        let manifest =
            of("hostwright.dev/v1alpha1", "HostingService", &serde_json::from_value(object).unwrap(), &["spec"]);
        assert_eq!(
            manifest,
            json!({
                "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
                "metadata": {
                    "name": "alice", "namespace": "customers", "labels": {"tier": "gold"},
                    "annotations": {"hostwright.dev/accept-diff": "hash"},
                },
                "spec": {"desiredStatus": "Active"},
            })
        );
    }
}
