//! Taking away what a manager applied before and applies no longer, set by set as `structured-merge-diff` does it.

use serde_json::{Map, Value};

use super::apply::insert_applied;
use super::path::{Step, item_step};
use super::set::FieldSet;
use crate::schema::{ListType, Schema};

/// The object without what is in `last` and not `owned` by anybody. What gets empty by that becomes null.
pub(super) fn prune(merged: &Value, last: &FieldSet, owned: &FieldSet, schema: &Schema) -> Value {
    let fields_of = |value: &Value| {
        let mut fields = FieldSet::default();
        insert_applied(value, Some(schema), &mut fields);
        with_named(&fields, Some(schema))
    };
    let without = |set: &FieldSet| remove_items(merged, set, Some(schema)).unwrap_or_else(|| Value::Object(Map::new()));
    let last = with_named(last, Some(schema));
    let all = fields_of(merged);

    // Everything that goes with the fields of last time, ...
    let mut kept = fields_of(&without(&last));
    // ... but for what somebody owns, ...
    kept.union(&with_named(owned, Some(schema)));
    let mut unowned = all.clone();
    unowned.subtract(&kept);
    // ... and but for what was never applied.
    let left = fields_of(&without(&unowned));
    let mut gone = all;
    gone.subtract(&left);
    without(&gone.intersection(&last))
}

/// The set with every field that the schema names and something in the set is below.
fn with_named(set: &FieldSet, schema: Option<&Schema>) -> FieldSet {
    let mut all = FieldSet::default();
    for (step, node) in &set.nodes {
        let is_named = match step {
            Step::Field(name) => schema.is_some_and(|schema| schema.properties.contains_key(name)),
            _ => false,
        };
        let mut node = node.clone();
        node.member |= is_named && !node.below.is_empty();
        node.below = with_named(&node.below, below(schema, step));
        all.nodes.insert(step.clone(), node);
    }
    all
}

fn below<'a>(schema: Option<&'a Schema>, step: &Step) -> Option<&'a Schema> {
    match step {
        Step::Field(name) => schema?.field(name),
        _ => schema?.items.as_deref(),
    }
}

/// The value without the members of the set; nothing where nothing is left.
fn remove_items(value: &Value, set: &FieldSet, schema: Option<&Schema>) -> Option<Value> {
    match value {
        Value::Object(_) if schema.is_some_and(|schema| schema.atomic) => None,
        Value::Object(map) => {
            let mut left = Map::new();
            for (name, child) in map {
                let step = Step::Field(name.clone());
                let field = schema.and_then(|schema| schema.field(name));
                match set.nodes.get(&step) {
                    Some(node) if node.member => {}
                    Some(node) if !node.below.is_empty() => {
                        let child = remove_items(child, &node.below, field).unwrap_or(Value::Null);
                        left.insert(name.clone(), child);
                    }
                    _ => {
                        left.insert(name.clone(), child.clone());
                    }
                }
            }
            Some(Value::Object(left)).filter(|left| left.as_object().is_some_and(|left| !left.is_empty()))
        }
        Value::Array(list) => {
            let schema = schema.filter(|schema| schema.list_type != ListType::Atomic)?;
            let items = schema.items.as_deref();
            let mut left = Vec::new();
            for item in list {
                let node = item_step(item, &schema.list_type, items).and_then(|step| set.nodes.get(&step));
                match node {
                    Some(node) if node.member => {}
                    Some(node) if !node.below.is_empty() => {
                        left.push(remove_items(item, &node.below, items).unwrap_or(Value::Null));
                    }
                    _ => left.push(item.clone()),
                }
            }
            (!left.is_empty()).then_some(Value::Array(left))
        }
        other => Some(other.clone()),
    }
}
