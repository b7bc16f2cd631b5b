//! Reading bodies: JSON or YAML, with the fields that come twice.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::field::child;
use crate::object::deeper_than;
use crate::protobuf;
use crate::status::ApiError;
use crate::syntax;

/// Deeper bodies are refused: nothing that is served needs more, and code that walks values recursively stays safe.
pub(crate) const MAX_DEPTH: usize = 100;

/// A body and the paths of the fields that occur more than once in it (the last one counts).
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// The media types a body may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Yaml,
    Protobuf,
}

pub(crate) fn media(content_type: &str) -> Result<Media, ApiError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence {
        "" | "application/json" | "*/*" => Ok(Media::Json),
        "application/yaml" => Ok(Media::Yaml),
        protobuf::MEDIA_TYPE => Ok(Media::Protobuf),
        _ => Err(ApiError::unsupported_media_type(&["application/json", "application/yaml"])),
    }
}

pub(crate) fn body(bytes: &[u8], media: Media) -> Result<Body, ApiError> {
    let body = match media {
        Media::Json => json(bytes)?,
        Media::Yaml => Body { value: yaml(bytes)?, duplicates: Vec::new() },
        Media::Protobuf => Body { value: protobuf::decode(bytes)?, duplicates: Vec::new() },
    };
    if deeper_than(&body.value, MAX_DEPTH) {
        return Err(ApiError::bad_request(format!("the body is nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(body)
}

fn json(bytes: &[u8]) -> Result<Body, ApiError> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let unreadable =
        |error: serde_json::Error| ApiError::bad_request(syntax::problem(bytes).unwrap_or_else(|| error.to_string()));
    let seed = Seed { path: String::new(), duplicates: &mut duplicates };
    let value = seed.deserialize(&mut deserializer).map_err(unreadable)?;
    deserializer.end().map_err(unreadable)?;
    Ok(Body { value, duplicates })
}

/// YAML, of which JSON is a part.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Value, ApiError> {
    let unreadable = |error: &dyn fmt::Display| ApiError::bad_request(format!("error decoding YAML: {error}"));
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable(&error))?;
    // Its own value type refuses duplicate keys; deserialising straight into a JSON value would not.
    let value: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| unreadable(&error))?;
    serde_json::to_value(value).map_err(|error| unreadable(&error))
}

/// Builds a value and notes keys that come twice.
struct Seed<'a> {
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, list.len());
            match access.next_element_seed(Seed { path, duplicates: self.duplicates })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = child(&self.path, &key);
            if map.contains_key(&key) && !self.duplicates.contains(&path) {
                self.duplicates.push(path.clone());
            }
            let value = access.next_value_seed(Seed { path, duplicates: self.duplicates })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn a_field_that_comes_twice_is_noted_with_its_path() {
        let body = body(br#"{"spec":{"a":1,"a":2},"list":[{"b":1,"b":1}]}"#, Media::Json).unwrap();
        assert_eq!(body.duplicates, ["spec.a", "list[0].b"]);
        assert_eq!(body.value["spec"]["a"], 2);
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow() {
        let deep = "[".repeat(120) + &"]".repeat(120);
        assert_eq!(body(deep.as_bytes(), Media::Json).unwrap_err().code, 400);
        let deep = "[".repeat(100_000);
        assert_eq!(body(deep.as_bytes(), Media::Json).unwrap_err().code, 400);
        assert_eq!(body(deep.as_bytes(), Media::Yaml).unwrap_err().code, 400);
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let previous = format!("*a{}", level - 1);
            writeln!(bomb, "a{level}: &a{level} [{}]", vec![previous; 9].join(",")).unwrap();
        }
        assert_eq!(body(bomb.as_bytes(), Media::Yaml).unwrap_err().code, 400);
    }
}
