//! examples/simulated, as it is and with a directory: `hostwright standalone` makes its services ready.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

#[expect(dead_code, reason = "the example needs less of a machine than its own tests do")]
mod machine;

use std::fs;
use std::path::Path;

use hostwright_crds::HostingService;
use kube::Api;
use machine::{Machine, is_ready};

const SERVICES: [&str; 3] = ["alice-steady", "bob-flaky", "carol-flaky"];

async fn machine_with_the_example() -> Machine {
    let machine = Machine::new().await;
    for file in ["10-instance.yaml", "20-packages.yaml", "30-services.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/simulated").join(file);
        machine.write(file, &fs::read_to_string(path).unwrap());
    }
    machine
}

/// The remote ids of the services, once all of them are ready.
async fn remotes(machine: &Machine) -> Vec<String> {
    for service in SERVICES {
        machine.until(service, is_ready).await;
    }
    let api: Api<HostingService> = Api::namespaced(machine.client().await, "customers");
    let mut ids = Vec::new();
    for service in SERVICES {
        ids.push(api.get(service).await.unwrap().status.unwrap().remote.unwrap().id);
    }
    ids
}

#[tokio::test]
async fn the_example_becomes_ready_through_its_scripted_failures() {
    let machine = machine_with_the_example().await;
    let running = machine.start_with_manifests(&[]).started().await;
    assert_eq!(remotes(&machine).await.len(), 3);
    running.kill();
}

#[tokio::test]
async fn a_directory_keeps_the_remotes_through_a_restart() {
    let machine = machine_with_the_example().await;
    let directory = machine.path("remotes");
    let written = "# config: {directory: /var/lib/hostwright/simulated}";
    machine.edit("10-instance.yaml", written, &format!("config: {{directory: {}}}", directory.display()));
    let running = machine.start_with_manifests(&[]).started().await;
    let before = remotes(&machine).await;
    running.kill();

    let files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let remotes_kept = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let kept: Vec<String> = remotes_kept.map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(before.iter().all(|id| kept.iter().any(|text| text.contains(id))), "{before:?} {kept:?}");

    // An order that comes later proves that the second process works, with the first three where they were.
    let running = machine.start_with_manifests(&[]).started().await;
    machine.edit("30-services.yaml", "desiredStatus: Suspended", "desiredStatus: Active");
    let active = |service: &HostingService| {
        is_ready(service) && service.status.as_ref().is_some_and(|status| status.observed_generation == Some(2))
    };
    machine.until("carol-flaky", active).await;
    assert_eq!(remotes(&machine).await, before);
    running.kill();
}
