//! Nothing anyone writes into a schema or an input may panic, and what passes holds.

#![cfg(test)]

use hostwright_plugin::{
    Map,
    schema::{Context, Mode, Pattern, RuleSet, Schema, Value},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value as Json, json};

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        "[-+ \\t0-9.eE]{0,12}".prop_map(Json::from),
        "[a-z@.\"\\\\()\\[\\]: -]{0,16}".prop_map(Json::from),
        "https?://[a-z0-9.:@/?#\\[\\]-]{0,16}".prop_map(Json::from),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{0,16}".prop_map(Json::from),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec(("[a-c0-2]{0,2}", inner), 0..4).prop_map(|pairs| pairs.into_iter().collect::<Map>().into()),
        ]
    })
}

fn rule() -> impl Strategy<Value = String> {
    let known = "required|nullable|string|integer|numeric|boolean|array|accepted|email|url|json|ip|min|max|between|size|in|\
                 not_in|same|different|regex|alpha_dash|required_if|required_with";
    let names: Vec<&'static str> = known.split('|').collect();
    prop_oneof![
        4 => proptest::sample::select(names.clone()).prop_map(str::to_owned),
        4 => (proptest::sample::select(names), "[a-g0-9.,\" :\\\\-]{0,8}").prop_map(|(name, rest)| format!("{name}:{rest}")),
        1 => any::<String>(),
        1 => pattern().prop_map(|pattern| format!("regex:{pattern}")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "/[a-cé.^$*+?|(){}\\[\\]\\\\dwsbhRQEkgpPx1-3,:=!<>#&'-]{0,14}/[imsxuADU]{0,2}",
        vec("(\\(a\\)|\\[a-c\\]|\\\\d|\\\\1|a\\*\\+|\\(\\?=b\\)|\\(\\?<!a\\)|b\\{1,2\\}|\\.|\\||\\(\\?i\\)|\\(\\?:a\\|b\\)\\+)", 0..6)
            .prop_map(|parts| format!("/{}/u", parts.concat())),
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rules_and_no_input_panic(rules in vec(rule(), 0..5), f in value(), g in value(), is_list: bool) {
        let written = if is_list { json!(rules) } else { json!(rules.join("|")) };
        if let Ok(rules) = RuleSet::parse(&Value::from(&json!({"f": written, "g": "boolean"}))) {
            for data in [json!({"f": f, "g": g}), json!({"g": g})] {
                let data = Value::from(&data);
                if let Some(data) = data.as_array() {
                    for mode in [Mode::Raw, Mode::Web] {
                        let verdict = rules.check(data, mode);
                        prop_assert_eq!(verdict.passes(), verdict.validated.is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn no_pattern_panics(pattern in pattern(), text in "[a-c1\\né]{0,12}") {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            pattern.find(&text);
        }
    }

    #[test]
    fn no_schema_panics(schema in value(), rules in vec(rule(), 0..4), default in value(), input in value()) {
        let _ = Schema::from_json(&schema);
        for kind in ["text", "number", "toggle", "checkbox", "password"] {
            let field = json!({"type": kind, "label": "F", "rules": rules, "default": default});
            if let Ok(schema) = Schema::from_json(&json!({"f": field, "g": {"type": "text", "label": "G"}})) {
                let _ = schema.to_json_schema();
                let given: Map = [("f".to_owned(), input.clone())].into_iter().collect();
                let _ = schema.validate(&given, &Context::default());
            }
        }
    }

    #[test]
    fn what_was_typed_is_typed_alike_again(kind in proptest::sample::select(vec!["text", "number", "toggle", "checkbox"]), given in value()) {
        let schema = Schema::from_json(&json!({"f": {"type": kind, "label": "F"}})).expect("a schema");
        if let Ok(once) = schema.coerce("f", &given) {
            prop_assert_eq!(schema.coerce("f", &once).expect("typed"), once);
        }
    }

    #[test]
    fn a_password_shows_in_no_message(rules in vec(rule(), 0..4), secret in "[A-Z]{6,50}") {
        let fields = json!({"f": {"type": "password", "label": "F", "rules": rules}, "g": {"type": "text", "label": "G", "rules": "same:f|different:f"}});
        if let Ok(schema) = Schema::from_json(&fields) {
            let given: Map = [("f".to_owned(), json!(secret)), ("g".to_owned(), json!(secret))].into_iter().collect();
            let errors = schema.validate(&given, &Context::default()).expect_err("g cannot be the same and different");
            for error in errors {
                prop_assert!(!error.to_string().contains(&secret), "{}", error);
            }
        }
    }
}
