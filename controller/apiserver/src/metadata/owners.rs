//! Owner references.

use serde_json::{Value, json};

use crate::field::FieldError;
use crate::object;

const PATH: &str = "metadata.ownerReferences";
/// The fields in the order in which the real server prints them.
pub(super) const FIELDS: [&str; 6] = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];

pub(super) fn check(value: &Value) -> Vec<FieldError> {
    let owners = object::meta(value, "ownerReferences").as_array().map(Vec::as_slice).unwrap_or_default();
    let mut errors = Vec::new();
    let mut controller: Option<String> = None;
    for owner in owners {
        check_one(owner, &mut errors);
        if owner["controller"] != json!(true) {
            continue;
        }
        let text = |field: &str| owner[field].as_str().unwrap_or_default();
        let name = format!("{}/{}", text("kind"), text("name"));
        match &controller {
            None => controller = Some(name),
            Some(first) => {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                );
                let all = owners.iter().map(shown).collect::<Vec<_>>().join(",");
                errors.push(FieldError::invalid_shown(PATH, &format!("[{all}]"), &detail));
            }
        }
    }
    errors
}

fn check_one(owner: &Value, errors: &mut Vec<FieldError>) {
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let mut refuse = |field: &str, detail: &str| {
        errors.push(FieldError::invalid(&format!("{PATH}.{field}"), &json!(text(field)), detail));
    };
    if version.is_empty() || version.matches('/').count() > 1 {
        refuse("apiVersion", "version must not be empty");
    }
    for field in ["kind", "name", "uid"].into_iter().filter(|field| text(field).is_empty()) {
        refuse(field, "must not be empty");
    }
    if version == "v1" && kind == "Event" {
        let detail = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(FieldError::invalid_shown(PATH, &shown(owner), detail));
    }
}

fn shown(owner: &Value) -> String {
    let fields = FIELDS.iter().filter_map(|field| Some(format!("{field:?}:{}", owner.get(field)?)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// Keeps the first of equal references, and says whose were dropped.
pub(crate) fn drop_duplicate_owners(value: &mut Value, admitted: bool, warnings: &mut Vec<String>) {
    let Some(owners) = object::meta(value, "ownerReferences").as_array() else {
        return;
    };
    let mut kept: Vec<Value> = Vec::new();
    let mut dropped: Vec<&str> = Vec::new();
    for owner in owners {
        if kept.contains(owner) {
            dropped.push(owner["uid"].as_str().unwrap_or_default());
        } else {
            kept.push(owner.clone());
        }
    }
    if dropped.is_empty() {
        return;
    }
    let when = if admitted { " after mutating admission happens" } else { "" };
    warnings.push(format!(
        ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, and may reject \
         such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
        dropped.join(", ")
    ));
    object::set_meta(value, "ownerReferences", json!(kept));
}
