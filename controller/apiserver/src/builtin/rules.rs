//! What the built-in kinds do beyond their schema.

use serde_json::{Value, json};

use crate::crd;
use crate::field::FieldError;
use crate::object::{self, set_field};
use crate::resource::{Family, Resource};

/// The most bytes a secret or config map may hold (`core.MaxSecretSize`).
const MAX_DATA: usize = 1024 * 1024;

/// Fills in what the server fills in on a create.
pub(crate) fn prepare_create(resource: &Resource, value: &mut Value) {
    match resource.family {
        Family::Namespace => {
            value["spec"] = json!({ "finalizers": ["kubernetes"] });
            value["status"] = json!({ "phase": "Active" });
        }
        Family::Definition => crd::prepare(value, None),
        _ => {}
    }
}

/// Fills in what the server fills in on an update, and restores what an update cannot change.
pub(crate) fn prepare_update(resource: &Resource, value: &mut Value, old: &Value) {
    match resource.family {
        Family::Namespace => set_field(value, "spec", old.get("spec").cloned()),
        Family::Definition => crd::prepare(value, Some(old)),
        _ => {}
    }
}

/// What the schema cannot say.
pub(crate) fn validate(resource: &Resource, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
    match resource.family {
        Family::Secret => {
            let mut errors = check_data(value, &["data"]);
            if let Some(old) = old {
                errors.extend(check_immutable(value, old, &["data"]));
                if old["type"] != value["type"] {
                    errors.push(FieldError::invalid("type", &value["type"], "field is immutable"));
                }
            }
            errors
        }
        Family::ConfigMap => {
            let mut errors = check_data(value, &["data", "binaryData"]);
            if let Some(old) = old {
                errors.extend(check_immutable(value, old, &["data", "binaryData"]));
            }
            errors
        }
        Family::CoreEvent | Family::Event => check_event(value),
        Family::Lease => check_lease(value),
        Family::Definition => crd::validate(value, old),
        Family::Custom | Family::Namespace => Vec::new(),
    }
}

fn check_data(value: &Value, fields: &[&str]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for field in fields {
        for (key, content) in value[*field].as_object().into_iter().flatten() {
            let at = format!("{field}[{key}]");
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if key.is_empty() || key.len() > 253 || !key.chars().all(fits) || key == "." || key == ".." {
                let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', \
                              or 'KEY_NAME', or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                errors.push(FieldError::invalid(&at, &json!(key), detail));
            }
            size += content.as_str().map_or(0, str::len);
        }
    }
    if let [first, second] = fields {
        for key in value[*second].as_object().into_iter().flatten().map(|(key, _)| key) {
            if value[*first].get(key).is_some() {
                errors.push(FieldError::invalid(first, &json!(key), &format!("duplicate of key present in {second}")));
            }
        }
    }
    if size > MAX_DATA {
        errors.push(FieldError::too_long("data", MAX_DATA as u64));
    }
    errors
}

fn check_immutable(value: &Value, old: &Value, fields: &[&str]) -> Vec<FieldError> {
    if old["immutable"] != json!(true) {
        return Vec::new();
    }
    let mut errors = Vec::new();
    if value["immutable"] != json!(true) {
        errors.push(FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in fields.iter().filter(|field| value[**field] != old[**field]) {
        errors.push(FieldError::forbidden(field, "field is immutable when `immutable` is set"));
    }
    errors
}

fn check_event(event: &Value) -> Vec<FieldError> {
    let (about, field) = match event.get("regarding") {
        Some(about) => (about, "regarding.namespace"),
        None => (&event["involvedObject"], "involvedObject.namespace"),
    };
    let namespace = object::namespace(event);
    let about = about["namespace"].as_str().unwrap_or_default();
    // Events about cluster-scoped objects live in `default`, as the validation of the real server has it.
    if about != namespace && !(about.is_empty() && namespace == "default") {
        return vec![FieldError::invalid(field, &json!(about), "does not match event.namespace")];
    }
    Vec::new()
}

fn check_lease(lease: &Value) -> Vec<FieldError> {
    let spec = &lease["spec"];
    let mut errors = Vec::new();
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        let value = &spec["leaseDurationSeconds"];
        errors.push(FieldError::invalid("spec.leaseDurationSeconds", value, "must be greater than 0"));
    }
    if spec["leaseTransitions"].as_i64().is_some_and(|count| count < 0) {
        let value = &spec["leaseTransitions"];
        errors.push(FieldError::invalid("spec.leaseTransitions", value, "must be greater than or equal to 0"));
    }
    errors
}
