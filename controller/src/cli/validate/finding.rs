//! One thing that is found about a file, as people and editors read it.

use std::fmt;

use serde_json::{Value, json};

use super::super::manifests::document::Position;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// It cannot work.
    Error,
    /// It may be meant, or be right together with what the cluster has.
    Warning,
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What is found, where, and about what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) file: String,
    pub(super) position: Position,
    pub(super) severity: Severity,
    /// `HostingService customers/alice`; empty where a file cannot be read that far.
    pub(super) object: String,
    /// `spec.packageRef.name`; empty where it is no field.
    pub(super) field: String,
    /// What was found, what was expected, what to do.
    pub(super) message: String,
}

impl Finding {
    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "file": self.file, "line": self.position.line, "column": self.position.column,
            "severity": self.severity.name(), "object": self.object, "field": self.field, "message": self.message,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { line, column } = self.position;
        write!(formatter, "{}:{line}:{column}: {}", self.file, self.severity.name())?;
        for part in [&self.object, &self.field].into_iter().filter(|part| !part.is_empty()) {
            write!(formatter, ": {part}")?;
        }
        // One line each, or a program that reads lines loses the rest.
        write!(formatter, ": {}", self.message.replace('\n', " "))
    }
}
