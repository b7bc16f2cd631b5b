//! What the server serves, as clients ask for it: group by group, or all at once (aggregated discovery).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::registry::Registry;
use crate::resource::{Family, Resource};

/// The media type of aggregated discovery, version 2.
const AGGREGATED: &str = "g=apidiscovery.k8s.io";

/// Whether the client understands everything in one answer, at whatever place of its list.
pub(crate) fn wants_aggregated(accept: &str) -> bool {
    accept.split(',').map(str::trim).any(|range| range.starts_with("application/json") && is_aggregated(range))
}

fn is_aggregated(range: &str) -> bool {
    range.contains(AGGREGATED) && range.contains("v=v2;") || range.contains(AGGREGATED) && range.ends_with("v=v2")
}

/// `/api`
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

/// `/apis`
pub(crate) fn groups(registry: &Registry) -> Value {
    let groups: Vec<Value> =
        named_groups(registry).iter().map(|(group, versions)| group_object(group, versions)).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// `/apis/GROUP`
pub(crate) fn group(registry: &Registry, group: &str) -> Option<Value> {
    let groups = named_groups(registry);
    let mut object = group_object(group, groups.get(group)?);
    object["kind"] = json!("APIGroup");
    object["apiVersion"] = json!("v1");
    Some(object)
}

fn named_groups(registry: &Registry) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = registry
        .groups()
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| (group.to_owned(), versions.into_iter().map(ToOwned::to_owned).collect()))
        .collect();
    groups.insert("authorization.k8s.io".to_owned(), vec!["v1".to_owned()]);
    groups
}

fn group_object(group: &str, versions: &[String]) -> Value {
    let entries: Vec<Value> = versions
        .iter()
        .map(|version| json!({ "groupVersion": format!("{group}/{version}"), "version": version }))
        .collect();
    json!({ "name": group, "versions": entries, "preferredVersion": entries.first() })
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub(crate) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let found = registry.of_version(group, version);
    let mut resources: Vec<Value> = found.iter().flat_map(entries).collect();
    resources.extend(access_reviews(group, version));
    if resources.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources }),
    )
}

/// `kubectl auth can-i` asks by creating one of these.
fn access_reviews(group: &str, version: &str) -> Option<Value> {
    (group == "authorization.k8s.io" && version == "v1").then(|| {
        json!({
            "name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": false,
            "kind": "SelfSubjectAccessReview", "verbs": ["create"],
        })
    })
}

fn verbs(resource: &Resource) -> Value {
    match resource.family {
        Family::Custom => json!(["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]),
        _ if !resource.deletes_collections() => json!(["create", "delete", "get", "list", "patch", "update", "watch"]),
        _ => json!(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
    }
}

fn entries(resource: &Arc<Resource>) -> Vec<Value> {
    let mut main = json!({
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": verbs(resource), "storageVersionHash": resource.storage_hash(),
    });
    if !resource.short_names.is_empty() {
        main["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        main["categories"] = json!(resource.categories);
    }
    let mut entries = vec![main];
    entries.extend(subresources(resource).into_iter().map(|(name, verbs)| {
        let mut entry = json!({
            "name": format!("{}/{name}", resource.plural), "singularName": "", "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": verbs,
        });
        if name == "scale" {
            entry["group"] = json!("autoscaling");
            entry["version"] = json!("v1");
            entry["kind"] = json!("Scale");
        }
        entry
    }));
    entries
}

/// The name and the verbs of each subresource.
fn subresources(resource: &Resource) -> Vec<(&'static str, &'static [&'static str])> {
    const VIEW: &[&str] = &["get", "patch", "update"];
    let all: [(bool, &str, &[&str]); 3] = [
        (resource.finalizes(), "finalize", &["update"]),
        (resource.status, "status", VIEW),
        (resource.scale.is_some(), "scale", VIEW),
    ];
    all.into_iter().filter(|(exists, ..)| *exists).map(|(_, name, verbs)| (name, verbs)).collect()
}

/// Everything below `/api` (the core group) or `/apis` (all others) in one answer.
pub(crate) fn aggregated(registry: &Registry, core: bool) -> Value {
    let groups: Vec<Value> = if core {
        vec![aggregated_group(registry, "", &["v1".to_owned()])]
    } else {
        named_groups(registry).iter().map(|(group, versions)| aggregated_group(registry, group, versions)).collect()
    };
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups })
}

fn aggregated_group(registry: &Registry, group: &str, versions: &[String]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            let mut resources: Vec<Value> =
                registry.of_version(group, version).iter().map(|resource| aggregated_resource(resource)).collect();
            if access_reviews(group, version).is_some() {
                resources.push(json!({
                    "resource": "selfsubjectaccessreviews", "singularResource": "selfsubjectaccessreview",
                    "responseKind": { "group": group, "version": version, "kind": "SelfSubjectAccessReview" },
                    "scope": "Cluster", "verbs": ["create"],
                }));
            }
            json!({ "version": version, "freshness": "Current", "resources": resources })
        })
        .collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
    json!({ "metadata": metadata, "versions": versions })
}

fn aggregated_resource(resource: &Resource) -> Value {
    // Of built-in kinds a real server says no group and version here: they are those of the list.
    let (group, version) =
        if resource.is_custom() { (resource.group.as_str(), resource.version.as_str()) } else { ("", "") };
    let kind = json!({ "group": group, "version": version, "kind": resource.kind });
    let mut entry = json!({
        "resource": resource.plural, "singularResource": resource.singular, "responseKind": kind,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "verbs": verbs(resource),
    });
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
    let scale = json!({ "group": "autoscaling", "version": "v1", "kind": "Scale" });
    let described = |(name, verbs)| {
        let kind = if name == "scale" { &scale } else { &kind };
        json!({ "subresource": name, "responseKind": kind, "verbs": verbs })
    };
    let subresources: Vec<Value> = subresources(resource).into_iter().map(described).collect();
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}

/// `/version`
pub(crate) fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": concat!("v1.36.0+hostwright-", env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
        "compiler": "rustc", "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}
