//! Label selectors: `app=web,tier in (a, b),!debug`.

use std::collections::BTreeSet;

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
        Parser { tokens: tokens(text), at: 0 }.selector().map(Self).map_err(ApiError::bad_request)
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

/// Splits a selector as `k8s.io/apimachinery/pkg/labels` does, into operators and words; an empty one ends it.
fn tokens(text: &str) -> Vec<&str> {
    const OPERATORS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator)).map(|operator| operator.len());
        let word = || rest.find(|c: char| is_space(c) || "=!(),><".contains(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(operator.unwrap_or_else(word));
        tokens.push(token);
        rest = after.trim_start_matches(is_space);
    }
    tokens.push("");
    tokens
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.starts_with(['=', '!', '(', ')', ',', '>', '<'])
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek() {
                "" => return Ok(requirements),
                token if is_word(token) || token == "!" => {
                    let requirement =
                        self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
                    requirements.push(requirement);
                }
                token => return Err(format!("found '{token}', expected: !, identifier, or 'end of string'")),
            }
            match self.next() {
                "" => return Ok(requirements),
                "," if is_word(self.peek()) || self.peek() == "!" => {}
                "," => return Err(format!("found '{}', expected: identifier after ','", self.peek())),
                token => return Err(format!("found '{token}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek() == "!";
        if negated {
            self.at += 1;
        }
        let key = self.next();
        if !is_word(key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let problems = qualified_name(key);
        if !problems.is_empty() {
            return Err(format!("<nil>: Invalid value: \"{key}\": {}", problems.join("; ")));
        }
        let operator = match self.peek() {
            _ if negated => Operator::DoesNotExist,
            "" | "," => Operator::Exists,
            _ => self.operator(key)?,
        };
        Ok(Requirement { key: key.to_owned(), operator })
    }

    fn operator(&mut self, key: &str) -> Result<Operator, String> {
        let operator = match self.next() {
            "in" => Operator::In(self.values()?),
            "notin" => Operator::NotIn(self.values()?),
            "=" | "==" => Operator::In(vec![self.value()?.to_owned()]),
            "!=" => Operator::NotIn(vec![self.value()?.to_owned()]),
            ">" => Operator::GreaterThan(whole_number(self.value()?)?),
            "<" => Operator::LessThan(whole_number(self.value()?)?),
            token => return Err(format!("found '{token}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        if let Operator::In(values) | Operator::NotIn(values) = &operator {
            for (index, value) in values.iter().enumerate() {
                let problems = label_value(value);
                if !problems.is_empty() {
                    let why = problems.join("; ");
                    return Err(format!("values[{index}][{key}]: Invalid value: \"{value}\": {why}"));
                }
            }
        }
        Ok(operator)
    }

    fn value(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            "" | "," => Ok(""),
            _ => match self.next() {
                token if is_word(token) => Ok(token),
                token => Err(format!("found '{token}', expected: identifier")),
            },
        }
    }

    /// `(a, b)`; what is left out between commas is an empty value.
    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            "(" => {}
            token => return Err(format!("found '{token}' expected: '('")),
        }
        let mut values = BTreeSet::new();
        let mut after_comma = true;
        loop {
            match self.next() {
                token if is_word(token) && after_comma => {
                    values.insert(token.to_owned());
                    after_comma = false;
                }
                token @ ("," | ")") => {
                    if after_comma {
                        values.insert(String::new());
                    }
                    after_comma = true;
                    if token == ")" {
                        return Ok(values.into_iter().collect());
                    }
                }
                token if after_comma && values.is_empty() => {
                    return Err(format!("found '{token}', expected: ',', ')' or identifier"));
                }
                token if after_comma => return Err(format!("found '{token}', expected: ',', or identifier")),
                token => return Err(format!("found '{token}', expected: ',' or ')'")),
            }
        }
    }
}

fn whole_number(text: &str) -> Result<i64, String> {
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
            ("app in (,web)", true),
            ("app notin ()", true),
            ("app in (in)", false),
            (" app = web , size ", true),
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
        for selector in ["a in (b", "a b c (d)", "=x", "a=b c", "a>x", "a,", "a in (b c)", "a in b", "!", "a==="] {
            assert_eq!(LabelSelector::parse(selector).unwrap_err().code, 400, "{selector}");
        }
    }
}
