//! Validation of request bodies and egg variables with Laravel's rules, in Laravel's order and with its messages.

mod checks;
mod data;
mod messages;
mod pattern;
mod rule;

use serde_json::Value;

pub(crate) use self::checks::text;
pub(crate) use self::data::{expand, find};
pub(crate) use self::rule::Rule;

/// Answers the rules that look into the database.
pub(crate) trait Lookup {
    /// Whether `table` has a row with `value` in `column`, other than row `except`.
    fn contains(&self, table: &str, column: &str, value: &Value, except: Option<u64>) -> bool;
}

/// A field of the body and its rules.
#[derive(Debug)]
pub(crate) struct Field {
    /// Dotted path; `*` stands for every member of a list.
    path: String,
    rules: Vec<Rule>,
    /// The name used in messages, when it is not made from the path.
    label: Option<String>,
}

impl Field {
    /// A field with rules separated by `|`.
    pub(crate) fn new(path: impl Into<String>, rules: &str) -> Self {
        Self { path: path.into(), rules: Rule::parse_list(rules), label: None }
    }

    pub(crate) fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

/// A rule that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) field: String,
    /// Name of the rule in snake case.
    pub(crate) rule: String,
    pub(crate) detail: String,
}

/// Checks `data` against `fields` in their order.
pub(crate) fn validate(data: &Value, fields: &[Field], lookup: &dyn Lookup) -> Result<(), Vec<Violation>> {
    let check = Check { data, fields, lookup };
    let violations: Vec<Violation> = fields.iter().flat_map(|field| check.field(field)).collect();
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

struct Check<'a> {
    data: &'a Value,
    fields: &'a [Field],
    lookup: &'a dyn Lookup,
}

impl Check<'_> {
    fn field(&self, field: &Field) -> Vec<Violation> {
        expand(self.data, &field.path).into_iter().flat_map(|path| self.attribute(field, &path)).collect()
    }

    fn attribute(&self, field: &Field, path: &str) -> Vec<Violation> {
        let value = find(self.data, path);
        if value.is_none() && field.rules.contains(&Rule::Sometimes) {
            return Vec::new();
        }
        let mut violations: Vec<Violation> = Vec::new();
        for rule in &field.rules {
            let judged = applies(field, rule, value) && (violations.is_empty() || !rule.reads_database());
            if !judged || self.passes(field, rule, value) {
                continue;
            }
            violations.push(Violation {
                field: path.to_owned(),
                rule: rule.name().to_owned(),
                detail: self.message(field, rule, path),
            });
            // A field that is not there has no further faults.
            if rule.is_implicit() || field.rules.contains(&Rule::Bail) {
                break;
            }
        }
        violations
    }

    fn passes(&self, field: &Field, rule: &Rule, value: Option<&Value>) -> bool {
        match rule {
            Rule::RequiredWith(others) => {
                !others.iter().any(|other| checks::is_filled(find(self.data, other))) || checks::is_filled(value)
            }
            Rule::RequiredWithout(others) => {
                others.iter().all(|other| checks::is_filled(find(self.data, other))) || checks::is_filled(value)
            }
            Rule::Exists { table, column } => {
                value.is_some_and(|value| self.lookup.contains(table, column, value, None))
            }
            Rule::Unique { table, column, except } => {
                !value.is_some_and(|value| self.lookup.contains(table, column, value, *except))
            }
            _ => checks::passes(rule, value, field.rules.iter().any(Rule::is_numeric)),
        }
    }

    fn message(&self, field: &Field, rule: &Rule, path: &str) -> String {
        let attribute = field.label.clone().unwrap_or_else(|| messages::display_name(path));
        messages::message(rule, &field.rules, &attribute, &|other| self.label_of(other))
    }

    fn label_of(&self, path: &str) -> String {
        let label = self.fields.iter().find(|field| field.path == path).and_then(|field| field.label.clone());
        label.unwrap_or_else(|| messages::display_name(path))
    }
}

