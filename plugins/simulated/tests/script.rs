//! Everything that a package can script, on a paused clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hostwright_plugin::{
    Call, Class, Error, Instance, Map, Observation, Outcome, Owner, Plugin as _, Present, Secret, State,
};
use hostwright_plugin_simulated::Simulated;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

fn map(value: Value) -> Map {
    serde_json::from_value(value).unwrap()
}

fn call(service: &str, config: Value) -> Call {
    Call {
        external_id: format!("test.customers.{service}"),
        operation_id: "operation-1".to_owned(),
        deadline: Timestamp::MAX,
        instance: Instance { name: "sandbox".to_owned(), ..Instance::default() },
        config: map(config),
        checkout: Map::new(),
        fields: Map::new(),
        checkout_secrets: BTreeMap::new(),
        credentials: BTreeMap::new(),
        owner: Owner { key: "test.customers.cust-1".to_owned(), ..Owner::default() },
        remote: None,
        named: None,
        applied: None,
        before: None,
        paid_until: None,
        force: false,
    }
}

fn call_in(directory: &Path, service: &str, config: Value) -> Call {
    let mut call = call(service, config);
    call.instance.settings = map(json!({"directory": directory}));
    call
}

fn failing(rules: &Value) -> Value {
    json!({"failures": rules.to_string()})
}

async fn seen(plugin: &Simulated, call: &Call) -> Option<Present> {
    // The script of the package counts for looks too, and this one shall see what is there.
    let call = Call { config: Map::new(), ..call.clone() };
    match plugin.observe(&call).await.unwrap() {
        Observation::Absent => None,
        Observation::Present(present) => Some(*present),
    }
}

async fn state(plugin: &Simulated, call: &Call) -> Option<State> {
    seen(plugin, call).await.map(|present| present.state)
}

