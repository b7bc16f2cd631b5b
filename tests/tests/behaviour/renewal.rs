//! What is paid at the provider: each period once, whatever happens to the payment, the answer or the controller.

use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Class, CreateUniqueness, Error, RenewSupport};
use hostwright_tests::crashes::at_every_request;
use hostwright_tests::{Crash, Fault, Provider, World, package, service};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// A provider that sells periods.
fn selling(renew: RenewSupport) -> Arc<Provider> {
    Provider::new(CreateUniqueness::ByExternalId).able(|capabilities| capabilities.renew = renew)
}

/// Alice has a server there, paid for a month.
async fn paid_at(provider: &Arc<Provider>) -> World {
    let world = World::simulated(provider).running();
    world.apply(&service("alice").paid_until(world.in_seconds(30 * DAY)));
    world.settles().await;
    assert_eq!(bought(provider), [date(&world, "alice")]);
    world
}

fn pay(world: &World, service: &str, days: i64) -> Timestamp {
    world.edit(service, &json!({"renewal": {"paidUntil": world.in_seconds(days * DAY)}}));
    date(world, service)
}

fn date(world: &World, service: &str) -> Timestamp {
    let text = world.service(service).text("/spec/renewal/paidUntil").to_owned();
    text.parse().unwrap_or_default()
}

fn bought(provider: &Provider) -> Vec<Timestamp> {
    provider.remote("alice").paid
}

fn unknown() -> Error {
    Error::new(Class::Unknown, "lost", "the connection broke")
}

/// acceptance 1
#[tokio::test(start_paused = true)]
async fn one_payment_delivered_thrice_late_out_of_order_and_by_two_writers_renews_once() {
    let provider = selling(RenewSupport::None);
    let world = paid_at(&provider).await;
    let first = date(&world, "alice");
    let earlier = world.in_seconds(45 * DAY);
    let second = pay(&world, "alice", 60);
    for manager in ["billing", "portal", "billing"] {
        let payment = service("alice").paid_until(second.to_string());
        drop(world.cluster.try_apply_as(manager, &payment));
        world.settles().await;
    }
    let late = json!({"spec": {"renewal": {"paidUntil": earlier}}});
    let refusal = world.cluster.try_patch("HostingService", "alice", &late).unwrap_err();
    assert!(refusal.message.contains("a payment for an earlier date is covered already"), "{}", refusal.message);
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!(bought(&provider), [first, second]);
    assert_eq!(alice.is_ready().text("/status/renewedUntil"), second.to_string());
    assert_eq!(alice.text("/status/history/0/message"), format!("renewed remote 1 on panel-eu until {second}"));
}

#[test]
fn a_death_at_any_request_of_a_renewal_buys_the_period_once() {
    at_every_request("renew", &|crashes: Vec<Crash>| async move {
        let provider = selling(RenewSupport::Observable);
        let world = paid_at(&provider).await;
        world.wire.arm(&crashes);
        let first = date(&world, "alice");
        let second = pay(&world, "alice", 60);
        world
            .until("it is renewed", |world| world.service("alice").text("/status/renewedUntil") == second.to_string())
            .await;
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!(bought(&provider), [first, second]);
        world
    });
}

