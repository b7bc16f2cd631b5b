//! JSON Schema 2020-12 of a schema, for editors, GitOps checks and other programs. It describes typed values.

use serde_json::{Value as Json, json};

use super::{
    Schema,
    condition::{Condition, Operator, Target},
    field::{Field, FieldType},
    rule::{Bound, Rule},
};
use crate::Map;

pub(super) fn json_schema(schema: &Schema) -> Json {
    let fields = schema.fields();
    let properties: Map = fields.iter().map(|field| (field.key.clone(), property(field))).collect();
    let always: Vec<&str> = fields.iter().filter(|field| is_always_required(field)).map(Field::key).collect();
    let implications: Vec<Json> = fields.iter().flat_map(|field| implications(schema, field)).collect();
    let dependent = dependent_required(fields);
    let mut export = Map::new();
    export.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    export.insert("type".to_owned(), json!("object"));
    export.insert("properties".to_owned(), properties.into());
    export.insert("additionalProperties".to_owned(), json!(false));
    insert_unless_empty(&mut export, "required", json!(always));
    insert_unless_empty(&mut export, "dependentRequired", dependent.into());
    insert_unless_empty(&mut export, "allOf", json!(implications));
    export.into()
}

fn insert_unless_empty(map: &mut Map, key: &str, value: Json) {
    let is_empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
    if !is_empty {
        map.insert(key.to_owned(), value);
    }
}

/// What has a default need not be given.
fn is_always_required(field: &Field) -> bool {
    field.condition.is_none() && field.default.is_none() && demands_presence(field)
}

fn demands_presence(field: &Field) -> bool {
    field.rules().iter().any(|rule| matches!(rule, Rule::Required | Rule::Accepted))
}

fn property(field: &Field) -> Json {
    let mut property = Map::new();
    property.insert("title".to_owned(), json!(field.label));
    if let Some(helper) = &field.helper {
        property.insert("description".to_owned(), json!(helper));
    }
    if let Some(default) = field.default().filter(|_| !field.is_password()) {
        property.insert("default".to_owned(), default);
    }
    if field.is_password() {
        property.insert("writeOnly".to_owned(), json!(true));
    }
    let is_nullable = field.rules().contains(&Rule::Nullable);
    let json_type = json_type(field);
    property.insert("type".to_owned(), if is_nullable { json!([json_type, "null"]) } else { json!(json_type) });
    let mut constraints = Constraints::new(field);
    field.rules().iter().for_each(|rule| constraints.add(rule));
    constraints.finish(&mut property, is_nullable);
    property.into()
}

fn json_type(field: &Field) -> &'static str {
    match field.kind {
        FieldType::Number if field.rules().iter().any(|rule| matches!(rule, Rule::Integer { .. })) => "integer",
        FieldType::Number => "number",
        FieldType::Toggle => "boolean",
        FieldType::Checkbox => "array",
        _ => "string",
    }
}

/// What the rules say of the values of one field.
struct Constraints<'f> {
    field: &'f Field,
    keywords: Map,
    /// Keywords that may occur more than once.
    all_of: Vec<Json>,
    values: Option<Vec<String>>,
}

impl<'f> Constraints<'f> {
    fn new(field: &'f Field) -> Self {
        let options: Vec<String> = field.options.iter().map(|(value, _)| value.clone()).collect();
        Self { field, keywords: Map::new(), all_of: Vec::new(), values: (!options.is_empty()).then_some(options) }
    }

