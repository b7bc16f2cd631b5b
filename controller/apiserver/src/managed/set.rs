//! Sets of fields, as trees of steps.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::path::Step;

/// A set of paths. A node is a member itself, has members below it, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldSet {
    pub(super) nodes: BTreeMap<Step, Node>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) member: bool,
    pub(super) below: FieldSet,
}

impl FieldSet {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds the place below `step` with what `fill` puts there.
    pub(super) fn enter(&mut self, step: Step, fill: impl FnOnce(&mut Node)) {
        let mut node = self.nodes.remove(&step).unwrap_or_default();
        fill(&mut node);
        if node.member || !node.below.is_empty() {
            self.nodes.insert(step, node);
        }
    }

    pub(super) fn union(&mut self, other: &Self) {
        for (step, node) in &other.nodes {
            let mine = self.nodes.entry(step.clone()).or_default();
            mine.member |= node.member;
            mine.below.union(&node.below);
        }
    }

    /// Takes out every path that is a member of `other`.
    pub(super) fn subtract(&mut self, other: &Self) {
        for (step, theirs) in &other.nodes {
            if let Some(mine) = self.nodes.get_mut(step) {
                mine.member &= !theirs.member;
                mine.below.subtract(&theirs.below);
                if !mine.member && mine.below.is_empty() {
                    self.nodes.remove(step);
                }
            }
        }
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut common = Self::default();
        for (step, mine) in &self.nodes {
            if let Some(theirs) = other.nodes.get(step) {
                common.enter(step.clone(), |node| {
                    node.member = mine.member && theirs.member;
                    node.below = mine.below.intersection(&theirs.below);
                });
            }
        }
        common
    }

    /// Only what is below this top-level field, or everything but that.
    pub(super) fn split_field(&mut self, name: &str) -> Option<Node> {
        self.nodes.remove(&Step::Field(name.to_owned()))
    }

    pub(super) fn disown_metadata(&mut self) {
        self.enter_existing("metadata", |node| node.member = false);
    }

    fn enter_existing(&mut self, name: &str, change: impl FnOnce(&mut Node)) {
        if let Some(mut node) = self.split_field(name) {
            change(&mut node);
            if node.member || !node.below.is_empty() {
                self.nodes.insert(Step::Field(name.to_owned()), node);
            }
        }
    }

    pub(super) fn contains(&self, path: &[Step]) -> bool {
        match path {
            [] => false,
            [step] => self.nodes.get(step).is_some_and(|node| node.member),
            [step, below @ ..] => self.nodes.get(step).is_some_and(|node| node.below.contains(below)),
        }
    }

    /// All members as paths: at each place what is a member there, then what is below.
    pub(super) fn paths(&self) -> Vec<Vec<Step>> {
        let members = self.nodes.iter().filter(|(_, node)| node.member);
        let mut paths: Vec<Vec<Step>> = members.map(|(step, _)| vec![step.clone()]).collect();
        for (step, node) in &self.nodes {
            for mut path in node.below.paths() {
                path.insert(0, step.clone());
                paths.push(path);
            }
        }
        paths
    }

    pub(super) fn encode(&self) -> Value {
        let nodes = self.nodes.iter().map(|(step, node)| {
            let mut below = node.below.encode();
            if node.member && !node.below.is_empty() {
                below["."] = json!({});
            }
            (step.encode(), below)
        });
        Value::Object(nodes.collect::<Map<_, _>>())
    }

    /// Reads `FieldsV1`; what cannot be read is left out.
    pub(super) fn decode(fields: &Value) -> Self {
        let mut set = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten() {
            let Some(step) = Step::decode(key) else { continue };
            let member = below.as_object().is_none_or(|below| below.is_empty() || below.contains_key("."));
            set.nodes.insert(step, Node { member, below: Self::decode(below) });
        }
        set
    }
}
