//! Checking a value against its schema, as `k8s.io/kube-openapi/pkg/validation/validate` does it: the same order, the same words.

use serde_json::{Value, json};

use super::correlate::OldItems;
use super::{Additional, Schema, Type, format};
use crate::field::{FieldError, FieldErrorKind, number_text};

/// All violations. On an update, what is equal in the old value is not judged again (validation ratcheting): an object that
/// became invalid with its schema can still be changed elsewhere. `base` is where the value is in its object.
pub(crate) fn validate(value: &Value, old: Option<&Value>, schema: &Schema, base: &str) -> Vec<FieldError> {
    let checker = Checker { base };
    checker.check(value, old, schema, "").errors
}

/// Whether the rules of the schema are skipped because of these errors.
pub(crate) fn blocks_rules(errors: &[FieldError]) -> bool {
    use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    errors.iter().any(|error| matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid))
}

/// Nobody reads more errors about one object, and a long list may give reason to very many.
const MAX_ERRORS: usize = 500;

/// What is wrong, and how much was right: the latter chooses among alternatives whose errors are told.
#[derive(Debug, Default)]
struct Found {
    errors: Vec<FieldError>,
    matches: usize,
}

impl Found {
    fn add(&mut self, error: FieldError) {
        // The same sentence is not said twice, and not more than anybody reads.
        if self.errors.len() < MAX_ERRORS
            && !self.errors.iter().any(|known| known.message == error.message && known.field == error.field)
        {
            self.errors.push(error);
        }
    }

    fn add_all(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        for error in errors {
            self.add(error);
        }
    }

    fn merge(&mut self, other: Self) {
        self.add_all(other.errors);
        self.matches += other.matches;
    }
}

struct Checker<'a> {
    base: &'a str,
}

