//! Reading bodies: JSON or YAML, with the fields that come twice.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::field::MAX_NAME;
use crate::object::deeper_than;
use crate::protobuf;
use crate::status::ApiError;
use crate::syntax;

/// Deeper bodies are refused: nothing that is served needs more, and code that walks values recursively stays safe.
pub(crate) const MAX_DEPTH: usize = 100;

/// As the decoder of the real server: nobody reads more of them, and a body may hold very many.
const MAX_DUPLICATES: usize = 100;

/// Text in YAML may be repeated by aliases; this much is far above any object that is stored.
const MAX_YAML_TEXT: usize = 8 * 1024 * 1024;

/// What the parser needs for so deep a document when it is not optimised, and as much again.
const YAML_STACK: usize = 8 * 1024 * 1024;

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
        _ => Err(ApiError::unsupported_media_type(&["application/json", "application/yaml", protobuf::MEDIA_TYPE])),
    }
}

pub(crate) fn body(bytes: &[u8], media: Media) -> Result<Body, ApiError> {
    let body = match media {
        Media::Json => json(bytes)?,
        Media::Yaml => Body { value: yaml(bytes)?, duplicates: Vec::new() },
        Media::Protobuf => Body { value: protobuf::decode(bytes)?, duplicates: Vec::new() },
    };
    check_depth(&body.value)?;
    Ok(body)
}

fn check_depth(value: &Value) -> Result<(), ApiError> {
    if deeper_than(value, MAX_DEPTH) {
        return Err(ApiError::bad_request(format!("the body is nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(())
}

fn json(bytes: &[u8]) -> Result<Body, ApiError> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let unreadable =
        |error: serde_json::Error| ApiError::bad_request(syntax::problem(bytes).unwrap_or_else(|| error.to_string()));
    let seed = Seed { place: &Place::Root, duplicates: &mut duplicates };
    let value = seed.deserialize(&mut deserializer).map_err(unreadable)?;
    deserializer.end().map_err(unreadable)?;
    Ok(Body { value, duplicates })
}

/// YAML, of which JSON is a part; most clients send that, and it is read faster.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Value, ApiError> {
    let value = match json(bytes) {
        Ok(Body { value, duplicates }) if duplicates.is_empty() => value,
        _ => real_yaml(bytes)?,
    };
    check_depth(&value)?;
    Ok(value)
}

/// The parser counts depth, nodes and what aliases repeat, and takes one document.
fn real_yaml(bytes: &[u8]) -> Result<Value, ApiError> {
    let unreadable = |error: &dyn fmt::Display| {
        ApiError::bad_request(format!("error decoding YAML: error converting YAML to JSON: yaml: {error}"))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable(&error))?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_total_scalar_bytes: MAX_YAML_TEXT,
            max_recorded_anchor_bytes: MAX_YAML_TEXT,
        },
        // As the other readers of YAML here: `yes`, `010` and `1_000` are texts.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // The answer need not quote the body.
        with_snippet: false,
    };
    let parsed = stacker::grow(YAML_STACK, || serde_saphyr::from_str_with_options(text, options));
    parsed.map_err(|error| unreadable(&error))
}

