//! The list under `metadata.managedFields`: reading, changing and writing it.

use serde_json::{Value, json};

use super::set::FieldSet;
use crate::object::meta;

/// Plain updates by more managers than this are merged into one entry, oldest first.
const MAX_UPDATE_MANAGERS: usize = 10;
/// The manager of merged entries.
const ANCIENT: &str = "ancient-changes";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) manager: String,
    pub(super) applied: bool,
    pub(super) api_version: String,
    pub(super) subresource: String,
    pub(super) time: String,
    pub(super) fields: FieldSet,
}

impl Entry {
    /// Applies are one entry whatever the version, updates one for each version.
    pub(super) fn is_of(&self, manager: &str, applied: bool, api_version: &str, subresource: &str) -> bool {
        self.manager == manager
            && self.applied == applied
            && self.subresource == subresource
            && (applied || self.api_version == api_version)
    }

    /// As conflicts print it.
    pub(super) fn display(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if self.applied { text } else { format!("{text} using {}", self.api_version) }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entries(pub(super) Vec<Entry>);

impl Entries {
    /// Nothing when the object has none or its list cannot be read.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let list = meta(object, "managedFields").as_array().filter(|list| !list.is_empty())?;
        list.iter().map(read).collect::<Option<_>>().map(Self)
    }

    /// A client clears the list by sending one empty entry.
    pub(super) fn are_reset(object: &Value) -> bool {
        meta(object, "managedFields") == &json!([{}])
    }

    pub(super) fn find(&self, manager: &str, applied: bool, api_version: &str, subresource: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.is_of(manager, applied, api_version, subresource))
    }

    /// Sets what a manager owns.
    pub(super) fn set(&mut self, entry: Entry) {
        let place = self
            .0
            .iter()
            .position(|old| old.is_of(&entry.manager, entry.applied, &entry.api_version, &entry.subresource));
        match place {
            Some(place) => self.0[place] = entry,
            None => self.0.push(entry),
        }
    }

    pub(super) fn encode(mut self) -> Value {
        self.0.retain(|entry| !entry.fields.is_empty());
        self.merge_ancient();
        self.0.sort_by(|a, b| {
            let key = |entry: &Entry| {
                (
                    !entry.applied,
                    entry.time.clone(),
                    entry.manager.clone(),
                    entry.api_version.clone(),
                    entry.subresource.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        if self.0.is_empty() {
            return Value::Null;
        }
        self.0.iter().map(write).collect()
    }

    fn merge_ancient(&mut self) {
        let updates = self.0.iter().filter(|entry| !entry.applied).count();
        let mut surplus = updates.saturating_sub(MAX_UPDATE_MANAGERS);
        if surplus == 0 {
            return;
        }
        self.0.sort_by(|a, b| (a.applied, &a.time).cmp(&(b.applied, &b.time)));
        while surplus > 0 && self.0.len() > 1 {
            let Entry { fields, api_version, subresource, time, .. } = self.0.remove(0);
            let ancient = self.0.iter_mut().find(|entry| {
                !entry.applied
                    && entry.manager == ANCIENT
                    && entry.api_version == api_version
                    && entry.subresource == subresource
            });
            match ancient {
                Some(ancient) => ancient.fields.union(&fields),
                None => self.0.push(Entry {
                    manager: ANCIENT.to_owned(),
                    applied: false,
                    api_version,
                    subresource,
                    time,
                    fields,
                }),
            }
            surplus -= 1;
        }
    }
}

fn read(entry: &Value) -> Option<Entry> {
    let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let applied = match entry["operation"].as_str()? {
        "Apply" => true,
        "Update" => false,
        _ => return None,
    };
    if entry["fieldsType"] != json!("FieldsV1") {
        return None;
    }
    Some(Entry {
        manager: text("manager"),
        applied,
        api_version: text("apiVersion"),
        subresource: text("subresource"),
        time: text("time"),
        fields: FieldSet::decode(&entry["fieldsV1"]),
    })
}

fn write(entry: &Entry) -> Value {
    let mut value = json!({
        "manager": entry.manager, "operation": if entry.applied { "Apply" } else { "Update" },
        "apiVersion": entry.api_version, "fieldsType": "FieldsV1", "fieldsV1": entry.fields.encode(),
    });
    for (field, text) in [("time", &entry.time), ("subresource", &entry.subresource)] {
        if !text.is_empty() {
            value[field] = json!(text);
        }
    }
    value
}
