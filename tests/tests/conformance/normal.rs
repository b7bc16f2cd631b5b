//! Answers without what is different each time: uids, versions, times, generated names.
//!
//! The same value gets the same name throughout a case, so that an unchanged version stays visible as one.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Value, json};

static UID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
/// A whole object in an error, with its versions and times.
static OBJECT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"patch: Invalid value: "\{.*\}": |^Invalid value: "\{.*\}": "#).unwrap());
/// Where a real server was built shows in some of its errors.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"in scheme "[^"]*""#).unwrap());
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").unwrap());
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\d+(ms|s|m)$").unwrap());

/// Fields that hold a time the server chose.
const TIMES: [&str; 4] = ["creationTimestamp", "deletionTimestamp", "lastTransitionTime", "time"];

/// The names given so far, in the order in which values appeared.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    fn name(&mut self, prefix: &str, value: &str) -> String {
        let number = 1 + self.0.values().filter(|name| name.starts_with(&format!("<{prefix}"))).count();
        self.0.entry(value.to_owned()).or_insert_with(|| format!("<{prefix} {number}>")).clone()
    }

    /// Replaces in a text every uid, every version it speaks of, and generated names.
    fn in_text(&mut self, text: &str) -> String {
        let text = OBJECT.replace_all(text, "<the object>: ");
        let text = SOURCE.replace_all(&text, "in scheme <source>");
        let mut text = UID.replace_all(&text, |found: &Captures<'_>| self.name("uid", &found[0])).into_owned();
        if text.to_lowercase().replace(' ', "").contains("resourceversion") {
            let version = |found: &Captures<'_>| self.0.get(&found[0]).map_or("<number>", |name| name).to_owned();
            text = NUMBER.replace_all(&text, version).into_owned();
        }
        for (value, name) in self.0.iter().filter(|(_, name)| name.starts_with("<name")) {
            text = text.replace(value, name);
        }
        text
    }

    /// The answer in this form.
    pub fn normal(&mut self, mut value: Value) -> Value {
        self.learn(&value);
        sort_causes(&mut value);
        self.replace(&mut value, "");
        value
    }

    /// Generated names first: they stand in front of what tells that they are generated.
    fn learn(&mut self, value: &Value) {
        let metadata = &value["metadata"];
        if let (Some(_), Some(name)) = (metadata["generateName"].as_str(), metadata["name"].as_str()) {
            self.name("name", name);
        }
        // A refused object has one too.
        let details = &value["details"];
        let is_generated = |cause: &Value| cause["field"] == "metadata.generateName";
        if details["causes"].as_array().is_some_and(|causes| causes.iter().any(is_generated)) {
            self.name("name", details["name"].as_str().unwrap_or_default());
        }
        match value {
            Value::Object(map) => map.values().for_each(|child| self.learn(child)),
            Value::Array(list) => list.iter().for_each(|child| self.learn(child)),
            _ => {}
        }
    }

    fn replace(&mut self, value: &mut Value, field: &str) {
        match value {
            Value::Object(map) => {
                sort_owners(map.get_mut("managedFields"));
                if is_of_server(map.get("kind")) {
                    hide_version(map.get_mut("metadata"));
                }
                if map.get("type") == Some(&json!("BOOKMARK")) {
                    hide_version(map.get_mut("object").and_then(|object| object.get_mut("metadata")));
                }
                map.iter_mut().for_each(|(name, child)| self.replace(child, name));
                // Owners are fields under their uid in `managedFields`.
                *map = std::mem::take(map).into_iter().map(|(name, child)| (self.in_text(&name), child)).collect();
            }
            Value::Array(list) => list.iter_mut().for_each(|child| self.replace(child, field)),
            Value::String(text) if text.is_empty() || text.starts_with("<version of") => {}
            Value::String(text) if TIMES.contains(&field) => "<time>".clone_into(text),
            Value::String(text) => {
                *text = match field {
                    "uid" => self.name("uid", text),
                    "resourceVersion" => self.name("version", text),
                    "continue" => "<token>".to_owned(),
                    "cells" if AGE.is_match(text) => "<age>".to_owned(),
                    _ => self.in_text(text),
                };
            }
            _ => {}
        }
    }
}

/// The version of the whole server, which others move on at any time.
fn hide_version(metadata: Option<&mut Value>) {
    let version = metadata.and_then(|metadata| metadata.get_mut("resourceVersion"));
    if let Some(Value::String(version)) = version.filter(|version| *version != "") {
        "<version of the server>".clone_into(version);
    }
}

/// Lists and tables carry the version of the server, not of an object.
fn is_of_server(kind: Option<&Value>) -> bool {
    kind.and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List") || kind == "Table")
}

/// Go looks at the fields of a map in an order that is different each time, and says in that order what is wrong with them.
fn sort_causes(body: &mut Value) {
    let causes = body.pointer_mut("/details/causes").and_then(Value::as_array_mut);
    let Some(causes) = causes.filter(|causes| causes.len() > 1) else { return };
    causes.sort_by_key(ToString::to_string);
    let sentences: Vec<String> = causes
        .iter()
        .map(|cause| {
            format!(
                "{}: {}",
                cause["field"].as_str().unwrap_or_default(),
                cause["message"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let Some(message) = body["message"].as_str() else { return };
    if let Some((beginning, _)) = message.split_once(" is invalid: [")
        && sentences.iter().all(|sentence| message.contains(sentence))
    {
        body["message"] = json!(format!("{beginning} is invalid: [all of the causes]"));
    }
}

/// Entries are sorted by time within an operation, and whether a second has passed meanwhile is chance.
fn sort_owners(entries: Option<&mut Value>) {
    if let Some(entries) = entries.and_then(Value::as_array_mut) {
        let applies: Vec<bool> = entries.iter().map(|entry| entry["operation"] == "Apply").collect();
        assert!(applies.is_sorted_by(|a, b| a >= b), "applies come first: {entries:?}");
        entries.sort_by_key(|entry| {
            ["operation", "manager", "apiVersion", "subresource"].map(|field| entry[field].to_string())
        });
    }
}
