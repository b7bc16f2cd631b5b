//! Schemas, from JSON. Everything that is wrong with one is reported at once.

use std::fmt;

use super::{
    Schema,
    condition::{Condition, Operator, Target, comparable},
    field::{Change, Drift, Field, FieldType},
    parse,
    rule::Rule,
    suggest::did_you_mean,
    validator::FieldRules,
    value::{Array, Key, Value},
};

const PROPERTIES: [&str; 10] =
    ["type", "label", "placeholder", "helper", "default", "options", "rules", "condition", "change", "drift"];
const CHANGES: [(&str, Change); 3] =
    [("CreateOnly", Change::CreateOnly), ("InPlace", Change::InPlace), ("Disruptive", Change::Disruptive)];
const DRIFTS: [(&str, Drift); 3] = [("Enforce", Drift::Enforce), ("Report", Drift::Report), ("Ignore", Drift::Ignore)];
const TARGETS: [(&str, Target); 2] = [("configuration", Target::Configuration), ("fields", Target::Fields)];

/// Why a schema cannot be used: every problem, each with the field it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key of the field; empty for the schema as a whole.
    pub field: String,
    /// What is wrong, what was found, and what was probably meant.
    pub message: String,
}

impl std::error::Error for SchemaError {}

impl fmt::Display for SchemaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        formatter.write_str(&problems.join("; "))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            formatter.write_str(&self.message)
        } else {
            write!(formatter, "field {}: {}", self.field, self.message)
        }
    }
}

/// Reads a schema: a map from key to field, which may be wrapped in `{"fields": …}`.
pub(super) fn schema(source: &Value) -> Result<Schema, SchemaError> {
    let whole = |message: String| SchemaError { problems: vec![Problem { field: String::new(), message }] };
    let map = fields(source).ok_or_else(|| whole("a schema must be an object of fields by key".to_owned()))?;
    let mut problems = Vec::new();
    let mut fields = Vec::new();
    for (key, description) in map.iter() {
        let key = key.to_string();
        match field(&key, description) {
            Ok(field) => fields.push(field),
            Err(messages) => {
                problems.extend(messages.into_iter().map(|message| Problem { field: key.clone(), message }));
            }
        }
    }
    let keys: Vec<String> = map.iter().map(|(key, _)| key.to_string()).collect();
    problems.extend(fields.iter().flat_map(|field| unknown_references(field, &keys)));
    if problems.is_empty() { Ok(Schema::new(fields, source.clone())) } else { Err(SchemaError { problems }) }
}

/// A schema with the fields of another one besides.
pub(super) fn extended(own: &Value, more: &Value) -> Result<Schema, SchemaError> {
    let none = Array::default();
    let mut both = fields(own).unwrap_or(&none).clone();
    let mut problems = Vec::new();
    for (key, field) in fields(more).unwrap_or(&none).iter() {
        let key = key.to_string();
        if both.field(&key).is_some() {
            let message = "there is a field of that name already; choose another one".to_owned();
            problems.push(Problem { field: key, message });
        } else {
            both.set(Key::from(key.as_str()), field.clone());
        }
    }
    if problems.is_empty() { schema(&Value::Array(both)) } else { Err(SchemaError { problems }) }
}

fn fields(source: &Value) -> Option<&Array> {
    let map = source.as_array().filter(|map| map.is_empty() || !map.is_list())?;
    let wrapped = map.field("fields").and_then(Value::as_array).filter(|_| map.len() == 1);
    // A field may be called `fields`; then it has a type.
    Some(wrapped.filter(|inner| !matches!(inner.field("type"), Some(Value::Text(_)))).unwrap_or(map))
}

/// Problems with other fields that a field names.
fn unknown_references(field: &Field, keys: &[String]) -> Vec<Problem> {
    let condition = field.condition.as_ref().filter(|condition| condition.target == Target::Configuration);
    let named = condition.map(|condition| ("condition", condition.field.clone()));
    let referenced =
        field.rules().iter().flat_map(|rule| rule.references().iter().map(move |path| (rule.name(), path.top())));
    named
        .into_iter()
        .chain(referenced)
        .filter(|(_, other)| !keys.contains(other))
        .map(|(by, other)| {
            let meant = did_you_mean(&other, keys.iter().map(String::as_str));
            Problem { field: field.key.clone(), message: format!("{by} names the unknown field {other:?}{meant}") }
        })
        .collect()
}

fn field(key: &str, description: &Value) -> Result<Field, Vec<String>> {
    let Some(map) = description.as_array().filter(|map| !map.is_list()) else {
        return Err(vec!["must be an object with at least type and label".to_owned()]);
    };
    let mut reader = FieldReader { map, problems: Vec::new() };
    reader.check_key(key);
    reader.check_properties();
    let field_type = reader.field_type();
    let mut field = Field {
        key: key.to_owned(),
        kind: field_type.unwrap_or(FieldType::Text),
        label: reader.label(),
        placeholder: reader.text("placeholder"),
        helper: reader.text("helper"),
        default: None,
        options: reader.options(field_type),
        rules: reader.rules(key),
        condition: reader.condition(),
        change: reader.choice("change", &CHANGES).unwrap_or_default(),
        drift: reader.choice("drift", &DRIFTS).unwrap_or_default(),
    };
    if let (Some(default), Some(_)) = (map.field("default"), field_type) {
        match field.typed(default) {
            Ok(Some(_)) if field.is_password() => reader.problems.push("a password has no default".to_owned()),
            Ok(typed) => field.default = typed,
            Err(message) => reader.problems.push(format!("default {message}")),
        }
    }
    if reader.problems.is_empty() { Ok(field) } else { Err(reader.problems) }
}

