//! Input values, as the rules see them: JSON read the way PHP reads it.
//!
//! A list and an object are both an array with keys in order, so `{}` equals `[]`; `1` and `1.0` are different values;
//! an integer beyond 64 bits is a float.

use std::{borrow::Cow, collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

use super::number;
use crate::Map;

/// A value of the input.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number within 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list or an object.
    Array(Array),
}

/// A list or an object: entries in order, each key once. Equal only with the same keys in the same order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Array {
    entries: Vec<(Key, Value)>,
}

/// The key of an entry. Text that reads as a whole number in plain form is an index, as in PHP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The position in a list, or a key such as `"7"`.
    Index(i64),
    /// Any other key.
    Name(String),
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(index) if index.to_string() == text => Self::Index(index),
            _ => Self::Name(text.to_owned()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(formatter, "{index}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

impl Value {
    /// The value converted to text the way PHP does it: `true` is `1`, `false` and `null` are empty. `None` for an
    /// array.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null | Self::Bool(false) => Some(Cow::Borrowed("")),
            Self::Bool(true) => Some(Cow::Borrowed("1")),
            Self::Integer(integer) => Some(Cow::Owned(integer.to_string())),
            Self::Float(float) => Some(Cow::Owned(number::float_text(*float))),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Array(_) => None,
        }
    }

    /// The text, of a string only.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a list or an object.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The value as JSON. An array whose keys are 0, 1, 2 … is a list.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(boolean) => (*boolean).into(),
            Self::Integer(integer) => (*integer).into(),
            Self::Float(float) => (*float).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Array(array) if array.is_list() => array.values().map(Self::to_json).collect(),
            Self::Array(array) => {
                array.iter().map(|(key, value)| (key.to_string(), value.to_json())).collect::<Map>().into()
            }
        }
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(boolean) => Self::Bool(*boolean),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Null,
            },
            serde_json::Value::String(text) => Self::Text(text.clone()),
            serde_json::Value::Array(list) => Self::Array(list.iter().map(Self::from).collect()),
            serde_json::Value::Object(map) => Self::Array(Array::from(map)),
        }
    }
}

impl Array {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.entries.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value)
    }

    /// The value of a key given as text.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.get(&Key::from(name))
    }

    /// Sets the value of a key; a new key comes last.
    pub fn set(&mut self, key: Key, value: Value) {
        match self.entries.iter_mut().find(|(candidate, _)| *candidate == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &Key) {
        self.entries.retain(|(candidate, _)| candidate != key);
    }

    /// True when the keys are 0, 1, 2 … in order, as in a list.
    pub fn is_list(&self) -> bool {
        (0_i64..).zip(&self.entries).all(|(position, (key, _))| *key == Key::Index(position))
    }

    /// The same keys with other values.
    pub(super) fn map(self, change: impl Fn(&Key, Value) -> Value) -> Self {
        let entries = self.entries.into_iter().map(|(key, value)| {
            let changed = change(&key, value);
            (key, changed)
        });
        Self { entries: entries.collect() }
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self { entries: (0..).map(Key::Index).zip(values).collect() }
    }
}

/// Of entries with the same key the last value counts, in the place of the first.
impl FromIterator<(Key, Value)> for Array {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(pairs: I) -> Self {
        let mut entries: Vec<(Key, Value)> = Vec::new();
        let mut places: HashMap<Key, usize> = HashMap::new();
        for (key, value) in pairs {
            if let Some(&place) = places.get(&key) {
                entries[place].1 = value;
            } else {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
        Self { entries }
    }
}

impl From<&Map> for Array {
    fn from(map: &Map) -> Self {
        map.iter().map(|(key, value)| (Key::from(key.as_str()), Value::from(value))).collect()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(boolean) => serializer.serialize_bool(*boolean),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Float(float) => serializer.serialize_f64(*float),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(array) if array.is_list() && !array.is_empty() => {
                let mut list = serializer.serialize_seq(Some(array.len()))?;
                array.values().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Array(array) => {
                let mut map = serializer.serialize_map(Some(array.len()))?;
                array.iter().try_for_each(|(key, value)| map.serialize_entry(&key.to_string(), value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Bool(boolean))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "an integer beyond 64 bits is a float")]
        Ok(i64::try_from(integer).map_or(Value::Float(integer as f64), Value::Integer))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values: Vec<Value> = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values.into_iter().collect()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            pairs.push((Key::from(key.as_str()), value));
        }
        Ok(Value::Array(pairs.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn numbers_keep_their_kind() {
        assert_eq!(read("1"), Value::Integer(1));
        assert_eq!(read("1.0"), Value::Float(1.0));
        assert_ne!(read("1"), read("1.0"));
        assert_eq!(read("9223372036854775808"), Value::Float(9_223_372_036_854_775_808.0));
        assert_eq!(read("-9223372036854775808"), Value::Integer(i64::MIN));
    }

    #[test]
    fn an_empty_object_is_an_empty_list_and_order_of_keys_counts() {
        assert_eq!(read("{}"), read("[]"));
        assert_eq!(read(r#"{"0":"a","1":"b"}"#), read(r#"["a","b"]"#));
        assert_ne!(read(r#"{"a":1,"b":2}"#), read(r#"{"b":2,"a":1}"#));
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#), read(r#"{"a":3,"b":2}"#));
    }

    #[test]
    fn only_plain_numbers_are_indexes() {
        assert_eq!(Key::from("7"), Key::Index(7));
        assert_eq!(Key::from("-7"), Key::Index(-7));
        for text in ["07", "+7", "-0", "7.0", "99999999999999999999", ""] {
            assert_eq!(Key::from(text), Key::Name(text.to_owned()));
        }
    }
}
