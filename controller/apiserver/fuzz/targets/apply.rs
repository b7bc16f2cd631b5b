//! Server-side apply, onto what is there and as something new.
//! The first byte chooses the object and whether conflicts are forced.

#![no_main]

use std::sync::LazyLock;

use hostwright_apiserver_fuzz::{Api, OBJECTS, choose};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static API: LazyLock<Api> = const { LazyLock::new(Api::start) };
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, config)) = choose(data, 4 * OBJECTS.len()) else { return };
    let object = OBJECTS[choice % OBJECTS.len()];
    let name = if choice >= 2 * OBJECTS.len() { object.replace("/one", "/new") } else { object.to_owned() };
    let force = choice / OBJECTS.len() % 2 == 1;
    let path = format!("{name}?dryRun=All&fieldManager=fuzz&force={force}");
    API.with(|api| api.ask("PATCH", &path, "application/apply-patch+yaml", config));
});
