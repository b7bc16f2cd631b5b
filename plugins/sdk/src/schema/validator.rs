//! The rules at work: which fields of an input fail, and by which rules. Nothing here knows about field types.
//!
//! Measured against Laravel 12.67's validator, which plugin schemas were written for.

use super::{
    compare::{is_true, loosely_equals},
    parse,
    path::Path,
    rule::Rule,
    size::{self, is_filled},
    text,
    value::{Array, Value},
    web,
};

/// How the input got here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As it is.
    #[default]
    Raw,
    /// From a web form: strings are trimmed and empty ones are null before validation, as the original's web layer
    /// does.
    Web,
}

/// The rules of several fields, in order.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    fields: Vec<FieldRules>,
}

/// The rules of one field.
#[derive(Debug, Clone)]
pub(super) struct FieldRules {
    pub(super) path: Path,
    pub(super) rules: Vec<Rule>,
    /// Whether one of the rules is written exactly `boolean`: then `required_if` reads this field as a boolean.
    is_boolean: bool,
}

/// What came of checking an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The fields that fail, in order of declaration, each with the reported names of its failed rules in order.
    pub failed: Vec<(String, Vec<&'static str>)>,
    /// The declared fields that are present, when none fails.
    pub validated: Option<Array>,
}

impl Verdict {
    /// True when no field fails.
    pub fn passes(&self) -> bool {
        self.failed.is_empty()
    }
}

impl RuleSet {
    /// Reads an object of rules by field. The error names the field and the rule.
    pub fn parse(fields: &Value) -> Result<Self, String> {
        let fields = fields.as_array().ok_or("fields must be an object of rules by field")?;
        let fields = fields.iter().map(|(key, rules)| {
            let name = key.to_string();
            FieldRules::parse(&name, rules).map_err(|reason| format!("field {name}: {reason}"))
        });
        Ok(Self { fields: fields.collect::<Result<_, _>>()? })
    }

    pub(super) fn new(fields: Vec<FieldRules>) -> Self {
        Self { fields }
    }

    /// Checks an input.
    pub fn check(&self, data: &Array, mode: Mode) -> Verdict {
        match mode {
            Mode::Raw => self.verdict(data),
            Mode::Web => self.verdict(&web::prepare(data.clone())),
        }
    }

    fn verdict(&self, data: &Array) -> Verdict {
        let mut failed = Vec::new();
        for field in &self.fields {
            let mut names: Vec<&'static str> = Vec::new();
            for rule in self.failures(field, data, false) {
                if !names.contains(&rule.reported_name()) {
                    names.push(rule.reported_name());
                }
            }
            if !names.is_empty() {
                failed.push((field.path.to_string(), names));
            }
        }
        let validated = failed.is_empty().then(|| self.validated(data));
        Verdict { failed, validated }
    }

    fn validated(&self, data: &Array) -> Array {
        let mut validated = Array::default();
        for field in &self.fields {
            if let Some(value) = field.path.find(data) {
                field.path.set(&mut validated, value.clone());
            }
        }
        validated
    }

    /// The rules that a field fails, in order. A relaxed field has `nullable` in place of `required`.
    pub(super) fn failures<'r>(&self, field: &'r FieldRules, data: &Array, is_relaxed: bool) -> Vec<&'r Rule> {
        let rules: Vec<&Rule> = field.rules.iter().map(|rule| if is_relaxed { relaxed(rule) } else { rule }).collect();
        let check = Check { rules: &rules, set: self, data, value: field.path.find(data) };
        let mut failed: Vec<&Rule> = Vec::new();
        for rule in &rules {
            if check.applies(rule) && !check.passes(rule) {
                failed.push(rule);
            }
            if failed.iter().any(|rule| rule.is_about_presence()) {
                break;
            }
        }
        failed
    }

    fn is_boolean(&self, path: &Path) -> bool {
        self.fields.iter().any(|field| field.path == *path && field.is_boolean)
    }
}

fn relaxed(rule: &Rule) -> &Rule {
    if *rule == Rule::Required { &Rule::Nullable } else { rule }
}

impl FieldRules {
    fn parse(name: &str, rules: &Value) -> Result<Self, String> {
        if name.contains('*') {
            return Err("wildcards are not supported".to_owned());
        }
        let texts = parse::texts(rules)?;
        let rules = texts.iter().filter_map(|text| parse::rule(text).transpose());
        let rules = rules.map(|parsed| parsed.map(|parsed| parsed.rule)).collect::<Result<_, _>>()?;
        Ok(Self::new(name, &texts, rules))
    }

