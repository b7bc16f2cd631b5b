//! The audit log: what was asked of which provider for which service, and what came of it.
//!
//! Entries are events of the log with the target [`TARGET`]: written in order, never changed, and shown whatever the
//! filter says. Status keeps the last few of them for people.

/// By this target entries are told from the rest of the log.
pub const TARGET: &str = "hostwright::audit";

/// One entry. Every text in it is free of secrets already: the audit log is the last place to look for them.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditEntry<'a> {
    /// `namespace/name` of the service.
    pub service: &'a str,
    /// UID of the service.
    pub uid: &'a str,
    /// What was asked for: `Create`, `Suspend`.
    pub verb: &'a str,
    /// The operation id, the same for every attempt.
    pub operation: &'a str,
    /// Counts attempts, from 1.
    pub attempt: i32,
    /// What came of it: `Started`, `Done`, `Accepted`, `Refused`, `Unknown`.
    pub outcome: &'a str,
    /// The class of the error, where it failed.
    pub class: Option<&'a str>,
    /// In words for people.
    pub message: &'a str,
    /// The provider's id of the remote, where it is known.
    pub remote: Option<&'a str>,
}

/// Writes an entry.
pub fn record(entry: &AuditEntry<'_>) {
    // The text is a field, not the event's message: fields are escaped, so no provider can forge a line.
    tracing::info!(
        target: TARGET,
        service = entry.service,
        uid = entry.uid,
        verb = entry.verb,
        operation = entry.operation,
        attempt = entry.attempt,
        outcome = entry.outcome,
        class = entry.class,
        remote = entry.remote,
        detail = entry.message,
        "audit"
    );
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn refused() -> AuditEntry<'static> {
        AuditEntry {
            service: "customers/alice",
            uid: "7f1c",
            verb: "Create",
            operation: "op-1",
            attempt: 2,
            outcome: "Refused",
            class: Some("Capacity"),
            message: "no node has room\nINFO forged",
            remote: None,
        }
    }

    #[test]
    fn an_entry_has_all_its_fields_by_name() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || record(&refused()));
        let mut entry: serde_json::Value = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        entry.as_object_mut().unwrap().remove("timestamp");
        let expected = serde_json::json!({
            "level": "INFO", "target": "hostwright::audit", "message": "audit",
            "service": "customers/alice", "uid": "7f1c", "verb": "Create", "operation": "op-1", "attempt": 2,
            "outcome": "Refused", "class": "Capacity", "detail": "no node has room\nINFO forged",
        });
        assert_eq!(entry, expected);
    }

    #[test]
    fn no_text_of_a_provider_starts_a_line_of_its_own() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || record(&refused()));
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
