//! PHP's loose comparison, which `required_if` uses.

use super::{
    number::{Numeric, float_text},
    value::Value,
};

/// `value == text` as PHP 8 decides it: by number where both sides are numeric, by text otherwise.
pub(super) fn loosely_equals(value: &Value, text: &str) -> bool {
    match value {
        Value::Null => text.is_empty(),
        Value::Bool(boolean) => *boolean == is_true_text(text),
        Value::Integer(integer) => integer_equals(*integer, text),
        Value::Float(float) => float_equals(*float, text),
        Value::Text(own) => texts_equal(own, text),
        Value::Array(_) => false,
    }
}

/// The value as a boolean: false for null, `false`, zero, `""`, `"0"` and an empty array.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(boolean) => *boolean,
        Value::Integer(integer) => *integer != 0,
        Value::Float(float) => *float != 0.0,
        Value::Text(text) => is_true_text(text),
        Value::Array(array) => !array.is_empty(),
    }
}

fn is_true_text(text: &str) -> bool {
    !matches!(text, "" | "0")
}

#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "PHP compares as floats, exactly")]
fn integer_equals(integer: i64, text: &str) -> bool {
    match Numeric::read(text) {
        Some(Numeric::Integer(other)) => integer == other,
        Some(Numeric::Float(other) | Numeric::Overflow(other)) => integer as f64 == other,
        None => integer.to_string() == text,
    }
}

#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "PHP compares as floats, exactly")]
fn float_equals(float: f64, text: &str) -> bool {
    match Numeric::read(text) {
        Some(Numeric::Integer(other)) => float == other as f64,
        Some(Numeric::Float(other) | Numeric::Overflow(other)) => float == other,
        None => float_text(float) == text,
    }
}

#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "PHP compares as floats, exactly")]
fn texts_equal(left: &str, right: &str) -> bool {
    use Numeric::{Float, Integer, Overflow};
    match (Numeric::read(left), Numeric::read(right)) {
        (Some(Integer(a)), Some(Integer(b))) => a == b,
        (Some(Integer(_)), Some(Overflow(_))) | (Some(Overflow(_)), Some(Integer(_))) => false,
        (Some(Integer(a)), Some(Float(b))) | (Some(Float(b)), Some(Integer(a))) => a as f64 == b,
        // Where floats cannot tell two overflowing numbers apart, their texts do.
        (Some(Overflow(a)), Some(Overflow(b))) => a == b && left == right,
        (Some(Float(a) | Overflow(a)), Some(Float(b) | Overflow(b))) if a.is_infinite() && a == b => left == right,
        (Some(Float(a) | Overflow(a)), Some(Float(b) | Overflow(b))) => a == b,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn numeric_texts_compare_as_numbers() {
        for equal in ["1", "01", "1.0", " 1", "1 ", "+1", "1e0", "10e-1"] {
            assert!(loosely_equals(&text(equal), "1"), "{equal:?}");
        }
        for other in ["", "a", "1a", "1.1", "\u{0}1"] {
            assert!(!loosely_equals(&text(other), "1"), "{other:?}");
        }
        assert!(loosely_equals(&Value::Integer(0), "-0.0") && loosely_equals(&Value::Float(0.0), "0"));
        assert!(!loosely_equals(&Value::Integer(0), "") && !loosely_equals(&Value::Integer(0), "a"));
    }

    #[test]
    fn numbers_beyond_64_bits_are_told_apart() {
        assert!(!loosely_equals(&text("99999999999999999999"), "99999999999999999998"));
        assert!(!loosely_equals(&text("1e999"), "1e998"));
        assert!(loosely_equals(&text("1e999"), "1e999"));
    }

    #[test]
    fn arrays_equal_no_text() {
        assert!(!loosely_equals(&Value::Array([Value::Integer(1)].into_iter().collect()), "1"));
    }
}
