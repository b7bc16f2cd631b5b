use super::*;
use crate::plugin::sample::Sample;
use serde_json::{Value, json};

type Case = (fn(&mut HostingServiceStatus), [bool; 4]);

fn package(generation: i64, rollout: &Value) -> Package {
    let mut package = Package::default();
    package.metadata.name = Some("small".into());
    package.metadata.generation = Some(generation);
    package.spec = serde_json::from_value(json!({
        "providerInstanceRef": {"name": "panel-eu"}, "provisioning": {"memory": 2048}, "rollout": rollout
    }))
    .unwrap();
    package
}

/// A service of the package, changed by `change`, which has 1024 of its first generation.
fn service(name: &str, created: i64, change: impl FnOnce(&mut HostingServiceStatus)) -> HostingService {
    let text = format!("2026-01-01T00:00:{created:02}Z");
    let mut service: HostingService = serde_json::from_value(json!({
        "apiVersion": "hostwright.dev/v1alpha1", "kind": "HostingService",
        "metadata": {"name": name, "namespace": "customers", "uid": name, "creationTimestamp": text},
        "spec": {"packageRef": {"name": "small"}, "desiredStatus": "Active",
            "owner": {"id": "cust-1", "email": "a@example.com", "name": "Alice"}},
        "status": {
            "lastApplied": {"package": "small", "packageGeneration": 1, "config": {"memory": 1024}},
            "remote": {"id": "1", "state": "Active", "boundAt": text},
        }
    }))
    .unwrap();
    change(service.status.get_or_insert_default());
    service
}

fn scaling(status: &mut HostingServiceStatus, error: Option<&str>) {
    status.operation = Some(Operation {
        verb: Verb::Scale,
        package_generation: Some(2),
        last_error: error.map(|message| hostwright_crds::LastError { message: message.into(), ..Default::default() }),
        outcome: error.map_or(OperationOutcome::Accepted, |_| OperationOutcome::Refused),
        ..Operation::default()
    });
}

fn census(package: &Package, services: &[HostingService]) -> Census {
    Census::of(package, &Sample::new(), services)
}

fn names(turns: &BTreeSet<String>) -> Vec<&str> {
    turns.iter().map(String::as_str).collect()
}

#[test]
fn the_oldest_come_first_and_as_many_as_may_be_changed_at_once() {
    let package = package(2, &json!({"maxConcurrent": 2}));
    let mut services = vec![service("a", 3, |_| ()), service("b", 1, |_| ()), service("c", 2, |_| ())];
    let turns = |services: &[HostingService], before: &[&str]| {
        let before = before.iter().map(|name| (*name).to_owned()).collect();
        census(&package, services).turns(&before)
    };
    assert_eq!(names(&turns(&services, &[])), ["b", "c"]);
    // Whose turn it was may have begun already, unseen.
    assert_eq!(names(&turns(&services, &["a"])), ["a", "b"]);
    scaling(services[1].status.as_mut().unwrap(), None);
    assert_eq!(names(&turns(&services, &["b", "c"])), ["c"]);
    // One that is tried again is being changed.
    scaling(services[1].status.as_mut().unwrap(), Some("no"));
    assert_eq!(names(&turns(&services, &["b", "c"])), ["c"]);
}

#[test]
fn what_cannot_be_changed_now_takes_nobody_s_turn() {
    let package = package(2, &json!({"maxConcurrent": 1}));
    let mut paused = service("paused", 1, |_| ());
    paused.spec.paused = true;
    let services = [
        paused,
        service("missing", 1, |status| status.remote.as_mut().unwrap().state = RemoteState::Missing),
        service("being-renewed", 1, |status| {
            status.operation = Some(Operation { verb: Verb::Renew, ..Operation::default() });
        }),
        service("attached", 1, |status| status.attached_differences = Some("hash".into())),
        service("ends", 1, |status| status.target = Some(Target::Terminated)),
        service("able", 9, |_| ()),
    ];
    let census = census(&package, &services);
    assert_eq!(names(&census.turns(&BTreeSet::new())), ["able"]);
    let counts = census.status().unwrap();
    assert_eq!((counts.services, counts.waiting, counts.updated), (5, 5, 0));
}

