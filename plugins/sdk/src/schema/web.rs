//! What a web form's input goes through before validation: strings are trimmed, empty ones become null.

use super::value::{Array, Key, Value};

/// Top-level fields whose white space is part of the value.
const UNTRIMMED: [&str; 3] = ["current_password", "password", "password_confirmation"];

/// The input as the web layer hands it on.
pub(super) fn prepare(data: Array) -> Array {
    data.map(|key, value| {
        let is_kept = matches!(key, Key::Name(name) if UNTRIMMED.contains(&name.as_str()));
        null_if_empty(if is_kept { value } else { trimmed(value) })
    })
}

fn trimmed(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(text.trim_matches(is_trimmed).to_owned()),
        Value::Array(array) => Value::Array(array.map(|_, value| trimmed(value))),
        other => other,
    }
}

fn null_if_empty(value: Value) -> Value {
    match value {
        Value::Text(text) if text.is_empty() => Value::Null,
        Value::Array(array) => Value::Array(array.map(|_, value| null_if_empty(value))),
        other => other,
    }
}

/// White space, NUL, and the characters that take no ink: fillers, joiners, marks of direction.
fn is_trimmed(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\0' | '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2060}'..='\u{2065}'
                | '\u{206a}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0020}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(json: &str) -> serde_json::Value {
        let Value::Array(data) = serde_json::from_str(json).expect("JSON") else { panic!("an object") };
        Value::Array(prepare(data)).to_json()
    }

    #[test]
    fn strings_are_trimmed_at_every_depth_and_empty_ones_are_null() {
        assert_eq!(
            prepared(r#"{"a":" x\u00a0\u200b","b":["", " y"],"c":{"password":" "},"d":" \u0000","e":5}"#),
            serde_json::json!({"a":"x","b":[null,"y"],"c":{"password":null},"d":null,"e":5})
        );
    }

    #[test]
    fn passwords_keep_their_white_space_at_the_top() {
        assert_eq!(
            prepared(r#"{"password":" x ","current_password":"","new_password":" x "}"#),
            serde_json::json!({"password":" x ","current_password":null,"new_password":"x"})
        );
    }

    #[test]
    fn control_characters_and_marks_stay() {
        for kept in ['\u{1}', '\u{8}', '\u{1f}', '\u{202a}', '\u{301}', '\u{7f}'] {
            assert!(!is_trimmed(kept), "{kept:?}");
        }
        for gone in ['\u{85}', '\u{2028}', '\u{1680}', '\u{202f}', '\u{200e}', '\u{b}', '\u{c}'] {
            assert!(is_trimmed(gone), "{gone:?}");
        }
    }
}
