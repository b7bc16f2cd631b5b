//! Server-side apply: merging what a manager wants into an object, within what others own.

use serde_json::{Value, json};

use super::compare::{children, compare};
use super::entries::{Entries, Entry};
use super::path::{Step, item_step};
use super::set::FieldSet;
use super::update::keep_if_equal;
use super::{is_atomic, ownable};
use crate::object::set_meta;
use crate::request::WriteOptions;
use crate::resource::Resource;
use crate::schema::{ListType, Schema};
use crate::status::ApiError;

/// The object after the apply, with its `managedFields`. Defaults are not filled in yet: nobody owns those.
pub(crate) fn apply(
    resource: &Resource,
    live: Option<&Value>,
    config: &Value,
    options: &WriteOptions,
    subresource: &str,
    now: &str,
) -> Result<Value, ApiError> {
    let schema = &resource.typed_schema;
    let api_version = resource.api_version();
    let mut entries = live.and_then(Entries::of).unwrap_or_default();
    let mut fields = FieldSet::default();
    insert_applied(&ownable(config), Some(schema), &mut fields);
    restrict(resource, subresource, &mut fields);

    let last = entries.find(&options.manager, true, &api_version, subresource).map(|entry| entry.fields.clone());
    let mut merged = live.cloned().unwrap_or_else(|| json!({}));
    merge(&mut merged, &restricted(resource, subresource, config), Some(schema));
    entries.set(Entry {
        manager: options.manager.clone(),
        applied: true,
        api_version: api_version.clone(),
        subresource: subresource.to_owned(),
        time: now.to_owned(),
        fields,
    });
    if let Some(last) = last {
        let mut owned = FieldSet::default();
        entries.0.iter().for_each(|entry| owned.union(&entry.fields));
        prune(&mut merged, &last, &owned, Some(schema));
    }

    let before = live.map_or_else(|| json!({}), ownable);
    let changes = compare(&before, &ownable(&merged), schema);
    let mut touched = changes.added;
    touched.union(&changes.modified);
    let mut conflicts = Vec::new();
    for entry in &mut entries.0 {
        if entry.is_of(&options.manager, true, &api_version, subresource) {
            continue;
        }
        let contested = entry.fields.intersection(&touched);
        conflicts.extend(contested.paths().into_iter().map(|path| (entry.display(), shown(&path))));
        entry.fields.subtract(&contested);
        entry.fields.subtract(&changes.removed);
    }
    if !conflicts.is_empty() && !options.force {
        return Err(conflict(&conflicts));
    }
    set_meta(&mut merged, "managedFields", entries.encode());
    keep_if_equal(live, &mut merged);
    Ok(merged)
}

/// What was sent, and nothing that merely contains it; an empty map or list was sent itself.
fn insert_applied(value: &Value, schema: Option<&Schema>, set: &mut FieldSet) {
    let in_list = value.is_array();
    for (step, child, schema) in children(value, schema) {
        set.enter(step, |node| {
            // Items of lists are owned themselves, so that they go when they are no longer applied.
            node.member = in_list || is_atomic(child, schema);
            insert_applied(child, schema, &mut node.below);
        });
    }
}

/// The status is applied by its subresource only.
fn restrict(resource: &Resource, subresource: &str, fields: &mut FieldSet) {
    if subresource == "status" {
        let status = fields.split_field("status");
        *fields = FieldSet::default();
        if let Some(status) = status {
            fields.nodes.insert(Step::Field("status".to_owned()), status);
        }
    } else if resource.status {
        fields.split_field("status");
    }
}

fn restricted(resource: &Resource, subresource: &str, config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(map) = config.as_object_mut() {
        if subresource == "status" {
            map.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "status"));
        } else if resource.status {
            map.remove("status");
        }
    }
    config
}

