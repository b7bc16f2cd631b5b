//! Ways into what clients cannot reach one piece at a time, for the fuzz targets in `fuzz/`. Not an interface.

use std::sync::LazyLock;

use serde_json::Value;

use crate::query::{FieldSelector, LabelSelector};
use crate::registry::Registry;
use crate::schema::{self, Schema, cel};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);

/// Reads selectors and, where that succeeds, asks them about an object.
pub fn select(labels: &str, fields: &str, object: &Value) {
    if let Ok(selector) = LabelSelector::parse(labels) {
        selector.matches(object);
    }
    for (group, plural) in [("", "events"), ("apiextensions.k8s.io", "customresourcedefinitions"), ("", "secrets")] {
        let Some(resource) = REGISTRY.get(group, "v1", plural) else { continue };
        if let Ok(selector) = FieldSelector::parse(fields, &resource) {
            selector.matches(object);
        }
    }
}

/// Checks a schema of a definition and, where nothing is wrong with it, puts an object through everything it says.
pub fn validate(raw: &Value, object: &Value, old: Option<&Value>) {
    if !cel::compile_errors(raw, "").is_empty() {
        return;
    }
    let schema = Schema::parse(raw);
    let mut object = object.clone();
    schema::drop_nulls(&mut object, &schema);
    schema::prune(&mut object, &schema, "", true, &mut Vec::new());
    schema::apply_defaults(&mut object, &schema);
    schema::validate(&object, old, &schema, "");
    if let Some(rules) = cel::Rules::compile(raw) {
        rules.evaluate(&object, old, &schema);
    }
}
