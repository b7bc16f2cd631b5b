//! What the server refuses in metadata, in the order of `k8s.io/apimachinery/pkg/api/validation/objectmeta.go`.

use serde_json::{Value, json};

use super::{names, owners};
use crate::field::FieldError;
use crate::object;

/// The most bytes all annotations of an object may have together (`TotalAnnotationSizeLimitB`).
const MAX_ANNOTATIONS: usize = 256 * 1024;

const STANDARD_FINALIZERS: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];

/// Which names a kind takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// RFC 1123 subdomains.
    Subdomains,
    /// RFC 1123 labels.
    Labels,
    /// Anything that can be a part of a path; what every kind is held to on an update.
    PathSegments,
}

impl Names {
    fn problems(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomains => names::dns_subdomain(name),
            Self::Labels => names::dns_label(name),
            Self::PathSegments if name == "." || name == ".." => vec![format!("may not be '{name}'")],
            Self::PathSegments => {
                let found = ["/", "%"].into_iter().filter(|part| name.contains(part));
                found.map(|part| format!("may not contain '{part}'")).collect()
            }
        }
    }
}

/// Checks metadata by itself.
pub(crate) fn validate(value: &Value, namespaced: bool, names: Names) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let base = object::meta_str(value, "generateName");
    if !base.is_empty() {
        // What is appended to the base makes a dash at its end fine.
        let masked = base.strip_suffix('-').filter(|rest| !rest.is_empty());
        let masked =
            masked.map(|rest| format!("{}a", &rest[..rest.len() - rest.chars().last().map_or(0, char::len_utf8)]));
        let problems = names.problems(masked.as_deref().unwrap_or(base));
        errors.extend(invalid("metadata.generateName", base, &problems));
    }
    let name = object::name(value);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(invalid("metadata.name", name, &names.problems(name)));
    }
    let namespace = object::namespace(value);
    match (namespaced, namespace.is_empty()) {
        (true, true) => errors.push(FieldError::required("metadata.namespace", "")),
        (true, false) => errors.extend(invalid("metadata.namespace", namespace, &names::dns_label(namespace))),
        (false, false) => errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type")),
        (false, true) => {}
    }
    if let Some(generation) = object::meta(value, "generation").as_i64().filter(|generation| *generation < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("metadata.generation", &json!(generation), detail));
    }
    errors.extend(check_labels(value));
    errors.extend(check_annotations(value));
    errors.extend(owners::check(value));
    errors.extend(check_finalizers(value));
    errors.extend(check_managers(value));
    errors
}

/// Checks what an update must not do to metadata.
pub(crate) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if object::is_deleting(old) {
        errors.extend(check_added_finalizers(new, old));
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (before, after) = (object::meta(old, field), object::meta(new, field));
        if before != after {
            errors.push(FieldError::invalid(&format!("metadata.{field}"), after, "field is immutable"));
        }
    }
    errors.extend(check_labels(new));
    errors.extend(check_annotations(new));
    errors.extend(owners::check(new));
    errors.extend(check_managers(new));
    errors
}

/// What built-in kinds ask of finalizers beyond their syntax.
pub(crate) fn check_qualified_finalizers(value: &Value) -> Vec<FieldError> {
    let odd = |name: &str| !name.contains('/') && !STANDARD_FINALIZERS.contains(&name);
    let finalizers = object::finalizers(value).into_iter().enumerate().filter(|(_, name)| odd(name));
    let refused = finalizers.map(|(index, name)| {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        FieldError::invalid(&format!("metadata.finalizers[{index}]"), &json!(name), detail)
    });
    refused.collect()
}

/// What custom resources are only warned of: new finalizers without a domain.
pub(crate) fn warn_of_finalizers(new: &Value, old: Option<&Value>) -> Vec<String> {
    let before = old.map(object::finalizers).unwrap_or_default();
    let mut added: Vec<&str> = object::finalizers(new).into_iter().filter(|name| !before.contains(name)).collect();
    added.sort_unstable();
    added.dedup();
    let odd = added.into_iter().filter(|name| !name.contains('/') && !STANDARD_FINALIZERS.contains(name));
    let warning = |name: &str| {
        let path = if name.contains('.') { " including a path (/)" } else { "" };
        format!(
            "metadata.finalizers: {name:?}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with \
             other finalizer writers"
        )
    };
    odd.map(warning).collect()
}

fn invalid(field: &str, value: &str, problems: &[String]) -> Vec<FieldError> {
    problems.iter().map(|problem| FieldError::invalid(field, &json!(value), problem)).collect()
}

fn check_labels(value: &Value) -> Vec<FieldError> {
    let check = |(key, value): (&str, &str)| {
        let mut errors = invalid("metadata.labels", key, &names::qualified_name(key));
        errors.extend(invalid("metadata.labels", value, &names::label_value(value)));
        errors
    };
    object::labels(value).flat_map(check).collect()
}

fn check_annotations(value: &Value) -> Vec<FieldError> {
    let annotations = object::meta(value, "annotations").as_object();
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        errors.extend(invalid("metadata.annotations", key, &names::qualified_name(&key.to_lowercase())));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATIONS as u64));
    }
    errors
}

fn check_finalizers(value: &Value) -> Vec<FieldError> {
    let finalizers = object::finalizers(value);
    let mut errors: Vec<FieldError> =
        finalizers.iter().flat_map(|name| invalid("metadata.finalizers", name, &names::qualified_name(name))).collect();
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid("metadata.finalizers", &json!(finalizers), detail));
    }
    errors
}

fn check_added_finalizers(new: &Value, old: &Value) -> Option<FieldError> {
    let before = object::finalizers(old);
    let mut added: Vec<&str> = object::finalizers(new).into_iter().filter(|one| !before.contains(one)).collect();
    added.sort_unstable();
    added.dedup();
    let listed = added.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
    );
    (!added.is_empty()).then(|| FieldError::forbidden("metadata.finalizers", &detail))
}

fn check_managers(value: &Value) -> Vec<FieldError> {
    let entries = object::meta(value, "managedFields").as_array();
    let mut errors = Vec::new();
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        let at = |field: &str| format!("metadata.managedFields[{index}].{field}");
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        if !matches!(text("operation"), "Apply" | "Update") {
            let detail = "must be `Apply` or `Update`";
            errors.push(FieldError::invalid(&at("operation"), &json!(text("operation")), detail));
        }
        if !matches!(text("fieldsType"), "" | "FieldsV1") {
            errors.push(FieldError::invalid(&at("fieldsType"), &json!(text("fieldsType")), "must be `FieldsV1`"));
        }
        errors.extend(check_manager(&at("manager"), text("manager")));
        if text("subresource").len() > 256 {
            errors.push(FieldError::too_long(&at("subresource"), 256));
        }
    }
    errors
}

/// A field manager is short and printable.
pub(crate) fn check_manager(path: &str, manager: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if manager.len() > 128 {
        errors.push(FieldError::too_long(path, 128));
    }
    for (at, c) in manager.char_indices().filter(|(_, c)| c.is_control()) {
        let detail = format!("invalid character U+{:04X} (at position {at})", c as u32);
        errors.push(FieldError::invalid(path, &json!(manager), &detail));
    }
    errors
}
