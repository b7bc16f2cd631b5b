//! Variants: what a customer may choose of a package, and what was chosen.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was chosen, by the code of the variant.
pub type Selections = BTreeMap<String, Vec<Choice>>;

/// One setting of a package that the customer chooses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// How it is shown, and whether it takes several values: only a checkbox does.
    #[serde(rename = "type")]
    pub kind: VariantType,
    /// What can be chosen, in the order in which it is shown.
    #[schemars(length(min = 1, max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub options: Vec<VariantOption>,
    /// Whether something has to be chosen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Whether another choice scales a service that exists. False: it counts only at creation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scalable: bool,
    /// What counts for a service that does not name the variant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub default: Vec<Choice>,
}

/// How a variant is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariantType {
    /// A list of which one is chosen.
    #[default]
    Select,
    /// Buttons of which one is chosen.
    Radio,
    /// A scale on which one is chosen.
    Slider,
    /// Boxes of which any number is chosen.
    Checkbox,
}

/// One thing that can be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariantOption {
    /// What the plugin gets.
    pub value: Choice,
    /// What the customer reads.
    #[schemars(length(min = 1, max = 120))]
    pub label: String,
}

/// A value: a whole number or a text. A number and its digits as a text are the same choice.
#[derive(Debug, Clone, Serialize, Deserialize, Eq)]
#[serde(untagged)]
pub enum Choice {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Choice {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl JsonSchema for Choice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Choice".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true, "maxLength": 253,
            "description": "A whole number or a text.",
        })
    }
}

/// Choices by code.
pub(crate) fn selections(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "maxProperties": 32,
        "additionalProperties": {
            "type": "array", "maxItems": 64, "x-kubernetes-list-type": "atomic",
            "items": Choice::json_schema(generator),
        },
    })
}
