//! What a case says about an answer: a part of it.
//!
//! A map contains at least the named fields; a list has as many items, each as described; anything else is equal. `!absent`
//! is a field that is not there, `!present` any value, `!contains` and `!matches` a part of a text and a pattern.

use regex::Regex;
use serde_json::Value;
use serde_yaml::Value as Yaml;

use crate::words::Words;

/// Everything in which `found` is not as expected.
pub fn problems(words: &Words, expected: &Yaml, found: &Value, path: &str) -> Vec<String> {
    match expected {
        Yaml::Mapping(map) => {
            if !found.is_object() {
                return vec![format!("{path}: expected a map, found {found}")];
            }
            let field = |(name, expected): (&Yaml, &Yaml)| {
                let name = words.text(name.as_str().unwrap());
                field_problems(words, expected, found.get(&name), &format!("{path}.{name}"))
            };
            map.iter().flat_map(field).collect()
        }
        Yaml::Sequence(list) => {
            let items = found.as_array().map(Vec::as_slice).unwrap_or_default();
            if !found.is_array() || items.len() != list.len() {
                return vec![format!("{path}: expected {} items, found {found}", list.len())];
            }
            let pairs = list.iter().zip(items).enumerate();
            pairs
                .flat_map(|(at, (one, item))| field_problems(words, one, Some(item), &format!("{path}[{at}]")))
                .collect()
        }
        Yaml::Tagged(tagged) if is_about_text(expected) => {
            let wanted = words.text(tagged.value.as_str().unwrap());
            let text = found.as_str().unwrap_or_default();
            let fits = if tagged.tag == "contains" {
                text.contains(&wanted)
            } else {
                Regex::new(&wanted).unwrap().is_match(text)
            };
            if fits { Vec::new() } else { vec![format!("{path}: expected {} {wanted:?}, found {found}", tagged.tag)] }
        }
        _ => {
            let wanted = words.value(expected);
            if wanted == *found { Vec::new() } else { vec![format!("{path}: expected {wanted}, found {found}")] }
        }
    }
}

fn is_about_text(expected: &Yaml) -> bool {
    matches!(expected, Yaml::Tagged(tagged) if tagged.tag == "contains" || tagged.tag == "matches")
}

fn field_problems(words: &Words, expected: &Yaml, found: Option<&Value>, path: &str) -> Vec<String> {
    let tag = |name: &str| matches!(expected, Yaml::Tagged(tagged) if tagged.tag == *name);
    match found {
        None if tag("absent") => Vec::new(),
        None => vec![format!("{path}: expected, and not there")],
        Some(found) if tag("absent") => vec![format!("{path}: expected to be absent, found {found}")],
        Some(_) if tag("present") => Vec::new(),
        Some(found) => problems(words, expected, found, path),
    }
}
