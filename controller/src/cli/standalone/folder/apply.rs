//! Applying one object: the fields that its file names become what the file says.

use hostwright_crds::annotation;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use serde_json::{Value, json};

use super::super::super::cluster::{Refusal, answer, found};
use super::super::super::manifests::faults;
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
    let contested = faults::causes(refusal).filter(|cause| cause.reason == "FieldManagerConflict");
    contested.map(|cause| format!("{} ({})", cause.field.trim_start_matches('.'), cause.message)).collect()
}

/// What a person has to mend, each at its line.
fn problems(item: &Item<'_>, refusal: &Refusal) -> Vec<Problem> {
    let (key, manifest) = (item.key, item.manifest);
    let fields = faults::of(refusal);
    let may_pass = match refusal {
        Refusal::Answered(status) => fields.is_empty() && !matches!(status.code, 400 | 413 | 415 | 422),
        Refusal::Unanswered(_) => true,
    };
    if fields.is_empty() {
        return vec![Problem { place: manifest.place(), text: format!("{key}: {refusal}"), may_pass }];
    }
    let problem = |(field, what): (String, String)| Problem {
        place: manifest.place_of(&field),
        text: format!("{key}: {field}: {what}"),
        may_pass,
    };
    fields.into_iter().map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
