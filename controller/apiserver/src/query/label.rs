//! Label selectors: `app=web,tier in (a, b),!debug`.

use serde_json::Value;

use crate::metadata::names::{label_value, qualified_name};
use crate::object;
use crate::status::ApiError;

#[derive(Debug, Clone, Default)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug, Clone)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = |why: String| ApiError::bad_request(format!("unable to parse requirement: {why}"));
        let parts = split(text).into_iter().map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| requirement(part).map_err(refused)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let label = object::meta(object, "labels").get(&requirement.key).and_then(Value::as_str);
            requirement.operator.accepts(label)
        })
    }
}

impl Operator {
    fn accepts(&self, label: Option<&str>) -> bool {
        let number = |label: Option<&str>| label.and_then(|label| label.parse::<i64>().ok());
        match self {
            Self::In(values) => label.is_some_and(|label| values.iter().any(|value| value == label)),
            Self::NotIn(values) => label.is_none_or(|label| values.iter().all(|value| value != label)),
            Self::Exists => label.is_some(),
            Self::DoesNotExist => label.is_none(),
            Self::GreaterThan(bound) => number(label).is_some_and(|number| number > *bound),
            Self::LessThan(bound) => number(label).is_some_and(|number| number < *bound),
        }
    }
}

/// Splits at the commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let (key, operator) = if let Some(key) = text.strip_prefix('!') {
        (key, Operator::DoesNotExist)
    } else if let Some((key, value)) = text.split_once("!=") {
        (key, Operator::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (key, Operator::In(vec![value.trim().to_owned()]))
    } else if let Some((key, bound)) = text.split_once('>') {
        (key, Operator::GreaterThan(whole_number(bound)?))
    } else if let Some((key, bound)) = text.split_once('<') {
        (key, Operator::LessThan(whole_number(bound)?))
    } else if let Some((head, list)) = text.split_once('(') {
        let list = list.trim_end().strip_suffix(')').ok_or("found '', expected: ',' or ')'")?;
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            [key, "in"] => (*key, Operator::In(values)),
            [key, "notin"] => (*key, Operator::NotIn(values)),
            _ => {
                return Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", head.trim()));
            }
        }
    } else {
        (text, Operator::Exists)
    };
    let key = key.trim();
    if let [detail, ..] = qualified_name(key).as_slice() {
        return Err(format!("key: Invalid value: \"{key}\": {detail}"));
    }
    if let Operator::In(values) | Operator::NotIn(values) = &operator {
        for value in values {
            if let [detail, ..] = label_value(value).as_slice() {
                return Err(format!("values[0][{key}]: Invalid value: \"{value}\": {detail}"));
            }
        }
    }
    Ok(Requirement { key: key.to_owned(), operator })
}

fn whole_number(text: &str) -> Result<i64, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        format!("values[0]: Invalid value: \"{text}\": for 'Gt', 'Lt' operators, the value must be an integer")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_choose_by_equality_sets_and_presence() {
        let object = json!({ "metadata": { "labels": { "app": "web", "size": "5" } } });
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,size=5", true),
            ("app!=web", false),
            ("other!=x", true),
            ("app in (web, api)", true),
            ("app notin (web,api)", false),
            ("missing notin (a)", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("size>4", true),
            ("size<5", false),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), expected, "{selector}");
        }
    }

    #[test]
    fn a_selector_that_is_none_is_a_bad_request() {
        for selector in ["a in (b", "a b c (d)", "=x", "a=b c", "a>x"] {
            assert_eq!(LabelSelector::parse(selector).unwrap_err().code, 400, "{selector}");
        }
    }
}
