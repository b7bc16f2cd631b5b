//! What holds for every kind, so that a field added later cannot forget it.

#![cfg(test)]

use std::collections::BTreeSet;

use hostwright_crds::manifests;
use serde_json::{Value, json};

/// One place in a schema.
struct Node<'a> {
    /// `HostingService.spec.owner.id`; `[]` for the items of a list, `{}` for the values of a map.
    path: String,
    schema: &'a Value,
    is_property: bool,
}

fn walk<'a>(path: String, schema: &'a Value, is_property: bool, nodes: &mut Vec<Node<'a>>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(format!("{path}.{name}"), property, true, nodes);
    }
    for (child, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[child].is_object() {
            walk(format!("{path}{mark}"), &schema[child], false, nodes);
        }
    }
    nodes.push(Node { path, schema, is_property });
}

fn definitions() -> Vec<Value> {
    manifests::all().iter().map(|definition| serde_json::to_value(definition).unwrap()).collect()
}

fn root(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn nodes(definitions: &[Value]) -> Vec<Node<'_>> {
    let mut nodes = Vec::new();
    for definition in definitions {
        let kind = definition["spec"]["names"]["kind"].as_str().unwrap().to_owned();
        walk(kind, root(definition), true, &mut nodes);
    }
    assert!(nodes.len() > 100, "the walk finds the fields");
    nodes
}

/// A value whose form only a plugin knows.
fn is_opaque(node: &Node) -> bool {
    node.schema["x-kubernetes-preserve-unknown-fields"] == true
}

#[test]
fn every_field_has_a_description_of_its_own() {
    for node in nodes(&definitions()).iter().filter(|node| node.is_property) {
        let description = node.schema["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.') || description.contains(": "), "{}: {description:?}", node.path);
        assert!(!description.starts_with("Auto-generated"), "{}: {description:?}", node.path);
    }
}

#[test]
fn every_text_list_and_map_is_bounded() {
    for node in &nodes(&definitions()) {
        let schema = node.schema;
        let has = |key: &str| !schema[key].is_null();
        let bounded = match schema["type"].as_str() {
            Some("string") => has("maxLength") || has("enum") || schema["format"] == "date-time",
            Some("array") => has("maxItems") && has("items"),
            Some("object") => has("properties") || has("maxProperties"),
            Some("integer" | "boolean") => true,
            // A number, or a text.
            None if schema["x-kubernetes-int-or-string"] == true => has("maxLength"),
            // Any JSON value; the plugin contract bounds it to 4 KiB.
            None => is_opaque(node),
            Some(other) => panic!("{}: type {other}", node.path),
        };
        assert!(bounded, "{}: {schema}", node.path);
    }
}

#[test]
fn integers_are_32_or_64_bits_wide() {
    for node in nodes(&definitions()).iter().filter(|node| node.schema["type"] == "integer") {
        assert!(["int32", "int64"].map(|format| json!(format)).contains(&node.schema["format"]), "{}", node.path);
    }
}

#[test]
fn rules_see_only_bounded_fields_with_a_schema() {
    let definitions = definitions();
    let nodes = nodes(&definitions);
    let rules: Vec<_> = nodes.iter().filter(|node| !node.schema["x-kubernetes-validations"].is_null()).collect();
    assert!(rules.len() >= 5, "immutability is stated in rules");
    for node in rules {
        let opaque = nodes.iter().filter(|other| other.path.starts_with(&node.path) && is_opaque(other));
        let below: Vec<&str> = opaque.map(|other| named_path(&other.path[node.path.len()..])).collect();
        for rule in node.schema["x-kubernetes-validations"].as_array().unwrap() {
            // A rule knows no field without a schema.
            let text = rule["rule"].as_str().unwrap();
            let seen = below.iter().find(|path| path.is_empty() || text.contains(**path));
            assert!(seen.is_none(), "{}: {text} looks into {seen:?}", node.path);
            let said = |key: &str| rule[key].as_str().is_some_and(|message| !message.is_empty());
            assert!(said("message") || said("messageExpression"), "{}: message", node.path);
        }
    }
}

/// `.spec.checkout` of `.spec.checkout{}.a`; nothing for the place itself.
fn named_path(path: &str) -> &str {
    path.split(['[', '{']).next().unwrap_or_default()
}

#[test]
fn every_kind_has_its_category_short_name_and_columns() {
    let short_names: Vec<_> = definitions()
        .iter()
        .map(|definition| {
            let names = &definition["spec"]["names"];
            assert_eq!(names["categories"], json!(["hostwright"]));
            let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap();
            for name in ["Ready", "Reason", "Age"] {
                assert!(columns.iter().any(|column| column["name"] == name), "{}: {name}", names["kind"]);
            }
            for column in columns.iter().filter(|column| column["type"] == "date") {
                assert_eq!(column["jsonPath"], ".metadata.creationTimestamp", "a future date prints <invalid>");
            }
            format!("{} {}", names["kind"].as_str().unwrap(), names["shortNames"][0].as_str().unwrap())
        })
        .collect();
    assert_eq!(short_names, ["HostingService hsvc", "Package hpkg", "Plugin hplug", "ProviderInstance hinst"]);
}

#[test]
fn a_new_object_is_in_progress_for_kstatus_without_a_write() {
    for definition in definitions() {
        let status = &root(&definition)["properties"]["status"];
        assert_eq!(status["default"], json!({"observedGeneration": -1}), "{}", definition["metadata"]["name"]);
        assert_eq!(status["properties"]["observedGeneration"]["format"], "int64");
        assert_eq!(definition["spec"]["versions"][0]["subresources"]["status"], json!({}));
    }
}

#[test]
fn conditions_merge_by_type() {
    let definitions = definitions();
    let nodes = nodes(&definitions);
    let conditions: Vec<_> = nodes.iter().filter(|node| node.path.ends_with(".status.conditions")).collect();
    assert_eq!(conditions.len(), definitions.len());
    for node in conditions {
        assert_eq!(node.schema["x-kubernetes-list-type"], "map", "{}", node.path);
        assert_eq!(node.schema["x-kubernetes-list-map-keys"], json!(["type"]), "{}", node.path);
    }
}

/// Merge patches, client-side apply and overlays replace a list of a custom resource as a whole, so a list has one writer.
#[test]
fn what_several_writers_share_is_a_map() {
    let definitions = definitions();
    let nodes = nodes(&definitions);
    let lists = nodes.iter().filter(|node| node.schema["type"] == "array" && !node.path.ends_with(".conditions"));
    let mut in_specs = BTreeSet::new();
    for list in lists {
        assert_eq!(
            list.schema["x-kubernetes-list-type"], "atomic",
            "{}: a list says that it has one writer",
            list.path
        );
        if list.path.contains(".spec.") {
            in_specs.insert(list.path.rsplit('.').next().unwrap());
        }
    }
    let of_one_writer =
        ["allowedDeletionPolicies", "default", "matchExpressions", "options", "scalableTo", "selections{}", "values"];
    assert_eq!(in_specs, BTreeSet::from(of_one_writer));
    for map in ["HostingService.spec.suspensions", "ProviderInstance.spec.configFrom"] {
        let node = nodes.iter().find(|node| node.path == map).unwrap();
        assert!(node.schema["additionalProperties"].is_object(), "{map}");
    }
}
