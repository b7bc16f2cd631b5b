//! Field selectors: `metadata.name=a,spec.plugin!=b`, for the fields a resource offers.

use serde_json::Value;

use crate::field::plain;
use crate::object;
use crate::resource::{Family, Resource};
use crate::status::ApiError;

#[derive(Debug, Clone, Default)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone)]
struct Requirement {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    pub(crate) fn parse(text: &str, resource: &Resource) -> Result<Self, ApiError> {
        let mut requirements = Vec::new();
        for part in split(text) {
            let (path, value, equal) = if let Some((path, value)) = part.split_once("!=") {
                (path, value, false)
            } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (path, value, true)
            } else {
                return Err(ApiError::bad_request(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            if !is_selectable(path, resource) {
                return Err(ApiError::bad_request(not_selectable(path, resource)));
            }
            requirements.push(Requirement { path: path.to_owned(), value: unescaped(value), equal });
        }
        Ok(Self(requirements))
    }

    pub(crate) fn require(&mut self, path: &str, value: &str) {
        self.0.push(Requirement { path: path.to_owned(), value: value.to_owned(), equal: true });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| (field_of(object, &requirement.path) == requirement.value) == requirement.equal)
    }
}

fn not_selectable(path: &str, resource: &Resource) -> String {
    // Kinds that select by nothing of their own leave it to the rule for all, which has other words.
    if matches!(resource.family, Family::ConfigMap | Family::Lease | Family::Definition) {
        return format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
    }
    format!("field label not supported: {path}")
}

fn is_selectable(path: &str, resource: &Resource) -> bool {
    path == "metadata.name"
        // Cluster-scoped built-ins do not offer their empty namespace.
        || (path == "metadata.namespace" && (resource.namespaced || resource.family == Family::Custom))
        || resource.selectable.iter().any(|offered| offered == path)
}

fn field_of(object: &Value, path: &str) -> String {
    // The source of an event is its component, or whoever reported it.
    if path == "source" {
        let component = object::at_path(object, "source.component").and_then(Value::as_str).unwrap_or_default();
        let reporter = object.get("reportingComponent").and_then(Value::as_str).unwrap_or_default();
        return if component.is_empty() { reporter } else { component }.to_owned();
    }
    object::at_path(object, path).filter(|value| !value.is_null()).map(plain).unwrap_or_default()
}

/// Splits at commas that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        out.push(if c == '\\' { letters.next().unwrap_or('\\') } else { c });
    }
    out
}
