//! Schemas: what is refused when one is read, and what becomes of an input.

#![cfg(test)]

use hostwright_plugin::{
    Map,
    schema::{Change, Context, Drift, Field, FieldType, Mode, Schema},
};
use serde_json::{Value as Json, json};

fn schema(json: &Json) -> Schema {
    Schema::from_json(json).unwrap_or_else(|error| panic!("{error}"))
}

fn map(json: Json) -> Map {
    match json {
        Json::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

fn values(schema: &Schema, input: Json) -> Json {
    schema.validate(&map(input), &Context::default()).expect("valid").values.into()
}

fn errors(schema: &Schema, input: Json) -> Vec<String> {
    let errors = schema.validate(&map(input), &Context::default()).expect_err("errors");
    errors.iter().map(ToString::to_string).collect()
}

/// Every field type.
fn server() -> Schema {
    let text = r#"{
        "name": {"type": "text", "label": "Name", "rules": "required|string|min:3|max:20"},
        "notes": {"type": "textarea", "label": "Notes", "rules": "nullable|string|max:10"},
        "contact": {"type": "email", "label": "Contact", "rules": "nullable|email"},
        "site": {"type": "url", "label": "Site", "rules": "nullable|url:https"},
        "memory": {"type": "number", "label": "Memory", "default": "1024", "rules": "required|integer|min:256"},
        "ratio": {"type": "number", "label": "Ratio", "rules": "nullable|numeric|between:0,1"},
        "password": {"type": "password", "label": "Password", "rules": "nullable|string|min:8|different:name"},
        "backups": {"type": "toggle", "label": "Backups", "default": "0", "rules": "boolean"},
        "region": {"type": "select", "label": "Region", "options": {"fra": "Frankfurt", "hel": "Helsinki"}},
        "tier": {"type": "radio", "label": "Tier", "options": {"1": "One", "2": "Two"}},
        "addons": {"type": "checkbox", "label": "Add-ons", "options": {"ssl": "TLS", "cdn": "CDN"}, "rules": "array|max:1"}
    }"#;
    Schema::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn values_come_out_in_the_type_of_their_field() {
    let input = json!({"name": "Alice", "memory": " 2048 ", "ratio": "0.50", "backups": "1", "region": "fra", "tier": 2,
        "addons": ["ssl"], "contact": null});
    let expected = json!({"name": "Alice", "memory": 2048, "ratio": 0.5, "backups": true, "region": "fra", "tier": "2",
        "addons": ["ssl"]});
    assert_eq!(values(&server(), input), expected);
}

#[test]
fn defaults_stand_in_for_absent_fields_and_are_typed() {
    assert_eq!(values(&server(), json!({"name": "Bob"})), json!({"name": "Bob", "memory": 1024, "backups": false}));
    assert_eq!(Json::from(server().defaults()), json!({"memory": 1024, "backups": false}));
}

#[test]
fn passwords_come_out_apart_and_show_in_no_message() {
    let server = server();
    let typed = server
        .validate(&map(json!({"name": "Bob", "password": "hunter2hunter2"})), &Context::default())
        .expect("valid");
    assert!(!typed.values.contains_key("password"));
    assert_eq!(typed.secrets["password"].expose(), "hunter2hunter2");
    assert!(!format!("{typed:?}").contains("hunter2"));
    assert_eq!(server.password_fields().collect::<Vec<_>>(), ["password"]);
    for secret in [json!("hunter2"), json!(7_777_777), json!(["hunter2"]), json!({"k": "hunter2"}), json!(true)] {
        let errors = errors(&server, json!({"name": "Bob", "password": secret}));
        assert!(
            !errors.is_empty() && !errors.iter().any(|error| error.contains("hunter2") || error.contains("777")),
            "{errors:?}"
        );
    }
    assert_eq!(
        errors(&server, json!({"name": "hunter2hunter2", "password": "hunter2hunter2"})),
        ["password: must differ from name"]
    );
}

#[test]
fn messages_say_what_is_expected_and_what_was_found() {
    let input = json!({"name": "ab", "notes": "far too long", "contact": "x", "site": "http://a.b", "memory": "abc",
        "ratio": 2, "backups": "maybe", "region": "nyc", "tier": true, "addons": ["ssl", "cdn"], "sever": 1, "nam": 2});
    assert_eq!(
        errors(&server(), input),
        [
            "name: must have at least 3 characters, but is \"ab\"",
            "notes: must have at most 10 characters",
            "contact: must be an e-mail address, but is \"x\"",
            "site: must be a URL that begins with https://, but is \"http://a.b\"",
            "memory: must be a whole number, but is \"abc\"",
            "ratio: must be 0 to 1, but is 2",
            "backups: must be true or false, but is \"maybe\"",
            "region: must be one of fra, hel, but is \"nyc\"",
            "tier: must be text in quotes, but is true",
            "addons: must have at most 1 entry, but is a list of 2",
            "nam: unknown field, did you mean name?",
            "sever: unknown field",
        ]
    );
    assert_eq!(errors(&server(), json!({})), ["name: is required"]);
}

#[test]
fn a_url_with_a_user_is_not_repeated() {
    let input = json!({"name": "Alice", "site": "http://root:hunter2@example.com"});
    assert_eq!(errors(&server(), input), ["site: must be a URL that begins with https://"]);
}

#[test]
fn an_unmet_condition_makes_required_optional_and_withholds_the_default() {
    let network = schema(&json!({
        "mode": {"type": "select", "label": "Mode", "options": {"nat": "NAT", "bridge": "Bridge"}, "default": "nat"},
        "vlan": {"type": "number", "label": "VLAN", "rules": "required|integer|max:4094",
            "condition": {"target": "configuration", "field": "mode", "operator": "=", "value": "bridge"}},
        "tag": {"type": "text", "label": "Tag", "default": "none",
            "condition": {"field": "mode", "operator": "in", "value": ["bridge"]}}
    }));
    assert_eq!(values(&network, json!({})), json!({"mode": "nat"}));
    assert_eq!(errors(&network, json!({"vlan": 5000})), ["vlan: must be at most 4094, but is 5000"]);
    assert_eq!(errors(&network, json!({"mode": "bridge"})), ["vlan: is required"]);
    assert_eq!(
        values(&network, json!({"mode": "bridge", "vlan": 7})),
        json!({"mode": "bridge", "vlan": 7, "tag": "none"})
    );
}

#[test]
fn a_condition_may_look_at_fields_of_the_platform() {
    let schema = schema(&json!({"vat": {"type": "text", "label": "VAT", "rules": "required|string",
        "condition": {"target": "fields", "field": "company", "operator": "truthy"}}}));
    let fields = map(json!({"company": "ACME"}));
    let context = Context { fields: Some(&fields), ..Context::default() };
    assert!(schema.validate(&Map::new(), &context).is_err());
    assert!(schema.validate(&Map::new(), &Context::default()).is_ok());
}

#[test]
fn a_web_form_is_trimmed_first() {
    let context = Context { mode: Mode::Web, ..Context::default() };
    let typed = server()
        .validate(&map(json!({"name": " Alice ", "notes": " ", "password": " 12345678"})), &context)
        .expect("valid");
    assert_eq!(Json::from(typed.values), json!({"name": "Alice", "memory": 1024, "backups": false}));
    assert_eq!(typed.secrets["password"].expose(), " 12345678");
}

#[test]
fn one_value_can_be_typed_alone() {
    let server = server();
    for (key, value, typed) in [
        ("memory", json!("8192"), json!(8192)),
        ("ratio", json!(2.0), json!(2)),
        ("ratio", json!("1e-3"), json!(0.001)),
        ("backups", json!("off"), json!(false)),
        ("addons", json!("ssl"), json!(["ssl"])),
        ("addons", json!(""), json!([])),
        ("tier", json!(1), json!("1")),
        ("tier", json!(""), json!(null)),
        ("name", json!(5.0), json!("5")),
        ("name", json!(null), json!(null)),
    ] {
        assert_eq!(server.coerce(key, &value).expect("typed"), typed, "{key} {value}");
    }
    let refused = |key: &str, value: Json| server.coerce(key, &value).expect_err("refused").to_string();
    assert_eq!(refused("memory", json!("lots")), "memory: must be a number, but is \"lots\"");
    assert_eq!(refused("memory", json!("1e999")), "memory: must be a number, but is \"1e999\"");
    assert_eq!(refused("memroy", json!(1)), "memroy: unknown field, did you mean memory?");
    assert_eq!(refused("region", json!("nyc")), "region: must be one of fra, hel, but is \"nyc\"");
}

#[test]
fn fields_keep_their_order_and_properties() {
    let schema = Schema::parse(
        r#"{"fields": {
            "zeta": {"type": "text", "label": "Zeta", "placeholder": "z", "helper": "Help.", "change": "CreateOnly", "drift": "Ignore"},
            "alpha": {"type": "select", "label": "Alpha", "options": {"b": "B", "a": "A"}}
        }}"#,
    )
    .expect("a schema");
    assert_eq!(schema.fields().iter().map(Field::key).collect::<Vec<_>>(), ["zeta", "alpha"]);
    let zeta = schema.field("zeta").expect("zeta");
    assert_eq!((zeta.label(), zeta.placeholder(), zeta.helper()), ("Zeta", Some("z"), Some("Help.")));
    assert_eq!((zeta.change(), zeta.drift(), zeta.field_type()), (Change::CreateOnly, Drift::Ignore, FieldType::Text));
    let alpha = schema.field("alpha").expect("alpha");
    assert_eq!((alpha.change(), alpha.drift()), (Change::InPlace, Drift::Enforce));
    assert_eq!(alpha.options()[0], ("b".to_owned(), "B".to_owned()));
    let text = serde_json::to_string(&schema).expect("JSON");
    assert_eq!(serde_json::from_str::<Schema>(&text).expect("a schema"), schema);
    assert_eq!(serde_json::from_str::<Schema>(&text).expect("a schema").fields()[0].key(), "zeta");
}

