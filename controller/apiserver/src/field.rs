//! Errors about one field of an object, in the words of `k8s.io/apimachinery/pkg/util/validation/field`.

use serde_json::{Value, json};

/// What is wrong with a field; the names are those of the causes in a `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldErrorKind {
    Invalid,
    TypeInvalid,
    Required,
    Forbidden,
    Duplicate,
    NotSupported,
    TooLong,
    TooMany,
}

/// One problem: the field, what kind of problem, and the rest of the sentence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    pub(crate) kind: FieldErrorKind,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl FieldError {
    fn new(kind: FieldErrorKind, field: &str, message: String) -> Self {
        let field = if field.is_empty() { "<nil>" } else { field };
        Self { kind, field: field.to_owned(), message }
    }

    pub(crate) fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new(FieldErrorKind::Invalid, field, format!("Invalid value: {}{}", shown(value), after_colon(detail)))
    }

    /// An invalid value whose text is known already.
    pub(crate) fn invalid_shown(field: &str, shown: &str, detail: &str) -> Self {
        Self::new(FieldErrorKind::Invalid, field, format!("Invalid value: {shown}{}", after_colon(detail)))
    }

    /// An invalid value that is too big or too structured to be printed.
    pub(crate) fn invalid_unprinted(field: &str, detail: &str) -> Self {
        Self::new(FieldErrorKind::Invalid, field, format!("Invalid value{}", after_colon(detail)))
    }

    pub(crate) fn type_invalid(field: &str, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {}{}", shown(value), after_colon(detail));
        Self::new(FieldErrorKind::TypeInvalid, field, message)
    }

    pub(crate) fn required(field: &str, detail: &str) -> Self {
        Self::new(FieldErrorKind::Required, field, format!("Required value{}", after_colon(detail)))
    }

    pub(crate) fn forbidden(field: &str, detail: &str) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, format!("Forbidden{}", after_colon(detail)))
    }

    pub(crate) fn duplicate(field: &str, value: &Value) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, format!("Duplicate value: {}", shown(value)))
    }

    pub(crate) fn not_supported(field: &str, value: &Value, supported: &[Value]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| format!("\"{}\"", plain(one))).collect();
        let message = format!("Unsupported value: {}: supported values: {}", shown(value), supported.join(", "));
        Self::new(FieldErrorKind::NotSupported, field, message)
    }

    pub(crate) fn too_long(field: &str, limit: u64) -> Self {
        Self::new(FieldErrorKind::TooLong, field, format!("Too long: may not be more than {limit} bytes"))
    }

    pub(crate) fn too_many(field: &str, found: usize, limit: u64) -> Self {
        let message = format!("Too many: {found}: must have at most {limit} items");
        Self::new(FieldErrorKind::TooMany, field, message)
    }

    pub(crate) fn cause(&self) -> Value {
        let reason = match self.kind {
            FieldErrorKind::Invalid => "FieldValueInvalid",
            FieldErrorKind::TypeInvalid => "FieldValueTypeInvalid",
            FieldErrorKind::Required => "FieldValueRequired",
            FieldErrorKind::Forbidden => "FieldValueForbidden",
            FieldErrorKind::Duplicate => "FieldValueDuplicate",
            FieldErrorKind::NotSupported => "FieldValueNotSupported",
            FieldErrorKind::TooLong => "FieldValueTooLong",
            FieldErrorKind::TooMany => "FieldValueTooMany",
        };
        json!({ "reason": reason, "message": self.message, "field": self.field })
    }
}

fn after_colon(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}

/// JSON, and numbers as Go prints them.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if !number.is_i64() => number.as_f64().map_or_else(|| value.to_string(), number_text),
        _ => value.to_string(),
    }
}

/// A number as Go's `%v` has it: `1`, `0.25`, `1e+21`.
pub(crate) fn number_text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-4..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A name in a path is cut here: it is repeated in the path of everything below it, and a client may make it very long.
pub(crate) const MAX_NAME: usize = 200;

/// Joins a field path: `spec` and `replicas` give `spec.replicas`.
pub(crate) fn child(path: &str, name: &str) -> String {
    if path.is_empty() { format!("{name:.MAX_NAME$}") } else { format!("{path}.{name:.MAX_NAME$}") }
}
