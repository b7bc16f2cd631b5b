//! The form that typed objects take when Go writes them: empty maps, lists and texts are left out, some structs never are.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::crd;
use crate::object::{self, as_map};
use crate::resource::Family;

/// Fields that are left out when they are empty.
fn omitted(family: Family) -> &'static [&'static str] {
    match family {
        Family::ConfigMap => &["data", "binaryData"],
        Family::Secret => &["data", "stringData", "type"],
        _ => &[],
    }
}

/// Structs that are there even when nothing is in them.
fn always(family: Family) -> &'static [&'static str] {
    match family {
        Family::Namespace | Family::Definition => &["spec", "status"],
        Family::Lease => &["spec"],
        Family::CoreEvent => &["source"],
        Family::Event => &["deprecatedSource"],
        _ => &[],
    }
}

/// Brings an object into this form, with what is filled in when it is read.
pub(crate) fn shape(family: Family, value: &mut Value) {
    let map = as_map(value);
    for field in omitted(family) {
        let is_empty = match map.get(*field) {
            Some(Value::Object(found)) => found.is_empty(),
            Some(Value::Array(found)) => found.is_empty(),
            Some(Value::String(found)) => found.is_empty(),
            Some(Value::Null) => true,
            _ => false,
        };
        if is_empty {
            map.remove(*field);
        }
    }
    for field in always(family) {
        map.entry(*field).or_insert_with(|| json!({}));
    }
    if family == Family::Definition {
        as_map(map.entry("spec").or_insert_with(|| json!({}))).entry("names").or_insert_with(|| json!({}));
    }
}

/// Fills in what every reading of an object fills in.
pub(crate) fn default(family: Family, value: &mut Value) {
    match family {
        Family::Namespace => {
            label_with_name(value);
            as_map(as_map(value).entry("status").or_insert_with(|| json!({})))
                .entry("phase")
                .or_insert_with(|| json!("Active"));
        }
        Family::Secret => fill_secret(value),
        Family::Definition => crd::default(value),
        _ => {}
    }
}

fn label_with_name(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    if !name.is_empty() {
        object::set_at_path(namespace, ".metadata.labels", {
            let mut labels = object::meta(namespace, "labels").clone();
            as_map(&mut labels).insert("kubernetes.io/metadata.name".into(), json!(name));
            labels
        });
    }
}

fn fill_secret(secret: &mut Value) {
    if let Some(Value::Object(plain)) = as_map(secret).remove("stringData") {
        for (key, text) in plain {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text.as_str().unwrap_or_default());
            as_map(as_map(secret).entry("data").or_insert_with(|| json!({}))).insert(key, json!(encoded));
        }
    }
    let kind = as_map(secret).entry("type").or_insert_with(|| json!("Opaque"));
    if kind.as_str().is_none_or(str::is_empty) {
        *kind = json!("Opaque");
    }
}
