//! When a field applies: `{"field": "network", "operator": "=", "value": "bridge"}`.

use std::borrow::Cow;

use super::{
    field::FieldType,
    value::{Array, Value},
};

/// A condition on another field. While it is unmet the field is hidden, its `required` means `nullable`, its default is
/// not used, and what was given is not passed on; its other rules stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Where the other field is.
    pub target: Target,
    /// The other field.
    pub field: String,
    /// How it is compared.
    pub operator: Operator,
    /// The texts it is compared with.
    pub values: Vec<String>,
}

/// Where the field of a condition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// In the same schema.
    #[default]
    Configuration,
    /// Among fields that the platform adds to the form.
    Fields,
}

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `in`: equal to one of several.
    In,
    /// `not_in`
    NotIn,
    /// `truthy`: neither absent nor empty nor off.
    Truthy,
}

impl Operator {
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("=", Self::Equal),
        ("!=", Self::NotEqual),
        ("in", Self::In),
        ("not_in", Self::NotIn),
        ("truthy", Self::Truthy),
    ];
}

impl Condition {
    /// Whether the condition holds for this input. `other` is the type of the other field, where it is known.
    pub(super) fn is_met(&self, input: &Array, other: Option<FieldType>) -> bool {
        let value = input.field(&self.field).unwrap_or(&Value::Null);
        let is_equal = || comparable(value).iter().any(|text| self.equals(text, other));
        match self.operator {
            Operator::Equal | Operator::In => is_equal(),
            Operator::NotEqual | Operator::NotIn => !is_equal(),
            Operator::Truthy => comparable(value).iter().any(|text| !matches!(text.as_str(), "" | "0" | "false")),
        }
    }

    fn equals(&self, text: &str, other: Option<FieldType>) -> bool {
        let is_toggle = other == Some(FieldType::Toggle);
        self.values.iter().any(|value| value == text || (is_toggle && switch(value) == switch(text)))
    }
}

/// On and off in the spellings of forms.
fn switch(text: &str) -> &str {
    match text {
        "true" | "on" | "yes" => "1",
        "false" | "off" | "no" | "" => "0",
        other => other,
    }
}

/// A value as texts: each element of an array, a boolean as `1` or `0`.
pub(super) fn comparable(value: &Value) -> Vec<String> {
    match value {
        Value::Bool(boolean) => vec![u8::from(*boolean).to_string()],
        Value::Array(array) => array.values().flat_map(comparable).collect(),
        single => single.to_text().map(Cow::into_owned).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_met(operator: Operator, values: &[&str], input: &str, other: FieldType) -> bool {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let condition = Condition { target: Target::Configuration, field: "g".to_owned(), operator, values };
        let input: Value = serde_json::from_str(input).expect("JSON");
        condition.is_met(input.as_array().expect("an object"), Some(other))
    }

    #[test]
    fn every_operator_compares_as_text() {
        use FieldType::{Checkbox, Number, Select, Toggle};
        use Operator::{Equal, In, NotEqual, NotIn, Truthy};
        for (operator, values, input, other, expected) in [
            (Equal, vec!["a"], r#"{"g":"a"}"#, Select, true),
            (Equal, vec!["a"], r#"{"g":"b"}"#, Select, false),
            (Equal, vec!["a"], "{}", Select, false),
            (Equal, vec!["5"], r#"{"g":5}"#, Number, true),
            (Equal, vec!["1"], r#"{"g":true}"#, Toggle, true),
            (Equal, vec!["true"], r#"{"g":"1"}"#, Toggle, true),
            (Equal, vec!["false"], "{}", Toggle, true),
            (Equal, vec!["b"], r#"{"g":["a","b"]}"#, Checkbox, true),
            (NotEqual, vec!["a"], "{}", Select, true),
            (NotEqual, vec!["a"], r#"{"g":"a"}"#, Select, false),
            (In, vec!["a", "b"], r#"{"g":"b"}"#, Select, true),
            (NotIn, vec!["a", "b"], r#"{"g":"b"}"#, Select, false),
            (NotIn, vec!["a", "b"], r#"{"g":"c"}"#, Select, true),
            (Truthy, vec![], r#"{"g":"x"}"#, Select, true),
            (Truthy, vec![], r#"{"g":false}"#, Toggle, false),
            (Truthy, vec![], r#"{"g":"0"}"#, Toggle, false),
            (Truthy, vec![], r#"{"g":[]}"#, Checkbox, false),
            (Truthy, vec![], r#"{"g":null}"#, Select, false),
        ] {
            assert_eq!(is_met(operator, &values, input, other), expected, "{operator:?} {values:?} {input}");
        }
    }
}
