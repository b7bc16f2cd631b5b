//! Suspended and ended by date: what is not paid, and what was cancelled.

use std::time::Duration;

use hostwright_plugin::{CreateUniqueness, State};
use hostwright_tests::{Provider, World, package, service};
use serde_json::{Value, json};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// A world whose package `small` suspends after 24 minutes without payment, and ends after 72.
fn lenient() -> World {
    World::new().with(package("small").overdue("24m", "72m"))
}

fn is_suspended(world: &World) -> bool {
    world.panel.server("alice").is_suspended()
}

#[tokio::test(start_paused = true)]
async fn what_is_overdue_is_suspended_and_ended_on_the_days_that_the_package_names() {
    let world = lenient().running();
    let paid_until = world.in_seconds(MINUTE);
    world.apply(&service("alice").paid_until(paid_until.as_str()));
    world.settles().await;
    let alice = world.service("alice");
    alice.is_ready();
    assert_eq!(
        alice.at("/status/nextTransition"),
        &json!({
            "verb": "Suspend", "at": later(alice.text("/spec/renewal/paidUntil"), 24 * MINUTE), "because": "Overdue"
        })
    );

    world.passes(Duration::from_mins(24)).await;
    assert!(!is_suspended(&world));
    world.passes(Duration::from_mins(1) + Duration::from_secs(30)).await;
    let alice = world.service("alice");
    assert!(is_suspended(&world));
    assert_eq!(alice.at("/status/suspendedBy"), &json!(["policy"]));
    let ends = alice.text("/status/nextTransition/at").to_owned();
    let told = format!("paid until {paid_until}; terminates {ends} unless paid");
    assert_eq!((alice.is_ready().reason(), alice.message()), ("Overdue", told.as_str()));

    world.passes(Duration::from_mins(47)).await;
    assert_eq!(world.service("alice").phase(), "Suspended");
    world.until("it is ended", |world| world.service("alice").phase() == "Terminated").await;
    assert!(world.in_seconds(0) >= ends);
    world.panel.hosts_exactly([]);
    let last = world.service("alice").text("/status/history/0/message").to_owned();
    assert!(last.ends_with(&format!("was ended: paid until {paid_until}")), "{last}");
}