/// Rules other than the implicit ones look only at values that are there.
fn applies(field: &Field, rule: &Rule, value: Option<&Value>) -> bool {
    if rule.is_implicit() {
        return true;
    }
    match value {
        None => false,
        Some(Value::Null) => !field.rules.contains(&Rule::Nullable),
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Nothing;

    impl Lookup for Nothing {
        fn contains(&self, _: &str, _: &str, _: &Value, _: Option<u64>) -> bool {
            false
        }
    }

    fn violations(data: &Value, rules: &str) -> Vec<(String, String)> {
        let fields = [Field::new("field_name", rules), Field::new("other", "sometimes")];
        let found = validate(data, &fields, &Nothing).err().unwrap_or_default();
        found.into_iter().map(|violation| (violation.rule, violation.detail)).collect()
    }

    fn rules_of(data: &Value, rules: &str) -> Vec<String> {
        violations(data, rules).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn a_missing_required_field_is_reported_once() {
        let found = violations(&json!({}), "required|string|between:1,191");
        assert_eq!(found, [("required".to_owned(), "The field name field is required.".to_owned())]);
    }

    #[test]
    fn every_failed_rule_of_a_present_field_is_reported() {
        let found = rules_of(&json!({"field_name": ["x", "y"]}), "required|string|numeric");
        assert_eq!(found, ["string", "numeric"]);
    }

    #[test]
    fn null_is_not_a_string_unless_it_may_be_null() {
        assert_eq!(rules_of(&json!({"field_name": null}), "string"), ["string"]);
        assert!(rules_of(&json!({"field_name": null}), "nullable|string").is_empty());
    }

    #[test]
    fn present_accepts_null_and_refuses_absence() {
        assert!(rules_of(&json!({"field_name": null}), "present|nullable|integer").is_empty());
        assert_eq!(rules_of(&json!({}), "present|nullable|integer"), ["present"]);
    }

    #[test]
    fn a_text_is_measured_in_characters_and_a_number_by_its_value() {
        assert!(rules_of(&json!({"field_name": "äöü"}), "string|between:3,3").is_empty());
        assert_eq!(rules_of(&json!({"field_name": 5}), "numeric|between:10,1000"), ["between"]);
        assert_eq!(rules_of(&json!({"field_name": "5"}), "numeric|min:10"), ["min"]);
        assert_eq!(
            violations(&json!({"field_name": "ab"}), "string|between:3,15")[0].1,
            "The field name must be between 3 and 15 characters."
        );
        assert_eq!(
            violations(&json!({"field_name": 2000}), "numeric|between:10,1000")[0].1,
            "The field name must be between 10 and 1000."
        );
    }

    #[test]
    fn bail_stops_at_the_first_failure() {
        assert_eq!(rules_of(&json!({"field_name": "x"}), "bail|integer|array"), ["integer"]);
    }

    #[test]
    fn the_database_is_not_asked_about_a_value_that_failed_already() {
        assert_eq!(rules_of(&json!({"field_name": "x"}), "integer|exists:users,id"), ["integer"]);
        assert_eq!(rules_of(&json!({"field_name": 7}), "integer|exists:users,id"), ["exists"]);
    }

    #[test]
    fn an_empty_list_does_not_count_as_given() {
        assert!(rules_of(&json!({"other": {}}), "required_with:other").is_empty());
        assert_eq!(rules_of(&json!({"other": {"a": 1}}), "required_with:other"), ["required_with"]);
        assert_eq!(
            violations(&json!({}), "required_without:other")[0].1,
            "The field name field is required when other is not present."
        );
    }

    #[test]
    fn a_pattern_is_read_as_php_reads_it() {
        let rules = r"required|regex:/^([\w\d._-]+)(\.jar)$/";
        assert!(rules_of(&json!({"field_name": "server-1.2.jar"}), rules).is_empty());
        assert_eq!(rules_of(&json!({"field_name": "server.zip"}), rules), ["regex"]);
        assert_eq!(rules_of(&json!({"field_name": "sérver.jar"}), rules), ["regex"]);
        assert_eq!(rules_of(&json!({"field_name": ["a"]}), rules), ["regex"]);
    }

    #[test]
    fn the_rules_common_in_eggs_are_judged() {
        for (rules, good, bad) in [
            ("alpha_num|between:1,6", json!("latest"), json!("lat est")),
            ("string|in:recommended,latest", json!("latest"), json!("newest")),
            ("boolean", json!("1"), json!("yes")),
            ("integer|min:1", json!("3"), json!("3.5")),
            ("numeric", json!("3.5"), json!("three")),
            ("max:9", json!("1.20.4"), json!("1.20.4-rc1")),
            ("size:3", json!("abc"), json!("abcd")),
            ("digits:4", json!("2024"), json!("20x4")),
            ("digits_between:1,3", json!("12"), json!("1234")),
            ("alpha_dash", json!("a-b_c"), json!("a b")),
            ("alpha", json!("ab"), json!("a1")),
            ("not_in:a,b", json!("c"), json!("a")),
            ("url", json!("https://example.com/x"), json!("example")),
            ("ip", json!("192.0.2.1"), json!("192.0.2")),
            ("starts_with:a,b", json!("bc"), json!("cb")),
            ("ends_with:.jar", json!("x.jar"), json!("x.zip")),
        ] {
            assert!(rules_of(&json!({ "field_name": good }), rules).is_empty(), "{rules} refuses {good}");
            assert!(!rules_of(&json!({ "field_name": bad }), rules).is_empty(), "{rules} accepts {bad}");
        }
    }

    #[test]
    fn members_of_a_list_are_named_by_their_position() {
        let fields = [Field::new("ports.*", "string")];
        let found = validate(&json!({"ports": ["1", 2]}), &fields, &Nothing).unwrap_err();
        assert_eq!(found[0].field, "ports.1");
        assert_eq!(found[0].detail, "The ports.1 must be a string.");
    }
}
