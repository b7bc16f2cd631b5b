//! Rules, from text: `required|max:100` or a list of such parts.

use super::{
    csv,
    number::Decimal,
    path::Path,
    pattern::Pattern,
    rule::{Bound, NAMES, Rule},
    suggest::did_you_mean,
    value::{Key, Value},
};

/// A rule as it was read.
pub(super) struct Parsed {
    pub(super) rule: Rule,
    /// What a schema should not say although the original ignores it, such as a parameter too many.
    pub(super) complaint: Option<String>,
}

/// The rule texts of a field: a string is split at `|`, the items of a list are not.
pub(super) fn texts(rules: &Value) -> Result<Vec<String>, String> {
    let not_text = || "rules must be a text such as \"required|string\" or a list of texts".to_owned();
    match rules {
        Value::Text(text) => Ok(text.split('|').map(str::to_owned).collect()),
        Value::Array(list) if list.is_list() => {
            list.values().map(|item| item.as_text().map(str::to_owned).ok_or_else(not_text)).collect()
        }
        _ => Err(not_text()),
    }
}

/// Reads one rule; `None` for an empty text, which says nothing.
pub(super) fn rule(text: &str) -> Result<Option<Parsed>, String> {
    let (written, parameters) = match text.split_once(':') {
        // A pattern is one parameter, commas and quotes included.
        Some((name, pattern)) if name.eq_ignore_ascii_case("regex") => (name, vec![pattern.to_owned()]),
        Some((name, parameters)) => (name, csv::split(parameters)),
        None => (text, Vec::new()),
    };
    let reported = capitalized(written.trim());
    if reported.is_empty() {
        return Ok(None);
    }
    let reported = match reported.as_str() {
        "Int" => "Integer",
        "Bool" => "Boolean",
        other => other,
    };
    let Some((name, _)) = NAMES.iter().find(|(_, candidate)| *candidate == reported) else {
        let known = NAMES.map(|(name, _)| name);
        return Err(format!("unknown rule {:?}{}", written.trim(), did_you_mean(written.trim(), known)));
    };
    let complaint = complaint(name, &parameters);
    build(name, parameters).map(|rule| Some(Parsed { rule, complaint }))
}

/// `required_if`, `required-if` and `Required If` are all `RequiredIf`.
fn capitalized(name: &str) -> String {
    name.split(['-', '_', ' '])
        .filter_map(|word| word.split_at_checked(word.chars().next()?.len_utf8()))
        .map(|(first, rest)| first.to_uppercase() + rest)
        .collect()
}

fn build(name: &str, parameters: Vec<String>) -> Result<Rule, String> {
    let is_strict = parameters.first().is_some_and(|parameter| parameter == "strict");
    Ok(match name {
        "required" => Rule::Required,
        "required_if" => {
            let other = parameter(name, &parameters, 0, "a field and a value")?;
            parameter(name, &parameters, 1, "a field and a value")?;
            Rule::RequiredIf { other: Path::parse(other), values: parameters[1..].to_vec() }
        }
        "required_with" => Rule::RequiredWith(paths(name, &parameters)?),
        "accepted" => Rule::Accepted,
        "nullable" => Rule::Nullable,
        "string" => Rule::String,
        "integer" => Rule::Integer { strict: is_strict },
        "numeric" => Rule::Numeric { strict: is_strict },
        "boolean" => Rule::Boolean { strict: is_strict },
        "array" => {
            let keys: Vec<Key> = parameters.iter().map(|key| Key::from(key.as_str())).collect();
            Rule::Array { keys: (!keys.is_empty()).then_some(keys) }
        }
        "email" => Rule::Email,
        "url" => Rule::Url { schemes: parameters },
        "json" => Rule::Json,
        "ip" => Rule::Ip,
        "min" => Rule::Min(bound(name, &parameters, 0)?),
        "max" => Rule::Max(bound(name, &parameters, 0)?),
        "between" => Rule::Between(bound(name, &parameters, 0)?, bound(name, &parameters, 1)?),
        "size" => Rule::Size(bound(name, &parameters, 0)?),
        "in" => Rule::In(parameters),
        "not_in" => Rule::NotIn(parameters),
        "same" => Rule::Same(Path::parse(parameter(name, &parameters, 0, "a field")?)),
        "different" => Rule::Different(paths(name, &parameters)?),
        "regex" => {
            let pattern = parameter(name, &parameters, 0, "a pattern")?;
            Rule::Regex(Pattern::parse(pattern).map_err(|reason| format!("regex {pattern}: {reason}"))?)
        }
        "alpha_dash" => Rule::AlphaDash { ascii: parameters.first().is_some_and(|parameter| parameter == "ascii") },
        other => return Err(format!("unknown rule {other:?}")),
    })
}

