//! Tracking plain writes: whoever changes a field owns it, and nobody else does any more.

use serde_json::{Value, json};

use super::compare::compare;
use super::entries::{Entries, Entry};
use super::ownable;
use crate::object::{meta, set_meta};
use crate::resource::Resource;

/// Writes into `new` who owns its fields after an update by `manager`.
pub(crate) fn track(
    resource: &Resource,
    old: Option<&Value>,
    new: &mut Value,
    manager: &str,
    subresource: &str,
    now: &str,
) {
    let schema = &resource.typed_schema;
    let api_version = resource.api_version();
    // A client may hand the list back, shortened; what it does not send or cannot be read stays as it was.
    let mut entries = match Entries::of(new).filter(|_| subresource.is_empty()) {
        Some(entries) => entries,
        None if Entries::are_reset(new) => Entries::default(),
        None => old.and_then(Entries::of).unwrap_or_default(),
    };
    if old.is_some() && entries.0.is_empty() {
        // Nobody was recorded so far, and so nobody is until somebody applies.
        set_meta(new, "managedFields", Value::Null);
        return;
    }
    let before = old.map_or_else(|| resource.skeleton(), ownable);
    let mut changes = compare(&before, &ownable(new), schema);
    changes.restrict(resource, subresource);
    let (touched, removed) = (changes.touched(), changes.removed);
    for entry in &mut entries.0 {
        if !entry.is_of(manager, false, &api_version, subresource) {
            entry.fields.subtract(&touched);
            entry.fields.subtract(&removed);
        }
    }
    let mine = entries.find(manager, false, &api_version, subresource);
    let mut fields = mine.map(|entry| entry.fields.clone()).unwrap_or_default();
    // Removing alone is no new claim, and leaves the time of the last one.
    let time = mine.filter(|_| touched.is_empty()).map_or(now, |entry| entry.time.as_str()).to_owned();
    // A real server loses the time on the way from the scale to the object.
    let time = if subresource == "scale" { String::new() } else { time };
    fields.subtract(&removed);
    fields.union(&touched);
    entries.set(Entry {
        manager: manager.to_owned(),
        applied: false,
        api_version,
        subresource: subresource.to_owned(),
        time,
        fields,
    });
    set_meta(new, "managedFields", entries.encode());
}

/// When only times differ, nothing was changed.
pub(crate) fn keep_times(old: &Value, new: &mut Value) {
    let timeless = |object: &Value| {
        let mut list = meta(object, "managedFields").clone();
        for entry in list.as_array_mut().into_iter().flatten() {
            entry["time"] = json!(null);
        }
        list
    };
    if timeless(old) == timeless(new) {
        let same_content = {
            let (mut a, mut b) = (old.clone(), new.clone());
            set_meta(&mut a, "managedFields", Value::Null);
            set_meta(&mut b, "managedFields", Value::Null);
            a == b
        };
        if same_content {
            set_meta(new, "managedFields", meta(old, "managedFields").clone());
        }
    }
}