#[test]
fn a_death_at_any_request_of_a_renewal_buys_nothing_twice_where_nobody_can_tell() {
    at_every_request("renew where nobody can tell", &|crashes: Vec<Crash>| async move {
        let provider = selling(RenewSupport::None);
        let world = paid_at(&provider).await;
        world.wire.arm(&crashes);
        let first = date(&world, "alice");
        let second = pay(&world, "alice", 60);
        let is_over = |world: &World| {
            let alice = world.service("alice");
            let renewed = alice.text("/status/renewedUntil") == second.to_string();
            renewed || alice.at("/status/renewalInDoubt") != &Value::Null
        };
        world.until("it is renewed or in doubt", is_over).await;
        world.settles().await;
        if world.service("alice").at("/status/renewalInDoubt") != &Value::Null {
            let found = if bought(&provider).contains(&second) { "renewed" } else { "repeat" };
            world.annotate("alice", "hostwright.dev/resolve-renew", found);
        }
        world
            .until("it is renewed", |world| world.service("alice").text("/status/renewedUntil") == second.to_string())
            .await;
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!(bought(&provider), [first, second]);
        world
    });
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_settled_by_looking_where_the_date_can_be_read_back() {
    for landed in [Fault::RefusedAfterEffect(unknown()), Fault::Refused(unknown())] {
        let provider = selling(RenewSupport::Observable);
        let world = paid_at(&provider).await;
        let first = date(&world, "alice");
        provider.fails("renew", 1, landed);
        let second = pay(&world, "alice", 60);
        world.settles().await;
        world.service("alice").is_ready();
        assert_eq!(bought(&provider), [first, second]);
    }
}

/// Arriving after a later one, the repeated renewal would set the date back.
#[tokio::test(start_paused = true)]
async fn a_renewal_that_may_have_arrived_is_finished_before_a_later_one() {
    let provider = selling(RenewSupport::Idempotent);
    let world = paid_at(&provider).await;
    let first = date(&world, "alice");
    provider.fails("renew", 3, Fault::RefusedAfterEffect(unknown()));
    let second = pay(&world, "alice", 60);
    world.until("it was tried", |_| provider.count("renew") > 0).await;
    let third = pay(&world, "alice", 90);
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(bought(&provider), [first, second, second, second, second, third]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_tell_a_person_is_asked_and_nothing_else_waits() {
    let provider = selling(RenewSupport::None);
    let world = paid_at(&provider).await;
    provider.fails("renew", 1, Fault::RefusedAfterEffect(unknown()));
    let second = pay(&world, "alice", 60);
    world.settles().await;
    let alice = world.service("alice");
    alice.is_held_by("RenewOutcomeUnknown").explains("annotate hostwright.dev/resolve-renew=renewed or =repeat");
    assert_eq!(alice.text("/status/renewalInDoubt"), second.to_string());

    world.edit("alice", &json!({"desiredStatus": "Suspended"}));
    world.until("it is suspended", |world| world.service("alice").phase() == "Suspended").await;
    world.edit("alice", &json!({"desiredStatus": "Active", "packageRef": {"name": "large"}}));
    world.until("it is scaled", |_| provider.remote("alice").config["memory"] == json!(2048)).await;
    assert_eq!(provider.count("renew"), 1);

    world.annotate("alice", "hostwright.dev/resolve-renew", "renewed");
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!(alice.is_ready().text("/status/renewedUntil"), second.to_string());
    assert_eq!(alice.at("/metadata/annotations/hostwright.dev~1resolve-renew"), &Value::Null);
    assert_eq!(provider.count("renew"), 1);

    // Nothing is in doubt now, and the word must not answer for what will be.
    world.annotate("alice", "hostwright.dev/resolve-renew", "renewed");
    world.settles().await;
    assert_eq!(world.service("alice").at("/metadata/annotations/hostwright.dev~1resolve-renew"), &Value::Null);
    let third = pay(&world, "alice", 90);
    provider.fails("renew", 1, Fault::Refused(unknown()));
    world.settles().await;
    world.service("alice").is_held_by("RenewOutcomeUnknown");
    world.annotate("alice", "hostwright.dev/resolve-renew", "repeat");
    world.settles().await;
    assert_eq!(bought(&provider).last(), Some(&third));
}

/// acceptance 6
#[tokio::test(start_paused = true)]
async fn what_was_cancelled_is_not_renewed_until_that_is_withdrawn() {
    let provider = selling(RenewSupport::Idempotent);
    let world = paid_at(&provider).await;
    let cancellation = json!({"at": world.in_seconds(60 * DAY), "reason": "moving on", "requestedBy": "cust-1"});
    world.edit("alice", &json!({"cancellation": cancellation}));
    let second = pay(&world, "alice", 60);
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(provider.count("renew"), 0);
    world.edit("alice", &json!({"cancellation": null}));
    world.settles().await;
    assert_eq!(bought(&provider).last(), Some(&second));
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_corrected_backwards_buys_nothing_and_the_next_payment_only_what_is_new() {
    let provider = selling(RenewSupport::None);
    let world = paid_at(&provider).await;
    let (first, second) = (date(&world, "alice"), pay(&world, "alice", 90));
    world.settles().await;
    let corrected = json!({"renewal": {"paidUntil": world.in_seconds(60 * DAY), "corrects": second.to_string()}});
    world.edit("alice", &corrected);
    world.settles().await;
    pay(&world, "alice", 80);
    world.settles().await;
    assert_eq!(bought(&provider), [first, second]);
    let third = pay(&world, "alice", 120);
    world.settles().await;
    world.service("alice").is_ready();
    assert_eq!(bought(&provider), [first, second, third]);
}

#[tokio::test(start_paused = true)]
async fn neither_a_change_that_cannot_succeed_nor_a_missing_package_costs_the_period_that_was_paid() {
    let provider = selling(RenewSupport::Idempotent);
    let world = paid_at(&provider).await;
    provider.fails("scale", usize::MAX, Fault::Refused(Error::new(Class::Invalid, "no", "not that much")));
    world.edit("alice", &json!({"packageRef": {"name": "large"}}));
    world.shows("alice", "ProviderRefused").await;
    let second = pay(&world, "alice", 60);
    world.until("it is renewed", |_| bought(&provider).last() == Some(&second)).await;
    world.edit("alice", &json!({"packageRef": {"name": "nowhere"}}));
    world.until("it has no package", |world| world.service("alice").says("Accepted") == "False/PackageNotFound").await;
    let third = pay(&world, "alice", 90);
    world.until("it is renewed", |_| bought(&provider).last() == Some(&third)).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_suspended_is_renewed_all_the_same() {
    let provider = selling(RenewSupport::Observable);
    let world = paid_at(&provider).await;
    world.edit("alice", &json!({"suspensions": {"abuse-desk": {"reason": "TermsOfService"}}}));
    world.settles().await;
    let second = pay(&world, "alice", 60);
    world.settles().await;
    assert_eq!(bought(&provider).last(), Some(&second));
    assert_eq!(world.service("alice").is_ready().reason(), "TermsOfService");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_to_be_renewed_the_date_follows_without_a_request() {
    let world = World::new().with(package("small").overdue("24h", "72h")).running();
    world.apply(&service("alice").paid_until(world.in_seconds(30 * DAY)));
    world.settles().await;
    let requests = |world: &World| world.panel.requests("POST", "") + world.panel.requests("PATCH", "");
    let before = requests(&world);
    let second = pay(&world, "alice", 60);
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().text("/status/renewedUntil"), second.to_string());
    assert_eq!(requests(&world), before);
}

#[tokio::test(start_paused = true)]
async fn status_that_is_lost_buys_nothing_twice() {
    for renew in [RenewSupport::Observable, RenewSupport::None] {
        let provider = selling(renew);
        let world = paid_at(&provider).await;
        let (first, second) = (date(&world, "alice"), pay(&world, "alice", 60));
        world.settles().await;
        world.cluster.replace_status("HostingService", "alice", &json!({"observedGeneration": -1}));
        world.passes(Duration::from_mins(2)).await;
        assert_eq!(bought(&provider), [first, second], "{renew:?}");
    }
}