struct FieldReader<'f> {
    map: &'f Array,
    problems: Vec<String>,
}

impl FieldReader<'_> {
    fn check_key(&mut self, key: &str) {
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            self.problems.push("a key consists of ASCII letters, digits, underscores and dashes".to_owned());
        }
    }

    fn check_properties(&mut self) {
        for (property, _) in self.map.iter() {
            let property = property.to_string();
            if !PROPERTIES.contains(&property.as_str()) {
                let meant = did_you_mean(&property, PROPERTIES);
                self.problems.push(format!("unknown property {property:?}{meant}"));
            }
        }
    }

    fn field_type(&mut self) -> Option<FieldType> {
        if self.map.field("type").is_none() {
            self.problems.push(format!("type is missing; it is one of {}", listed(&FieldType::NAMES)));
            return None;
        }
        self.choice("type", &FieldType::NAMES)
    }

    fn label(&mut self) -> String {
        if self.map.field("label").is_none() {
            self.problems.push("label is missing".to_owned());
        }
        self.text("label").unwrap_or_default()
    }

    fn text(&mut self, property: &str) -> Option<String> {
        match self.map.field(property)? {
            Value::Text(text) => Some(text.clone()),
            Value::Null => None,
            _ => {
                self.problems.push(format!("{property} must be a text"));
                None
            }
        }
    }

    /// The value of a property that has a closed set of names.
    fn choice<T: Copy>(&mut self, property: &str, names: &[(&str, T)]) -> Option<T> {
        let value = self.map.field(property)?;
        let text = value.as_text().unwrap_or_default();
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let shown = value.to_json();
            let meant = did_you_mean(text, names.iter().map(|(name, _)| *name));
            self.problems.push(format!("unknown {property} {shown}{meant}; it is one of {}", listed(names)));
        }
        found
    }

    fn options(&mut self, field_type: Option<FieldType>) -> Vec<(String, String)> {
        let takes_options = field_type.is_some_and(FieldType::has_options);
        let Some(options) = self.map.field("options") else {
            if field_type == Some(FieldType::Select) {
                self.problems.push("options are missing; a select needs a map from value to label".to_owned());
            }
            return Vec::new();
        };
        if field_type.is_some() && !takes_options {
            self.problems.push("options are for select, radio and checkbox only".to_owned());
        }
        let labelled = options.as_array().map(|options| {
            options.iter().map(|(value, label)| Some((value.to_string(), label.to_text()?.into_owned()))).collect()
        });
        labelled.flatten().unwrap_or_else(|| {
            self.problems.push("options must be a map from value to label".to_owned());
            Vec::new()
        })
    }

    /// Without rules a field is optional.
    fn rules(&mut self, key: &str) -> FieldRules {
        let optional = Value::Text("nullable".to_owned());
        let written = self.map.field("rules").unwrap_or(&optional);
        let texts = parse::texts(written).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Vec::new()
        });
        let rules = texts.iter().filter_map(|text| self.rule(text, written)).collect();
        FieldRules::new(key, &texts, rules)
    }

    fn rule(&mut self, text: &str, written: &Value) -> Option<Rule> {
        match parse::rule(text) {
            Ok(None) => None,
            Ok(Some(parsed)) => {
                self.problems.extend(parsed.complaint);
                Some(parsed.rule)
            }
            Err(problem) => {
                let is_cut = text.starts_with("regex:") && matches!(written, Value::Text(_));
                let hint = if is_cut { "; a pattern with | needs the rules as a list" } else { "" };
                self.problems.push(format!("{problem}{hint}"));
                None
            }
        }
    }

    fn condition(&mut self) -> Option<Condition> {
        let written = self.map.field("condition")?;
        let Some(map) = written.as_array().filter(|map| !map.is_list()) else {
            self.problems.push("condition must be an object with field, operator and value".to_owned());
            return None;
        };
        let mut reader = FieldReader { map, problems: Vec::new() };
        let condition = reader.condition_parts();
        self.problems.extend(reader.problems.into_iter().map(|problem| format!("condition: {problem}")));
        condition
    }

    fn condition_parts(&mut self) -> Option<Condition> {
        const PARTS: [&str; 4] = ["target", "field", "operator", "value"];
        for (part, _) in self.map.iter() {
            let part = part.to_string();
            if !PARTS.contains(&part.as_str()) {
                self.problems.push(format!("unknown property {part:?}{}", did_you_mean(&part, PARTS)));
            }
        }
        for needed in ["field", "operator"] {
            if self.map.field(needed).is_none() {
                self.problems.push(format!("{needed} is missing"));
            }
        }
        let target = self.choice("target", &TARGETS).unwrap_or_default();
        let field = self.text("field")?;
        let operator = self.choice("operator", &Operator::NAMES)?;
        let values = match (self.map.field("value"), operator) {
            (_, Operator::Truthy) => Vec::new(),
            (None, _) => {
                self.problems.push("value is missing".to_owned());
                Vec::new()
            }
            // Several values may be written as one text.
            (Some(Value::Text(text)), Operator::In | Operator::NotIn) => {
                text.split(',').map(|value| value.trim().to_owned()).collect()
            }
            (Some(value), _) => comparable(value),
        };
        Some(Condition { target, field, operator, values })
    }
}

fn listed<T>(names: &[(&str, T)]) -> String {
    names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
