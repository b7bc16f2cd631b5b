//! Definitions: the first line is a schema, the rest an object that is put through it.

#![no_main]

use std::sync::{LazyLock, Once};

use hostwright_apiserver::fuzzing;
use hostwright_apiserver_fuzz::{Api, COLLECTIONS};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static QUIET: Once = Once::new();

thread_local! {
    static API: LazyLock<Api> = const { LazyLock::new(Api::start) };
}

fuzz_target!(|text: &str| {
    // See the target for CEL.
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let (schema, rest) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return };
    let object = serde_json::from_str(rest).unwrap_or_else(|_| json!({ "a": 1, "b": ["x"], "c": { "d": null } }));
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "others.fuzz.example.dev" },
        "spec": {
            "group": "fuzz.example.dev", "scope": "Namespaced", "names": { "plural": "others", "kind": "Other" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    let path = format!("{}?dryRun=All", COLLECTIONS[5]);
    API.with(|api| api.ask("POST", &path, "application/json", definition.to_string().as_bytes()));
    fuzzing::validate(&schema, &object, None);
});
