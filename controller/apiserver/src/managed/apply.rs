//! Server-side apply: merging what a manager wants into an object, within what others own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::{children, compare};
use super::entries::{Entries, Entry};
use super::path::{Step, item_step};
use super::prune::prune;
use super::set::FieldSet;
use super::{all_fields, is_atomic, last_applied, ownable, restrict};
use crate::object::set_meta;
use crate::request::WriteOptions;
use crate::resource::Resource;
use crate::schema::{ListType, Schema};
use crate::status::ApiError;

/// Owns what was there before anybody applied, where nobody was recorded as its owner.
const BEFORE: &str = "before-first-apply";
/// The manager that took over from client-side apply, and may take its fields.
const KUBECTL: &str = "kubectl";

/// The object after the apply, with its `managedFields`. Defaults are not filled in yet: nobody owns those.
pub(crate) fn apply(
    resource: &Resource,
    live: Option<&Value>,
    config: &Value,
    options: &WriteOptions,
    subresource: &str,
    now: &str,
) -> Result<Value, ApiError> {
    let mut entries = live.and_then(Entries::of).unwrap_or_default();
    if let Some(live) = live.filter(|_| entries.0.is_empty()) {
        entries.set(before_first_apply(resource, live, subresource, now));
    }
    let applied = merge_and_own(resource, live, config, &options.manager, entries.clone(), subresource, now);
    let contested = applied.conflicts.iter().filter(|conflict| !may_be_taken(resource, live, options, conflict));
    let contested: Vec<&Conflict> = contested.collect();
    if !contested.is_empty() && !options.force {
        return Err(refusal(&contested));
    }
    let mut object = applied.object;
    set_meta(&mut object, "managedFields", applied.entries.encode());
    Ok(object)
}

fn before_first_apply(resource: &Resource, live: &Value, subresource: &str, now: &str) -> Entry {
    let mut fields = all_fields(&ownable(live), &resource.typed_schema);
    restrict(resource, subresource, &mut fields);
    let (manager, subresource) = (BEFORE.to_owned(), subresource.to_owned());
    Entry { manager, applied: false, api_version: resource.api_version(), subresource, time: now.to_owned(), fields }
}

/// A field with the other owner that holds it.
struct Conflict {
    with: String,
    path: Vec<Step>,
}

/// What an apply comes to if nobody minds.
struct Applied {
    object: Value,
    entries: Entries,
    conflicts: Vec<Conflict>,
}

fn merge_and_own(
    resource: &Resource,
    live: Option<&Value>,
    config: &Value,
    manager: &str,
    mut entries: Entries,
    subresource: &str,
    now: &str,
) -> Applied {
    let schema = &resource.typed_schema;
    let api_version = resource.api_version();
    let mut fields = FieldSet::default();
    insert_applied(&ownable(config), Some(schema), &mut fields);
    restrict(resource, subresource, &mut fields);

    let last = entries.find(manager, true, &api_version, subresource).cloned();
    let mut object = live.cloned().unwrap_or_else(|| json!({}));
    merge(&mut object, &restricted(resource, subresource, config), Some(schema));
    entries.set(Entry {
        manager: manager.to_owned(),
        applied: true,
        api_version: api_version.clone(),
        subresource: subresource.to_owned(),
        time: String::new(),
        fields,
    });
    if let Some(last) = &last {
        let mut owned = FieldSet::default();
        insert_applied(config, Some(schema), &mut owned);
        entries.0.iter().for_each(|entry| owned.union(&entry.fields));
        object = prune(&object, &last.fields, &owned, schema);
    }

    let before = live.map_or_else(|| resource.skeleton(), ownable);
    let mut changes = compare(&before, &ownable(&object), schema);
    changes.restrict(resource, subresource);
    let touched = changes.touched();
    let mut conflicts = Vec::new();
    // An apply that changes nothing leaves the time of the last one, if there was any.
    let is_change = live != Some(&object);
    let time = if is_change { now.to_owned() } else { last.map(|last| last.time).unwrap_or_default() };
    for entry in &mut entries.0 {
        if entry.is_of(manager, true, &api_version, subresource) {
            entry.time.clone_from(&time);
            continue;
        }
        let contested = entry.fields.intersection(&touched);
        conflicts.extend(contested.paths().into_iter().map(|path| Conflict { with: entry.display(), path }));
        entry.fields.subtract(&contested);
        entry.fields.subtract(&changes.removed);
    }
    Applied { object, entries, conflicts }
}

