//! An object as a file has it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::manifests::document::{Lines, Position};
use super::finding::{Finding, Severity};

/// The group of the kinds that are looked at.
pub(super) const GROUP: &str = "hostwright.dev";

#[derive(Debug, Clone)]
pub(in super::super) struct Object {
    pub(in super::super) file: String,
    pub(in super::super) lines: Lines,
    pub(in super::super) value: Value,
}

impl Object {
    pub(in super::super) fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(in super::super) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(in super::super) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    pub(in super::super) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    pub(in super::super) fn group(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether it is of a kind that is looked at.
    pub(in super::super) fn is_ours(&self) -> bool {
        self.group() == GROUP
    }

    /// `HostingService customers/alice`
    pub(in super::super) fn subject(&self) -> String {
        match (self.namespace(), self.name()) {
            (_, "") => self.kind().to_owned(),
            ("", name) => format!("{} {name}", self.kind()),
            (namespace, name) => format!("{} {namespace}/{name}", self.kind()),
        }
    }

    /// `services.yaml:12`
    pub(in super::super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.lines.first())
    }

    /// As a kind of the API, if it is one: what it is not is found by the schema.
    pub(in super::super) fn typed<K: DeserializeOwned>(&self, kind: &str) -> Option<K> {
        let is_it = self.is_ours() && self.kind() == kind;
        is_it.then(|| serde_json::from_value(self.value.clone()).ok()).flatten()
    }

    /// An error about a value.
    pub(super) fn error(&self, field: &str, message: impl Into<String>) -> Finding {
        self.finding(Severity::Error, self.lines.value_of(field), field, message.into())
    }

    /// An error about a field that should not be there.
    pub(super) fn error_at_name(&self, field: &str, message: impl Into<String>) -> Finding {
        self.finding(Severity::Error, self.lines.name_of(field), field, message.into())
    }

    /// A warning about a value.
    pub(super) fn warning(&self, field: &str, message: impl Into<String>) -> Finding {
        self.finding(Severity::Warning, self.lines.value_of(field), field, message.into())
    }

    /// An error in words that begin with the path of the field: `spec.stock: found ...`.
    pub(super) fn told(&self, words: &str) -> Finding {
        let (field, message) = words.split_once(": ").unwrap_or(("", words));
        if message.starts_with("unknown field") {
            self.error_at_name(field, message)
        } else {
            self.error(field, message)
        }
    }

    fn finding(&self, severity: Severity, position: Position, field: &str, message: String) -> Finding {
        Finding {
            file: self.file.clone(),
            position,
            severity,
            object: self.subject(),
            field: field.to_owned(),
            message,
        }
    }
}
