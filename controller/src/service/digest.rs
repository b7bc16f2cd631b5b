//! Digests of values: the same for the same content, however its keys were ordered.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The first 16 hexadecimal digits of the SHA-256 of these parts, in this order.
pub fn of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The digest of a JSON value.
pub fn of_value(value: &Value) -> String {
    of(&[&canonical(value)])
}

/// JSON text with sorted keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_the_content_does() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":{"d":null,"c":[1,2]},"a":1}"#).unwrap();
        assert_eq!(of_value(&one), of_value(&other));
        assert_ne!(of_value(&one), of_value(&json!({"a": 1, "b": {"c": [2, 1], "d": null}})));
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