/// kubectl takes over what it set itself with the old, client-side apply, unless somebody has changed it since.
fn may_be_taken(resource: &Resource, live: Option<&Value>, options: &WriteOptions, conflict: &Conflict) -> bool {
    let Some(live) = live.filter(|_| options.manager == KUBECTL) else { return false };
    let Some(last) = last_applied::read(live, &resource.api_version()) else { return false };
    let schema = &resource.typed_schema;
    let (last, live) = (ownable(&last), ownable(live));
    let mut fields = FieldSet::default();
    insert_applied(&last, Some(schema), &mut fields);
    let changes = compare(&last, &live, schema);
    for set in [&changes.modified, &changes.added, &changes.removed] {
        fields.subtract(set);
    }
    fields.contains(&conflict.path)
}

/// What was sent, and nothing that merely contains it. An empty map was sent itself, an empty list that is merged was not; what
/// no schema names is owned together with what is in it.
pub(super) fn insert_applied(value: &Value, schema: Option<&Schema>, set: &mut FieldSet) {
    let in_list = value.is_array();
    for (step, child, field) in children(value, schema) {
        let is_named = match (&step, schema) {
            (Step::Field(name), Some(schema)) => schema.properties.contains_key(name),
            _ => false,
        };
        let is_empty_list = child.as_array().is_some_and(Vec::is_empty);
        let is_merged = field.is_some_and(|field| field.list_type != ListType::Atomic);
        set.enter(step, |node| {
            // Items of lists are owned themselves, so that they go when they are no longer applied.
            node.member = in_list || !is_named || (is_atomic(child, field) && !(is_empty_list && is_merged));
            insert_applied(child, field, &mut node.below);
        });
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
    let mut places = places(list, schema);
    for item in wanted {
        let step = item_step(item, &schema.list_type, items);
        if let Some(place) = step.as_ref().and_then(|step| places.get(step)) {
            merge(&mut list[*place], item, items);
        } else {
            places.extend(step.map(|step| (step, list.len())));
            list.push(item.clone());
        }
    }
}

/// Where the items of a list are; of several with the same key the first counts. Looking for each on its own would take
/// the square of the length.
fn places(list: &[Value], schema: &Schema) -> BTreeMap<Step, usize> {
    let items = schema.items.as_deref();
    let steps = list.iter().enumerate().rev();
    steps.filter_map(|(place, item)| Some((item_step(item, &schema.list_type, items)?, place))).collect()
}

fn refusal(conflicts: &[&Conflict]) -> ApiError {
    let field = |conflict: &Conflict| conflict.path.iter().map(Step::display).collect::<String>();
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|conflict| {
            let message = format!("conflict with {}", conflict.with);
            json!({ "reason": "FieldManagerConflict", "message": message, "field": field(conflict) })
        })
        .collect();
    let message = if let [conflict] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {}: {}", conflict.with, field(conflict))
    } else {
        let mut managers: Vec<&String> = conflicts.iter().map(|conflict| &conflict.with).collect();
        managers.sort();
        managers.dedup();
        let mut lines = Vec::new();
        for manager in managers {
            lines.push(format!("conflicts with {manager}:"));
            let theirs = conflicts.iter().filter(|conflict| conflict.with == *manager);
            lines.extend(theirs.map(|conflict| format!("- {}", field(conflict))));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    };
    ApiError { details: Some(json!({ "causes": causes })), ..ApiError::new(409, "Conflict", message) }
}
