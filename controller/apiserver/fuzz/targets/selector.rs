//! Label and field selectors, a line each.

#![no_main]

use hostwright_apiserver::fuzzing;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let (labels, fields) = text.split_once('\n').unwrap_or((text, text));
    let object = json!({
        "metadata": { "name": "one", "namespace": "default", "labels": { "a": "b", "n": "5" } },
        "type": "Normal", "involvedObject": { "kind": "Thing" },
    });
    fuzzing::select(labels, fields, &object);
});