/// acceptance 11
#[test]
fn everything_wrong_with_a_schema_is_reported_when_it_is_read() {
    let broken = json!({
        "a": {"type": "txt", "label": "A"},
        "b": {"type": "text", "label": "B", "rule": "required"},
        "c": {"type": "text", "label": "C", "rules": "requierd|max:x|integer:stric"},
        "d": {"type": "number", "label": "D", "default": "many"},
        "e": {"type": "select", "label": "E"},
        "f": {"type": "text", "label": "F", "options": {"a": "A"}},
        "g": {"type": "text", "label": "G", "rules": "required_if:bb,1", "condition": {"field": "h", "operator": "=="}},
        "h": {"type": "text", "label": "H", "rules": "regex:/^(a|b)$/", "change": "Inplace"},
        "i": {"label": "I"},
        "j": {"type": "password", "label": "J", "default": "hunter2"},
        "k k": {"type": "text", "label": 5}
    });
    let error = Schema::from_json(&broken).expect_err("problems");
    let found: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "field a: unknown type \"txt\", did you mean text?; it is one of text, textarea, email, url, number, password, toggle, select, radio, checkbox",
            "field b: unknown property \"rule\", did you mean rules?",
            "field c: unknown rule \"requierd\", did you mean required?",
            "field c: max needs a number, but has \"x\"",
            "field c: integer does not take the parameter \"stric\"; it takes strict",
            "field d: default must be a number, but is \"many\"",
            "field e: options are missing; a select needs a map from value to label",
            "field f: options are for select, radio and checkbox only",
            "field g: condition: unknown operator \"==\", did you mean =?; it is one of =, !=, in, not_in, truthy",
            "field h: regex /^(a: no closing delimiter '/'; a pattern with | needs the rules as a list",
            "field h: unknown rule \"b)$/\"",
            "field h: unknown change \"Inplace\", did you mean InPlace?; it is one of CreateOnly, InPlace, Disruptive",
            "field i: type is missing; it is one of text, textarea, email, url, number, password, toggle, select, radio, checkbox",
            "field j: a password has no default",
            "field k k: a key consists of ASCII letters, digits, underscores and dashes",
            "field k k: label must be a text",
        ]
    );
    let unknown = json!({"a": {"type": "text", "label": "A", "rules": "same:memroy"}, "memory": {"type": "number", "label": "M"}});
    let error = Schema::from_json(&unknown).expect_err("a problem");
    assert_eq!(error.to_string(), "field a: same names the unknown field \"memroy\", did you mean memory?");
    for not_a_schema in ["[1]", "5", "\"x\"", "{"] {
        assert!(Schema::parse(not_a_schema).is_err(), "{not_a_schema}");
    }
    assert!(Schema::parse("{}").expect("an empty schema").is_empty());
}

