//! What people see of a service: the columns of `kubectl get`, its message, and whether it is as expected.

use hostwright_crds::{HostingService, OperationOutcome, annotation, condition};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;

use super::output::{Span, Tone, age};

/// The headers of [`View::row`], and of what follows it in one line where lines may be long.
pub(super) const HEADERS: [&str; 8] = ["NAME", "DESIRED", "PHASE", "READY", "REASON", "PACKAGE", "AGE", "MESSAGE"];

/// A service as people see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) name: String,
    desired: String,
    phase: String,
    ready: String,
    reason: String,
    message: String,
    package: String,
    created: Option<Timestamp>,
    /// What its annotation says, as `READY/REASON`.
    expected: Option<String>,
    /// Nothing will happen to it by itself now: it is ready, somebody has to act, or its next attempt is ahead.
    at_rest: bool,
}

impl View {
    pub(super) fn of(service: &HostingService) -> Self {
        let status = service.status.clone().unwrap_or_default();
        let is_seen = status.observed_generation.is_some() && status.observed_generation == service.metadata.generation;
        let ready = condition::find(&status.conditions, condition::READY);
        let waits = status.operation.as_ref().is_some_and(|operation| {
            operation.outcome == OperationOutcome::Refused && operation.next_attempt_at.is_some()
        });
        let rests = ready.is_some_and(|ready| ready.status == "True")
            || condition::is_true(&status.conditions, condition::STALLED)
            || waits;
        Self {
            name: service.name_any(),
            desired: status.target.map(|target| format!("{target:?}")).unwrap_or_default(),
            phase: status.phase.map(|phase| format!("{phase:?}")).unwrap_or_default(),
            ready: ready.map(|ready| ready.status.clone()).unwrap_or_default(),
            reason: ready.map(|ready| ready.reason.clone()).unwrap_or_default(),
            message: ready.map(|ready| ready.message.clone()).unwrap_or_default(),
            package: service.spec.package_ref.name.clone(),
            created: service.creation_timestamp().map(|time| time.0),
            expected: service.annotations().get(annotation::EXPECT).cloned(),
            at_rest: is_seen && rests,
        }
    }

    /// Whether it became what its annotation says. One without expects nothing but rest.
    pub(super) fn is_as_expected(&self) -> bool {
        match &self.expected {
            Some(expected) => *expected == self.verdict(),
            None => self.at_rest,
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.at_rest
    }

    /// Phase and reason: a change of these is progress.
    pub(super) fn stage(&self) -> (&str, &str) {
        (&self.phase, &self.reason)
    }

    /// How it differs from what is expected, in words.
    pub(super) fn difference(&self) -> String {
        let expected = self.expected.as_deref().unwrap_or("a service at rest");
        let found = if self.reason.is_empty() {
            "nothing yet".to_owned()
        } else {
            format!("{}: {}", self.verdict(), self.message)
        };
        format!("{}: expected {expected}, found {found}", self.name)
    }

    fn verdict(&self) -> String {
        format!("{}/{}", self.ready, self.reason)
    }

    fn tone(&self) -> Tone {
        match (self.ready.as_str(), self.at_rest) {
            ("True", _) => Tone::Good,
            (_, true) => Tone::Bad,
            (_, false) => Tone::Busy,
        }
    }

    /// As a line of progress, its name padded to this many characters.
    pub(super) fn line(&self, width: usize) -> Vec<Span> {
        if self.reason.is_empty() {
            return vec![(Tone::Plain, format!("{:width$}  ", self.name)), (Tone::Quiet, "waiting".to_owned())];
        }
        vec![
            (Tone::Plain, format!("{:width$}  {:13} ", self.name, self.phase)),
            (self.tone(), format!("{:16} ", self.reason)),
            (Tone::Plain, self.message.clone()),
        ]
    }

    /// Its message, after its name padded to this many characters.
    pub(super) fn words(&self, width: usize) -> Vec<Span> {
        vec![(Tone::Plain, format!("{:width$}  ", self.name)), (self.tone(), self.message.clone())]
    }

    /// As a row of the table.
    pub(super) fn row(&self, now: Timestamp) -> Vec<Span> {
        let age = self.created.map_or_else(String::new, |created| age(now, created));
        let plain = |text: &str| (Tone::Plain, text.to_owned());
        vec![
            plain(&self.name),
            plain(&self.desired),
            plain(&self.phase),
            (self.tone(), self.ready.clone()),
            (self.tone(), self.reason.clone()),
            plain(&self.package),
            plain(&age),
            plain(&self.message),
        ]
    }
}

#[cfg(test)]
mod tests {
    use hostwright_crds::{HostingServiceStatus, Operation, Phase, Target};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn service(ready: &str, reason: &str, expected: Option<&str>) -> HostingService {
        let mut service = HostingService::default();
        service.metadata.name = Some("alice".into());
        service.metadata.generation = Some(2);
        service.metadata.creation_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
        service.spec.package_ref.name = "minecraft-4g".into();
        if let Some(expected) = expected {
            service.annotations_mut().insert(annotation::EXPECT.into(), expected.into());
        }
        let told = condition::new(condition::READY, ready, reason, "in words", 2, Timestamp::UNIX_EPOCH);
        service.status = Some(HostingServiceStatus {
            observed_generation: Some(2),
            phase: Some(Phase::Pending),
            target: Some(Target::Active),
            conditions: vec![told],
            ..HostingServiceStatus::default()
        });
        service
    }

    #[test]
    fn a_service_is_as_expected_when_ready_and_reason_are_those_of_its_annotation() {
        let rows = [
            ("True", "UpToDate", Some("True/UpToDate"), true),
            ("False", "NoCapacity", Some("False/NoCapacity"), true),
            ("False", "Creating", Some("True/UpToDate"), false),
            ("True", "UpToDate", Some("whatever"), false),
            ("True", "UpToDate", None, true),
            ("False", "Creating", None, false),
        ];
        for (ready, reason, expected, is_expected) in rows {
            let view = View::of(&service(ready, reason, expected));
            assert_eq!(view.is_as_expected(), is_expected, "{ready}/{reason} {expected:?}");
        }
    }

    #[test]
    fn a_service_rests_when_nothing_more_will_happen_by_itself_now() {
        assert!(View::of(&service("True", "UpToDate", None)).is_at_rest());
        assert!(!View::of(&service("False", "Creating", None)).is_at_rest());
        let mut waiting = service("False", "NoCapacity", None);
        if let Some(status) = &mut waiting.status {
            status.operation = Some(Operation {
                outcome: OperationOutcome::Refused,
                next_attempt_at: Some(Time(Timestamp::UNIX_EPOCH)),
                ..Operation::default()
            });
        }
        assert!(View::of(&waiting).is_at_rest());
        let mut edited = service("True", "UpToDate", None);
        edited.metadata.generation = Some(3);
        assert!(!View::of(&edited).is_at_rest());
    }

    #[test]
    fn a_row_has_the_columns_of_kubectl_and_the_message() {
        let row = View::of(&service("False", "NoCapacity", None)).row(Timestamp::from_second(125).unwrap());
        let texts: Vec<&str> = row.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["alice", "Active", "Pending", "False", "NoCapacity", "minecraft-4g", "2m", "in words"]);
        assert_eq!(texts.len(), HEADERS.len());
    }

    #[test]
    fn a_difference_names_the_service_what_was_expected_and_what_was_found() {
        let view = View::of(&service("False", "Creating", Some("True/UpToDate")));
        assert_eq!(view.difference(), "alice: expected True/UpToDate, found False/Creating: in words");
    }
}