impl Checker<'_> {
    /// The field of an error, from the path within the value.
    fn field(&self, path: &str) -> String {
        let path = path.trim_start_matches('.');
        match (self.base, path) {
            ("", path) => path.to_owned(),
            (base, "") => base.to_owned(),
            (base, path) => format!("{base}.{path}"),
        }
    }

    fn invalid(&self, path: &str, value: &Value, problem: &str) -> FieldError {
        FieldError::invalid(&self.field(path), value, &format!("{path} in body {problem}"))
    }

    /// An error that the validator says about no field.
    fn unplaced(&self, problem: &str) -> FieldError {
        FieldError::invalid(self.base, &json!(""), problem)
    }

    fn wrong_type(&self, path: &str, wanted: &str, found: &Value) -> FieldError {
        let text = found.as_str().unwrap_or_default();
        let detail = format!("{path} in body must be of type {wanted}: {text:?}");
        FieldError::type_invalid(&self.field(path), found, &detail)
    }

    fn check(&self, value: &Value, old: Option<&Value>, schema: &Schema, path: &str) -> Found {
        let mut found = Found::default();
        let type_problem = self.type_problem(value, schema, path);
        if value.is_null() {
            found.add_all(type_problem);
            found.add_all(self.enum_problem(value, schema, path));
        } else {
            if schema.type_.is_some() || schema.int_or_string || schema.format.is_some() {
                found.matches += 1 + usize::from(type_problem.is_none());
                found.add_all(type_problem);
            }
            found.merge(self.combinations(value, schema, path));
            match value {
                Value::String(text) => {
                    found.add_all(self.text_problem(text, schema, path));
                    found.add_all(self.format_problem(value, schema, path));
                    found.matches += 1 + usize::from(schema.format.is_some());
                }
                Value::Number(_) => {
                    found.add_all(self.number_problems(value, schema, path));
                    found.matches += 2;
                }
                Value::Array(list) => {
                    found.merge(self.list(list, old, schema, path));
                    found.matches += 2;
                }
                _ => {}
            }
            found.add_all(self.enum_problem(value, schema, path));
            found.matches += 2;
            if value.is_object() {
                found.merge(self.map(value, old, schema, path));
                found.matches += 1;
            }
        }
        if !found.errors.is_empty() && old == Some(value) {
            found.errors.clear();
        }
        found
    }

    fn type_problem(&self, value: &Value, schema: &Schema, path: &str) -> Option<FieldError> {
        let wanted = match (schema.int_or_string, schema.type_) {
            (true, _) => "integer,string",
            (false, Some(type_)) => type_.name(),
            (false, None) => "",
        };
        if value.is_null() {
            return (!wanted.is_empty() && !schema.nullable).then(|| self.wrong_type(path, wanted, &json!("null")));
        }
        let found = type_name(value);
        let is_whole = is_integer(value);
        let fits = match (schema.int_or_string, schema.type_) {
            (true, _) => value.is_string() || is_whole,
            (false, Some(Type::Integer)) => is_whole,
            (false, Some(Type::Number)) => value.is_number(),
            (false, Some(type_)) => found == type_.name(),
            (false, None) => true,
        };
        if fits {
            return None;
        }
        let is_numeric = matches!(schema.type_, Some(Type::Integer | Type::Number));
        match &schema.format {
            // The validator of formats has the last word on texts and lists.
            Some(_) if !is_numeric && (value.is_string() || value.is_array()) => None,
            Some(format) if !value.is_string() && !value.is_array() => {
                Some(self.wrong_type(path, format, &json!(format_name(value))))
            }
            _ => Some(self.wrong_type(path, wanted, &json!(found))),
        }
    }

    fn enum_problem(&self, value: &Value, schema: &Schema, path: &str) -> Option<FieldError> {
        let allowed = schema.enum_values.as_ref()?;
        let is_allowed = |one: &Value| one == value || (one.is_number() && one.as_f64() == value.as_f64());
        (!allowed.iter().any(is_allowed)).then(|| FieldError::not_supported(&self.field(path), value, allowed))
    }

    /// The first problem of a text; the others are not looked for.
    fn text_problem(&self, text: &str, schema: &Schema, path: &str) -> Option<FieldError> {
        let limits = &schema.limits;
        let length = text.chars().count() as u64;
        if let Some(limit) = limits.max_length.filter(|limit| length > *limit) {
            return Some(FieldError::too_long(&self.field(path), limit));
        }
        if let Some(limit) = limits.min_length.filter(|limit| length < *limit) {
            return Some(self.invalid(path, &json!(text), &format!("should be at least {limit} chars long")));
        }
        let pattern = limits.pattern.as_ref().filter(|pattern| !pattern.matches(text))?;
        Some(self.invalid(path, &json!(text), &format!("should match '{}'", pattern.text())))
    }

    fn format_problem(&self, value: &Value, schema: &Schema, path: &str) -> Option<FieldError> {
        let format = schema.format.as_ref()?;
        (!format::matches(format, value.as_str()?)).then(|| self.wrong_type(path, format, value))
    }

    fn number_problems(&self, value: &Value, schema: &Schema, path: &str) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if let Some(problem) = range_problem(value, schema, path) {
            problems.push(self.unplaced(&problem));
        }
        let limits = &schema.limits;
        let Some(number) = value.as_f64() else { return problems };
        // Bounds of whole numbers are whole numbers.
        let bound = |limit: f64| if value.is_i64() { limit.trunc() } else { limit };
        let mut refuse = |sentence: String| problems.push(self.invalid(path, value, &format!("should be {sentence}")));
        if let Some(step) = limits.multiple_of.map(bound).filter(|step| *step > 0.0)
            && (number / step).fract() != 0.0
        {
            refuse(format!("a multiple of {}", number_text(step)));
        }
        if let Some(limit) = limits.minimum.map(bound) {
            if limits.exclusive_minimum && number <= limit {
                refuse(format!("greater than {}", number_text(limit)));
            } else if number < limit {
                refuse(format!("greater than or equal to {}", number_text(limit)));
            }
        }
        if let Some(limit) = limits.maximum.map(bound) {
            if limits.exclusive_maximum && number >= limit {
                refuse(format!("less than {}", number_text(limit)));
            } else if number > limit {
                refuse(format!("less than or equal to {}", number_text(limit)));
            }
        }
        problems
    }

    fn list(&self, list: &[Value], old: Option<&Value>, schema: &Schema, path: &str) -> Found {
        let mut found = Found::default();
        if let Some(items) = &schema.items {
            let old = OldItems::of(old, &schema.list_type, items);
            for (index, item) in list.iter().enumerate() {
                found.merge(self.check(item, old.continued_by(item), items, &format!("{path}[{index}]")));
            }
        }
        let limits = &schema.limits;
        let length = list.len() as u64;
        if let Some(limit) = limits.min_items.filter(|limit| length < *limit) {
            found.add(self.invalid(path, &json!(length), &format!("should have at least {limit} items")));
        }
        if let Some(limit) = limits.max_items.filter(|limit| length > *limit) {
            found.add(FieldError::too_many(&self.field(path), list.len(), limit));
        }
        if limits.unique_items && (1..list.len()).any(|at| list[..at].contains(&list[at])) {
            found.add(self.invalid(path, &json!(""), "shouldn't contain duplicates"));
        }
        found
    }

    fn map(&self, value: &Value, old: Option<&Value>, schema: &Schema, path: &str) -> Found {
        let mut found = Found::default();
        let Some(map) = value.as_object() else { return found };
        let size = map.len() as u64;
        if let Some(limit) = schema.limits.min_properties.filter(|limit| size < *limit) {
            found.add(self.invalid(path, &json!(size), &format!("should have at least {limit} properties")));
        }
        if let Some(limit) = schema.limits.max_properties.filter(|limit| size > *limit) {
            found.add(FieldError::too_many(&self.field(path), map.len(), limit));
        }
        let old_of = |name: &String| old.and_then(|old| old.get(name));
        if let Additional::Schema(additional) = &schema.additional {
            for (name, child) in map.iter().filter(|(name, _)| !schema.properties.contains_key(*name)) {
                found.merge(self.check(child, old_of(name), additional, &format!("{path}.{name}")));
            }
        }
        for (name, child) in map {
            if let Some(field) = schema.properties.get(name) {
                // At the root there is no dot; what kind an object is was converted, and is never as it was.
                let is_type = path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind");
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                found.merge(self.check(child, old_of(name).filter(|_| !is_type), field, &path));
            }
        }
        for name in schema.required.iter().filter(|name| !map.contains_key(*name)) {
            found.add(FieldError::required(&self.field(&format!("{path}.{name}")), ""));
        }
        found
    }

    fn combinations(&self, value: &Value, schema: &Schema, path: &str) -> Found {
        let mut found = Found::default();
        if !schema.any_of.is_empty() {
            found.merge(self.any_of(value, schema, path));
        }
        if !schema.one_of.is_empty() {
            found.merge(self.one_of(value, schema, path));
        }
        if !schema.all_of.is_empty() {
            let mut fitting = 0;
            for part in &schema.all_of {
                let part = self.check(value, None, part, path);
                fitting += usize::from(part.errors.is_empty());
                found.merge(part);
            }
            if fitting != schema.all_of.len() {
                let none = if fitting == 0 { ". None validated" } else { "" };
                found.add(self.unplaced(&format!("{path:?} must validate all the schemas (allOf){none}")));
            }
        }
        if let Some(not) = &schema.not
            && self.check(value, None, not, path).errors.is_empty()
        {
            found.add(self.unplaced(&format!("{path:?} must not validate the schema (not)")));
        }
        found.matches += 1;
        found
    }

    fn any_of(&self, value: &Value, schema: &Schema, path: &str) -> Found {
        let mut best: Option<Found> = None;
        for part in &schema.any_of {
            let part = self.check(value, None, part, path);
            if part.errors.is_empty() {
                return part;
            }
            if best.as_ref().is_none_or(|best| part.matches > best.matches) {
                best = Some(part);
            }
        }
        let mut found = Found::default();
        found.add(self.unplaced(&format!("{path:?} must validate at least one schema (anyOf)")));
        found.merge(best.unwrap_or_default());
        found
    }

    fn one_of(&self, value: &Value, schema: &Schema, path: &str) -> Found {
        let mut best: Option<Found> = None;
        let mut fitting = Vec::new();
        for part in &schema.one_of {
            let part = self.check(value, None, part, path);
            if part.errors.is_empty() {
                best = None;
                fitting.push(part);
            } else if fitting.is_empty() && best.as_ref().is_none_or(|best| part.matches > best.matches) {
                best = Some(part);
            }
        }
        let how_many = match fitting.len() {
            1 => return fitting.swap_remove(0),
            0 => "Found none valid".to_owned(),
            several => format!("Found {several} valid alternatives"),
        };
        let mut found = Found::default();
        found.add(self.unplaced(&format!("{path:?} must validate one and only one schema (oneOf). {how_many}")));
        found.merge(best.unwrap_or_default());
        found
    }
}

/// Whether a number is beyond what its type and format can hold.
fn range_problem(value: &Value, schema: &Schema, path: &str) -> Option<String> {
    let format = schema.format.as_deref().unwrap_or_default();
    let (type_, fits) = match schema.type_ {
        Some(Type::Integer) => (
            "integer",
            match format {
                "int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
                _ => value.is_i64(),
            },
        ),
        Some(Type::Number) if format == "float" => {
            ("number", value.as_f64().is_none_or(|number| number.abs() <= f64::from(f32::MAX)))
        }
        _ => return None,
    };
    let format = if format.is_empty() { "(default format)".to_owned() } else { format!("with format {format}") };
    (!fits).then(|| format!("Checked value must be of type {type_} {format} in {path}"))
}

fn is_integer(value: &Value) -> bool {
    // Beyond 2^53 not every whole number is one in JSON.
    value.is_i64()
        || value.as_f64().is_some_and(|number| number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What Go has for a value whose type has a format.
fn format_name(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        _ => "",
    }
}