/// Where a value is. Written out only where there is something to say about it.
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => write!(f, "{name:.MAX_NAME$}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name:.MAX_NAME$}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Builds a value and notes keys that come twice.
struct Seed<'a> {
    place: &'a Place<'a>,
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

    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the bounds")]
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // `2.0` is written as `2` again, and is then a whole number.
        if value.fract() == 0.0 && value.abs() < 9e15 {
            return Ok((value as i64).into());
        }
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
            let place = &Place::Item(self.place, list.len());
            match access.next_element_seed(Seed { place, duplicates: self.duplicates })? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let place = &Place::Field(self.place, &key);
            if map.contains_key(&key) && self.duplicates.len() < MAX_DUPLICATES {
                let path = place.to_string();
                if !self.duplicates.contains(&path) {
                    self.duplicates.push(path);
                }
            }
            let value = access.next_value_seed(Seed { place, duplicates: self.duplicates })?;
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
    fn deep_nesting_is_refused_whatever_it_is_made_of() {
        for (opening, closing) in [("[", "]"), ("{\"a\":", "}"), ("- ", ""), ("? ", ""), ("{a: [", "]}")] {
            for depth in [120, 100_000] {
                let deep = opening.repeat(depth) + "1" + &closing.repeat(depth);
                let medias =
                    if opening.starts_with(['[', '{']) { &[Media::Json, Media::Yaml][..] } else { &[Media::Yaml] };
                for media in medias {
                    assert_eq!(body(deep.as_bytes(), *media).unwrap_err().code, 400, "{opening} {depth} {media:?}");
                }
            }
        }
        let fits = "[".repeat(MAX_DEPTH - 1) + "1" + &"]".repeat(MAX_DEPTH - 1);
        for media in [Media::Json, Media::Yaml] {
            assert!(body(fits.as_bytes(), media).is_ok());
        }
    }

    #[test]
    fn what_aliases_repeat_has_a_limit() {
        let mut nested = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 {
            let previous = format!("*a{}", level - 1);
            writeln!(nested, "a{level}: &a{level} [{}]", vec![previous; 9].join(",")).unwrap();
        }
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(1_000_000), "*a,".repeat(20));
        let many = format!("a: &a x\nb: [{}]", "*a,".repeat(100_000));
        for bomb in [nested, long, many] {
            assert_eq!(body(bomb.as_bytes(), Media::Yaml).unwrap_err().code, 400);
        }
        let harmless = body(b"a: &a {b: c}\nd: *a\ne: {<<: *a, f: g}", Media::Yaml).unwrap().value;
        assert_eq!(harmless, serde_json::json!({ "a": { "b": "c" }, "d": { "b": "c" }, "e": { "b": "c", "f": "g" } }));
    }

    #[test]
    fn what_is_no_text_or_no_number_is_refused() {
        for json in [
            &b"\"a\xff\xfe\""[..],
            b"\"\\ud800x\"",
            b"\"\\ud800\\ud800\"",
            b"NaN",
            b"Infinity",
            b"1e400",
            b"-1e400",
            b"01",
            b"+1",
            b"1.",
            b"\xef\xbb\xbf{}",
            b"\"\n\"",
            b"{} {}",
            b"{}x",
            b"{,}",
            b"",
            b"\0",
        ] {
            assert_eq!(body(json, Media::Json).unwrap_err().code, 400, "{}", String::from_utf8_lossy(json));
        }
        for yaml in [
            &b"a: \xff"[..],
            b"a: .nan",
            b"a: -.inf",
            b"a: 1e400",
            b"a:\n\t- b",
            b"a: 1\na: 2",
            b"a: 1\n---\nb: 1",
            b"? [a]\n: b",
        ] {
            assert_eq!(body(yaml, Media::Yaml).unwrap_err().code, 400, "{}", String::from_utf8_lossy(yaml));
        }
        let large = body(b"[99999999999999999999, 18446744073709551615, 1e308]", Media::Json).unwrap().value;
        assert_eq!(large, serde_json::json!([1e20, u64::MAX, 1e308]));
    }

    #[test]
    fn many_duplicates_are_not_all_told() {
        let mut text = String::from("{");
        for number in 0..100_000 {
            write!(text, "\"a{number}\":1,\"a{number}\":2,").unwrap();
        }
        text.push_str("\"b\":1}");
        let body = body(text.as_bytes(), Media::Json).unwrap();
        assert_eq!(body.duplicates.len(), MAX_DUPLICATES);
        assert_eq!(body.value["a99999"], 2);
    }

    #[test]
    fn a_long_key_costs_nothing_below_it() {
        let below = "[0],".repeat(100_000);
        let text = format!("{{\"{}\":{{\"list\":[{below}0],\"a\":1,\"a\":1}}}}", "k".repeat(1_000_000));
        let body = body(text.as_bytes(), Media::Json).unwrap();
        assert_eq!(body.duplicates, [format!("{}.a", "k".repeat(MAX_NAME))]);
    }
}
