//! One step into an object, in the notation of `FieldsV1` (`f:name`, `k:{…}`, `v:…`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::schema::{ListType, Schema};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    /// An item of a list, by its keys; values as JSON text, so that steps have an order.
    Key(BTreeMap<String, String>),
    /// An item of a set, as JSON text.
    Item(String),
    Index(usize),
}

impl Step {
    pub(super) fn encode(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> =
                    keys.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
                format!("k:{{{}}}", keys.join(","))
            }
            Self::Item(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        Some(match kind {
            "f" => Self::Field(rest.to_owned()),
            "k" => {
                let keys: BTreeMap<String, Value> = serde_json::from_str(rest).ok()?;
                Self::Key(keys.into_iter().map(|(name, value)| (name, value.to_string())).collect())
            }
            "v" => Self::Item(serde_json::from_str::<Value>(rest).ok()?.to_string()),
            "i" => Self::Index(rest.parse().ok()?),
            _ => return None,
        })
    }

    /// As conflicts print it: `.spec`, `[type="Ready"]`, `[="x"]`, `[0]`.
    pub(super) fn display(&self) -> String {
        match self {
            Self::Field(name) => format!(".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("[{}]", keys.join(","))
            }
            Self::Item(value) => format!("[={value}]"),
            Self::Index(index) => format!("[{index}]"),
        }
    }
}

/// The steps to the items of a list that is merged, in their order.
pub(super) fn item_step(item: &Value, list_type: &ListType, items: Option<&Schema>) -> Option<Step> {
    match list_type {
        ListType::Atomic => None,
        ListType::Set => Some(Step::Item(item.to_string())),
        ListType::Map(keys) => {
            let key = |name: &String| {
                let default =
                    || items.and_then(|items| items.properties.get(name)).and_then(|field| field.default.as_ref());
                item.get(name).or_else(default).map(|value| (name.clone(), value.to_string()))
            };
            Some(Step::Key(keys.iter().filter_map(key).collect()))
        }
    }
}
