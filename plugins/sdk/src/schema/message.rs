//! What a person is told about a field that fails.

use super::{
    field::{Field, FieldType},
    path::Path,
    rule::{Bound, Rule},
    size::{Measure, measure},
    value::Value,
};

/// Characters of a value that a message repeats.
const LONGEST_SHOWN: usize = 40;

/// What a rule expects, and what was found instead.
pub(super) fn broken(field: &Field, rule: &Rule, value: Option<&Value>) -> String {
    let expected = expected(field, rule, value);
    let says_enough =
        rule.is_about_presence() || matches!(rule, Rule::Same(_) | Rule::Different(_) | Rule::Json | Rule::Nullable);
    // What equals another field may be a secret there.
    if says_enough { expected } else { format!("{expected}{}", found(field, value)) }
}

/// `, but is 7`. Nothing of a password, nor of text that may hold one: several lines, a URL with a user.
pub(super) fn found(field: &Field, value: Option<&Value>) -> String {
    if matches!(field.kind, FieldType::Password | FieldType::Textarea) {
        return String::new();
    }
    if value.and_then(Value::as_text).is_some_and(has_credentials) {
        return String::new();
    }
    let shown = match value {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::Bool(boolean)) => boolean.to_string(),
        Some(Value::Text(text)) => shortened(text),
        Some(Value::Array(array)) if array.is_list() => format!("a list of {}", array.len()),
        Some(Value::Array(_)) => "an object".to_owned(),
        Some(number) => number.to_json().to_string(),
    };
    format!(", but is {shown}")
}

fn has_credentials(text: &str) -> bool {
    text.contains("://") && text.contains('@')
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn expected(field: &Field, rule: &Rule, value: Option<&Value>) -> String {
    match rule {
        Rule::Required => "is required".to_owned(),
        Rule::RequiredIf { other, values } => format!("is required when {other} is {}", values.join(" or ")),
        Rule::RequiredWith(others) => format!("is required when {} is set", paths(others)),
        Rule::Accepted => "must be accepted".to_owned(),
        Rule::Nullable => "may be empty".to_owned(),
        Rule::String => "must be text".to_owned(),
        Rule::Integer { .. } => "must be a whole number".to_owned(),
        Rule::Numeric { .. } => "must be a number".to_owned(),
        Rule::Boolean { .. } => "must be true or false".to_owned(),
        Rule::Array { keys: None } => "must be a list".to_owned(),
        Rule::Array { keys: Some(keys) } => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            format!("must be an object with no other keys than {}", keys.join(", "))
        }
        Rule::Email => "must be an e-mail address".to_owned(),
        Rule::Url { schemes } if schemes.is_empty() => "must be a URL such as https://example.com".to_owned(),
        Rule::Url { schemes } => format!("must be a URL that begins with {}://", schemes.join(":// or ")),
        Rule::Json => "must be JSON".to_owned(),
        Rule::Ip => "must be an IP address".to_owned(),
        Rule::Min(least) => sized(field, value, &format!("at least {}", least.text), Some(least)),
        Rule::Max(most) => sized(field, value, &format!("at most {}", most.text), Some(most)),
        Rule::Between(least, most) => sized(field, value, &format!("{} to {}", least.text, most.text), None),
        Rule::Size(exact) => sized(field, value, &format!("exactly {}", exact.text), Some(exact)),
        Rule::In(values) => format!("must be one of {}", values.join(", ")),
        Rule::NotIn(values) => format!("must not be any of {}", values.join(", ")),
        Rule::Same(other) => format!("must equal {other}"),
        Rule::Different(others) => format!("must differ from {}", paths(others)),
        Rule::Regex(pattern) => format!("must match the pattern {}", pattern.source()),
        Rule::AlphaDash { ascii: false } => "must consist of letters, digits, dashes and underscores".to_owned(),
        Rule::AlphaDash { ascii: true } => {
            "must consist of the letters a to z, digits, dashes and underscores".to_owned()
        }
    }
}

fn paths(paths: &[Path]) -> String {
    paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn sized(field: &Field, value: Option<&Value>, amount: &str, bound: Option<&Bound>) -> String {
    let plural = if bound.is_some_and(|bound| bound.text == "1") { "" } else { "s" };
    match measure(value.unwrap_or(&Value::Null), field.is_numeric()) {
        // Of a numeric field people think as of a number, even where the value is none.
        Measure::Number => format!("must be {amount}"),
        Measure::Characters if field.is_numeric() => format!("must be {amount}"),
        Measure::Characters => format!("must have {amount} character{plural}"),
        Measure::Entries if plural.is_empty() => format!("must have {amount} entry"),
        Measure::Entries => format!("must have {amount} entries"),
    }
}
