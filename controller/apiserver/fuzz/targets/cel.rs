//! Rules: the first line is one, the rest what it is evaluated on.

#![no_main]

use std::sync::Once;

use hostwright_apiserver::fuzzing;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static QUIET: Once = Once::new();

fuzz_target!(|text: &str| {
    // Parser and interpreter panic on some input, which is caught; only what is not caught ends the process.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let (rule, rest) = text.split_once('\n').unwrap_or((text, ""));
    let value: Value = serde_json::from_str(rest).unwrap_or_else(|_| {
        json!({ "a": 1, "s": "äb", "l": [1, 2, 3], "m": { "k": "v" }, "t": "2020-01-01T00:00:00Z", "f": 1.5, "b": true })
    });
    let schema = json!({
        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-validations": [{ "rule": rule, "messageExpression": rule }],
    });
    fuzzing::validate(&schema, &value, None);
    fuzzing::validate(&schema, &value, Some(&value));
});