fn merge(target: &mut Value, config: &Value, schema: Option<&Schema>) {
    if schema.is_some_and(|schema| schema.atomic) {
        *target = config.clone();
        return;
    }
    match (&mut *target, config) {
        (Value::Object(map), Value::Object(wanted)) => {
            for (name, value) in wanted {
                let field = schema.and_then(|schema| schema.field(name));
                merge(map.entry(name).or_insert(Value::Null), value, field);
            }
        }
        (Value::Array(list), Value::Array(wanted)) => match schema {
            Some(schema) if schema.list_type != ListType::Atomic => merge_list(list, wanted, schema),
            _ => wanted.clone_into(list),
        },
        _ => *target = config.clone(),
    }
}

fn merge_list(list: &mut Vec<Value>, wanted: &[Value], schema: &Schema) {
    let items = schema.items.as_deref();
    for item in wanted {
        let step = item_step(item, &schema.list_type, items);
        match list.iter_mut().find(|old| item_step(old, &schema.list_type, items) == step) {
            Some(old) => merge(old, item, items),
            None => list.push(item.clone()),
        }
    }
}

/// Removes what the manager applied before, applies no longer, and nobody owns.
fn prune(value: &mut Value, last: &FieldSet, owned: &FieldSet, schema: Option<&Schema>) {
    for (step, node) in &last.nodes {
        let keeper = owned.nodes.get(step);
        let named =
            matches!(step, Step::Field(name) if schema.is_some_and(|schema| schema.properties.contains_key(name)));
        let goes = keeper.is_none() && (node.member || named);
        let Some(place) = place_of(value, step, schema) else {
            continue;
        };
        if goes {
            remove(value, place);
            continue;
        }
        let below = keeper.map(|keeper| &keeper.below);
        let nothing = FieldSet::default();
        let schema = below_schema(schema, step);
        if let Some(child) = at(value, &place) {
            prune(child, &node.below, below.unwrap_or(&nothing), schema);
            // A map that only held what is gone goes too, unless somebody owns the map.
            let is_empty = child.as_object().is_some_and(serde_json::Map::is_empty);
            if is_empty && keeper.is_none() {
                remove(value, place);
            }
        }
    }
}

enum Place {
    Field(String),
    Index(usize),
}

fn place_of(value: &Value, step: &Step, schema: Option<&Schema>) -> Option<Place> {
    match (value, step) {
        (Value::Object(map), Step::Field(name)) => map.contains_key(name).then(|| Place::Field(name.clone())),
        (Value::Array(list), step) => {
            let schema = schema?;
            let items = schema.items.as_deref();
            let same = |item: &Value| item_step(item, &schema.list_type, items).as_ref() == Some(step);
            list.iter().position(same).map(Place::Index)
        }
        _ => None,
    }
}

fn at<'a>(value: &'a mut Value, place: &Place) -> Option<&'a mut Value> {
    match place {
        Place::Field(name) => value.get_mut(name),
        Place::Index(index) => value.get_mut(index),
    }
}

fn remove(value: &mut Value, place: Place) {
    match (value, place) {
        (Value::Object(map), Place::Field(name)) => {
            map.remove(&name);
        }
        (Value::Array(list), Place::Index(index)) if index < list.len() => {
            list.remove(index);
        }
        _ => {}
    }
}

fn below_schema<'a>(schema: Option<&'a Schema>, step: &Step) -> Option<&'a Schema> {
    match step {
        Step::Field(name) => schema?.field(name),
        _ => schema?.items.as_deref(),
    }
}

fn shown(path: &[Step]) -> String {
    path.iter().map(Step::display).collect()
}

fn conflict(conflicts: &[(String, String)]) -> ApiError {
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(manager, field)| {
            json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {manager}"), "field": field })
        })
        .collect();
    let message = if let [(manager, field)] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {manager}: {field}")
    } else {
        let mut managers: Vec<&String> = conflicts.iter().map(|(manager, _)| manager).collect();
        managers.sort();
        managers.dedup();
        let mut lines = Vec::new();
        for manager in managers {
            lines.push(format!("conflicts with {manager}:"));
            lines.extend(conflicts.iter().filter(|(other, _)| other == manager).map(|(_, field)| format!("- {field}")));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    };
    ApiError { details: Some(json!({ "causes": causes })), ..ApiError::new(409, "Conflict", message) }
}
