//! Validation as the controller uses it: rules, then values of the field's type, defaults where nothing is given.

use std::{collections::BTreeMap, fmt};

use super::{
    Schema,
    condition::Target,
    field::{Field, FieldType},
    message,
    number::Numeric,
    rule::Rule,
    suggest::did_you_mean,
    text::is_blank,
    validator::Mode,
    value::{Array, Key, Value},
    web,
};
use crate::{Map, Secret};

/// Where an input comes from and what stands beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'c> {
    /// How the input got here.
    pub mode: Mode,
    /// The values of fields that the platform adds to the form, for conditions with the target `fields`.
    pub fields: Option<&'c Map>,
    /// Fields that have a value which is not known here: they count as filled, and are not judged themselves.
    pub unread: &'c [&'c str],
}

/// Input that passed, typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// Every field that applies and has a value, given or by default, but the password fields.
    pub values: Map,
    /// The password fields.
    pub secrets: BTreeMap<String, Secret>,
}

/// Why a field is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The key of the field.
    pub field: String,
    /// The rule that failed: its name, or `unknown`, `type`, `options`.
    pub rule: String,
    /// What is wrong and what is expected, in words for whoever filled it in. Never holds the value of a password
    /// field.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for FieldError {}

impl Schema {
    /// Validates an input and types it. All errors are reported, in order of the fields, unknown fields last.
    pub fn validate(&self, given: &Map, context: &Context<'_>) -> Result<Typed, Vec<FieldError>> {
        let given = Array::from(given);
        let mut given = if context.mode == Mode::Web { web::prepare(given) } else { given };
        for field in context.unread {
            given.set(Key::from(*field), Value::Text("unread".to_owned()));
        }
        let (input, is_met) = self.with_defaults(&given, context);
        let mut typed = Typed::default();
        let mut errors = Vec::new();
        let judged = |(field, _): &(&Field, bool)| !context.unread.contains(&field.key());
        for (field, is_met) in self.fields().iter().zip(is_met).filter(judged) {
            let failed = self.rules().failures(&field.rules, &input, !is_met);
            if failed.is_empty() {
                match field.accept(input.field(&field.key)) {
                    Ok(Some(value)) if is_met => typed.add(field, &value),
                    Ok(_) => {}
                    Err(error) => errors.push(error),
                }
            }
            errors.extend(worth_saying(&failed).map(|rule| field.broken(rule, input.field(&field.key))));
        }
        errors.extend(self.unknown_fields(&given));
        if errors.is_empty() { Ok(typed) } else { Err(errors) }
    }

    /// The fields whose condition holds for an input.
    pub fn applying<'s>(&'s self, given: &Map, context: &Context<'_>) -> impl Iterator<Item = &'s Field> {
        let (_, is_met) = self.with_defaults(&Array::from(given), context);
        self.fields().iter().zip(is_met).filter_map(|(field, is_met)| is_met.then_some(field))
    }

    /// Types one value without applying the rules. Null means no value.
    pub fn coerce(&self, key: &str, value: &serde_json::Value) -> Result<serde_json::Value, FieldError> {
        let field = self.field(key).ok_or_else(|| self.unknown_field(key))?;
        let typed = field.accept(Some(&Value::from(value)))?;
        Ok(typed.map_or(serde_json::Value::Null, |value| value.to_json()))
    }

    /// The input with the defaults of fields whose condition is met, and for every field whether it is.
    fn with_defaults(&self, given: &Array, context: &Context<'_>) -> (Array, Vec<bool>) {
        let mut input = given.clone();
        for field in self.fields() {
            if let (None, Some(default)) = (given.field(&field.key), &field.default) {
                input.set(Key::from(field.key.as_str()), default.clone());
            }
        }
        let is_met: Vec<bool> = self.fields().iter().map(|field| self.is_met(field, &input, context)).collect();
        for (field, is_met) in self.fields().iter().zip(&is_met) {
            if !is_met && given.field(&field.key).is_none() {
                input.remove(&Key::from(field.key.as_str()));
            }
        }
        (input, is_met)
    }

    fn is_met(&self, field: &Field, input: &Array, context: &Context<'_>) -> bool {
        let Some(condition) = &field.condition else { return true };
        match condition.target {
            Target::Configuration => condition.is_met(input, self.field(&condition.field).map(Field::field_type)),
            Target::Fields => condition.is_met(&context.fields.map(Array::from).unwrap_or_default(), None),
        }
    }

    fn unknown_fields(&self, given: &Array) -> Vec<FieldError> {
        let keys = given.iter().map(|(key, _)| key.to_string());
        keys.filter(|key| self.field(key).is_none()).map(|key| self.unknown_field(&key)).collect()
    }

    fn unknown_field(&self, key: &str) -> FieldError {
        let meant = did_you_mean(key, self.fields().iter().map(Field::key));
        FieldError { field: key.to_owned(), rule: "unknown".to_owned(), message: format!("unknown field{meant}") }
    }
}