#[test]
fn json_schema_says_what_it_can() {
    let exported = schema(&json!({
        "name": {"type": "text", "label": "Name", "helper": "Shown to players.", "rules": ["required", "string", "max:20", "regex:/^[a-z]+$/"]},
        "memory": {"type": "number", "label": "Memory", "default": 1024, "rules": "required|integer|min:256|max:65536"},
        "load": {"type": "number", "label": "Load", "rules": "nullable|numeric|between:0.5,8"},
        "token": {"type": "password", "label": "Token", "rules": "required|string|min:8"},
        "auto": {"type": "toggle", "label": "Auto", "default": false},
        "region": {"type": "select", "label": "Region", "options": {"fra": "F", "hel": "H"}, "rules": "nullable|in:fra"},
        "addons": {"type": "checkbox", "label": "Add-ons", "options": {"ssl": "TLS"}, "rules": "array|max:3"},
        "ip": {"type": "text", "label": "IP", "rules": "required_if:auto,false|ip"},
        "mail": {"type": "email", "label": "Mail", "rules": "email|required_with:region"},
        "vlan": {"type": "text", "label": "VLAN", "rules": "required|alpha_dash:ascii|not_in:none", "condition": {"field": "region", "operator": "!=", "value": "fra"}}
    }))
    .to_json_schema();
    let expected = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "token"],
        "dependentRequired": {"region": ["mail"]},
        "properties": {
            "name": {"title": "Name", "description": "Shown to players.", "type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]+$"},
            "memory": {"title": "Memory", "type": "integer", "default": 1024, "minimum": 256, "maximum": 65536},
            "load": {"title": "Load", "type": ["number", "null"], "minimum": 0.5, "maximum": 8},
            "token": {"title": "Token", "type": "string", "writeOnly": true, "minLength": 8},
            "auto": {"title": "Auto", "type": ["boolean", "null"], "default": false},
            "region": {"title": "Region", "type": ["string", "null"], "enum": ["fra", null]},
            "addons": {"title": "Add-ons", "type": "array", "items": {"enum": ["ssl"]}, "maxItems": 3},
            "ip": {"title": "IP", "type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]},
            "mail": {"title": "Mail", "type": "string", "format": "email"},
            "vlan": {"title": "VLAN", "type": "string", "minLength": 1, "pattern": "^[A-Za-z0-9_-]+$", "not": {"enum": ["none"]}}
        },
        "allOf": [
            {"if": {"anyOf": [{"required": ["auto"], "properties": {"auto": {"enum": [false]}}}, {"not": {"required": ["auto"]}}]}, "then": {"required": ["ip"]}},
            {"if": {"not": {"required": ["region"], "properties": {"region": {"enum": ["fra"]}}}}, "then": {"required": ["vlan"]}}
        ]
    });
    assert_eq!(exported, expected, "{exported:#}");
}
