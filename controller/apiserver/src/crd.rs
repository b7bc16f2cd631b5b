//! Definitions of custom resources: what they serve, what the server fills in, and how they end.

mod check;

use serde_json::{Value, json};

use crate::column;
use crate::managed;
use crate::object::{self, as_map, set_field};
use crate::resource::{Family, Resource, next_id};
use crate::scale::Scale;
use crate::schema::{Schema, cel::Rules};

pub(crate) use check::validate;

/// Holds a definition until its objects are gone.
pub(crate) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Who owns the status of a definition.
const ACCEPTING_MANAGER: &str = "kube-apiserver";

/// One resource for each served version.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    let versions = definition["spec"]["versions"].as_array();
    let served = versions.into_iter().flatten().filter(|version| version["served"] == json!(true));
    served.map(|version| resource(definition, version)).collect()
}

fn resource(definition: &Value, version: &Value) -> Resource {
    let spec = &definition["spec"];
    let names = &definition["spec"]["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| value.as_array().into_iter().flatten().map(text).collect();
    let raw_schema = version["schema"]["openAPIV3Schema"].clone();
    let schema = Schema::parse(&raw_schema);
    let group = text(&spec["group"]);
    let (name, kind) = (text(&version["name"]), text(&names["kind"]));
    let deprecation = (version["deprecated"] == json!(true)).then(|| {
        let given = version["deprecationWarning"].as_str().map(ToOwned::to_owned);
        given.unwrap_or_else(|| format!("{group}/{name} {kind} is deprecated"))
    });
    Resource {
        id: next_id(),
        list_kind: text(&names["listKind"]),
        plural: text(&names["plural"]),
        singular: text(&names["singular"]),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == json!("Namespaced"),
        table: object::name(definition).to_owned(),
        family: Family::Custom,
        typed_schema: managed::typed(&schema),
        schema,
        rules: Rules::compile(&raw_schema),
        raw_schema,
        status: version["subresources"].get("status").is_some(),
        scale: version["subresources"].get("scale").map(|scale| Scale {
            spec_replicas: text(&scale["specReplicasPath"]),
            status_replicas: text(&scale["statusReplicasPath"]),
            label_selector: scale["labelSelectorPath"].as_str().map(ToOwned::to_owned),
        }),
        columns: column::of_definition(&version["additionalPrinterColumns"]),
        selectable: version["selectableFields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|field| text(&field["jsonPath"]).trim_start_matches('.').to_owned())
            .collect(),
        deprecation,
        terminating: object::is_deleting(definition),
        group,
        version: name,
        kind,
    }
}

/// Fills in names and conversion, as every reading of a definition does.
pub(crate) fn default(definition: &mut Value) {
    let spec = as_map(as_map(definition).entry("spec").or_insert_with(|| json!({})));
    spec.entry("conversion").or_insert_with(|| json!({ "strategy": "None" }));
    let names = as_map(spec.entry("names").or_insert_with(|| json!({})));
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.is_empty() {
        return;
    }
    for (field, default) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
        let found = names.entry(field).or_insert_with(|| json!(default));
        if found.as_str().is_none_or(str::is_empty) {
            *found = json!(default);
        }
    }
}

/// Fills in the status that a definition has before its names are accepted, or keeps the one it has.
pub(crate) fn prepare(definition: &mut Value, old: Option<&Value>) {
    let mut status = old.map_or_else(
        || json!({ "acceptedNames": { "kind": "", "plural": "" }, "conditions": null, "storedVersions": [] }),
        |old| old["status"].clone(),
    );
    let storage = storage_version(definition).map(ToOwned::to_owned);
    if let (Some(list), Some(storage)) = (status["storedVersions"].as_array_mut(), storage)
        && !list.contains(&json!(storage))
    {
        list.push(json!(storage));
    }
    if old.is_some() {
        status["acceptedNames"] = definition["spec"]["names"].clone();
    }
    set_field(definition, "status", Some(status));
}

/// Accepts the names of a new definition, whose objects are served from then on.
pub(crate) fn accept(resource: &Resource, definition: &Value, now: &str) -> Value {
    let condition = |type_: &str, reason: &str, message: &str| json!({ "type": type_, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now });
    let mut accepted = definition.clone();
    accepted["status"]["acceptedNames"] = definition["spec"]["names"].clone();
    accepted["status"]["conditions"] = json!([
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ]);
    managed::track(resource, Some(definition), &mut accepted, ACCEPTING_MANAGER, "status", now);
    accepted
}

pub(crate) fn storage_version(definition: &Value) -> Option<&str> {
    let versions = definition["spec"]["versions"].as_array()?;
    versions.iter().find(|version| version["storage"] == json!(true))?["name"].as_str()
}

/// Says in the status that the objects are being deleted.
pub(crate) fn set_terminating(definition: &mut Value, now: &str) {
    let condition = json!({
        "type": "Terminating", "status": "True", "reason": "InstanceDeletionInProgress",
        "message": "CustomResource deletion is in progress", "lastTransitionTime": now,
    });
    if let Some(conditions) = definition["status"]["conditions"].as_array_mut() {
        conditions.push(condition);
    }
}
