//! Server-side apply: merging what a manager wants into an object, within what others own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::compare::{children, compare};
use super::entries::{Entries, Entry};
use super::path::{Step, item_step};
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
    let mut fields = all_fields(&ownable(resource, live), &resource.typed_schema);
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
    insert_applied(&ownable(resource, config), Some(schema), &mut fields);
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
        entries.0.iter().for_each(|entry| owned.union(&entry.fields));
        prune(&mut object, &last.fields, &owned, Some(schema));
    }

    let before = live.map_or_else(|| json!({}), |live| ownable(resource, live));
    let mut changes = compare(&before, &ownable(resource, &object), schema);
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
    let (last, live) = (ownable(resource, &last), ownable(resource, live));
    let mut fields = FieldSet::default();
    insert_applied(&last, Some(schema), &mut fields);
    let changes = compare(&last, &live, schema);
    for set in [&changes.modified, &changes.added, &changes.removed] {
        fields.subtract(set);
    }
    fields.contains(&conflict.path)
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

/// Removes what the manager applied before, applies no longer, and nobody owns.
fn prune(value: &mut Value, last: &FieldSet, owned: &FieldSet, schema: Option<&Schema>) {
    let places = match (&*value, schema) {
        (Value::Array(items), Some(schema)) => places(items, schema),
        _ => BTreeMap::new(),
    };
    let mut gone = BTreeSet::new();
    for (step, node) in &last.nodes {
        let keeper = owned.nodes.get(step);
        let named =
            matches!(step, Step::Field(name) if schema.is_some_and(|schema| schema.properties.contains_key(name)));
        let goes = keeper.is_none() && (node.member || named);
        let Some(place) = place_of(value, step, &places) else {
            continue;
        };
        if goes {
            gone.insert(place);
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
                gone.insert(place);
            }
        }
    }
    remove(value, &gone);
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Field(String),
    Index(usize),
}

fn place_of(value: &Value, step: &Step, places: &BTreeMap<Step, usize>) -> Option<Place> {
    match (value, step) {
        (Value::Object(map), Step::Field(name)) => map.contains_key(name).then(|| Place::Field(name.clone())),
        (Value::Array(_), step) => places.get(step).copied().map(Place::Index),
        _ => None,
    }
}

fn at<'a>(value: &'a mut Value, place: &Place) -> Option<&'a mut Value> {
    match place {
        Place::Field(name) => value.get_mut(name),
        Place::Index(index) => value.get_mut(index),
    }
}

fn remove(value: &mut Value, gone: &BTreeSet<Place>) {
    match value {
        Value::Object(map) => gone.iter().for_each(|place| {
            if let Place::Field(name) = place {
                map.remove(name);
            }
        }),
        Value::Array(list) => {
            let mut places = 0..;
            list.retain(|_| places.next().is_none_or(|place| !gone.contains(&Place::Index(place))));
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
