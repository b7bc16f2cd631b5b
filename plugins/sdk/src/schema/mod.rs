//! The schema language: which settings a plugin takes, and what they may be.
//!
//! A [`Schema`] is an ordered map from key to [`Field`]. It is read from JSON, and what it cannot mean is an error then
//! ([`SchemaError`]). [`Schema::validate`] checks an input by the rules and gives typed values back; [`RuleSet`] is the
//! rule language alone. docs/schema.md describes both for authors of plugins.

mod compare;
mod condition;
mod csv;
mod email;
mod export;
mod field;
mod json;
mod load;
mod message;
mod number;
mod parse;
mod path;
mod pattern;
mod rule;
mod size;
mod suggest;
mod text;
mod typed;
mod url;
mod validator;
mod value;
mod web;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use condition::{Condition, Operator, Target};
pub use field::{Change, Drift, Field, FieldType};
pub use load::{Problem, SchemaError};
pub use number::Decimal;
pub use path::Path;
pub use pattern::{Match, Pattern};
pub use rule::{Bound, Rule};
pub use typed::{Context, FieldError, Typed};
pub use validator::{Mode, RuleSet, Verdict};
pub use value::{Array, Key, Value};

use crate::Map;

/// The settings of one form: of an instance, a package, a checkout or an action.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: Vec<Field>,
    rules: RuleSet,
    /// What it was read from.
    source: Value,
}

impl Schema {
    fn new(fields: Vec<Field>, source: Value) -> Self {
        let rules = RuleSet::new(fields.iter().map(|field| field.rules.clone()).collect());
        Self { fields, rules, source }
    }

    /// Reads a schema from JSON text. The error lists everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let source: Value = serde_json::from_str(text).map_err(|error| SchemaError {
            problems: vec![Problem { field: String::new(), message: format!("a schema must be JSON: {error}") }],
        })?;
        load::schema(&source)
    }

    /// Reads a schema from a JSON value, its fields in the order that the value has them: read the text itself, by
    /// [`Self::parse`] or serde, to keep the order in which it was written.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, SchemaError> {
        load::schema(&Value::from(json))
    }

    /// This schema and more fields, as one: what the new ones say may name the old ones. A field that is there already is an
    /// error.
    pub fn extended(&self, more: &serde_json::Value) -> Result<Self, SchemaError> {
        load::extended(&self.source, &Value::from(more))
    }

    /// Its fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// One field.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// True without fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The defaults of all fields that have one, typed, whatever their conditions.
    pub fn defaults(&self) -> Map {
        self.fields.iter().filter_map(|field| Some((field.key.clone(), field.default()?))).collect()
    }

    /// The keys of the password fields.
    pub fn password_fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|field| field.is_password()).map(Field::key)
    }

    /// The rules of all fields, as the rule language alone sees them.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The same as JSON Schema 2020-12, as far as that can say it. It describes typed values; docs/schema.md lists what
    /// is lost.
    pub fn to_json_schema(&self) -> serde_json::Value {
        export::json_schema(self)
    }
}

/// Equal when read from the same JSON.
impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = Value::deserialize(deserializer)?;
        load::schema(&source).map_err(de::Error::custom)
    }
}