    pub(super) fn new(name: &str, texts: &[String], rules: Vec<Rule>) -> Self {
        Self { path: Path::parse(name), is_boolean: texts.iter().any(|text| text == "boolean"), rules }
    }
}

/// One field of one input.
struct Check<'c> {
    rules: &'c [&'c Rule],
    set: &'c RuleSet,
    data: &'c Array,
    /// `None` when the field is absent.
    value: Option<&'c Value>,
}

impl Check<'_> {
    /// Absent and blank values skip all but the rules about presence, null where the field is nullable.
    fn applies(&self, rule: &Rule) -> bool {
        rule.is_about_presence()
            || match self.value {
                None => false,
                Some(Value::Text(text)) => !text::is_blank(text),
                Some(Value::Null) => !self.has(|rule| *rule == Rule::Nullable),
                Some(_) => true,
            }
    }

    fn has(&self, is_wanted: impl Fn(&Rule) -> bool) -> bool {
        self.rules.iter().any(|rule| is_wanted(rule))
    }

    fn passes(&self, rule: &Rule) -> bool {
        let value = self.value.unwrap_or(&Value::Null);
        match rule {
            Rule::Required => is_filled(value),
            Rule::RequiredIf { other, values } => is_filled(value) || !self.equals_any(other, values),
            Rule::RequiredWith(others) => is_filled(value) || !others.iter().any(|other| self.has_filled(other)),
            Rule::Accepted => is_filled(value) && text::is_accepted(value),
            Rule::Nullable => true,
            Rule::String => value.as_text().is_some(),
            Rule::Integer { strict } => text::is_integer(value, *strict),
            Rule::Numeric { strict } => text::is_numeric(value, *strict),
            Rule::Boolean { strict } => text::is_boolean(value, *strict),
            Rule::Array { keys } => value
                .as_array()
                .is_some_and(|array| keys.as_ref().is_none_or(|keys| array.iter().all(|(key, _)| keys.contains(key)))),
            Rule::Email => value.as_text().is_some_and(super::email::is_email),
            Rule::Url { schemes } => value.as_text().is_some_and(|text| super::url::is_url(text, schemes)),
            Rule::Json => *value != Value::Null && value.to_text().is_some_and(|text| super::json::is_json(&text)),
            Rule::Ip => value.to_text().is_some_and(|text| text::is_ip(&text)),
            Rule::Min(_) | Rule::Max(_) | Rule::Between(..) | Rule::Size(_) => {
                size::fits(rule, value, self.has(Rule::makes_numeric))
            }
            Rule::In(texts) => self.is_in(value, texts),
            Rule::NotIn(texts) => !self.is_in(value, texts),
            Rule::Same(other) => value == other.find(self.data).unwrap_or(&Value::Null),
            Rule::Different(others) => !others.iter().any(|other| other.find(self.data) == Some(value)),
            Rule::Regex(pattern) => text::is_matched(value, pattern),
            Rule::AlphaDash { ascii } => text::is_alpha_dash(value, *ascii),
        }
    }

    fn has_filled(&self, other: &Path) -> bool {
        other.find(self.data).is_some_and(is_filled)
    }

    /// Whether another field equals one of the values loosely. A boolean is compared with the booleans among them only,
    /// and null with `null`.
    fn equals_any(&self, other: &Path, values: &[String]) -> bool {
        let Some(found) = other.find(self.data) else {
            return false;
        };
        let as_boolean = |text: &str| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        let reads_booleans = self.set.is_boolean(other) || matches!(found, Value::Bool(_));
        values.iter().any(|text| match (found, as_boolean(text).filter(|_| reads_booleans)) {
            (Value::Null, _) => text.to_lowercase() == "null",
            (Value::Bool(boolean), expected) => expected == Some(*boolean),
            (_, Some(expected)) => is_true(found) == expected,
            (_, None) => loosely_equals(found, text),
        })
    }

    /// An array is in a list of texts only where the field has the rule `array`: then each element counts.
    fn is_in(&self, value: &Value, texts: &[String]) -> bool {
        let is_listed = |value: &Value| value.to_text().is_some_and(|text| texts.iter().any(|listed| *listed == text));
        match value {
            Value::Array(array) => self.has(|rule| matches!(rule, Rule::Array { .. })) && array.values().all(is_listed),
            single => is_listed(single),
        }
    }
}
