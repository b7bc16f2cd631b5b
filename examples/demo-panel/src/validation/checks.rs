//! What the rules that look at one value alone accept.

use std::net::IpAddr;

use serde_json::Value;

use super::pattern;
use super::rule::Rule;

/// Whether `value` passes `rule`. `measured_as_number`: sizes of numeric values are their value.
pub(super) fn passes(rule: &Rule, value: Option<&Value>, measured_as_number: bool) -> bool {
    let size = || value.and_then(|value| size(value, measured_as_number));
    match rule {
        Rule::Required => is_filled(value),
        Rule::Present => value.is_some(),
        Rule::String => matches!(value, Some(Value::String(_))),
        Rule::Array => matches!(value, Some(Value::Array(_) | Value::Object(_))),
        Rule::Boolean => value.is_some_and(is_boolean),
        Rule::Integer => value.is_some_and(is_integer),
        Rule::Numeric => value.is_some_and(is_numeric),
        Rule::Email => matches!(value, Some(Value::String(address)) if is_email(address)),
        Rule::Url => matches!(value, Some(Value::String(address)) if is_url(address)),
        Rule::Ip => matches!(value, Some(Value::String(address)) if address.parse::<IpAddr>().is_ok()),
        Rule::Alpha => text_matches(value, char::is_alphabetic),
        Rule::AlphaNum => text_matches(value, char::is_alphanumeric),
        Rule::AlphaDash => text_matches(value, |character| character.is_alphanumeric() || "-_".contains(character)),
        Rule::Digits(length) => digits(value).is_some_and(|digits| digits == *length as usize),
        Rule::DigitsBetween(min, max) => {
            digits(value).is_some_and(|digits| (*min as usize..=*max as usize).contains(&digits))
        }
        Rule::Size(wanted) => size().is_some_and(|size| size.total_cmp(wanted).is_eq()),
        Rule::Min(min) => size().is_some_and(|size| size >= *min),
        Rule::Max(max) => size().is_some_and(|size| size <= *max),
        Rule::Between(min, max) => size().is_some_and(|size| (*min..=*max).contains(&size)),
        Rule::In(allowed) => value.and_then(text).is_some_and(|text| allowed.contains(&text)),
        Rule::NotIn(refused) => !value.and_then(text).is_some_and(|text| refused.contains(&text)),
        Rule::StartsWith(prefixes) => {
            value.and_then(text).is_some_and(|text| prefixes.iter().any(|prefix| text.starts_with(prefix)))
        }
        Rule::EndsWith(suffixes) => {
            value.and_then(text).is_some_and(|text| suffixes.iter().any(|suffix| text.ends_with(suffix)))
        }
        Rule::Regex(pattern) => scalar(value).is_some_and(|text| pattern::matches(pattern, &text)),
        Rule::NotRegex(pattern) => scalar(value).is_some_and(|text| !pattern::matches(pattern, &text)),
        Rule::Username => matches!(value, Some(Value::String(name)) if is_username(name)),
        Rule::Sometimes
        | Rule::Nullable
        | Rule::Bail
        | Rule::RequiredWith(_)
        | Rule::RequiredWithout(_)
        | Rule::Exists { .. }
        | Rule::Unique { .. }
        | Rule::Unknown(_) => true,
    }
}

/// Whether a required field counts as given.
pub(super) fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    }
}

/// PHP's conversion of a scalar to text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("1".to_owned()),
        Value::Bool(false) | Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_numeric(value: &Value) -> bool {
    number(value).is_some()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // Words such as `inf` and `nan` are numbers for Rust, not for PHP.
        Value::String(text)
            if !text.chars().any(|character| character.is_alphabetic() && character != 'e' && character != 'E') =>
        {
            text.trim().parse().ok()
        }
        _ => None,
    }
}

fn is_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        Value::String(text) => text.trim().parse::<i64>().is_ok(),
        Value::Bool(truth) => *truth,
        _ => false,
    }
}

fn is_boolean(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Number(number) => matches!(number.as_i64(), Some(0 | 1)),
        Value::String(text) => text == "0" || text == "1",
        _ => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of texts and lists are far below 2^52")]
fn size(value: &Value, measured_as_number: bool) -> Option<f64> {
    match value {
        Value::Array(items) => Some(items.len() as f64),
        Value::Object(members) => Some(members.len() as f64),
        _ => {
            let measured = if measured_as_number { number(value) } else { None };
            measured.or_else(|| text(value).map(|text| text.chars().count() as f64))
        }
    }
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value {
        Some(value @ (Value::String(_) | Value::Number(_))) => text(value),
        _ => None,
    }
}

fn text_matches(value: Option<&Value>, accept: impl Fn(char) -> bool) -> bool {
    scalar(value).is_some_and(|text| !text.is_empty() && text.chars().all(accept))
}

fn digits(value: Option<&Value>) -> Option<usize> {
    let text = value.and_then(text)?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text.len())
}

fn is_email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| character.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(character))
    };
    let label = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|character| character.is_alphanumeric() || character == '-')
    };
    local.len() <= 64 && local.split('.').all(atom) && domain.len() <= 253 && domain.split('.').all(label)
}

fn is_url(address: &str) -> bool {
    pattern::matches(r"/^[a-z][a-z0-9+.-]*:\/\/[^\s\/?#]+([\/?#]\S*)?$/i", address)
}

/// The panel compares in lower case and stores the lower case.
fn is_username(name: &str) -> bool {
    pattern::matches(r"/^[a-z0-9]([\w\.-]+)[a-z0-9]$/", &name.to_lowercase())
}