#[track_caller]
fn token(outcome: Result<Outcome, Error>) -> String {
    match outcome.unwrap() {
        Outcome::Accepted { token, .. } => token,
        other => panic!("accepted was expected: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_script_it_does_at_once_what_it_is_asked() {
    let plugin = Simulated::new().unwrap();
    let call = call("a", json!({"memory": 1024}));
    assert_eq!(state(&plugin, &call).await, None);
    assert!(matches!(plugin.create(&call).await.unwrap(), Outcome::Done(made) if made.state == State::Active));
    plugin.suspend(&call).await.unwrap();
    plugin.suspend(&call).await.unwrap();
    assert_eq!(state(&plugin, &call).await, Some(State::Suspended));
    plugin.unsuspend(&call).await.unwrap();
    let larger = Call { config: map(json!({"memory": 2048})), ..call.clone() };
    plugin.scale(&larger).await.unwrap();
    let present = seen(&plugin, &call).await.unwrap();
    assert_eq!((present.state, &present.applied), (State::Active, &larger.config));
    assert_eq!(present.owner_key.as_deref(), Some("test.customers.cust-1"));
    assert_eq!(plugin.create(&call).await.unwrap_err().class, Class::Conflict);
    assert!(matches!(plugin.terminate(&call).await.unwrap(), Outcome::Gone));
    assert!(matches!(plugin.terminate(&call).await.unwrap(), Outcome::Gone));
    assert_eq!(plugin.suspend(&call).await.unwrap_err().class, Class::NotFound);
}

#[tokio::test(start_paused = true)]
async fn every_call_takes_its_latency() {
    let plugin = Simulated::new().unwrap();
    let call = call("a", json!({"latency_milliseconds": 250}));
    let started = Instant::now();
    plugin.create(&call).await.unwrap();
    plugin.observe(&call).await.unwrap();
    // The timer counts in whole milliseconds.
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(500) && took < Duration::from_millis(505), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_calls_of_each_service_fail_as_often_as_told() {
    let plugin = Simulated::new().unwrap();
    let config = failing(&json!([{"verb": "create", "class": "Unavailable", "times": 2}]));
    for service in ["a", "b"] {
        let call = call(service, config.clone());
        for count in 1..=2 {
            let error = plugin.create(&call).await.unwrap_err();
            assert_eq!(error.class, Class::Unavailable);
            let wanted = format!("scripted: create failed, by failures[0] of the package (call {count})");
            assert_eq!(error.message, wanted);
            assert_eq!(error.field.as_deref(), Some("config.failures"));
            assert_eq!(state(&plugin, &call).await, None);
        }
        plugin.create(&call).await.unwrap();
    }
}

/// Which of 200 looks at a service fail, by a new plugin.
async fn failed_looks(seed: u64, service: &str) -> Vec<usize> {
    let plugin = Simulated::new().unwrap();
    let rules = json!([{"verb": "observe", "class": "Unavailable", "probability": 0.25}]);
    let call = call(service, json!({"seed": seed, "failures": rules.to_string()}));
    let mut failed = Vec::new();
    for look in 0..200 {
        if plugin.observe(&call).await.is_err() {
            failed.push(look);
        }
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_fails_the_same_calls_about_as_often_as_told() {
    let failed = failed_looks(7, "a").await;
    assert_eq!(failed, failed_looks(7, "a").await);
    assert_ne!(failed, failed_looks(8, "a").await);
    assert_ne!(failed, failed_looks(7, "b").await);
    assert!((30..=70).contains(&failed.len()), "{} of 200 at a quarter", failed.len());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_its_effect() {
    let plugin = Simulated::new().unwrap();
    let rules = json!([{"verb": "create", "class": "Unknown", "effect": true, "times": 1}]);
    let call = call("a", failing(&rules));
    let error = plugin.create(&call).await.unwrap_err();
    assert_eq!(error.class, Class::Unknown);
    assert!(error.message.starts_with("scripted: create took effect and lost its answer, by failures[0]"));
    assert_eq!(state(&plugin, &call).await, Some(State::Active));
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_accepted_and_done_after_its_time() {
    let plugin = Simulated::new().unwrap();
    let call = call("a", json!({"operation_seconds": 60}));
    let made = token(plugin.create(&call).await);
    assert_eq!(token(plugin.create(&call).await), made, "the same operation again");
    assert_eq!(state(&plugin, &call).await, Some(State::Provisioning));
    advance(Duration::from_secs(59)).await;
    assert_eq!(token(plugin.poll(&call, &made).await), made);
    assert_eq!(plugin.scale(&call).await.unwrap_err().class, Class::Conflict);
    advance(Duration::from_secs(2)).await;
    assert!(matches!(plugin.poll(&call, &made).await.unwrap(), Outcome::Done(made) if made.state == State::Active));

    let ended = token(plugin.terminate(&call).await);
    assert_eq!(state(&plugin, &call).await, Some(State::Deleting));
    assert_eq!(plugin.suspend(&call).await.unwrap_err().class, Class::Conflict, "an ending is not taken back");
    advance(Duration::from_secs(61)).await;
    assert!(matches!(plugin.poll(&call, &ended).await.unwrap(), Outcome::Gone));
    assert_eq!(state(&plugin, &call).await, None);
}

#[tokio::test(start_paused = true)]
async fn suspending_takes_the_place_of_what_runs() {
    let plugin = Simulated::new().unwrap();
    let call = call("a", json!({"operation_seconds": 60}));
    plugin.create(&call).await.unwrap();
    plugin.suspend(&Call { operation_id: "operation-2".to_owned(), ..call.clone() }).await.unwrap();
    advance(Duration::from_secs(61)).await;
    assert_eq!(state(&plugin, &call).await, Some(State::Suspended));
}

#[tokio::test(start_paused = true)]
async fn a_full_provider_refuses_until_one_ends() {
    let plugin = Simulated::new().unwrap();
    let of = |service| call(service, json!({"capacity": 2}));
    plugin.create(&of("a")).await.unwrap();
    plugin.create(&of("b")).await.unwrap();
    let error = plugin.create(&of("c")).await.unwrap_err();
    assert_eq!(error.class, Class::Capacity);
    assert_eq!(error.message, "scripted: no room, by capacity of the package: 2 of 2 are held");
    plugin.terminate(&of("a")).await.unwrap();
    plugin.create(&of("c")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_remote_vanishes_after_its_time_and_can_be_made_again() {
    let plugin = Simulated::new().unwrap();
    let call = call("a", json!({"vanish_after_seconds": 30}));
    plugin.create(&call).await.unwrap();
    advance(Duration::from_secs(29)).await;
    assert_eq!(state(&plugin, &call).await, Some(State::Active));
    advance(Duration::from_secs(2)).await;
    assert_eq!(state(&plugin, &call).await, None);
    assert!(plugin.list(&call.instance, None).await.unwrap().items.is_empty());
    plugin.create(&call).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_list_has_every_remote_once_over_its_pages() {
    let plugin = Simulated::new().unwrap();
    for number in 0..250 {
        plugin.create(&call(&format!("s{number:03}"), json!({}))).await.unwrap();
    }
    let instance = call("", json!({})).instance;
    let (mut listed, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = plugin.list(&instance, cursor.as_deref()).await.unwrap();
        sizes.push(page.items.len());
        listed.extend(page.items.into_iter().filter_map(|item| item.external_id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let wanted: Vec<String> = (0..250).map(|number| format!("test.customers.s{number:03}")).collect();
    assert_eq!((listed, sizes), (wanted, vec![100, 100, 50]));
}

#[tokio::test(start_paused = true)]
async fn a_directory_keeps_remotes_for_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made/when/missing");
    let (first, second) = (Simulated::new().unwrap(), Simulated::new().unwrap());
    let call = call_in(&path, &"long".repeat(100), json!({"memory": 7}));
    first.test_connection(&call.instance).await.unwrap();
    first.create(&call).await.unwrap();
    assert_eq!(seen(&second, &call).await, seen(&first, &call).await);
    assert_eq!(second.list(&call.instance, None).await.unwrap().items.len(), 1);
    second.terminate(&call).await.unwrap();
    assert_eq!(state(&first, &call).await, None);
    let left: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["identity"], "nothing else is left behind");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_gone_is_no_absence_and_one_in_its_place_is_another_provider() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("remotes");
    let plugin = Simulated::new().unwrap();
    let call = call_in(&path, "a", json!({}));
    let identity = plugin.test_connection(&call.instance).await.unwrap().identity;
    plugin.create(&call).await.unwrap();
    assert_eq!(plugin.test_connection(&call.instance).await.unwrap().identity, identity);

    std::fs::rename(&path, directory.path().join("unmounted")).unwrap();
    assert_eq!(plugin.observe(&call).await.unwrap_err().class, Class::Unavailable);
    assert_eq!(plugin.list(&call.instance, None).await.unwrap_err().class, Class::Unavailable);
    for error in [plugin.create(&call).await, plugin.terminate(&call).await] {
        assert_eq!(error.unwrap_err().class, Class::Unavailable);
    }
    assert_ne!(plugin.test_connection(&call.instance).await.unwrap().identity, identity);
}

#[tokio::test(start_paused = true)]
async fn instances_without_a_directory_are_providers_of_their_own() {
    let plugin = Simulated::new().unwrap();
    let named = |name: &str| Instance { name: name.to_owned(), ..Instance::default() };
    let (one, other) = (plugin.test_connection(&named("one")).await, plugin.test_connection(&named("other")).await);
    assert_ne!(one.unwrap().identity, other.unwrap().identity);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_is_no_absence() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = Simulated::new().unwrap();
    let call = call_in(directory.path(), "a", json!({}));
    plugin.test_connection(&call.instance).await.unwrap();
    plugin.create(&call).await.unwrap();
    let mut files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|file| file.extension().is_some()).unwrap();
    std::fs::write(&file, "{").unwrap();
    let error = plugin.observe(&call).await.unwrap_err();
    assert_eq!((error.class, error.field.as_deref()), (Class::Unavailable, Some("instance.directory")));
    assert!(error.message.contains(file.to_str().unwrap()), "{}", error.message);
    assert_eq!(plugin.create(&call).await.unwrap_err().class, Class::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_script_that_means_nothing_is_refused_by_its_setting() {
    let plugin = Simulated::new().unwrap();
    for (rules, wanted) in [
        (json!([{"verb": "destroy", "class": "Unknown"}]), "unknown variant `destroy`"),
        (json!([{"verb": "create", "class": "Sad"}]), "unknown variant `Sad`"),
        (json!([{"verb": "create", "class": "Unknown", "time": 1}]), "unknown field `time`"),
        (
            json!([{"verb": "create", "class": "Unknown", "probability": 2}]),
            "[0].probability: found 2, expected 0 to 1",
        ),
        (json!([{"verb": "create", "class": "Conflict", "effect": true}]), "class Conflict, expected Unknown with it"),
        (json!({}), "expected a list such as"),
    ] {
        let error = plugin.validate(&call("a", failing(&rules))).await.unwrap_err();
        assert_eq!((error.class, error.field.as_deref()), (Class::Invalid, Some("config.failures")));
        assert!(error.message.contains(wanted), "{}", error.message);
    }
    let error = plugin.validate(&call("a", json!({"seed": -1}))).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("config.seed"));
}

fn told(outcome: Outcome) -> BTreeMap<String, Secret> {
    let Outcome::Done(state) = outcome else { panic!("{outcome:?}") };
    state.credentials
}

#[tokio::test(start_paused = true)]
async fn a_token_is_told_once_and_a_rotation_makes_another_one() {
    let plugin = Simulated::new().unwrap();
    let mut call = call("alice", json!({"credentials": "both", "operation_seconds": 10}));
    let names = plugin.credentials(&call.config);
    assert_eq!((names.chosen.len(), names.minted.len()), (1, 1));
    assert_eq!(plugin.create(&call).await.unwrap_err().class, Class::Internal, "no password was chosen");
    call.credentials.insert("password".to_owned(), Secret::new("chosen"));
    let Outcome::Accepted { token, .. } = plugin.create(&call).await.unwrap() else { panic!("it takes time") };
    advance(Duration::from_secs(10)).await;
    let first = told(plugin.poll(&call, &token).await.unwrap());
    assert_eq!(first.keys().collect::<Vec<_>>(), ["token"], "the caller knows what it chose");
    assert_eq!(told(plugin.poll(&call, &token).await.unwrap()), BTreeMap::new());

    call.operation_id = "operation-2".to_owned();
    call.config = map(json!({"credentials": "both"}));
    let second = told(plugin.rotate_credentials(&call).await.unwrap());
    assert_ne!(second["token"], first["token"]);
    assert_eq!(told(plugin.suspend(&call).await.unwrap()), BTreeMap::new(), "no other verb tells them");
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_to_log_in_with_stands_in_the_directory() {
    let (plugin, folder) = (Simulated::new().unwrap(), tempfile::tempdir().unwrap());
    let call = call_in(folder.path(), "alice", json!({"credentials": "token"}));
    plugin.test_connection(&call.instance).await.unwrap();
    let issued = told(plugin.create(&call).await.unwrap());
    let mut files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(kept["credentials"]["token"], issued["token"].expose());
}

/// What was there before anybody came.
fn among_strangers(mut call: Call, directory: Option<&Path>, count: u64) -> Call {
    call.instance.settings = map(json!({"strangers": count, "directory": directory}));
    call
}

fn naming(call: Call, id: &str) -> Call {
    let remote = Some(hostwright_plugin::Remote { id: id.to_owned(), ..Default::default() });
    Call { named: Some(id.to_owned()), remote, ..call }
}

#[tokio::test(start_paused = true)]
async fn strangers_are_listed_without_a_mark_and_adopted_once() {
    let directory = tempfile::tempdir().unwrap();
    for place in [None, Some(directory.path())] {
        let plugin = Simulated::new().unwrap();
        let call = among_strangers(call("a", json!({})), place, 2);
        plugin.test_connection(&call.instance).await.unwrap();
        let listed = plugin.list(&call.instance, None).await.unwrap().items;
        let marks: Vec<_> = listed.iter().map(|remote| (remote.remote.id.as_str(), &remote.external_id)).collect();
        assert_eq!(marks, [("stranger-1", &None), ("stranger-2", &None)]);

        let named = naming(call.clone(), "stranger-2");
        assert_eq!(seen(&plugin, &named).await.unwrap().external_id, None);
        for _ in 0..2 {
            plugin.adopt(&named).await.unwrap();
        }
        let found = seen(&plugin, &call).await.unwrap();
        assert_eq!((found.remote.id.as_str(), found.external_id.as_ref()), ("stranger-2", Some(&call.external_id)));
        assert_eq!(plugin.list(&call.instance, None).await.unwrap().items.len(), 2);

        let other = Call { external_id: "test.customers.b".to_owned(), ..named.clone() };
        assert_eq!(plugin.adopt(&other).await.unwrap_err().code, "AdoptionRefused");
        let second = naming(call.clone(), "stranger-1");
        assert_eq!(plugin.adopt(&second).await.unwrap_err().code, "AdoptionRefused", "it has its remote");
        let nowhere = naming(Call { external_id: "test.customers.c".to_owned(), ..call }, "stranger-9");
        assert_eq!(plugin.adopt(&nowhere).await.unwrap_err().class, Class::NotFound);
        plugin.terminate(&named).await.unwrap();
        assert_eq!(plugin.list(&named.instance, None).await.unwrap().items.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_adoption_that_was_cut_off_between_two_files_is_one_remote_and_is_finished_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = Simulated::new().unwrap();
    let call = among_strangers(call("a", json!({})), Some(directory.path()), 1);
    plugin.test_connection(&call.instance).await.unwrap();
    let stranger = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let stranger = stranger.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let left = std::fs::read(&stranger).unwrap();
    let named = naming(call.clone(), "stranger-1");
    plugin.adopt(&named).await.unwrap();
    std::fs::write(&stranger, left).unwrap();

    let listed = plugin.list(&call.instance, None).await.unwrap().items;
    assert_eq!(listed.iter().map(|remote| remote.external_id.as_ref()).collect::<Vec<_>>(), [Some(&call.external_id)]);
    let other = Call { external_id: "test.customers.b".to_owned(), ..named.clone() };
    assert_eq!(plugin.adopt(&other).await.unwrap_err().code, "AdoptionRefused");
    plugin.adopt(&named).await.unwrap();
    assert!(!stranger.exists());
}
