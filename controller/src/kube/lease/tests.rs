//! Elections on a scripted API server, under tokio's paused clock.

use axum::http::Method;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::clock::TokioClock;
use crate::kube::scripted::{Scripted, Trouble};

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/hostwright-system/leases/hostwright";

struct Process {
    leadership: Leadership,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Process {
    fn start(server: &Scripted, identity: &str) -> Self {
        let clock = Arc::new(TokioClock::starting_at(Timestamp::UNIX_EPOCH));
        let shutdown = CancellationToken::new();
        let (leadership, task) =
            run(server.client(), "hostwright-system", "hostwright", identity, clock, shutdown.clone());
        Self { leadership, shutdown, task }
    }

    /// Waits until it leads; says after how many seconds.
    async fn leads(&self) -> u64 {
        let start = Instant::now();
        self.leadership.wait_until_held().await;
        start.elapsed().as_secs()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    /// As a crash or a cut network would: nothing is renewed, nothing released.
    async fn vanish(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn spec(server: &Scripted) -> Value {
    server.get(PATH).unwrap()["spec"].clone()
}

/// Lets this much time pass, in steps that let timers in between run.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_process_leads_at_once_and_goes_on_leading() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    assert!(!first.leadership.holds());
    assert_eq!(first.leads().await, 0);
    for _ in 0..60 {
        pass(1).await;
        assert!(first.leadership.holds());
    }
    assert_eq!(spec(&server)["holderIdentity"], "first");
    assert_eq!(spec(&server)["leaseDurationSeconds"], 15);
    assert_eq!(spec(&server)["leaseTransitions"], 0);
    assert_eq!(spec(&server)["acquireTime"], "1970-01-01T00:00:00.000000Z");
}

#[tokio::test(start_paused = true)]
async fn two_processes_never_lead_at_once() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    let second = Process::start(&server, "second");
    for _ in 0..60 {
        pass(1).await;
        assert!(first.leadership.holds() && !second.leadership.holds());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_leader_vanished_is_taken_after_it_has_run_out() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    let second = Process::start(&server, "second");
    pass(7).await;
    let claim = first.leadership.clone();
    first.vanish().await;
    let waited = second.leads().await;
    assert!((10..=18).contains(&waited), "after {waited} s");
    assert!(!claim.holds());
    assert_eq!(spec(&server)["holderIdentity"], "second");
    assert_eq!(spec(&server)["leaseTransitions"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_believing_before_another_takes_over() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    let second = Process::start(&server, "second");
    server.trouble(&Method::PUT, (0..12).map(|_| Trouble::Refuse(503)));
    let mut last_held = 0;
    for second_passed in 1..=30 {
        pass(1).await;
        let (old, new) = (first.leadership.holds(), second.leadership.holds());
        assert!(!(old && new), "both lead after {second_passed} s");
        if old && last_held + 1 == second_passed {
            last_held = second_passed;
        }
    }
    assert!((5..=10).contains(&last_held), "held for {last_held} s");
}

#[tokio::test(start_paused = true)]
async fn a_claim_ends_on_time_even_when_the_api_server_hangs() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    server.trouble(&Method::GET, (0..50).map(|_| Trouble::Hang));
    pass(9).await;
    assert!(first.leadership.holds());
    pass(2).await;
    assert!(!first.leadership.holds());
}

#[tokio::test(start_paused = true)]
async fn a_leader_comes_through_a_hiccup() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    server.trouble(&Method::PUT, [Trouble::Refuse(503)]);
    server.trouble(&Method::GET, [Trouble::Hang]);
    for _ in 0..20 {
        pass(1).await;
        assert!(first.leadership.holds());
    }
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_without_waiting_for_its_end() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    let second = Process::start(&server, "second");
    pass(1).await;
    let claim = first.leadership.clone();
    first.stop().await;
    assert!(!claim.holds());
    assert_eq!(spec(&server)["holderIdentity"], "");
    assert!(second.leads().await <= 2);
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_that_take_a_free_lease_at_once_one_leads() {
    let server = Scripted::default();
    server.put(PATH, json!({"metadata": {"name": "hostwright"}, "spec": {"holderIdentity": ""}}));
    let processes = ["first", "second", "third"].map(|identity| Process::start(&server, identity));
    pass(30).await;
    assert_eq!(processes.iter().filter(|process| process.leadership.holds()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_time_on_the_wall_decides_nothing() {
    let server = Scripted::default();
    let far_ahead =
        json!({"holderIdentity": "gone", "leaseDurationSeconds": 15, "renewTime": "2999-01-01T00:00:00.000000Z"});
    server.put(PATH, json!({"metadata": {"name": "hostwright"}, "spec": far_ahead}));
    let process = Process::start(&server, "first");
    assert!((15..=18).contains(&process.leads().await));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_took_over_is_given_up() {
    let server = Scripted::default();
    let first = Process::start(&server, "first");
    first.leads().await;
    let mut taken = server.get(PATH).unwrap();
    taken["spec"]["holderIdentity"] = json!("second");
    server.put(PATH, taken);
    pass(6).await;
    assert!(!first.leadership.holds());
    assert_eq!(spec(&server)["holderIdentity"], "second");
}

#[tokio::test(start_paused = true)]
async fn a_process_alone_always_leads() {
    let leadership = Leadership::always();
    leadership.wait_until_held().await;
    advance(Duration::from_hours(24)).await;
    assert!(leadership.holds());
}

#[tokio::test(start_paused = true)]
async fn who_led_when_the_namespace_was_deleted_leads_until_it_is_gone_and_nobody_else_does() {
    let server = hostwright_apiserver::Server::new(hostwright_apiserver::Config::default());
    let client = Client::new(server.router(), "default");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let named = |name: &str| ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata: named("hostwright-system"), ..Namespace::default() };
    namespaces.create(&params(), &namespace).await.unwrap();
    let start = |identity: &str| {
        let clock = Arc::new(TokioClock::starting_at(Timestamp::UNIX_EPOCH));
        run(client.clone(), "hostwright-system", "hostwright", identity, clock, CancellationToken::new()).0
    };
    let first = start("first");
    first.wait_until_held().await;
    let second = start("second");

    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "hostwright-system");
    let metadata = ObjectMeta { finalizers: Some(vec!["example.com/waits".to_owned()]), ..named("held") };
    maps.create(&params(), &ConfigMap { metadata, ..ConfigMap::default() }).await.unwrap();
    namespaces.delete("hostwright-system", &DeleteParams::default()).await.unwrap();
    for _ in 0..60 {
        pass(1).await;
        assert!(first.holds() && !second.holds());
    }
    let let_go = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("held", &PatchParams::default(), &let_go).await.unwrap();
    pass(15).await;
    assert!(!first.holds() && !second.holds());
}
