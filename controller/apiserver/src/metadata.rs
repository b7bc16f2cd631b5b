//! `ObjectMeta`: its fields, their syntax, and what an update may change.

use rand::RngExt as _;
use serde_json::{Value, json};

use crate::field::FieldError;
use crate::object;

/// The most bytes all annotations of an object may have together (`TotalAnnotationSizeLimitB`).
const MAX_ANNOTATIONS: usize = 256 * 1024;

const FIELDS: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// Removes what is no field of metadata and says where something has the wrong type.
pub(crate) fn normalise(value: &mut Value, unknown: &mut Vec<String>) -> Result<(), String> {
    let metadata = object::metadata_mut(value);
    metadata.retain(|name, value| {
        let known = FIELDS.contains(&name.as_str());
        if !known {
            unknown.push(format!("metadata.{name}"));
        }
        known && !value.is_null()
    });
    for (name, value) in metadata.iter() {
        let wanted = match name.as_str() {
            "labels" | "annotations" => ("map of strings", is_string_map(value)),
            "finalizers" => ("list of strings", value.as_array().is_some_and(|all| all.iter().all(Value::is_string))),
            "ownerReferences" | "managedFields" => {
                ("list of objects", value.as_array().is_some_and(|all| all.iter().all(Value::is_object)))
            }
            "generation" | "deletionGracePeriodSeconds" => ("integer", value.is_i64() || value.is_u64()),
            _ => ("string", value.is_string()),
        };
        if !wanted.1 {
            return Err(format!("metadata.{name} must be a {}", wanted.0));
        }
    }
    for name in ["labels", "annotations", "finalizers", "ownerReferences", "generateName", "namespace"] {
        let empty = |value: &Value| *value == json!({}) || *value == json!([]) || *value == json!("");
        if metadata.get(name).is_some_and(empty) {
            metadata.remove(name);
        }
    }
    Ok(())
}

fn is_string_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.values().all(Value::is_string))
}

/// Five letters and digits without vowels, as `k8s.io/apiserver/pkg/storage/names` draws them.
pub(crate) fn generated_name(base: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rng = rand::rng();
    let suffix = (0..5).map(|_| LETTERS[rng.random_range(0..LETTERS.len())] as char);
    // Names end at 63 characters, whatever the base.
    base.chars().take(58).chain(suffix).collect()
}

/// Checks names, labels, annotations, finalizers and owners.
pub(crate) fn validate(value: &Value, namespaced: bool, strict_label: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = object::name(value);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else if let Some(detail) = if strict_label { dns_label(name) } else { dns_subdomain(name) } {
        errors.push(FieldError::invalid("metadata.name", &json!(name), detail));
    }
    let namespace = object::namespace(value);
    if namespaced && namespace.is_empty() {
        errors.push(FieldError::required("metadata.namespace", ""));
    } else if !namespaced && !namespace.is_empty() {
        errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type"));
    }
    for (key, value) in object::labels(value) {
        if let Some(detail) = qualified_name(key) {
            errors.push(FieldError::invalid("metadata.labels", &json!(key), &detail));
        }
        if let Some(detail) = label_value(value) {
            errors.push(FieldError::invalid("metadata.labels", &json!(value), detail));
        }
    }
    check_annotations(value, &mut errors);
    for finalizer in object::finalizers(value) {
        if let Some(detail) = qualified_name(finalizer) {
            errors.push(FieldError::invalid("metadata.finalizers", &json!(finalizer), &detail));
        }
    }
    check_owners(value, &mut errors);
    errors
}

fn check_annotations(value: &Value, errors: &mut Vec<FieldError>) {
    let annotations = object::meta(value, "annotations").as_object();
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        if let Some(detail) = qualified_name(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &json!(key), &detail));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATIONS as u64));
    }
}

fn check_owners(value: &Value, errors: &mut Vec<FieldError>) {
    let owners = object::meta(value, "ownerReferences").as_array();
    let mut controllers = 0;
    for (index, owner) in owners.into_iter().flatten().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner[field].as_str().is_none_or(str::is_empty) {
                let path = format!("metadata.ownerReferences[{index}].{field}");
                errors.push(FieldError::invalid(&path, &json!(""), "must not be empty"));
            }
        }
        controllers += usize::from(owner["controller"] == json!(true));
    }
    if controllers > 1 {
        let detail = "Only one reference can have Controller set to true. Found \"true\" in more than one reference";
        errors.push(FieldError::invalid_unprinted("metadata.ownerReferences", detail));
    }
}

/// What an update of metadata must not do.
pub(crate) fn validate_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for field in ["name", "namespace", "uid", "creationTimestamp"] {
        let (before, after) = (object::meta(old, field), object::meta(new, field));
        if before != after {
            errors.push(FieldError::invalid(&format!("metadata.{field}"), after, "field is immutable"));
        }
    }
    if object::is_deleting(old) {
        let before = object::finalizers(old);
        let added: Vec<&str> = object::finalizers(new).into_iter().filter(|one| !before.contains(one)).collect();
        if !added.is_empty() {
            let added = added.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{added}}}"
            );
            // The real server checks generic and custom metadata one after the other and says this twice.
            let error = FieldError::forbidden("metadata.finalizers", &detail);
            errors.extend([error.clone(), error]);
        }
    }
    errors
}

fn alphanumeric_ends(text: &str) -> bool {
    let ends = [text.chars().next(), text.chars().last()];
    ends.iter().all(|end| end.is_some_and(|c| c.is_ascii_alphanumeric()))
}

fn lowercase_label(text: &str) -> bool {
    alphanumeric_ends(text) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// RFC 1123 subdomain: what most names must be.
pub(crate) fn dns_subdomain(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 bytes");
    }
    let fits = name.split('.').all(lowercase_label);
    (!fits).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end \
         with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
}

/// RFC 1123 label: what names of namespaces must be.
pub(crate) fn dns_label(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("must be no more than 63 bytes");
    }
    (!lowercase_label(name)).then_some(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
         alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    )
}

fn name_part(text: &str) -> bool {
    text.len() <= 63
        && alphanumeric_ends(text)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A name with an optional prefix, as label and annotation keys and finalizers are.
pub(crate) fn qualified_name(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            return Some("prefix part must be non-empty".to_owned());
        }
        if let Some(detail) = dns_subdomain(prefix) {
            return Some(format!("prefix part {detail}"));
        }
    }
    if name.is_empty() {
        return Some("name part must be non-empty".to_owned());
    }
    (!name_part(name)).then(|| {
        if name.len() > 63 {
            return "name part must be no more than 63 bytes".to_owned();
        }
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
         character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            .to_owned()
    })
}

pub(crate) fn label_value(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be no more than 63 bytes");
    }
    (!value.is_empty() && !name_part(value)).then_some(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end \
         with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
         '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    )
}
