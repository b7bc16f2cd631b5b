//! The English messages of Pterodactyl 1.11, which keeps the wording of an older Laravel.

use super::rule::Rule;

/// The name Laravel makes from a path.
pub(super) fn display_name(path: &str) -> String {
    path.replace('_', " ")
}

/// The message of a failed `rule`. `rules` are all rules of the field, `label_of` names other fields.
pub(super) fn message(rule: &Rule, rules: &[Rule], attribute: &str, label_of: &dyn Fn(&str) -> String) -> String {
    let others = |paths: &[String]| paths.iter().map(|path| label_of(path)).collect::<Vec<_>>().join(" / ");
    let measure = Measure::of(rules);
    match rule {
        Rule::Required => format!("The {attribute} field is required."),
        Rule::Present => format!("The {attribute} field must be present."),
        Rule::RequiredWith(paths) => format!("The {attribute} field is required when {} is present.", others(paths)),
        Rule::RequiredWithout(paths) => {
            format!("The {attribute} field is required when {} is not present.", others(paths))
        }
        Rule::String => format!("The {attribute} must be a string."),
        Rule::Array => format!("The {attribute} must be an array."),
        Rule::Boolean => format!("The {attribute} field must be true or false."),
        Rule::Integer => format!("The {attribute} must be an integer."),
        Rule::Numeric => format!("The {attribute} must be a number."),
        Rule::Email => format!("The {attribute} must be a valid email address."),
        Rule::Ip => format!("The {attribute} must be a valid IP address."),
        Rule::Alpha => format!("The {attribute} may only contain letters."),
        Rule::AlphaNum => format!("The {attribute} may only contain letters and numbers."),
        Rule::AlphaDash => format!("The {attribute} may only contain letters, numbers, and dashes."),
        Rule::Digits(length) => format!("The {attribute} must be {length} digits."),
        Rule::DigitsBetween(min, max) => format!("The {attribute} must be between {min} and {max} digits."),
        Rule::Size(size) => measure.size(attribute, *size),
        Rule::Min(min) => measure.minimum(attribute, *min),
        Rule::Max(max) => measure.maximum(attribute, *max),
        Rule::Between(min, max) => measure.between(attribute, *min, *max),
        Rule::In(_) | Rule::NotIn(_) | Rule::Exists { .. } => format!("The selected {attribute} is invalid."),
        Rule::StartsWith(prefixes) => {
            format!("The {attribute} field must start with one of the following: {}.", prefixes.join(", "))
        }
        Rule::EndsWith(suffixes) => {
            format!("The {attribute} field must end with one of the following: {}.", suffixes.join(", "))
        }
        Rule::Regex(_) | Rule::Url => format!("The {attribute} format is invalid."),
        Rule::NotRegex(_) => format!("The {attribute} field format is invalid."),
        Rule::Unique { .. } => format!("The {attribute} has already been taken."),
        Rule::Username => format!(
            "The {attribute} must start and end with alpha-numeric characters and\n                contain only letters, \
             numbers, dashes, underscores, and periods."
        ),
        Rule::Sometimes | Rule::Nullable | Rule::Bail | Rule::Unknown(_) => format!("The {attribute} is invalid."),
    }
}

/// What sizes of a field count.
#[derive(Clone, Copy)]
enum Measure {
    Value,
    Items,
    Characters,
}

impl Measure {
    fn of(rules: &[Rule]) -> Self {
        if rules.iter().any(Rule::is_numeric) {
            Self::Value
        } else if rules.contains(&Rule::Array) {
            Self::Items
        } else {
            Self::Characters
        }
    }

    fn size(self, attribute: &str, size: f64) -> String {
        match self {
            Self::Value => format!("The {attribute} must be {size}."),
            Self::Items => format!("The {attribute} must contain {size} items."),
            Self::Characters => format!("The {attribute} must be {size} characters."),
        }
    }

    fn minimum(self, attribute: &str, min: f64) -> String {
        match self {
            Self::Value => format!("The {attribute} must be at least {min}."),
            Self::Items => format!("The {attribute} must have at least {min} items."),
            Self::Characters => format!("The {attribute} must be at least {min} characters."),
        }
    }

    fn maximum(self, attribute: &str, max: f64) -> String {
        match self {
            Self::Value => format!("The {attribute} may not be greater than {max}."),
            Self::Items => format!("The {attribute} may not have more than {max} items."),
            Self::Characters => format!("The {attribute} may not be greater than {max} characters."),
        }
    }

    fn between(self, attribute: &str, min: f64, max: f64) -> String {
        match self {
            Self::Value => format!("The {attribute} must be between {min} and {max}."),
            Self::Items => format!("The {attribute} must have between {min} and {max} items."),
            Self::Characters => format!("The {attribute} must be between {min} and {max} characters."),
        }
    }
}
