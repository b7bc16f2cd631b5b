//! What changed between two objects, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::{Step, item_step};
use super::set::{FieldSet, Node};
use super::{is_atomic, restrict};
use crate::resource::Resource;
use crate::schema::Schema;

/// The fields that one object has more, has less, or has differently.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: FieldSet,
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
}

impl Comparison {
    /// What is new or different.
    pub(super) fn touched(&self) -> FieldSet {
        let mut touched = self.added.clone();
        touched.union(&self.modified);
        touched
    }

    pub(super) fn restrict(&mut self, resource: &Resource, subresource: &str) {
        for set in [&mut self.added, &mut self.removed, &mut self.modified] {
            restrict(resource, subresource, set);
        }
    }
}

pub(super) fn compare(old: &Value, new: &Value, schema: &Schema) -> Comparison {
    let mut root = Sides::default();
    walk(Some(old), Some(new), Some(schema), &mut root);
    let mut comparison =
        Comparison { added: root.added.below, removed: root.removed.below, modified: root.modified.below };
    for set in [&mut comparison.added, &mut comparison.removed, &mut comparison.modified] {
        set.disown_metadata();
    }
    comparison
}

/// The old value, the new one, and their schema.
type Place<'a> = (Option<&'a Value>, Option<&'a Value>, Option<&'a Schema>);

/// The same place in the three sets.
#[derive(Default)]
struct Sides {
    added: Node,
    removed: Node,
    modified: Node,
}

/// Adds everything below a value, and the value itself where `insert_all` is called for one of its parents.
pub(super) fn insert_all(value: &Value, schema: Option<&Schema>, set: &mut FieldSet) {
    for (step, child, schema) in children(value, schema) {
        set.enter(step, |node| {
            node.member = true;
            insert_all(child, schema, &mut node.below);
        });
    }
}

/// The parts of a value that are owned one by one; none where it is owned as a whole.
pub(super) fn children<'a>(value: &'a Value, schema: Option<&'a Schema>) -> Vec<(Step, &'a Value, Option<&'a Schema>)> {
    if is_atomic(value, schema) {
        return Vec::new();
    }
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, child)| (Step::Field(name.clone()), child, schema.and_then(|schema| schema.field(name))))
            .collect(),
        Value::Array(list) => {
            let Some(schema) = schema else { return Vec::new() };
            let items = schema.items.as_deref();
            list.iter().filter_map(|item| Some((item_step(item, &schema.list_type, items)?, item, items))).collect()
        }
        _ => Vec::new(),
    }
}

fn walk(old: Option<&Value>, new: Option<&Value>, schema: Option<&Schema>, sides: &mut Sides) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (None, Some(new)) => {
            sides.added.member = true;
            insert_all(new, schema, &mut sides.added.below);
            return;
        }
        (Some(old), None) => {
            sides.removed.member = true;
            insert_all(old, schema, &mut sides.removed.below);
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    if old == new {
        return;
    }
    let (before, after) = (children(old, schema), children(new, schema));
    let is_leaf = |value: &Value, children: &[(Step, &Value, Option<&Schema>)]| {
        children.is_empty()
            && !matches!(value, Value::Object(map) if map.is_empty())
            && !matches!(value, Value::Array(list) if list.is_empty())
    };
    if is_leaf(old, &before) || is_leaf(new, &after) || std::mem::discriminant(old) != std::mem::discriminant(new) {
        sides.modified.member = true;
        return;
    }
    let mut places: BTreeMap<Step, Place> = BTreeMap::new();
    for (step, value, schema) in before {
        places.insert(step, (Some(value), None, schema));
    }
    for (step, value, schema) in after {
        places.entry(step).or_insert((None, None, schema)).1 = Some(value);
    }
    for (step, (old, new, schema)) in places {
        let mut below = Sides::default();
        walk(old, new, schema, &mut below);
        for (set, node) in [
            (&mut sides.added.below, below.added),
            (&mut sides.removed.below, below.removed),
            (&mut sides.modified.below, below.modified),
        ] {
            set.enter(step.clone(), |place| *place = node);
        }
    }
}
