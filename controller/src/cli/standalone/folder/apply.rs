//! Applying one object: the fields that its file names become what the file says.

use hostwright_crds::annotation;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::Status;
use kube::core::response::StatusCause;
use serde_json::{Value, json};

use super::manifest::{Manifest, Problem};
use super::target::Key;
use crate::kube::{WriteError, bounded};

/// The name under which the folder writes, and by which it knows what it wrote.
pub(super) const MANAGER: &str = "hostwright-manifests";

/// What it came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) change: Change,
    /// Fields that others had set to something else, as `.spec.desiredStatus of kubectl-edit`.
    pub(super) taken: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Changed,
    None,
}

/// An object of the API and where it is written.
pub(super) struct Item<'a> {
    pub(super) api: &'a Api<DynamicObject>,
    pub(super) key: &'a Key,
    pub(super) manifest: &'a Manifest,
    /// The folder, as the object is told it.
    pub(super) folder: &'a str,
}

/// Applies it. Fields that somebody else set are taken over: the file is right about the fields that it names.
pub(super) async fn apply(item: &Item<'_>) -> Result<Applied, Vec<Problem>> {
    let Item { api, key, manifest, folder } = item;
    let before = answered(api.get_metadata_opt(&key.name)).await.map_err(|refusal| refusal.problems(item))?;
    if before.as_ref().is_some_and(|before| before.metadata.deletion_timestamp.is_some()) {
        let text = format!("{key}: is being deleted; it is applied again once it is gone");
        return Err(vec![Problem { place: manifest.place(), text, may_pass: true }]);
    }
    let object = with_origin(manifest.value.clone(), folder);
    let polite = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::default()
    };
    let mut taken = Vec::new();
    let mut answer = answered(api.patch(&key.name, &polite, &Patch::Apply(&object))).await;
    if let Err(refusal) = &answer {
        taken = refusal.contested();
        if !taken.is_empty() {
            answer = answered(api.patch(&key.name, &polite.force(), &Patch::Apply(&object))).await;
        }
    }
    let after = answer.map_err(|refusal| refusal.problems(item))?;
    let change = match before {
        None => Change::Created,
        Some(before) if before.metadata.resource_version == after.metadata.resource_version => Change::None,
        Some(_) => Change::Changed,
    };
    Ok(Applied { change, taken })
}

/// The object with a note of where it is from.
fn with_origin(mut object: Value, folder: &str) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.entry("annotations").or_insert(Value::Null);
        if annotations.is_null() {
            *annotations = json!({});
        }
        // Anything else is refused by the API, in its words.
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(annotation::APPLIED_FROM.to_owned(), json!(folder));
        }
    }
    object
}

/// Why the API did not do it.
#[derive(Debug)]
enum Refusal {
    Status(Box<Status>),
    Unanswered(String),
}

async fn answered<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Refusal> {
    // The status of a refusal names the fields, which the common error does not keep.
    match bounded(async { Ok(request.await) }).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(Refusal::Status(status)),
        Ok(Err(error)) => Err(Refusal::Unanswered(WriteError::from(error).to_string())),
        Err(error) => Err(Refusal::Unanswered(error.to_string())),
    }
}

impl Refusal {
    /// The fields that others own, and who: only these stand against the apply.
    fn contested(&self) -> Vec<String> {
        let Self::Status(status) = self else { return Vec::new() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let contested = causes.filter(|cause| cause.reason == "FieldManagerConflict");
        contested.map(|cause| format!("{} ({})", cause.field.trim_start_matches('.'), cause.message)).collect()
    }

    /// What a person has to mend, each at its line.
    fn problems(&self, item: &Item<'_>) -> Vec<Problem> {
        let (key, manifest) = (item.key, item.manifest);
        let status = match self {
            Self::Status(status) => status,
            Self::Unanswered(problem) => {
                return vec![Problem { place: manifest.place(), text: format!("{key}: {problem}"), may_pass: true }];
            }
        };
        let may_pass = !matches!(status.code, 400 | 413 | 415 | 422);
        let problem = |field: &str, text: String| Problem {
            place: if field.is_empty() { manifest.place() } else { manifest.place_of(field) },
            text,
            may_pass,
        };
        // `<nil>` says only that not everything was looked at.
        let is_about_a_field = |cause: &&StatusCause| !matches!(cause.field.as_str(), "" | "<nil>");
        let causes = status.details.iter().flat_map(|details| &details.causes).filter(is_about_a_field);
        let causes = causes.map(|cause| problem(&cause.field, format!("{key}: {}: {}", cause.field, cause.message)));
        let mut problems: Vec<Problem> = causes.collect();
        problems.extend(strict(&status.message).map(|(what, field)| problem(field, format!("{key}: {field}: {what}"))));
        if problems.is_empty() {
            problems.push(problem("", format!("{key}: {}", status.message)));
        }
        problems
    }
}

/// The fields that a strict reading found, as `unknown field "spec.bogus"`, each with what is wrong with it.
fn strict(message: &str) -> impl Iterator<Item = (&str, &str)> {
    ["unknown field", "duplicate field"].into_iter().flat_map(move |what| {
        let mentions = message.split(what).skip(1);
        mentions.filter_map(move |rest| Some((what, rest.trim_start().strip_prefix('"')?.split_once('"')?.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_strict_reading_are_found() {
        let message =
            r#".: strict decoding error: unknown field "spec.bogus", duplicate field "spec.a", unknown field "x""#;
        let found: Vec<_> = strict(message).collect();
        assert_eq!(found, [("unknown field", "spec.bogus"), ("unknown field", "x"), ("duplicate field", "spec.a")]);
        assert_eq!(strict("spec.a: Required value").count(), 0);
    }

    #[test]
    fn an_object_is_told_where_it_is_from_whatever_annotations_it_has() {
        let rows = [
            (json!({"metadata": {"name": "a"}}), json!({"hostwright.dev/applied-from": "/f"})),
            (json!({"metadata": {"annotations": null}}), json!({"hostwright.dev/applied-from": "/f"})),
            (json!({"metadata": {"annotations": {"a": "b"}}}), json!({"a": "b", "hostwright.dev/applied-from": "/f"})),
            (json!({"metadata": {"annotations": []}}), json!([])),
        ];
        for (object, expected) in rows {
            assert_eq!(with_origin(object, "/f")["metadata"]["annotations"], expected);
        }
    }
}