/// So long after a date.
fn later(date: &str, after: i64) -> String {
    let date = date.parse::<k8s_openapi::jiff::Timestamp>();
    date.map(|date| (date + Duration::from_secs(after.unsigned_abs())).to_string()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn paying_lifts_the_suspension_of_the_policy_and_nobody_elses() {
    let world = lenient().running();
    for name in ["alice", "bob"] {
        world.apply(&service(name).paid_until(world.in_seconds(-2 * DAY)));
    }
    world
        .until("both are suspended", |world| {
            ["alice", "bob"].iter().all(|name| world.service(name).says("Suspended") == "True/Overdue")
        })
        .await;
    world.edit("bob", &json!({"suspensions": {"abuse-desk": {"reason": "TermsOfService"}}}));
    let paid_until = world.in_seconds(30 * DAY);
    for name in ["alice", "bob"] {
        world.edit(name, &json!({"renewal": {"paidUntil": paid_until}}));
    }
    world.settles().await;
    assert!(!is_suspended(&world) && world.panel.server("bob").is_suspended());
    assert_eq!(world.service("alice").is_ready().reason(), "UpToDate");
    assert_eq!(world.service("bob").at("/status/suspendedBy"), &json!(["abuse-desk"]));
    assert_eq!(world.service("bob").at("/status/overdueSince"), &Value::Null);
}

/// acceptance 7
#[tokio::test(start_paused = true)]
async fn nothing_is_ended_before_its_suspension_was_seen_for_the_time_between() {
    let provider = Provider::new(CreateUniqueness::ByExternalId);
    let world = World::simulated(&provider).with(package("small").overdue("24m", "72m")).running();
    world.apply(&service("alice").paid_until(world.in_seconds(-365 * DAY)));
    world.until("it is suspended", |world| world.service("alice").says("Suspended") == "True/Overdue").await;
    world.passes(Duration::from_mins(47)).await;
    assert_eq!(provider.remote("alice").state, State::Suspended);
    world.until("it is ended", |world| world.service("alice").phase() == "Terminated").await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_a_year_ahead_or_behind_suspends_ends_and_lifts_nothing() {
    let year = 365 * DAY;
    let world = lenient().running();
    world.apply(&service("alice").paid_until(world.in_seconds(30 * DAY)));
    world.apply(&service("bob").paid_until(world.in_seconds(-2 * DAY)));
    world.until("bob is suspended", |world| world.service("bob").says("Suspended") == "True/Overdue").await;
    for wrong in [year, -year, year] {
        world.sets_the_clock_wrong(wrong);
        for name in ["alice", "bob"] {
            world.annotate(name, "hostwright.dev/reconcile-requested-at", wrong.to_string());
        }
        world.passes(Duration::from_mins(3)).await;
        assert!(!is_suspended(&world) && world.panel.server("bob").is_suspended(), "{wrong}");
    }
    let alice = world.service("alice");
    assert_eq!(alice.text("/status/nextTransition/because"), "ClocksDisagree");
    alice.is_ready().explains("more than 2 minutes apart, so nothing is suspended or ended by date");

    world.sets_the_clock_wrong(0);
    world.passes(Duration::from_mins(50)).await;
    assert!(!is_suspended(&world), "alice has paid");
    assert_eq!(world.service("bob").phase(), "Terminated");
}

#[tokio::test(start_paused = true)]
async fn more_suspensions_than_allowed_wait_for_the_next_window_or_a_person() {
    let world = World::new().with(package("small").overdue("0s", "30d")).running();
    let limits = json!({"spec": {"limits": {"policySuspensions": {"max": 2, "per": "1h"}}}});
    world.cluster.patch("ProviderInstance", "panel-eu", &limits);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        world.apply(&service(name).paid_until(world.in_seconds(5 * 60)));
    }
    world.settles().await;
    world.passes(Duration::from_mins(10)).await;
    let suspended = |world: &World| names.iter().filter(|name| world.panel.server(name).is_suspended()).count();
    assert_eq!(suspended(&world), 2);
    let held = names.map(|name| world.service(name)).into_iter().find(|view| !view.ready()).unwrap();
    held.is_held_by("PolicySuspensionHeld").explains("hostwright.dev/release-suspensions");
    let name = names.into_iter().find(|name| !world.panel.server(name).is_suspended()).unwrap();
    world.edit(name, &json!({"suspensions": {"abuse-desk": {"reason": "TermsOfService"}}}));
    world.until("no brake for a person's own", |world| world.panel.server(name).is_suspended()).await;

    let more = json!({"metadata": {"annotations": {"hostwright.dev/release-suspensions": "10"}}});
    world.cluster.patch("ProviderInstance", "panel-eu", &more);
    world.until("all are suspended", |world| suspended(world) == 5).await;
}

/// acceptance 5
#[tokio::test(start_paused = true)]
async fn a_cancellation_ends_on_its_date_unless_it_is_withdrawn() {
    let world = World::new().with(service("alice")).with(service("bob")).running();
    world.settles().await;
    let cancellation = json!({"at": world.in_seconds(24 * MINUTE), "reason": "moving on", "requestedBy": "cust-1"});
    for name in ["alice", "bob"] {
        world.edit(name, &json!({"cancellation": cancellation}));
    }
    world.passes(Duration::from_mins(23)).await;
    assert_eq!(world.service("alice").text("/status/nextTransition/because"), "Cancelled");
    world.edit("bob", &json!({"cancellation": Value::Null}));
    world.until("alice is ended", |world| world.service("alice").phase() == "Terminated").await;
    world.passes(Duration::from_mins(24)).await;
    world.panel.hosts_exactly(["bob"]);
    assert_eq!(world.service("bob").at("/status/nextTransition"), &Value::Null);
    let last = world.service("alice").text("/status/history/0/message").to_owned();
    assert!(last.ends_with("was ended: cancelled by cust-1: moving on"), "{last}");
}

#[tokio::test(start_paused = true)]
async fn protection_holds_a_cancellation_too() {
    let world = World::new().with(service("alice").setting(&["spec", "terminationProtection"], true)).running();
    world.settles().await;
    world.edit("alice", &json!({"cancellation": {"reason": "moving on", "requestedBy": "cust-1"}}));
    world.settles().await;
    world.service("alice").is_held_by("TerminationProtected").explains("cancelled by cust-1: moving on");
    world.panel.hosts_exactly(["alice"]);
}

#[tokio::test(start_paused = true)]
async fn a_date_moves_forwards_only_unless_it_is_corrected_and_the_refusal_says_so() {
    let world = World::new();
    let date = |month: &str| format!("2027-{month}-01T00:00:00Z");
    world.apply(&service("alice").paid_until(date("03")));
    let pay =
        |renewal: Value| world.cluster.try_patch("HostingService", "alice", &json!({"spec": {"renewal": renewal}}));
    let late = pay(json!({"paidUntil": date("02")})).unwrap_err();
    assert_eq!(late.code, 422);
    for words in ["moves forwards only", "drop this write", "write corrects"] {
        assert!(late.message.contains(words), "{words}: {}", late.message);
    }
    assert_eq!(pay(json!({"paidUntil": date("02"), "corrects": date("04")})).unwrap_err().code, 422);
    pay(json!({"paidUntil": date("03")})).unwrap();
    pay(json!({"paidUntil": date("02"), "corrects": date("03")})).unwrap();
    pay(json!({"paidUntil": date("02"), "corrects": date("03")})).unwrap();
    pay(json!({"paidUntil": date("04")})).unwrap();
    assert_eq!(pay(json!({"paidUntil": date("02"), "corrects": date("03")})).unwrap_err().code, 422, "late again");

    pay(json!({"paidUntil": date("03"), "corrects": date("04")})).unwrap();
    pay(json!({"paidUntil": date("04")})).unwrap();
    let repeated = pay(json!({"paidUntil": date("03")})).unwrap_err();
    assert_eq!(
        repeated.code, 422,
        "what corrected a date once stays in the object and must not let a late payment through"
    );
    pay(json!({"paidUntil": date("04"), "corrects": null})).unwrap();
    pay(json!({"paidUntil": date("03"), "corrects": date("04")})).unwrap();

    let removed = world.cluster.try_patch("HostingService", "alice", &json!({"spec": {"renewal": null}})).unwrap_err();
    assert!(removed.code == 422 && removed.message.contains("renewal cannot be removed"), "{}", removed.message);
    let alone = json!({"terminateAfter": "1d"});
    assert!(!world.cluster.would_accept(&package("tiny").setting(&["spec", "overdue"], alone)));
}