/// What is no number is not also too small.
fn worth_saying<'r>(failed: &[&'r Rule]) -> impl Iterator<Item = &'r Rule> {
    let is_no_number = failed.iter().any(|rule| rule.makes_numeric());
    failed.iter().copied().filter(move |rule| !(is_no_number && rule.bounds_size()))
}

impl Typed {
    fn add(&mut self, field: &Field, value: &Value) {
        match value.as_text() {
            Some(text) if field.is_password() => {
                self.secrets.insert(field.key.clone(), Secret::new(text));
            }
            _ => {
                self.values.insert(field.key.clone(), value.to_json());
            }
        }
    }
}

impl Field {
    /// Types a value; `None` where it says nothing. The options bound what a select, radio or checkbox may hold.
    fn accept(&self, value: Option<&Value>) -> Result<Option<Value>, FieldError> {
        let Some(value) = value else { return Ok(None) };
        let typed = self.typed(value).map_err(|message| self.error("type", message))?;
        match &typed {
            Some(chosen) if !self.offers(chosen) => {
                let options: Vec<&str> = self.options.iter().map(|(value, _)| value.as_str()).collect();
                let message = format!("must be one of {}{}", options.join(", "), message::found(self, Some(value)));
                Err(self.error("options", message))
            }
            _ => Ok(typed),
        }
    }

    fn offers(&self, chosen: &Value) -> bool {
        let is_offered =
            |value: &Value| self.options.iter().any(|(offered, _)| Some(offered.as_str()) == value.as_text());
        self.options.is_empty()
            || match chosen {
                Value::Array(several) => several.values().all(is_offered),
                single => is_offered(single),
            }
    }

    fn broken(&self, rule: &Rule, value: Option<&Value>) -> FieldError {
        self.error(rule.name(), message::broken(self, rule, value))
    }

    fn error(&self, rule: &str, message: String) -> FieldError {
        FieldError { field: self.key.clone(), rule: rule.to_owned(), message }
    }

    /// The value in the type of the field; `None` for null, and for a blank where a blank is no value. The error goes
    /// on from the name of the field.
    pub(super) fn typed(&self, value: &Value) -> Result<Option<Value>, String> {
        let refused = |expected: &str| format!("{expected}{}", message::found(self, Some(value)));
        match (self.kind, value) {
            (_, Value::Null) => Ok(None),
            (FieldType::Number | FieldType::Toggle | FieldType::Select | FieldType::Radio, Value::Text(text))
                if is_blank(text) =>
            {
                Ok(None)
            }
            (FieldType::Number, value) => number(value).map(Some).ok_or_else(|| refused("must be a number")),
            (FieldType::Toggle, value) => toggle(value).map(Some).ok_or_else(|| refused("must be true or false")),
            (FieldType::Checkbox, value) => texts(value).map(Some).ok_or_else(|| refused("must be a list of texts")),
            (_, Value::Text(text)) => Ok(Some(Value::Text(text.clone()))),
            (_, Value::Integer(_) | Value::Float(_)) => Ok(value.to_text().map(|text| Value::Text(text.into_owned()))),
            // YAML reads an unquoted yes, no, on or off as a boolean.
            (_, Value::Bool(_)) => Err(refused("must be text in quotes")),
            (_, Value::Array(_)) => Err(refused("must be text")),
        }
    }
}

/// A whole number where the value is one within 64 bits, a decimal number otherwise.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Integer(_) => Some(value.clone()),
        Value::Float(float) => Some(whole(*float)),
        Value::Text(text) => match Numeric::read(text)? {
            Numeric::Integer(integer) => Some(Value::Integer(integer)),
            Numeric::Float(float) | Numeric::Overflow(float) => float.is_finite().then(|| whole(float)),
        },
        _ => None,
    }
}

fn whole(float: f64) -> Value {
    // Every whole float below 2^53 is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if float.fract() == 0.0 && float.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Value::Integer(float as i64);
    }
    Value::Float(float)
}

/// The spellings that forms and rules use for on and off.
fn toggle(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::Integer(integer @ (0 | 1)) => Some(Value::Bool(*integer == 1)),
        Value::Text(text) => match text.as_str() {
            "1" | "true" | "on" | "yes" => Some(Value::Bool(true)),
            "0" | "false" | "off" | "no" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    }
}

/// A list of texts; a single text is a list of one, a blank one of none.
fn texts(value: &Value) -> Option<Value> {
    let text = |value: &Value| match value {
        Value::Text(_) | Value::Integer(_) | Value::Float(_) => {
            value.to_text().map(|text| Value::Text(text.into_owned()))
        }
        _ => None,
    };
    match value {
        Value::Array(array) => array.values().map(text).collect::<Option<Array>>().map(Value::Array),
        Value::Text(blank) if is_blank(blank) => Some(Value::Array(Array::default())),
        single => text(single).map(|text| Value::Array([text].into_iter().collect())),
    }
}
