//! All resources that are served, the built-in ones and those that definitions add.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::builtin;
use crate::crd;
use crate::object;
use crate::resource::Resource;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// By group, version and plural name.
    resources: BTreeMap<(String, String, String), Arc<Resource>>,
}

impl Registry {
    pub(crate) fn builtin() -> Self {
        let mut registry = Self::default();
        for resource in builtin::resources() {
            registry.add(resource);
        }
        registry
    }

    fn add(&mut self, resource: Resource) {
        let key = (resource.group.clone(), resource.version.clone(), resource.plural.clone());
        self.resources.insert(key, Arc::new(resource));
    }

    /// Serves what a stored definition describes, instead of what it described before.
    pub(crate) fn define(&mut self, definition: &Value) {
        self.undefine(definition);
        for resource in crd::resources(definition) {
            self.add(resource);
        }
    }

    pub(crate) fn undefine(&mut self, definition: &Value) {
        let table = object::name(definition);
        self.resources.retain(|_, resource| !(resource.is_custom() && resource.table == table));
    }

    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.resources.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.all().find(|resource| resource.kind == kind && resource.api_version() == api_version).cloned()
    }

    /// The custom resource in whose words an object of this table is.
    pub(crate) fn custom(&self, table: &str, object: &Value) -> Option<Arc<Resource>> {
        let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
        let is_it = |resource: &&Arc<Resource>| {
            resource.is_custom() && resource.table == table && resource.group == group && resource.version == version
        };
        self.all().find(is_it).cloned()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.values()
    }

    /// Groups by name, each with its versions, the preferred one first.
    pub(crate) fn groups(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for resource in self.all() {
            let versions = groups.entry(&resource.group).or_default();
            if !versions.contains(&resource.version.as_str()) {
                versions.push(&resource.version);
            }
        }
        for versions in groups.values_mut() {
            versions.sort_by(|a, b| compare_versions(a, b));
        }
        groups
    }

    pub(crate) fn of_version(&self, group: &str, version: &str) -> Vec<Arc<Resource>> {
        self.all().filter(|resource| resource.group == group && resource.version == version).cloned().collect()
    }
}

/// Kubernetes' order of preference: `v2`, `v1`, `v1beta1`, `v1alpha1`, then anything else by name.
fn compare_versions(a: &str, b: &str) -> Ordering {
    fn rank(version: &str) -> Option<(u8, u64, u64)> {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major = rest[..digits].parse().ok()?;
        match &rest[digits..] {
            "" => Some((2, major, 0)),
            rest => match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
                (Some(minor), _) => Some((1, major, minor.parse().ok()?)),
                (_, Some(minor)) => Some((0, major, minor.parse().ok()?)),
                _ => None,
            },
        }
    }
    match (rank(a), rank(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}
