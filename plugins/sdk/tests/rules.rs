//! The rule language, rule by rule: the rule strings of the plugins it was made for, and more cases of each family.

#![cfg(test)]

use hostwright_plugin::schema::{Mode, RuleSet, Value};
use serde_json::{Value as Json, json};

/// The rules that fail for field `f`, by name.
fn failures(rules: &Json, data: &Json) -> Vec<&'static str> {
    let rules = RuleSet::parse(&Value::from(&json!({ "f": rules }))).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let data = Value::from(data);
    let verdict = rules.check(data.as_array().expect("an object"), Mode::Raw);
    verdict.failed.into_iter().flat_map(|(_, names)| names).collect()
}

#[track_caller]
fn check(rules: &Json, passing: &[Json], failing: &[(Json, &[&str])]) {
    for value in passing {
        assert_eq!(failures(rules, &json!({"f": value})), [""; 0], "{rules} on {value}");
    }
    for (value, names) in failing {
        assert_eq!(failures(rules, &json!({"f": value})), *names, "{rules} on {value}");
    }
}

/// The rule strings of the shipped plugins, each with a value that passes and one that fails.
// A table: one line a row.
#[rustfmt::skip]
fn known_rule_strings() -> Vec<(String, Json, Json, &'static [&'static str])> {
    let host = "regex:/^[a-zA-Z0-9]([a-zA-Z0-9\\-]*[a-zA-Z0-9])?$/";
    let domain = "required|string|regex:/^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z]{2,})+$/";
    vec![
        ("required|url".into(), json!("https://panel.example.com"), json!("panel.example.com"), &["Url"]),
        ("required|string".into(), json!("ptla_abc"), json!(5), &["String"]),
        ("nullable|string".into(), json!(null), json!(false), &["String"]),
        ("boolean".into(), json!("0"), json!("on"), &["Boolean"]),
        ("required|integer".into(), json!(" 5 "), json!("5.0"), &["Integer"]),
        ("required|integer|min:0".into(), json!(0), json!(-1), &["Min"]),
        ("required|integer|min:-1".into(), json!("-1"), json!("-2"), &["Min"]),
        ("required|integer|min:1".into(), json!(1), json!(0), &["Min"]),
        ("required|integer|min:100".into(), json!("100"), json!("0100"), &["Integer"]),
        ("required|integer|min:256".into(), json!(256), json!(255.0), &["Min"]),
        ("required|integer|min:10|max:1000".into(), json!(500), json!("1000.5"), &["Integer", "Max"]),
        ("nullable|json".into(), json!("{\"A\":\"b\"}"), json!("{A:1}"), &["Json"]),
        ("required|string|min:3|max:100".into(), json!("abc"), json!("ab"), &["Min"]),
        ("required|string|min:8|max:72".into(), json!("12345678"), json!(1_234_567), &["String", "Min"]),
        ("required|string|max:20".into(), json!("a".repeat(20)), json!("a".repeat(21)), &["Max"]),
        ("required|string|max:100".into(), json!("é".repeat(100)), json!("é".repeat(101)), &["Max"]),
        ("required|string|max:255".into(), json!("a".repeat(255)), json!(null), &["Required"]),
        ("nullable|string|max:63".into(), json!("web-1"), json!("a".repeat(64)), &["Max"]),
        (format!("nullable|string|max:63|{host}"), json!("web-1"), json!("-web"), &["Regex"]),
        (domain.into(), json!("example.com"), json!("exa_mple.com"), &["Regex"]),
        ("required|in:server,shared,assign".into(), json!("shared"), json!("Shared"), &["In"]),
        ("required|in:1,2,15".into(), json!(15), json!(3), &["In"]),
        ("accepted".into(), json!("on"), json!("off"), &["Accepted"]),
        ("required|in:ipv4_only,ipv6_only,dual_stack".into(), json!("dual_stack"), json!(["ipv4_only"]), &["In"]),
        ("nullable|string|max:4096".into(), json!("a".repeat(4096)), json!("a".repeat(4097)), &["Max"]),
        ("required|numeric|min:0".into(), json!("0.5"), json!("-0.5"), &["Min"]),
        ("required|in:0,1".into(), json!(true), json!("on"), &["In"]),
    ]
}

#[test]
fn the_rule_strings_of_known_plugins_mean_what_they_meant() {
    for (rules, passing, failing, names) in known_rule_strings() {
        check(&json!(rules), &[passing], &[(failing, names)]);
    }
    let confirmed = json!("required|same:new_password");
    assert_eq!(failures(&confirmed, &json!({"f": "a", "new_password": "a"})), [""; 0]);
    assert_eq!(failures(&confirmed, &json!({"f": "a", "new_password": "b"})), ["Same"]);
}

