//! Git applies its manifest by force again and again, as Flux does, and billing writes its own fields beside it.

use hostwright_tests::{Manifest, Refusal, World, package, service};
use serde_json::{Map, Value, json};

const GIT: &str = "kustomize-controller";
const BILLING: &str = "billing";
const DAY: i64 = 86_400;

fn sync(world: &World, manifest: &Manifest) -> Result<Value, Refusal> {
    world.cluster.try_apply_as(GIT, manifest)
}

#[track_caller]
fn syncs(world: &World, manifest: &Manifest) {
    let answer = sync(world, manifest);
    assert!(answer.is_ok(), "{answer:?}");
}

/// Alice's service came from git, and is ready.
async fn from_git() -> World {
    let world = World::new().running();
    syncs(&world, &service("alice"));
    world.settles().await;
    world.service("alice").is_ready();
    world
}

fn writes(world: &World, manager: &str, spec: &Value) {
    world.cluster.patch_as(manager, "HostingService", "alice", &json!({"spec": spec}));
}

fn paid(world: &World, days: i64) -> Value {
    json!({"renewal": {"paidUntil": world.in_seconds(days * DAY)}})
}

fn cancelled(world: &World) -> Value {
    json!({"cancellation": {"at": world.in_seconds(60 * DAY), "reason": "moving on", "requestedBy": "cust-1"}})
}

fn held() -> Value {
    json!({"suspensions": {"abuse-desk": {"reason": "TermsOfService"}}})
}

#[tokio::test(start_paused = true)]
async fn a_forced_sync_takes_nothing_from_billing_and_no_suspension() {
    let world = from_git().await;
    for written in [paid(&world, 30), cancelled(&world), held(), paid(&world, 60)] {
        writes(&world, BILLING, &written);
        let before = world.service("alice").at("/spec").clone();
        for _ in 0..2 {
            syncs(&world, &service("alice"));
            world.settles().await;
        }
        assert_eq!(world.service("alice").at("/spec"), &before);
    }
    assert!(world.panel.server("alice").is_suspended());

    writes(&world, BILLING, &json!({"cancellation": null, "suspensions": null}));
    syncs(&world, &service("alice"));
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!((alice.at("/spec/cancellation"), alice.at("/spec/suspensions")), (&Value::Null, &Value::Null));
    assert!(!world.panel.server("alice").is_suspended());
}

#[tokio::test(start_paused = true)]
async fn a_sync_takes_back_what_is_gits_own_and_leaves_the_rest() {
    let world = from_git().await;
    writes(
        &world,
        BILLING,
        &json!({"desiredStatus": "Suspended", "renewal": {"paidUntil": world.in_seconds(30 * DAY)}}),
    );
    world.settles().await;
    let paid_until = world.service("alice").at("/spec/renewal").clone();
    syncs(&world, &service("alice").ordering("large"));
    world.settles().await;
    let alice = world.service("alice");
    assert_eq!((alice.text("/spec/desiredStatus"), alice.at("/spec/renewal")), ("Active", &paid_until));
    assert_eq!(alice.is_ready().at("/status/lastApplied/package"), "large");
}

#[tokio::test(start_paused = true)]
async fn a_manifest_with_a_date_that_billing_has_passed_is_refused_whole_and_says_why() {
    let world = from_git().await;
    let trap = service("alice").ordering("large").paid_until(world.in_seconds(30 * DAY));
    writes(&world, BILLING, &paid(&world, 60));
    world.settles().await;
    let before = world.service("alice").at("/spec").clone();
    let refusal = sync(&world, &trap).unwrap_err();
    assert_eq!(refusal.code, 422);
    assert!(refusal.message.contains("spec.renewal: Invalid value"), "{}", refusal.message);
    assert!(refusal.message.contains("paidUntil moves forwards only"), "{}", refusal.message);
    world.settles().await;
    assert_eq!(world.service("alice").at("/spec"), &before);
    syncs(&world, &service("alice").ordering("large"));
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().at("/status/lastApplied/package"), "large");
}

