//! Built-in kinds are decoded into types of Go: a value of another type gets no further, with the decoder's own sentence.

use serde_json::Value;

use crate::metadata::go_name;
use crate::schema::{Additional, Schema, Type};

/// The first value in an object of this kind that does not fit its type.
pub(crate) fn mismatch(value: &Value, schema: &Schema, kind: &str) -> Option<String> {
    walk(value, schema, kind, "")
}

fn walk(value: &Value, schema: &Schema, structure: &str, path: &str) -> Option<String> {
    let wrong = || {
        let (found, wanted) = (go_name(value), type_of(schema));
        Some(format!("json: cannot unmarshal {found} into Go struct field {structure}.{path} of type {wanted}"))
    };
    match (schema.type_, value) {
        (None, _) | (_, Value::Null) => None,
        (Some(Type::Object), Value::Object(map)) => map.iter().find_map(|(name, child)| {
            if let Some(field) = schema.properties.get(name) {
                let inner = if field.properties.is_empty() || path.is_empty() { structure } else { path };
                return walk(child, field, &struct_name(structure, inner, path), &join(path, name));
            }
            // What is in a map is named as the map is.
            if let Additional::Schema(field) = &schema.additional { walk(child, field, structure, path) } else { None }
        }),
        (Some(Type::Array), Value::Array(list)) => {
            let items = schema.items.as_deref()?;
            list.iter().find_map(|item| walk(item, items, structure, path))
        }
        (Some(Type::Object | Type::Array), _) => wrong(),
        (Some(Type::String), value) if !value.is_string() => wrong(),
        (Some(Type::Boolean), value) if !value.is_boolean() => wrong(),
        (Some(Type::Integer), value) if !value.is_i64() => wrong(),
        (Some(Type::Number), value) if !value.is_number() => wrong(),
        _ => None,
    }
}

/// The type of what is under `spec` of a `Lease` is `LeaseSpec`.
fn struct_name(structure: &str, inner: &str, path: &str) -> String {
    let part = path.rsplit('.').next().unwrap_or_default();
    if part.is_empty() || inner == structure && !matches!(part, "spec" | "status") {
        return structure.to_owned();
    }
    let mut letters = part.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    if structure.ends_with(&name) { structure.to_owned() } else { format!("{structure}{name}") }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn type_of(schema: &Schema) -> String {
    match (schema.type_, schema.format.as_deref()) {
        (Some(Type::String), Some("byte")) => "[]uint8".to_owned(),
        (Some(Type::Integer), Some("int64")) => "int64".to_owned(),
        (Some(Type::Integer), _) => "int32".to_owned(),
        (Some(Type::Number), _) => "float64".to_owned(),
        (Some(Type::Boolean), _) => "bool".to_owned(),
        (Some(Type::Array), _) => format!("[]{}", schema.items.as_deref().map_or_else(String::new, type_of)),
        (Some(Type::Object), _) => match &schema.additional {
            Additional::Schema(field) => format!("map[string]{}", type_of(field)),
            _ => "struct".to_owned(),
        },
        _ => "string".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_field_and_both_types_are_named() {
        let schema = Schema::parse(&json!({ "type": "object", "properties": {
            "data": { "type": "object", "additionalProperties": { "type": "string" } },
            "spec": { "type": "object", "properties": { "seconds": { "type": "integer", "format": "int32" } } },
        } }));
        for (value, expected) in [
            (json!({ "data": { "a": 1 } }), "number into Go struct field Lease.data of type string"),
            (json!({ "data": "x" }), "string into Go struct field Lease.data of type map[string]string"),
            (json!({ "spec": { "seconds": "x" } }), "string into Go struct field LeaseSpec.spec.seconds of type int32"),
        ] {
            assert_eq!(mismatch(&value, &schema, "Lease").unwrap(), format!("json: cannot unmarshal {expected}"));
        }
        assert_eq!(mismatch(&json!({ "data": { "a": "b" }, "spec": null }), &schema, "Lease"), None);
    }
}
