//! A schema as a table of its fields.

use hostwright_plugin::schema::{Change, Field, FieldType, Schema};
use serde_json::Value;

use super::super::failure::Failure;
use super::super::output::{Output, Span, Tone};

/// Prints the fields. What a later change takes is said only of what can be changed later.
pub(super) fn show(schema: &Schema, changeable: bool, output: &Output) -> Result<(), Failure> {
    let source = serde_json::to_value(schema).unwrap_or_default();
    let rows = schema.fields().iter().map(|field| row(field, &source[field.key()], changeable)).collect();
    let headers: &[&str] = if changeable {
        &["KEY", "TYPE", "RULES", "DEFAULT", "CHANGE", "LABEL"]
    } else {
        &["KEY", "TYPE", "RULES", "DEFAULT", "LABEL"]
    };
    output.table(headers, rows)
}

fn row(field: &Field, source: &Value, changeable: bool) -> Vec<Span> {
    let change = match field.change() {
        Change::CreateOnly => "never",
        Change::InPlace => "in place",
        Change::Disruptive => "interrupts",
    };
    let mut row = vec![field.key().to_owned(), type_of(field).to_owned(), rules(source), default(field)];
    if changeable {
        row.push(change.to_owned());
    }
    row.push(field.label().to_owned());
    row.into_iter().map(|text| (Tone::Plain, text)).collect()
}

fn type_of(field: &Field) -> &'static str {
    match field.field_type() {
        FieldType::Text => "text",
        FieldType::Textarea => "textarea",
        FieldType::Email => "email",
        FieldType::Url => "url",
        FieldType::Number => "number",
        FieldType::Password => "password",
        FieldType::Toggle => "toggle",
        FieldType::Select => "select",
        FieldType::Radio => "radio",
        FieldType::Checkbox => "checkbox",
    }
}

/// The rules as the schema writes them, with blanks where a narrow terminal may break the line.
fn rules(source: &Value) -> String {
    match &source["rules"] {
        Value::String(rules) => rules.split('|').collect::<Vec<_>>().join(", "),
        Value::Array(rules) => rules.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        _ => String::new(),
    }
}

fn default(field: &Field) -> String {
    match field.default() {
        None => "-".to_owned(),
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_key_type_rules_default_change_and_label() {
        let source = json!({
            "memory": {"type": "number", "label": "Memory", "rules": ["required", "integer"], "default": 1024, "change": "CreateOnly"},
            "mode": {"type": "select", "label": "Mode", "options": {"a": "A"}, "rules": "nullable|in:a"},
        });
        let schema = Schema::from_json(&source).unwrap();
        let texts = |key: &str, changeable| -> Vec<String> {
            row(schema.field(key).unwrap(), &source[key], changeable).into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts("memory", true), ["memory", "number", "required, integer", "1024", "never", "Memory"]);
        assert_eq!(texts("mode", false), ["mode", "select", "nullable, in:a", "-", "Mode"]);
    }
}