fn parameter<'p>(name: &str, parameters: &'p [String], place: usize, needed: &str) -> Result<&'p str, String> {
    parameters.get(place).map(String::as_str).ok_or_else(|| format!("{name} needs {needed}"))
}

fn paths(name: &str, parameters: &[String]) -> Result<Vec<Path>, String> {
    parameter(name, parameters, 0, "a field")?;
    Ok(parameters.iter().map(|parameter| Path::parse(parameter)).collect())
}

fn bound(name: &str, parameters: &[String], place: usize) -> Result<Bound, String> {
    let needed = if name == "between" { "two numbers" } else { "a number" };
    let text = parameter(name, parameters, place, needed)?.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b']);
    let number = Decimal::read(text).ok_or_else(|| format!("{name} needs {needed}, but has {text:?}"))?;
    Ok(Bound { number, text: text.to_owned() })
}

/// What the parameters say that the rule does not mean.
fn complaint(name: &str, parameters: &[String]) -> Option<String> {
    let modifiers: &[&str] = match name {
        "integer" | "numeric" | "boolean" => &["strict"],
        "alpha_dash" => &["ascii"],
        "email" => &["rfc"],
        _ => &[],
    };
    let most = match name {
        "required" | "accepted" | "nullable" | "string" | "json" | "ip" => 0,
        "between" => 2,
        "required_if" | "required_with" | "array" | "url" | "in" | "not_in" | "different" => usize::MAX,
        _ => 1,
    };
    if matches!(name, "in" | "not_in") && parameters.is_empty() {
        return Some(format!("{name} needs at least one value"));
    }
    if let Some(surplus) = parameters.get(most) {
        return Some(format!("{name} does not take the parameter {surplus:?}"));
    }
    let unknown =
        parameters.iter().find(|parameter| !modifiers.is_empty() && !modifiers.contains(&parameter.as_str()))?;
    Some(format!("{name} does not take the parameter {unknown:?}; it takes {}", modifiers.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Rule>, String> {
        rule(text).map(|parsed| parsed.map(|parsed| parsed.rule))
    }

    #[test]
    fn names_are_read_in_any_of_the_usual_spellings() {
        for text in ["required_if:a,b", " required_if :a,b", "required-if:a,b", "RequiredIf:a,b", "Required If:a,b"] {
            assert_eq!(read(text).unwrap().unwrap().reported_name(), "RequiredIf", "{text}");
        }
        assert_eq!(read("int"), Ok(Some(Rule::Integer { strict: false })));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read("  "), Ok(None));
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        for (text, reason) in [
            ("requred", "unknown rule \"requred\", did you mean required?"),
            ("MAX:3", "unknown rule \"MAX\", did you mean max?"),
            ("exists:users", "unknown rule \"exists\""),
            ("min", "min needs a number"),
            ("min:abc", "min needs a number, but has \"abc\""),
            ("between:1", "between needs two numbers"),
            ("required_if:a", "required_if needs a field and a value"),
            ("same", "same needs a field"),
            ("regex:abc", "regex abc: the delimiter must not be a letter, a digit or a backslash, but is 'a'"),
        ] {
            assert_eq!(read(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_ignored_is_worth_a_complaint() {
        for text in ["integer:foo", "min:3,4", "string:x", "same:a,b", "alpha_dash:unicode", "email:dns", "in", "in:"] {
            assert!(rule(text).unwrap().unwrap().complaint.is_some(), "{text}");
        }
        for text in
            ["integer:strict", "url:http,https", "array:a,b", "email:rfc", "in:a,", "different:a,b", "between:1,2"]
        {
            assert_eq!(rule(text).unwrap().unwrap().complaint, None, "{text}");
        }
    }
}
