//! Schemas of the built-in kinds, generated from the types of `k8s-openapi`, with the merge rules those types lack.

use std::sync::LazyLock;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event as CoreEvent, Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

pub(super) fn namespace() -> Value {
    let mut schema = generated::<Namespace>();
    merge_by_type(&mut schema, "/properties/status/properties/conditions");
    schema
}

pub(super) fn secret() -> Value {
    generated::<Secret>()
}

pub(super) fn config_map() -> Value {
    generated::<ConfigMap>()
}

pub(super) fn core_event() -> Value {
    let mut schema = generated::<CoreEvent>();
    atomic(&mut schema, &["/properties/involvedObject", "/properties/related"]);
    schema
}

pub(super) fn event() -> Value {
    let mut schema = generated::<Event>();
    atomic(&mut schema, &["/properties/regarding", "/properties/related"]);
    schema
}

pub(super) fn lease() -> Value {
    generated::<Lease>()
}

pub(super) fn definition() -> Value {
    let mut schema = generated::<CustomResourceDefinition>();
    merge_by_type(&mut schema, "/properties/status/properties/conditions");
    // Schemas contain schemas; `crd` checks what is inside.
    let open = "/properties/spec/properties/versions/items/properties/schema/properties/openAPIV3Schema";
    if let Some(node) = schema.pointer_mut(open) {
        let description = node.get("description").cloned().unwrap_or_default();
        *node = json!({
            "type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": true,
            "x-kubernetes-map-type": "atomic",
        });
    }
    schema
}

fn merge_by_type(schema: &mut Value, path: &str) {
    if let Some(list) = schema.pointer_mut(path) {
        list["x-kubernetes-list-type"] = json!("map");
        list["x-kubernetes-list-map-keys"] = json!(["type"]);
        list["x-kubernetes-patch-merge-key"] = json!("type");
    }
}

fn atomic(schema: &mut Value, paths: &[&str]) {
    for path in paths {
        if let Some(node) = schema.pointer_mut(path) {
            node["x-kubernetes-map-type"] = json!("atomic");
        }
    }
}

/// What the schema of a kind says about a field, `spec.holderIdentity`.
pub(crate) fn description(schema: &Value, field: &str) -> String {
    let pointer = format!("/properties/{}/description", field.replace('.', "/properties/"));
    schema.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What is said about a field that every object has.
pub(crate) fn metadata_description(field: &str) -> String {
    description(metadata_schema(), field)
}

/// What is said about `apiVersion` and `kind`.
pub(crate) fn type_description(field: &str) -> String {
    static ANY: LazyLock<Value> = LazyLock::new(generated::<Namespace>);
    description(&ANY, field)
}

/// The fields that every object has, with how they are merged.
pub(crate) fn metadata_schema() -> &'static Value {
    static METADATA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = generated::<ObjectMeta>();
        let fields = &mut schema["properties"];
        fields["finalizers"]["x-kubernetes-list-type"] = json!("set");
        fields["finalizers"]["x-kubernetes-patch-strategy"] = json!("merge");
        fields["ownerReferences"]["x-kubernetes-list-type"] = json!("map");
        fields["ownerReferences"]["x-kubernetes-list-map-keys"] = json!(["uid"]);
        fields["ownerReferences"]["x-kubernetes-patch-merge-key"] = json!("uid");
        fields["ownerReferences"]["x-kubernetes-patch-strategy"] = json!("merge");
        schema
    });
    &METADATA
}

fn generated<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    structural(&schema)
}

/// Keeps what a structural schema may hold; a reference, which only recursive types have, becomes an open object.
fn structural(node: &Value) -> Value {
    let Some(map) = node.as_object() else {
        return json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    };
    let mut out = Map::new();
    for name in ["description", "format", "enum", "nullable"] {
        if let Some(value) = map.get(name) {
            out.insert(name.to_owned(), value.clone());
        }
    }
    match map.get("type") {
        Some(Value::String(name)) => {
            out.insert("type".to_owned(), json!(name));
        }
        Some(Value::Array(names)) => {
            let mut names: Vec<&str> = names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            names.sort_unstable();
            match names.as_slice() {
                [one] => out.insert("type".to_owned(), json!(one)),
                ["integer", "string"] => out.insert("x-kubernetes-int-or-string".to_owned(), json!(true)),
                _ => None,
            };
        }
        _ => {}
    }
    if map.get("x-kubernetes-int-or-string").is_some() {
        out.insert("x-kubernetes-int-or-string".to_owned(), json!(true));
    }
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        let properties = properties.iter().map(|(name, schema)| (name.clone(), structural(schema)));
        out.insert("properties".to_owned(), Value::Object(properties.collect()));
        if let Some(required) = map.get("required") {
            out.insert("required".to_owned(), required.clone());
        }
    }
    for name in ["items", "additionalProperties"] {
        if let Some(child) = map.get(name).filter(|child| child.is_object()) {
            out.insert(name.to_owned(), structural(child));
        }
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        if let Some([one]) = map.get(name).and_then(Value::as_array).map(Vec::as_slice)
            && let Value::Object(inner) = structural(one)
        {
            for (name, value) in inner {
                out.entry(name).or_insert(value);
            }
        }
    }
    if !out.contains_key("type") && !out.contains_key("x-kubernetes-int-or-string") {
        out.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
    }
    Value::Object(out)
}