#[test]
fn it_stops_once_so_many_failed_and_says_which() {
    let rolling = package(2, &json!({"maxConcurrent": 9, "maxFailures": 2}));
    let mut services = vec![service("a", 1, |status| scaling(status, Some("no such node"))), service("b", 2, |_| ())];
    let (done, why) = census(&rolling, &services).verdict();
    assert_eq!((done, why.reason), (false, reason::ROLLING_OUT));
    assert_eq!(names(&census(&rolling, &services).turns(&BTreeSet::new())), ["b"]);

    services.push(service("c", 3, |status| scaling(status, Some("busy"))));
    let stopped = census(&rolling, &services);
    assert_eq!(names(&stopped.turns(&BTreeSet::new())), [""; 0]);
    let (done, why) = stopped.verdict();
    assert_eq!((done, why.reason), (false, reason::ROLLOUT_STOPPED));
    assert_eq!(
        why.message,
        "2 failed, so no further one is changed: customers/a (no such node), customers/c (busy). 0 of 3 services are as the \
         package is now, 0 are being changed, 1 wait. Mend them or the package; it goes on once fewer than 2 fail \
         (spec.rollout.maxFailures)"
    );
    let failing = stopped.status().unwrap().failing;
    assert_eq!(failing[1], FailingService { service: "customers/c".into(), message: "busy".into() });
}

#[test]
fn one_that_cannot_follow_says_so_and_counts_as_failed() {
    let mut package = package(2, &json!({"maxConcurrent": 1, "maxFailures": 1}));
    package.spec.variants = serde_json::from_value(json!({
        "memory": {"type": "select", "options": [{"value": 2048, "label": "2"}], "scalable": true}
    }))
    .unwrap();
    let mut service = service("a", 1, |_| ());
    service.spec.selections = serde_json::from_value(json!({"memory": [1024]})).unwrap();
    let census = census(&package, &[service]);
    assert_eq!(names(&census.turns(&BTreeSet::new())), ["a"]);
    assert!(census.verdict().1.message.contains("spec.selections.memory: found 1024"), "{:?}", census.verdict());
}

#[test]
fn a_pinned_package_gives_nobody_a_turn_and_is_done() {
    let pinned = package(2, &json!({"strategy": "Pinned"}));
    let census = census(&pinned, &[service("a", 1, |_| ())]);
    assert!(census.turns(&BTreeSet::from(["a".to_owned()])).is_empty());
    assert_eq!((census.verdict().0, census.verdict().1.reason), (true, reason::PINNED));
    assert_eq!(census.status().unwrap().waiting, 1);
}

#[test]
fn a_service_keeps_what_it_has_until_its_turn_and_finishes_what_was_begun() {
    let rolling = package(2, &json!({}));
    let pinned = package(2, &json!({"strategy": "Pinned"}));
    let keeps = |package: &Package, change: fn(&mut HostingServiceStatus), turn: bool| {
        keeps_what_it_has(service("a", 1, change).status.as_ref().unwrap(), package, turn)
    };
    let rows: [Case; 5] = [
        // without and with a turn in a rolling package, then in a pinned one
        (|_| (), [true, false, true, true]),
        (|status| scaling(status, None), [false, false, false, false]),
        (|status| scaling(status, Some("no")), [false, false, true, true]),
        // What the service itself asked for is no part of the roll-out.
        (
            |status| {
                scaling(status, None);
                status.operation.as_mut().unwrap().package_generation = Some(1);
            },
            [true, false, true, true],
        ),
        (|status| status.last_applied.as_mut().unwrap().package_generation = 2, [false; 4]),
    ];
    for (row, (change, wanted)) in rows.into_iter().enumerate() {
        let found = [(&rolling, false), (&rolling, true), (&pinned, false), (&pinned, true)]
            .map(|(of, turn)| keeps(of, change, turn));
        assert_eq!(found, wanted, "row {row}");
    }
}

#[test]
fn a_change_under_way_is_finished_also_to_a_package_that_was_made_anew_with_a_lower_generation() {
    let anew = package(1, &json!({}));
    let mut status = service("a", 1, |_| ()).status.unwrap();
    status.last_applied.as_mut().unwrap().package_generation = 3;
    assert!(keeps_what_it_has(&status, &anew, false), "it waits for its turn");
    scaling(&mut status, None);
    status.operation.as_mut().unwrap().package_generation = Some(1);
    assert!(!keeps_what_it_has(&status, &anew, false));
}
