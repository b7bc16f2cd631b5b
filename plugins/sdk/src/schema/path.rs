//! Where a value is in the input: `name`, or `name.key` within an object.

use std::fmt;

use super::value::{Array, Key, Value};

/// A field, by its keys from the top of the input. A dot separates keys; `\.` is a dot within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    keys: Vec<Key>,
    text: String,
}

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Self {
        let mut keys = Vec::new();
        let mut key = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\\.") {
                key.push('.');
                rest = after;
                continue;
            }
            if first == '.' {
                keys.push(Key::from(key.as_str()));
                key.clear();
            } else {
                key.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
        keys.push(Key::from(key.as_str()));
        Self { keys, text: text.to_owned() }
    }

    /// The value at this path.
    pub fn find<'a>(&self, data: &'a Array) -> Option<&'a Value> {
        let (last, parents) = self.keys.split_last()?;
        let parent = parents.iter().try_fold(data, |array, key| array.get(key)?.as_array())?;
        parent.get(last)
    }

    /// The key at the top of the input.
    pub fn top(&self) -> String {
        self.keys.first().map(Key::to_string).unwrap_or_default()
    }

    /// Sets the value at this path, making the arrays on the way.
    pub(super) fn set(&self, data: &mut Array, value: Value) {
        set(data, &self.keys, value);
    }
}

fn set(array: &mut Array, keys: &[Key], value: Value) {
    match keys {
        [] => {}
        [last] => array.set(last.clone(), value),
        [first, rest @ ..] => {
            let mut child = array.get(first).and_then(Value::as_array).cloned().unwrap_or_default();
            set(&mut child, rest, value);
            array.set(first.clone(), Value::Array(child));
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_objects_and_lists() {
        let Value::Array(data) = serde_json::from_str(r#"{"g":{"k":["a","b"]},"a.b":1,"n":null}"#).expect("JSON")
        else {
            panic!("an object")
        };
        let find = |path: &str| Path::parse(path).find(&data).map(Value::to_json);
        assert_eq!(find("g.k.1"), Some("b".into()));
        assert_eq!(find("a\\.b"), Some(1.into()));
        assert_eq!(find("n"), Some(serde_json::Value::Null));
        for absent in ["a.b", "g.x", "g.k.2", "n.x", "g.k.0.x", ""] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }
}