    fn add(&mut self, rule: &Rule) {
        match rule {
            Rule::Accepted if self.field.kind == FieldType::Toggle => self.keyword("const", json!(true)),
            Rule::Required if self.is_text() => self.all_of.push(json!({"minLength": 1})),
            Rule::Email => self.keyword("format", json!("email")),
            Rule::Url { schemes } => self.url(schemes),
            Rule::Json => self.keyword("contentMediaType", json!("application/json")),
            Rule::Ip => self.all_of.push(json!({"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]})),
            Rule::Min(least) => self.bound("min", least),
            Rule::Max(most) => self.bound("max", most),
            Rule::Between(least, most) => {
                self.bound("min", least);
                self.bound("max", most);
            }
            Rule::Size(exact) => {
                self.bound("min", exact);
                self.bound("max", exact);
            }
            Rule::In(listed) => match &mut self.values {
                Some(values) => values.retain(|value| listed.contains(value)),
                None => self.values = Some(listed.clone()),
            },
            Rule::NotIn(listed) if !self.is_list() => {
                let listed = self.typed_values(listed);
                self.all_of.push(json!({"not": {"enum": listed}}));
            }
            Rule::Regex(pattern) if self.is_text() => {
                if let Some(pattern) = pattern.ecma() {
                    self.all_of.push(json!({"pattern": pattern}));
                }
            }
            Rule::AlphaDash { ascii } if self.is_text() => {
                let pattern = if *ascii { "^[A-Za-z0-9_-]+$" } else { r"^[\p{L}\p{M}\p{N}_-]+$" };
                self.all_of.push(json!({"pattern": pattern}));
            }
            _ => {}
        }
    }

    fn keyword(&mut self, keyword: &str, value: Json) {
        self.keywords.insert(keyword.to_owned(), value);
    }

    fn is_list(&self) -> bool {
        json_type(self.field) == "array"
    }

    fn is_text(&self) -> bool {
        json_type(self.field) == "string"
    }

    fn url(&mut self, schemes: &[String]) {
        // Not every URL of this rule is a URI, but every one is an IRI.
        self.keyword("format", json!("iri"));
        let are_plain = schemes.iter().all(|scheme| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        if !schemes.is_empty() && are_plain {
            self.all_of.push(json!({"pattern": format!("^(?:{})://", schemes.join("|"))}));
        }
    }

    /// A bound on the number, the length or the count. The length of a number's text cannot be said.
    fn bound(&mut self, side: &str, bound: &Bound) {
        let is_numeric = self.field.is_numeric();
        let keyword = match (json_type(self.field), side) {
            ("array", "min") => "minItems",
            ("array", _) => "maxItems",
            ("string", "min") if !is_numeric => "minLength",
            ("string", _) if !is_numeric => "maxLength",
            ("integer" | "number", "min") if is_numeric => "minimum",
            ("integer" | "number", _) if is_numeric => "maximum",
            _ => return,
        };
        if let Some(number) = bound_number(&bound.text, keyword, side) {
            self.all_of.push(json!({keyword: number}));
        }
    }

    /// Texts as values of the type of the field.
    fn typed_values(&self, texts: &[String]) -> Vec<Json> {
        let typed = texts.iter().filter_map(|text| self.field.typed(&super::Value::Text(text.clone())).ok().flatten());
        typed.filter(|value| value.as_array().is_none()).map(|value| value.to_json()).collect()
    }

    fn finish(mut self, property: &mut Map, is_nullable: bool) {
        if let Some(values) = self.values.take() {
            if self.is_list() {
                property.insert("items".to_owned(), json!({"enum": values}));
            } else {
                let mut values = self.typed_values(&values);
                values.extend(is_nullable.then_some(Json::Null));
                property.insert("enum".to_owned(), values.into());
            }
        } else if self.is_list() {
            property.insert("items".to_owned(), json!({"type": "string"}));
        }
        property.extend(self.keywords);
        merge(property, self.all_of);
    }
}

/// A length or a count is whole: a fraction is rounded towards what it allows.
fn bound_number(text: &str, keyword: &str, side: &str) -> Option<Json> {
    let is_count = keyword.ends_with("Length") || keyword.ends_with("Items");
    if let Ok(whole) = text.trim_start_matches('+').parse::<i64>() {
        return Some(json!(if is_count { whole.max(0) } else { whole }));
    }
    let number: f64 = text.parse().ok()?;
    if !is_count {
        return serde_json::Number::from_f64(number).map(Json::Number);
    }
    let rounded = if side == "min" { number.ceil() } else { number.floor() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
    let count = rounded.max(0.0) as u64;
    Some(json!(count))
}

/// Adds keywords. Of two bounds the tighter one stays; any other keyword that would be there twice goes into `allOf`.
fn merge(property: &mut Map, parts: Vec<Json>) {
    let mut rest = Vec::new();
    for part in parts {
        let Json::Object(part) = part else { continue };
        for (keyword, value) in part {
            match property.get(&keyword).map(|present| tighter(&keyword, present, &value)) {
                None => {
                    property.insert(keyword, value);
                }
                Some(Some(kept)) => {
                    property.insert(keyword, kept);
                }
                Some(None) => rest.push(json!({keyword: value})),
            }
        }
    }
    insert_unless_empty(property, "allOf", rest.into());
}

fn tighter(keyword: &str, present: &Json, added: &Json) -> Option<Json> {
    if present == added {
        return Some(present.clone());
    }
    let is_larger = added.as_f64()? > present.as_f64()?;
    let is_tighter = if keyword.starts_with("min") { is_larger } else { !is_larger };
    Some(if is_tighter { added.clone() } else { present.clone() })
}

/// `required_with`, in the one case that JSON Schema has a keyword for.
fn dependent_required(fields: &[Field]) -> Map {
    let mut dependent = Map::new();
    for field in fields.iter().filter(|field| field.default.is_none()) {
        for rule in field.rules() {
            let Rule::RequiredWith(others) = rule else { continue };
            for other in others.iter().map(super::Path::top) {
                let list = dependent.entry(other).or_insert_with(|| json!([]));
                if let Json::Array(list) = list {
                    list.push(json!(field.key));
                }
            }
        }
    }
    dependent
}

/// `if` one field has a value `then` another is required.
fn implications(schema: &Schema, field: &Field) -> Vec<Json> {
    if field.default.is_some() {
        return Vec::new();
    }
    let then = json!({"required": [field.key]});
    let by_condition = field.condition.as_ref().filter(|_| demands_presence(field)).and_then(|condition| {
        let test = condition_test(schema, condition)?;
        Some(json!({"if": test, "then": then}))
    });
    let by_rule = field.rules().iter().filter_map(|rule| {
        let Rule::RequiredIf { other, values } = rule else {
            return None;
        };
        let test = has_value(schema, &other.top(), values)?;
        Some(json!({"if": test, "then": then}))
    });
    by_condition.into_iter().chain(by_rule).collect()
}

/// The schema of an input that meets a condition; `None` for what stands outside the input.
fn condition_test(schema: &Schema, condition: &Condition) -> Option<Json> {
    if condition.target == Target::Fields {
        return None;
    }
    let test = match condition.operator {
        Operator::Truthy => truthy(schema.field(&condition.field)?),
        _ => return value_test(schema, condition),
    };
    Some(test)
}

fn value_test(schema: &Schema, condition: &Condition) -> Option<Json> {
    let test = has_value(schema, &condition.field, &condition.values)?;
    match condition.operator {
        Operator::NotEqual | Operator::NotIn => Some(json!({"not": test})),
        _ => Some(test),
    }
}

fn truthy(field: &Field) -> Json {
    let off = match json_type(field) {
        "boolean" => json!([false, null]),
        "array" => json!([[], null]),
        "string" => json!(["", "0", "false", null]),
        _ => json!([0, null]),
    };
    let present = json!({"required": [field.key], "properties": {&field.key: {"not": {"enum": off}}}});
    absent_counts(field, present, field.default.as_ref().is_some_and(super::compare::is_true))
}

/// The schema of an input in which a field has one of some values, given or by default.
fn has_value(schema: &Schema, key: &str, texts: &[String]) -> Option<Json> {
    let field = schema.field(key)?;
    let values = Constraints::new(field);
    let test = if values.is_list() {
        json!({"contains": {"enum": texts}})
    } else {
        json!({"enum": values.typed_values(texts)})
    };
    let present = json!({"required": [key], "properties": {key: test}});
    let default = field.default.as_ref().map(super::condition::comparable).unwrap_or_default();
    let by_default = default.iter().any(|text| {
        texts.iter().any(|wanted| wanted == text)
            || values.typed_values(texts).contains(&field.default().unwrap_or_default())
    });
    Some(absent_counts(field, present, by_default))
}

fn absent_counts(field: &Field, present: Json, absent_too: bool) -> Json {
    if absent_too { json!({"anyOf": [present, {"not": {"required": [field.key]}}]}) } else { present }
}
