//! Structural schemas: what a `CustomResourceDefinition` says about the shape of its objects.

pub(crate) mod cel;
mod correlate;
mod default;
pub(crate) mod embedded;
mod format;
pub(crate) mod lists;
pub(crate) mod pattern;
mod prune;
mod validate;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use default::{apply_defaults, drop_nulls};
use pattern::Pattern;
pub(crate) use prune::prune;
pub(crate) use validate::{blocks_rules, validate};

/// The types of OpenAPI v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// How a list is merged and who owns its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ListType {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// What may stand under names that `properties` does not list.
#[derive(Debug, Clone, Default)]
pub(crate) enum Additional {
    #[default]
    Nothing,
    Anything,
    Schema(Box<Schema>),
}

/// One node of a schema, read once so that objects are checked without parsing it again.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the schema language")]
pub(crate) struct Schema {
    pub(crate) type_: Option<Type>,
    pub(crate) nullable: bool,
    pub(crate) format: Option<String>,
    pub(crate) default: Option<Value>,
    pub(crate) enum_values: Option<Vec<Value>>,
    pub(crate) properties: BTreeMap<String, Schema>,
    pub(crate) additional: Additional,
    pub(crate) items: Option<Box<Schema>>,
    pub(crate) required: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) all_of: Vec<Schema>,
    pub(crate) any_of: Vec<Schema>,
    pub(crate) one_of: Vec<Schema>,
    pub(crate) not: Option<Box<Schema>>,
    pub(crate) preserve_unknown: bool,
    pub(crate) embedded_resource: bool,
    pub(crate) int_or_string: bool,
    pub(crate) list_type: ListType,
    /// A map or struct that has one owner as a whole.
    pub(crate) atomic: bool,
    /// The key by which a strategic merge patch matches items; set for core kinds only.
    pub(crate) patch_merge_key: Option<String>,
}

/// The numeric and textual bounds of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    pub(crate) minimum: Option<f64>,
    pub(crate) maximum: Option<f64>,
    pub(crate) exclusive_minimum: bool,
    pub(crate) exclusive_maximum: bool,
    pub(crate) multiple_of: Option<f64>,
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(crate) unique_items: bool,
    pub(crate) min_properties: Option<u64>,
    pub(crate) max_properties: Option<u64>,
}

impl Schema {
    /// Reads an OpenAPI v3 schema. A pattern that is no regular expression counts as absent: the definition that holds
    /// it was refused before.
    pub(crate) fn parse(raw: &Value) -> Self {
        let flag = |name: &str| raw.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name: &str| raw.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let several =
            |name: &str| raw.get(name).and_then(Value::as_array).map(|all| all.iter().map(Self::parse).collect());
        let type_ = raw.get("type").and_then(Value::as_str).and_then(Type::parse);
        Self {
            type_,
            nullable: flag("nullable"),
            format: text("format").filter(|format| format::is_known(format, type_)),
            default: raw.get("default").filter(|value| !value.is_null()).cloned(),
            enum_values: raw.get("enum").and_then(Value::as_array).cloned(),
            properties: raw
                .get("properties")
                .and_then(Value::as_object)
                .map(|all| all.iter().map(|(name, schema)| (name.clone(), Self::parse(schema))).collect())
                .unwrap_or_default(),
            additional: Additional::parse(raw.get("additionalProperties")),
            items: raw.get("items").filter(|items| items.is_object()).map(|items| Box::new(Self::parse(items))),
            required: strings(raw.get("required")),
            limits: Limits::parse(raw),
            all_of: several("allOf").unwrap_or_default(),
            any_of: several("anyOf").unwrap_or_default(),
            one_of: several("oneOf").unwrap_or_default(),
            not: raw.get("not").map(|not| Box::new(Self::parse(not))),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            list_type: ListType::parse(raw),
            atomic: text("x-kubernetes-map-type").as_deref() == Some("atomic"),
            patch_merge_key: text("x-kubernetes-patch-merge-key"),
        }
    }

    /// The schema of a field, where the schema says anything about it.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match (self.properties.get(name), &self.additional) {
            (Some(schema), _) => Some(schema),
            (None, Additional::Schema(schema)) => Some(schema),
            _ => None,
        }
    }
}

impl Additional {
    fn parse(raw: Option<&Value>) -> Self {
        match raw {
            Some(Value::Bool(true)) => Self::Anything,
            Some(schema @ Value::Object(_)) => Self::Schema(Box::new(Schema::parse(schema))),
            _ => Self::Nothing,
        }
    }
}

impl ListType {
    fn parse(raw: &Value) -> Self {
        match raw.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => Self::Set,
            Some("map") => Self::Map(strings(raw.get("x-kubernetes-list-map-keys"))),
            _ => Self::Atomic,
        }
    }
}

impl Limits {
    fn parse(raw: &Value) -> Self {
        let number = |name: &str| raw.get(name).and_then(Value::as_f64);
        let count = |name: &str| raw.get(name).and_then(Value::as_u64);
        let flag = |name: &str| raw.get(name).and_then(Value::as_bool).unwrap_or(false);
        Self {
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: number("multipleOf"),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: raw.get("pattern").and_then(Value::as_str).and_then(|pattern| Pattern::parse(pattern).ok()),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: flag("uniqueItems"),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
        }
    }
}

fn strings(raw: Option<&Value>) -> Vec<String> {
    let list = raw.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}
