//! The annotation in which kubectl's client-side apply remembers what it sent.

use serde_json::{Value, json};

use crate::object::{self, as_map, meta, set_meta};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What client-side apply sent last, in this version.
pub(super) fn read(object: &Value, api_version: &str) -> Option<Value> {
    let text = meta(object, "annotations").get(ANNOTATION)?.as_str()?;
    let last: Value = serde_json::from_str(text).ok()?;
    (last["apiVersion"] == json!(api_version)).then_some(last)
}

/// Keeps the annotation of an object in step with a server-side apply of kubectl, so that both ways can be mixed.
pub(crate) fn refresh(object: &mut Value, config: &Value, manager: &str) {
    let known =
        meta(object, "annotations").get(ANNOTATION).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if manager != "kubectl" || !known {
        return;
    }
    let mut config = config.clone();
    let annotations = object::meta(&config, "annotations").clone();
    if !annotations.is_null() {
        let mut annotations = annotations;
        as_map(&mut annotations).remove(ANNOTATION);
        set_meta(&mut config, "annotations", annotations);
    }
    let mut annotations = meta(object, "annotations").clone();
    as_map(&mut annotations).insert(ANNOTATION.to_owned(), json!(format!("{config}\n")));
    set_meta(object, "annotations", annotations);
}
