//! Bodies of creates: JSON, YAML and protobuf, of every kind.
//! The first byte chooses the kind, the second the media type, the third what becomes of unknown fields.

#![no_main]

use std::sync::LazyLock;

use hostwright_apiserver_fuzz::{Api, COLLECTIONS, choose};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static API: LazyLock<Api> = const { LazyLock::new(Api::start) };
}

const MEDIA: [&str; 4] =
    ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json"];

fuzz_target!(|data: &[u8]| {
    let Some((collection, data)) = choose(data, COLLECTIONS.len()) else { return };
    let Some((media, data)) = choose(data, MEDIA.len()) else { return };
    let Some((validation, body)) = choose(data, 2) else { return };
    let validation = ["Warn", "Strict"][validation];
    let path = format!("{}?dryRun=All&fieldValidation={validation}", COLLECTIONS[collection]);
    API.with(|api| api.ask("POST", &path, MEDIA[media], body));
});
