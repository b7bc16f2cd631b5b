//! JSON, merge and strategic patches of stored objects.
//! The first byte chooses the object, the second the kind of patch and whether it is for the status.

#![no_main]

use std::sync::LazyLock;

use hostwright_apiserver_fuzz::{Api, OBJECTS, choose};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static API: LazyLock<Api> = const { LazyLock::new(Api::start) };
}

const MEDIA: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/json-patch+json",
];

fuzz_target!(|data: &[u8]| {
    let Some((object, data)) = choose(data, OBJECTS.len()) else { return };
    let Some((kind, patch)) = choose(data, 2 * MEDIA.len()) else { return };
    let subresource = if kind >= MEDIA.len() { "/status" } else { "" };
    let path = format!("{}{subresource}?dryRun=All", OBJECTS[object]);
    API.with(|api| api.ask("PATCH", &path, MEDIA[kind % MEDIA.len()], patch));
});