#[test]
fn presence_rules_see_absent_and_blank_values() {
    for rules in ["required", "accepted", "required_if:g,1", "required_with:g"] {
        for data in
            [json!({"g": 1}), json!({"g": 1, "f": null}), json!({"g": 1, "f": " \u{b}\0"}), json!({"g": 1, "f": []})]
        {
            assert_eq!(failures(&json!(rules), &data).len(), 1, "{rules} on {data}");
        }
    }
    for rules in ["string", "integer", "min:5", "in:a", "email", "json", "array", "regex:/x/"] {
        assert_eq!(failures(&json!(rules), &json!({})), [""; 0], "{rules} on an absent field");
        assert_eq!(failures(&json!(rules), &json!({"f": " \t\n\r\u{b}\0"})), [""; 0], "{rules} on a blank field");
        assert_eq!(failures(&json!(rules), &json!({"f": null})).len(), 1, "{rules} on null");
        assert_eq!(
            failures(&json!(format!("{rules}|nullable")), &json!({"f": null})),
            [""; 0],
            "{rules}, nullable, on null"
        );
    }
}

#[test]
fn sizes_count_numbers_characters_or_entries() {
    check(
        &json!("numeric|between:1.5,2"),
        &[json!(1.5), json!("2.0"), json!("0.2e1")],
        &[
            (json!("2.0000000000000000000001"), &["Between"]),
            (json!("1e-1001"), &["Between"]),
            (json!("\u{c}2"), &["Between"]),
            (json!([1]), &["Numeric", "Between"]),
        ],
    );
    check(
        &json!("size:2"),
        &[json!("🇫🇷"), json!(12), json!("é日"), json!([1, 2]), json!({"a": 1, "b": 2})],
        &[(json!(2), &["Size"]), (json!(true), &["Size"])],
    );
    check(&json!("size:7"), &[json!(1e20), json!(1e-5 * 1e25)], &[(json!(1e100), &["Size"])]);
}

#[test]
fn lists_of_values_compare_texts() {
    check(
        &json!("in:1,2.5,"),
        &[json!(1), json!(1.0), json!(true), json!(2.5), json!(false)],
        &[(json!("1.0"), &["In"]), (json!([1]), &["In"])],
    );
    check(
        &json!("array|in:1,a"),
        &[json!([]), json!([1, "a", true]), json!({"k": "a"})],
        &[(json!(["b"]), &["In"]), (json!([["a"]]), &["In"]), (json!("a"), &["Array"])],
    );
    check(
        &json!(["array:0,b", "not_in:x|y"]),
        &[json!(["a"]), json!({"b": "x"})],
        &[(json!(["a", "a"]), &["Array"]), (json!(["x|y"]), &["NotIn"])],
    );
}

#[test]
fn other_fields_are_compared_strictly_by_same_and_loosely_by_required_if() {
    let of = |rules: &str, g: Json| failures(&json!(rules), &json!({"f": "1", "g": g}));
    assert_eq!(of("same:g", json!("1")), [""; 0]);
    assert_eq!(of("same:g", json!(1)), ["Same"]);
    assert_eq!(of("different:g,h", json!("1")), ["Different"]);
    let required =
        |values: &str, g: Json| !failures(&json!(format!("required_if:g,{values}")), &json!({"g": g})).is_empty();
    for (values, g, expected) in [
        ("1", json!("01"), true),
        ("1", json!(1.0), true),
        ("1", json!(true), false),
        ("true", json!(true), true),
        ("true", json!("true"), true),
        ("true", json!(1), false),
        ("a,b", json!("b"), true),
        ("null", json!(null), true),
        ("null", json!("null"), true),
        ("0", json!(null), false),
        ("0", json!(""), false),
        ("0", json!(false), false),
        ("1", json!(["1"]), false),
    ] {
        assert_eq!(required(values, g.clone()), expected, "{values} {g}");
    }
}

#[test]
fn what_no_rule_can_mean_is_an_error_that_names_field_and_rule() {
    for (fields, reason) in [
        (json!({"f": "requierd"}), "field f: unknown rule \"requierd\", did you mean required?"),
        (json!({"f": ["min:a"]}), "field f: min needs a number, but has \"a\""),
        (json!({"f": 5}), "field f: rules must be a text such as \"required|string\" or a list of texts"),
        (json!({"f": [5]}), "field f: rules must be a text such as \"required|string\" or a list of texts"),
        (json!({"f.*": "string"}), "field f.*: wildcards are not supported"),
        (json!({"f": "regex:/a|b/"}), "field f: regex /a: no closing delimiter '/'"),
        (json!("f"), "fields must be an object of rules by field"),
    ] {
        assert_eq!(RuleSet::parse(&Value::from(&fields)).map(|_| ()), Err(reason.to_owned()));
    }
}
