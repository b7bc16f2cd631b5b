//! The size of a value, and the rules that bound it.

use super::{
    number::{self, Decimal},
    rule::Rule,
    text::{BLANKS, is_blank, is_numeric},
    value::Value,
};

/// Exponents beyond this are not measured.
const LARGEST_EXPONENT: u64 = 1000;

/// True for everything but null, blank strings and empty arrays.
pub(super) fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Text(text) => !is_blank(text),
        Value::Array(array) => !array.is_empty(),
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) => true,
    }
}

/// Whether a value has the size that `min`, `max`, `between` or `size` asks for.
pub(super) fn fits(rule: &Rule, value: &Value, by_number: bool) -> bool {
    let Some(size) = size(value, by_number) else {
        return false;
    };
    match rule {
        Rule::Min(least) => size >= least.number,
        Rule::Max(most) => size <= most.number,
        Rule::Between(least, most) => size >= least.number && size <= most.number,
        Rule::Size(exact) => size == exact.number,
        _ => true,
    }
}

/// What a size counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Number,
    Characters,
    Entries,
}

/// The number itself for a numeric value of a numeric field, the entries of an array, the code points of any other
/// text.
pub(super) fn measure(value: &Value, by_number: bool) -> Measure {
    match value {
        Value::Array(_) => Measure::Entries,
        value if by_number && is_numeric(value, false) => Measure::Number,
        _ => Measure::Characters,
    }
}

/// `None` when a number cannot be measured.
fn size(value: &Value, by_number: bool) -> Option<Decimal> {
    match (measure(value, by_number), value) {
        (_, Value::Array(array)) => Some(array.len().into()),
        (Measure::Number, value) => number(value.to_text()?.trim_matches(BLANKS)),
        (_, value) => Some(value.to_text()?.chars().count().into()),
    }
}

fn number(text: &str) -> Option<Decimal> {
    let is_measured = number::written_exponent(text).is_none_or(|exponent| exponent.unsigned_abs() <= LARGEST_EXPONENT);
    if is_measured { Decimal::read(text) } else { None }
}
