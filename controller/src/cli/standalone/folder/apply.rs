//! Applying one object: the fields that its file names become what the file says.

use hostwright_crds::annotation;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::core::response::StatusCause;
use serde_json::{Value, json};

use super::super::super::cluster::{Refusal, answer, found};
use super::manifest::{Manifest, Problem};
use super::target::Key;

/// The name under which the folder writes, and by which it knows what it wrote.
pub(super) const MANAGER: &str = "hostwright-manifests";

/// What it came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) change: Change,
    /// Fields that others had set to something else, as `.spec.desiredStatus of kubectl-edit`.
    pub(super) taken: Vec<String>,
    pub(super) generation: Option<i64>,
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
    let before = found(api.get_metadata(&key.name)).await.map_err(|refusal| problems(item, &refusal))?;
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
    let mut done = answer(api.patch(&key.name, &polite, &Patch::Apply(&object))).await;
    if let Err(refusal) = &done {
        taken = contested(refusal);
        if !taken.is_empty() {
            done = answer(api.patch(&key.name, &polite.force(), &Patch::Apply(&object))).await;
        }
    }
    let after = done.map_err(|refusal| problems(item, &refusal))?;
    let change = match before {
        None => Change::Created,
        Some(before) if before.metadata.resource_version == after.metadata.resource_version => Change::None,
        Some(_) => Change::Changed,
    };
    Ok(Applied { change, taken, generation: after.metadata.generation })
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

/// The fields that others own, and who: only these stand against the apply.
fn contested(refusal: &Refusal) -> Vec<String> {
    let contested = causes(refusal).filter(|cause| cause.reason == "FieldManagerConflict");
    contested.map(|cause| format!("{} ({})", cause.field.trim_start_matches('.'), cause.message)).collect()
}

fn causes(refusal: &Refusal) -> impl Iterator<Item = &StatusCause> {
    let status = match refusal {
        Refusal::Answered(status) => Some(status),
        Refusal::Unanswered(_) => None,
    };
    status.into_iter().flat_map(|status| &status.details).flat_map(|details| &details.causes)
}

/// What a person has to mend, each at its line.
fn problems(item: &Item<'_>, refusal: &Refusal) -> Vec<Problem> {
    let (key, manifest) = (item.key, item.manifest);
    let said = refusal.to_string();
    // `<nil>` says only that not everything was looked at.
    let causes = causes(refusal).filter(|cause| !matches!(cause.field.as_str(), "" | "<nil>"));
    let causes = causes.map(|cause| (cause.field.trim_start_matches('.').to_owned(), cause.message.clone()));
    let fields: Vec<_> = causes.chain(unknown_fields(&said)).chain(misfits(&said)).collect();
    let may_pass = match refusal {
        Refusal::Answered(status) => fields.is_empty() && !matches!(status.code, 400 | 413 | 415 | 422),
        Refusal::Unanswered(_) => true,
    };
    if fields.is_empty() {
        return vec![Problem { place: manifest.place(), text: format!("{key}: {said}"), may_pass }];
    }
    let problem = |(field, what): (String, String)| Problem {
        place: manifest.place_of(&field),
        text: format!("{key}: {field}: {what}"),
        may_pass,
    };
    fields.into_iter().map(problem).collect()
}

/// The fields that a strict reading found, as `unknown field "spec.bogus"`, each with what is wrong with it.
fn unknown_fields(message: &str) -> Vec<(String, String)> {
    let mentions = |what: &'static str| {
        let fields = message.split(what).skip(1);
        let fields = fields.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned()));
        fields.map(move |field| (field, what.to_owned())).collect::<Vec<_>>()
    };
    [mentions("unknown field"), mentions("duplicate field")].concat()
}

/// The fields that do not fit the schema, as a server-side apply finds them before anything else does:
/// `failed to create typed patch object (…): .spec.bogus: field not declared in schema`, or several after `errors:`.
fn misfits(message: &str) -> Vec<(String, String)> {
    let Some((_, misfits)) =
        message.strip_prefix("failed to create typed patch object (").and_then(|rest| rest.split_once("): "))
    else {
        return Vec::new();
    };
    let misfit = |line: &str| {
        let (field, what) = line.trim().strip_prefix('.')?.split_once(": ")?;
        // What follows is the value, which could be a secret.
        let what = what.split_once(", got &").map_or(what, |(what, _value)| what);
        Some((field.to_owned(), what.to_owned()))
    };
    misfits.lines().filter_map(misfit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(field, what)| (field.as_str(), what.as_str())).collect()
    }

    #[test]
    fn the_fields_of_a_strict_reading_are_found() {
        let message =
            r#".: strict decoding error: unknown field "spec.bogus", duplicate field "spec.a", unknown field "x""#;
        let expected = [("spec.bogus", "unknown field"), ("x", "unknown field"), ("spec.a", "duplicate field")];
        assert_eq!(pairs(&unknown_fields(message)), expected);
        assert_eq!(unknown_fields("spec.a: Required value"), []);
    }

    #[test]
    fn the_fields_that_do_not_fit_the_schema_are_found() {
        let one = "failed to create typed patch object (/small; hostwright.dev/v1alpha1, Kind=Package): .spec.bogus: field not \
                   declared in schema";
        assert_eq!(pairs(&misfits(one)), [("spec.bogus", "field not declared in schema")]);
        let more = "failed to create typed patch object (a/b; v1, Kind=A): errors:\n  .spec.a: expected string, got \
                    &value.valueUnstructured{Value:5}\n  .spec.list[0].b: field not declared in schema";
        let expected = [("spec.a", "expected string"), ("spec.list[0].b", "field not declared in schema")];
        assert_eq!(pairs(&misfits(more)), expected);
        assert_eq!(misfits("anything else: .a: b"), []);
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