#[tokio::test(start_paused = true)]
async fn a_manifest_with_a_later_date_takes_it_over_until_billing_writes_again() {
    let world = from_git().await;
    writes(&world, BILLING, &paid(&world, 30));
    let given_away = world.in_seconds(90 * DAY);
    syncs(&world, &service("alice").paid_until(given_away.as_str()));
    assert_eq!(world.service("alice").text("/spec/renewal/paidUntil"), given_away);

    let refusal = sync(&world, &service("alice")).unwrap_err();
    assert_eq!(refusal.code, 422, "{}", refusal.message);
    assert_eq!(world.service("alice").text("/spec/renewal/paidUntil"), given_away);

    let earned = world.in_seconds(60 * DAY);
    writes(&world, BILLING, &json!({"renewal": {"paidUntil": earned, "corrects": given_away}}));
    for _ in 0..2 {
        syncs(&world, &service("alice"));
    }
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().text("/spec/renewal/paidUntil"), earned);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_in_git_comes_back_after_it_was_withdrawn() {
    let world = from_git().await;
    let trap = service("alice").setting(&["spec", "cancellation"], cancelled(&world)["cancellation"].clone());
    syncs(&world, &trap);
    writes(&world, BILLING, &json!({"cancellation": null}));
    syncs(&world, &trap);
    world.settles().await;
    assert_eq!(world.service("alice").text("/status/nextTransition/because"), "Cancelled");
    syncs(&world, &service("alice"));
    world.settles().await;
    assert_eq!(world.service("alice").is_ready().at("/status/nextTransition"), &Value::Null);
}

/// What Flux does before it applies: what a manager has whose name begins with `kubectl` becomes Flux's own, so that applying
/// a manifest without it removes it.
fn takes_over_edits_by_hand(world: &World) {
    let mut managers = world.service("alice").at("/metadata/managedFields").as_array().cloned().unwrap_or_default();
    let by_hand = |entry: &Value| entry["manager"].as_str().is_some_and(|name| name.starts_with("kubectl"));
    let edits: Vec<Value> = managers.iter().filter(|entry| by_hand(entry)).cloned().collect();
    managers.retain(|entry| !by_hand(entry));
    for own in managers.iter_mut().filter(|entry| entry["manager"] == GIT) {
        for edit in &edits {
            unite(&mut own["fieldsV1"], &edit["fieldsV1"]);
        }
    }
    world.cluster.patch_as(GIT, "HostingService", "alice", &json!({"metadata": {"managedFields": managers}}));
}

fn unite(into: &mut Value, fields: &Value) {
    for (key, inner) in fields.as_object().unwrap_or(&Map::new()) {
        unite(&mut into[key], inner);
    }
    if into.is_null() {
        *into = json!({});
    }
}

#[tokio::test(start_paused = true)]
async fn flux_undoes_what_was_written_as_kubectl_and_nothing_under_another_name() {
    for (manager, stays) in [("kubectl-patch", false), (BILLING, true)] {
        let world = from_git().await;
        writes(&world, manager, &held());
        writes(&world, manager, &cancelled(&world));
        takes_over_edits_by_hand(&world);
        syncs(&world, &service("alice"));
        world.settles().await;
        let alice = world.service("alice");
        assert_eq!(!alice.at("/spec/suspensions/abuse-desk").is_null(), stays, "{manager}: {:#}", alice.at("/spec"));
        assert_eq!(!alice.at("/spec/cancellation").is_null(), stays, "{manager}: {:#}", alice.at("/spec"));
    }
}

#[tokio::test(start_paused = true)]
async fn flux_cannot_undo_a_payment_that_was_written_as_kubectl() {
    let world = from_git().await.with(package("small").overdue("24m", "72m"));
    writes(&world, "kubectl-patch", &paid(&world, 30));
    takes_over_edits_by_hand(&world);
    let refusal = sync(&world, &service("alice")).unwrap_err();
    assert!(refusal.message.contains("renewal cannot be removed"), "{}", refusal.message);
    world.settles().await;
    assert!(!world.service("alice").is_ready().text("/spec/renewal/paidUntil").is_empty());
}
