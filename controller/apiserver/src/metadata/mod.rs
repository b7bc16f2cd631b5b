//! `ObjectMeta`: its fields, their types, their syntax, and what an update may change.

mod check;
pub(crate) mod names;
mod owners;

use rand::RngExt as _;
use serde_json::{Value, json};

use crate::object;

pub(crate) use check::{
    Names, check_manager, check_qualified_finalizers, validate, validate_update, warn_of_finalizers,
};
pub(crate) use owners::drop_duplicate_owners;

/// The fields and what each holds, in the words in which Go complains about another type.
const FIELDS: &[(&str, Holds)] = &[
    ("name", Holds::Text("string")),
    ("generateName", Holds::Text("string")),
    ("namespace", Holds::Text("string")),
    ("selfLink", Holds::Text("string")),
    ("uid", Holds::Text("types.UID")),
    ("resourceVersion", Holds::Text("string")),
    ("generation", Holds::Integer),
    ("creationTimestamp", Holds::Time),
    ("deletionTimestamp", Holds::Time),
    ("deletionGracePeriodSeconds", Holds::Integer),
    ("labels", Holds::Texts),
    ("annotations", Holds::Texts),
    ("ownerReferences", Holds::Objects("v1.OwnerReference")),
    ("finalizers", Holds::TextList),
    ("managedFields", Holds::Objects("v1.ManagedFieldsEntry")),
];

#[derive(Debug, Clone, Copy)]
enum Holds {
    Text(&'static str),
    Integer,
    Time,
    /// A map of texts.
    Texts,
    TextList,
    Objects(&'static str),
}

impl Holds {
    /// Nothing where the value fits, else what was found and what was expected.
    fn mismatch(self, value: &Value) -> Option<(&'static str, String)> {
        let found = go_name(value);
        let wrong = |fits: bool, wanted: &str| (!fits).then(|| (found, wanted.to_owned()));
        let wrong_item = |item: &Value, fits: bool, wanted: &str| (!fits).then(|| (go_name(item), wanted.to_owned()));
        match (self, value) {
            (_, Value::Null) => None,
            (Self::Text(name), value) => wrong(value.is_string(), name),
            (Self::Integer, value) => wrong(value.is_i64() || value.is_u64(), "int64"),
            (Self::Time, value) => wrong(value.is_string(), "string"),
            (Self::Texts, Value::Object(map)) => {
                map.values().find_map(|one| wrong_item(one, one.is_string() || one.is_null(), "string"))
            }
            (Self::Texts, _) => wrong(false, "map[string]string"),
            (Self::TextList, Value::Array(list)) => {
                list.iter().find_map(|one| wrong_item(one, one.is_string() || one.is_null(), "string"))
            }
            (Self::TextList, _) => wrong(false, "[]string"),
            (Self::Objects(name), Value::Array(list)) => {
                list.iter().find_map(|one| wrong_item(one, one.is_object() || one.is_null(), name))
            }
            (Self::Objects(name), _) => wrong(false, &format!("[]{name}")),
        }
    }
}

/// What Go's decoder calls a JSON value.
pub(crate) fn go_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Removes what is no field of metadata, and what stands for nothing.
///
/// # Errors
/// Where a field has a value of another type. Go names the field from the root where it reads a type of its own.
pub(crate) fn normalise(value: &mut Value, of_custom: bool, unknown: &mut Vec<String>) -> Result<(), String> {
    if let Some(found) = value.get("metadata").filter(|found| !found.is_object() && !found.is_null()) {
        return Err(format!("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", go_name(found)));
    }
    let metadata = object::metadata_mut(value);
    let place = if of_custom { "ObjectMeta" } else { "ObjectMeta.metadata" };
    for (name, holds) in FIELDS {
        let found = metadata.get(*name).unwrap_or(&Value::Null);
        if let Some((found, wanted)) = holds.mismatch(found) {
            return Err(format!("json: cannot unmarshal {found} into Go struct field {place}.{name} of type {wanted}"));
        }
        if let (Holds::Time, Some(text)) = (holds, found.as_str()) {
            check_time(text)?;
        }
        if let (Holds::Texts | Holds::TextList, Some(found)) = (holds, metadata.get_mut(*name)) {
            empty_nulls(found);
        }
    }
    metadata.retain(|name, value| {
        let known = FIELDS.iter().any(|(field, _)| field == name);
        if !known {
            unknown.push(format!("metadata.{name}"));
        }
        known && !stands_for_nothing(name, value)
    });
    Ok(())
}

/// In maps and lists of texts, a null is an empty text.
fn empty_nulls(items: &mut Value) {
    let items: Vec<&mut Value> = match items {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(list) => list.iter_mut().collect(),
        _ => return,
    };
    items.into_iter().filter(|item| item.is_null()).for_each(|item| *item = json!(""));
}

fn stands_for_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(_) => name == "generation" && *value == json!(0),
        Value::Bool(_) => false,
    }
}

fn check_time(text: &str) -> Result<(), String> {
    if text.parse::<jiff::Timestamp>().is_ok() || text.is_empty() {
        return Ok(());
    }
    Err(format!("parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""))
}

/// Five letters and digits without vowels, as `k8s.io/apiserver/pkg/storage/names` draws them.
pub(crate) fn generated_name(base: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rng = rand::rng();
    let suffix = (0..5).map(|_| LETTERS[rng.random_range(0..LETTERS.len())] as char);
    // Names end at 63 characters, whatever the base.
    base.chars().take(58).chain(suffix).collect()
}
